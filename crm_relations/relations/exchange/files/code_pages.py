"""Which encoding a text file is in. Imports no frappe.

General detectors need long texts: on a file of a few addresses they mistake Mac Roman for a Baltic code page. Names and
addresses are almost pure ASCII, so the few other characters decide: read in the right code page they are letters
between letters, read in a wrong one they are signs inside words or capitals behind small letters.
"""

import codecs
import re
import unicodedata

from crm_relations.relations.exchange.files.unreadable import Unreadable, _

_MARKS = (
	(codecs.BOM_UTF8, "utf-8-sig"),
	(codecs.BOM_UTF32_LE, "utf-32"),
	(codecs.BOM_UTF32_BE, "utf-32"),
	(codecs.BOM_UTF16_LE, "utf-16"),
	(codecs.BOM_UTF16_BE, "utf-16"),
)
#: in the order of preference where the text does not decide: Windows, old Macs, DOS, Central European Windows
_CODE_PAGES = ("cp1252", "mac_roman", "cp850", "cp1250")
#: common in the languages of each code page; a rare letter is rather a mistake
_COMMON = {
	"cp1252": "äöüÄÖÜßàâçèéêëîïñóôùûáíúåæøÅÆØÉŒœ",
	"mac_roman": "äöüÄÖÜßàâçèéêëîïñóôùûáíúåæøÅÆØÉ",
	"cp850": "äöüÄÖÜßàâçèéêëîïñóôùûáíúåæøÅÆØÉ",
	"cp1250": "äöüÄÖÜßąćęłńśźżĄĆĘŁŃŚŹŻčďěňřšťůžČĎĚŇŘŠŤŮŽáéíóúýőűŐŰţşăâîŢŞ",
}
_SIGNS = "€§°²³–—‘’“”„‚«»…·®©™½¼¡¿´º"
#: so much of the text is looked at
_SAMPLE = 200_000
_WORDS = re.compile(r"\S*[^\x00-\x7f]\S*")


def decode(content: bytes) -> tuple[str, str]:
	"""Return the text and its encoding: by its mark, UTF-16 without one, UTF-8 if valid, else the code page that fits.

	:raises Unreadable: the mark promises an encoding that the file is not in
	"""
	for mark, encoding in _MARKS:
		if content.startswith(mark):
			try:
				return content.decode(encoding), encoding
			except UnicodeDecodeError as error:
				raise Unreadable(
					_("The file says that it is {0}, but it is not. Save it again as UTF-8."), encoding
				) from error
	if encoding := _without_mark(content):
		return content.decode(encoding), encoding
	try:
		return content.decode("utf-8"), "utf-8"
	except UnicodeDecodeError:
		pass
	for encoding in sorted(_CODE_PAGES, key=lambda page: _strangeness(content[:_SAMPLE], page)):
		try:
			return content.decode(encoding), encoding
		except UnicodeDecodeError:
			continue
	return content.decode("latin-1"), "latin-1"


def _without_mark(content: bytes) -> str:
	"""UTF-16 without its mark: every other byte of ASCII text is zero."""
	sample = content[: 4096 - len(content) % 2]
	half = len(sample) // 2
	if half < 4 or len(content) % 2:
		return ""
	for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
		if zeros.count(0) > half * 0.7:
			try:
				content.decode(encoding)
			except UnicodeDecodeError:
				continue
			return encoding
	return ""


def _strangeness(sample: bytes, encoding: str) -> float:
	"""How little the text looks like names and addresses in this code page; 0 for a perfect fit."""
	text = sample.decode(encoding, errors="replace")
	common = _COMMON[encoding]
	score = 0.0
	for word in _WORDS.findall(text):
		for place, char in enumerate(word):
			if char.isascii():
				continue
			before = word[place - 1] if place else ""
			after = word[place + 1] if place + 1 < len(word) else ""
			inside = before.isalpha() or after.isalpha()
			if char == "\ufffd" or unicodedata.category(char) in ("Cc", "Cn", "Co"):
				score += 20
			elif char in common:
				score += (
					3 if char.isupper() and before.isalpha() and (before.islower() or after.islower()) else 0
				)
			elif char.isalpha():
				score += 2
			elif char in _SIGNS:
				score += 3 if before.isalpha() and after.isalpha() and char not in "’‘´·" else 0.2
			else:
				score += 5 if inside else 1
	return score

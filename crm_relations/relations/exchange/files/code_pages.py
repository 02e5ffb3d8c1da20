"""Detect the encoding of a text file. Imports no frappe.

General detectors need long texts: on a file of a few addresses they mistake Mac Roman for a Baltic code page.
Names and addresses are almost pure ASCII, so the few other characters decide. Read in the right code page,
they are letters between letters. Read in a wrong one, they are symbols inside words or capitals after small
letters.
"""

import codecs
import io
import re
import unicodedata
from typing import Any, BinaryIO

from crm_relations.relations.exchange.files.unreadable import Unreadable, _

_MARKS = (
	(codecs.BOM_UTF8, "utf-8-sig"),
	(codecs.BOM_UTF32_LE, "utf-32"),
	(codecs.BOM_UTF32_BE, "utf-32"),
	(codecs.BOM_UTF16_LE, "utf-16"),
	(codecs.BOM_UTF16_BE, "utf-16"),
)
#: in the order of preference if the text does not decide: Windows, old Macs, DOS, Central European Windows
_CODE_PAGES = ("cp1252", "mac_roman", "cp850", "cp1250")
#: common in the languages of each code page; a rare letter is more likely a mistake
_COMMON = {
	"cp1252": "äöüÄÖÜßàâçèéêëîïñóôùûáíúåæøÅÆØÉŒœ",
	"mac_roman": "äöüÄÖÜßàâçèéêëîïñóôùûáíúåæøÅÆØÉ",
	"cp850": "äöüÄÖÜßàâçèéêëîïñóôùûáíúåæøÅÆØÉ",
	"cp1250": "äöüÄÖÜßąćęłńśźżĄĆĘŁŃŚŹŻčďěňřšťůžČĎĚŇŘŠŤŮŽáéíóúýőűŐŰţşăâîŢŞ",
}
_SIGNS = "€§°²³–—‘’“”„‚«»…·®©™½¼¡¿´º"
#: number of characters that are examined
_SAMPLE = 200_000
#: bytes that are read at a time
_BLOCK = 1 << 16
_WORDS = re.compile(r"\S*[^\x00-\x7f]\S*")


def decode(content: bytes) -> tuple[str, str]:
	"""Return the text and its encoding; see `encoding_of`."""
	encoding = encoding_of(io.BytesIO(content))
	return content.decode(encoding), encoding


def encoding_of(stream: BinaryIO) -> str:
	"""Return the encoding of a file: by its mark, UTF-16 without one, UTF-8 if valid, else the best code
	page.

	Reads the file in blocks and leaves it at its beginning.

	:raises Unreadable: the mark announces an encoding that the file does not have
	"""
	stream.seek(0)
	sample = stream.read(_SAMPLE)
	for mark, encoding in _MARKS:
		if sample.startswith(mark):
			if not _is_in(stream, encoding):
				raise Unreadable(
					_("The file says that it is {0}, but it is not. Save it again as UTF-8."), encoding
				)
			return encoding
	if encoding := _without_mark(stream, sample[:4096]):
		return encoding
	if _is_in(stream, "utf-8"):
		return "utf-8"
	pages = sorted(_CODE_PAGES, key=lambda page: _strangeness(sample, page))
	return next((encoding for encoding in pages if _is_in(stream, encoding)), "latin-1")


def text_of(stream: BinaryIO, encoding: str, newline: str | None) -> io.TextIOWrapper:
	"""Return a reader of the text from its beginning. The caller closes the stream."""
	stream.seek(0)
	unclosed: Any = _Unclosed(stream)  # the type of the argument asks for more than a reader uses
	return io.TextIOWrapper(unclosed, encoding=encoding, newline=newline)


class _Unclosed(io.BufferedIOBase):
	"""A stream that a reader does not close when it is no longer needed."""

	def __init__(self, stream: BinaryIO) -> None:
		self._stream = stream

	def readable(self) -> bool:
		return True

	def read(self, size: int | None = -1) -> bytes:
		return self._stream.read(-1 if size is None else size)

	def read1(self, size: int = -1) -> bytes:
		return self._stream.read(_BLOCK if size < 0 else size)


def _is_in(stream: BinaryIO, encoding: str) -> bool:
	"""Tell whether the whole file can be decoded."""
	decoder = codecs.getincrementaldecoder(encoding)()
	stream.seek(0)
	try:
		while block := stream.read(_BLOCK):
			decoder.decode(block)
		decoder.decode(b"", final=True)
	except UnicodeDecodeError:
		return False
	finally:
		stream.seek(0)
	return True


def _without_mark(stream: BinaryIO, sample: bytes) -> str:
	"""Detect UTF-16 without its mark: every other byte of ASCII text is zero."""
	half = len(sample) // 2
	if half < 4 or stream.seek(0, io.SEEK_END) % 2:
		return ""
	for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
		if zeros.count(0) > half * 0.7 and _is_in(stream, encoding):
			return encoding
	return ""


def _strangeness(sample: bytes, encoding: str) -> float:
	"""Return how little the text looks like names and addresses in this code page; 0 for a perfect match."""
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

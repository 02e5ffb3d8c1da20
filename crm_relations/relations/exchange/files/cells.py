"""Read cells: clean text, dates, numbers, checks, telephone numbers and postal codes as programs write them.

Imports no frappe.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import phonenumbers

from crm_relations.relations.exchange.files.unreadable import Unreadable, _

#: direction marks, zero-width blanks and soft hyphens that copying adds
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2061-\u2064\u2066-\u2069\ufeff]")
#: joiners belong to Persian words and to emoji, and nowhere else
_JOINER = re.compile("(?<=[\x00-\u024f])[\u200c\u200d]|[\u200c\u200d](?=[\x00-\u024f])|^[\u200c\u200d]")
_BLANKS = re.compile("[\u00a0\u2007\u202f\u2009\u3000]")

#: what programs write into an empty cell
_EMPTY = frozenset(
	{
		"unspecified",
		"keine angabe",
		"k. a.",
		"k.a.",
		"nicht angegeben",
		"n/a",
		"#n/a",
		"#nv",
		"[not provided]",
		"[nicht bereitgestellt]",
		"[nicht angegeben]",
		"not provided",
		"not specified",
		"(none)",
		"(keine)",
		"(leer)",
		"(blank)",
		"\\n",
		"-",
		"--",
		"---",
	}
)
#: length of the longest of them
_LONGEST = 24
_EMPTY_DATE = re.compile(r"0{1,4}[-./ ]0{1,2}[-./ ]0{1,4}\.?( 0{1,2}:00(:00)?)?")


def clean(text: str) -> str:
	"""Return the text with composed letters (NFC), without invisible characters, and with plain blanks."""
	text = text.strip()
	if "\r" in text:
		text = text.replace("\r\n", "\n")
	if text.isascii():
		return text
	text = _JOINER.sub("", _INVISIBLE.sub("", text))
	return unicodedata.normalize("NFC", _BLANKS.sub(" ", text)).strip()


def is_empty(text: str) -> bool:
	"""Tell whether the cell is a placeholder: `0/0/00`, `Unspecified`, `Keine Angabe`, `NULL`."""
	bare = text.strip()
	if not bare or len(bare) > _LONGEST:
		return not bare
	if bare[0] == "0":
		return bool(_EMPTY_DATE.fullmatch(bare))
	return bare == "NULL" or bare.casefold() in _EMPTY


# ── dates ──────────────────────────────────────────────────────────────────────────────────────

DAY_FIRST, MONTH_FIRST = "Day before Month", "Month before Day"
#: Apple and Outlook store a birthday without a year in this year
NO_YEAR = 1604
_SLASHES = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{2}|\d{4})")
_DOTS = re.compile(r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{2}|\d{4})")
_ISO = re.compile(r"(\d{4})([-./]?)(\d{1,2})\2(\d{1,2})")
_WORDS_FIRST = re.compile(r"([^\W\d]+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{2,4})")
_WORDS_SECOND = re.compile(r"(\d{1,2})(?:\.|st|nd|rd|th)?[ -]([^\W\d]+)\.?,?[ -](\d{2,4})")
_WITHOUT_YEAR = re.compile(r"--(\d{2})-?(\d{2})|(\d{1,2})\.(\d{1,2})\.")
_TIME = re.compile(
	r"[T ,]+\d{1,2}:\d{2}(:\d{2})?(\.\d+)?\s*(am|pm)?\s*(z|utc|[+-]\d{2}:?\d{2})?$", re.IGNORECASE
)
_SERIAL = re.compile(r"[1-9]\d{4}([.,]\d+)?")
_MONTHS = {
	name: number
	for number, names in enumerate(
		(
			"jan januar january jänner",
			"feb februar february feber",
			"mar mär märz march mrz",
			"apr april",
			"may mai",
			"jun juni june",
			"jul juli july",
			"aug august",
			"sep sept september",
			"oct okt oktober october",
			"nov november",
			"dec dez dezember december",
		),
		1,
	)
	for name in names.split()
}


@dataclass(frozen=True)
class DayAndMonth:
	"""A birthday without a year."""

	month: int
	day: int

	def __str__(self) -> str:
		return f"{self.day:02}.{self.month:02}."


def date_order(texts: Iterable[str]) -> tuple[str, list[str]]:
	"""Decide for a whole file whether days or months come first in `3/4/80`.

	:return: `DAY_FIRST` or `MONTH_FIRST`, else an empty string; and examples if nothing or both is proved
	"""
	found = DateOrder()
	for text in texts:
		found.add(text)
	return found.decided()


class DateOrder:
	"""Evidence from the dates of a file so far on the order of days and months."""

	def __init__(self) -> None:
		self._days_first = self._months_first = False
		self._open: list[str] = []

	def add(self, text: str) -> None:
		"""Take one more date into account; other texts are ignored."""
		match = _SLASHES.fullmatch(_TIME.sub("", text.strip()))
		if not match:
			return
		first, second = int(match.group(1)), int(match.group(3))
		self._days_first |= 12 < first < 32 and second < 13
		self._months_first |= 12 < second < 32 and first < 13
		if first < 13 and second < 13 and first != second and len(self._open) < 3:
			self._open.append(text)

	def decided(self) -> tuple[str, list[str]]:
		"""Return the order, or an empty string with examples: see `date_order`."""
		if self._days_first != self._months_first:
			return (DAY_FIRST if self._days_first else MONTH_FIRST), []
		return "", self._open


def read_date(
	text: str, order: str = DAY_FIRST, *, today: date | None = None, past: bool = True
) -> date | DayAndMonth:
	"""Read `31.12.1980`, `12/31/80`, `1980-12-31`, `19801231`, `31. Dez 1980`, `29344` (Excel), with or
	without a time.

	:param order: the order of `3/4/80`: DAY_FIRST, MONTH_FIRST, or an empty string if it is not known
	:param past: a year of two digits is never in the future
	:return: DayAndMonth if the year is not known: `--05-17`, `1604-05-17`
	:raises Unreadable: not a date, one that can be read in two ways, or one in the future
	"""
	today = today or date.today()
	bare = _TIME.sub("", text.strip()).strip()
	day, month, year, digits = _parts(bare, text, order)
	if digits == 2:
		year += today.year // 100 * 100
		if (past and (year, month, day) > (today.year, today.month, today.day)) or year > today.year + 20:
			year -= 100
	if digits == 0 or year == NO_YEAR:
		_date(2000, month, day, text)
		return DayAndMonth(month, day)
	found = _date(year, month, day, text)
	if past and found > today:
		raise Unreadable(_("{0} lies in the future."), text)
	if found <= date(1900, 1, 1):
		raise Unreadable(_("{0} is a placeholder of another program."), text)
	return found


def _parts(bare: str, text: str, order: str) -> tuple[int, int, int, int]:
	"""Return day, month, year, and the number of digits of the year: 0 without one."""
	if match := _ISO.fullmatch(bare):
		year, _sign, month, day = match.groups()
		return int(day), int(month), int(year), 4
	if match := _DOTS.fullmatch(bare):
		day, month, year = match.groups()
		return int(day), int(month), int(year), len(year)
	if match := _SLASHES.fullmatch(bare):
		first, second, year = int(match.group(1)), int(match.group(3)), match.group(4)
		if not order and first != second and first < 13 and second < 13:
			raise Unreadable(_("{0} can be read in two ways. Choose the order of dates for this file."), text)
		day, month = (
			(second, first) if order == MONTH_FIRST or (not order and second > 12) else (first, second)
		)
		if month > 12:
			raise Unreadable(_("{0} does not fit the order of the other dates of the file."), text)
		return day, month, int(year), len(year)
	if match := _WITHOUT_YEAR.fullmatch(bare):
		month, day = (match.group(1), match.group(2)) if match.group(1) else (match.group(4), match.group(3))
		return int(day), int(month), 0, 0
	if match := _WORDS_FIRST.fullmatch(bare):
		month, day, year = match.groups()
	elif match := _WORDS_SECOND.fullmatch(bare):
		day, month, year = match.groups()
	elif _SERIAL.fullmatch(bare):
		# days since 1899-12-30, as Excel stores a date
		found = date(1899, 12, 30) + timedelta(days=int(re.split("[.,]", bare)[0]))
		return found.day, found.month, found.year, 4
	else:
		raise Unreadable(_("{0} is not a date. Write it like 31.12.1980."), text)
	if not (number := _MONTHS.get(month.casefold())) or len(year) == 3:
		raise Unreadable(_("{0} is not a date. Write it like 31.12.1980."), text)
	return int(day), number, int(year), len(year)


def _date(year: int, month: int, day: int, text: str) -> date:
	try:
		return date(year, month, day)
	except ValueError as error:
		raise Unreadable(_("{0} is not a date. Write it like 31.12.1980."), text) from error


# ── numbers and checks ─────────────────────────────────────────────────────────────────────────


def read_number(text: str) -> float:
	"""Read `1.234,50 €`, `$1,234.50`, `1234.5`, `1 234`. A single separator before three digits separates
	thousands.

	:raises Unreadable:
	"""
	bare = re.sub(r"^(EUR|USD|CHF|GBP)|(EUR|USD|CHF|GBP)$|[\s€$£¥'’]", "", text.strip())
	if re.fullmatch(r"-?\d{1,3}([.,])\d{3}(\1\d{3})*", bare):
		bare = re.sub(r"[.,]", "", bare)
	elif bare.rfind(",") > bare.rfind("."):
		bare = bare.replace(".", "").replace(",", ".")
	else:
		bare = bare.replace(",", "")
	if len(bare) > 30 or not re.fullmatch(r"-?\d+(\.\d+)?", bare):
		raise Unreadable(_("{0} is not a number. Write it like 1234.50."), text)
	return float(bare)


YES = frozenset({"1", "yes", "y", "ja", "j", "true", "wahr", "x", "✓", "✔", "on", "ein", "oui", "sí", "si"})
NO = frozenset({"0", "no", "n", "nein", "false", "falsch", "", "off", "aus", "non", "-"})


def read_check(text: str) -> int:
	"""Read `Yes`, `ja`, `1`, `x` as 1 and `No`, `nein`, `0` as 0. :raises Unreadable:"""
	key = text.strip().casefold()
	if key in YES:
		return 1
	if key in NO:
		return 0
	raise Unreadable(_("{0} is neither yes nor no."), text)


# ── telephone numbers ──────────────────────────────────────────────────────────────────────────

_EXPONENT = re.compile(r"\+?\d+([.,]\d+)?e\+?\d+", re.IGNORECASE)
_EXTENSION = re.compile(
	r"[\s,;/(-]*(?:extension|extn|ext|durchwahl|dw|nebenstelle|nst|apparat|app|klappe|kl|interne?|int|poste|x|#)"
	r"[\s.:]{0,3}(\d{1,7})[)\s]*",
	re.IGNORECASE,
)
_REMARK = re.compile(r"\s*[(\[]([^()\[\]\d]{1,60})[)\]]\s*")
#: a number in a file is never longer than this
_PHONE_LENGTH = 60
#: what Frappe accepts in a field for a number
_FIELD_LENGTH = 20


@dataclass(frozen=True)
class Phone:
	"""A telephone number. `value` is international with its extension after a comma; `remark` is other text
	of the cell.
	"""

	value: str
	remark: str = ""


def read_phone(text: str, region: str) -> Phone:
	"""Read a number as people of a country write it: `(212) 555-0183 x12` in US → `+1 212-555-0183,12`.

	:param region: ISO 3166 code of the country of the row
	:raises Unreadable: not a number, or one with digits dropped by a spreadsheet
	"""
	bare = clean(text)
	if len(bare) > _PHONE_LENGTH:
		raise Unreadable(_("{0}… is not a telephone number. Write it like +49 221 123456."), bare[:40])
	if _EXPONENT.fullmatch(bare.replace(" ", "")):
		raise Unreadable(
			_("{0} is a number of which a spreadsheet has dropped digits. Look it up in the source."), text
		)
	bare = re.sub(r"(?i)^(tel|telefon|phone|mobil|mobile|fax)?[.:\s]+(?=[+(\d])", "", bare)
	remarks = [match.strip() for match in _REMARK.findall(bare) if match.strip()]
	bare = _REMARK.sub(" ", bare).strip()
	extension = ""
	# a pattern that begins with blanks is searched from its word, and only at the end
	for match in _EXTENSION.finditer(bare):
		if match.end() == len(bare) and match.start():
			bare, extension = bare[: match.start()].strip(), match.group(1)
	if "," in bare:
		bare, _comma, rest = bare.partition(",")
		if extension or not re.fullmatch(r"\d{1,7}", rest.strip(" ,")):
			raise Unreadable(_("{0} is not a telephone number. Write it like +49 221 123456."), text)
		extension = rest.strip(" ,")
	if bare.startswith("00") and not bare.startswith("000"):
		bare = f"+{bare[2:]}"
	try:
		parsed = phonenumbers.parse(bare.replace("/", " "), region)
	except phonenumbers.NumberParseException as error:
		raise Unreadable(_("{0} is not a telephone number. Write it like +49 221 123456."), text) from error
	if re.search(r"[^\d\s+()./\-–—_*\u2010-\u2015]", bare) or not phonenumbers.is_possible_number(parsed):
		raise Unreadable(_("{0} is not a telephone number. Write it like +49 221 123456."), text)
	extension = extension or parsed.extension or ""
	parsed.extension = None
	tail = f",{extension}" if extension else ""
	for form in (phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.E164):
		value = phonenumbers.format_number(parsed, form) + tail
		if len(value) <= _FIELD_LENGTH:
			return Phone(value, ", ".join(remarks))
	raise Unreadable(_("{0} is not a telephone number. Write it like +49 221 123456."), text)


# ── postal codes ───────────────────────────────────────────────────────────────────────────────

#: country → digits of its postal codes, and the minimum left when a spreadsheet has dropped the zeros
_CODES = {
	"DE": (5, 4),
	"FR": (5, 4),
	"ES": (5, 4),
	"IT": (5, 2),
	"US": (5, 3),
	"FI": (5, 3),
	"EE": (5, 5),
	"TR": (5, 4),
	"MX": (5, 4),
	"PT": (4, 4),
}


def read_postal_code(text: str, region: str) -> str:
	"""Return the code with the zeros that a spreadsheet has dropped: `1069` in DE → `01069`.

	:param region: ISO 3166 code of the country of the row, or an empty string
	"""
	bare = re.sub(r"[.,]0+$", "", clean(text)) if re.fullmatch(r"\d+[.,]0+", text.strip()) else clean(text)
	if region:
		bare = re.sub(
			rf"^(?:{_CAR.get(region, region)}|{region})\s?-\s?(?=\d)", "", bare, flags=re.IGNORECASE
		)
	length, fewest = _CODES.get(region, (0, 0))
	if bare.isascii() and bare.isdigit() and fewest <= len(bare) < length:
		return bare.zfill(length)
	return bare


#: country letters on cars, which appear before postal codes
_CAR = {"DE": "D", "AT": "A", "CH": "CH", "FR": "F", "IT": "I", "ES": "E", "LU": "L", "BE": "B"}

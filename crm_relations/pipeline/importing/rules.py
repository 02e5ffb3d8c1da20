"""Read values and recognize names in an export. Imports no frappe; writes nothing.

Rules find spelling variants. The first compares letters and digits (`GTXPro` = `GTX Pro`). The second
requires a likeness above a threshold, with a clear lead over the second best (`technolgy` → `Technology`).
"""

import datetime
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from rapidfuzz import fuzz, process

#: likeness is a percentage: twice the matching letters over all letters (normalized indel similarity)
DEFAULT_LIKENESS = 90.0
#: required lead of the best name over the second best
LEAD = 3.0


class ValueProblem(ValueError):
	"""A value that cannot be read; the text names the column and the reason."""


@dataclass(frozen=True)
class Match:
	"""A known name found for a written one. `how`: exact, spelling (same letters and digits) or likeness."""

	name: str
	how: Literal["exact", "spelling", "likeness"]
	likeness: float = 100.0


class Ambiguous(ValueProblem):
	"""Several known names fit a written one equally well."""

	def __init__(self, written: str, names: Iterable[str]):
		self.written, self.names = written, sorted(names)
		super().__init__(f'"{written}" may be {" or ".join(self.names)}')


def name_key(text: str) -> str:
	"""Return letters and digits only, without accents and case: `GTX-Pro é` → `gtxproe`."""
	folded = unicodedata.normalize("NFKD", text.casefold())
	return "".join(letter for letter in folded if letter.isalnum())


class KnownNames:
	"""A list of names in which written names are looked up."""

	def __init__(self, names: Iterable[str], likeness: float = DEFAULT_LIKENESS):
		self.likeness = likeness
		self._by_key: dict[str, list[str]] = {}
		self._names: set[str] = set()
		self._found: dict[str, Match | None] = {}
		for name in names:
			self.add(name)

	def __contains__(self, name: str) -> bool:
		return name in self._names

	def add(self, name: str) -> None:
		if name and name not in self._names:
			self._names.add(name)
			self._by_key.setdefault(name_key(name), []).append(name)
			self._found.clear()

	def match(self, written: str) -> Match | None:
		"""Return the known name meant by `written`, None if there is none.

		:raises Ambiguous: several names fit equally well
		"""
		if written in self._names:
			return Match(written, "exact")
		if written not in self._found:
			self._found[written] = self._match(written)
		return self._found[written]

	def _match(self, written: str) -> Match | None:
		key = name_key(written)
		if not key:
			return None
		if same := self._by_key.get(key):
			if len(same) > 1:
				raise Ambiguous(written, same)
			return Match(same[0], "spelling")
		near = process.extract(
			key, self._by_key.keys(), scorer=fuzz.ratio, score_cutoff=self.likeness - LEAD, limit=2
		)
		if not near or near[0][1] < self.likeness:
			return None
		close = [
			name for found, score, _index in near if near[0][1] - score < LEAD for name in self._by_key[found]
		]
		if len(close) > 1:
			raise Ambiguous(written, close)
		return Match(close[0], "likeness", round(near[0][1], 1))


def containing(written: str, names: Iterable[str]) -> list[str]:
	"""Return the names that have `written` as one of their words: `Korea` → both Koreas.

	For a message only.
	"""
	word = name_key(written)
	return sorted(
		name for name in names if word and word in {name_key(part) for part in re.split(r"[\s,]+", name)}
	)


def read_date(text: str, date_format: str, column: str) -> datetime.date | None:
	"""Return the date in `text`, None if it is empty."""
	if not text:
		return None
	try:
		return datetime.datetime.strptime(text, date_format).date()
	except ValueError:
		raise ValueProblem(f'{column}: "{text}" is not a date of the form {date_format}') from None


#: signs and ISO codes of currencies around an amount, and the dash of a whole amount (100,-)
_CURRENCY = re.compile(
	r"^([-+(]?)\s*(?:[A-Z]{0,3}[$€£¥₹]|[A-Z]{3}(?=[\s\d]))\s*|\s*(?:[$€£¥₹]|[A-Z]{3})(?=\)?$)|[.,]\s*[-–—]+$"
)
_APOSTROPHES = str.maketrans({"'": "", "’": "", "\u00a0": " ", "\u202f": " ", "−": "-"})


def without_currency(text: str) -> str:
	"""Return the amount without its currency.

	Examples are `€ 1.234,50`, `1.234,50 EUR`, `CHF 1'234.50`, `(100.00)` and `100,-`.
	"""
	text = _CURRENCY.sub(r"\1", text.translate(_APOSTROPHES).strip()).strip()
	text = _CURRENCY.sub(r"\1", text).strip()
	return f"-{text[1:-1].strip()}" if text.startswith("(") and text.endswith(")") else text


def decimal_separator_of(texts: Iterable[str]) -> str:
	"""Return "." or ",", as the amounts of one column write it.

	An amount with both signs decides. So does an amount with other than three digits after its only sign.
	Three digits after the sign are thousands: amounts do not have three decimals.
	"""
	single: set[str] = set()
	for text in map(without_currency, texts):
		signs = [sign for sign in text if sign in ".,"]
		if len(set(signs)) == 2:
			return signs[-1]
		if len(signs) == 1:
			if len(text.rpartition(signs[0])[2]) != 3:
				return signs[0]
			single.update(signs)
		elif signs:
			single.update(signs)
	if len(single) == 1:
		return "," if "." in single else "."
	return "."


def read_number(text: str, decimal_separator: str, column: str) -> Decimal | None:
	"""Return the number in `text`, None if it is empty.

	Thousands may be separated by the other sign, a blank or an apostrophe. A currency before or after the
	number is ignored.
	"""
	if not text:
		return None
	thousands = "," if decimal_separator == "." else "."
	plain = re.sub(rf"(?<=\d)[{re.escape(thousands)}\s](?=\d{{3}}(\D|$))", "", without_currency(text))
	plain = plain.replace(decimal_separator, ".") if thousands not in plain else "not a number"
	try:
		number = Decimal(plain)
	except InvalidOperation:
		raise ValueProblem(f'{column}: "{text}" is not a number') from None
	if not number.is_finite():
		raise ValueProblem(f'{column}: "{text}" is not a number')
	return number


def read_count(text: str, column: str) -> int | None:
	"""Return a whole number of zero or more, None if `text` is empty."""
	number = read_number(text, ".", column)
	if number is None:
		return None
	if number != number.to_integral_value() or number < 0:
		raise ValueProblem(f'{column}: "{text}" is not a whole number of zero or more')
	return int(number)


def title_of(written: str) -> str:
	"""Return the spelling of a new industry: `medical` → `Medical`; a name with capitals keeps them."""
	return written if any(letter.isupper() for letter in written) else written[:1].upper() + written[1:]

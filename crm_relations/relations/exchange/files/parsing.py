"""Parse a file of relations into records: tables as Excel writes them, and what becomes of the cells of a
row.

Pure Python: imports no frappe.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any, BinaryIO

from crm_relations.relations.exchange.files import cells as reading
from crm_relations.relations.exchange.files import headings, opt_outs
from crm_relations.relations.exchange.files.code_pages import encoding_of, text_of
from crm_relations.relations.exchange.files.headings import (
	ADDRESS,
	BIRTHDAY_PARTS,
	COMPANY,
	EMAIL,
	FAX,
	FURTHER,
	LABEL,
	LEAVE_OUT,
	MAIN_FIELDS,
	MOBILE,
	PARTS,
	PHONE,
	PLACE,
	PLACES,
	STREET_2,
	WEBSITE,
)
from crm_relations.relations.exchange.files.naming import ORGANISATION, PERSON
from crm_relations.relations.exchange.files.unreadable import Unreadable, _

#: columns of the main address → part
MAIN_PARTS = {STREET_2: "street", **{field: part for part, field in PARTS.items() if field}}
#: labels of contact points that need no remark
USUAL_LABELS = frozenset(
	{"home", "work", "home, work", "work, home", "other", "mobile", "pref", "iphone", "andere", "sonstige"}
)
#: columns of contact points → type
KINDS = {**FURTHER, **{field: kind for kind, field in MAIN_FIELDS.items()}}
POINT_TYPES = (EMAIL, PHONE, MOBILE, FAX, WEBSITE, ADDRESS)
REASON = "Reason for the Rejection"

#: cells that a table program would run as a formula
FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: separators of several values in one cell: ours, and Google's
SEPARATOR = " | "
GOOGLE_SEPARATOR = ":::"

#: no program writes more columns, and each of them costs a row in the form
MAX_COLUMNS = 1000
#: rows of a file
MAX_ROWS = 500_000
TOO_MANY_ROWS = _("The file has more than {0} rows. Split it.")
#: a cell of a csv file
MAX_CELL = 100_000
#: a person may be called Null
NAMES = frozenset({"relation_name", "first_name", "last_name"})
#: number of characters in which delimiter and heading are searched
HEAD = 100_000
#: number of lines in which the heading is searched
TOP = 20


@dataclass
class Record:
	"""One row or card. `values` by field of Relation, `points` beyond the first email, number, site and
	address.
	"""

	number: int
	values: dict[str, str] = field(default_factory=dict)
	points: list[tuple[str, str, str]] = field(default_factory=list)
	company: str = ""
	#: values without a field; they are kept in the notes
	left: list[tuple[str, str]] = field(default_factory=list)
	#: what cannot be kept in a text, such as pictures
	dropped: list[str] = field(default_factory=list)
	#: the unchanged row of the file, to return it
	raw: object = None
	error: Unreadable | None = None
	#: only the name shows that it is a person
	is_inferred: bool = False
	#: cells of columns of opt-outs
	marks: list[opt_outs.Mark] = field(default_factory=list)

	def copy(self) -> "Record":
		"""Return a record that can be changed without changing this one."""
		return replace(
			self,
			values=dict(self.values),
			points=list(self.points),
			left=list(self.left),
			dropped=list(self.dropped),
			marks=list(self.marks),
		)

	def add_point(self, kind: str, value: str, label: str = "") -> None:
		"""Add a contact point: the first of its type fills the field, the others are further contact points;
		each value once.
		"""
		value = value.strip()
		if not value:
			return
		main, label = MAIN_FIELDS.get(kind), label.strip()
		if main and not self.values.get(main):
			self.values[main] = value
			if label and kind != WEBSITE and label not in USUAL_LABELS:
				self.left.append((value, label))
		elif value != self.values.get(main or "") and (kind, value) not in {
			(p[0], p[1]) for p in self.points
		}:
			self.points.append((kind, value, label))


# ── csv ────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Table:
	"""A table: its heading, its unchanged rows, and how it was read."""

	heading: list[str]
	#: number of the line in the file (the first line is 1) and cells
	rows: Any
	encoding: str
	delimiter: str
	#: number of the first row so far that looks like the footer of a report; 0 without one
	footer: int = 0


def read_table(content: bytes, limit: int = 0) -> Table:
	"""Read the rows of a csv file with a heading, and hold them.

	:param limit: only this many rows, and only the beginning of the text is read; 0 for all
	:raises Unreadable: as `open_table`, or a quotation mark that is never closed
	"""
	return held(open_table(io.BytesIO(content)), limit)


def open_table(stream: BinaryIO) -> Table:
	"""Read the heading of a csv file; its rows are read when they are asked for, once.

	The delimiter is the one that splits the heading most often.

	:raises Unreadable: no heading, too many columns
	"""
	encoding = encoding_of(stream)
	head = text_of(stream, encoding, newline="").read(HEAD).replace("\x00", "")
	delimiter = ""
	first, _newline, rest = head.partition("\n")
	if match := re.fullmatch(r"[\"']?sep=(.)[\"']?\s*", first[:20].strip("\r"), re.IGNORECASE):
		delimiter, head = match.group(1), rest
	skipped = 1 if delimiter else 0
	delimiter = delimiter or _delimiter(head)
	text = text_of(stream, encoding, newline="")
	if skipped:
		text.readline()
	return table_of(_lines(text, delimiter, skipped), encoding, delimiter)


def held(table: Table, limit: int = 0) -> Table:
	"""Return the table with its rows in memory.

	:param limit: only this many rows; 0 for all
	"""
	table.rows = list(islice(table.rows, limit or None))
	return table


def _lines(text: Iterable[str], delimiter: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
	"""Yield line numbers and their cells."""
	reader = csv.reader((line.replace("\x00", "") for line in text), delimiter=delimiter, strict=True)
	line = 1
	try:
		for cells in reader:
			yield line + skipped, cells
			line = reader.line_num + 1
	except csv.Error as error:
		raise Unreadable(
			_("Line {0}: the quotation marks do not match ({1}). Correct the line."), line + skipped, error
		) from error


#: number of the line, its cells, how many are filled, whether a blank line precedes
Line = tuple[int, list[str], int, bool]


def table_of(lines: Iterable[tuple[int, list[str]]], encoding: str, delimiter: str = "") -> Table:
	"""Find the heading among the lines of a file. The rows of the table are an iterator, which follows the footer.

	:raises Unreadable: no heading, or too many columns
	"""
	filled = _filled(lines)
	top = list(islice(filled, TOP))
	if not top:
		raise Unreadable(_("The file is empty. Choose a file with a heading and rows."))
	return _headed(top, filled, encoding, delimiter)


def _filled(lines: Iterable[tuple[int, list[str]]]) -> Iterator[Line]:
	gap = False
	for line, cells in lines:
		filled = sum(1 for cell in cells if cell.strip())
		if filled:
			yield line, cells, filled, gap
		gap = not filled


def _headed(top: Sequence[Line], rest: Iterator[Line], encoding: str, delimiter: str) -> Table:
	"""Return a table with the heading found in its first lines: titles of a report come before it, with a
	cell or two.
	"""
	# one row of too many cells says nothing about the heading
	usual = sorted((filled for _line, _cells, filled, _gap in top), reverse=True)[:2][-1]
	place = next(p for p, row in enumerate(top) if row[2] * 2 >= usual)
	if top[0][1][0].strip().strip('"') in ("EXTF", "DTVF") and len(top) > 1:
		place = 1  # DATEV: the first line says what the file is
	heading = list(top[place][1])
	while len(heading) > 1 and not heading[-1].strip():
		heading.pop()
	if len(heading) > MAX_COLUMNS:
		raise Unreadable(
			_("The heading has {0} columns. At most {1} can be imported; delete the others."),
			len(heading),
			MAX_COLUMNS,
		)
	table = Table([reading.clean(cell) for cell in heading], [], encoding, delimiter)
	table.rows = _rows(table, chain(top[place + 1 :], rest))
	return table


def _rows(table: Table, lines: Iterable[Line]) -> Iterator[tuple[int, list[str]]]:
	for number, (line, cells, filled, gap) in enumerate(lines):
		if number >= MAX_ROWS:
			raise Unreadable(TOO_MANY_ROWS, MAX_ROWS)
		_follow_footer(table, line, cells, filled, gap)
		yield line, cells


_FOOTER = re.compile(
	r"(copyright|confidential|generated by|grand total|total|subtotal|gesamt|gesamtsumme|summe|count|anzahl|record count"
	r"|erstellt (am|von|durch)|vertraulich|as of|filtered by|exported (on|by)|exportiert)\b",
	re.IGNORECASE,
)


def _follow_footer(table: Table, line: int, cells: Sequence[str], filled: int, gap: bool) -> None:
	"""Detect a footer: the end of a file where only first cells are filled, after a blank line or with words
	of a footer.
	"""
	first = next(cell.strip() for cell in cells if cell.strip())
	says_so = filled < 3 and bool(_FOOTER.match(first))
	if len(table.heading) < 3 or not (says_so or (filled == 1 and cells[0].strip())):
		table.footer = 0
	elif not table.footer and (gap or says_so):
		table.footer = line


def _delimiter(text: str) -> str:
	"""Return the delimiter.

	It is counted outside quotation marks in the first line; after a title without any, in the lines that
	agree.
	"""
	lines = [line for line in text.splitlines()[: TOP * 2] if line.strip()][:TOP]
	bare = [re.sub(r'"[^"]*"', "", line) for line in lines]
	found = [
		(line.count(char), -";,\t|".index(char), char)
		for line in bare
		for char in ";,\t|"
		if line.count(char)
	]
	if bare and any(char in bare[0] for char in ";,\t|"):
		return max((bare[0].count(char), -";,\t|".index(char), char) for char in ";,\t|")[2]
	agreed = [one for one in found if one[0] > 1 and found.count(one) > 1]
	return max(agreed)[2] if agreed else ";"


def write_table(heading: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ";") -> bytes:
	"""Return a csv file as German Excel opens it: UTF-8 with its mark, semicolons, no cell that runs as a
	formula.
	"""
	return codecs.BOM_UTF8 + write_rows([heading, *rows], delimiter)


def write_rows(rows: Iterable[Sequence[object]], delimiter: str = ";") -> bytes:
	"""Return further rows of such a file."""
	out = io.StringIO(newline="")
	writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
	writer.writerows([escape_formula(cell) for cell in row] for row in rows)
	return out.getvalue().encode("utf-8")


def escape_formula(cell: object) -> str:
	"""Return a cell that a spreadsheet program shows and does not run: `=1+1` → `'=1+1`."""
	text = "" if cell is None else str(cell)
	return f"'{text}" if text.startswith(FORMULA) or re.match(r"'+[=+\-@\t\r]", text) else text


def unguarded(cell: str) -> str:
	"""Reverse `escape_formula`."""
	return cell[1:] if cell.startswith("'") and re.match(r"'+[=+\-@\t\r]", cell) else cell


def guess_columns(heading: Sequence[str], labels: Mapping[str, str]) -> list[str]:
	"""Return for each heading the target that is meant, or an empty string. A field is used once.

	:param labels: label or field name → field
	"""
	return headings.guess_columns(heading, labels)


def records_of(table: Table, targets: Sequence[str], footer: int | None = None) -> Iterator[Record]:
	"""Yield the records of a table in order; rows of a footer are rejected.

	:param footer: first row of the footer, which a table that is not read yet does not know
	"""
	first = table.footer if footer is None else footer
	for line, cells in table.rows:
		record = from_row(line, cells, table.heading, targets)
		if first and line >= first:
			record.error = Unreadable(
				_("The row looks like the footer of a report, and not like a relation.")
			)
		yield record


def from_row(number: int, cells: Sequence[str], heading: Sequence[str], targets: Sequence[str]) -> Record:
	"""Return the record of a row. A column without a field goes into the notes, under its heading."""
	record = Record(number, raw=list(cells))
	if any(cell.strip() for cell in cells[len(heading) :]):
		record.error = Unreadable(
			_("The row has {0} cells, the heading {1}. Check its quotation marks and delimiters."),
			len(cells),
			len(heading),
		)
		return record
	row = _Row(record)
	for text, target, cell in zip(heading, targets, cells):  # noqa: B905 (a row may be shorter)
		if len(cell) > MAX_CELL:
			record.error = Unreadable(
				_("{0}: the cell has {1} characters. At most {2} can be imported."), text, len(cell), MAX_CELL
			)
			return record
		if not (cell := reading.clean(unguarded(cell.strip()))):
			row.label = ""
			continue
		if text == REASON or target == LEAVE_OUT:
			continue
		if target not in NAMES and reading.is_empty(cell):
			row.label = ""
			continue
		row.take(target, text, cell)
	row.finish()
	return record


class _Row:
	"""Distributes the cells of a row to their fields."""

	def __init__(self, record: Record):
		self.record = record
		self.points: list[tuple[bool, str, str, str]] = []
		self.places: dict[str, dict[str, list[str]]] = {}
		self.birthday: dict[str, str] = {}
		self.label = ""

	def take(self, target: str, heading: str, cell: str) -> None:
		"""Keep a cell, whatever its order among the columns."""
		record = self.record
		if not target:
			record.left.append((heading, cell))
		elif target == COMPANY:
			record.company = record.company or cell
		elif target == LABEL:
			self.label = cell
			return
		elif kind := KINDS.get(target):
			label = self.label or headings.label_of(heading)
			self.points += [(target not in FURTHER, *point) for point in split_points(kind, cell, label)]
		elif target == PLACE:
			code, city = _code_and_city(cell)
			for part, text in (("pincode", code), ("city", city)):
				if text:
					self.places.setdefault("", {}).setdefault(part, []).append(text)
		elif main_part := MAIN_PARTS.get(target):
			self.places.setdefault("", {}).setdefault(main_part, []).append(cell)
		elif target in PLACES:
			place, part_of_place = PLACES[target]
			self.places.setdefault(place, {}).setdefault(part_of_place, []).append(cell)
		elif target in BIRTHDAY_PARTS:
			self.birthday[target] = cell
		elif target in headings.OPT_OUTS:
			record.marks.append(opt_outs.Mark(target, heading, cell))
		else:
			record.values[target] = cell
		self.label = ""

	def finish(self) -> None:
		"""Choose which values fill the fields and which become further ones."""
		self._take_birthday()
		self._take_places()
		# values with their own column come first, the others in their order
		for _further, kind, value, label in sorted(self.points, key=lambda point: not point[0]):
			self.record.add_point(kind, value, label)

	def _take_birthday(self) -> None:
		day, month, year = (self.birthday.get(part, "") for part in BIRTHDAY_PARTS)
		if not (day.isdigit() and month.isdigit()):
			for part, text in self.birthday.items():
				self.record.left.append((part, text))
		elif year.isdigit() and len(year) == 4:
			self.record.values.setdefault("date_of_birth", f"{year}-{month:0>2}-{day:0>2}")
		else:
			self.record.values.setdefault("date_of_birth", f"--{month:0>2}-{day:0>2}")

	def _take_places(self) -> None:
		"""Fill the fields with the main address, or the next one if it names no place; keep the others as
		further addresses.
		"""
		places = {
			name: [_part(parts, number) for number in range(_addresses(parts))]
			for name, parts in self.places.items()
		}
		found = [(name, parts) for name, several in places.items() for parts in several]
		found.sort(key=lambda place: (not _is_place(place[1]), place[0] != ""))
		if not found:
			return
		main = dict(found[0][1])
		for name, parts in found[1:]:
			if _is_place(parts):
				self.points.append((False, ADDRESS, one_line(parts), name or "work"))
				continue
			for part, text in parts.items():
				if main.setdefault(part, text) != text:
					self.record.left.append((part.capitalize(), text))
		for part, text in main.items():
			if PARTS[part]:
				self.record.values.setdefault(PARTS[part], text)
			else:
				self.record.left.append((part.capitalize(), text))


def _code_and_city(text: str) -> tuple[str, str]:
	"""Split `D-50667 Köln` into (`50667`, `Köln`)."""
	match = re.fullmatch(r"(?:[A-Z]{1,3}[ -]{1,3})?(\d{3,6}) (\D.{0,200})", " ".join(text.split()))
	return (match.group(1), match.group(2)) if match else ("", text)


def _addresses(parts: Mapping[str, Sequence[str]]) -> int:
	"""Split several addresses that Google puts into one cell."""
	return max(text.count(GOOGLE_SEPARATOR) + 1 for texts in parts.values() for text in texts)


def _part(parts: Mapping[str, Sequence[str]], number: int) -> dict[str, str]:
	found = {}
	for part, texts in parts.items():
		pieces = [
			split[number].strip() for text in texts if number < len(split := text.split(GOOGLE_SEPARATOR))
		]
		if text := ", ".join(", ".join(piece.split("\n")) for piece in pieces if piece):
			# a house number in its own column belongs to its street
			found[part] = re.sub(r"(?<=[^\d,]), (\d{1,4} ?[a-zA-Z]?)$", r" \1", " ".join(text.split()))
	return found


def _is_place(parts: Mapping[str, str]) -> bool:
	return any(parts.get(part) for part in ("street", "pincode", "city"))


def one_line(parts: Mapping[str, str]) -> str:
	"""Return an address in one line: `{street, pincode, city, region, country}` → `Weg 1, 50667 Köln,
	Germany`.
	"""
	place = " ".join(filter(None, (parts.get("pincode"), parts.get("city"))))
	return ", ".join(filter(None, (parts.get("street"), place, parts.get("region"), parts.get("country"))))


def split_points(kind: str, cell: str, label: str = "") -> list[tuple[str, str, str]]:
	"""Split several addresses or numbers of a cell into (type, value, label), by the label: `Work Fax`,
	`Mobile`.
	"""
	pieces = [cell]
	signs = {ADDRESS: (), WEBSITE: ("\n",)}.get(kind, (";", "\n"))
	for sign in (SEPARATOR, GOOGLE_SEPARATOR, *signs):
		pieces = [piece for text in pieces for piece in text.split(sign)]
	if kind == EMAIL:
		pieces = [part for piece in pieces for part in _emails_in(piece)]
	elif kind in (PHONE, MOBILE, FAX):
		pieces = [part for piece in pieces for part in _numbers_in(piece)]
	words = label.casefold().replace("*", "").strip()
	if kind in (PHONE, MOBILE) and "fax" in words:
		kind = FAX
	elif kind == PHONE and re.search(r"mobil|handy|cell|iphone", words):
		kind, words = MOBILE, ""
	result = []
	for piece in pieces:
		value, own = _labelled(piece)
		if own and kind in (PHONE, MOBILE, FAX) and re.search(r"\d", own):
			value, own = piece.strip(), ""
		if value:
			result.append((kind, value, own or _short_label(words)))
	return result


def _short_label(words: str) -> str:
	"""Translate labels of other programs to ours."""
	bare = re.sub(r"fax|telefon|phone|e-?mail", "", words).strip(" -_")
	return {"privat": "home", "geschäftlich": "work", "arbeit": "work", "internet": "", "main": ""}.get(
		bare, bare
	)


def _emails_in(text: str) -> list[str]:
	"""Split `a@b.de, c@d.de` into two; `Müller, Anna <a@b.de>` is one."""
	parts = [part for part in re.split(r"[,\s]+", text.strip()) if part]
	if len(parts) > 1 and all(re.fullmatch(r"[^@<>()]+@[^@<>()]+", part) for part in parts):
		return parts
	return [text]


def _numbers_in(text: str) -> list[str]:
	"""Split `0221 123456 / 0170 123456` into two; `0221/123456` is one."""
	parts = re.split(r" / | oder | or ", text)
	if len(parts) > 1 and all(sum(char.isdigit() for char in part) > 5 for part in parts):
		return parts
	return [text]


def labelled(value: str, label: str) -> str:
	"""Return a further contact point as written in a cell: `a@b.de (home)`."""
	return f"{value} ({label})" if label else value


def _labelled(text: str) -> tuple[str, str]:
	match = re.fullmatch(r"(.*\S)\s+\(([^()]*)\)", text.strip(), re.DOTALL)
	return (match.group(1), match.group(2)) if match else (text.strip(), "")


def name_of(values: Mapping[str, str], company: str) -> tuple[str, str]:
	"""Return name and kind of a record that does not give them: a person by its parts, else the company."""
	person = " ".join(filter(None, (values.get("first_name"), values.get("last_name"))))
	name = values.get("relation_name") or person or company
	if values.get("relation_kind"):
		return name, values["relation_kind"]
	is_person = bool(person) or (bool(company) and company != name)
	return name, PERSON if is_person else ORGANISATION


def same_name(kind: str, one: str, other: str) -> bool:
	"""Tell whether two names with the same email address mean the same.

	People share a family's address, and a company's address belongs to it under any name. For people, the
	last name and the initial must agree.
	"""
	if kind == ORGANISATION:
		return True
	titles = {"dr.", "dr", "prof.", "prof", "herr", "frau", "mr.", "mrs.", "ms."}
	first, second = (
		[word for word in name.casefold().replace(",", " ").split() if word not in titles]
		for name in (one, other)
	)
	if not first or not second:
		return True
	return sorted(first) == sorted(second) or (first[-1] == second[-1] and first[0][0] == second[0][0])

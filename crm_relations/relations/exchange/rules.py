"""What a file of relations says, in pure Python: a record, how csv files are read as Excel writes them, and which
column means which field. Imports no frappe."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

PERSON, ORGANISATION = "Person", "Organisation"
EMAIL, PHONE, MOBILE, FAX, WEBSITE, ADDRESS = "E-mail", "Phone", "Mobile", "Fax", "Website", "Address"
POINT_TYPES = (EMAIL, PHONE, MOBILE, FAX, WEBSITE, ADDRESS)
#: type of a further contact point → the field of Relation that holds the first of its type
MAIN_FIELDS = {EMAIL: "email_id", PHONE: "phone", MOBILE: "mobile_no", WEBSITE: "website"}

#: columns that are no field of Relation
COMPANY, NOTES = "company", "notes"
FURTHER = {
	"further_emails": EMAIL,
	"further_phones": PHONE,
	"further_mobiles": MOBILE,
	"further_fax": FAX,
	"further_websites": WEBSITE,
	"further_addresses": ADDRESS,
}
REASON = "Reason for the Rejection"

#: cells that a table program would run as a formula
FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: what parts several values in one cell
SEPARATOR = " | "


class Unreadable(Exception):
	"""The file as a whole, or one of its rows, cannot be read; says why. `values` fill the placeholders."""

	def __init__(self, text: str, *values: object):
		super().__init__(text)
		self.text, self.values = text, values

	def message(self, translate) -> str:
		"""The reason in the user's language; `translate` is frappe's `_`."""
		return translate(self.text).format(*self.values)


def _(text: str) -> str:
	"""Marks a text for translation; it is translated where it is shown."""
	return text


@dataclass
class Record:
	"""One row or card. `values` by field of Relation, `points` beyond the first e-mail, number, site and address."""

	number: int
	values: dict[str, str] = field(default_factory=dict)
	points: list[tuple[str, str, str]] = field(default_factory=list)
	company: str = ""
	#: what no field takes; it is kept in the notes
	left: list[tuple[str, str]] = field(default_factory=list)
	#: what cannot be kept in a text, such as pictures
	dropped: list[str] = field(default_factory=list)
	#: the row as it stands in the file, to hand it back
	raw: object = None
	error: Unreadable | None = None

	def add_point(self, kind: str, value: str, label: str = "") -> None:
		"""The first of its type fills the field, the others are further contact points; each value once."""
		value = value.strip()
		if not value:
			return
		main = MAIN_FIELDS.get(kind)
		if main and not self.values.get(main):
			self.values[main] = value
		elif value != self.values.get(main or "") and (kind, value) not in {
			(p[0], p[1]) for p in self.points
		}:
			self.points.append((kind, value, label.strip()))


# ── csv ────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Table:
	"""A csv file: its heading, its rows as they stand, and how it was read."""

	heading: list[str]
	#: number of the line in the file (the first line is 1) and cells
	rows: list[tuple[int, list[str]]]
	encoding: str
	delimiter: str


def decode(content: bytes) -> tuple[str, str]:
	"""Text and the encoding it was in: UTF-8 and UTF-16 by their marks, UTF-8 if it is valid, else Windows-1252.

	German Excel writes Windows-1252; its few bytes without a character are read as Latin-1 reads them.
	"""
	for mark, encoding in (
		(codecs.BOM_UTF8, "utf-8-sig"),
		(codecs.BOM_UTF16_LE, "utf-16"),
		(codecs.BOM_UTF16_BE, "utf-16"),
	):
		if content.startswith(mark):
			try:
				return content.decode(encoding), encoding
			except UnicodeDecodeError as error:
				raise Unreadable(
					_("The file says that it is {0}, but it is not. Save it again as UTF-8."), encoding
				) from error
	try:
		return content.decode("utf-8"), "utf-8"
	except UnicodeDecodeError:
		pass
	try:
		return content.decode("cp1252"), "cp1252"
	except UnicodeDecodeError:
		return content.decode("latin-1"), "latin-1"


def read_table(content: bytes) -> Table:
	"""The rows of a csv file with a heading; the delimiter is the one that parts the heading most often.

	:raises Unreadable: no heading, or a quotation mark that is never closed
	"""
	text, encoding = decode(content)
	text = text.replace("\x00", "")
	delimiter = ""
	first, _newline, rest = text.partition("\n")
	if match := re.fullmatch(r"sep=(.)\s*", first.strip("\r"), re.IGNORECASE):
		delimiter, text = match.group(1), rest
	skipped = 1 if delimiter else 0
	delimiter = delimiter or _delimiter(text)
	rows: list[tuple[int, list[str]]] = []
	reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
	line = 1
	try:
		for cells in reader:
			if any(cell.strip() for cell in cells):
				rows.append((line + skipped, cells))
			line = reader.line_num + 1
	except csv.Error as error:
		raise Unreadable(
			_("Line {0}: the quotation marks do not match ({1}). Correct the line."), line + skipped, error
		) from error
	if not rows:
		raise Unreadable(_("The file is empty. Choose a file with a heading and rows."))
	heading = [cell.strip() for cell in rows[0][1]]
	return Table(heading, rows[1:], encoding, delimiter)


def _delimiter(text: str) -> str:
	"""Counted outside quotation marks in the first line."""
	line = next((line for line in text.splitlines() if line.strip()), "")
	bare = re.sub(r'"[^"]*"', "", line)
	return max(";,\t|", key=lambda char: (bare.count(char), -";,\t|".index(char)))


def write_table(heading: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ";") -> bytes:
	"""A csv file as German Excel opens it: UTF-8 with its mark, semicolons, no cell that runs as a formula."""
	out = io.StringIO(newline="")
	writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
	writer.writerow([guarded(cell) for cell in heading])
	writer.writerows([guarded(cell) for cell in row] for row in rows)
	return codecs.BOM_UTF8 + out.getvalue().encode("utf-8")


def guarded(cell: object) -> str:
	"""A cell that a table program shows and does not run: `=1+1` → `'=1+1`."""
	text = "" if cell is None else str(cell)
	return f"'{text}" if text.startswith(FORMULA) or re.match(r"'+[=+\-@\t\r]", text) else text


def unguarded(cell: str) -> str:
	"""The reverse of `guarded`."""
	return cell[1:] if re.match(r"'+[=+\-@\t\r]", cell) else cell


#: headings that other programs use, without case and signs → field or column
SYNONYMS = {
	"fn": "relation_name",
	"fullname": "relation_name",
	"displayname": "relation_name",
	"anzeigename": "relation_name",
	"kundenname": "relation_name",
	"firma": COMPANY,
	"company": COMPANY,
	"companyname": COMPANY,
	"organization": COMPANY,
	"organisation": COMPANY,
	"unternehmen": COMPANY,
	"arbeitgeber": COMPANY,
	"email": "email_id",
	"emailadresse": "email_id",
	"emailaddress": "email_id",
	"mail": "email_id",
	"email2": "further_emails",
	"email2address": "further_emails",
	"email3address": "further_emails",
	"telefon": "phone",
	"tel": "phone",
	"telefonnummer": "phone",
	"businessphone": "phone",
	"telefongeschäftlich": "phone",
	"telefon2": "further_phones",
	"homephone": "further_phones",
	"telefonprivat": "further_phones",
	"mobil": "mobile_no",
	"mobilephone": "mobile_no",
	"mobiltelefon": "mobile_no",
	"handy": "mobile_no",
	"fax": "further_fax",
	"faxgeschäftlich": "further_fax",
	"webseite": "website",
	"url": "website",
	"homepage": "website",
	"strasse": "address_line",
	"straße": "address_line",
	"strassenr": "address_line",
	"businessstreet": "address_line",
	"plz": "pincode",
	"postleitzahl": "pincode",
	"zip": "pincode",
	"zipcode": "pincode",
	"ort": "city",
	"stadt": "city",
	"land": "country",
	"vorname": "first_name",
	"givenname": "first_name",
	"nachname": "last_name",
	"familyname": "last_name",
	"anrede": "salutation",
	"position": "designation",
	"jobtitle": "designation",
	"funktion": "designation",
	"geburtstag": "date_of_birth",
	"birthday": "date_of_birth",
	"notizen": NOTES,
	"bemerkung": NOTES,
	"notes": NOTES,
	"uid": "uid",
	"art": "relation_kind",
	"typ": "relation_kind",
	"branche": "industry",
	"mitarbeiter": "employees",
}


def heading_key(text: str) -> str:
	"""`E-Mail 2 Address` → `email2address`: headings are compared without case, blanks and signs."""
	return re.sub(r"[\W_]+", "", text.casefold())


def guess_columns(heading: Sequence[str], labels: Mapping[str, str]) -> list[str]:
	"""For each heading the field that is meant, or an empty string. A field is given once.

	:param labels: label or field name → field
	"""
	known = {heading_key(label): name for label, name in labels.items()}
	taken: set[str] = set()
	result = []
	for text in heading:
		name = known.get(heading_key(text)) or SYNONYMS.get(heading_key(text), "")
		if name in taken and name not in FURTHER:
			name = next((f for f, kind in FURTHER.items() if MAIN_FIELDS.get(kind) == name), "")
		taken.add(name)
		result.append(name)
	return result


def from_row(number: int, cells: Sequence[str], heading: Sequence[str], targets: Sequence[str]) -> Record:
	"""The record of a row. A column without a field goes into the notes, under its heading."""
	record = Record(number, raw=list(cells))
	if any(cell.strip() for cell in cells[len(heading) :]):
		record.error = Unreadable(
			_("The row has {0} cells, the heading {1}. Check its quotation marks and delimiters."),
			len(cells),
			len(heading),
		)
		return record
	further: list[tuple[str, str]] = []
	for text, target, cell in zip(heading, targets, cells):  # noqa: B905 (a row may be shorter)
		cell = unguarded(cell.strip())
		if not cell or text == REASON or target == "-":
			continue
		if target == COMPANY:
			record.company = cell
		elif target in FURTHER:
			further += [(FURTHER[target], part) for part in cell.split(SEPARATOR)]
		elif target:
			record.values[target] = cell
		else:
			record.left.append((text, cell))
	for kind, value in further:
		value, label = _labelled(value)
		record.add_point(kind, value, label)
	return record


def labelled(value: str, label: str) -> str:
	"""`a@b.de (home)`: how a further contact point stands in a cell."""
	return f"{value} ({label})" if label else value


def _labelled(text: str) -> tuple[str, str]:
	match = re.fullmatch(r"(.*\S)\s+\(([^()]*)\)", text.strip(), re.DOTALL)
	return (match.group(1), match.group(2)) if match else (text.strip(), "")


# ── values ─────────────────────────────────────────────────────────────────────────────────────


def read_date(text: str) -> date:
	"""`31.12.1980`, `1980-12-31`, `19801231`, with or without a time. :raises Unreadable:"""
	bare = text.strip().split("T")[0].split(" ")[0]
	for form in ("%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%Y%m%d", "%d/%m/%Y"):
		try:
			return datetime.strptime(bare, form).date()
		except ValueError:
			continue
	raise Unreadable(_("{0} is no date. Write it like 31.12.1980."), text)


def read_number(text: str) -> float:
	"""`1.234,50`, `1,234.50`, `1234.5`, `1 234`. Of a single separator with three digits behind, it is thousands.

	:raises Unreadable:
	"""
	bare = re.sub(r"[\s€']", "", text)
	if re.fullmatch(r"-?\d{1,3}([.,])\d{3}(\1\d{3})*", bare):
		bare = re.sub(r"[.,]", "", bare)
	elif bare.rfind(",") > bare.rfind("."):
		bare = bare.replace(".", "").replace(",", ".")
	else:
		bare = bare.replace(",", "")
	if not re.fullmatch(r"-?\d+(\.\d+)?", bare):
		raise Unreadable(_("{0} is no number. Write it like 1234.50."), text)
	return float(bare)


def read_check(text: str) -> int:
	"""`Yes`, `ja`, `1`, `x` are true; `No`, `nein`, `0` are not. :raises Unreadable:"""
	key = text.strip().casefold()
	if key in ("1", "yes", "ja", "true", "wahr", "x"):
		return 1
	if key in ("0", "no", "nein", "false", "falsch", ""):
		return 0
	raise Unreadable(_("{0} is neither yes nor no."), text)


def name_of(values: Mapping[str, str], company: str) -> tuple[str, str]:
	"""Name and kind of a record that does not give them: a person by its parts, else the company."""
	person = " ".join(filter(None, (values.get("first_name"), values.get("last_name"))))
	name = values.get("relation_name") or person or company
	if values.get("relation_kind"):
		return name, values["relation_kind"]
	is_person = bool(person) or (bool(company) and company != name)
	return name, PERSON if is_person else ORGANISATION


def same_name(kind: str, one: str, other: str) -> bool:
	"""Whether two names with the same e-mail address mean the same: people share a family's address, and a company's
	address belongs to it whatever it is called. Of people, the last name and the initial have to agree."""
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

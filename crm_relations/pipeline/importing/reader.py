"""Read the files of an export into typed rows, or into rejections with file, row and column.

Imports no frappe; writes nothing.
"""

import csv
import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from crm_relations.pipeline.importing.mapping import Mapping, Part, Stage
from crm_relations.pipeline.importing.rules import (
	ValueProblem,
	decimal_separator_of,
	read_count,
	read_date,
	read_number,
)
from crm_relations.shared.text.markup import plain

CENT = Decimal("0.01")
#: an open deal that closes later than in N years has no date: some systems write 3999-12-31 for an empty date
PLACEHOLDER_YEARS = 50


class ExportError(ValueError):
	"""The export cannot be read at all; the text names the file and the missing part."""


@dataclass(frozen=True)
class Row:
	"""One data row. `number` is its line in the file (the header is line 1), `raw` its columns as written."""

	file: str
	number: int
	values: dict[str, str]
	raw: dict[str, str]


@dataclass(frozen=True)
class Rejection:
	row: Row
	key: str
	reason: str


@dataclass(frozen=True)
class Account:
	row: Row
	key: str
	industry: str = ""
	annual_revenue: Decimal | None = None
	employees: int | None = None
	country: str = ""
	parent: str = ""
	notes: str = ""


@dataclass(frozen=True)
class Product:
	row: Row
	key: str
	group: str = ""
	price: Decimal | None = None


@dataclass(frozen=True)
class Agent:
	row: Row
	key: str
	manager: str = ""
	office: str = ""


@dataclass(frozen=True)
class Deal:
	"""One deal, with `value` in the company's currency, rounded to the cent.

	`dated_by_rule` is set if the export gives no date at all.
	"""

	row: Row
	key: str
	product: str
	account: str
	stage: str
	outcome: str
	opened_on: datetime.date
	sales_stage: str = ""
	closed_on: datetime.date | None = None
	value: Decimal | None = None
	agent: str = ""
	lost_reason: str = ""
	dated_by_rule: bool = False


@dataclass
class ReadFile:
	"""The rows of a file: `rows_in` = good rows + rejections."""

	part: Part
	good: list[Any] = field(default_factory=list)
	rejected: list[Rejection] = field(default_factory=list)

	@property
	def rows_in(self) -> int:
		return len(self.good) + len(self.rejected)


@dataclass
class Export:
	"""The whole export. `last_date` is the latest date in the deals file: the day of the export."""

	accounts: ReadFile
	products: ReadFile
	teams: ReadFile
	deals: ReadFile
	last_date: datetime.date | None = None


def read(folder: str | Path, mapping: Mapping, deals: int | None = None) -> Export:
	"""Read an export.

	:param deals: number of rows to read of the deals file, from the first; the other files are read whole
	:raises ExportError: the folder, a file or a column is missing, or a file is not in the mapping's
		encoding
	"""
	folder = Path(folder)
	if not folder.is_dir():
		raise ExportError(f"{folder}: is not a folder")
	rows = {part.name: list(_rows(folder, part, mapping)) if part.columns else [] for part in mapping.parts}
	of_part = {name: _with_separator(mapping, name, found) for name, found in rows.items()}
	last_date = _last_date(rows["deals"], mapping)
	chosen = rows["deals"] if deals is None else rows["deals"][:deals]
	return Export(
		accounts=_typed(
			mapping.accounts,
			rows["accounts"],
			"name",
			lambda row, key: _account(row, key, of_part["accounts"]),
		),
		products=_typed(
			mapping.products,
			rows["products"],
			"name",
			lambda row, key: _product(row, key, of_part["products"]),
		),
		teams=_typed(
			mapping.teams,
			rows["teams"],
			"agent",
			lambda row, key: Agent(row, key, row.values.get("manager", ""), row.values.get("office", "")),
		),
		deals=_typed(
			mapping.deals, chosen, "key", lambda row, key: _deal(row, key, of_part["deals"], last_date)
		),
		last_date=last_date,
	)


def _rows(folder: Path, part: Part, mapping: Mapping) -> Iterator[Row]:
	path = folder / part.file
	try:
		with path.open(encoding=mapping.encoding, newline="") as stream:
			reader = csv.DictReader(stream, delimiter=mapping.delimiter, strict=True)
			header = [name.strip() for name in reader.fieldnames or []]
			reader.fieldnames = header
			if missing := [column for column in part.columns.values() if column not in header]:
				raise ExportError(
					f'{path}: has no column "{missing[0]}"; it has: {", ".join(header) or "nothing"}. '
					"Name the columns in a mapping file (--mapping); --suggest-mapping writes a first one"
				)
			for raw in reader:
				surplus = raw.pop(None, None)
				raw = {column: (value or "").strip() for column, value in raw.items()}
				values = {ours: plain(raw[column]) for ours, column in part.columns.items()}
				if surplus:
					values["surplus"] = mapping.delimiter.join(surplus)
				yield Row(part.label, reader.line_num, values, raw)
	except OSError as error:
		raise ExportError(f"{path}: cannot be read: {error.strerror}") from error
	except (UnicodeDecodeError, LookupError) as error:
		raise ExportError(f"{path}: is not in the encoding {mapping.encoding}: {error}") from error
	except csv.Error as error:
		raise ExportError(f"{path}: is not a csv file: {error}") from error


#: part → its column of amounts
_AMOUNTS = {"accounts": "annual_revenue", "products": "price", "deals": "value"}


def _with_separator(mapping: Mapping, part: str, rows: list[Row]) -> Mapping:
	"""Return the mapping with the decimal separator of the part's amounts.

	The separator is derived only if the mapping leaves it to the file.
	"""
	if mapping.decimal_separator != "auto" or part not in _AMOUNTS:
		return mapping
	texts = (row.values.get(_AMOUNTS[part], "") for row in rows)
	return replace(mapping, decimal_separator=decimal_separator_of(filter(None, texts)))


def _last_date(rows: list[Row], mapping: Mapping) -> datetime.date | None:
	"""Return the latest date of the deals that is not in the future.

	Expected closing dates are not dates of the export.
	"""
	dates = []
	for row in rows:
		for column in ("opened_on", "closed_on"):
			try:
				dates.append(read_date(row.values.get(column, ""), mapping.date_format, column))
			except ValueProblem:
				continue  # the row itself is rejected for it
	today = datetime.date.today()
	return max((date for date in dates if date and date <= today), default=None)


def _typed(part: Part, rows: list[Row], key_column: str, build: Callable[..., Any]) -> ReadFile:
	read_file = ReadFile(part)
	seen: dict[str, int] = {}
	column = part.columns.get(key_column, key_column)
	names_only = part.shared and part.name != "deals"
	for row in rows:
		key = row.values[key_column]
		if names_only and (not key or key in seen):
			continue  # the row is counted as a deal; here it only names an account, a product or a person
		try:
			if not key:
				raise ValueProblem(f"{column} is empty")
			if surplus := row.values.get("surplus"):
				raise ValueProblem(f'the row has more values than the header has columns: "{surplus}"')
			if key in seen:
				raise ValueProblem(f'{column}: "{key}" is in row {seen[key]} already')
			read_file.good.append(build(row, key))
		except ValueProblem as problem:
			# the key of a rejected duplicate must not be the key of the row that is imported
			unique = key if key and key not in seen else f"{key} (row {row.number})".strip()
			read_file.rejected.append(Rejection(row, unique, str(problem)))
		seen.setdefault(key, row.number)
	return read_file


def _account(row: Row, key: str, mapping: Mapping) -> Account:
	columns, values = mapping.accounts.columns, row.values
	revenue = _number(values, columns, "annual_revenue", mapping)
	if revenue is not None:
		revenue = (revenue * mapping.annual_revenue_factor).quantize(CENT)
	if missing := [column for column in mapping.notes if column not in row.raw]:
		raise ExportError(
			f'{row.file}: has no column "{missing[0]}", which accounts.notes of the mapping names'
		)
	return Account(
		row,
		key,
		industry=values.get("industry", ""),
		annual_revenue=revenue,
		employees=read_count(values.get("employees", ""), columns.get("employees", "")),
		country=values.get("country", ""),
		parent=values.get("parent", ""),
		notes="\n".join(
			f"{label}: {row.raw[column]}" for column, label in mapping.notes.items() if row.raw[column]
		),
	)


def _product(row: Row, key: str, mapping: Mapping) -> Product:
	price = _number(row.values, mapping.products.columns, "price", mapping)
	if price is not None:
		if price < 0:
			raise ValueProblem(f"{mapping.products.columns['price']}: must not be below zero")
		price = (price * mapping.exchange_rate).quantize(CENT)
	return Product(row, key, row.values.get("group", ""), price)


def _deal(row: Row, key: str, mapping: Mapping, last_date: datetime.date | None) -> Deal:
	columns, values = mapping.deals.columns, row.values
	for needed in ("account", "stage"):
		if not values[needed]:
			raise ValueProblem(f"{columns[needed]} is empty")
	stage: Stage | None = mapping.stages.get(values["stage"])
	if not stage:
		raise ValueProblem(f'{columns["stage"]}: "{values["stage"]}" is not among the stages of the mapping')
	opened = read_date(values.get("opened_on", ""), mapping.date_format, columns.get("opened_on", ""))
	closed = read_date(values.get("closed_on", ""), mapping.date_format, columns.get("closed_on", ""))
	value = _number(values, columns, "value", mapping)
	if value is not None:
		value = (value * mapping.exchange_rate).quantize(CENT)
	if stage.outcome != "open" and not closed:
		raise ValueProblem(
			f"{columns.get('closed_on', 'closed_on')} is empty, but the deal is {stage.outcome}"
		)
	if opened and closed and closed < opened:
		raise ValueProblem(f"{columns['closed_on']} {closed} is before {columns['opened_on']} {opened}")
	if stage.outcome == "won" and (value is None or value <= 0):
		raise ValueProblem(f"{columns.get('value', 'value')}: a won deal needs a value above zero")
	if stage.outcome == "won" and closed and closed > datetime.date.today():
		raise ValueProblem(f"{columns['closed_on']} {closed} is in the future, but the deal is won")
	if stage.outcome == "open" and closed and closed.year > datetime.date.today().year + PLACEHOLDER_YEARS:
		closed = None
	start, by_rule = opened or closed, False
	if not start:
		if mapping.undated == "reject":
			raise ValueProblem(f"{columns.get('opened_on', 'opened_on')} is empty")
		start, by_rule = last_date or datetime.date.today(), True
	return Deal(
		row,
		key,
		product=values.get("product", ""),
		account=values["account"],
		stage=values["stage"],
		outcome=stage.outcome,
		opened_on=start,
		sales_stage=stage.sales_stage,
		closed_on=closed,
		value=value,
		agent=values.get("agent", ""),
		lost_reason=values.get("lost_reason", ""),
		dated_by_rule=by_rule,
	)


def _number(values: dict[str, str], columns: dict[str, str], name: str, mapping: Mapping) -> Decimal | None:
	return read_number(values.get(name, ""), mapping.decimal_separator, columns.get(name, ""))

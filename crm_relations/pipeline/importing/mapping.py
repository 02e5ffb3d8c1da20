"""Read the mapping file (JSON), which assigns files and columns of an export.

Imports no frappe; writes nothing. Keys, all optional unless marked as required:

- `source` (required): name of the export; rows of the same source are never imported twice
- `encoding`, `delimiter`, `date_format` (strptime), `decimal_separator` (".", ",", or "auto": derived from
  each column)
- `exchange_rate`: an amount of the export times this rate is an amount in the company's currency; 1 =
  unchanged
- `tax`: "default" (the company's default sales tax template), "none", or the name of a template
- `likeness`: the likeness (0–100) from which a name counts as a misspelling of a known one
- `lost_reason`: the reason of lost deals without a reason in their row
- `undated`: date of a deal without dates: "last_date" (the latest date in the deals file, or today if it has
  none: on that day the deal was in its stage), or "reject"
- `deals` (required), `accounts`, `products`, `teams`: `file` and `columns` {our name: column of the file}.
  Several parts may come from one file. A part that is left out is created from the names in the deals file;
  `accounts.annual_revenue_factor`, `accounts.annual_revenue_currency`, `accounts.notes` {column: label};
  `deals.stages` {stage: {"outcome": "open" | "won" | "lost", "sales_stage": name}}; the sales stage of a
  closed deal is the last one that it was in
"""

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

DEFAULT_MAPPING = Path(__file__).parent / "mappings" / "maven_crm.json"

#: part → (required columns, optional columns)
COLUMNS: dict[str, tuple[set[str], set[str]]] = {
	"accounts": ({"name"}, {"industry", "annual_revenue", "employees", "country", "parent"}),
	"products": ({"name"}, {"group", "price"}),
	"teams": ({"agent"}, {"manager", "office"}),
	"deals": (
		{"key", "account", "stage"},
		{"product", "value", "agent", "opened_on", "closed_on", "lost_reason"},
	),
}
#: part that may be left out → (its key, the column of the deals file that has it)
FROM_DEALS = {"accounts": ("name", "account"), "products": ("name", "product"), "teams": ("agent", "agent")}
OUTCOMES = ("open", "won", "lost")


class MappingError(ValueError):
	"""The mapping file is wrong; the text names the file and the key."""


@dataclass(frozen=True)
class Stage:
	outcome: str
	sales_stage: str = ""


@dataclass(frozen=True)
class Part:
	"""One kind of rows in a file of the export.

	`shared`: the file has other parts as well, so that a name occurs in many rows. Without any column the
	part is empty.
	"""

	name: str
	file: str
	columns: dict[str, str]
	shared: bool = False

	@property
	def label(self) -> str:
		"""Return the name under which rows are counted and recorded."""
		return f"{self.file} ({self.name})" if self.shared else self.file


@dataclass(frozen=True)
class Mapping:
	source: str
	accounts: Part
	products: Part
	teams: Part
	deals: Part
	stages: dict[str, Stage]
	encoding: str = "utf-8-sig"
	delimiter: str = ","
	date_format: str = "%Y-%m-%d"
	decimal_separator: str = "auto"
	exchange_rate: Decimal = Decimal(1)
	tax: str = "default"
	likeness: float = 90.0
	lost_reason: str = "No reason given in the source"
	undated: str = "last_date"
	annual_revenue_factor: Decimal = Decimal(1)
	annual_revenue_currency: str = ""
	notes: dict[str, str] = field(default_factory=dict)

	@property
	def parts(self) -> tuple[Part, ...]:
		"""Return the parts in the order in which they are read."""
		return (self.products, self.teams, self.accounts, self.deals)


#: default of a key that the mapping file leaves out
_DEFAULTS = {each.name: each.default for each in dataclasses.fields(Mapping) if isinstance(each.default, str)}


def load(path: str | Path | None = None) -> Mapping:
	"""Read and check a mapping file; without a path, the one that comes with the app.

	:raises MappingError: the file is missing, is not JSON, or a key is wrong
	"""
	path = Path(path or DEFAULT_MAPPING)
	try:
		data = json.loads(path.read_text(encoding="utf-8"))
	except OSError as error:
		raise MappingError(f"{path}: cannot be read: {error.strerror}") from error
	except ValueError as error:
		raise MappingError(f"{path}: is not JSON: {error}") from error
	try:
		return parse(data)
	except MappingError as error:
		raise MappingError(f"{path}: {error}") from error


def parse(data: Any) -> Mapping:
	"""Return a mapping from its JSON data.

	:raises MappingError: a key is wrong; the error names it
	"""
	if not isinstance(data, dict):
		raise MappingError("must be an object")
	known = set(Mapping.__dataclass_fields__) - {
		"stages",
		"notes",
		"annual_revenue_factor",
		"annual_revenue_currency",
	}
	_no_others(data, known, "")
	parts = _parts(data)
	accounts, deals = data.get("accounts") or {}, data["deals"]
	simple = {
		key: _text(data, key, _DEFAULTS[key])
		for key in (
			"encoding",
			"delimiter",
			"date_format",
			"decimal_separator",
			"tax",
			"lost_reason",
			"undated",
		)
	}
	if simple["decimal_separator"] not in (".", ",", "auto"):
		raise MappingError('decimal_separator: must be ".", "," or "auto"')
	if simple["undated"] not in ("last_date", "reject"):
		raise MappingError('undated: must be "last_date" or "reject"')
	if len(simple["delimiter"]) != 1:
		raise MappingError("delimiter: must be one character")
	notes = accounts.get("notes", {})
	if not isinstance(notes, dict) or not all(isinstance(label, str) for label in notes.values()):
		raise MappingError("accounts.notes: must be an object of column: label")
	likeness = float(_number(data, "likeness", 90, "likeness"))
	if not 50 <= likeness <= 100:
		raise MappingError("likeness: must be from 50 to 100")
	return Mapping(
		accounts=parts["accounts"],
		products=parts["products"],
		teams=parts["teams"],
		deals=parts["deals"],
		encoding=simple["encoding"],
		delimiter=simple["delimiter"],
		date_format=simple["date_format"],
		decimal_separator=simple["decimal_separator"],
		tax=simple["tax"],
		lost_reason=simple["lost_reason"],
		undated=simple["undated"],
		source=_text(data, "source", None),
		stages=_stages(deals.get("stages")),
		exchange_rate=_number(data, "exchange_rate", 1, "exchange_rate"),
		likeness=likeness,
		annual_revenue_factor=_number(accounts, "annual_revenue_factor", 1, "accounts.annual_revenue_factor"),
		annual_revenue_currency=_text(accounts, "annual_revenue_currency", "", "accounts."),
		notes=notes,
	)


def _parts(data: dict[str, Any]) -> dict[str, Part]:
	deals = _part("deals", data.get("deals"))
	parts = {name: _part(name, data[name]) for name in FROM_DEALS if data.get(name) is not None}
	parts["deals"] = deals
	for name, (key, column) in FROM_DEALS.items():
		if name not in parts:
			columns = {key: deals.columns[column]} if column in deals.columns else {}
			parts[name] = Part(name, deals.file, columns)
	files = Counter(part.file for part in parts.values() if part.columns)
	return {name: replace(part, shared=files[part.file] > 1) for name, part in parts.items()}


def _part(name: str, data: Any) -> Part:
	if not isinstance(data, dict):
		raise MappingError(f"{name}: is missing; it names the file and its columns")
	extra = {
		"accounts": {"annual_revenue_factor", "annual_revenue_currency", "notes"},
		"deals": {"stages"},
	}
	_no_others(data, {"file", "columns"} | extra.get(name, set()), f"{name}.")
	file = _text(data, "file", None, f"{name}.")
	if Path(file).name != file:
		raise MappingError(f"{name}.file: must be a file name without a folder")
	columns = data.get("columns")
	if not isinstance(columns, dict) or not all(
		isinstance(column, str) and column for column in columns.values()
	):
		raise MappingError(f"{name}.columns: must be an object of our name: column of the file")
	required, optional = COLUMNS[name]
	_no_others(columns, required | optional, f"{name}.columns.")
	if missing := sorted(required - set(columns)):
		raise MappingError(f"{name}.columns.{missing[0]}: is missing")
	return Part(name, file, dict(columns))


def _stages(data: Any) -> dict[str, Stage]:
	if not isinstance(data, dict) or not data:
		raise MappingError('deals.stages: must name each stage, as {"Won": {"outcome": "won"}}')
	stages = {}
	for stage, value in data.items():
		outcome = value.get("outcome") if isinstance(value, dict) else None
		if outcome not in OUTCOMES:
			raise MappingError(f"deals.stages.{stage}.outcome: must be one of {', '.join(OUTCOMES)}")
		_no_others(value, {"outcome", "sales_stage"}, f"deals.stages.{stage}.")
		stages[stage] = Stage(outcome, _text(value, "sales_stage", "", f"deals.stages.{stage}."))
	return stages


def _text(data: dict[str, Any], key: str, default: str | None, path: str = "") -> str:
	value = data.get(key, default)
	if not isinstance(value, str) or (default is None and not value):
		raise MappingError(f"{path}{key}: must be a text")
	return value


def _number(data: dict[str, Any], key: str, default: int, path: str) -> Decimal:
	value = data.get(key, default)
	try:
		number = Decimal(str(value))
	except InvalidOperation:
		number = Decimal(0)
	if isinstance(value, bool) or not number.is_finite() or number <= 0:
		raise MappingError(f"{path}: must be a number above zero")
	return number


def _no_others(data: dict[str, Any], known: set[str], path: str) -> None:
	if others := sorted(set(data) - known):
		raise MappingError(f"{path}{others[0]}: is not known; known are {', '.join(sorted(known))}")

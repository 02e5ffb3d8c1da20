"""Suggest a mapping for an export from the headings and values of its files.

Imports no frappe; writes nothing.

A suggestion is a start: it names what was recognized, and the administrator corrects it before the import.
"""

import csv
import datetime
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_relations.pipeline.importing.mapping import COLUMNS, FROM_DEALS
from crm_relations.pipeline.importing.reader import ExportError
from crm_relations.pipeline.importing.rules import name_key

#: part → our column → headings of common systems in English and German, as `name_key` writes them
_HEADINGS: dict[str, dict[str, tuple[str, ...]]] = {
	"deals": {
		"key": (
			"opportunityid", "dealid", "recordid", "id", "opportunityname", "dealname", "name", "opportunity", "deal",
			"verkaufschancenid", "verkaufschance", "angebotsnummer", "chance", "nummer",
		),
		"account": (
			"accountname", "account", "company", "companyname", "organization", "organisation", "customer", "client",
			"associatedcompany", "kunde", "kundenname", "firma", "firmenname", "unternehmen",
		),
		"stage": ("stage", "dealstage", "salesstage", "status", "phase", "verkaufsphase", "dealphase", "pipelinestage"),
		"product": ("product", "productname", "item", "produkt", "artikel", "leistung"),
		"value": (
			"amount", "value", "dealvalue", "closevalue", "amountincompanycurrency", "revenue", "betrag", "wert", "umsatz",
			"auftragswert", "volumen", "summe",
		),
		"agent": ("owner", "dealowner", "opportunityowner", "salesagent", "salesperson", "besitzer", "inhaber",
			"verantwortlich", "vertriebsmitarbeiter", "zustandig", "bearbeiter"),
		"opened_on": ("createddate", "createdate", "created", "opened", "openedon", "engagedate", "startdate", "erstellt",
			"erstelltam", "erstellungsdatum", "anlagedatum", "beginn"),
		"closed_on": ("closedate", "closed", "closedon", "expectedclose", "expectedclosedate", "abschlussdatum",
			"geschlossenam", "abgeschlossenam", "abschluss", "ende"),
		"lost_reason": ("lostreason", "closedlostreason", "lossreason", "verlustgrund", "grundfurverlust", "absagegrund"),
	},
	"accounts": {
		"name": ("account", "accountname", "company", "companyname", "name", "customer", "kunde", "kundenname", "firma",
			"firmenname", "unternehmen"),
		"industry": ("industry", "sector", "branche"),
		"annual_revenue": ("revenue", "annualrevenue", "umsatz", "jahresumsatz"),
		"employees": ("employees", "numberofemployees", "mitarbeiter", "mitarbeiterzahl"),
		"country": ("country", "billingcountry", "officelocation", "land"),
		"parent": ("parent", "parentaccount", "subsidiaryof", "muttergesellschaft", "konzern"),
	},
	"products": {
		"name": ("product", "productname", "name", "item", "produkt", "produktname", "artikel", "bezeichnung"),
		"group": ("series", "family", "productfamily", "group", "category", "produktgruppe", "artikelgruppe", "warengruppe"),
		"price": ("price", "salesprice", "listprice", "unitprice", "preis", "listenpreis", "verkaufspreis"),
	},
	"teams": {
		"agent": ("salesagent", "agent", "owner", "name", "salesperson", "vertriebsmitarbeiter", "mitarbeiter"),
		"manager": ("manager", "teamleader", "leiter", "vorgesetzter", "teamleitung"),
		"office": ("regionaloffice", "office", "region", "team", "niederlassung", "buro"),
	},
}  # fmt: skip
_WON = re.compile(r"\bwon\b|gewonnen|auftrag|abgeschlossen\b.*erfolg|success", re.IGNORECASE)
_LOST = re.compile(r"\blost\b|verloren|abgelehnt|absage|abandon|cancel|storn", re.IGNORECASE)
_DATE_FORMATS = (
	"%Y-%m-%d",
	"%d.%m.%Y",
	"%d/%m/%Y",
	"%m/%d/%Y",
	"%d.%m.%y",
	"%Y/%m/%d",
	"%Y-%m-%d %H:%M:%S",
	"%d-%m-%Y",
)
_ENCODINGS = ("utf-8-sig", "cp1252")
_DELIMITERS = ",;\t|"
#: a deal has one of a few stages: a column with more values is something else
_MOST_STAGES = 30


@dataclass(frozen=True)
class _File:
	name: str
	encoding: str
	delimiter: str
	headings: list[str]
	rows: list[dict[str, str]]


def suggest(folder: str | Path) -> dict[str, Any]:
	"""Return the data of a mapping file for the csv files in a folder.

	:raises ExportError: the folder has no csv file, or no file has the columns of deals
	"""
	folder = Path(folder)
	files = [_read(path) for path in sorted(folder.glob("*.csv"))] if folder.is_dir() else []
	if not files:
		raise ExportError(f"{folder}: holds no csv file")
	deals_file, deals = _best("deals", files)
	if not deals_file:
		needed = ", ".join(sorted(COLUMNS["deals"][0]))
		raise ExportError(f"{folder}: no file has columns for {needed} of a deal. Write the mapping by hand")
	mapping: dict[str, Any] = {
		"source": name_key(folder.resolve().name) or "export",
		"encoding": deals_file.encoding,
		"delimiter": deals_file.delimiter,
		"date_format": _date_format(deals_file, deals),
		"deals": {"file": deals_file.name, "columns": deals, "stages": _stages(deals_file, deals["stage"])},
	}
	alike = [file for file in files if file != deals_file and _looks_like(file, deals_file)]
	for part in FROM_DEALS:
		file, columns = _best(part, alike)
		if file:
			mapping[part] = {"file": file.name, "columns": columns}
			alike.remove(file)
	return mapping


def _looks_like(file: _File, other: _File) -> bool:
	"""Tell whether two files share encoding and delimiter: a mapping has one of each for all files."""
	return (file.encoding, file.delimiter) == (other.encoding, other.delimiter)


def _read(path: Path) -> _File:
	content = path.read_bytes()
	for encoding in _ENCODINGS:
		try:
			text = content.decode(encoding)
			break
		except UnicodeDecodeError:
			continue
	else:
		raise ExportError(f"{path}: is neither UTF-8 nor Windows-1252. Save it as UTF-8")
	head = text.partition("\n")[0]
	delimiter = max(_DELIMITERS, key=head.count)
	reader = csv.DictReader(text.splitlines(), delimiter=delimiter)
	headings = [(name or "").strip() for name in reader.fieldnames or []]
	reader.fieldnames = headings
	rows = [{name: (row.get(name) or "").strip() for name in headings} for row in reader]
	return _File(path.name, encoding, delimiter, headings, rows)


def _best(part: str, files: Iterable[_File]) -> tuple[_File | None, dict[str, str]]:
	"""Return the file with the most columns of a part, if it has those that the part needs."""
	found: tuple[_File | None, dict[str, str]] = (None, {})
	for file in files:
		columns = _columns(part, file)
		if COLUMNS[part][0] <= columns.keys() and len(columns) > len(found[1]):
			found = (file, columns)
	return found


def _columns(part: str, file: _File) -> dict[str, str]:
	keys = {name_key(heading): heading for heading in reversed(file.headings)}
	columns: dict[str, str] = {}
	for ours, synonyms in _HEADINGS[part].items():
		for synonym in synonyms:
			heading = keys.get(synonym)
			if (
				heading
				and heading not in columns.values()
				and _fits(ours, [row[heading] for row in file.rows])
			):
				columns[ours] = heading
				break
	return columns


def _fits(ours: str, values: list[str]) -> bool:
	"""Tell whether the values fit a column.

	This distinguishes the number of a deal from its name, and a stage from a free text.
	"""
	filled = [value for value in values if value]
	if ours == "key":
		return len(set(filled)) == len(filled) == len(values)
	if ours == "stage":
		return 0 < len(set(filled)) <= _MOST_STAGES
	return True


def _stages(file: _File, column: str) -> dict[str, dict[str, str]]:
	stages = Counter(row[column] for row in file.rows if row[column])
	return {stage: {"outcome": _outcome(stage)} for stage in sorted(stages)}


def _outcome(stage: str) -> str:
	if _LOST.search(stage):
		return "lost"
	return "won" if _WON.search(stage) else "open"


def _date_format(file: _File, columns: Mapping[str, str]) -> str:
	values = [
		row[columns[ours]] for row in file.rows for ours in ("opened_on", "closed_on") if ours in columns
	]
	values = [value for value in values if value]
	fitting = [form for form in _DATE_FORMATS if all(_is_date(value, form) for value in values)]
	return (fitting or _DATE_FORMATS)[0]


def _is_date(text: str, form: str) -> bool:
	try:
		datetime.datetime.strptime(text, form)
	except ValueError:
		return False
	return True

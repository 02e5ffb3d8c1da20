"""Import answers to calls and letters from a csv file: plan, show, then record. Lines that cannot be
recorded go into a file of rejects. Writes no record itself; `responses` and `campaign_files` do.

One line per answer. The columns are in German or English and in any order. They are the member (`relation`,
`e-mail` or `telephone`; the first that is filled in counts), `type` (Call or Letter), `answer`, `date` and
`note`. Member, type, day and answer identify a line that was recorded before; it is not recorded twice.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import get_datetime, now_datetime

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.incoming import responses
from crm_relations.shared.access.permissions import readable
from crm_relations.shared.refusals import refuse

_CHANNEL = {"email": "Email", "phone": "Phone"}
MEMBER = "Relation Campaign Member"
#: lines of one file, which a person has typed; a larger file is not a list of answers
MAX_LINES = 5000
#: of the file, and of its header
MAX_BYTES, MAX_COLUMNS = 5_000_000, 200
_SHOWN = 20

_COLUMNS = {
	"relation": ("relation", "beziehung", "customer file", "kundenakte"),
	"email": ("e-mail", "email", "mail", "e-mail-adresse", "e-mail address"),
	"phone": ("phone", "telephone", "telefon", "telefonnummer", "mobile", "mobil"),
	"type": ("type", "art", "typ", "channel", "kanal"),
	"answer": ("answer", "antwort", "ergebnis", "result"),
	"date": ("date", "datum", "am", "received"),
	"note": ("note", "notiz", "bemerkung", "kommentar", "comment"),
}
_TYPES = {
	"Call": ("call", "anruf", "telefon", "phone"),
	"Letter": ("letter", "brief", "post", "fax", "antwortkarte", "reply card"),
}
_ANSWERS = {
	"Interested": ("interested", "interessiert", "interesse", "ja", "yes"),
	"Not Interested": ("not interested", "nicht interessiert", "kein interesse", "nein", "no"),
	"Call Back": ("call back", "rückruf", "rueckruf", "zurückrufen"),
	"Not Reached": ("not reached", "nicht erreicht", "keine antwort"),
	"Unknown": ("unknown", "unbekannt", "unklar", "offen", ""),
}
_DATES = (
	"%d.%m.%Y",
	"%d.%m.%y",
	"%Y-%m-%d",
	"%d.%m.%Y %H:%M",
	"%Y-%m-%d %H:%M",
	"%Y-%m-%d %H:%M:%S",
	"%d/%m/%Y",
)


@dataclass
class Plan:
	"""One line: the result, or why it is rejected."""

	line: int
	values: dict[str, str]
	member: str = ""
	name: str = ""
	kind: str = ""
	answer: str = ""
	at: datetime | None = None
	problem: str = ""
	known: bool = False  # it has been recorded before


@dataclass
class Plans:
	"""A whole file."""

	header: list[str]
	rows: list[Plan] = field(default_factory=list)

	def counts(self) -> dict[str, int]:
		"""Return the number of `new`, `known` and `rejected` lines."""
		return {
			"new": sum(not row.problem and not row.known for row in self.rows),
			"known": sum(row.known for row in self.rows),
			"rejected": sum(bool(row.problem) for row in self.rows),
		}


def plan(campaign: str, content: str | bytes) -> Plans:
	"""Plan the import of the file; writes nothing.

	:raises frappe.ValidationError: not a csv file, no column for the member or the answer, or too long
	"""
	header, lines = _read(content)
	columns = _columns(header)
	plans = Plans(header)
	for number, line in enumerate(lines, start=2):
		values = {name: (line[place].strip() if place < len(line) else "") for name, place in columns.items()}
		plans.rows.append(Plan(number, values))
	_find_members(campaign, plans.rows)
	for row in plans.rows:
		_judge(row)
	_find_known(campaign, plans.rows)
	return plans


def record(campaign: str, content: str | bytes) -> dict[str, Any]:
	"""Record the valid lines, in the caller's transaction.

	:return: `recorded`, `known`, `rejected`, and `rejects`: csv of the rejected lines with the reason, or
		None
	"""
	plans = plan(campaign, content)
	for row in plans.rows:
		if not row.problem and not row.known:
			responses.record(
				row.member,
				row.kind,
				row.answer,
				note=row.values.get("note") or None,
				received_at=row.at,
				recorded_by=frappe.session.user,
			)
	counts = plans.counts()
	return {
		"recorded": counts["new"],
		"known": counts["known"],
		"rejected": counts["rejected"],
		"rejects": _rejects(plans) if counts["rejected"] else None,
	}


def shown(plans: Plans) -> dict[str, Any]:
	"""Return counts and the first lines for the dialog, lines with a problem first."""
	rows = sorted(plans.rows, key=lambda row: (not row.problem, row.line))[:_SHOWN]
	return {
		**plans.counts(),
		"rows": [
			{
				"line": row.line,
				"name": row.name or next((v for v in row.values.values() if v), ""),
				"type": row.kind,
				"answer": row.answer,
				"date": str(row.at.date()) if row.at else "",
				"problem": row.problem or (_("Recorded before") if row.known else ""),
			}
			for row in rows
		],
	}


def _read(content: str | bytes) -> tuple[list[str], list[list[str]]]:
	"""Return header and lines. A file that is too large is refused before it is processed."""
	if len(content) > MAX_BYTES:
		refuse(_("File: it is larger than {0} MB"), MAX_BYTES // 1_000_000)
	if isinstance(content, bytes):
		try:
			content = content.decode("utf-8-sig")
		except UnicodeDecodeError:
			content = content.decode("cp1252", "replace")  # the encoding of German spreadsheet programs
	text = content.lstrip("\ufeff")
	first = text.partition("\n")[0]
	delimiter = max(";\t,", key=first.count)
	if first.count(delimiter) >= MAX_COLUMNS:
		refuse(
			_("File: it has {0} columns; at most {1} are possible"), first.count(delimiter) + 1, MAX_COLUMNS
		)
	try:
		rows = csv.reader(io.StringIO(text), delimiter=delimiter)
		lines = list(islice((line for line in rows if any(c.strip() for c in line)), MAX_LINES + 2))
	except csv.Error as e:
		refuse(_("File: it cannot be read as csv: {0}"), e)
	if len(lines) < 2:
		frappe.throw(_("File: it has no line below the header"))
	if len(lines) - 1 > MAX_LINES:
		refuse(_("File: it has more than {0} lines. Split it"), MAX_LINES)
	return lines[0], lines[1:]


def _columns(header: list[str]) -> dict[str, int]:
	places: dict[str, int] = {}
	for place, title in enumerate(header):
		wanted = title.strip().casefold()
		for name, titles in _COLUMNS.items():
			if wanted in titles and name not in places:
				places[name] = place
	if not {"relation", "email", "phone"} & set(places):
		frappe.throw(
			_("File: no column names the member. One of these is needed: relation, email, telephone")
		)
	if "answer" not in places:
		frappe.throw(_("File: the column answer is missing"))
	return places


def _find_members(campaign: str, rows: list[Plan]) -> None:
	"""Find the members that the lines name, with one query per kind of name."""
	keys: dict[str, dict[int, str]] = {"relation": {}, "email": {}, "phone": {}}
	for row in rows:
		for kind in keys:
			if value := row.values.get(kind):
				key = value if kind == "relation" else decisions.address_key(value, _CHANNEL[kind])
				keys[kind][row.line] = key or value
				break
	table, relation = DocType(MEMBER), DocType("Relation")
	for kind, wanted in keys.items():
		if not wanted:
			continue
		found: dict[str, dict[str, tuple[str, str]]] = {}
		column = table[kind]
		readable_rows = readable(frappe.qb.from_(table), MEMBER)
		if readable_rows is None:
			continue
		query = (
			readable_rows.left_join(relation)
			.on(relation.name == table.relation)
			.select(column, table.relation, table.name, relation.relation_name)
			.where((table.campaign == campaign) & column.isin(sorted(set(wanted.values()))))
			.orderby(table.enrollment_no)
		)
		for key, who, name, title in query.run():
			found.setdefault(key, {})[who] = (name, title or name)  # an answer belongs to the last enrollment
		for row in rows:
			if row.line in wanted:
				_take(row, list(found.get(wanted[row.line], {}).values()))
	for row in rows:
		if not row.member and not row.problem:
			row.problem = _("The line names no member")


def _take(row: Plan, found: list[tuple[str, str]]) -> None:
	if len(found) == 1:
		row.member, row.name = found[0]
	elif found:
		row.problem = _("{0} members have this address; name the relation").format(len(found))
	else:
		row.problem = _("No member of the campaign has this name")


def _judge(row: Plan) -> None:
	"""Check type, answer and date of a line; the first problem is reported."""
	kind = _meaning(_TYPES, row.values.get("type") or "call")
	answer = _meaning(_ANSWERS, row.values.get("answer", ""))
	at = _date(row.values.get("date", ""))
	row.kind, row.answer, row.at = kind or "", answer or "", at
	if row.problem:
		return
	if not kind:
		row.problem = _("Type: {0} is neither a call nor a letter").format(row.values["type"])
	elif not answer:
		row.problem = _("Answer: {0} is not known. Choose one of {1}").format(
			row.values["answer"], ", ".join(_(name) for name in rules.CALL_ANSWERS)
		)
	elif not at:
		row.problem = _("Date: {0} cannot be read").format(row.values["date"])
	elif at > now_datetime():
		row.problem = _("Date: {0} lies in the future").format(row.values["date"])


def _meaning(words: dict[str, tuple[str, ...]], text: str) -> str | None:
	wanted = " ".join(text.split()).casefold()
	return next((name for name, spellings in words.items() if wanted in spellings), None)


def _date(text: str) -> datetime | None:
	if not text:
		return now_datetime()
	for pattern in _DATES:
		try:
			return datetime.strptime(text, pattern)
		except ValueError:
			continue
	return None


def _find_known(campaign: str, rows: list[Plan]) -> None:
	"""Find lines that have been recorded before, also in this file."""
	good = [row for row in rows if not row.problem]
	known = set(_recorded(campaign, {row.member for row in good}))
	for row in good:
		key = (row.member, row.kind, row.answer, row.at.date())
		row.known = key in known
		known.add(key)


def _recorded(campaign: str, members: set[str]) -> Iterator[tuple]:
	for row in frappe.get_all(
		"Relation Campaign Response",
		filters={"campaign": campaign, "member": ["in", sorted(members) or [""]]},
		fields=["member", "response_type", "answer", "received_at"],
		order_by="received_at asc",
	):
		yield row.member, row.response_type, row.answer or "", get_datetime(row.received_at).date()


def _rejects(plans: Plans) -> str:
	"""Return the rejected lines for correction and another import: the known columns, and the reason."""
	out = io.StringIO()
	writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
	names = list(_COLUMNS)
	writer.writerow([*names, _("Problem"), _("Line")])
	for row in plans.rows:
		if row.problem:
			writer.writerow([*(_harmless(row.values.get(name, "")) for name in names), row.problem, row.line])
	return "\ufeff" + out.getvalue()


def _harmless(text: str) -> str:
	"""Return a text that no spreadsheet program treats as a formula; a telephone number keeps its plus."""
	is_number = text[:1] in ("+", "-") and text[1:].replace(" ", "").isdigit()
	return f"'{text}" if text.startswith(("=", "@", "+", "-", "\t", "\r")) and not is_number else text

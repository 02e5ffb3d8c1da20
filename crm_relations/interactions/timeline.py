"""Build one timeline of a relation, newest first, read in place from the documents that hold it. Writes
nothing.

Each kind of entry is a `Source`: one query, limited to what the reader may read, ordered and cut to a page.
The number of queries depends on the number of sources, not on the length of the file. Sources come from the
hook `relation_timeline_sources`, a list of dotted paths to lists of `Source`; other apps may add theirs.

A document with its own permissions (invoice, order …) is shown if Frappe's list would show it. Emails and
files belong to the document that they refer to, as in Frappe's own forms. A user who may read the customer
may read them.
"""

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any, Literal

import frappe
from frappe import _
from frappe.query_builder.functions import Substring
from frappe.utils import get_datetime, strip_html
from pypika.functions import Date
from pypika.terms import Case, Criterion, Term

from crm_relations.relations.identities import identity
from crm_relations.shared.access.permissions import readable
from crm_relations.shared.refusals import refuse

Group = Literal["contacts", "documents", "money"]
GROUPS: tuple[Group, ...] = ("contacts", "documents", "money")

MAX_PAGE = 100
EXCERPT = 300
#: characters of a stored text that are read: emails hold images of megabytes
READ_AT_MOST = 4000

Table = Any
Row = dict[str, Any]
Party = tuple[str, str]


@dataclass
class CustomerFile:
	"""The relation of a timeline and its party documents."""

	relation: str
	parties: list[Party]
	#: the relation and those party documents that the reader may read
	readable: list[Party] = field(default_factory=list)

	def names(self, doctype: str) -> list[str]:
		"""Return the relation's documents of one doctype."""
		return [name for party_type, name in self.parties if party_type == doctype]

	def points_at_party(self, type_field: Term, name_field: Term) -> Criterion | None:
		"""Return the criterion that the pair of fields names one of the relation's party documents; None if
		it has none.
		"""
		return _one_of(type_field, name_field, self.parties)

	def points_at_readable(self, type_field: Term, name_field: Term) -> Criterion:
		"""Return the criterion that the pair of fields names the relation, or one of its documents that the
		reader may read.
		"""
		return _one_of(type_field, name_field, self.readable)


@dataclass(frozen=True)
class Source:
	"""One kind of entry.

	`where` limits the doctype's table to the file (None: nothing of this kind). `at` is when it happened.
	`columns` gives `title`, `text`, `status`, `amount`, `currency` and others the client knows. `rights`:
	"own" for the reader's permissions on the doctype, "party" if the permissions of the file decide.
	"""

	kind: str
	group: Group
	doctype: str
	where: Callable[[CustomerFile, Table], Criterion | None]
	at: Callable[[Table], Term]
	columns: Callable[[Table], dict[str, Term]]
	rights: Literal["own", "party"] = "own"
	#: columns that hold HTML and are shown as a plain excerpt
	html: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cursor:
	"""The end of a page: the next one begins after this entry."""

	at: datetime
	doctype: str
	name: str

	def __str__(self) -> str:
		return f"{self.at.isoformat(sep=' ', timespec='microseconds')}|{self.doctype}|{self.name}"

	@classmethod
	def parse(cls, text: str) -> "Cursor":
		"""Read a cursor.

		:raises frappe.ValidationError: it is not a cursor that a page gave
		"""
		at, _bar, rest = text.partition("|")
		doctype, bar, name = rest.partition("|")
		try:
			if not bar:
				raise ValueError
			return cls(datetime.fromisoformat(at), doctype, name)
		except ValueError:
			refuse(_("Before: {0} is not a page cursor. Reload the timeline."), text[:80])


def timeline(
	relation: str, limit: int = 30, before: str | None = None, group: Group | None = None
) -> list[Row]:
	"""Return the newest entries of a relation's timeline that the session's user may read.

	The caller has checked that the user may read the relation.

	:param limit: maximum number of entries, up to 100
	:param before: `cursor` of the last entry of the page before
	:param group: only contacts, documents or money
	:return: entries with `kind`, `group`, `at`, `doctype`, `name`, `title`, `text`, `status`, `amount`,
		`currency`, `cursor` and what else the source gives. All texts are plain and not yet escaped.
	"""
	if group and group not in GROUPS:
		refuse(_("Group: choose one of {0}."), ", ".join(GROUPS))
	limit = max(1, min(limit, MAX_PAGE))
	cursor = Cursor.parse(before) if before else None
	file = customer_file(relation)
	entries: list[Row] = []
	for source in sources():
		if not group or group == source.group:
			entries += _read(source, file, cursor, limit)
	entries.sort(key=lambda entry: (entry["at"], entry["doctype"], entry["name"]), reverse=True)
	return list(islice(_once(entries), limit))


def customer_file(relation: str) -> CustomerFile:
	"""Return the relation with its party documents, and which of them the session's user may read."""
	parties = identity.parties_of(relation)
	file = CustomerFile(relation, parties, [("Relation", relation)])
	for doctype in dict.fromkeys(party_type for party_type, _name in parties):
		table = frappe.qb.DocType(doctype)
		query = frappe.qb.from_(table).select(table.name).where(table.name.isin(file.names(doctype)))
		if query := readable(query, doctype):
			file.readable += [(doctype, name) for name in query.run(pluck=True)]
	return file


def sources() -> list[Source]:
	"""Return all sources of the installed apps, in the order of their hooks."""
	paths = frappe.get_hooks("relation_timeline_sources")
	return [source for path in paths for source in frappe.get_attr(path)]


def moment(day: Term, creation: Term) -> Term:
	"""Return when a document that only has a date happened: its creation, if that was on the day, else the
	day's start.

	So documents of today keep the order in which they were created, and those entered later stand on their
	day.
	"""
	return Case().when(Date(creation) == day, creation).else_(day)


def _one_of(type_field: Term, name_field: Term, parties: list[Party]) -> Criterion | None:
	"""Return one alternative per doctype: MariaDB finds these in an index, but not pairs in a list."""
	by_type: dict[str, list[str]] = {}
	for doctype, name in parties:
		by_type.setdefault(doctype, []).append(name)
	alternatives = [(type_field == doctype) & name_field.isin(names) for doctype, names in by_type.items()]
	return reduce(or_, alternatives) if alternatives else None


def _read(source: Source, file: CustomerFile, cursor: Cursor | None, limit: int) -> list[Row]:
	table = frappe.qb.DocType(source.doctype)
	criterion = source.where(file, table)
	if criterion is None:
		return []
	query = frappe.qb.from_(table).where(criterion)
	if source.rights == "own":
		query = readable(query, source.doctype)
		if query is None:
			return []
	at = source.at(table)
	if cursor:
		query = query.where(_after(source, table, at, cursor))
	columns = source.columns(table)
	selected = [
		(Substring(term, 1, READ_AT_MOST) if name in source.html else term).as_(name)
		for name, term in columns.items()
	]
	rows = (
		query.select(table.name, at.as_("at"), *selected)
		.orderby(at, order=frappe.qb.desc)
		.orderby(table.name, order=frappe.qb.desc)
		.limit(limit)
		.run(as_dict=True)
	)
	return [_entry(source, row) for row in rows]


def _after(source: Source, table: Table, at: Term, cursor: Cursor) -> Criterion:
	"""Return the criterion of entries after the cursor in the order of the timeline: time, doctype, name,
	all descending.
	"""
	moment_of_cursor = str(cursor.at)
	if source.doctype < cursor.doctype:
		return at <= moment_of_cursor
	if source.doctype > cursor.doctype:
		return at < moment_of_cursor
	return (at < moment_of_cursor) | ((at == moment_of_cursor) & (table.name < cursor.name))


def _entry(source: Source, row: Row) -> Row:
	for name in source.html:
		row[name] = excerpt(row.get(name))
	at = get_datetime(row.pop("at"))
	entry = {
		"kind": source.kind,
		"group": source.group,
		"doctype": source.doctype,
		"title": None,
		"text": None,
		"status": None,
		"amount": None,
		"currency": None,
		**row,
		"at": at,
	}
	entry["cursor"] = str(Cursor(at, source.doctype, row["name"]))
	return entry


def _once(entries: Iterable[Row]) -> Iterable[Row]:
	"""Yield each entry once, as an email may be found by its reference and by its links."""
	seen = set()
	for entry in entries:
		key = (entry["doctype"], entry["name"])
		if key not in seen:
			seen.add(key)
			yield entry


def excerpt(text: str | None, length: int = EXCERPT) -> str:
	"""Return HTML as one line of plain text, cut to `length` characters."""
	if not text:
		return ""
	text = re.sub(r"(?is)<(style|script|head)\b.*?(</\1>|$)", " ", text)
	text = re.sub(r"(?i)<(br|/p|/div|/li|/tr|/h\d)\b[^>]*>", " ", text)
	text = re.sub(r"<[^<>]*$", "", text)  # a tag that was cut in the middle
	text = " ".join(html.unescape(strip_html(text)).split())
	return text if len(text) <= length else text[: length - 1].rstrip() + "…"

"""Measure how complete a relation's profile is, in percent. Writes `Relation.completeness`.

The administrator sets which fields count (Relation Settings), by kind and weight. A saved relation gets its
figure at once; what is written set-based is recomputed set-based, and all relations are recomputed every
night.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import frappe
from frappe import _
from frappe.model import no_value_fields, numeric_fieldtypes, table_fields
from frappe.model.document import Document
from frappe.utils import cint
from pypika import Case
from pypika.functions import Floor
from pypika.queries import Table
from pypika.terms import Criterion, Term

from crm_relations.relations import queries
from crm_relations.relations.profiles import attributes
from crm_relations.relations.rules import ORGANISATION, PERSON
from crm_relations.shared.refusals import refuse

FIELD = "completeness"
SETTINGS = "Relation Settings"
#: relations in one query of the recomputation
PAGE = 5000
#: keeps SQL's four decimals exact
MAX_WEIGHT = 100
DATES = ("Date", "Datetime")
#: what counts on a new site: kind, field, alternative field, weight
DEFAULTS = (
	("Both", "email_id", "", 3),
	("Both", "phone", "mobile_no", 3),
	("Both", "address_line", "", 2),
	("Both", "pincode", "", 1),
	("Both", "city", "", 1),
	("Both", "country", "", 1),
	("Both", "responsible", "", 2),
	("Person", "last_name", "", 2),
	("Person", "salutation", "gender", 1),
	("Organisation", "industry", "", 2),
	("Organisation", "employees", "annual_revenue", 1),
	("Organisation", "website", "", 1),
)


@dataclass(frozen=True)
class Counted:
	"""A field that counts, an alternative field, and its weight."""

	field: str
	alternative: str | None
	weight: int


def fields_that_count(kind: str) -> list[Counted]:
	"""Return the fields that count for relations of that kind, in the administrator's order, without missing
	fields.
	"""
	settings = frappe.get_cached_doc(SETTINGS)
	rows = [row for row in settings.completeness_fields if row.applies_to in ("Both", kind)]
	if not rows:
		return []
	known = {df.fieldname for df in countable_fields()}
	return [
		Counted(row.profile_field, row.alternative if row.alternative in known else None, row.weight)
		for row in rows
		if row.profile_field in known and cint(row.weight) > 0
	]


def countable_fields() -> list[Any]:
	"""Return fields of Relation that can be empty and filled: no layout, no tables, no switches, nothing
	derived.
	"""
	return [
		df
		for df in frappe.get_meta("Relation").fields
		if df.fieldtype not in (*no_value_fields, *table_fields, "Check")
		and not df.hidden
		and df.fieldname not in (FIELD, "relation_kind", "stage", "stage_since")
	]


def percent(filled: int, total: int) -> int:
	"""Return the percentage, rounded half up; if nothing counts, nothing is missing."""
	return math.floor(100 * filled / total + 0.5) if total else 100


def measure(doc: Document) -> None:
	"""Set the figure on a relation that is being saved."""
	doc.set(FIELD, meter()(doc))


def meter() -> Callable[[Any], int]:
	"""Return a function that computes the figure from a relation's values (a document or a mapping), for many
	in a row.
	"""
	counted = _counted_by_kind()

	def figure(values: Any) -> int:
		fields = counted.get(values.get("relation_kind"), [])
		filled = sum(
			c.weight for c in fields if values.get(c.field) or (c.alternative and values.get(c.alternative))
		)
		return percent(filled, sum(c.weight for c in fields))

	return figure


def _counted_by_kind() -> dict[str, list[Counted]]:
	"""Return what counts for both kinds, built once while settings and fields stay the same."""
	settings, meta = frappe.get_cached_doc(SETTINGS), frappe.get_meta("Relation")
	rows = tuple(
		(row.applies_to, row.profile_field, row.alternative, row.weight)
		for row in settings.completeness_fields
	)
	known = getattr(frappe.local, "relation_counted", None)
	if not known or known[0] is not meta or known[1] != rows:
		known = (meta, rows, {kind: fields_that_count(kind) for kind in (PERSON, ORGANISATION)})
		frappe.local.relation_counted = known
	return known[2]


def missing(kind: str, values: Any) -> list[str]:
	"""Return fields that count and are empty; of two alternatives, the first."""
	return [
		c.field
		for c in fields_that_count(kind)
		if not values.get(c.field) and not (c.alternative and values.get(c.alternative))
	]


def missing_of(relation: str) -> list[str]:
	"""Return labels of a relation's missing fields, without those that the session's user may not see."""
	return labels_of_missing(frappe.get_doc("Relation", relation))


def labels_of_missing(values: Any) -> list[str]:
	"""Return the same for values that have been read already, with `relation_kind`."""
	meta, hidden = frappe.get_meta("Relation"), attributes.unreadable_fields()
	fields = missing(values.get("relation_kind"), values)
	return [_(meta.get_label(field)) for field in fields if field not in hidden]


def recompute(relations: Iterable[str]) -> None:
	"""Set the figure of these relations, one query per kind."""
	names = list(relations)
	if not names:
		return
	table = frappe.qb.DocType("Relation")
	for kind in (PERSON, ORGANISATION):
		figure = _figure(table, kind)
		(
			frappe.qb.update(table)
			.set(table[FIELD], figure)
			.where(table.name.isin(names) & (table.relation_kind == kind) & (table[FIELD] != figure))
		).run()


def recompute_all() -> None:
	"""Recompute every relation, in pages. Commits after each, so that a table of a million is never locked
	for long.
	"""
	after = ""
	while names := queries.names_after("Relation", after, PAGE):
		recompute(names)
		frappe.db.commit()
		after = names[-1]


def _figure(table: Table, kind: str) -> Term | int:
	counted = fields_that_count(kind)
	total = sum(c.weight for c in counted)
	if not total:
		return percent(0, 0)
	types = {df.fieldname: df.fieldtype for df in countable_fields()}
	filled: Any = 0
	for c in counted:
		is_filled = _is_filled(table, c.field, types)
		if c.alternative:
			is_filled |= _is_filled(table, c.alternative, types)
		filled = Case().when(is_filled, c.weight).else_(0) + filled
	return Floor(filled * 100 / total + 0.5)


def _is_filled(table: Table, field: str, types: dict[str, str]) -> Criterion:
	column = table[field]
	if types[field] in DATES:
		return column.isnotnull()
	return column.isnotnull() & (column != (0 if types[field] in numeric_fieldtypes else ""))


# ── settings ───────────────────────────────────────────────────────────────────────────────────


def check_settings(doc: Document) -> None:
	"""Check that each row names a field of Relation, and none counts twice for a kind.

	:raises frappe.ValidationError: names row and field
	"""
	known = {df.fieldname for df in countable_fields()}
	seen: set[tuple[str, str]] = set()
	for row in doc.get("completeness_fields"):
		for fieldname in filter(None, (row.profile_field, row.alternative)):
			if fieldname not in known:
				refuse(
					_(
						"Fields that Count, row {0}: {1} is not a field of a relation. Choose one from the list."
					),
					row.idx,
					fieldname,
				)
			for kind in (PERSON, ORGANISATION):
				if row.applies_to not in ("Both", kind):
					continue
				if (kind, fieldname) in seen:
					refuse(
						_("Fields that Count, row {0}: {1} counts twice. Remove one of the rows."),
						row.idx,
						_(frappe.get_meta("Relation").get_label(fieldname)),
					)
				seen.add((kind, fieldname))
		if not 0 < cint(row.weight) <= MAX_WEIGHT:
			refuse(_("Fields that Count, row {0}: Weight must lie between 1 and {1}."), row.idx, MAX_WEIGHT)


def recompute_if_changed(doc: Document) -> None:
	"""Queue a recomputation of every figure if other fields count now."""
	before = doc.get_doc_before_save()

	def rows(settings: Document | None) -> list[tuple]:
		return [
			(r.applies_to, r.profile_field, r.alternative or None, cint(r.weight))
			for r in (settings.get("completeness_fields") if settings else [])
		]

	if rows(before) != rows(doc):
		frappe.enqueue(
			recompute_all,
			queue="long",
			job_id="relation_completeness",
			deduplicate=True,
			enqueue_after_commit=True,
		)

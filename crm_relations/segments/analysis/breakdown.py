"""Count how the relations that match a rule are distributed over the values of a field.

One query per field; writes nothing.
"""

from collections.abc import Iterable
from typing import Any

import frappe
from frappe import _
from frappe.query_builder.functions import Count
from pypika.queries import QueryBuilder
from pypika.terms import Term

from crm_relations.segments import confidential, queries
from crm_relations.segments.compilation.compiler import Rule
from crm_relations.segments.fields import catalogue
from crm_relations.segments.fields.events import field_of

#: Fields of the catalogue, each with its column of Relation; the role is in Relation Role
FIELDS = {"industry": "industry", "role": None, "territory": "territory", "age_group": "age_group"}
SHOWN = 8


def breakdown(rule: Rule) -> list[dict[str, Any]]:
	"""Return for each of `FIELDS` that the session's user may read: `{"field", "label", "rows", "others"}`.

	Rows are `{"value", "label", "count"}`, largest first, at most `SHOWN`; `value` is None for relations
	without a value. `others` counts those with further values. Only relations that the user may read count; a
	relation with several roles counts in each.

	:raises rules.RuleError: names the path of the fault.
	"""
	criterion = confidential.criterion_of(rule)
	hidden = confidential.hidden_fields()
	found = []
	for key, column in FIELDS.items():
		if key in hidden:
			continue
		field = field_of(catalogue.fields(), key)
		query, value = _by_column(column) if column else _by_role()
		query = queries.readable(query)
		counts = _counts(query if criterion is None else query.where(criterion), value)
		titles = _titles(field.doctype, (value for value, _count in counts[:SHOWN] if value))
		found.append(
			{
				"field": key,
				"label": str(field.label),
				"rows": [
					{"value": value or None, "label": titles.get(value) or _(value or ""), "count": count}
					for value, count in counts[:SHOWN]
				],
				"others": sum(count for _value, count in counts[SHOWN:]),
			}
		)
	return found


def _by_column(column: str) -> tuple[QueryBuilder, Term]:
	relation = frappe.qb.DocType("Relation")
	return frappe.qb.from_(relation), relation[column]


def _by_role() -> tuple[QueryBuilder, Term]:
	"""Count current roles; a relation without a role has no row, and does not count as "not known"."""
	relation, role = frappe.qb.DocType("Relation"), frappe.qb.DocType("Relation Role")
	query = (
		frappe.qb.from_(relation)
		.join(role)
		.on((role.parent == relation.name) & (role.parenttype == "Relation") & role.until.isnull())
	)
	return query, role.role


def _counts(query: QueryBuilder, value: Term) -> list[tuple[str, int]]:
	"""Return value → number of relations, largest first; NULL and the empty text are one value."""
	relation = frappe.qb.DocType("Relation")
	counts: dict[str, int] = {}
	for one, count in query.select(value, Count(relation.name).distinct()).groupby(value).run():
		counts[one or ""] = counts.get(one or "", 0) + count
	return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _titles(doctype: str | None, names: Iterable[str]) -> dict[str, str]:
	"""Return the titles of records, if the desk shows titles in links; one query."""
	names = list(names)
	meta = frappe.get_meta(doctype) if doctype else None
	if not names or not meta or not (meta.title_field and meta.show_title_field_in_link):
		return {}
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.from_(table).select(table.name, table[meta.title_field]).where(table.name.isin(names))
	return {name: _(title) for name, title in query.run() if title}

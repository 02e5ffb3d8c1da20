"""Find the relations behind the rows of a list: customers, recipients of invoices, buyers of an item. Writes
nothing.

Rows are those that are named, or all that match a list's filters. The permissions of the session's user
always apply: to the rows, to the invoices in between, and to the relations.
"""

from typing import Any

import frappe
from frappe import _
from frappe.model.db_query import DatabaseQuery
from frappe.query_builder.functions import Count
from pypika.queries import QueryBuilder
from pypika.terms import Term

from crm_relations.relations.party_documents import sources
from crm_relations.segments import queries
from crm_relations.segments.lists.narrowing import RELATION, SALES
from crm_relations.shared.access import permissions
from crm_relations.shared.refusals import refuse

MAX_ROWS = 100_000
MAX_NAMES = 5_000


class _List(Term):
	"""The names of a list's rows as a sub-query, written by Frappe with the user's permissions."""

	def __init__(self, sql: str):
		super().__init__()
		# a lone % would be read as a parameter
		self.sql = sql.replace("%%", "%").replace("%", "%%")

	def get_sql(self, **kwargs: Any) -> str:
		return f"({self.sql})"


def doctypes() -> list[str]:
	"""Return the doctypes with lists of which a segment can be made."""
	return [RELATION, *sources.sources(), *SALES, "Item"]


def rows(doctype: str, names: list[str] | None = None, filters: list | dict | None = None) -> QueryBuilder:
	"""Return the query on the rows of a list that the user may read, nothing selected yet.

	:param names: the rows; without them all that match `filters`
	:raises frappe.ValidationError: no such list, or more rows than `MAX_ROWS`
	:raises frappe.PermissionError: the user may not read documents of this kind
	"""
	if doctype not in doctypes():
		refuse(
			_("No segment can be created from {0}. Choose one of: {1}."),
			doctype,
			", ".join(_(one) for one in doctypes()),
		)
	frappe.has_permission(doctype, "read", throw=True)
	table = frappe.qb.DocType(doctype)
	query = permissions.readable(frappe.qb.from_(table), doctype)
	if query is None:
		refuse(_("You may not read {0}."), _(doctype), exception=frappe.PermissionError)
	if names:
		if len(names) > MAX_NAMES:
			refuse(_("Check at most {0} rows, or check none to use the whole list."), MAX_NAMES)
		return query.where(table.name.isin([str(name) for name in names]))
	listed = DatabaseQuery(doctype).execute(fields=["name"], filters=filters or [], run=0)
	query = query.where((table.name != "") & table.name.isin(_List(listed)))
	if (found := query.select(Count("*")).run()[0][0]) > MAX_ROWS:
		refuse(
			_("The list has {0} rows; at most {1} can be used at once. Filter the list first."),
			found,
			MAX_ROWS,
		)
	return query


def relations_of(doctype: str, chosen: QueryBuilder) -> QueryBuilder:
	"""Return the names of the relations behind the rows that the user may read, each once."""
	relation, table = frappe.qb.DocType(RELATION), frappe.qb.DocType(doctype)
	if doctype == RELATION:
		found = chosen.select(table.name)
	elif doctype == "Item":
		found = _parties("Customer", _buyers(chosen.select(table.name)))
	elif column := SALES.get(doctype):
		found = _parties("Customer", chosen.select(table[column]))
	else:
		found = _parties(doctype, chosen.select(table.name))
	return queries.readable(frappe.qb.from_(relation).select(relation.name)).where(relation.name.isin(found))


def count(doctype: str, names: list[str] | None = None, filters: list | dict | None = None) -> dict[str, int]:
	"""Return `{"rows", "relations"}` of a list."""
	chosen = rows(doctype, names, filters)
	relations = relations_of(doctype, chosen).as_("found")
	return {
		"rows": chosen.select(Count("*")).run()[0][0],
		"relations": frappe.qb.from_(relations).select(Count("*")).run()[0][0],
	}


def _parties(doctype: str, names: QueryBuilder) -> QueryBuilder:
	party = frappe.qb.DocType("Relation Party")
	return (
		frappe.qb.from_(party)
		.select(party.parent)
		.where((party.parenttype == RELATION) & (party.party_type == doctype) & party.party.isin(names))
	)


def _buyers(items: QueryBuilder) -> QueryBuilder:
	"""Return customers of submitted invoices with the items; items that were only returned do not count."""
	frappe.has_permission("Sales Invoice", "read", throw=True)
	invoice, row = frappe.qb.DocType("Sales Invoice"), frappe.qb.DocType("Sales Invoice Item")
	query = permissions.readable(frappe.qb.from_(invoice), "Sales Invoice")
	if query is None:
		refuse(_("You may not read {0}."), _("Sales Invoice"), exception=frappe.PermissionError)
	return (
		query.join(row)
		.on((row.parent == invoice.name) & (row.parenttype == "Sales Invoice"))
		.where((invoice.docstatus == 1) & (invoice.is_return == 0) & row.item_code.isin(items))
		.select(invoice.customer)
	)

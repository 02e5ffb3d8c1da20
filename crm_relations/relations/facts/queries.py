"""Read the facts with the reader's permissions. Writes nothing.

Counts and dates of contacts are visible to every user that may read the relation. A figure from invoices,
orders or quotations also needs permission to read these and every customer of the relation; otherwise it is
None.
"""

from typing import Any

import frappe
from frappe.query_builder.functions import Max, Min, Sum
from frappe.utils import getdate, nowdate

from crm_relations.relations import queries
from crm_relations.relations.facts.sales_sources import INVOICE, ORDER
from crm_relations.relations.facts.sources import CONTACTS, FACTS, ITEM_GROUPS, Listing, Scope, sources

Row = dict[str, Any]

#: figures that are derived from others
DERIVED = {
	"rhythm_days": ORDER,
	"recency_class": ORDER,
	"frequency_class": ORDER,
	"monetary_class": INVOICE,
	"days_sales_outstanding": INVOICE,
}
#: figures that can be added over companies and relations in one currency
ADDITIVE = (
	"revenue_12_months",
	"revenue_24_months",
	"revenue_total",
	"credit_notes_12_months",
	"returns",
	"margin_12_months",
	"margin_base_12_months",
	"billed_12_months",
	"open_amount",
	"overdue_amount",
	"orders",
	"orders_24_months",
	"open_quotations",
	"open_quotations_amount",
	"open_opportunities",
	"open_opportunities_amount",
)
EARLIEST = ("first_order", "overdue_since")
LATEST = ("last_order", "last_invoice")
#: figures that are unknown if the other column is empty
UNKNOWN_WITHOUT = {
	"margin_12_months": "margin_base_12_months",
	"rhythm_days": "rhythm_days",
	"days_sales_outstanding": "billed_12_months",
}
KEYS = ("relation", "company", "currency")
TOP = 12


def scope_of(relations: list[str]) -> Scope:
	"""Return the scope of the relations with their party documents, today."""
	parties: dict[str, set[str]] = {}
	for members in queries.parties_of(relations).values():
		for doctype, name in members:
			parties.setdefault(doctype, set()).add(name)
	return Scope(getdate(nowdate()), tuple(relations), parties)


def needs() -> dict[str, str]:
	"""Return figure → doctype that the user must be able to read to see it; empty if none is needed."""
	found = {column: part.needs for part in sources(FACTS) for column in part.columns}
	return {column: doctype for column, doctype in {**found, **DERIVED}.items() if column != "stale_on"}


def facts_of(relation: str) -> list[Row]:
	"""Return the relation's figures, one row per company that the user may read; most revenue first.

	None stands for what is not known, or not visible to this user.
	"""
	figures = _figures_for_user(relation)
	if not any(figures.values()):
		return []
	table = frappe.qb.DocType(FACTS)
	query = (
		frappe.qb.from_(table)
		.select(*(table[column] for column in (*KEYS, *figures)))
		.where(table.relation == relation)
		.where(table.company.isin(_companies() or [""]))
		.orderby(table.revenue_total, order=frappe.qb.desc)
		.orderby(table.company)
	)
	return [_seen(row, figures) for row in query.run(as_dict=True)]


def item_groups_of(relation: str) -> list[Row]:
	"""Return what the relation bought by company and item group, most first; empty without permission to read
	invoices.
	"""
	if not _figures_for_user(relation).get("revenue_total"):
		return []
	table = frappe.qb.DocType(ITEM_GROUPS)
	query = (
		frappe.qb.from_(table)
		.select(table.company, table.item_group, table.currency, table.amount, table.last_bought)
		.where((table.relation == relation) & (table.amount != 0))
		.where(table.company.isin(_companies() or [""]))
		.orderby(table.amount, order=frappe.qb.desc)
		.orderby(table.item_group)
		.limit(TOP)
	)
	return query.run(as_dict=True)


def contact_facts_of(relation: str) -> Row:
	"""Return contacts, complaints and responses; empty if there are none."""
	table = frappe.qb.DocType(CONTACTS)
	columns = {column for part in sources(CONTACTS) for column in part.columns}
	query = frappe.qb.from_(table).select(*(table[column] for column in sorted(columns)))
	rows = query.where(table.relation == relation).run(as_dict=True)
	return rows[0] if rows else {}


def totals(relations: list[str], companies: list[str] | None = None) -> list[Row]:
	"""Return the added figures of several relations, one row per currency: two currencies are never added.

	The caller has checked that the user may read the amounts. `relations` is their number. Figures that
	cannot be added (rhythm, classes, days sales outstanding, margin of part of the revenue) are left out.
	"""
	table = frappe.qb.DocType(FACTS)
	query = (
		frappe.qb.from_(table)
		.select(
			table.currency,
			*(Sum(table[column]).as_(column) for column in ADDITIVE),
			*(Min(table[column]).as_(column) for column in EARLIEST),
			*(Max(table[column]).as_(column) for column in LATEST),
		)
		.where(table.relation.isin(relations or [""]))
		.groupby(table.currency)
		.orderby(table.currency)
	)
	if companies is not None:
		query = query.where(table.company.isin(companies or [""]))
	return query.run(as_dict=True)


def listings(relation: str, company: str, figure: str) -> list[Listing]:
	"""Return the lists that show the documents behind a figure; empty if there are none, or none for this
	user.
	"""
	scope = scope_of([relation])
	if figure in needs():
		if not _figures_for_user(relation)[figure] or company not in _companies():
			return []
		parts = sources(FACTS)
	else:
		parts = sources(CONTACTS)
	found = [part.opens(scope, company).get(figure, []) for part in parts if part.opens]
	return [listing for some in found for listing in some]


def may_see_amounts(relation: str) -> bool:
	"""Tell whether the user may read invoices, and every customer of the relation."""
	return bool(_figures_for_user(relation).get("revenue_total"))


def _figures_for_user(relation: str) -> dict[str, bool]:
	"""Return figure → whether the user may see it of this relation."""
	wanted = needs()
	customers = [name for doctype, name in queries.parties_of([relation])[relation] if doctype == "Customer"]
	whole = all(frappe.has_permission("Customer", "read", doc=name) for name in customers)
	allowed = {doctype: whole and _may_read(doctype) for doctype in set(wanted.values())}
	return {figure: allowed[doctype] for figure, doctype in wanted.items()}


def _may_read(doctype: str) -> bool:
	return not doctype or bool(frappe.has_permission(doctype, "read"))


def _companies() -> list[str]:
	"""Return the companies of which the user may read documents: all, unless User Permissions say which."""
	company = frappe.qb.DocType("Company")
	user = frappe.permissions.get_user_permissions(frappe.session.user).get("Company")
	if user:
		return [row["doc"] for row in user]
	return frappe.qb.from_(company).select(company.name).run(pluck=True)


def _seen(row: Row, figures: dict[str, bool]) -> Row:
	"""Return the row without values that are unknown or hidden from the user."""
	unknown = {figure for figure, base in UNKNOWN_WITHOUT.items() if (row[base] or 0) <= 0}
	hidden = {figure for figure, shown in figures.items() if not shown}
	return {column: None if column in unknown | hidden else value for column, value in row.items()}

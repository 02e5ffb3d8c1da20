"""Derive figures of a relation from ERPNext's opportunities. Writes nothing."""

import frappe
from frappe.query_builder.functions import Count, Sum
from pypika.queries import QueryBuilder

from crm_relations.pipeline.erpnext_crm.sources import OPEN_OPPORTUNITY
from crm_relations.relations.facts.sources import FACTS, FactSource, Listing, Scope


def opportunities(scope: Scope) -> QueryBuilder:
	"""Select opportunities that are neither won, lost nor closed; amounts in the company's currency."""
	table = frappe.qb.DocType("Opportunity")
	query = (
		frappe.qb.from_(table)
		.where(table.status.isin(OPEN_OPPORTUNITY))
		.groupby(table.opportunity_from, table.party_name, table.company)
		.select(
			table.opportunity_from.as_("party_type"),
			table.party_name.as_("party"),
			table.company,
			Count("*").as_("open_opportunities"),
			Sum(table.base_opportunity_amount).as_("open_opportunities_amount"),
		)
	)
	return scope.of_parties(query, table.opportunity_from, table.party_name)


def _opens(scope: Scope, company: str) -> dict[str, list[Listing]]:
	table = frappe.qb.DocType("Opportunity")
	query = frappe.qb.from_(table).select(table.name).where(table.status.isin(OPEN_OPPORTUNITY))
	names = scope.of_parties(
		query.where(table.company == company), table.opportunity_from, table.party_name
	).run(pluck=True)
	if not names:
		return {}
	filters = {"name": ["in", names]}
	return {
		"open_opportunities": [Listing("Opportunity", filters, "name")],
		"open_opportunities_amount": [Listing("Opportunity", filters, "base_opportunity_amount")],
	}


SOURCES: list[FactSource] = [
	FactSource(
		FACTS,
		{"open_opportunities": "sum", "open_opportunities_amount": "sum"},
		opportunities,
		needs="Opportunity",
		opens=_opens,
		by="party",
	),
]

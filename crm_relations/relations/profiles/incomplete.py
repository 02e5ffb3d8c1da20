"""The customers whose files are worth completing first: much revenue, much missing. Reads; writes nothing.

A customer comes the earlier, the more revenue stands behind what his file lacks: revenue of the last twelve months
times the share that is missing.
"""

from typing import Any

import frappe
from pypika import Order
from pypika.queries import QueryBuilder

from crm_relations.relations.network import groups
from crm_relations.relations.profiles import completeness
from crm_relations.relations.rules import CUSTOMER
from crm_relations.shared.access.permissions import readable

REVENUE = "revenue_12_months"


def customers(
	company: str, below: float = 100, limit: int = 200, among: QueryBuilder | None = None
) -> list[dict[str, Any]]:
	"""Customers whose completeness lies below a percentage, those to complete first at the top.

	:param company: whose revenue counts; amounts are in its currency
	:param among: a query of names of relations; only these are looked at
	:return: rows with `relation`, `relation_name`, `responsible`, `completeness`, `revenue_12_months`, `currency` and
		`missing`, the labels of the empty fields. Who may not read the revenue gets the least complete first, and None
		for the amounts.
	"""
	relation, facts = frappe.qb.DocType("Relation"), frappe.qb.DocType(groups.FACTS)
	query = readable(frappe.qb.from_(relation), "Relation")
	if query is None:
		return []
	query = query.where(
		(relation.stage == CUSTOMER) & (relation.disabled == 0) & (relation[completeness.FIELD] < below)
	).limit(max(0, min(limit, 1000)))
	if among is not None:
		query = query.where(relation.name.isin(among))
	columns = {df.fieldname for df in completeness.countable_fields()} | {
		"name",
		"relation_name",
		"relation_kind",
	}
	query = query.select(*[relation[column] for column in sorted(columns)], relation[completeness.FIELD])
	if amounts := groups.may_read_figures([REVENUE], company):
		query = (
			query.left_join(facts)
			.on((facts.relation == relation.name) & (facts.company == company))
			.select(facts[REVENUE], facts.currency)
			.orderby(facts[REVENUE] * (100 - relation[completeness.FIELD]), order=Order.desc)
		)
	rows = query.orderby(relation[completeness.FIELD]).orderby(relation.name).run(as_dict=True)
	seen = set(groups.with_readable_customers(row["name"] for row in rows)) if amounts else set()
	return [
		{
			"relation": row["name"],
			"relation_name": row["relation_name"],
			"responsible": row["responsible"],
			"completeness": row[completeness.FIELD],
			REVENUE: (row.get(REVENUE) or 0) if row["name"] in seen else None,
			"currency": row.get("currency"),
			"missing": ", ".join(completeness.labels_of_missing(row)),
		}
		for row in rows
	]

"""List the customers that are worth completing first: much revenue, much missing. Writes nothing.

Customers are ordered by revenue of the last twelve months times the share of their profile that is missing.
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
	"""Return customers with a completeness below a percentage, the most worthwhile first.

	:param company: company of the revenue; amounts are in its currency
	:param among: a query of names of relations; only these are examined
	:return: rows with `relation`, `relation_name`, `responsible`, `completeness`, `revenue_12_months`,
		`currency` and `missing`, the labels of the empty fields. A user without permission for the revenue gets
		the least complete first, and None for the amounts.
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

"""Classify customers by recency, frequency and monetary value.

Sole writer of `Relation Facts Classes` and of the three fields of `Relation Facts` that hold the classes. The
borders between the classes are determined once a day over all customers of a company that have ever ordered.
Recency uses the last order, frequency the orders and monetary value the revenue of the last 24 months;
`rules.borders` documents the method. In between, a relation with recomputed facts is classified by the
borders of the day.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import frappe
from frappe.query_builder import Case
from frappe.utils import getdate, nowdate
from pypika.terms import Term

from crm_relations.relations.facts import rules
from crm_relations.relations.facts.sources import FACTS, OneOf
from crm_relations.shared.access.system_fields import trusted

CLASSES = "Relation Facts Classes"


@dataclass(frozen=True)
class Measure:
	"""A class field, its source column, and the type of its borders in JSON."""

	fieldname: str
	column: str
	parse: Any


MEASURES = (
	Measure("recency_class", "last_order", date.fromisoformat),
	Measure("frequency_class", "orders_24_months", int),
	Measure("monetary_class", "revenue_24_months", float),
)


def determine(also: Mapping[str, Term] | None = None) -> None:
	"""Determine the borders of every company and classify all its customers by them.

	:param also: further columns of Relation Facts to write in the same query
	"""
	fact = frappe.qb.DocType(FACTS)
	companies = frappe.qb.from_(fact).select(fact.company).distinct().run(pluck=True)
	frappe.db.delete(CLASSES, {"company": ["not in", companies or [""]]})
	for company in companies:
		columns = [fact[measure.column] for measure in MEASURES]
		rows = (
			frappe.qb.from_(fact).select(*columns).where((fact.company == company) & (fact.orders > 0))
		).run()
		found = {
			measure.fieldname: [_plain(border) for border in rules.borders(sorted(row[i] for row in rows))]
			for i, measure in enumerate(MEASURES)
		}
		_keep(company, len(rows), found)
	apply(also=also)


def apply(relations: Collection[str] | None = None, also: Mapping[str, Term] | None = None) -> None:
	"""Classify relations by the borders of the day; all, or these."""
	fact = frappe.qb.DocType(FACTS)
	for company, found in borders().items():
		query = frappe.qb.update(fact).where(fact.company == company)
		if relations is not None:
			query = query.where(fact.relation.isin(OneOf(relations)))
		for measure in MEASURES:
			query = query.set(fact[measure.fieldname], _class_of(fact, measure, found[measure.fieldname]))
		for column, term in (also or {}).items():
			query = query.set(fact[column], term)
		query.run()


def borders() -> dict[str, dict[str, list[Any]]]:
	"""Return company → class field → lower borders of the classes 2 to 5; None if a class is empty."""
	rows = frappe.get_all(CLASSES, fields=["company", "borders"], order_by="company asc", limit=0)
	return {
		row.company: {
			measure.fieldname: [
				None if border is None else measure.parse(border)
				for border in frappe.parse_json(row.borders)[measure.fieldname]
			]
			for measure in MEASURES
		}
		for row in rows
	}


def _class_of(fact: Any, measure: Measure, found: list[Any]) -> Term:
	"""Return the result of `rules.class_of` as a term: the highest class with a border that is reached."""
	term = Case().when(fact.orders == 0, 0)
	for number in range(rules.CLASSES, 1, -1):
		border = found[number - 2]
		if border is not None:
			value = str(border) if isinstance(border, date) else border
			term = term.when(fact[measure.column] >= value, number)
	return term.else_(1)


def _keep(company: str, number: int, found: dict[str, list[Any]]) -> None:
	values = {
		"currency": frappe.get_cached_value("Company", company, "default_currency"),
		"population": number,
		"determined_on": getdate(nowdate()),
		"borders": frappe.as_json(found),
	}
	if frappe.db.exists(CLASSES, company):
		frappe.db.set_value(CLASSES, company, values)
		return
	trusted(frappe.get_doc({"doctype": CLASSES, "company": company, **values})).insert(
		ignore_permissions=True
	)


def _plain(border: Any) -> Any:
	if isinstance(border, date):
		return border.isoformat()
	return border if border is None or isinstance(border, int) else float(border)

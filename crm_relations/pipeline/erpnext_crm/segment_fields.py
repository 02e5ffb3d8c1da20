"""Declare the fields and events of segments from ERPNext's opportunities and leads. Writes nothing."""

from collections.abc import Callable
from typing import Any

import frappe
from frappe import _lt
from pypika.terms import Criterion

from crm_relations.segments.fields.catalogue import Cell, Event, Field, Measure, Rows, Scope
from crm_relations.segments.fields.custom_fields import of_party
from crm_relations.segments.fields.facts_fields import figure
from crm_relations.segments.fields.sales_events import SALES, reasons
from crm_relations.segments.fields.sources import PARTY

OPPORTUNITY = "Opportunity"


def _opportunities(which: Callable[[Any], Criterion] | None = None) -> Callable[[Scope], Rows]:
	"""Return the function that selects opportunities by any document of the relation."""

	def rows(scope: Scope) -> Rows:
		party, table = frappe.qb.DocType(PARTY), frappe.qb.DocType(OPPORTUNITY)
		query = (
			frappe.qb.from_(party)
			.join(table)
			.on((table.opportunity_from == party.party_type) & (table.party_name == party.party))
			.where((party.parenttype == "Relation") & party.parent.isnotnull())
		)
		return Rows(query if which is None else query.where(which(table)), party.parent, table.name)

	return rows


_FIELDS = (
	Field("date", _lt("Date"), SALES, "date", Cell(OPPORTUNITY, "transaction_date"), can_be_empty=False),
	Field("type", _lt("Type"), SALES, "option", Cell(OPPORTUNITY, "opportunity_type"), "Opportunity Type"),
	Field(
		"sales_stage", _lt("Sales Stage"), SALES, "option", Cell(OPPORTUNITY, "sales_stage"), "Sales Stage"
	),
	Field("company", _lt("Company"), SALES, "option", Cell(OPPORTUNITY, "company"), "Company"),
	Field(
		"campaign",
		_lt("Campaign"),
		SALES,
		"option",
		Cell(OPPORTUNITY, "relation_campaign"),
		"Relation Campaign",
	),
)
_AMOUNT = (Measure("amount", _lt("Amount"), "amount", Cell(OPPORTUNITY, "base_opportunity_amount")),)

FIELDS = (
	figure("open_opportunities", _lt("Open Opportunities"), "integer", OPPORTUNITY),
	figure("open_opportunities_amount", _lt("Amount of Open Opportunities"), "amount", OPPORTUNITY),
	Event(
		"opportunity",
		_lt("Opportunity"),
		SALES,
		_lt("had an opportunity {0}"),
		_lt("never had an opportunity"),
		_opportunities(),
		(
			*_FIELDS,
			Field(
				"status",
				_lt("Status"),
				SALES,
				"option",
				Cell(OPPORTUNITY, "status"),
				choices=("Open", "Quotation", "Converted", "Lost", "Replied", "Closed"),
				can_be_empty=False,
			),
		),
		document=OPPORTUNITY,
		sums=_AMOUNT,
		needs=OPPORTUNITY,
	),
	Event(
		"opportunity_lost",
		_lt("Lost an Opportunity"),
		SALES,
		_lt("was lost with an opportunity {0}"),
		_lt("was never lost with an opportunity"),
		_opportunities(lambda table: table.status == "Lost"),
		(*_FIELDS, reasons(OPPORTUNITY)),
		document=OPPORTUNITY,
		sums=_AMOUNT,
		needs=OPPORTUNITY,
	),
)


def custom_fields() -> tuple[Field, ...]:
	"""Return the fields that the site has added to Lead."""
	return of_party("Lead")

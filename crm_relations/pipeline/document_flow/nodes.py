"""Declare the nodes of the document flow from the segment to the delivery. Writes nothing.

`erpnext_crm/document_flow.py` declares the CRM documents, and `ledger/reports/document_flow.py` those of accounting.
"""

import frappe
from frappe.query_builder.functions import Coalesce, NullIf
from pypika.terms import Term

from crm_relations.pipeline.document_flow.model import FlowNode, Link, Pairs, Table, link

SEGMENT, CAMPAIGN = "Relation Segment", "Relation Campaign"
ANSWER, HANDOVER = "Relation Campaign Response", "Relation Handover"


def sales_columns(date: str = "transaction_date") -> dict[str, str]:
	"""Return the columns of selling documents, field by field."""
	return {
		"title": "customer_name",
		"date": date,
		"amount": "base_grand_total",
		"company": "company",
		"status": "status",
	}


def salesperson(table: Table, doctype: str) -> Term:
	"""Return the first person of the sales team, else the owner of the document."""
	team = frappe.qb.DocType("Sales Team")
	first = (
		frappe.qb.from_(team)
		.select(team.sales_person)
		.where((team.parent == table.name) & (team.parenttype == doctype) & (team.idx == 1))
		.limit(1)
	)
	return Coalesce(first, table.owner)


def of_campaign(rows: str) -> Link:
	"""Return the link to the campaign of a document's rows."""
	return link(CAMPAIGN, rows, earlier_field="relation_campaign", back_only=True)


def of_answer(doctype: str, rows: str | None = None) -> Link:
	"""Return the link to the relation's responses to the document's campaign.

	Responses after the day of the document's creation do not count.
	"""

	def pairs() -> Pairs:
		table, answer = frappe.qb.DocType(doctype), frappe.qb.DocType(ANSWER)
		query = frappe.qb.from_(table)
		campaign = table.relation_campaign
		if rows:
			row = frappe.qb.DocType(rows)
			query = query.join(row).on(row.parent == table.name)
			campaign = row.relation_campaign
		same = (answer.relation == table.relation) & (answer.campaign == campaign)
		query = query.join(answer).on(same & (answer.bot == 0) & (answer.received_at <= table.creation))
		return Pairs(query, table.name, answer.name)

	return Link(ANSWER, pairs)


def _answers_before_handover() -> Pairs:
	handover, answer = frappe.qb.DocType(HANDOVER), frappe.qb.DocType(ANSWER)
	query = (
		frappe.qb.from_(handover)
		.join(answer)
		.on((answer.member == handover.member) & (answer.bot == 0))
		.where(answer.received_at <= Coalesce(handover.proposed_at, handover.creation))
	)
	return Pairs(query, handover.name, answer.name)


def _columns(fields: dict[str, str], doctype: str):
	return lambda table: {
		**{column: table[field] for column, field in fields.items()},
		"person": salesperson(table, doctype),
	}


STATIONS: list[FlowNode] = [
	FlowNode(
		SEGMENT,
		lambda table: {"title": table.segment_name, "person": table.owner, "status": table.kind},
		deal=False,
	),
	FlowNode(
		CAMPAIGN,
		lambda table: {
			"title": table.campaign_name,
			"date": Coalesce(table.start_date, table.creation),
			"status": table.status,
			"person": Coalesce(table.responsible, table.owner),
			"company": table.company,
			"amount": NullIf(table.budget, 0),
		},
		links=(link(SEGMENT, CAMPAIGN, later_field="name", earlier_field="segment"),),
		deal=False,
	),
	FlowNode(
		ANSWER,
		lambda table: {
			"title": table.response_type,
			"date": table.received_at,
			"status": table.answer,
			"person": table.recorded_by,
		},
		links=(link(CAMPAIGN, ANSWER, later_field="name", earlier_field="campaign", bot=0),),
		deal=False,
	),
	FlowNode(
		HANDOVER,
		lambda table: {
			"title": table.relation_name,
			"date": Coalesce(table.proposed_at, table.creation),
			"status": table.status,
			"person": table.salesperson,
		},
		links=(
			Link(ANSWER, _answers_before_handover),
			link(CAMPAIGN, HANDOVER, later_field="name", earlier_field="campaign"),
		),
		deal=False,
	),
	FlowNode(
		"Sales Order",
		_columns(sales_columns(), "Sales Order"),
		links=(
			link("Quotation", "Sales Order Item", earlier_field="prevdoc_docname"),
			of_campaign("Sales Order Item"),
			of_answer("Sales Order", "Sales Order Item"),
		),
	),
	FlowNode(
		"Delivery Note",
		_columns(sales_columns("posting_date"), "Delivery Note"),
		links=(
			link("Sales Order", "Delivery Note Item", earlier_field="against_sales_order"),
			link("Sales Invoice", "Delivery Note Item", earlier_field="against_sales_invoice"),
			link("Delivery Note", "Delivery Note", later_field="name", earlier_field="return_against"),
			of_campaign("Delivery Note Item"),
		),
		posts=True,
	),
]

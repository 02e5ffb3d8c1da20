"""Declare the accounting nodes of the document flow. Writes nothing.

These are invoice, POS invoice, subscription, payment and journal entry. A payment follows the invoices that
it refers to, or that the payment ledger set it against. Later reconciliations are therefore included.
`pipeline.document_flow.graph` reads the ledger rows themselves.
"""

import frappe
from pypika.terms import Case

from crm_relations.pipeline.document_flow.model import FlowNode, Link, Pairs, link
from crm_relations.pipeline.document_flow.nodes import (
	ANSWER,
	CAMPAIGN,
	of_answer,
	of_campaign,
	sales_columns,
	salesperson,
)

INVOICE, TILL = "Sales Invoice", "POS Invoice"
PAYMENT, JOURNAL = "Payment Entry", "Journal Entry"


def _set_against(voucher_type: str) -> Link:
	"""Return the link to vouchers of a type that the payment ledger sets against invoices."""

	def pairs() -> Pairs:
		ple = frappe.qb.DocType("Payment Ledger Entry")
		query = frappe.qb.from_(ple).where(
			(ple.voucher_type == voucher_type)
			& (ple.against_voucher_type == INVOICE)
			& (ple.delinked == 0)
			& (ple.voucher_no != ple.against_voucher_no)
		)
		return Pairs(query, ple.voucher_no, ple.against_voucher_no)

	return Link(INVOICE, pairs)


def _rule_answers() -> Pairs:
	"""Return the responses of the relation to a campaign that a rule attributes the invoice to."""
	row, answer = frappe.qb.DocType("Relation Attribution"), frappe.qb.DocType(ANSWER)
	query = (
		frappe.qb.from_(row)
		.join(answer)
		.on((answer.relation == row.relation) & (answer.campaign == row.campaign) & (answer.bot == 0))
		.where((row.voucher_type == INVOICE) & (answer.received_at <= row.creation))
	)
	return Pairs(query, row.voucher_no, answer.name)


def _rows(doctype: str) -> tuple[Link, ...]:
	rows = f"{doctype} Item"
	return (
		link("Sales Order", rows, earlier_field="sales_order"),
		link("Delivery Note", rows, earlier_field="delivery_note"),
		link(doctype, doctype, later_field="name", earlier_field="return_against"),
		of_campaign(rows),
		of_answer(doctype, rows),
	)


def _sales(doctype: str):
	return lambda table: {
		**{column: table[field] for column, field in sales_columns("posting_date").items()},
		"person": salesperson(table, doctype),
	}


STATIONS: list[FlowNode] = [
	FlowNode(
		INVOICE,
		_sales(INVOICE),
		links=(
			*_rows(INVOICE),
			link(TILL, TILL, later_field="consolidated_invoice", earlier_field="name"),
			link("Subscription", INVOICE, later_field="name", earlier_field="subscription"),
			link(
				CAMPAIGN,
				"Relation Attribution",
				later_field="voucher_no",
				earlier_field="campaign",
				voucher_type=INVOICE,
			),
			Link(ANSWER, _rule_answers),
			_set_against(INVOICE),
		),
		posts=True,
	),
	FlowNode(TILL, _sales(TILL), links=_rows(TILL)),
	FlowNode(
		"Subscription",
		lambda table: {
			"title": table.party,
			"date": table.start_date,
			"status": table.status,
			"person": table.owner,
			"company": table.company,
		},
		links=(),
	),
	FlowNode(
		PAYMENT,
		lambda table: {
			"title": table.party_name,
			"date": table.posting_date,
			"amount": Case()
			.when(table.payment_type == "Pay", table.base_paid_amount)
			.else_(table.base_received_amount),
			"status": table.status,
			"person": table.owner,
			"company": table.company,
		},
		links=(
			link(
				INVOICE,
				"Payment Entry Reference",
				earlier_field="reference_name",
				reference_doctype=INVOICE,
			),
			link(
				"Sales Order",
				"Payment Entry Reference",
				earlier_field="reference_name",
				reference_doctype="Sales Order",
			),
			_set_against(PAYMENT),
		),
		posts=True,
	),
	FlowNode(
		JOURNAL,
		lambda table: {
			"title": table.title,
			"date": table.posting_date,
			"amount": table.total_debit,
			"person": table.owner,
			"company": table.company,
		},
		links=(
			link(INVOICE, "Journal Entry Account", earlier_field="reference_name", reference_type=INVOICE),
			link(
				"Sales Order",
				"Journal Entry Account",
				earlier_field="reference_name",
				reference_type="Sales Order",
			),
			_set_against(JOURNAL),
		),
		posts=True,
	),
]

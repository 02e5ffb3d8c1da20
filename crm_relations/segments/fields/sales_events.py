"""Offer sales events: bought, ordered, quoted. Line by line, so that rules can ask for item, item group and
brand.

Writes nothing.
"""

from collections.abc import Callable
from typing import Any

import frappe
from frappe import _lt
from pypika.terms import Criterion

from crm_relations.relations.facts.sources import is_sale, is_sold
from crm_relations.segments.fields.events import Event, Measure
from crm_relations.segments.fields.sources import PARTY, Cell, Field, Rows, Scope, SetOf

SALES = _lt("Sales")


def _lines(
	doctype: str, which: Callable[[Any], Criterion], counted: Callable[[Any], Criterion] | None = None
) -> Callable[[Scope], Rows]:
	"""Return the lines of documents to customers, with the relations of these customers."""

	def rows(scope: Scope) -> Rows:
		party, line = frappe.qb.DocType(PARTY), frappe.qb.DocType(f"{doctype} Item")
		document = frappe.qb.DocType(doctype)
		query = (
			frappe.qb.from_(party)
			.join(document)
			.on(document.customer == party.party)
			.join(line)
			.on(line.parent == document.name)
			.where(
				(party.parenttype == "Relation") & (party.party_type == "Customer") & party.parent.isnotnull()
			)
			.where(which(document))
		)
		return Rows(query, party.parent, document.name, counted(document) if counted else None)

	return rows


def quotations(which: Callable[[Any], Criterion]) -> Callable[[Scope], Rows]:
	"""Return the lines of quotations to any party document of the relation."""

	def rows(scope: Scope) -> Rows:
		party, line = frappe.qb.DocType(PARTY), frappe.qb.DocType("Quotation Item")
		document = frappe.qb.DocType("Quotation")
		query = (
			frappe.qb.from_(party)
			.join(document)
			.on((document.quotation_to == party.party_type) & (document.party_name == party.party))
			.join(line)
			.on(line.parent == document.name)
			.where((party.parenttype == "Relation") & party.parent.isnotnull())
			.where(which(document))
		)
		return Rows(query, party.parent, document.name)

	return rows


def of_lines(doctype: str, date: str, *more: Field) -> tuple[Field, ...]:
	"""Return the fields that lines of all sales documents have."""
	line = f"{doctype} Item"
	return (
		Field("date", _lt("Date"), SALES, "date", Cell(doctype, date), can_be_empty=False),
		Field("item", _lt("Item"), SALES, "option", Cell(line, "item_code"), "Item"),
		Field("item_group", _lt("Item Group"), SALES, "tree", Cell(line, "item_group"), "Item Group"),
		Field("brand", _lt("Brand"), SALES, "option", Cell(line, "brand"), "Brand"),
		Field(
			"company",
			_lt("Company"),
			SALES,
			"option",
			Cell(doctype, "company"),
			"Company",
			can_be_empty=False,
		),
		*more,
	)


def sums(doctype: str) -> tuple[Measure, ...]:
	"""Return the sums: net amount in company currency, unconverted for several companies, and quantity in
	stock units.
	"""
	line = f"{doctype} Item"
	return (
		Measure("amount", _lt("Amount (net)"), "amount", Cell(line, "base_net_amount")),
		Measure("quantity", _lt("Quantity"), "amount", Cell(line, "stock_qty")),
	)


def _submitted(document: Any) -> Criterion:
	return document.docstatus == 1


def _is_lost(document: Any) -> Criterion:
	return _submitted(document) & (document.status == "Lost")


def reasons(doctype: str) -> Field:
	"""Return why a document was lost: the reasons in its table."""
	detail = f"{doctype} Lost Reason Detail"

	def rows(scope: Scope) -> Rows:
		table = frappe.qb.DocType(detail)
		query = frappe.qb.from_(table).where((table.parenttype == doctype) & table.parent.isnotnull())
		return Rows(query, table.parent)

	source = SetOf(
		rows, lambda: frappe.qb.DocType(detail).lost_reason, owner=lambda: frappe.qb.DocType(doctype).name
	)
	return Field("reason", _lt("Reason"), SALES, "set", source, f"{doctype} Lost Reason")


EVENTS = (
	Event(
		"bought",
		_lt("Bought"),
		SALES,
		_lt("has bought {0}"),
		_lt("has never bought"),
		_lines("Sales Invoice", is_sold, is_sale),
		of_lines("Sales Invoice", "posting_date"),
		document="Sales Invoice",
		sums=sums("Sales Invoice"),
		needs="Sales Invoice",
	),
	Event(
		"ordered",
		_lt("Ordered"),
		SALES,
		_lt("has ordered {0}"),
		_lt("has never ordered"),
		_lines("Sales Order", _submitted),
		of_lines("Sales Order", "transaction_date"),
		document="Sales Order",
		sums=sums("Sales Order"),
		needs="Sales Order",
	),
	Event(
		"quoted",
		_lt("Was Quoted"),
		SALES,
		_lt("was quoted {0}"),
		_lt("was never quoted"),
		quotations(_submitted),
		of_lines(
			"Quotation",
			"transaction_date",
			Field(
				"status",
				_lt("Status"),
				SALES,
				"option",
				Cell("Quotation", "status"),
				choices=("Open", "Replied", "Partially Ordered", "Ordered", "Lost", "Expired"),
				can_be_empty=False,
			),
		),
		document="Quotation",
		sums=sums("Quotation"),
		needs="Quotation",
	),
	Event(
		"quotation_lost",
		_lt("Lost a Quotation"),
		SALES,
		_lt("has turned down a quotation {0}"),
		_lt("has never turned down a quotation"),
		quotations(_is_lost),
		of_lines("Quotation", "transaction_date", reasons("Quotation")),
		document="Quotation",
		sums=sums("Quotation"),
		needs="Quotation",
	),
)

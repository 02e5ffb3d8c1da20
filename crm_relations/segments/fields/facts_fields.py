"""Offer figures of a relation as fields: `Relation Facts`, `Relation Contact Facts`, and three read from
invoices.

The facts are as of their last refresh. They are kept by company. A plain field matches if one company does.
The event `figures` asks about one row, so that several figures belong to the same company, or to a company
that the rule names. Writes nothing.
"""

from typing import Any

import frappe
from frappe import _lt
from frappe.query_builder import CustomFunction
from frappe.query_builder.functions import Count, Max, Sum
from pypika.terms import Case, Term

from crm_relations.relations.facts import queries as facts
from crm_relations.relations.facts.sources import CONTACTS, FACTS
from crm_relations.segments.fields.events import Event
from crm_relations.segments.fields.sources import (
	Cell,
	Explanation,
	Field,
	OneOfRows,
	Reader,
	Sales,
	Scope,
	rows_of,
)

SALES = _lt("Sales")
FIGURES = _lt("Figures")
CONTACT = _lt("Contact and Responses")
INVOICE, ORDER, QUOTATION = "Sales Invoice", "Sales Order", "Quotation"
#: number of documents shown for each company of a relation
SHOWN_COMPANIES = 3


_days_between = CustomFunction("DATEDIFF", ["later", "earlier"])
_rounded = CustomFunction("ROUND", ["value", "decimals"])


class Lag(Cell):
	"""Days since the last order divided by the mean days between orders: above 1, the relation is later than
	usual.
	"""

	def term(self, scope: Scope) -> Term:
		table = frappe.qb.DocType(FACTS)
		lag = _days_between(str(scope.today), table.last_order) / table.rhythm_days
		return Case().when(table.rhythm_days > 0, _rounded(lag, 4))


def tell(reader: Reader, about: Field, source: OneOfRows) -> Explanation:
	"""Return the figure in each company that the user may read, with the documents behind it."""
	column = source.cell.name
	if source.single:
		values, companies = source.values(reader), [""]
	else:
		rows = facts.facts_of(reader.relation)
		values = [row[column] for row in rows if row.get(column) not in (None, "")]
		companies = [row["company"] for row in rows[:SHOWN_COMPANIES]]
	documents, more = _behind(reader, column, companies)
	said = list(dict.fromkeys(reader.shown(about, value) for value in values))
	return Explanation(", ".join(said) or reader.shown(about, source.absent), documents, more)


def _behind(reader: Reader, column: str, companies: list[str]) -> tuple[list[dict[str, str]], int]:
	documents: list[dict[str, str]] = []
	more = 0
	for company in companies:
		for listing in facts.listings(reader.relation, company, column):
			if listing.is_report or not frappe.has_permission(listing.doctype, "read"):
				continue
			names = frappe.get_list(
				listing.doctype, filters=listing.filters, pluck="name", order_by="creation desc, name desc"
			)
			some, rest = reader.documents(listing.doctype, names)
			documents, more = documents + some, more + rest
	return documents, more


def figure(
	column: str,
	label: Any,
	type_: str,
	needs: str | None,
	*,
	key: str | None = None,
	known: str | None = None,
) -> Field:
	"""Return a column of Relation Facts as a field: missing amounts and counts are 0, missing dates stay
	missing.
	"""
	missing = type_ == "date" or bool(known)
	return Field(
		key or column,
		label,
		FIGURES,
		type_,
		OneOfRows(
			rows_of(FACTS), Cell(FACTS, column, known=known), None if missing else 0, ranks=True, tell=tell
		),
		can_be_empty=missing,
		needs=needs,
	)


def _contact(column: str, label: Any, type_: str = "date") -> Field:
	return Field(
		column,
		label,
		CONTACT,
		type_,
		OneOfRows(
			rows_of(CONTACTS),
			Cell(CONTACTS, column),
			None if type_ == "date" else 0,
			single=True,
			ranks=True,
			tell=tell,
		),
		can_be_empty=type_ == "date",
		needs=CONTACTS,
	)


_FIGURES = (
	figure(
		"revenue_12_months",
		_lt("Revenue of the Last 12 Months in a Company"),
		"amount",
		INVOICE,
		key="company_revenue_12_months",
	),
	figure("revenue_24_months", _lt("Revenue of the Last 24 Months"), "amount", INVOICE),
	figure("revenue_total", _lt("Total Revenue"), "amount", INVOICE),
	figure("credit_notes_12_months", _lt("Credit Notes of the Last 12 Months"), "amount", INVOICE),
	figure("returns", _lt("Returns"), "integer", INVOICE),
	figure(
		"margin_12_months",
		_lt("Margin of the Last 12 Months"),
		"amount",
		INVOICE,
		known="margin_base_12_months",
	),
	figure("margin_base_12_months", _lt("Revenue with Known Cost"), "amount", INVOICE),
	figure("last_invoice", _lt("Last Invoice"), "date", INVOICE),
	figure("orders", _lt("Orders"), "integer", ORDER),
	figure("orders_24_months", _lt("Orders of the Last 24 Months"), "integer", ORDER),
	figure("order_days", _lt("Order Days"), "integer", ORDER),
	figure("rhythm_days", _lt("Days between Orders"), "amount", ORDER, known="rhythm_days"),
	figure("first_order", _lt("First Order"), "date", ORDER),
	figure("last_order", _lt("Last Order"), "date", ORDER),
	figure("open_amount", _lt("Outstanding Amount"), "amount", INVOICE),
	figure("overdue_amount", _lt("Overdue Amount"), "amount", INVOICE),
	figure("overdue_since", _lt("Overdue Since"), "date", INVOICE),
	figure("billed_12_months", _lt("Billed in the Last 12 Months"), "amount", INVOICE),
	figure(
		"days_sales_outstanding",
		_lt("Days Sales Outstanding (DSO)"),
		"amount",
		INVOICE,
		known="billed_12_months",
	),
	figure("open_quotations", _lt("Open Quotations"), "integer", QUOTATION),
	figure("open_quotations_amount", _lt("Amount of Open Quotations"), "amount", QUOTATION),
	figure("recency_class", _lt("Recency Class"), "integer", ORDER),
	figure("frequency_class", _lt("Frequency Class"), "integer", ORDER),
	figure("monetary_class", _lt("Monetary Class"), "integer", INVOICE),
	Field(
		"rhythm_lag",
		_lt("Days since the Last Order by Days between Orders"),
		FIGURES,
		"amount",
		OneOfRows(rows_of(FACTS), Lag(FACTS, "last_order", known="rhythm_days"), ranks=True),
		needs=ORDER,
	),
)

FIELDS = (
	Field(
		"last_invoice_date",
		_lt("Last Invoice Date"),
		SALES,
		"date",
		Sales(lambda invoice: Max(invoice.posting_date), credit_notes=False),
		needs=INVOICE,
	),
	# in the currency of the invoicing company: amounts of several currencies are added unconverted
	Field(
		"revenue_12_months",
		_lt("Revenue of the Last 12 Months"),
		SALES,
		"amount",
		Sales(lambda invoice: Sum(invoice.base_net_total), months=12, absent=0),
		can_be_empty=False,
		needs=INVOICE,
	),
	Field(
		"invoices_12_months",
		_lt("Invoices in the Last 12 Months"),
		SALES,
		"integer",
		Sales(lambda invoice: Count(invoice.name), months=12, credit_notes=False, absent=0),
		can_be_empty=False,
		needs=INVOICE,
	),
	*_FIGURES,
	_contact("last_contact", _lt("Last Contact")),
	_contact("last_call", _lt("Last Call")),
	_contact("last_email", _lt("Last Email")),
	_contact("last_letter", _lt("Last Letter")),
	_contact("last_meeting", _lt("Last Meeting")),
	_contact("last_visit", _lt("Last Visit")),
	_contact("complaints", _lt("Complaints"), "integer"),
	_contact("open_complaints", _lt("Open Complaints"), "integer"),
	_contact("last_complaint", _lt("Last Complaint")),
	_contact("campaign_responses", _lt("Campaign Responses"), "integer"),
	_contact("positive_responses", _lt("Positive Responses"), "integer"),
	_contact("last_response", _lt("Last Response")),
)


def _in_one_row(field: Field) -> Field:
	"""Return the same figure for the company that the event asks about."""
	return Field(
		field.source.cell.name if field.key.startswith("company_") else field.key,
		field.label,
		FIGURES,
		field.type,
		field.source.cell,
		can_be_empty=field.can_be_empty,
	)


EVENTS = (
	Event(
		"figures",
		_lt("Figures of a Company"),
		FIGURES,
		_lt("has figures with a company {0}"),
		_lt("has such figures with no company"),
		rows_of(FACTS),
		(
			Field(
				"company",
				_lt("Company"),
				FIGURES,
				"option",
				Cell(FACTS, "company"),
				"Company",
				can_be_empty=False,
			),
			Field(
				"currency",
				_lt("Currency"),
				FIGURES,
				"option",
				Cell(FACTS, "currency"),
				"Currency",
				can_be_empty=False,
			),
			*map(_in_one_row, _FIGURES),
		),
		document=FACTS,
		needs=INVOICE,
	),
)

"""Declare the fact sources of ERPNext's sales documents: columns, permissions, and the lists behind each
figure.

Writes nothing.
"""

from typing import Any

import frappe

from crm_relations.relations.facts import sources
from crm_relations.relations.facts.sources import FACTS, FactSource, Fold, Listing, Scope

INVOICE, ORDER, QUOTATION = "Sales Invoice", "Sales Order", "Quotation"
LEDGER = "Payment Ledger Entry"


def _customers(scope: Scope) -> list[str]:
	return sorted(scope.parties.get("Customer", ()))


def _sold(scope: Scope, company: str, start: str | None = None) -> dict[str, Any]:
	"""Return filters of the invoices that `sources.is_sold` counts, after the day `start`."""
	filters = {
		"customer": ["in", _customers(scope)],
		"company": company,
		"docstatus": 1,
		"is_opening": ["!=", "Yes"],
		"represents_company": ["!=", company],
		"posting_date": ["<=", str(scope.today)],
	}
	if start:
		first = str(frappe.utils.add_days(start, 1))
		filters["posting_date"] = ["between", [first, str(scope.today)]]
	return filters


def _invoices(scope: Scope, company: str) -> dict[str, list[Listing]]:
	last_12, last_24 = _sold(scope, company, scope.start_12), _sold(scope, company, scope.start_24)
	sold = _sold(scope, company)
	returned, last_returned = {**sold, "is_return": 1}, {**last_12, "is_return": 1}
	return {
		"revenue_12_months": [Listing(INVOICE, last_12, "base_net_total")],
		"revenue_24_months": [Listing(INVOICE, last_24, "base_net_total")],
		"revenue_total": [Listing(INVOICE, sold, "base_net_total")],
		"credit_notes_12_months": [Listing(INVOICE, last_returned, "base_net_total")],
		"returns": [Listing(INVOICE, returned, "name")],
		"billed_12_months": [Listing(INVOICE, last_12, "base_grand_total")],
		"last_invoice": [Listing(INVOICE, {**sold, "is_return": 0, "is_debit_note": 0})],
		"monetary_class": [Listing(INVOICE, last_24)],
	}


def _margins(scope: Scope, company: str) -> dict[str, list[Listing]]:
	invoices = [Listing(INVOICE, _sold(scope, company, scope.start_12))]
	return {"margin_12_months": invoices, "margin_base_12_months": invoices}


def _orders(scope: Scope, company: str) -> dict[str, list[Listing]]:
	filters = {"customer": ["in", _customers(scope)], "company": company, "docstatus": 1}
	until = {**filters, "transaction_date": ["<=", str(scope.today)]}
	first = str(frappe.utils.add_days(scope.start_24, 1))
	since = {**filters, "transaction_date": ["between", [first, str(scope.today)]]}
	return _order_figures(Listing(ORDER, until, "name"), Listing(ORDER, since, "name"))


def _sold_directly(scope: Scope, company: str) -> dict[str, list[Listing]]:
	invoice = frappe.qb.DocType(INVOICE)
	direct = (
		sources.direct_sales(invoice)
		.where(invoice.company == company)
		.select(invoice.name, invoice.posting_date)
	)
	rows = scope.of_customers(direct, invoice.customer).where(invoice.posting_date <= str(scope.today)).run()
	late = [name for name, day in rows if str(day) > scope.start_24]
	return _order_figures(
		Listing(INVOICE, {"name": ["in", [name for name, _day in rows]]}, "name") if rows else None,
		Listing(INVOICE, {"name": ["in", late]}, "name") if late else None,
	)


def _order_figures(ever: Listing | None, lately: Listing | None) -> dict[str, list[Listing]]:
	figures = ("orders", "order_days", "rhythm_days", "first_order", "last_order", "recency_class")
	found = {figure: [ever] if ever else [] for figure in figures}
	return {**found, **dict.fromkeys(("orders_24_months", "frequency_class"), [lately] if lately else [])}


def _owed(scope: Scope, company: str) -> dict[str, list[Listing]]:
	report = Listing(
		"Accounts Receivable",
		{
			"company": company,
			"party_type": "Customer",
			"party": _customers(scope),
			"report_date": str(scope.today),
			"ageing_based_on": "Due Date",
			"range": "30, 60, 90, 120",
		},
		"outstanding",
		is_report=True,
	)
	overdue = sources.vouchers(scope).as_("voucher")
	names = (
		frappe.qb.from_(overdue)
		.select(overdue.against_voucher_no)
		.where((overdue.company == company) & sources.is_overdue(overdue, scope))
	).run(pluck=True)
	entries = Listing(
		LEDGER,
		{
			"party_type": "Customer",
			"party": ["in", _customers(scope)],
			"company": company,
			"account_type": "Receivable",
			"delinked": 0,
			"against_voucher_no": ["in", names],
			"posting_date": ["<=", str(scope.today)],
		},
		"amount",
	)
	return {
		"open_amount": [report],
		"days_sales_outstanding": [report],
		"overdue_amount": [entries] if names else [],
		"overdue_since": [entries] if names else [],
	}


def _quotations(scope: Scope, company: str) -> dict[str, list[Listing]]:
	quotation = frappe.qb.DocType(QUOTATION)
	query = frappe.qb.from_(quotation).select(quotation.name).where(sources.is_open_quotation(quotation))
	names = scope.of_parties(
		query.where(quotation.company == company), quotation.quotation_to, quotation.party_name
	).run(pluck=True)
	if not names:
		return {}
	filters = {"name": ["in", names]}
	return {
		"open_quotations": [Listing(QUOTATION, filters, "name")],
		"open_quotations_amount": [Listing(QUOTATION, filters, "base_net_total")],
	}


_ORDERS: dict[str, Fold] = {
	"orders": "sum",
	"orders_24_months": "sum",
	"order_days": "sum",
	"first_order": "min",
	"last_order": "max",
	"stale_on": "min",
}

SOURCES: list[FactSource] = [
	FactSource(
		FACTS,
		{
			"revenue_12_months": "sum",
			"revenue_24_months": "sum",
			"revenue_total": "sum",
			"credit_notes_12_months": "sum",
			"returns": "sum",
			"billed_12_months": "sum",
			"last_invoice": "max",
			"stale_on": "min",
		},
		sources.invoiced,
		by="customer",
		needs=INVOICE,
		opens=_invoices,
	),
	FactSource(
		FACTS,
		{"margin_12_months": "sum", "margin_base_12_months": "sum"},
		sources.margins,
		by="customer",
		needs=INVOICE,
		opens=_margins,
	),
	FactSource(FACTS, _ORDERS, sources.ordered, by="customer", needs=ORDER, opens=_orders),
	FactSource(FACTS, _ORDERS, sources.sold_directly, by="customer", needs=ORDER, opens=_sold_directly),
	FactSource(
		FACTS,
		{"open_amount": "sum", "overdue_amount": "sum", "overdue_since": "min", "stale_on": "min"},
		sources.owed,
		by="customer",
		needs=INVOICE,
		opens=_owed,
	),
	FactSource(
		FACTS,
		{"open_quotations": "sum", "open_quotations_amount": "sum", "stale_on": "min"},
		sources.quoted,
		by="party",
		needs=QUOTATION,
		opens=_quotations,
	),
]

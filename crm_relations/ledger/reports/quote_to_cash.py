"""Follow each deal from quotation to cash, with the days between its documents. Writes nothing.

A deal is a sales order with its quotation, a quotation without an order, or invoices without an order and
their credit notes. Its dates are those of the first quotation, order, delivery and invoice, and of the last
settlement of its invoices. A deal belongs to the period of its first document.

Amounts are net, in the company's currency. `invoiced` is the sum of the posted invoice lines that bill the
order, less credit notes. `open` is the outstanding amount of these invoices in the payment ledger (with tax).
A combined invoice counts in proportion to its lines. The number of queries does not depend on the number of
deals.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from statistics import median
from typing import Any

import frappe
from frappe.query_builder import Case
from frappe.query_builder.functions import Coalesce, Max, Min, NullIf, Sum

from crm_relations.ledger.precision import in_its_unit
from crm_relations.ledger.statements.splitting import ZERO
from crm_relations.pipeline.document_flow.nodes import salesperson
from crm_relations.shared.money import allocate, to_decimal

QUOTATION, ORDER, DELIVERY, INVOICE = "Quotation", "Sales Order", "Delivery Note", "Sales Invoice"
STATIONS = ("quoted", "ordered", "delivered", "invoiced_on", "paid")
#: name → (possible start stages, end stage); the days count from the first start stage that the deal has.
#: Services are invoiced without a delivery
GAPS = {
	"to_order": (("quoted",), "ordered"),
	"to_delivery": (("ordered",), "delivered"),
	"to_invoice": (("delivered", "ordered"), "invoiced_on"),
	"to_cash": (("invoiced_on",), "paid"),
	"in_all": (STATIONS, "paid"),
}


@dataclass(frozen=True)
class Asked:
	"""Company, period of the first document, and optionally a list of campaigns."""

	company: str
	from_date: str
	to_date: str
	campaigns: tuple[str, ...] = ()


@dataclass
class Deal:
	"""Documents, days and amounts of a deal."""

	customer: str
	campaign: str | None = None
	person: str | None = None
	quotation: str | None = None
	order: str | None = None
	delivery: str | None = None
	#: invoice → the amount of its lines that belong to the deal
	invoices: dict[str, Decimal] = field(default_factory=dict)
	days: dict[str, date | None] = field(default_factory=lambda: dict.fromkeys(STATIONS))
	amount_quoted: Decimal | None = None
	amount_ordered: Decimal | None = None
	open: Decimal = ZERO

	@property
	def invoiced(self) -> Decimal:
		return sum(self.invoices.values(), ZERO)

	@property
	def start(self) -> date | None:
		return next((self.days[name] for name in STATIONS if self.days[name]), None)

	@property
	def station(self) -> str:
		"""Return the last document type that the deal has reached."""
		return next((name for name in reversed(STATIONS) if self.days[name]), STATIONS[0])

	def gap(self, name: str) -> int | None:
		"""Return the days of a gap in `GAPS`; None if the deal lacks its end or its start.

		A delivery after the invoice did not delay the invoice: then the days count from the order.
		"""
		begins, end = GAPS[name]
		last = self.days[end]
		known = [day for begin in begins if (day := self.days[begin])]
		if not last or not known:
			return None
		return (last - next((day for day in known if day <= last), known[0])).days

	def first_document(self) -> tuple[str, str]:
		"""Return doctype and name of the document with which the document flow begins."""
		if self.quotation:
			return QUOTATION, self.quotation
		return (ORDER, self.order) if self.order else (INVOICE, next(iter(self.invoices)))


def medians(deals: Iterable[Deal]) -> dict[str, float | None]:
	"""Return the median of each gap, over the deals that have it."""
	known = {name: [] for name in GAPS}
	for deal in deals:
		for name in GAPS:
			if (days := deal.gap(name)) is not None:
				known[name].append(days)
	return {name: float(median(values)) if values else None for name, values in known.items()}


@in_its_unit
def deals(asked: Asked) -> list[Deal]:
	"""Return the deals of a period, by their first day."""
	found = _orders(asked)
	_bill_orders(asked, found)
	_deliver_orders(asked, found)
	direct = _direct(asked)
	settled = _settled(asked)
	every = [*found.values(), *direct.values()]
	_settle(every, settled)
	every += _not_ordered(asked)
	return sorted(
		every, key=lambda deal: (deal.start, deal.order or "", deal.quotation or "", [*deal.invoices])
	)


# Orders ------------------------------------------------------------------------------------------


def _orders_asked(asked: Asked) -> tuple[Any, Any, Any, Any]:
	"""Query the orders of the period with their first quotation."""
	order, item, quotation = (frappe.qb.DocType(name) for name in (ORDER, "Sales Order Item", QUOTATION))
	named = (
		frappe.qb.from_(item)
		.select(item.parent, Min(item.prevdoc_docname).as_("quotation"))
		.where((Coalesce(item.prevdoc_docname, "") != "") & (item.docstatus == 1))
		.groupby(item.parent)
	).as_("named")
	start = Coalesce(quotation.transaction_date, order.transaction_date)
	query = (
		frappe.qb.from_(order)
		.left_join(named)
		.on(named.parent == order.name)
		.left_join(quotation)
		.on((quotation.name == named.quotation) & (quotation.docstatus == 1))
		.where((order.company == asked.company) & (order.docstatus == 1))
		.where((start >= asked.from_date) & (start <= asked.to_date))
	)
	if asked.campaigns:
		rows = frappe.qb.from_(item).select(item.parent).where(item.relation_campaign.isin(asked.campaigns))
		query = query.where(order.relation_campaign.isin(asked.campaigns) | order.name.isin(rows))
	return query, order, quotation, item


def _orders(asked: Asked) -> dict[str, Deal]:
	query, order, quotation, item = _orders_asked(asked)
	campaign = (
		frappe.qb.from_(item).select(Min(NullIf(item.relation_campaign, ""))).where(item.parent == order.name)
	)
	rows = query.select(
		order.name,
		order.customer_name,
		Coalesce(NullIf(order.relation_campaign, ""), campaign).as_("campaign"),
		order.transaction_date,
		order.base_net_total,
		quotation.name.as_("quotation"),
		quotation.transaction_date.as_("quoted"),
		quotation.base_net_total.as_("amount_quoted"),
		salesperson(order, ORDER).as_("person"),
	).run(as_dict=True)
	found = {}
	for row in rows:
		deal = Deal(row.customer_name, row.campaign, row.person, row.quotation, row.name)
		deal.days |= {"quoted": row.quoted, "ordered": row.transaction_date}
		deal.amount_ordered = to_decimal(row.base_net_total)
		deal.amount_quoted = to_decimal(row.amount_quoted) if row.quotation else None
		found[row.name] = deal
	return found


def _names(asked: Asked) -> Any:
	"""Return the sub-query of the orders' names."""
	query, order, _quotation, _item = _orders_asked(asked)
	return query.select(order.name)


def _bill_orders(asked: Asked, found: dict[str, Deal]) -> None:
	item, invoice = frappe.qb.DocType("Sales Invoice Item"), frappe.qb.DocType(INVOICE)
	rows = (
		frappe.qb.from_(item)
		.join(invoice)
		.on(invoice.name == item.parent)
		.select(
			item.sales_order,
			invoice.name,
			invoice.posting_date,
			invoice.is_return,
			invoice.update_stock,
			Sum(item.base_net_amount).as_("amount"),
		)
		.where((invoice.docstatus == 1) & item.sales_order.isin(_names(asked)))
		.groupby(
			item.sales_order, invoice.name, invoice.posting_date, invoice.is_return, invoice.update_stock
		)
		.orderby(invoice.posting_date, invoice.name)
		.run(as_dict=True)
	)
	for row in rows:
		_bill(found[row.sales_order], row)


def _bill(deal: Deal, row: frappe._dict) -> None:
	deal.invoices[row.name] = to_decimal(row.amount)
	if row.is_return:
		return
	deal.days["invoiced_on"] = deal.days["invoiced_on"] or row.posting_date
	if row.update_stock and not deal.days["delivered"]:
		deal.days["delivered"] = row.posting_date


def _deliver_orders(asked: Asked, found: dict[str, Deal]) -> None:
	item, note = frappe.qb.DocType("Delivery Note Item"), frappe.qb.DocType(DELIVERY)
	rows = (
		frappe.qb.from_(item)
		.join(note)
		.on(note.name == item.parent)
		.select(item.against_sales_order, note.name, note.posting_date)
		.distinct()
		.where((note.docstatus == 1) & (note.is_return == 0))
		.where(item.against_sales_order.isin(_names(asked)))
		.orderby(note.posting_date, note.name)
		.run()
	)
	for order, name, posting_date in rows:
		_deliver(found[order], name, posting_date)


def _deliver(deal: Deal, name: str, posting_date: date) -> None:
	if not deal.delivery:
		deal.delivery = name
		deal.days["delivered"] = min(posting_date, deal.days["delivered"] or posting_date)


# Without an order --------------------------------------------------------------------------------


def _not_ordered(asked: Asked) -> list[Deal]:
	quotation, item = frappe.qb.DocType(QUOTATION), frappe.qb.DocType("Sales Order Item")
	row = frappe.qb.DocType("Quotation Item")
	ordered = frappe.qb.from_(item).select(item.prevdoc_docname)
	ordered = ordered.where((Coalesce(item.prevdoc_docname, "") != "") & (item.docstatus == 1))
	campaign = (
		frappe.qb.from_(row)
		.select(Min(NullIf(row.relation_campaign, "")))
		.where(row.parent == quotation.name)
	)
	query = (
		frappe.qb.from_(quotation)
		.select(
			quotation.name,
			quotation.customer_name,
			Coalesce(NullIf(quotation.relation_campaign, ""), campaign).as_("campaign"),
			quotation.transaction_date,
			quotation.base_net_total,
			quotation.owner.as_("person"),
		)
		.where((quotation.company == asked.company) & (quotation.docstatus == 1))
		.where(
			(quotation.transaction_date >= asked.from_date) & (quotation.transaction_date <= asked.to_date)
		)
		.where(quotation.name.notin(ordered))
	)
	if asked.campaigns:
		rows = frappe.qb.from_(row).select(row.parent).where(row.relation_campaign.isin(asked.campaigns))
		query = query.where(quotation.relation_campaign.isin(asked.campaigns) | quotation.name.isin(rows))
	found = []
	for each in query.run(as_dict=True):
		deal = Deal(each.customer_name, each.campaign, each.person, each.name)
		deal.days["quoted"] = each.transaction_date
		deal.amount_quoted = to_decimal(each.base_net_total)
		found.append(deal)
	return found


def _direct_asked(asked: Asked) -> tuple[Any, Any, Any, Any]:
	"""Query the lines of invoices without an order, each with the first invoice of its deal.

	A credit note belongs to the invoice that it reverses.
	"""
	item, invoice = frappe.qb.DocType("Sales Invoice Item"), frappe.qb.DocType(INVOICE)
	first = frappe.qb.DocType(INVOICE).as_("first")
	query = (
		frappe.qb.from_(item)
		.join(invoice)
		.on(invoice.name == item.parent)
		.join(first)
		.on(first.name == Coalesce(NullIf(invoice.return_against, ""), invoice.name))
		.where((invoice.company == asked.company) & (invoice.docstatus == 1))
		.where((Coalesce(invoice.is_opening, "") != "Yes") & (Coalesce(item.sales_order, "") == ""))
		.where((first.posting_date >= asked.from_date) & (first.posting_date <= asked.to_date))
	)
	if asked.campaigns:
		row = frappe.qb.DocType("Sales Invoice Item").as_("of_campaign")
		rows = frappe.qb.from_(row).select(row.parent).where(row.relation_campaign.isin(asked.campaigns))
		query = query.where(first.name.isin(rows))
	return query, item, invoice, first


def _direct(asked: Asked) -> dict[str, Deal]:
	query, item, invoice, first = _direct_asked(asked)
	rows = (
		query.select(
			first.name.as_("first"),
			invoice.name,
			invoice.posting_date,
			invoice.is_return,
			invoice.update_stock,
			invoice.customer_name,
			Min(NullIf(item.relation_campaign, "")).as_("campaign"),
			Max(salesperson(invoice, INVOICE)).as_("person"),
			Min(NullIf(item.delivery_note, "")).as_("delivery"),
			Sum(item.base_net_amount).as_("amount"),
		)
		.groupby(
			first.name,
			invoice.name,
			invoice.posting_date,
			invoice.is_return,
			invoice.update_stock,
			invoice.customer_name,
		)
		.orderby(invoice.is_return)
		.orderby(invoice.posting_date)
		.orderby(invoice.name)
		.run(as_dict=True)
	)
	found: dict[str, Deal] = {}
	for row in rows:
		deal = found.setdefault(row.first, Deal(row.customer_name, row.campaign, row.person))
		_bill(deal, row)
		deal.days["invoiced_on"] = deal.days["invoiced_on"] or row.posting_date
	_deliver_direct(asked, found)
	return found


def _deliver_direct(asked: Asked, found: dict[str, Deal]) -> None:
	"""Add the deliveries that the lines bill, and those that were created from the invoice."""
	query, item, _invoice, first = _direct_asked(asked)
	note = frappe.qb.DocType(DELIVERY)
	billed = query.join(note).on(
		(note.name == item.delivery_note) & (note.docstatus == 1) & (note.is_return == 0)
	)
	rows = [*billed.select(first.name, note.name, note.posting_date).distinct().run()]
	query, item, _invoice, first = _direct_asked(asked)
	line = frappe.qb.DocType("Delivery Note Item")
	made = query.join(line).on((line.against_sales_invoice == item.parent) & (line.si_detail == item.name))
	made = made.join(note).on((note.name == line.parent) & (note.docstatus == 1) & (note.is_return == 0))
	rows += made.select(first.name, note.name, note.posting_date).distinct().run()
	for first_name, name, posting_date in sorted(rows, key=lambda row: (row[2], row[1])):
		_deliver(found[first_name], name, posting_date)


# Cash --------------------------------------------------------------------------------------------


def _settled(asked: Asked) -> dict[str, tuple[Decimal, Decimal, date | None]]:
	"""Return invoice → net amount, outstanding amount, and date of the last row that settled it."""
	ple = frappe.qb.DocType("Payment Ledger Entry")
	item = frappe.qb.DocType("Sales Invoice Item")
	of_orders = frappe.qb.from_(item).select(item.parent)
	of_orders = of_orders.where((item.docstatus == 1) & item.sales_order.isin(_names(asked)))
	query, lines, _invoice, _first = _direct_asked(asked)
	invoice = frappe.qb.DocType(INVOICE)
	found = {}
	for names in (of_orders, query.select(lines.parent)):
		rows = (
			frappe.qb.from_(ple)
			.join(invoice)
			.on(invoice.name == ple.against_voucher_no)
			.select(
				ple.against_voucher_no,
				Max(invoice.base_net_total),
				Sum(ple.amount),
				Max(Case().when(ple.voucher_no != ple.against_voucher_no, ple.posting_date)),
			)
			.where((ple.company == asked.company) & (ple.delinked == 0) & (ple.account_type == "Receivable"))
			.where((ple.against_voucher_type == INVOICE) & ple.against_voucher_no.isin(names))
			.groupby(ple.against_voucher_no)
			.run()
		)
		found.update({name: (to_decimal(net), to_decimal(amount), last) for name, net, amount, last in rows})
	return found


def _settle(every: Sequence[Deal], settled: dict[str, tuple[Decimal, Decimal, date | None]]) -> None:
	"""Set on each deal the outstanding amount of its invoices, and the day on which they were fully paid."""
	by_invoice: dict[str, list[Deal]] = defaultdict(list)
	for deal in every:
		for name in deal.invoices:
			by_invoice[name].append(deal)
	for name, sharing in by_invoice.items():
		if name in settled:
			net, amount, _last = settled[name]
			lines = [deal.invoices[name] for deal in sharing]
			others = net - sum(lines, ZERO)  # lines of orders of another period
			for deal, part in zip(sharing, allocate(amount, [*lines, others]), strict=False):
				deal.open += part
	for deal in every:
		rows = [settled[name] for name in deal.invoices if name in settled]
		last = [day for _net, _amount, day in rows if day]
		if last and deal.days["invoiced_on"] and not any(amount for _net, amount, _day in rows):
			deal.days["paid"] = max(last)

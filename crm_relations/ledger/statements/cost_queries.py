"""Read discounts, cost of goods sold, campaign cost and overdue amounts for the statement. Writes nothing.

Amounts are as in `queries`. The number of queries does not depend on the number of vouchers.
"""

from collections.abc import Sequence
from typing import Any

import frappe
from frappe.query_builder.functions import Coalesce, NullIf, Sum

from crm_relations.ledger.statements.queries import (
	Scope,
	attributed_vouchers,
	in_scope,
	is_against,
	posted_rows,
	receivable_rows,
	settling_vouchers,
	since,
	trim,
)
from crm_relations.shared.in_lists import none_of, one_of

DELIVERY = "Delivery Note"
COST_OF_GOODS = "Cost of Goods Sold"
DIMENSION_FIELD = "relation_campaign"


def discounts(scope: Scope) -> list[tuple]:
	"""Return (campaign, discount) of the attributed lines of the period.

	The discount is that of the line plus the line's part of the invoice's discount, as the documents say.
	"""
	row = frappe.qb.DocType("Relation Attribution")
	item = frappe.qb.DocType("Sales Invoice Item")
	invoice = frappe.qb.DocType("Sales Invoice")
	discount = Coalesce(item.discount_amount, 0) * Coalesce(item.qty, 0)
	if frappe.get_meta("Sales Invoice Item").has_field("distributed_discount_amount"):
		discount += Coalesce(item.distributed_discount_amount, 0)
	discount = discount * Coalesce(invoice.conversion_rate, 1) * row.share
	found = []
	for day, amount in ((row.posting_date, discount), (row.reversed_on, 0 - discount)):
		found += (
			frappe.qb.from_(row)
			.join(item)
			.on(item.name == row.voucher_detail_no)
			.join(invoice)
			.on(invoice.name == item.parent)
			.select(row.campaign, Sum(amount))
			.where(in_scope(row, scope) & (day <= scope.to_date) & since(day, scope))
			.groupby(row.campaign)
			.run()
		)
	return found


def posted_until(delivery: Any, scope: Scope) -> Any:
	"""Select deliveries that may have rows in the period.

	These are the deliveries of the period, and cancelled ones: an immutable ledger reverses those on another
	day.
	"""
	of_period = since(delivery.posting_date, scope) | (delivery.docstatus == 2)
	return (delivery.posting_date <= scope.to_date) & of_period


def _deliveries(scope: Scope) -> Any:
	"""Return the sub-query of lines of posted deliveries with a campaign.

	The line carries a campaign, or the lines that bill it are attributed.
	"""
	item = frappe.qb.DocType("Delivery Note Item")
	delivery = frappe.qb.DocType(DELIVERY)
	billed = frappe.qb.DocType("Sales Invoice Item")
	row = frappe.qb.DocType("Relation Attribution")
	query = (
		frappe.qb.from_(item)
		.join(delivery)
		.on(delivery.name == item.parent)
		.left_join(billed)
		.on((billed.dn_detail == item.name) & (billed.docstatus == 1))
		.left_join(row)
		.on((row.voucher_detail_no == billed.name) & in_scope(row, scope))
		.where((delivery.company == scope.company) & (delivery.docstatus != 0))
		.where(posted_until(delivery, scope))
	)
	if scope.selects:
		return query.where(row.name.notnull())
	carried = Coalesce(NullIf(item[DIMENSION_FIELD], ""), delivery[DIMENSION_FIELD], "")
	return query.where(row.name.notnull() | (carried != ""))


def delivery_ledger(scope: Scope) -> list[tuple]:
	"""Return (delivery, account, debit − credit) of the posted deliveries with a line of a campaign."""
	gle, posted = posted_rows(scope)
	item = frappe.qb.DocType("Delivery Note Item")
	names = _deliveries(scope).select(item.parent).distinct().as_("names")
	return (
		frappe.qb.from_(gle)
		.join(names)
		.on(gle.voucher_no == names.parent)
		.select(gle.voucher_no, gle.account, Sum(gle.debit - gle.credit))
		.where(posted & (gle.voucher_type == DELIVERY) & since(gle.posting_date, scope))
		.groupby(gle.voucher_no, gle.account)
		.run()
	)


def delivery_lines(names: Sequence[str]) -> list[frappe._dict]:
	"""Return the lines of deliveries.

	Each has parent, name, campaign, its cost by the document, and the account of that cost.
	"""
	item = frappe.qb.DocType("Delivery Note Item")
	delivery = frappe.qb.DocType(DELIVERY)
	carried = Coalesce(NullIf(item[DIMENSION_FIELD], ""), NullIf(delivery[DIMENSION_FIELD], ""))
	return (
		frappe.qb.from_(item)
		.join(delivery)
		.on(delivery.name == item.parent)
		.select(
			item.parent,
			item.name,
			carried.as_("campaign"),
			item.expense_account,
			(Coalesce(item.incoming_rate, 0) * Coalesce(item.stock_qty, 0)).as_("cost"),
		)
		.where(one_of(item.parent, names))
		.orderby(item.parent, item.idx)
		.run(as_dict=True)
	)


def billed_parts(scope: Scope, names: Sequence[str]) -> list[tuple]:
	"""Return (line of a delivery, campaign, amount) by the attribution of the invoice lines that bill it."""
	billed = frappe.qb.DocType("Sales Invoice Item")
	row = frappe.qb.DocType("Relation Attribution")
	return (
		frappe.qb.from_(row)
		.join(billed)
		.on(billed.name == row.voucher_detail_no)
		.select(billed.dn_detail, row.campaign, Sum(row.amount))
		.where(in_scope(row, scope) & one_of(billed.delivery_note, names) & (row.is_return == 0))
		.where(row.reversed_on.isnull())
		.groupby(billed.dn_detail, row.campaign)
		.orderby(billed.dn_detail, row.campaign)
		.run()
	)


def carries_campaigns() -> bool:
	"""Tell whether rows of the ledger carry campaigns: the Accounting Dimension exists."""
	return frappe.get_meta("GL Entry").has_field(DIMENSION_FIELD)


def campaign_costs(scope: Scope) -> list[tuple]:
	"""Return (campaign, account, debit − credit) of the spending on campaigns.

	These are expenses that carry a campaign, by purchase invoice, expense claim or journal entry. The costs
	of sales are not included: cost of goods sold, and the settlements of an attributed invoice.
	"""
	gle, posted = posted_rows(scope)
	account = frappe.qb.DocType("Account")
	settling = settling_vouchers(scope).as_("settling")
	return (
		frappe.qb.from_(gle)
		.join(account)
		.on(account.name == gle.account)
		.left_join(settling)
		.on((settling.voucher_type == trim(gle.voucher_type)) & (settling.voucher_no == gle.voucher_no))
		.select(gle[DIMENSION_FIELD], gle.account, Sum(gle.debit - gle.credit))
		.where(posted & since(gle.posting_date, scope) & (account.root_type == "Expense"))
		.where(Coalesce(gle[DIMENSION_FIELD], "") != "")
		.where(gle.voucher_type.notin(["Sales Invoice", DELIVERY, "Payment Entry"]))
		.where((Coalesce(account.account_type, "") != COST_OF_GOODS) & settling.voucher_no.isnull())
		.groupby(gle[DIMENSION_FIELD], gle.account)
		.run()
	)


def overdue(scope: Scope, apart: Sequence[str]) -> list[tuple]:
	"""Return (campaign, outstanding amount of overdue invoices), without the vouchers in `apart`.

	Credits of other invoices are not deducted.
	"""
	ple, posted = receivable_rows(scope)
	invoice = frappe.qb.DocType("Sales Invoice")
	vouchers = attributed_vouchers(scope).as_("vouchers")
	open_vouchers = (
		frappe.qb.from_(ple)
		.join(vouchers)
		.on(is_against(ple, vouchers))
		.select(vouchers.campaign, vouchers.voucher_no, Sum(ple.amount).as_("amount"))
		.where(posted)
		.groupby(vouchers.campaign, vouchers.voucher_no)
		.having(Sum(ple.amount) > 0)
	)
	if apart:
		open_vouchers = open_vouchers.where(none_of(vouchers.voucher_no, apart))
	open_vouchers = open_vouchers.as_("open_vouchers")
	return (
		frappe.qb.from_(open_vouchers)
		.join(invoice)
		.on(invoice.name == open_vouchers.voucher_no)
		.select(open_vouchers.campaign, Sum(open_vouchers.amount))
		.where(invoice.due_date < scope.to_date)
		.groupby(open_vouchers.campaign)
		.run()
	)


def due_before(names: Sequence[str], day: str) -> set[str]:
	"""Return the invoices among these that were due before the day."""
	invoice = frappe.qb.DocType("Sales Invoice")
	query = frappe.qb.from_(invoice).select(invoice.name)
	return set(query.where(one_of(invoice.name, names) & (invoice.due_date < day)).run(pluck=True))

"""Read the invoices, settlements, deliveries and costs of one campaign for its balance sheet. Writes nothing.

Amounts are as in `queries`: posted rows in the company's currency. Every read is limited to the vouchers of the
campaign. Their number does not change the number of queries.
"""

from collections.abc import Sequence

import frappe
from frappe.query_builder.functions import Coalesce, NullIf, Sum

from crm_relations.ledger.statements.cost_queries import (
	COST_OF_GOODS,
	DELIVERY,
	DIMENSION_FIELD,
	posted_until,
)
from crm_relations.ledger.statements.queries import Scope, in_scope, posted_rows, since
from crm_relations.shared.in_lists import one_of

INVOICE = "Sales Invoice"
#: vouchers that the statement attributes by other rules than by the campaign of a ledger row
NOT_COSTS = (INVOICE, DELIVERY, "Payment Entry")


def invoices_of(scope: Scope, campaign: str) -> list[str]:
	"""Return the attributed invoices in which the campaign has a line."""
	row = frappe.qb.DocType("Relation Attribution")
	return (
		frappe.qb.from_(row)
		.select(row.voucher_no)
		.distinct()
		.where(in_scope(row, scope) & (row.campaign == campaign))
		.where((row.voucher_type == INVOICE) & (row.posting_date <= scope.to_date))
		.orderby(row.voucher_no)
		.run(pluck=True)
	)


def attributed(names: Sequence[str]) -> dict[str, str]:
	"""Return invoice → a campaign of one of its lines, for the attributed ones among these vouchers."""
	row = frappe.qb.DocType("Relation Attribution")
	query = (
		frappe.qb.from_(row)
		.select(row.voucher_no, row.campaign)
		.where(one_of(row.voucher_no, names))
		.orderby(row.campaign)
	)
	found: dict[str, str] = {}
	for name, campaign in query.run():
		found.setdefault(name, campaign)
	return found


def settlements_of(scope: Scope, names: Sequence[str], kind: str = "Receivable") -> list[frappe._dict]:
	"""Return the rows of the payment ledger against these vouchers, in order of posting.

	The vouchers' own rows are included.
	"""
	ple = frappe.qb.DocType("Payment Ledger Entry")
	return (
		frappe.qb.from_(ple)
		.select(
			ple.voucher_type,
			ple.voucher_no,
			ple.account,
			ple.against_voucher_type,
			ple.against_voucher_no,
			ple.posting_date,
			ple.amount,
		)
		.where((ple.company == scope.company) & (ple.delinked == 0) & (ple.account_type == kind))
		.where((ple.posting_date <= scope.to_date) & one_of(ple.against_voucher_no, names))
		.orderby(ple.posting_date, ple.creation, ple.name)
		.run(as_dict=True)
	)


def payable_rows_of(scope: Scope, payments: Sequence[str]) -> list[tuple]:
	"""Return what these vouchers post to payables.

	Each row is (voucher type, voucher, day, account, against, amount as in the payment ledger).
	"""
	ple = frappe.qb.DocType("Payment Ledger Entry")
	return (
		frappe.qb.from_(ple)
		.select(
			ple.voucher_type,
			ple.voucher_no,
			ple.posting_date,
			ple.account,
			ple.against_voucher_no,
			Sum(ple.amount),
		)
		.where((ple.company == scope.company) & (ple.delinked == 0) & (ple.account_type == "Payable"))
		.where((ple.posting_date <= scope.to_date) & one_of(ple.voucher_no, payments))
		.groupby(ple.voucher_type, ple.voucher_no, ple.posting_date, ple.account, ple.against_voucher_no)
		.orderby(ple.voucher_no, ple.posting_date, ple.against_voucher_no, ple.account)
		.run()
	)


def released_of(scope: Scope, names: Sequence[str]) -> list[frappe._dict]:
	"""Return the ledger rows that move deferred revenue of these invoices.

	There is one for each row and campaign of its line.
	"""
	gle, posted = posted_rows(scope)
	row = frappe.qb.DocType("Relation Attribution")
	return (
		frappe.qb.from_(gle)
		.join(row)
		.on(row.voucher_detail_no == gle.voucher_detail_no)
		.select(
			gle.name,
			gle.voucher_type,
			gle.voucher_no,
			gle.account,
			gle.debit,
			gle.credit,
			row.campaign,
			row.is_return,
			row.rule,
			row.share,
		)
		.where(posted & since(gle.posting_date, scope) & one_of(row.voucher_no, names))
		.orderby(gle.name, row.campaign)
		.run(as_dict=True)
	)


def deliveries_of(scope: Scope, campaign: str) -> list[str]:
	"""Return the posted deliveries with a line of the campaign.

	The line carries the campaign, or a line attributed to the campaign bills it.
	"""
	item = frappe.qb.DocType("Delivery Note Item")
	delivery = frappe.qb.DocType(DELIVERY)
	carried = Coalesce(NullIf(item[DIMENSION_FIELD], ""), delivery[DIMENSION_FIELD])
	billed = frappe.qb.DocType("Sales Invoice Item")
	row = frappe.qb.DocType("Relation Attribution")
	lines = (
		frappe.qb.from_(row)
		.join(billed)
		.on(billed.name == row.voucher_detail_no)
		.select(billed.dn_detail)
		.where(in_scope(row, scope) & (row.campaign == campaign) & row.reversed_on.isnull())
		.where(Coalesce(billed.dn_detail, "") != "")
	)
	query = (
		frappe.qb.from_(item)
		.join(delivery)
		.on(delivery.name == item.parent)
		.select(item.parent)
		.distinct()
		.where((delivery.company == scope.company) & (delivery.docstatus != 0))
		.where(posted_until(delivery, scope))
	)
	found = set(query.where(item.name.isin(lines)).run(pluck=True))
	if not scope.selects:  # a selection consists of invoices
		found.update(query.where(carried == campaign).run(pluck=True))
	return sorted(found)


def ledger_of(scope: Scope, voucher_type: str, names: Sequence[str]) -> list[tuple]:
	"""Return (voucher, account, debit − credit) of vouchers of a type."""
	gle, posted = posted_rows(scope)
	return (
		frappe.qb.from_(gle)
		.select(gle.voucher_no, gle.account, Sum(gle.debit - gle.credit))
		.where(posted & since(gle.posting_date, scope))
		.where((gle.voucher_type == voucher_type) & one_of(gle.voucher_no, names))
		.groupby(gle.voucher_no, gle.account)
		.run()
	)


def cost_vouchers(scope: Scope, campaign: str | None = None) -> list[tuple[str, str]]:
	"""Return the vouchers with spending on the campaign, or on any campaign.

	These have an expense that carries the campaign, as in `cost_queries.campaign_costs`.
	"""
	gle, posted = posted_rows(scope)
	account = frappe.qb.DocType("Account")
	found = (
		frappe.qb.from_(gle)
		.join(account)
		.on(account.name == gle.account)
		.select(gle.voucher_type, gle.voucher_no)
		.distinct()
		.where(posted & (account.root_type == "Expense"))
		.where(gle[DIMENSION_FIELD] == campaign if campaign else gle[DIMENSION_FIELD] > "")
		.where((Coalesce(account.account_type, "") != COST_OF_GOODS) & gle.voucher_type.notin(NOT_COSTS))
		.orderby(gle.voucher_type, gle.voucher_no)
		.run()
	)
	if not found:
		return []
	ple = frappe.qb.DocType("Payment Ledger Entry")
	row = frappe.qb.DocType("Relation Attribution")
	settling = (
		frappe.qb.from_(ple)
		.join(row)
		.on((row.voucher_type == ple.against_voucher_type) & (row.voucher_no == ple.against_voucher_no))
		.select(ple.voucher_type, ple.voucher_no)
		.distinct()
		.where((ple.company == scope.company) & (ple.delinked == 0) & (ple.account_type == "Receivable"))
		.where((ple.posting_date <= scope.to_date) & one_of(ple.voucher_no, [name for _type, name in found]))
		.run()
	)
	return [voucher for voucher in found if voucher not in settling]


def rows_of(scope: Scope, vouchers: Sequence[tuple[str, str]]) -> list[tuple]:
	"""Return the ledger rows of these vouchers, summed.

	Each row is (voucher type, voucher, day, account, campaign of the rows, debit − credit).
	"""
	gle, posted = posted_rows(scope)
	carried = NullIf(gle[DIMENSION_FIELD], "").as_("carried")
	query = (
		frappe.qb.from_(gle)
		.select(
			gle.voucher_type,
			gle.voucher_no,
			gle.posting_date,
			gle.account,
			carried,
			Sum(gle.debit - gle.credit),
		)
		.where(posted & one_of(gle.voucher_no, [name for _type, name in vouchers]))
		.groupby(gle.voucher_type, gle.voucher_no, gle.posting_date, gle.account, carried)
		.orderby(gle.voucher_no, gle.posting_date, gle.account)
	)
	wanted = set(vouchers)
	return [row for row in query.run() if (row[0], row[1]) in wanted]


def carrying(company: str, campaign: str, to_date: str) -> list[tuple]:
	"""Return all posted rows that carry the campaign, including closing vouchers.

	Each row is (voucher type, voucher, account, debit − credit).
	"""
	gle = frappe.qb.DocType("GL Entry")
	return (
		frappe.qb.from_(gle)
		.select(gle.voucher_type, gle.voucher_no, gle.account, Sum(gle.debit - gle.credit))
		.where((gle.company == company) & (gle.is_cancelled == 0) & (gle.posting_date <= to_date))
		.where(gle[DIMENSION_FIELD] == campaign)
		.groupby(gle.voucher_type, gle.voucher_no, gle.account)
		.run()
	)


def dates_of(vouchers: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
	"""Return voucher → posting date in the ledger."""
	gle = frappe.qb.DocType("GL Entry")
	query = (
		frappe.qb.from_(gle)
		.select(gle.voucher_type, gle.voucher_no, gle.posting_date)
		.distinct()
		.where((gle.is_cancelled == 0) & one_of(gle.voucher_no, [name for _type, name in vouchers]))
	)
	return {(row[0], row[1]): str(row[2]) for row in query.run()}

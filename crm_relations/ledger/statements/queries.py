"""Read GL Entry, Payment Ledger Entry, invoices and Relation Attribution for the statement. Writes nothing.

Every amount comes from posted rows (`is_cancelled` = 0, `delinked` = 0) in the company's currency. Closing vouchers are
left out, because they move the year's profit and are not income. The number of queries does not depend on the number of
vouchers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import frappe
from frappe.query_builder import Case, Table
from frappe.query_builder.custom import ConstantColumn
from frappe.query_builder.functions import Abs, Coalesce, Count, Max, Min, Substring, Sum

from crm_relations.ledger.precision import half_a_unit
from crm_relations.segments.members import membership
from crm_relations.shared.in_lists import none_of, one_of

CLOSING = "Period Closing Voucher"
CHAIN_RULE = "Document Flow"
INVOICE = "Sales Invoice"
#: temporary table of the session with the attributed vouchers of a scope (`temp_tables.vouchers_once`)
VOUCHERS = "relation_attributed_vouchers"


@dataclass(frozen=True)
class Scope:
	"""Company and period of a statement; `from_date` None means from the beginning.

	`salesperson` and `segment` make a selection. Only invoices with this sales person in their sales team, and those of the
	segment's members, have campaigns. All other income is not in the selection.
	"""

	company: str
	from_date: str | None
	to_date: str
	salesperson: str | None = None
	segment: str | None = None
	vouchers_made: bool = False  #: VOUCHERS contains its attributed vouchers

	@property
	def selects(self) -> bool:
		return bool(self.salesperson or self.segment)


def posted_rows(scope: Scope) -> tuple[Any, Any]:
	gle = frappe.qb.DocType("GL Entry")
	where = (gle.company == scope.company) & (gle.is_cancelled == 0) & (gle.voucher_type != CLOSING)
	return gle, where & (gle.posting_date <= scope.to_date)


def since(field: Any, scope: Scope) -> Any:
	return field >= (scope.from_date or "1900-01-01")


def in_scope(row: Any, scope: Scope) -> Any:
	"""Select the rows of Relation Attribution that the statement covers, of any date."""
	where = row.company == scope.company
	if scope.salesperson:
		where &= row.voucher_no.isin(_of_team(scope.salesperson))
	if scope.segment:
		where &= row.relation.isin(membership.current(scope.segment))
	return where


def _of_team(salesperson: str) -> Any:
	"""Return a sub-query of the invoices with this Sales Person in their sales team."""
	team = frappe.qb.DocType("Sales Team")
	of_team = frappe.qb.from_(team).select(team.parent)
	return of_team.where((team.parenttype == "Sales Invoice") & (team.sales_person == salesperson))


def _selected(scope: Scope) -> Any:
	"""Return the sub-query of invoices in the selection, with or without a campaign."""
	invoice = frappe.qb.DocType("Sales Invoice")
	query = frappe.qb.from_(invoice).select(invoice.name).where(invoice.company == scope.company)
	if scope.salesperson:
		query = query.where(invoice.name.isin(_of_team(scope.salesperson)))
	if scope.segment:
		query = query.where(invoice.relation.isin(membership.current(scope.segment)))
	return query


def attributed_vouchers(scope: Scope) -> Any:
	"""Return the sub-query of attributed vouchers, each with one of its campaigns.

	Only invoices are attributed. The type is a constant, so that the key `relation_vouchers` covers all
	columns that are read.
	"""
	if scope.vouchers_made:
		made = Table(VOUCHERS)
		return frappe.qb.from_(made).select(
			ConstantColumn(INVOICE).as_("voucher_type"), made.voucher_no, made.campaign
		)
	row = frappe.qb.DocType("Relation Attribution")
	return (
		frappe.qb.from_(row)
		.select(
			ConstantColumn(INVOICE).as_("voucher_type"), row.voucher_no, Min(row.campaign).as_("campaign")
		)
		.where(in_scope(row, scope))
		.groupby(row.voucher_no)
	)


def same_voucher(left: Any, right: Any) -> Any:
	"""Match rows of the same voucher."""
	return (left.voucher_type == right.voucher_type) & (left.voucher_no == right.voucher_no)


def is_against(ple: Any, vouchers: Any) -> Any:
	"""Match rows of the payment ledger that are set against the vouchers."""
	return (ple.against_voucher_type == vouchers.voucher_type) & (
		ple.against_voucher_no == vouchers.voucher_no
	)


def trim(voucher_type: Any) -> Any:
	"""Cast the name of a doctype to its maximum width.

	MariaDB creates no key for a sub-query over two columns of 140 characters, and would compare each row with
	each.
	"""
	return Substring(voucher_type, 1, 61)


def accounts(company: str) -> dict[str, frappe._dict]:
	"""Return name → account_number, root_type, account_type of the company's leaf accounts."""
	account = frappe.qb.DocType("Account")
	rows = (
		frappe.qb.from_(account)
		.select(account.name, account.account_number, account.root_type, account.account_type)
		.where((account.company == company) & (account.is_group == 0))
		.run(as_dict=True)
	)
	return {row.name: row for row in rows}


def tax_accounts(company: str) -> set[str]:
	"""Return the balance sheet accounts of type Tax, and those in the tax table of an invoice."""
	account = frappe.qb.DocType("Account")
	tax = frappe.qb.DocType("Sales Taxes and Charges")
	heads = frappe.qb.from_(tax).select(tax.account_head).distinct().where(tax.parenttype == "Sales Invoice")
	query = (
		frappe.qb.from_(account)
		.select(account.name)
		.where((account.company == company) & account.root_type.isin(["Asset", "Liability"]))
		.where((account.account_type == "Tax") | account.name.isin(heads))
	)
	return set(query.run(pluck=True))


def stock_accounts(company: str) -> set[str]:
	"""Return the stock accounts: those of that type, those of warehouses, and the company's own."""
	account = frappe.qb.DocType("Account")
	warehouse = frappe.qb.DocType("Warehouse")
	of_warehouses = frappe.qb.from_(warehouse).select(warehouse.account)
	of_warehouses = of_warehouses.where((warehouse.company == company) & warehouse.account.notnull())
	query = frappe.qb.from_(account).select(account.name).where(account.company == company)
	query = query.where((account.account_type == "Stock") | account.name.isin(of_warehouses))
	default = frappe.get_cached_value("Company", company, "default_inventory_account")
	return {*query.run(pluck=True), default} - {None}


# The ledger by account -----------------------------------------------------------------------------


def by_account(scope: Scope) -> list[tuple]:
	"""Return the movement of each account in the period.

	Each row is (account, debit − credit, the part of it on rows of no attributed voucher). Rows that name a
	line (revenue released from deferral) count with their line. Each of the two amounts is summed from its
	own rows.
	"""
	gle, posted = posted_rows(scope)
	vouchers = attributed_vouchers(scope).as_("vouchers")
	amount = gle.debit - gle.credit
	rows = frappe.qb.from_(gle).where(posted & since(gle.posting_date, scope)).groupby(gle.account)
	plain = rows.left_join(vouchers).on(same_voucher(gle, vouchers))
	plain = plain.select(
		gle.account, Sum(amount), Sum(Case().when(vouchers.voucher_no.isnull(), amount).else_(0))
	)
	plain = plain.where(Coalesce(gle.voucher_detail_no, "") == "")
	row = frappe.qb.DocType("Relation Attribution")
	attributed = frappe.qb.from_(row).select(row.voucher_detail_no).where(in_scope(row, scope))
	released = rows.select(
		gle.account, Sum(amount), Sum(Case().when(gle.voucher_detail_no.notin(attributed), amount).else_(0))
	).where(gle.voucher_detail_no > "")
	return [*plain.run(), *released.run()]


def outside_by_account(scope: Scope) -> list[tuple]:
	"""Return (account, debit − credit) of rows that belong to no campaign and are not in the selection.

	These are rows of no attributed voucher that no invoice of the selection has booked. Return no row if
	nothing is selected.
	"""
	if not scope.selects:
		return []
	query, gle = _no_campaign(scope)
	selected = _selected(scope).as_("selected")
	query = query.left_join(selected).on((gle.voucher_type == INVOICE) & (gle.voucher_no == selected.name))
	query = query.select(gle.account, Sum(gle.debit - gle.credit)).where(selected.name.isnull())
	return query.groupby(gle.account).run()


def vouchers_of_no_campaign(scope: Scope, outside: bool) -> list[tuple]:
	"""Return the part without a campaign by voucher: in the selection, or outside of it.

	Each row is (voucher type, voucher, first day, credit − debit on income).
	"""
	query, gle = _no_campaign(scope)
	account = frappe.qb.DocType("Account")
	query = query.join(account).on(account.name == gle.account).where(account.root_type == "Income")
	if scope.selects:
		selected = _selected(scope).as_("selected")
		query = query.left_join(selected).on(
			(gle.voucher_type == INVOICE) & (gle.voucher_no == selected.name)
		)
		query = query.where(selected.name.isnull() if outside else selected.name.notnull())
	elif outside:
		return []
	query = query.select(gle.voucher_type, gle.voucher_no, Min(gle.posting_date), Sum(gle.credit - gle.debit))
	return query.groupby(gle.voucher_type, gle.voucher_no).run()


def _no_campaign(scope: Scope) -> tuple[Any, Any]:
	gle, posted = posted_rows(scope)
	vouchers = attributed_vouchers(scope).as_("vouchers")
	deferred = frappe.qb.DocType("Relation Attribution").as_("deferred")
	query = (
		frappe.qb.from_(gle)
		.left_join(vouchers)
		.on(same_voucher(gle, vouchers))
		.left_join(deferred)
		.on((deferred.voucher_detail_no == gle.voucher_detail_no) & in_scope(deferred, scope))
		.where(posted & since(gle.posting_date, scope))
		.where(deferred.name.isnull())
		.where(vouchers.voucher_no.isnull() | (Coalesce(gle.voucher_detail_no, "") != ""))
	)
	return query, gle


# Income ------------------------------------------------------------------------------------------


def attributed_income(scope: Scope, apart: Sequence[str]) -> list[tuple]:
	"""Return the attribution in the period, for accounts of any type.

	Each row is (campaign, is_return, by rule, account, amount).

	:param apart: vouchers that are split one by one
	"""
	row = frappe.qb.DocType("Relation Attribution")
	by_rule = _by_rule(row).as_("by_rule")
	found = []
	# an immutable ledger reverses an invoice on another day; the amount counts on that day with the opposite
	# sign
	for day, amount in ((row.posting_date, row.amount), (row.reversed_on, 0 - row.amount)):
		query = (
			frappe.qb.from_(row)
			.select(row.campaign, row.is_return, by_rule, row.account, Sum(amount))
			.where(in_scope(row, scope) & (day <= scope.to_date) & since(day, scope))
			.groupby(row.campaign, row.is_return, by_rule, row.account)
		)
		found += query.where(none_of(row.voucher_no, apart)).run()
	return found


def reversals(scope: Scope) -> list[tuple]:
	"""Return attributed invoices that were cancelled under an immutable ledger.

	Each row is (invoice, posting date, day of the reversal). The posting or the reversal is in the period.
	"""
	row = frappe.qb.DocType("Relation Attribution")
	posted = (row.posting_date <= scope.to_date) & since(row.posting_date, scope)
	taken_back = (row.reversed_on <= scope.to_date) & since(row.reversed_on, scope)
	return (
		frappe.qb.from_(row)
		.select(row.voucher_no, row.posting_date, row.reversed_on)
		.distinct()
		.where(in_scope(row, scope) & row.reversed_on.notnull() & (posted | taken_back))
		.orderby(row.reversed_on, row.voucher_no)
		.run()
	)


def released_income(scope: Scope) -> list[tuple]:
	"""Return deferred revenue moved to income, both sides.

	Each row is (campaign, is_return, by rule, account, debit, credit). ERPNext writes the invoice line into
	`voucher_detail_no` of these rows and of no other row of an invoice. Only lines of a single campaign are
	included; `released_shared` has the others.
	"""
	query, gle, row = _released(scope)
	by_rule = _by_rule(row).as_("by_rule")
	return (
		query.select(row.campaign, row.is_return, by_rule, gle.account, Sum(gle.debit), Sum(gle.credit))
		.where(row.share == 1)
		.groupby(row.campaign, row.is_return, by_rule, gle.account)
		.run()
	)


def released_shared(scope: Scope) -> list[frappe._dict]:
	"""Return the same of lines that several campaigns share.

	There is one row for each ledger row and campaign, to be split by `share`.
	"""
	query, gle, row = _released(scope)
	return (
		query.select(gle.name, gle.account, gle.debit, gle.credit, row.campaign, row.is_return, row.share)
		.where(row.share != 1)
		.orderby(gle.name, row.campaign)
		.run(as_dict=True)
	)


def _released(scope: Scope) -> tuple[Any, Any, Any]:
	gle, posted = posted_rows(scope)
	row = frappe.qb.DocType("Relation Attribution")
	query = (
		frappe.qb.from_(gle)
		.join(row)
		.on(row.voucher_detail_no == gle.voucher_detail_no)
		.where(posted & since(gle.posting_date, scope) & in_scope(row, scope) & (gle.voucher_detail_no > ""))
	)
	return query, gle, row


def _by_rule(row: Any) -> Any:
	return Case().when(row.rule == CHAIN_RULE, 0).else_(1)


# Vouchers that have to be split one by one ---------------------------------------------------------


def vouchers_apart(scope: Scope) -> list[str]:
	"""Return the invoices that cannot be summed in SQL: several campaigns, or lines without a campaign."""
	names = set(_mixed(scope).run(pluck=True))
	names.update(_with_other_lines(scope).run(pluck=True))
	return sorted(names)


def mismatched_vouchers(scope: Scope) -> list[str]:
	"""Return invoices with an attribution that differs from the voucher's income by account and date.

	This is queried only if the sums differ.
	"""
	return _unequal(scope).run(pluck=True)


def _mixed(scope: Scope) -> Any:
	row = frappe.qb.DocType("Relation Attribution")
	return (
		frappe.qb.from_(row)
		.select(row.voucher_no)
		.where(in_scope(row, scope))
		.groupby(row.voucher_no)
		.having((Min(row.campaign) != Max(row.campaign)) | (Min(row.is_return) != Max(row.is_return)))
	)


def _with_other_lines(scope: Scope) -> Any:
	"""Match invoices with more lines of an amount than attributed lines."""
	item = frappe.qb.DocType("Sales Invoice Item")
	row = frappe.qb.DocType("Relation Attribution")
	line = Case().when(row.amount != 0, row.voucher_detail_no)
	vouchers = (
		frappe.qb.from_(row)
		.select(row.voucher_no, Count(line).distinct().as_("lines"))
		.where(in_scope(row, scope))
		.groupby(row.voucher_no)
	).as_("vouchers")
	return (
		frappe.qb.from_(vouchers)
		.join(item)
		.on(item.parent == vouchers.voucher_no)
		.select(vouchers.voucher_no)
		.where(item.base_net_amount != 0)
		.groupby(vouchers.voucher_no, vouchers.lines)
		.having(Count("*") > vouchers.lines)
	)


def _unequal(scope: Scope) -> Any:
	gle, posted = posted_rows(scope)
	account = frappe.qb.DocType("Account")
	row = frappe.qb.DocType("Relation Attribution")
	vouchers = attributed_vouchers(scope).as_("vouchers")
	ledger = (
		frappe.qb.from_(gle)
		.join(vouchers)
		.on(same_voucher(gle, vouchers))
		.join(account)
		.on(account.name == gle.account)
		.select(gle.voucher_no, gle.account, gle.posting_date, (gle.credit - gle.debit).as_("amount"))
		.where(posted & (account.root_type == "Income") & (Coalesce(gle.voucher_detail_no, "") == ""))
	)
	attributed = (
		frappe.qb.from_(row)
		.join(account)
		.on(account.name == row.account)
		.select(row.voucher_no, row.account, row.posting_date, (0 - row.amount).as_("amount"))
		.where(in_scope(row, scope) & (row.posting_date <= scope.to_date))
		.where(account.root_type == "Income")
	)
	taken_back = (
		frappe.qb.from_(row)
		.join(account)
		.on(account.name == row.account)
		.select(row.voucher_no, row.account, row.reversed_on.as_("posting_date"), row.amount)
		.where(in_scope(row, scope) & (row.reversed_on <= scope.to_date))
		.where(account.root_type == "Income")
	)
	both = ledger.union_all(attributed).union_all(taken_back).as_("both")
	return (
		frappe.qb.from_(both)
		.select(both.voucher_no)
		.groupby(both.voucher_no, both.account, both.posting_date)
		.having(Abs(Sum(both.amount)) >= half_a_unit())
	)


def own_rows(scope: Scope, apart: Sequence[str]) -> list[tuple]:
	"""Return ledger rows of the attributed vouchers in the period: (campaign, account, debit, credit)."""
	gle, posted = posted_rows(scope)
	vouchers = attributed_vouchers(scope).as_("vouchers")
	query = (
		frappe.qb.from_(gle)
		.join(vouchers)
		.on(same_voucher(gle, vouchers))
		.select(vouchers.campaign, gle.account, Sum(gle.debit), Sum(gle.credit))
		.where(posted & since(gle.posting_date, scope) & (Coalesce(gle.voucher_detail_no, "") == ""))
		.groupby(vouchers.campaign, gle.account)
	)
	if apart:
		query = query.where(none_of(gle.voucher_no, apart))
	return query.run()


def ledger_of(scope: Scope, apart: Sequence[str]) -> list[tuple]:
	"""Return (voucher, day, account, debit, credit) of single vouchers."""
	gle, posted = posted_rows(scope)
	return (
		frappe.qb.from_(gle)
		.select(gle.voucher_no, gle.posting_date, gle.account, Sum(gle.debit), Sum(gle.credit))
		.where(posted & (gle.voucher_type == "Sales Invoice") & one_of(gle.voucher_no, apart))
		.where(Coalesce(gle.voucher_detail_no, "") == "")
		.groupby(gle.voucher_no, gle.posting_date, gle.account)
		.run()
	)


def invoices(apart: Sequence[str]) -> list[frappe._dict]:
	invoice = frappe.qb.DocType("Sales Invoice")
	return (
		frappe.qb.from_(invoice)
		.select(
			invoice.name,
			invoice.posting_date,
			invoice.is_return,
			invoice.conversion_rate,
			invoice.additional_discount_account,
			invoice.base_discount_amount,
			invoice.base_rounding_adjustment,
		)
		.where(one_of(invoice.name, apart))
		.run(as_dict=True)
	)


def attribution_of(apart: Sequence[str]) -> list[frappe._dict]:
	row = frappe.qb.DocType("Relation Attribution")
	return (
		frappe.qb.from_(row)
		.select(
			row.voucher_no,
			row.voucher_detail_no,
			row.campaign,
			row.account,
			row.amount,
			row.share,
			row.rule,
			row.posting_date,
			row.reversed_on,
		)
		.where(one_of(row.voucher_no, apart))
		.orderby(row.voucher_no, row.voucher_detail_no, row.campaign)
		.run(as_dict=True)
	)


def items_of(apart: Sequence[str]) -> list[frappe._dict]:
	"""Return lines of single invoices with the effects of discount accounting and deferral."""
	item = frappe.qb.DocType("Sales Invoice Item")
	query = (
		frappe.qb.from_(item)
		.select(
			item.parent,
			item.name,
			item.qty,
			item.base_net_amount,
			item.income_account,
			item.enable_deferred_revenue,
			item.deferred_revenue_account,
			item.discount_amount,
			item.discount_account,
			item.is_fixed_asset,
			item.expense_account,
			item.incoming_rate,
			item.stock_qty,
		)
		.where(one_of(item.parent, apart))
		.orderby(item.parent, item.idx)
	)
	if frappe.get_meta("Sales Invoice Item").has_field("distributed_discount_amount"):
		query = query.select(item.distributed_discount_amount)  # early releases of version 15 lack it
	return query.run(as_dict=True)


def charges_of(apart: Sequence[str]) -> list[tuple]:
	"""Return (voucher, account, tax after discount, tax before discount)."""
	tax = frappe.qb.DocType("Sales Taxes and Charges")
	return (
		frappe.qb.from_(tax)
		.select(
			tax.parent,
			tax.account_head,
			Sum(tax.base_tax_amount_after_discount_amount),
			Sum(tax.base_tax_amount),
		)
		.where((tax.parenttype == "Sales Invoice") & one_of(tax.parent, apart))
		.groupby(tax.parent, tax.account_head)
		.run()
	)


# Receivables and payments --------------------------------------------------------------------------


def receivable_rows(scope: Scope) -> tuple[Any, Any]:
	ple = frappe.qb.DocType("Payment Ledger Entry")
	where = (ple.company == scope.company) & (ple.delinked == 0) & (ple.account_type == "Receivable")
	return ple, where & (ple.posting_date <= scope.to_date)


def own_receivable(scope: Scope, apart: Sequence[str]) -> list[tuple]:
	"""Return (campaign, amount) of the attributed vouchers' own postings to receivables up to the date."""
	ple, posted = receivable_rows(scope)
	vouchers = attributed_vouchers(scope).as_("vouchers")
	query = (
		frappe.qb.from_(ple)
		.join(vouchers)
		.on(same_voucher(ple, vouchers))
		.select(vouchers.campaign, Sum(ple.amount))
		.where(posted)
		.groupby(vouchers.campaign)
	)
	if apart:
		query = query.where(none_of(ple.voucher_no, apart))
	return query.run()


def settling_vouchers(scope: Scope) -> Any:
	"""Return the sub-query of every voucher that settles an attributed one."""
	ple, posted = receivable_rows(scope)
	vouchers = attributed_vouchers(scope).as_("vouchers")
	return (
		frappe.qb.from_(ple)
		.join(vouchers)
		.on(is_against(ple, vouchers))
		.select(trim(ple.voucher_type).as_("voucher_type"), ple.voucher_no)
		.distinct()
		.where(posted & (ple.voucher_type != INVOICE))
	)


def _plain_payments(scope: Scope) -> Any:
	"""Return the sub-query of plain payments: vouchers other than invoices that settle attributed ones.

	They have a single counter account, which is not of income, and receivable rows of one sign. A number that
	vouchers of two types share is left out.

	Grouped by columns of sub-queries, so that MariaDB builds the groups once and not again for each row that
	is joined.
	"""
	ple, linked = receivable_rows(scope)
	vouchers = attributed_vouchers(scope).as_("vouchers")
	settled = Max(Case().when(vouchers.voucher_no.notnull(), 1).else_(0))
	one_type = Min(ple.voucher_type) == Max(ple.voucher_type)
	one_sign = (
		frappe.qb.from_(ple)
		.left_join(vouchers)
		.on(is_against(ple, vouchers))
		.select(ple.voucher_no, Min(ple.voucher_type).as_("voucher_type"))
		.where(linked & (ple.voucher_type != INVOICE))
		.groupby(ple.voucher_no)
		.having((settled == 1) & one_type & ((Min(ple.amount) > 0) | (Max(ple.amount) < 0)))
	).as_("one_sign")
	gle, posted = posted_rows(scope)
	account = frappe.qb.DocType("Account")
	on_income = Case().when(account.root_type == "Income", 1).else_(0)
	return (
		frappe.qb.from_(one_sign)
		.join(gle)
		.on(same_voucher(gle, one_sign))
		.join(account)
		.on(account.name == gle.account)
		.select(one_sign.voucher_no, Min(gle.account).as_("account"))
		.where(posted & (Coalesce(account.account_type, "") != "Receivable"))
		.groupby(one_sign.voucher_no)
		.having((Min(gle.account) == Max(gle.account)) & (Max(on_income) == 0))
	)


def settlements(scope: Scope, apart: Sequence[str]) -> list[frappe._dict]:
	"""Return the settlements of attributed vouchers by other vouchers.

	Payments with a single counter account (`plain_account`) are summed by campaign, accounts and `in_period`.
	All others, and all settlements of vouchers in `apart`, are single rows of the payment ledger with the
	names of both vouchers.

	`own_campaign` is filled if the settling voucher is attributed itself (a credit note).
	"""
	ple, posted = receivable_rows(scope)
	vouchers = attributed_vouchers(scope).as_("vouchers")
	own = attributed_vouchers(scope).as_("own")
	plain = _plain_payments(scope).as_("plain")
	in_period = Case().when(since(ple.posting_date, scope), 1).else_(0).as_("in_period")
	summed = own.voucher_no.isnull() & plain.voucher_no.notnull()
	wanted = own.voucher_no.isnull()
	if apart:
		summed &= none_of(vouchers.voucher_no, apart)
		wanted |= one_of(vouchers.voucher_no, apart)
	single = Case().when(summed, "").else_(ple.name).as_("single")
	rows = (
		frappe.qb.from_(ple)
		.join(vouchers)
		.on(is_against(ple, vouchers))
		.left_join(own)
		.on(same_voucher(ple, own))
		.left_join(plain)
		.on((plain.voucher_no == ple.voucher_no) & (ple.voucher_type != INVOICE))
		.select(
			vouchers.campaign,
			ple.account,
			plain.account.as_("plain_account"),
			in_period,
			single,
			Sum(ple.amount).as_("amount"),
			Max(ple.voucher_type).as_("voucher_type"),
			Max(ple.voucher_no).as_("voucher_no"),
			Max(ple.against_voucher_no).as_("against_voucher_no"),
			Max(ple.posting_date).as_("posting_date"),
			Max(ple.creation).as_("creation"),
			Max(own.campaign).as_("own_campaign"),
		)
		.where(posted & wanted & ((ple.voucher_type != INVOICE) | (ple.voucher_no != ple.against_voucher_no)))
		.groupby(vouchers.campaign, ple.account, plain.account, in_period, single)
		.run(as_dict=True)
	)
	return sorted(rows, key=lambda row: (bool(row.single), row.posting_date, row.creation, row.single))


def receivable_rows_of(scope: Scope, payments: Sequence[str]) -> list[tuple]:
	"""Return the receivable rows of payments, net of reversals on the same day.

	Each row is (voucher type, voucher, day, account, against, amount).
	"""
	ple, posted = receivable_rows(scope)
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
		.where(posted & one_of(ple.voucher_no, payments))
		.groupby(ple.voucher_type, ple.voucher_no, ple.posting_date, ple.account, ple.against_voucher_no)
		.orderby(ple.voucher_no, ple.posting_date, ple.against_voucher_no, ple.account)
		.run()
	)


def legs_of(scope: Scope, payments: Sequence[str]) -> list[tuple]:
	"""Return the rows of payments on accounts other than receivables.

	Each row is (voucher type, voucher, day, account, debit − credit).
	"""
	gle, posted = posted_rows(scope)
	account = frappe.qb.DocType("Account")
	return (
		frappe.qb.from_(gle)
		.join(account)
		.on(account.name == gle.account)
		.select(gle.voucher_type, gle.voucher_no, gle.posting_date, gle.account, Sum(gle.debit - gle.credit))
		.where(posted & one_of(gle.voucher_no, payments))
		.where(Coalesce(account.account_type, "") != "Receivable")
		.groupby(gle.voucher_type, gle.voucher_no, gle.posting_date, gle.account)
		.run()
	)

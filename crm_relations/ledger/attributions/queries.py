"""Read posted invoices, their lines and their attribution, and the responses that a rule may count.

Deletes orphaned rows of `Relation Attribution`; writes nothing else.
"""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import frappe
from frappe.query_builder import Case
from frappe.query_builder.functions import Abs, Coalesce, Count, Max, NullIf, Sum

from crm_relations.ledger.precision import half_a_unit, in_its_unit
from crm_relations.ledger.statements.queries import CHAIN_RULE
from crm_relations.shared.in_lists import none_of, one_of
from crm_relations.shared.money import to_string

SHARE_ROUNDING = Decimal("0.000001")


def campaigns_of_invoice(invoice: str) -> list[dict[str, Any]]:
	"""Return campaign, amount (company currency, decimal string) and number of lines of one invoice."""
	row = frappe.qb.DocType("Relation Attribution")
	rows = (
		frappe.qb.from_(row)
		.select(row.campaign, Sum(row.amount), Count(row.voucher_detail_no).distinct())
		.where((row.voucher_type == "Sales Invoice") & (row.voucher_no == invoice))
		.groupby(row.campaign)
		.orderby(row.campaign)
		.run()
	)
	return [
		{"campaign": campaign, "amount": to_string(amount), "lines": lines}
		for campaign, amount, lines in rows
	]


# Rebuild of the attribution ------------------------------------------------------------------------


def _invoice_filter(query: Any, invoice: Any, company: str | None, from_date: Any, to_date: Any) -> Any:
	query = query.where(invoice.docstatus == 1)
	if company:
		query = query.where(invoice.company == company)
	if from_date:
		query = query.where(invoice.posting_date >= from_date)
	if to_date:
		query = query.where(invoice.posting_date <= to_date)
	return query


def count_invoices(company: str | None, from_date: str | None, to_date: str | None) -> int:
	invoice = frappe.qb.DocType("Sales Invoice")
	query = frappe.qb.from_(invoice).select(Count("*"))
	return _invoice_filter(query, invoice, company, from_date, to_date).run()[0][0]


def invoices_after(
	name: str, company: str | None, from_date: str | None, to_date: str | None, limit: int
) -> list[str]:
	"""Return the names of the next posted invoices in the order of their names."""
	invoice = frappe.qb.DocType("Sales Invoice")
	query = frappe.qb.from_(invoice).select(invoice.name).where(invoice.name > name)
	query = query.orderby(invoice.name).limit(limit)
	return _invoice_filter(query, invoice, company, from_date, to_date).run(pluck=True)


def invoices_without_rows(name: str, company: str, since: Any, limit: int) -> list[str]:
	"""Return the names of the next invoices posted or changed since then that have no attributed line."""
	invoice = frappe.qb.DocType("Sales Invoice")
	row = frappe.qb.DocType("Relation Attribution")
	return (
		frappe.qb.from_(invoice)
		.left_join(row)
		.on((row.voucher_no == invoice.name) & (row.voucher_type == "Sales Invoice"))
		.select(invoice.name)
		.where((invoice.company == company) & (invoice.docstatus == 1) & (invoice.modified >= since))
		.where((invoice.name > name) & row.name.isnull())
		.orderby(invoice.name)
		.limit(limit)
		.run(pluck=True)
	)


def locked(names: Sequence[str]) -> list[frappe._dict]:
	"""Return the invoices that are still posted, locked until the next commit.

	No user can cancel them in between.
	"""
	invoice = frappe.qb.DocType("Sales Invoice")
	return (
		frappe.qb.from_(invoice)
		.select(
			invoice.name,
			invoice.company,
			invoice.customer,
			invoice.posting_date,
			invoice.posting_time,
			invoice.is_return,
			invoice.return_against,
			invoice.amended_from,
			invoice.subscription,
			invoice.relation,
			invoice.relation_campaign,
			invoice.is_internal_customer,
			invoice.represents_company,
		)
		.where(one_of(invoice.name, names) & (invoice.docstatus == 1))
		.orderby(invoice.name)
		.for_update()
		.run(as_dict=True)
	)


def lines_of(names: Sequence[str]) -> dict[str, list[frappe._dict]]:
	"""Return invoice → the fields of its lines that an attribution row is made from."""
	item = frappe.qb.DocType("Sales Invoice Item")
	rows = (
		frappe.qb.from_(item)
		.select(
			item.parent,
			item.name,
			item.item_code,
			item.base_net_amount,
			item.income_account,
			item.enable_deferred_revenue,
			item.deferred_revenue_account,
			item.is_fixed_asset,
			item.relation_campaign,
			item.sales_order,
			item.so_detail,
			item.delivery_note,
			item.dn_detail,
			item.sales_invoice_item,
			item.pos_invoice,
		)
		.where(one_of(item.parent, names))
		.orderby(item.parent, item.idx)
		.run(as_dict=True)
	)
	result = defaultdict(list)
	for row in rows:
		result[row.parent].append(row)
	return result


def delete_orphans(company: str | None) -> int:
	"""Delete the attribution of invoices that are deleted, cancelled or draft; return the number of rows.

	A cancelled invoice that an immutable ledger still holds keeps its attribution.
	"""
	row = frappe.qb.DocType("Relation Attribution")
	invoice = frappe.qb.DocType("Sales Invoice")
	query = (
		frappe.qb.from_(row)
		.left_join(invoice)
		.on(invoice.name == row.voucher_no)
		.select(row.name)
		.where((row.voucher_type == "Sales Invoice") & (Coalesce(invoice.docstatus, 0) != 1))
		.where(invoice.name.isnull() | row.reversed_on.isnull())
	)
	if company:
		query = query.where(row.company == company)
	names = query.run(pluck=True)
	for start in range(0, len(names), 1000):
		frappe.db.delete("Relation Attribution", {"name": ["in", names[start : start + 1000]]})
	return len(names)


# By rule -------------------------------------------------------------------------------------------


def relations_of_customers(customers: Sequence[str]) -> dict[str, str]:
	"""Return customer → relation, for invoices without a relation, which are older than the app."""
	party = frappe.qb.DocType("Relation Party")
	return dict(
		frappe.qb.from_(party)
		.select(party.party, party.parent)
		.where((party.party_type == "Customer") & one_of(party.party, customers))
		.run()
	)


def answers(
	relations: Sequence[str], types: Sequence[str], but_not: Sequence[str], since: Any, until: Any
) -> list[frappe._dict]:
	"""Return the responses of these relations in a period.

	Each row has relation, name, campaign, type, time, and the campaign's company.
	"""
	answer = frappe.qb.DocType("Relation Campaign Response")
	campaign = frappe.qb.DocType("Relation Campaign")
	return (
		frappe.qb.from_(answer)
		.join(campaign)
		.on(campaign.name == answer.campaign)
		.select(
			answer.relation,
			answer.name,
			answer.campaign,
			answer.response_type,
			answer.received_at,
			campaign.company,
		)
		.where(one_of(answer.relation, relations) & (answer.bot == 0) & one_of(answer.response_type, types))
		.where(none_of(Coalesce(answer.answer, ""), but_not))
		.where(answer.received_at[since:until])
		.orderby(answer.received_at, answer.name)
		.run(as_dict=True)
	)


def invoices_returned(names: Sequence[str]) -> list[frappe._dict]:
	"""Return the invoices that credit notes reverse: name, customer, relation, date and time."""
	invoice = frappe.qb.DocType("Sales Invoice")
	return (
		frappe.qb.from_(invoice)
		.select(invoice.name, invoice.customer, invoice.relation, invoice.posting_date, invoice.posting_time)
		.where(one_of(invoice.name, names))
		.run(as_dict=True)
	)


def rule_rows_of(names: Sequence[str]) -> list[frappe._dict]:
	"""Return the rows that a rule made for these invoices, one for each campaign.

	One is enough, because all lines of an invoice have the same shares.
	"""
	row = frappe.qb.DocType("Relation Attribution")
	return (
		frappe.qb.from_(row)
		.select(
			row.voucher_no,
			row.campaign,
			row.rule,
			Max(row.relation).as_("relation"),
			Max(row.share).as_("share"),
			Max(row.evidence).as_("evidence"),
		)
		.where(one_of(row.voucher_no, names) & (row.voucher_type == "Sales Invoice"))
		.where(row.rule != CHAIN_RULE)
		.groupby(row.voucher_no, row.campaign, row.rule)
		.orderby(row.voucher_no, row.campaign)
		.run(as_dict=True)
	)


def explanation_of(invoice: str) -> list[frappe._dict]:
	"""Return the attribution of an invoice, one row for each campaign and rule.

	Each row has campaign, rule, amount, lines, share and evidence.
	"""
	row = frappe.qb.DocType("Relation Attribution")
	return (
		frappe.qb.from_(row)
		.select(
			row.campaign,
			row.rule,
			Sum(row.amount).as_("amount"),
			Count("*").as_("lines"),
			Max(row.share).as_("share"),
			Max(row.evidence).as_("evidence"),
		)
		.where((row.voucher_type == "Sales Invoice") & (row.voucher_no == invoice))
		.groupby(row.campaign, row.rule)
		.orderby(row.campaign, row.rule)
		.run(as_dict=True)
	)


# Checks --------------------------------------------------------------------------------------------


def day_of_reversal(invoice: str) -> Any:
	"""Return the day on which the ledger reverses a cancelled invoice; None if it has no rows of it left."""
	gle = frappe.qb.DocType("GL Entry")
	rows = (
		frappe.qb.from_(gle)
		.select(gle.posting_date)
		.where((gle.voucher_type == "Sales Invoice") & (gle.voucher_no == invoice) & (gle.is_cancelled == 0))
		.orderby(gle.creation, order=frappe.qb.desc)
		.limit(1)
		.run()
	)
	return rows[0][0] if rows else None


def accounts_and_campaigns(invoice: str) -> dict[tuple[str, str], tuple[str | None, str]]:
	"""Return (line, campaign) → account and rule of the rows of an invoice."""
	row = frappe.qb.DocType("Relation Attribution")
	query = frappe.qb.from_(row).select(row.voucher_detail_no, row.campaign, row.account, row.rule)
	query = query.where((row.voucher_type == "Sales Invoice") & (row.voucher_no == invoice))
	return {(line, campaign): (account, rule) for line, campaign, account, rule in query.run()}


def _posting_account(item: Any, invoice: Any) -> Any:
	"""Return the SQL term of `attribution.posting_account`."""
	deferred = (item.enable_deferred_revenue == 1) & (invoice.is_return == 0)
	return Case().when(deferred, item.deferred_revenue_account).else_(item.income_account)


@in_its_unit
def attribution_unlike_invoice(company: str) -> list[str]:
	"""Return the invoices with an attribution that contradicts their lines.

	These have a row that differs from its line in amount, account, campaign or date, or that has no line. Or
	a row of a rule belongs to a line that carries a campaign. Or the shares of a line do not add up to 1, or
	its amounts not to the line's amount.
	"""
	row = frappe.qb.DocType("Relation Attribution")
	item = frappe.qb.DocType("Sales Invoice Item")
	invoice = frappe.qb.DocType("Sales Invoice")
	carried = Coalesce(NullIf(item.relation_campaign, ""), invoice.relation_campaign, "")
	by_rule = row.rule != CHAIN_RULE
	rows = (
		frappe.qb.from_(row)
		.left_join(item)
		.on(item.name == row.voucher_detail_no)
		.left_join(invoice)
		.on(invoice.name == item.parent)
		.select(row.voucher_no)
		.distinct()
		.where((row.company == company) & (row.voucher_type == "Sales Invoice"))
		.where(
			item.name.isnull()
			| ((invoice.docstatus != 1) & row.reversed_on.isnull())
			| ((invoice.docstatus == 1) & row.reversed_on.notnull())
			| (Coalesce(row.account, "") != Coalesce(_posting_account(item, invoice), ""))
			| (invoice.posting_date != row.posting_date)
			| (by_rule & (carried != ""))
			| ((row.rule == CHAIN_RULE) & (carried != row.campaign))
			| (Abs(item.base_net_amount * row.share - row.amount) >= 3 * half_a_unit())
		)
	)
	lines = (
		frappe.qb.from_(row)
		.join(item)
		.on(item.name == row.voucher_detail_no)
		.select(row.voucher_no)
		.where((row.company == company) & (row.voucher_type == "Sales Invoice"))
		.groupby(row.voucher_no, row.voucher_detail_no, item.base_net_amount)
		.having(
			(Abs(Sum(row.share) - 1) >= SHARE_ROUNDING)
			| (Abs(Sum(row.amount) - item.base_net_amount) >= half_a_unit())
		)
	)
	return sorted({*rows.run(pluck=True), *lines.run(pluck=True)})


def invoices_without_attribution(company: str) -> list[str]:
	"""Return the posted invoices with a line that carries a campaign and has no row."""
	row = frappe.qb.DocType("Relation Attribution")
	item = frappe.qb.DocType("Sales Invoice Item")
	invoice = frappe.qb.DocType("Sales Invoice")
	carried = Coalesce(NullIf(item.relation_campaign, ""), invoice.relation_campaign, "")
	query = (
		frappe.qb.from_(invoice)
		.join(item)
		.on(item.parent == invoice.name)
		.left_join(row)
		.on(row.voucher_detail_no == item.name)
		.select(invoice.name)
		.distinct()
		.where((invoice.company == company) & (invoice.docstatus == 1) & row.name.isnull())
		.where((carried != "") & (Coalesce(item.is_fixed_asset, 0) == 0))
		.where(
			(invoice.is_internal_customer == 0)
			| (Coalesce(invoice.represents_company, "") != invoice.company)
		)
		.orderby(invoice.name)
	)
	return query.run(pluck=True)


def has_attribution() -> bool:
	row = frappe.qb.DocType("Relation Attribution")
	return bool(frappe.qb.from_(row).select(row.name).limit(1).run())

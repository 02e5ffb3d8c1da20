"""Read invoices that are split between campaigns one by one (`splitting.split_voucher`). Writes nothing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import frappe

from crm_relations.ledger.statements import queries
from crm_relations.ledger.statements.splitting import ZERO, Line, Voucher
from crm_relations.shared.money import allocate, to_decimal


class Posted(NamedTuple):
	"""A voucher to be split, and its dates."""

	voucher: Voucher
	posting_date: Any
	is_return: bool
	by_rule: bool
	reversed_on: Any  #: day on which an immutable ledger reverses it; None if that is not in the scope


def vouchers(scope: queries.Scope, names: Sequence[str]) -> Iterable[Posted]:
	"""Yield the vouchers to be split.

	An attributed voucher without a posted invoice comes with an empty ledger, which makes it a problem.
	"""
	ledger: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
	rows = queries.attribution_of(names)
	taken_back = {row.voucher_no: row.reversed_on for row in rows}
	for voucher, day, account, debit, credit in queries.ledger_of(scope, names):
		if day != taken_back.get(voucher):
			ledger[voucher][account] += to_decimal(credit) - to_decimal(debit)
	invoices = {row.name: row for row in queries.invoices(names)}
	items, attribution = defaultdict(list), defaultdict(list)
	for row in queries.items_of(names):
		items[row.parent].append(row)
	for row in rows:
		attribution[row.voucher_no].append(row)
	round_off = frappe.get_cached_value("Company", scope.company, "round_off_account")
	stock = frozenset(queries.stock_accounts(scope.company))
	charges = {name: defaultdict(lambda: ZERO) for name in names}
	before_discount = {name: defaultdict(lambda: ZERO) for name in names}
	for voucher, account, after, before in queries.charges_of(names):
		charges[voucher][account] += to_decimal(after)
		before_discount[voucher][account] += to_decimal(before)
	for name in names:
		invoice = invoices.get(name) or frappe._dict(posting_date=attribution[name][0].posting_date)
		if str(invoice.posting_date) > scope.to_date:
			continue
		for by_account in (charges[name], before_discount[name]):
			by_account[round_off] += to_decimal(invoice.base_rounding_adjustment)
		voucher = Voucher(
			name=name,
			lines=_lines(invoice, items[name], attribution[name]),
			ledger={account: amount for account, amount in ledger[name].items() if amount},
			charges=charges[name],
			charges_before_discount=before_discount[name],
			additional_discount_account=invoice.additional_discount_account,
			additional_discount=to_decimal(invoice.base_discount_amount),
			stock_accounts=stock,
		)
		by_rule = any(row.rule != queries.CHAIN_RULE for row in attribution[name])
		day = taken_back.get(name)
		reversed_on = day if day and str(day) <= scope.to_date else None
		yield Posted(voucher, invoice.posting_date, bool(invoice.is_return), by_rule, reversed_on)


def _lines(
	invoice: frappe._dict, items: Sequence[frappe._dict], attribution: Sequence[frappe._dict]
) -> list[Line]:
	"""Return the attributed lines as in the attribution, the others as in the invoice."""
	by_name = {item.name: item for item in items}
	attributed = {row.voucher_detail_no for row in attribution}
	pairs = [(by_name.get(row.voucher_detail_no) or frappe._dict(), row) for row in attribution]
	pairs += [(item, None) for item in items if item.name not in attributed and not item.is_fixed_asset]
	rate = Decimal(str(invoice.conversion_rate or 1))
	weights = defaultdict(list)
	for item, row in pairs:
		weights[item.name].append(Decimal(str(row.share)) if row else Decimal(1))
	taken: dict[str, int] = defaultdict(int)
	lines = []
	for item, row in pairs:
		deferred = item.enable_deferred_revenue and not invoice.is_return
		discount = Decimal(str(item.discount_amount or 0)) * Decimal(str(item.qty or 0))
		part = taken[item.name]
		taken[item.name] += 1
		lines.append(
			Line(
				campaign=row.campaign if row else None,
				account=item.deferred_revenue_account if deferred else item.income_account,
				net=to_decimal(item.base_net_amount),
				attributed=to_decimal(row.amount) if row else None,
				attributed_account=row.account if row else None,
				# if several campaigns share a line, each has its part
				line_discount=allocate(to_decimal(discount * rate), weights[item.name])[part],
				discount_account=item.discount_account,
				header_discount=allocate(
					to_decimal(Decimal(str(item.distributed_discount_amount or 0)) * rate), weights[item.name]
				)[part],
				cost=_cost(item) * (Decimal(str(row.share)) if row else 1),
				cost_account=item.expense_account,
			)
		)
	return lines


def _cost(item: frappe._dict) -> Decimal:
	"""Return the cost of a line's goods by the document; 0 for a line that moves none."""
	return Decimal(str(item.incoming_rate or 0)) * Decimal(str(item.stock_qty or 0))

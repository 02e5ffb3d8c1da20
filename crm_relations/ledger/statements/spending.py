"""Compute both sides of the spending on campaigns, voucher by voucher. Writes nothing.

Statement and balance sheet share one rule: an expense belongs to the campaign of its ledger row. Input tax, payable and
bank rows of the same voucher follow the expenses in proportion, regardless of their own campaign. So do the later
payments of the payable. A voucher therefore balances for each campaign. An expense that a journal only moves between
campaigns has no other side, and is set against `TRANSFERS`.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

import frappe

from crm_relations.ledger.statements import balance_queries as queries
from crm_relations.ledger.statements import cost_queries as costs
from crm_relations.ledger.statements.payments import divide, scale
from crm_relations.ledger.statements.queries import Scope
from crm_relations.ledger.statements.splitting import (
	ZERO,
	Campaign,
	Parts,
	Settlement,
	counter_accounts,
	settle,
	split_others,
)
from crm_relations.shared.money import to_decimal

Voucher = tuple[str, str]  #: doctype, name
#: key for the counterpart of a transfer; it is not an account of the ledger
TRANSFERS = "*"


class Spent(NamedTuple):
	"""A campaign's part of a voucher on an account, debit > 0."""

	voucher: Voucher
	date: str
	campaign: str
	account: str
	amount: Decimal


class Books(Protocol):
	"""The classification of the company's accounts."""

	scope: Scope
	accounts: dict[str, frappe._dict]
	profit_and_loss: set[str]
	exchange: set[str]
	payables: set[str]


def spending(books: Books, vouchers: Sequence[Voucher]) -> Iterator[Spent]:
	"""Yield the campaigns' parts of these vouchers and of their payments.

	The vouchers are those of `balance_queries.cost_vouchers`.
	"""
	ledger: dict[tuple[Voucher, str], list[tuple[str, Campaign, Decimal]]] = defaultdict(list)
	for voucher_type, name, date, account, carried, amount in queries.rows_of(books.scope, vouchers):
		ledger[(voucher_type, name), str(date)].append((account, carried, to_decimal(amount)))
	payable: dict[str, dict[Campaign, Decimal]] = {}
	for (voucher, date), rows in ledger.items():
		owed = payable.setdefault(voucher[1], defaultdict(lambda: ZERO))
		for campaign, sides in _parts(books, rows).items():
			owed[campaign] += sum((amount for name, amount in sides.items() if name in books.payables), ZERO)
			if campaign is not None:
				for account, amount in sides.items():
					if amount:
						yield Spent(voucher, date, campaign, account, amount)
	yield from _payments(books, payable)


def is_cost(books: Books, account: str) -> bool:
	"""Tell whether an expense account is a cost of the campaign that it carries.

	Cost of goods sold and exchange differences are not.
	"""
	row = books.accounts[account]
	return (
		row.root_type == "Expense"
		and row.account_type != costs.COST_OF_GOODS
		and account not in books.exchange
	)


def _parts(books: Books, rows: Sequence[tuple[str, Campaign, Decimal]]) -> Parts:
	"""Assign expenses to the campaign that they carry; the balance sheet accounts follow in proportion."""
	parts: Parts = defaultdict(lambda: defaultdict(lambda: ZERO))
	others: dict[str, Decimal] = defaultdict(lambda: ZERO)
	for account, carried, amount in rows:
		if account not in books.profit_and_loss:
			others[account] += amount
		elif is_cost(books, account):
			parts[carried][account] += amount
		else:
			parts[None][account] += amount
	weights = {campaign: sum(sides.values(), ZERO) for campaign, sides in parts.items()}
	split_others(parts, weights, {name: amount for name, amount in others.items() if amount}, books.payables)
	for sides in parts.values():
		if rest := sum(sides.values(), ZERO):
			sides[TRANSFERS] -= rest
	return parts


def _payments(books: Books, payable: dict[str, dict[Campaign, Decimal]]) -> Iterator[Spent]:
	"""Yield the payments of the payables of costs: the campaign's part, and that of the counter accounts."""
	rows = [
		row
		for row in queries.settlements_of(books.scope, sorted(payable), "Payable")
		if row.voucher_no not in payable
	]
	if not rows:
		return
	names = sorted({row.voucher_no for row in rows})
	settled: dict[tuple, list[tuple[str, str, Decimal]]] = defaultdict(list)
	for doctype, name, date, account, against, amount in queries.payable_rows_of(books.scope, names):
		settled[doctype, name, str(date)].append((account, against, -to_decimal(amount)))
	legs: dict[tuple, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
	paying = sorted({(doctype, name) for doctype, name, _date in settled})
	for doctype, name, date, account, _carried, amount in queries.rows_of(books.scope, paying):
		if account not in books.payables:
			legs[doctype, name, str(date)][account] += to_decimal(amount)
	by_voucher = defaultdict(list)
	for row in rows:
		by_voucher[row.against_voucher_no].append(row)
	for name, settlements in by_voucher.items():
		amounts = [Settlement(row.voucher_no, -to_decimal(row.amount)) for row in settlements]
		for row, parts in zip(settlements, settle(payable[name], amounts), strict=True):
			key = (row.voucher_type, row.voucher_no, str(row.posting_date))
			amount = -to_decimal(row.amount)
			counter = _counter(row, amount, settled[key], legs[key])
			for campaign, part, sides in divide(parts, amount, counter):
				if campaign is not None:
					for account, value in ((row.account, part), *sides.items()):
						yield Spent(key[:2], key[2], campaign, account, value)


def _counter(
	row: frappe._dict,
	amount: Decimal,
	settled: Sequence[tuple[str, str, Decimal]],
	legs: dict[str, Decimal],
) -> dict[str, Decimal]:
	"""Return account → debit − credit that balances the amount that a voucher pays."""
	index = next(
		i
		for i, (account, against, _amount) in enumerate(settled)
		if (account, against) == (row.account, row.against_voucher_no)
	)
	totals = [(account, total) for account, _against, total in settled]
	whole = totals[index][1]
	if not whole:
		return {row.account: -amount}  # settled and reversed by the same voucher
	return scale(counter_accounts(totals, legs, index), whole, amount)

"""What one campaign has in the books, voucher by voucher. Writes nothing.

The rules are those of the statement (`Builder`): lines decide, what settles an invoice is split by what the campaign has
open of it, deliveries follow their lines. Where the statement sums vouchers of one campaign in SQL, each is split here one
by one; both come to the same cent, and a test holds them together.

Beside them stand both sides of what was spent on the campaign: expenses that carry it, with their part of tax and payable,
and what pays these. An expense that was only moved to the campaign from another one or from none has no other side of its
own; it stands against `TRANSFERS`, so that every campaign balances.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

import frappe

from crm_relations.ledger import balance_queries as queries
from crm_relations.ledger import cost_queries as costs
from crm_relations.ledger.figures import Problem
from crm_relations.ledger.payments import divide, scale
from crm_relations.ledger.queries import CHAIN_RULE, Scope
from crm_relations.ledger.rules import (
	ZERO,
	Campaign,
	Parts,
	Settlement,
	counter_accounts,
	settle,
	split_others,
)
from crm_relations.ledger.statement import Builder
from crm_relations.shared.money import allocate, to_decimal

Voucher = tuple[str, str]  #: doctype, name
#: stands for no account of the ledger
TRANSFERS = "*"


class CampaignBooks(Builder):
	"""The vouchers of a campaign up to a date: `vouchers` is voucher → account → debit − credit of the campaign's part."""

	def __init__(self, company: str, campaign: str, to_date: str):
		super().__init__(Scope(company, None, to_date))
		self.campaign = campaign
		self.payables = {name for name, row in self.accounts.items() if row.account_type == "Payable"}
		self.vouchers: dict[Voucher, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
		#: invoices of which others have a part too, or nobody has
		self.shared: set[str] = set()
		self._read()

	def _read(self) -> None:
		if names := queries.invoices_of(self.scope, self.campaign):
			rows = queries.settlements_of(self.scope, names)
			own = queries.attributed(sorted({row.voucher_no for row in rows})) if rows else {}
			for row in rows:
				row.own_campaign, row.plain_account = own.get(row.voucher_no), None
			self._split_vouchers(sorted({*names, *own}))
			self.shared = {name for name in names if self._is_shared(name)}
			self._settle_each([row for row in rows if row.against_voucher_no in self.splits])
			self._release_each(names)
		if names := queries.deliveries_of(self.scope, self.campaign):
			ledger: dict[str, dict[str, Decimal]] = defaultdict(dict)
			for name, account, amount in queries.ledger_of(self.scope, costs.DELIVERY, names):
				ledger[name][account] = to_decimal(amount)
			self._share_deliveries(ledger)
		if costs.carries_campaigns():
			self._spend(queries.cost_vouchers(self.scope, self.campaign))
		self.problems = [*self._of_own(self.problems), *self._unbalanced()]

	def _book(self, campaign: str, account: str, debit: Decimal, credit: Decimal = ZERO) -> None:
		super()._book(campaign, account, debit, credit)
		if campaign == self.campaign and self.voucher:
			self.vouchers[self.voucher][account] += debit - credit

	def _is_shared(self, voucher: str) -> bool:
		split = self.splits.get(voucher)
		return bool(split) and (len(split.parts) > 1 or bool(split.unexplained))

	def _parts_of(
		self, voucher: str, rows: Sequence[frappe._dict]
	) -> Iterable[tuple[frappe._dict, dict[Campaign, Decimal]]]:
		"""An invoice of one campaign gives all its settlements to it, whatever it has open, as the statement's sums do."""
		if self._is_shared(voucher):
			yield from super()._parts_of(voucher, rows)
			return
		(campaign,) = self.splits[voucher].parts
		for row in rows:
			if not row.own_campaign:
				yield row, {campaign: to_decimal(row.amount)}

	def _release_each(self, names: Sequence[str]) -> None:
		shares = defaultdict(list)
		for row in queries.released_of(self.scope, names):
			shares[row.name].append(row)
		for rows in shares.values():
			weights = [Decimal(str(row.share)) for row in rows]
			debits = allocate(to_decimal(rows[0].debit), weights)
			credits = allocate(to_decimal(rows[0].credit), weights)
			self.voucher = (rows[0].voucher_type, rows[0].voucher_no)
			for row, debit, credit in zip(rows, debits, credits, strict=True):
				self._release(row.campaign, row.is_return, row.rule != CHAIN_RULE, row.account, debit, credit)

	def _spend(self, vouchers: Sequence[Voucher]) -> None:
		"""Both sides of the expenses that carry the campaign, and what paid them."""
		if not vouchers:
			return
		ledger: dict[Voucher, list[tuple[str, Campaign, Decimal]]] = defaultdict(list)
		for voucher_type, name, account, carried, amount in queries.rows_of(self.scope, vouchers):
			ledger[voucher_type, name].append((account, carried, to_decimal(amount)))
		payable: dict[str, dict[Campaign, Decimal]] = {}
		for voucher, rows in ledger.items():
			parts = self._parts_of_cost(rows)
			self.voucher = voucher
			for account, amount in parts.get(self.campaign, {}).items():
				self._post(self.campaign, account, amount)
			payable[voucher[1]] = {
				campaign: sum((amount for name, amount in sides.items() if name in self.payables), ZERO)
				for campaign, sides in parts.items()
			}
		self._pay(payable)

	def _parts_of_cost(self, rows: Sequence[tuple[str, Campaign, Decimal]]) -> Parts:
		"""Expenses go to the campaign that they carry; what stands on the balance sheet follows them."""
		parts: Parts = defaultdict(lambda: defaultdict(lambda: ZERO))
		others: dict[str, Decimal] = defaultdict(lambda: ZERO)
		for account, carried, amount in rows:
			if account not in self.profit_and_loss:
				others[account] += amount
			elif self._is_cost(account):
				parts[carried][account] += amount
			else:
				parts[None][account] += amount
		weights = {campaign: sum(sides.values(), ZERO) for campaign, sides in parts.items()}
		split_others(
			parts, weights, {name: amount for name, amount in others.items() if amount}, self.payables
		)
		for sides in parts.values():
			if rest := sum(sides.values(), ZERO):
				sides[TRANSFERS] -= rest
		return parts

	def _is_cost(self, account: str) -> bool:
		row = self.accounts[account]
		return (
			row.root_type == "Expense"
			and row.account_type != costs.COST_OF_GOODS
			and account not in self.exchange
		)

	def _pay(self, payable: dict[str, dict[Campaign, Decimal]]) -> None:
		"""What pays the payables of costs: the campaign has its part, and of what stands against it."""
		rows = [
			row
			for row in queries.settlements_of(self.scope, sorted(payable), "Payable")
			if row.voucher_no not in payable
		]
		if not rows:
			return
		names = sorted({row.voucher_no for row in rows})
		settled: dict[Voucher, list[tuple[str, str, Decimal]]] = defaultdict(list)
		for doctype, name, account, against, amount in queries.payable_rows_of(self.scope, names):
			settled[doctype, name].append((account, against, -to_decimal(amount)))
		legs: dict[Voucher, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
		for doctype, name, account, _carried, amount in queries.rows_of(self.scope, list(settled)):
			if account not in self.payables:
				legs[doctype, name][account] += to_decimal(amount)
		by_voucher = defaultdict(list)
		for row in rows:
			by_voucher[row.against_voucher_no].append(row)
		for name, settlements in by_voucher.items():
			amounts = [Settlement(row.voucher_no, -to_decimal(row.amount)) for row in settlements]
			for row, parts in zip(settlements, settle(payable[name], amounts), strict=True):
				voucher = (row.voucher_type, row.voucher_no)
				index = next(
					i
					for i, (account, against, _amount) in enumerate(settled[voucher])
					if (account, against) == (row.account, row.against_voucher_no)
				)
				amount = -to_decimal(row.amount)
				totals = [(account, total) for account, _against, total in settled[voucher]]
				whole = totals[index][1]
				if whole:
					counter = scale(counter_accounts(totals, legs[voucher], index), whole, amount)
				else:
					counter = {row.account: -amount}  # settled and taken back by the same voucher
				self.voucher = voucher
				for campaign, part, sides in divide(parts, amount, counter):
					if campaign == self.campaign:
						self._post(campaign, row.account, part)
						for account, value in sides.items():
							self._post(campaign, account, value)

	def _of_own(self, problems: Iterable[Problem]) -> list[Problem]:
		own = {name for _type, name in self.vouchers}
		return [problem for problem in problems if problem.voucher_no in own]

	def _unbalanced(self) -> list[Problem]:
		"""Vouchers whose part for the campaign does not balance; there can be none, and each is an error."""
		sums = ((voucher, sum(sides.values(), ZERO)) for voucher, sides in self.vouchers.items())
		return [Problem(*voucher, "", rest) for voucher, rest in sums if rest]

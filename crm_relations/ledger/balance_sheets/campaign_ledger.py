"""Compute one campaign's share of the ledger, voucher by voucher. Writes nothing.

The rules are those of the statement (`Builder`): lines decide, settlements follow the open share of the campaign in the
invoice, and deliveries follow their lines. The statement sums vouchers of one campaign in SQL; here each is split by
itself. Both results are equal to the cent, and a test proves it.

Both sides of the campaign's spending are added (`spending`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

import frappe

from crm_relations.ledger.statements import balance_queries as queries
from crm_relations.ledger.statements import cost_queries as costs
from crm_relations.ledger.statements.figures import Problem
from crm_relations.ledger.statements.queries import CHAIN_RULE, Scope
from crm_relations.ledger.statements.spending import spending
from crm_relations.ledger.statements.splitting import ZERO, Campaign
from crm_relations.ledger.statements.statement import Builder
from crm_relations.shared.money import allocate, to_decimal

Voucher = tuple[str, str]  #: doctype, name


class CampaignBooks(Builder):
	"""Compute the vouchers of a campaign up to a date.

	`vouchers` is voucher → account → debit − credit of the campaign's part.
	"""

	def __init__(self, company: str, campaign: str, to_date: str):
		super().__init__(Scope(company, None, to_date))
		self.campaign = campaign
		self.vouchers: dict[Voucher, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
		#: invoices with shares of other campaigns or without a campaign
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
		if self.carries_campaigns:
			self._add_spending(queries.cost_vouchers(self.scope, self.campaign))
		self.problems = [*self._of_own(self.problems), *self._unbalanced()]

	def _add_to_account(self, campaign: str, account: str, debit: Decimal, credit: Decimal = ZERO) -> None:
		super()._add_to_account(campaign, account, debit, credit)
		if campaign == self.campaign and self.voucher:
			self.vouchers[self.voucher][account] += debit - credit

	def _is_shared(self, voucher: str) -> bool:
		split = self.splits.get(voucher)
		return bool(split) and (len(split.parts) > 1 or bool(split.unexplained))

	def _parts_of(
		self, voucher: str, rows: Sequence[frappe._dict]
	) -> Iterable[tuple[frappe._dict, dict[Campaign, Decimal]]]:
		"""Yield each settlement with its parts by campaign.

		An invoice of one campaign gives all its settlements to that campaign, whatever is open. The
		statement's sums do the same.
		"""
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
				self._add_released_revenue(
					row.campaign, row.is_return, row.rule != CHAIN_RULE, row.account, debit, credit
				)

	def _add_spending(self, vouchers: Sequence[Voucher]) -> None:
		"""Add both sides of the expenses that carry the campaign, and their payments."""
		for row in spending(self, vouchers):
			if row.campaign == self.campaign and self._in_period(row.date):
				self.voucher = row.voucher
				self._add_posting(self.campaign, row.account, row.amount)

	def _of_own(self, problems: Iterable[Problem]) -> list[Problem]:
		own = {name for _type, name in self.vouchers}
		return [problem for problem in problems if problem.voucher_no in own]

	def _unbalanced(self) -> list[Problem]:
		"""Return vouchers with a share of the campaign that does not balance. Each of them is an error."""
		sums = ((voucher, sum(sides.values(), ZERO)) for voucher, sides in self.vouchers.items())
		return [Problem(*voucher, "", rest) for voucher, rest in sums if rest]

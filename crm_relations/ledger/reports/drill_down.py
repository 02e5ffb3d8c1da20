"""List the vouchers behind a row of the statement. Writes nothing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import frappe
from frappe.query_builder.functions import Min

from crm_relations.ledger.balance_sheets.campaign_ledger import CampaignBooks, Voucher
from crm_relations.ledger.precision import in_its_unit
from crm_relations.ledger.statements import balance_queries as queries
from crm_relations.ledger.statements import queries as sums
from crm_relations.ledger.statements.balance_queries import INVOICE
from crm_relations.ledger.statements.queries import Scope, posted_rows, since
from crm_relations.ledger.statements.spending import is_cost
from crm_relations.ledger.statements.splitting import ZERO
from crm_relations.ledger.statements.statement import Builder
from crm_relations.ledger.statements.temp_tables import for_sums, vouchers_once
from crm_relations.shared.in_lists import one_of
from crm_relations.shared.money import to_decimal, to_string


@dataclass(frozen=True)
class VoucherPart:
	"""A campaign's part of a voucher on an account: debit > 0."""

	voucher_type: str
	voucher_no: str
	date: str
	amount: Decimal

	def as_dict(self) -> dict[str, str]:
		return {
			"voucher_type": self.voucher_type,
			"voucher_no": self.voucher_no,
			"date": self.date,
			"amount": to_string(self.amount),
		}


class _Vouchers(CampaignBooks):
	"""Collect the campaign's vouchers of the period and selection of a statement.

	`costs` are the parts of its cost.
	"""

	def __init__(self, scope: Scope, campaign: str):
		self.asked = scope
		self.costs: dict[Voucher, Decimal] = defaultdict(lambda: ZERO)
		super().__init__(scope.company, campaign, scope.to_date)

	def _read(self) -> None:
		self.scope = self.asked
		super()._read()

	def _add_spending(self, vouchers: Sequence[Voucher]) -> None:
		for voucher_type, name, date, account, carried, amount in queries.rows_of(self.scope, vouchers):
			if carried == self.campaign and self._in_period(date) and account in self.profit_and_loss:
				self.costs[voucher_type, name] += to_decimal(amount) if is_cost(self, account) else ZERO
		super()._add_spending(vouchers)


@in_its_unit
def vouchers(scope: Scope, campaign: str, account: str) -> list[VoucherPart]:
	"""Return the vouchers with a part of the campaign on the account.

	Their sum is debit less credit of the statement's row.
	"""
	parts = {voucher: sides[account] for voucher, sides in _Vouchers(scope, campaign).vouchers.items()}
	return _dated(scope, parts)


@in_its_unit
def cost_vouchers(scope: Scope, campaign: str) -> list[VoucherPart]:
	"""Return the vouchers with spending on the campaign; their sum is its cost."""
	return _dated(scope, _Vouchers(scope, campaign).costs)


@in_its_unit
def income_vouchers(scope: Scope, outside: bool = False) -> list[VoucherPart]:
	"""Return the vouchers of income without a campaign (credit > 0).

	Their sum is `not_attributed` of the statement; with `outside`, it is `not_in_selection`.
	"""
	with for_sums(), vouchers_once(scope) as made:
		rows = sums.vouchers_of_no_campaign(made, outside)
		builder = Builder(made)
		builder.vouchers_and_settlements()
	parts = {(voucher_type, name): to_decimal(amount) for voucher_type, name, _day, amount in rows}
	if not outside:
		for name, split in builder.splits.items():
			sides = split.parts.get(None, {})
			rest = sum((amount for account, amount in sides.items() if account in builder.income), ZERO)
			parts[INVOICE, name] = parts.get((INVOICE, name), ZERO) + rest
	if outside == scope.selects:  # payments are not invoices of a selection
		for voucher, amount in builder.settled_income.items():
			parts[voucher] = parts.get(voucher, ZERO) - amount
	return _dated(scope, parts, {(voucher_type, name): str(day) for voucher_type, name, day, _amount in rows})


def _dated(
	scope: Scope, parts: dict[Voucher, Decimal], days: Mapping[Voucher, str] | None = None
) -> list[VoucherPart]:
	"""Add the posting date and sort by it; leave out vouchers without a posting in the period.

	:param days: the dates that are known already
	"""
	parts = {voucher: amount for voucher, amount in parts.items() if amount}
	days = dict(days or {})
	if unknown := sorted({name for voucher_type, name in parts if (voucher_type, name) not in days}):
		gle, posted = posted_rows(scope)
		rows = (
			frappe.qb.from_(gle)
			.select(gle.voucher_type, gle.voucher_no, Min(gle.posting_date))
			.where(posted & since(gle.posting_date, scope))
			.where(one_of(gle.voucher_no, unknown))
			.groupby(gle.voucher_type, gle.voucher_no)
			.run()
		)
		days |= {(voucher_type, name): str(day) for voucher_type, name, day in rows}
	found = [
		VoucherPart(*voucher, days[voucher], amount) for voucher, amount in parts.items() if voucher in days
	]
	return sorted(found, key=lambda part: (part.date, part.voucher_type, part.voucher_no))

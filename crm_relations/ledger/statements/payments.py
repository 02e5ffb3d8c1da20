"""Read payments that settle several documents, and the documents that each row settles. Writes nothing."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import frappe

from crm_relations.ledger.statements import queries
from crm_relations.ledger.statements.splitting import ZERO, Campaign, counter_accounts
from crm_relations.shared.money import allocate, to_decimal


class Payments:
	"""Payments that settle several documents, with the counter accounts of each receivable row.

	They are grouped by posting date: an immutable ledger keeps a cancelled payment and its reversal on
	different days.
	"""

	def __init__(self, scope: queries.Scope, rows: Iterable[frappe._dict]):
		names = sorted({row.voucher_no for row in rows if not (row.plain_account or row.own_campaign)})
		self.rows: dict[tuple, list[tuple[str, str, Decimal]]] = defaultdict(list)
		self.legs: dict[tuple, dict[str, Decimal]] = defaultdict(dict)
		if not names:
			return
		for doctype, name, day, account, against, amount in queries.receivable_rows_of(scope, names):
			self.rows[doctype, name, str(day)].append((account, against, to_decimal(amount)))
		for doctype, name, day, account, amount in queries.legs_of(scope, names):
			self.legs[doctype, name, str(day)][account] = to_decimal(amount)

	def counter(self, row: frappe._dict) -> dict[str, Decimal]:
		"""Return account → debit − credit that balances the row's amount."""
		amount = to_decimal(row.amount)
		if row.plain_account:
			return {row.plain_account: -amount}
		key = (row.voucher_type, row.voucher_no, str(row.posting_date))
		rows = self.rows[key]
		index = next(
			(
				i
				for i, (account, against, _sum) in enumerate(rows)
				if (account, against) == (row.account, row.against_voucher_no)
			),
			None,
		)
		if row.voucher_type == "Sales Invoice" or index is None or not rows[index][2]:
			return {row.account: -amount}  # settled by an invoice without a campaign, or reversed
		counter = counter_accounts(
			[(account, total) for account, _against, total in rows], self.legs[key], index
		)
		if rows[index][2] == amount:
			return counter
		# the payment settles the voucher in several rows: each has its share
		return scale(counter, rows[index][2], amount)


def scale(counter: dict[str, Decimal], whole: Decimal, part: Decimal) -> dict[str, Decimal]:
	"""Return the part of `counter` that balances `part` of `whole`, in cents, adding up to −part."""
	return divide({"part": part, "rest": whole - part}, whole, counter)[0][2]


def divide(
	parts: dict[Campaign, Decimal], total: Decimal, counter: dict[str, Decimal]
) -> list[tuple[Campaign, Decimal, dict[str, Decimal]]]:
	"""Give each campaign its part of an amount and of its counter accounts, both balanced."""
	if len(parts) == 1:
		return [(campaign, amount, counter) for campaign, amount in parts.items()]
	keys = list(parts)
	legs: dict[Campaign, dict[str, Decimal]] = {key: {} for key in keys}
	balancing = max(counter, key=lambda account: (abs(counter[account]), account))
	for account, amount in counter.items():
		if account == balancing:
			continue
		for key, share in zip(keys, allocate(amount, [parts[key] for key in keys]), strict=True):
			legs[key][account] = share
	for key in keys:
		legs[key][balancing] = -parts[key] - sum(legs[key].values(), ZERO)
	return [(key, parts[key], legs[key]) for key in keys]

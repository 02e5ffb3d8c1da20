"""List receivables by campaign and age, from the payment ledger. Writes nothing.

Every open voucher has the campaign's share as in the statement, so the sum of a campaign is its `receivable_open`.
Receivables without a campaign have a row of their own. All rows add up to the balance of the receivable accounts.

Age is counted from the due date of the invoice that a row is set against. Open amounts in the customer's favor
(advances, unallocated credit notes) have no age and are listed under `credits`.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import frappe
from frappe.query_builder.functions import Coalesce, Max, Sum
from frappe.utils import getdate

from crm_relations.ledger.precision import in_its_unit
from crm_relations.ledger.statements import queries
from crm_relations.ledger.statements.splitting import ZERO, Campaign
from crm_relations.ledger.statements.statement import Builder
from crm_relations.ledger.statements.temp_tables import for_sums, vouchers_once
from crm_relations.shared.in_lists import none_of, one_of
from crm_relations.shared.money import allocate, to_decimal

#: name of a bucket → its last day overdue
BUCKETS: dict[str, int | None] = {"up_to_30": 30, "up_to_60": 60, "up_to_90": 90, "over_90": None}
COLUMNS = ("open", "not_due", *BUCKETS, "overdue", "credits")


@dataclass
class Open:
	"""A campaign's unpaid part of a voucher; `amount` < 0 is in the customer's favor."""

	voucher_type: str
	voucher_no: str
	due: date
	amount: Decimal = ZERO


@dataclass
class Aged:
	"""Receivables of a campaign (None: without a campaign), by age; amounts in the company's currency."""

	campaign: Campaign
	vouchers: list[Open] = field(default_factory=list)
	sums: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(COLUMNS, ZERO))

	def add(self, row: Open, day: date) -> None:
		self.vouchers.append(row)
		column = bucket(row, day)
		self.sums[column] += row.amount
		self.sums["open"] += row.amount
		if column in BUCKETS:
			self.sums["overdue"] += row.amount


@dataclass
class Receivables:
	"""Receivables of each campaign, then those without a campaign.

	The balance of the receivable accounts in the ledger is added for comparison.
	"""

	company: str
	currency: str
	to_date: str
	rows: list[Aged]
	ledger: Decimal

	@property
	def total(self) -> Decimal:
		return sum((row.sums["open"] for row in self.rows), ZERO)

	@property
	def difference(self) -> Decimal:
		"""Return ledger − payment ledger.

		Any value other than 0.00 shows receivables that are missing in the payment ledger.
		"""
		return self.ledger - self.total


def bucket(row: Open, day: date) -> str:
	"""Return the column of COLUMNS that an open voucher belongs to on a day."""
	if row.amount < 0:
		return "credits"
	late = (day - row.due).days
	if late <= 0:
		return "not_due"
	return next(name for name, limit in BUCKETS.items() if limit is None or late <= limit)


@in_its_unit
def receivables(scope: queries.Scope) -> Receivables:
	"""Return the receivables on the last day of the scope; only that day of its period counts."""
	found: dict[tuple[Campaign, str, str], Open] = {}

	def add(campaign: Campaign, voucher_type: str, voucher_no: str, due: Any, amount: Decimal) -> None:
		key = (campaign, voucher_type, voucher_no)
		found.setdefault(key, Open(voucher_type, voucher_no, getdate(due))).amount += amount

	with for_sums(), vouchers_once(scope) as made:
		builder = Builder(made)
		apart = builder.vouchers_and_settlements()
		summed, split = _summed(made, apart), _split(made, apart, builder)
	for campaign, voucher_type, voucher_no, due, amount in summed:
		add(campaign or None, voucher_type, voucher_no, due, to_decimal(amount))
	for campaign, row, amount in split:
		add(campaign, row.against_voucher_type, row.against_voucher_no, row.due, amount)
	aged: dict[Campaign, Aged] = {}
	day = getdate(scope.to_date)
	for (campaign, _type, _name), row in sorted(found.items(), key=lambda pair: (pair[1].due, pair[0][2])):
		if row.amount:
			aged.setdefault(campaign, Aged(campaign)).add(row, day)
	return Receivables(
		company=scope.company,
		currency=frappe.get_cached_value("Company", scope.company, "default_currency"),
		to_date=scope.to_date,
		rows=sorted(aged.values(), key=lambda row: (row.campaign is None, row.campaign or "")),
		ledger=to_decimal(_balance(scope)),
	)


def _rows(scope: queries.Scope) -> tuple[Any, Any, Any, Any, Any]:
	"""Query the payment ledger with campaigns and due date.

	A row has the campaign of its voucher, and that of the voucher it is set against.
	"""
	ple, posted = queries.receivable_rows(scope)
	invoice = frappe.qb.DocType("Sales Invoice")
	own = queries.attributed_vouchers(scope).as_("own")
	other = queries.attributed_vouchers(scope).as_("other")
	query = (
		frappe.qb.from_(ple)
		.left_join(own)
		.on(queries.same_voucher(ple, own))
		.left_join(other)
		.on(queries.is_against(ple, other))
		.left_join(invoice)
		.on((ple.against_voucher_type == "Sales Invoice") & (invoice.name == ple.against_voucher_no))
		.where(posted)
	)
	due = Max(Coalesce(invoice.due_date, ple.due_date, ple.posting_date)).as_("due")
	return query, ple, Coalesce(own.voucher_no, other.voucher_no), Coalesce(own.campaign, other.campaign), due


def _summed(scope: queries.Scope, apart: list[str]) -> list[tuple]:
	"""Return the outstanding amounts of vouchers that need no split; settled ones are left out.

	Each row is (campaign, voucher type, voucher, due date, outstanding).
	"""
	query, ple, voucher, campaign, due = _rows(scope)
	if apart:
		query = query.where(voucher.isnull() | none_of(voucher, apart))
	campaign = Coalesce(campaign, "").as_("campaign")
	return (
		query.select(campaign, ple.against_voucher_type, ple.against_voucher_no, due, Sum(ple.amount))
		.groupby(campaign, ple.against_voucher_type, ple.against_voucher_no)
		.having(Sum(ple.amount) != 0)
		.run()
	)


def _split(
	scope: queries.Scope, apart: list[str], builder: Builder
) -> list[tuple[Campaign, frappe._dict, Decimal]]:
	"""Return (campaign, row, amount) of the vouchers that the statement splits one by one.

	The rest of each voucher belongs to no campaign.
	"""
	if not apart:
		return []
	query, ple, voucher, _campaign, due = _rows(scope)
	key = voucher.as_("voucher")
	rows = (
		query.select(
			key, ple.against_voucher_type, ple.against_voucher_no, due, Sum(ple.amount).as_("amount")
		)
		.where(one_of(voucher, apart))
		.groupby(key, ple.against_voucher_type, ple.against_voucher_no)
		.orderby(key)
		.orderby(ple.against_voucher_no)
		.run(as_dict=True)
	)
	by_voucher = defaultdict(list)
	for row in rows:
		row.amount = to_decimal(row.amount)
		by_voucher[row.voucher].append(row)
	parts = defaultdict(dict)
	for (campaign, name), amount in builder.open_apart.items():
		parts[name][campaign] = amount
	found = []
	for name, of_voucher in by_voucher.items():
		rest = [row.amount for row in of_voucher]
		for campaign, amount in parts[name].items():
			for number, part in enumerate(allocate(amount, [row.amount for row in of_voucher])):
				found.append((campaign, of_voucher[number], part))
				rest[number] -= part
		found += [(None, row, amount) for row, amount in zip(of_voucher, rest, strict=True) if amount]
	return found


def _balance(scope: queries.Scope) -> Any:
	"""Return debit − credit of the receivable accounts up to the date."""
	gle, posted = queries.posted_rows(scope)
	account = frappe.qb.DocType("Account")
	query = frappe.qb.from_(gle).join(account).on(account.name == gle.account)
	query = query.select(Sum(gle.debit - gle.credit)).where(account.account_type == "Receivable")
	return query.where(posted).run()[0][0]


def segments_of(campaigns: list[str]) -> dict[str, str]:
	"""Return campaign → the segment that it addresses."""
	if not campaigns:
		return {}
	campaign = frappe.qb.DocType("Relation Campaign")
	query = frappe.qb.from_(campaign).select(campaign.name, campaign.segment)
	return dict(query.where(one_of(campaign.name, campaigns)).run())

"""Split a voucher between campaigns, to the cent. Pure Python: imports no frappe and writes nothing.

An amount is credit − debit: income and tax are positive, a receivable is negative. The key `None` means "no campaign".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from crm_relations.shared.money import allocate

ZERO, A_CENT = Decimal("0.00"), Decimal("0.01")

Campaign = str | None
Parts = dict[Campaign, dict[str, Decimal]]


@dataclass(frozen=True)
class Line:
	"""A line of an invoice, as the document says. Amounts in the company's currency."""

	campaign: Campaign
	account: str
	net: Decimal
	attributed: Decimal | None = None  #: amount in Relation Attribution; None: the line has no row
	attributed_account: str | None = None
	line_discount: Decimal = ZERO
	discount_account: str | None = None
	header_discount: Decimal = ZERO  #: the line's part of the invoice's additional discount
	cost: Decimal = ZERO  #: cost of the goods that the line itself moves
	cost_account: str | None = None  #: account on which this cost is booked


@dataclass(frozen=True)
class Voucher:
	"""A posted invoice: its lines, and its ledger rows summed by account (credit − debit)."""

	name: str
	lines: Sequence[Line]
	ledger: Mapping[str, Decimal]
	#: tax rows and rounding by account: they may be booked on the account of a line
	charges: Mapping[str, Decimal] = field(default_factory=dict)
	charges_before_discount: Mapping[str, Decimal] = field(default_factory=dict)
	additional_discount_account: str | None = None
	additional_discount: Decimal = ZERO
	#: accounts that the goods were taken from
	stock_accounts: frozenset[str] = frozenset()


@dataclass
class Split:
	"""Each campaign's part of a voucher, by account, and the deviations of the ledger."""

	parts: Parts
	#: income account → ledger − document; empty if the attribution agrees with the ledger
	unexplained: dict[str, Decimal]


def line_postings(voucher: Voucher, discounts_booked: bool) -> Parts:
	"""Return the postings of the lines, by campaign and account.

	:param discounts_booked: ERPNext's discount accounting: income is booked before discount, and the
		discount on an account of its own.
	"""
	parts: Parts = defaultdict(lambda: defaultdict(lambda: ZERO))
	for line in voucher.lines:
		if line.attributed is None:
			parts[None][line.account] += line.net
		else:
			parts[line.campaign][line.attributed_account or line.account] += line.attributed
	if discounts_booked:
		_add_discounts(voucher, parts)
	return parts


def _add_discounts(voucher: Voucher, parts: Parts) -> None:
	for line in voucher.lines:
		if line.line_discount and line.discount_account:
			parts[line.campaign][line.account] += line.line_discount
			parts[line.campaign][line.discount_account] -= line.line_discount
	if not (voucher.additional_discount_account and voucher.additional_discount):
		return
	discounts = [line.header_discount for line in voucher.lines]
	shares = allocate(voucher.additional_discount, discounts)
	for line, discount, share in zip(voucher.lines, discounts, shares, strict=True):
		parts[line.campaign][line.account] += discount
		parts[line.campaign][voucher.additional_discount_account] -= share


def split_voucher(voucher: Voucher, income_accounts: set[str], receivable_accounts: set[str]) -> Split:
	"""Split the ledger rows of a voucher between its campaigns.

	The accounts of lines follow the lines exactly. So does the cost of the goods that the invoice itself
	moves. Every other account is split in proportion to the postings of a campaign's lines, in whole cents.
	The account that balances the voucher (the receivable) gets the amount that makes each campaign's debits
	equal its credits. Income on an account that no line is booked to (freight in the tax table, rounding)
	belongs to no campaign.
	"""
	parts, unexplained = {}, {}
	for discounts_booked in (False, True):
		charges = voucher.charges_before_discount if discounts_booked else voucher.charges
		lines = line_postings(voucher, discounts_booked)
		rest = _unexplained(voucher, lines, charges, income_accounts)
		if not discounts_booked or not rest:
			parts, unexplained, used_charges = lines, rest, charges
		if not rest:
			break
	line_accounts = {account for accounts in parts.values() for account in accounts}
	weights = {campaign: sum(accounts.values(), ZERO) for campaign, accounts in parts.items()}
	others = {account: amount for account, amount in voucher.ledger.items() if account not in line_accounts}
	for account in [account for account in others if account in income_accounts]:
		amount = others.pop(account)
		parts[None][account] += amount
		weights[None] = weights.get(None, ZERO) + amount
	for account in line_accounts & income_accounts:
		if amount := used_charges.get(account, ZERO):
			parts[None][account] += amount
			weights[None] = weights.get(None, ZERO) + amount
	_split_goods(voucher, parts, others)
	split_others(parts, weights, others, receivable_accounts)
	if not unexplained:
		_add_imbalance(voucher, parts)
	return Split({campaign: dict(accounts) for campaign, accounts in parts.items()}, unexplained)


def _add_imbalance(voucher: Voucher, parts: Parts) -> None:
	"""Add what ERPNext posted without a counterpart, so that every account agrees with the ledger.

	ERPNext leaves out a cent of an invoice in a foreign currency that has both a rounding adjustment and a rounding loss. The cent
	belongs to no campaign; of a voucher with one campaign, all rows belong to that one.
	"""
	if not sum(voucher.ledger.values(), ZERO):
		return
	owner = None if len(parts) > 1 else next(iter(parts), None)
	for account, amount in voucher.ledger.items():
		rest = amount - sum((sides.get(account, ZERO) for sides in parts.values()), ZERO)
		if rest:
			parts[owner][account] += rest


def _unexplained(
	voucher: Voucher, lines: Parts, charges: Mapping[str, Decimal], income_accounts: set[str]
) -> dict[str, Decimal]:
	"""Return the income accounts of lines on which ledger and document differ."""
	posted: dict[str, Decimal] = defaultdict(lambda: ZERO)
	for accounts in lines.values():
		for account, amount in accounts.items():
			posted[account] += amount
	result = {}
	for account in posted.keys() & income_accounts:
		rest = voucher.ledger.get(account, ZERO) - posted[account] - charges.get(account, ZERO)
		if rest:
			result[account] = rest
	return result


def _split_goods(voucher: Voucher, parts: Parts, others: dict[str, Decimal]) -> None:
	"""Move cost and stock from `others` to the campaigns.

	Each cost account is split by the cost of the lines booked there, and the stock so that it balances. If
	the lines do not explain the ledger (the line of a bundle has no cost), everything stays unchanged.
	"""
	costs: dict[str, dict[Campaign, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
	total: dict[Campaign, Decimal] = defaultdict(lambda: ZERO)
	for line in voucher.lines:
		if line.cost and line.cost_account in others:
			costs[line.cost_account][line.campaign] += line.cost
			total[line.campaign] += line.cost
	goods = {name: others[name] for name in others if name in voucher.stock_accounts or name in costs}
	explained = all(_about(others[name], sum(weights.values(), ZERO)) for name, weights in costs.items())
	if not costs or not explained or sum(goods.values(), ZERO):
		return
	for campaign, accounts in share_out(goods, total, costs).items():
		for account, amount in accounts.items():
			parts[campaign][account] += amount
	for account in goods:
		del others[account]


def _about(ledger: Decimal, document: Decimal) -> bool:
	"""Tell whether a cost in the ledger equals that of the document, regardless of sign and rounding."""
	return abs(abs(ledger) - abs(document)) <= max(10 * A_CENT, abs(document) / 100)


def split_others(
	parts: Parts, weights: dict[Campaign, Decimal], others: dict[str, Decimal], receivable_accounts: set[str]
) -> None:
	"""Split the accounts in `others` by the weights into `parts`, in whole cents.

	The account that balances (one of the receivables, else the largest) gets the amount that makes each
	campaign's debits equal its credits.
	"""
	if not others or not weights:
		return
	keys = sorted(weights, key=lambda campaign: (campaign is None, campaign or ""))
	balancing = max(
		others, key=lambda account: (account in receivable_accounts, abs(others[account]), account)
	)
	for account, amount in others.items():
		if account == balancing:
			continue
		for campaign, part in zip(keys, allocate(amount, [weights[key] for key in keys]), strict=True):
			parts[campaign][account] += part
	for campaign in keys:
		parts[campaign][balancing] -= sum(parts[campaign].values(), ZERO)


def share_out(
	ledger: Mapping[str, Decimal],
	weights: Mapping[Campaign, Decimal],
	own_weights: Mapping[str, Mapping[Campaign, Decimal]] | None = None,
) -> Parts:
	"""Split the balanced ledger rows of a voucher (account → amount) by weights.

	Every account is split in whole cents. The largest one gets the amount that makes each campaign's debits
	equal its credits.

	:param own_weights: account → campaign → weight, for accounts of which the lines give the weights
	"""
	own_weights = own_weights or {}
	parts: Parts = {campaign: {} for campaign in weights}
	if not ledger or not weights:
		return parts
	keys = list(weights)
	values = [weights[key] for key in keys]
	if not sum(values):
		values = [Decimal(1)] * len(keys)
	balancing = max(ledger, key=lambda account: (account not in own_weights, abs(ledger[account]), account))
	for account, amount in ledger.items():
		own = own_weights.get(account, {})
		mine = [own.get(key, ZERO) for key in keys] if sum(own.values()) else values
		if account != balancing:
			for campaign, part in zip(keys, allocate(amount, mine), strict=True):
				parts[campaign][account] = part
	for campaign in keys:
		parts[campaign][balancing] = -sum(parts[campaign].values(), ZERO)
	return parts


@dataclass(frozen=True)
class Settlement:
	"""A row of the payment ledger against an invoice: `amount` < 0 lowers the receivable."""

	voucher: str  #: the settling voucher: payment, journal entry, credit note
	amount: Decimal
	#: for a credit note that is attributed itself: its deductions by campaign
	own_parts: Mapping[Campaign, Decimal] | None = None


def settle(
	receivable: Mapping[Campaign, Decimal], settlements: Iterable[Settlement]
) -> list[dict[Campaign, Decimal]]:
	"""Split each settlement of an invoice between its campaigns, in the order given.

	A payment pays the open share of each campaign at that moment, in proportion. The last payment therefore
	leaves every campaign at 0.00. If nothing is open (an overpayment), the invoice's own shares count.

	:param receivable: the invoice's own posting on the receivable account, by campaign (debit > 0)
	:return: for each settlement its amount by campaign
	"""
	keys = list(receivable)
	open_parts = dict(receivable)
	result = []
	for row in settlements:
		if row.own_parts is not None:
			part = dict(row.own_parts)
		else:
			weights = [open_parts.get(key, ZERO) for key in keys]
			if sum(weights) == 0:
				weights = [receivable[key] for key in keys]
			part = dict(zip(keys, allocate(row.amount, weights), strict=True))
		for key, amount in part.items():
			open_parts[key] = open_parts.get(key, ZERO) + amount
			if key not in keys:
				keys.append(key)
				receivable = {**receivable, key: ZERO}
		result.append(part)
	return result


def counter_accounts(
	rows: Sequence[tuple[str, Decimal]], legs: Mapping[str, Decimal], index: int
) -> dict[str, Decimal]:
	"""Return the amounts that balance one receivable row of a payment, by account (debit > 0).

	A payment may settle several invoices and book bank, cash discount and exchange differences at once. Each
	of these is split over the rows that it settles, in whole cents. Rows of the opposite sign (an advance
	that is used up, another customer's debt) are treated like any other counter account.

	:param rows: all receivable rows of the payment: (account, amount as in the payment ledger)
	:param legs: its other accounts: debit − credit
	:param index: the row asked for
	"""
	account, amount = rows[index]
	same = [i for i, (_account, other) in enumerate(rows) if (other > 0) == (amount > 0) and other]
	against: dict[str, Decimal] = defaultdict(lambda: ZERO)
	for leg, value in legs.items():
		against[leg] += value
	for other_account, other in rows:
		if other and (other > 0) != (amount > 0):
			against[other_account] += other
	against = {leg: value for leg, value in against.items() if value}
	if sum(against.values(), ZERO) != -sum((rows[i][1] for i in same), ZERO):
		return {account: -amount}  # the ledger has no other side for it: a transfer on the account itself
	weights = [abs(rows[i][1]) for i in same]
	position = same.index(index)
	result: dict[str, Decimal] = {}
	balancing = max(against, key=lambda leg: (abs(against[leg]), leg))
	for leg, value in against.items():
		if leg != balancing:
			result[leg] = allocate(value, weights)[position]
	result[balancing] = -amount - sum(result.values(), ZERO)
	return {leg: value for leg, value in result.items() if value}

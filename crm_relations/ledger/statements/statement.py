"""Build the campaign statement from posted ledger rows, and check it against the ledger.

Writes temporary tables only.

`revenue` and `credit_notes` are the attributed lines on income accounts in the period. `tax` is the amount of
the vouchers on tax accounts. `cash_received` is the money received on bank and cash accounts for these
vouchers in the period, by payment entry, journal entry or POS. `receivable_open` is a balance: the
outstanding amount at `to_date` of all vouchers up to then, including those before `from_date`.

Further figures come from the ledger:

* `cost_of_goods`: cost of goods sold booked by invoices and deliveries;
* `campaign_cost`: expenses that carry the campaign; the account rows have both sides of them, see `spending`;
* `cash_discounts`, `write_offs`, `exchange_difference`: postings of settlements on profit and loss accounts;
* `receivable_overdue`: whole invoices past their due date.

`discounts` comes from the documents.

The check is by account (`LedgerRow`). `ledger` is summed from the ledger alone. `not_attributed` is summed
from rows of vouchers and lines without a campaign. From it, the amounts are deducted that campaigns have in
these vouchers because they settle their invoices, deliver their goods, or are their own cost.
`not_in_selection` is summed from rows outside of the sales person or segment asked for. None of them is
computed by subtraction from the ledger. A difference of 0.00 therefore proves that the attribution equals the
ledger; otherwise `problems` names the voucher.

The figures without an account are those of the income accounts. `settled_income` is the amount that payments
and journals book there when they settle a campaign's invoices: a cash discount, an exchange gain.

Known limit: income on accounts that no invoice line is booked to (freight in the tax table) is not
attributed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import frappe
from frappe import _
from frappe.utils import getdate, nowdate

from crm_relations.ledger.precision import decimals_of, in_unit_of
from crm_relations.ledger.statements import balance_queries as balances
from crm_relations.ledger.statements import cost_queries as costs
from crm_relations.ledger.statements import queries
from crm_relations.ledger.statements.figures import (
	LEDGER_COMPONENTS,
	AccountRow,
	CampaignFigures,
	LedgerRow,
	Problem,
	Reversal,
	Statement,
)
from crm_relations.ledger.statements.payments import Payments, divide
from crm_relations.ledger.statements.spending import TRANSFERS, spending
from crm_relations.ledger.statements.splitting import (
	ZERO,
	Campaign,
	Settlement,
	Split,
	settle,
	share_out,
	split_voucher,
)
from crm_relations.ledger.statements.temp_tables import for_sums, vouchers_once
from crm_relations.ledger.statements.vouchers import Posted, vouchers
from crm_relations.shared.access.permissions import readable
from crm_relations.shared.money import allocate, to_decimal
from crm_relations.shared.refusals import refuse

CASH = ("Bank", "Cash")


def statement(
	company: str | None = None,
	campaigns: Sequence[str] | str | None = None,
	from_date: str | None = None,
	to_date: str | None = None,
	salesperson: str | None = None,
	segment: str | None = None,
) -> Statement:
	"""Return the statement of a company.

	:param company: None: the default of Relation Settings, else the only company of the site
	:param campaigns: only these are listed; the others are summed in `other_campaigns`
	:param from_date: None: from the first posting
	:param to_date: None: up to today
	:param salesperson: limits campaigns to invoices that have this Sales Person in their sales team
	:param segment: limits campaigns to invoices of relations that are in this segment now; the rest of
		the ledger's income is then `not_in_selection`
	:raises frappe.ValidationError: no such company, campaign, sales person or segment, or `from_date` is
		after `to_date`
	"""
	wanted = _wanted(campaigns)
	scope = scope_of(company, from_date, to_date, salesperson, segment)
	with in_unit_of(scope.company):
		return Builder(scope).build(wanted)


def scope_of(
	company: str | None = None,
	from_date: str | None = None,
	to_date: str | None = None,
	salesperson: str | None = None,
	segment: str | None = None,
) -> queries.Scope:
	"""Check the arguments of a statement and return its scope; parameters and errors as of `statement`."""
	for doctype, name in (("Sales Person", salesperson), ("Relation Segment", segment)):
		if name and not frappe.db.exists(doctype, name):
			refuse(_("{0} {1} does not exist."), _(doctype), name)
	period = _period(from_date, to_date)
	return queries.Scope(company_or_default(company), *period, salesperson or None, segment or None)


def company_or_default(company: str | None = None) -> str:
	"""Return the company asked for, else the default, else the only one.

	:raises frappe.ValidationError: no such company, or several companies and no default
	"""
	names = frappe.get_all("Company", pluck="name", order_by="name asc")
	if company:
		if company not in names:
			refuse(_("Company {0} does not exist. Companies: {1}"), company, _readable(names))
		return company
	if default := frappe.db.get_single_value("Relation Settings", "default_company"):
		return default
	if len(names) != 1:
		refuse(
			_("Name a company or set Default Company in Relation Settings; this site has: {0}"),
			_readable(names),
		)
	return names[0]


def _readable(companies: list[str]) -> str:
	"""Return the names that the session's user may read, as an error message lists them."""
	query = readable(frappe.qb.from_(frappe.qb.DocType("Company")), "Company")
	shown = set() if query is None else set(query.select("name").run(pluck=True))
	return ", ".join(name for name in companies if name in shown) or _("none")


def _wanted(campaigns: Sequence[str] | str | None) -> list[str] | None:
	if not campaigns:
		return None
	wanted = list(dict.fromkeys([campaigns] if isinstance(campaigns, str) else campaigns))
	known = frappe.get_all(
		"Relation Campaign", filters={"name": ["in", wanted]}, pluck="name", order_by="name asc"
	)
	if missing := [name for name in wanted if name not in known]:
		refuse(_("Relation Campaign {0} does not exist."), ", ".join(missing))
	return wanted


def _period(from_date: str | None, to_date: str | None) -> tuple[str | None, str]:
	start = str(getdate(from_date)) if from_date else None
	end = str(getdate(to_date or nowdate()))
	if start and start > end:
		refuse(_("From Date {0} is after To Date {1}."), start, end)
	return start, end


class Builder:
	"""Collect the figures of one statement.

	`campaign_ledger` extends it to split one campaign voucher by voucher.
	"""

	def __init__(self, scope: queries.Scope):
		self.scope = scope
		self.accounts = queries.accounts(scope.company)
		self.income = {name for name, row in self.accounts.items() if row.root_type == "Income"}
		self.receivables = {name for name, row in self.accounts.items() if row.account_type == "Receivable"}
		self.payables = {name for name, row in self.accounts.items() if row.account_type == "Payable"}
		self.cash = {name for name, row in self.accounts.items() if row.account_type in CASH}
		self.tax = queries.tax_accounts(scope.company)
		self.profit_and_loss = {
			name for name, row in self.accounts.items() if row.root_type in ("Income", "Expense")
		}
		self.cogs_accounts = {
			name for name, row in self.accounts.items() if row.account_type == costs.COST_OF_GOODS
		}
		self.cogs_accounts |= {
			frappe.get_cached_value("Company", scope.company, "default_expense_account")
		} - {None}
		self.write_off, self.exchange = _loss_accounts(scope.company)
		self.discounts = _discount_accounts(scope.company, self.profit_and_loss) - {self.write_off}
		self.open_apart: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
		self.figures: dict[str, CampaignFigures] = {}
		self.rows: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
		self.problems: list[Problem] = []
		self.carries_campaigns = costs.carries_campaigns()
		#: account → debit − credit of attributed vouchers that belongs to no campaign
		self.rest_of_splits: dict[str, Decimal] = defaultdict(lambda: ZERO)
		#: account → debit − credit that campaigns have in vouchers without an attribution
		self.taken: dict[str, Decimal] = defaultdict(lambda: ZERO)
		#: (campaign, account) → debit − credit of the campaigns' own cost
		self.spent: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
		#: settling voucher → credit − debit for campaigns on income accounts
		self.settled_income: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
		self.ledger: dict[str, tuple[Decimal, Decimal, Decimal]] = {}
		self.splits: dict[str, Split] = {}
		#: doctype and name of the voucher that is being split or settled; None for sums of many
		self.voucher: tuple[str, str] | None = None

	def build(self, wanted: list[str] | None) -> Statement:
		asked = self.scope
		with for_sums(), vouchers_once(asked) as self.scope:
			self._collect()
		self.scope = asked
		return self._statement(wanted)

	def vouchers_and_settlements(self) -> list[str]:
		"""Collect the postings of attributed vouchers and of their settlements.

		Return the vouchers that are split one by one. `splits` has them, `open_apart` their outstanding
		amounts, and `settled_income` the amounts that payments book as income.
		"""
		apart = self._plain_vouchers(queries.vouchers_apart(self.scope))
		if apart:
			self._split_vouchers(apart)
		self._settlements(apart)
		return apart

	def _collect(self) -> None:
		apart = self.vouchers_and_settlements()
		self._released()
		self._deliveries()
		self._costs(apart)
		self._ledger()

	def _ledger(self) -> None:
		"""Read three amounts for each account.

		These are its total, the part on rows of no attributed voucher, and of these the part outside the
		selection.
		"""
		found: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO, ZERO])
		for account, total, of_none in queries.by_account(self.scope):
			found[account][0] += to_decimal(total)
			found[account][1] += to_decimal(of_none)
		for account, amount in queries.outside_by_account(self.scope):
			found[account][2] += to_decimal(amount)
		self.ledger = {account: tuple(amounts) for account, amounts in found.items()}

	def _of(self, campaign: str) -> CampaignFigures:
		cost = ZERO if self.carries_campaigns else None
		return self.figures.setdefault(campaign, CampaignFigures(campaign, campaign_cost=cost))

	def _add_to_account(self, campaign: str, account: str, debit: Decimal, credit: Decimal = ZERO) -> None:
		"""Add to an account row and to the figure that the account stands for."""
		row = self.rows[campaign, account]
		row[0] += debit
		row[1] += credit
		if account in self.cash:
			self._of(campaign).cash_received += debit - credit
		elif account in self.tax:
			self._of(campaign).tax += credit - debit
		elif account in self.cogs_accounts:
			self._of(campaign).cost_of_goods += debit - credit
		elif account == self.write_off:
			self._of(campaign).write_offs += debit - credit

	def _add_revenue(self, campaign: str, is_return: bool, by_rule: Any, amount: Decimal) -> None:
		figures = self._of(campaign)
		if by_rule:
			figures.by_rule += amount
		if is_return:
			figures.credit_notes += amount
		else:
			figures.revenue += amount

	def _in_period(self, date: Any) -> bool:
		return not self.scope.from_date or str(date) >= self.scope.from_date

	def _plain_vouchers(self, apart: list[str]) -> list[str]:
		"""Add vouchers of one campaign with an attribution that equals the ledger, summed in SQL.

		Return the others.

		Vouchers that differ are queried only if the sums differ, by campaign and account. Two vouchers with
		opposite differences of the same amount leave every figure right; `relations check` finds them.
		"""
		earned = queries.attributed_income(self.scope, apart)
		booked = queries.own_rows(self.scope, apart)
		if self._differ(earned, booked):
			apart = sorted({*apart, *queries.mismatched_vouchers(self.scope)})
			earned = queries.attributed_income(self.scope, apart)
			booked = queries.own_rows(self.scope, apart)
		for campaign, is_return, by_rule, account, amount in earned:
			if account in self.income:
				self._add_revenue(campaign, is_return, by_rule, to_decimal(amount))
		for campaign, account, debit, credit in booked:
			self._add_to_account(campaign, account, to_decimal(debit), to_decimal(credit))
		for campaign, amount in queries.own_receivable(self.scope, apart):
			self._of(campaign).receivable_open += to_decimal(amount)
		return apart

	def _differ(self, earned: Sequence[tuple], booked: Sequence[tuple]) -> bool:
		"""Tell whether attribution and ledger differ on an income account."""
		rest: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
		for campaign, _is_return, _by_rule, account, amount in earned:
			if account in self.income:
				rest[campaign, account] += to_decimal(amount)
		for campaign, account, debit, credit in booked:
			if account in self.income:
				rest[campaign, account] -= to_decimal(credit) - to_decimal(debit)
		return any(rest.values())

	def _split_vouchers(self, apart: Sequence[str]) -> None:
		for posted in vouchers(self.scope, apart):
			name = posted.voucher.name
			split = split_voucher(posted.voucher, self.income, self.receivables)
			self.splits[name] = split
			self.voucher = ("Sales Invoice", name)
			for account, difference in split.unexplained.items():
				self.problems.append(Problem("Sales Invoice", name, account, difference))
			self._post_split(posted, split, posted.posting_date, 1)
			if posted.reversed_on:
				self._post_split(posted, split, posted.reversed_on, -1)

	def _post_split(self, posted: Posted, split: Split, day: Any, sign: int) -> None:
		"""Give each campaign its part of a voucher on that day, or reverse it (`sign` −1)."""
		in_period = self._in_period(day)
		for campaign, parts in split.parts.items():
			for account, whole in parts.items():
				amount = sign * whole
				if campaign is None:
					self.rest_of_splits[account] -= amount if in_period else ZERO
					continue
				if account in self.receivables:
					self._of(campaign).receivable_open -= amount
					self.open_apart[campaign, posted.voucher.name] -= amount
				if not in_period:
					continue
				if account in self.income:
					self._add_revenue(campaign, posted.is_return, posted.by_rule, amount)
				self._add_posting(campaign, account, -amount)

	def _released(self) -> None:
		for campaign, is_return, by_rule, account, debit, credit in queries.released_income(self.scope):
			self._add_released_revenue(
				campaign, is_return, by_rule, account, to_decimal(debit), to_decimal(credit)
			)
		shared = defaultdict(list)
		for row in queries.released_shared(self.scope):
			shared[row.name].append(row)
		for rows in shared.values():
			weights = [Decimal(str(row.share)) for row in rows]
			debits = allocate(to_decimal(rows[0].debit), weights)
			credits = allocate(to_decimal(rows[0].credit), weights)
			for row, debit, credit in zip(rows, debits, credits, strict=True):
				self._add_released_revenue(row.campaign, row.is_return, True, row.account, debit, credit)

	def _add_released_revenue(
		self, campaign: str, is_return: bool, by_rule: Any, account: str, debit: Decimal, credit: Decimal
	) -> None:
		"""Add both sides of revenue that is moved from deferral to income."""
		self._add_to_account(campaign, account, debit, credit)
		if account in self.income:
			self._add_revenue(campaign, is_return, by_rule, credit - debit)

	def _settlements(self, apart: Sequence[str]) -> None:
		rows = queries.settlements(self.scope, apart)
		for row in rows:
			if not row.single:
				amount = to_decimal(row.amount)
				self._add_settlement(
					row.campaign, row.account, amount, {row.plain_account: -amount}, row.in_period
				)
		if single := [row for row in rows if row.single]:
			self._settle_each(single)

	def _settle_each(self, rows: Sequence[frappe._dict]) -> None:
		"""Add settlements that cannot be summed, row by row of the payment ledger."""
		payments = Payments(self.scope, rows)
		by_voucher = defaultdict(list)
		for row in rows:
			by_voucher[row.against_voucher_no].append(row)
		for voucher, settlements in by_voucher.items():
			for row, parts in self._parts_of(voucher, settlements):
				counter = payments.counter(row)
				self.voucher = (row.voucher_type, row.voucher_no)
				for campaign, amount, legs in divide(parts, to_decimal(row.amount), counter):
					if campaign is not None:
						self.open_apart[campaign, voucher] += amount
						self._add_settlement(
							campaign, row.account, amount, legs, self._in_period(row.posting_date)
						)

	def _parts_of(
		self, voucher: str, rows: Sequence[frappe._dict]
	) -> Iterable[tuple[frappe._dict, dict[Campaign, Decimal]]]:
		"""Yield settlements of a voucher by campaign; attributed credit notes count as their own vouchers."""
		if voucher not in self.splits:
			for row in rows:
				yield row, {row.campaign: to_decimal(row.amount)}
			return
		receivable = self._receivable(voucher)
		settlements = []
		foreign = [row for row in rows if row.voucher_no != voucher]
		for row in foreign:
			own = None
			if row.own_campaign:
				own = self._receivable(row.voucher_no) if row.voucher_no in self.splits else None
				own = own or {row.own_campaign: to_decimal(row.amount)}
			settlements.append(Settlement(row.voucher_no, to_decimal(row.amount), own))
		for row, part in zip(foreign, settle(receivable, settlements), strict=True):
			if not row.own_campaign:
				yield row, part

	def _receivable(self, voucher: str) -> dict[Campaign, Decimal]:
		return {
			campaign: -sum((amount for account, amount in parts.items() if account in self.receivables), ZERO)
			for campaign, parts in self.splits[voucher].parts.items()
		}

	def _add_settlement(
		self, campaign: str, account: str, amount: Decimal, legs: dict[str, Decimal], in_period: Any
	) -> None:
		"""Add a settlement: `amount` on the receivable, `legs` against it (all debit − credit)."""
		self._of(campaign).receivable_open += amount
		if in_period:
			self._add_settled_amount(campaign, account, amount)
			for leg, value in legs.items():
				self._add_settled_amount(campaign, leg, value)
				if leg in self.income:
					self._of(campaign).settled_income -= value
					self.settled_income[self.voucher] -= value
				if leg in self.exchange:
					self._of(campaign).exchange_difference -= value
				elif leg in self.discounts:
					self._of(campaign).cash_discounts += value
				elif leg in self.profit_and_loss and leg != self.write_off:
					self._of(campaign).write_offs += value

	def _deliveries(self) -> None:
		"""Add the cost of goods sold that deliveries booked.

		It is split by the campaign of their lines, else by the attribution of the invoice lines that bill
		them.
		"""
		ledger: dict[str, dict[str, Decimal]] = defaultdict(dict)
		for name, account, amount in costs.delivery_ledger(self.scope):
			ledger[name][account] = to_decimal(amount)
		self._share_deliveries(ledger)

	def _share_deliveries(self, ledger: dict[str, dict[str, Decimal]]) -> None:
		"""Give each campaign its part of these deliveries (name → account → debit − credit).

		Services are delivered without a row in the ledger.
		"""
		if not (names := sorted(ledger)):
			return
		billed: dict[str, dict[str, Decimal]] = defaultdict(dict)
		for line, campaign, amount in costs.billed_parts(self.scope, names):
			billed[line][campaign] = to_decimal(amount)
		filtered = self.scope.selects
		weights: dict[str, dict[Campaign, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
		own: dict[str, dict[str, dict[Campaign, Decimal]]] = defaultdict(
			lambda: defaultdict(lambda: defaultdict(lambda: ZERO))
		)
		for row in costs.delivery_lines(names):
			cost, parts = to_decimal(row.cost), billed.get(row.name)
			if row.campaign and not filtered:
				parts = {row.campaign: cost}
			elif parts and sum(parts.values()):
				parts = dict(zip(parts, allocate(cost, list(parts.values())), strict=True))
			else:
				parts = {None: cost}
			for campaign, part in parts.items():
				weights[row.parent][campaign] += part
				own[row.parent][row.expense_account][campaign] += part
		for name in names:
			self.voucher = ("Delivery Note", name)
			for campaign, parts in share_out(ledger[name], weights[name], own[name]).items():
				for account, amount in parts.items() if campaign is not None else ():
					self._add_settled_amount(campaign, account, amount)
					# an expense account that is not cost of goods sold
					if account in self.profit_and_loss - self.cogs_accounts:
						self._of(campaign).cost_of_goods += amount

	def _costs(self, apart: Sequence[str]) -> None:
		"""Add discounts, the campaigns' own cost, and overdue amounts."""
		for campaign, amount in costs.discounts(self.scope):
			self._of(campaign).discounts += to_decimal(amount)
		for campaign, amount in costs.overdue(self.scope, apart):
			self._of(campaign).receivable_overdue += to_decimal(amount)
		due = costs.due_before(apart, self.scope.to_date) if apart else set()
		for (campaign, voucher), amount in self.open_apart.items():
			if voucher in due and amount > 0:
				self._of(campaign).receivable_overdue += amount
		if not self.carries_campaigns:
			return
		for campaign, account, amount in costs.campaign_costs(self.scope):
			if account not in self.exchange:
				self.spent[campaign, account] += to_decimal(amount)
		for (campaign, _account), amount in self.spent.items():
			self._of(campaign).campaign_cost += amount
		for row in spending(self, balances.cost_vouchers(self.scope)):
			if self._in_period(row.date):
				self.taken[row.account] += row.amount
				sides = self.rows[row.campaign, row.account]
				sides[0] += max(row.amount, ZERO)
				sides[1] += max(-row.amount, ZERO)

	def _add_settled_amount(self, campaign: str, account: str, amount: Decimal) -> None:
		"""Give a campaign an amount of a voucher that is not attributed itself."""
		self.taken[account] += amount
		self._add_posting(campaign, account, amount)

	def _add_posting(self, campaign: str, account: str, amount: Decimal) -> None:
		self._add_to_account(campaign, account, max(amount, ZERO), max(-amount, ZERO))

	def _statement(self, wanted: list[str] | None) -> Statement:
		scope = self.scope
		shown = sorted(self.figures) if wanted is None else wanted
		result = Statement(
			company=scope.company,
			currency=frappe.get_cached_value("Company", scope.company, "default_currency"),
			from_date=scope.from_date,
			to_date=scope.to_date,
			decimals=decimals_of(scope.company),
			campaigns=[self._of(campaign) for campaign in shown],
			ledger=self._ledger_rows(shown),
			problems=self.problems,
			salesperson=scope.salesperson,
			segment=scope.segment,
			reversals=[Reversal(*row) for row in queries.reversals(scope)],
		)
		for row in result.ledger:
			if row.root_type == "Income":
				result.ledger_income -= row.ledger
				result.not_attributed -= row.not_attributed
				result.not_in_selection -= row.not_in_selection
		result.other_campaigns = sum(
			(row.income for name, row in self.figures.items() if name not in shown), ZERO
		)
		for (campaign, account), (debit, credit) in self.rows.items():
			if campaign in shown and (debit or credit):
				result.accounts.append(AccountRow(campaign, *self._described(account), debit, credit))
		result.accounts.sort(key=lambda row: (shown.index(row.campaign), row.account_number, row.account))
		return result

	def _described(self, account: str) -> tuple[str, str, str]:
		"""Return the account, its number and its root type."""
		if account == TRANSFERS:
			return _("Transferred from other campaigns or none"), "", "Equity"
		row = self.accounts.get(account) or frappe._dict()
		return account, row.account_number or "", row.root_type or ""

	def _ledger_rows(self, shown: Sequence[str]) -> list[LedgerRow]:
		"""Return every account with postings, in the order of the chart of accounts."""
		of_campaigns: dict[tuple[str, bool], Decimal] = defaultdict(lambda: ZERO)
		for (campaign, account), (debit, credit) in self.rows.items():
			of_campaigns[account, campaign in shown] += debit - credit
		names = {*self.ledger, *self.rest_of_splits, *self.taken, *(name for name, _shown in of_campaigns)}
		found = []
		for account in names:
			ledger, of_none, outside = self.ledger.get(account, (ZERO, ZERO, ZERO))
			if self.scope.selects:  # settlements and deliveries are not invoices of the selection
				outside -= self.taken[account]
				of_none -= outside + self.taken[account]
			else:
				of_none -= self.taken[account]
			row = LedgerRow(
				*self._described(account),
				ledger,
				of_campaigns[account, True],
				of_campaigns[account, False],
				of_none + self.rest_of_splits[account],
				outside,
			)
			if any((row.ledger, *(getattr(row, name) for name in LEDGER_COMPONENTS))):
				found.append(row)
		return sorted(found, key=lambda row: (row.account_number, row.account))


def _discount_accounts(company: str, profit_and_loss: Iterable[str]) -> set[str]:
	"""Return the accounts for cash discounts.

	These are the company's payment discount account, and accounts with such a name.
	"""
	words = ("skonto", "skonti", "cash discount")
	named = {name for name in profit_and_loss if any(word in name.casefold() for word in words)}
	return named | ({frappe.get_cached_value("Company", company, "default_discount_account")} - {None})


def _loss_accounts(company: str) -> tuple[str | None, set[str]]:
	"""Return the company's account for write-offs, and those for exchange differences."""
	row = frappe.get_cached_doc("Company", company)
	exchange = {row.get("exchange_gain_loss_account"), row.get("unrealized_exchange_gain_loss_account")}
	return row.get("write_off_account"), {account for account in exchange if account}

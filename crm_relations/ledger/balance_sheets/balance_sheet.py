"""Build the balance sheet of a campaign and compare it with ERPNext's balance sheet, filtered by campaign.

Writes nothing.

Our sheet is the sum of the campaign's share of every voucher (`campaign_ledger`). Assets equal liabilities,
equity and profit, because each share balances. A voucher that does not balance is an error and is named.

ERPNext's figures come from its own report Balance Sheet, with the campaign as filter. Where an account
differs, the vouchers with the difference show the reason (`reasons`). The differences of the vouchers add up
to that of the account. ERPNext treats the excess of assets over liabilities as profit. This need not equal
the income less expenses of the same rows, so both are shown.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import frappe
from erpnext.accounts.report.balance_sheet.balance_sheet import execute as erpnext_report
from erpnext.accounts.utils import get_fiscal_year, get_fiscal_years
from frappe import _
from frappe.utils import getdate, nowdate

from crm_relations.ledger import dimension
from crm_relations.ledger.balance_sheets.campaign_ledger import CampaignBooks, Voucher
from crm_relations.ledger.balance_sheets.reasons import REPAIRABLE, TEXTS, reasons
from crm_relations.ledger.precision import in_unit_of
from crm_relations.ledger.statements import balance_queries as queries
from crm_relations.ledger.statements.figures import Problem
from crm_relations.ledger.statements.spending import TRANSFERS
from crm_relations.ledger.statements.splitting import ZERO
from crm_relations.ledger.statements.statement import company_or_default
from crm_relations.shared.money import to_decimal, to_string
from crm_relations.shared.refusals import refuse

SIDES = ("Asset", "Liability", "Equity")
PROFIT = ("Income", "Expense")
#: maximum number of vouchers listed for an account or a reason
LISTED = 50


@dataclass
class Difference:
	"""The difference of an account for one reason: our amount less ERPNext's, debit > 0."""

	code: str
	vouchers: dict[Voucher, Decimal] = field(default_factory=dict)

	@property
	def amount(self) -> Decimal:
		return sum(self.vouchers.values(), ZERO)


@dataclass
class AccountLine:
	"""An account, debit > 0.

	`theirs` is None if ERPNext's ledger carries no campaigns, or the user may not read it.
	"""

	account: str
	number: str
	root_type: str
	ours: Decimal = ZERO
	theirs: Decimal | None = None
	vouchers: dict[Voucher, Decimal] = field(default_factory=dict)
	differences: list[Difference] = field(default_factory=list)


@dataclass
class BalanceSheet:
	"""The balance sheet of a campaign up to a date; amounts in the company's currency, debit > 0."""

	company: str
	currency: str
	campaign: str
	to_date: str
	#: of the dimension: on, disabled, off; closed: the user may not read ERPNext's ledger; no-year: the date
	#: is in no fiscal year
	state: str
	lines: list[AccountLine] = field(default_factory=list)
	problems: list[Problem] = field(default_factory=list)
	reasons: dict[Voucher, str] = field(default_factory=dict)
	dates: dict[Voucher, str] = field(default_factory=dict)

	def total(self, *root_types: str) -> Decimal:
		"""Return our total, debit > 0."""
		return sum((line.ours for line in self.lines if line.root_type in root_types), ZERO)

	def theirs(self, *root_types: str) -> Decimal | None:
		if self.state != "on":
			return None
		return sum((line.theirs or ZERO for line in self.lines if line.root_type in root_types), ZERO)

	@property
	def difference(self) -> Decimal:
		"""Return assets less liabilities, equity and profit; any value other than 0.00 is an error."""
		return self.total(*SIDES, *PROFIT)

	@property
	def profit(self) -> Decimal:
		return -self.total(*PROFIT)

	@property
	def their_profit(self) -> Decimal | None:
		"""Return the profit as ERPNext computes it: the excess of assets over liabilities and equity."""
		return self.theirs(*SIDES)

	@property
	def profit_of_ledger(self) -> Decimal | None:
		"""Return ERPNext's rows of income and expense with the campaign."""
		ledger = self.theirs(*PROFIT)
		return None if ledger is None else -ledger

	@property
	def other_side(self) -> tuple[Decimal, Decimal | None]:
		"""Return liabilities, equity and profit together, ours and ERPNext's."""
		theirs = None if self.their_profit is None else self.their_profit - self.theirs("Liability", "Equity")
		return self.profit - self.total("Liability", "Equity"), theirs

	def repairable(self) -> list[Voucher]:
		"""Return, in order of posting, the vouchers with documents that determine their campaign."""
		found = [voucher for voucher, code in self.reasons.items() if code in REPAIRABLE]
		return sorted(found, key=lambda voucher: (self.dates.get(voucher, ""), voucher))

	def as_dict(self) -> dict[str, Any]:
		"""Return the sheet with amounts as decimal strings.

		Liabilities, equity, income and expense have the sign that a balance sheet shows: an expense is
		negative.
		"""
		with in_unit_of(self.company):
			return self._as_dict()

	def _as_dict(self) -> dict[str, Any]:
		theirs = self.their_profit
		ours, other = self.other_side
		return {
			"company": self.company,
			"currency": self.currency,
			"campaign": self.campaign,
			"to_date": self.to_date,
			"state": self.state,
			"sides": [self._side(root_type) for root_type in SIDES],
			"profit": {
				"ours": to_string(self.profit),
				"theirs": None if theirs is None else to_string(theirs),
				"of_ledger": None if theirs is None else to_string(self.profit_of_ledger),
				"groups": [self._side(root_type, -1) for root_type in PROFIT],
			},
			# the assets are the other side, with their own total above
			"other_side": {"ours": to_string(ours), "theirs": None if other is None else to_string(other)},
			"difference": to_string(self.difference),
			"problems": [problem.as_dict() for problem in self.problems],
			"repairable": len(self.repairable()),
		}

	def _side(self, root_type: str, sign: int | None = None) -> dict[str, Any]:
		sign = sign or _sign(root_type)
		theirs = self.theirs(root_type)
		return {
			"root_type": root_type,
			"ours": to_string(sign * self.total(root_type)),
			"theirs": None if theirs is None else to_string(sign * theirs),
			"accounts": [self._account(line, sign) for line in self.lines if line.root_type == root_type],
		}

	def _account(self, line: AccountLine, sign: int) -> dict[str, Any]:
		return {
			"account": line.account,
			"account_number": line.number,
			"root_type": line.root_type,
			"ours": to_string(sign * line.ours),
			"theirs": None if line.theirs is None else to_string(sign * line.theirs),
			"difference": None if line.theirs is None else to_string(sign * (line.ours - line.theirs)),
			"vouchers": self._listed(line.vouchers, sign),
			"count": len(line.vouchers),
			"reasons": [
				{
					"code": found.code,
					"text": str(TEXTS[found.code]),
					"repairable": found.code in REPAIRABLE,
					"amount": to_string(sign * found.amount),
					"vouchers": self._listed(found.vouchers, sign),
					"count": len(found.vouchers),
				}
				for found in line.differences
			],
		}

	def _listed(self, vouchers: Mapping[Voucher, Decimal], sign: int) -> list[dict[str, str]]:
		"""Return the latest vouchers."""
		order = sorted(vouchers, key=lambda voucher: (self.dates.get(voucher, ""), voucher), reverse=True)
		return self.list_vouchers(vouchers, order[:LISTED], sign)

	def list_vouchers(
		self, amounts: Mapping[Voucher, Decimal], order: list[Voucher], sign: int
	) -> list[dict[str, str]]:
		return [
			{
				"voucher_type": voucher[0],
				"voucher_no": voucher[1],
				"date": self.dates.get(voucher, ""),
				"amount": to_string(sign * amounts[voucher]),
			}
			for voucher in order
		]

	def all_vouchers(self, account: str) -> list[dict[str, str]]:
		"""Return every voucher of an account in order of posting."""
		line = next((line for line in self.lines if line.account == account), None)
		if not line:
			return []
		order = sorted(line.vouchers, key=lambda voucher: (self.dates.get(voucher, ""), voucher))
		with in_unit_of(self.company):
			sign = -1 if line.root_type == "Expense" else _sign(line.root_type)
			return self.list_vouchers(line.vouchers, order, sign)


def _sign(root_type: str) -> int:
	return 1 if root_type in ("Asset", "Expense") else -1


def balance_sheet(campaign: str, company: str | None = None, to_date: str | None = None) -> BalanceSheet:
	"""Return the balance sheet of a campaign in a company.

	:param company: None: the default of Relation Settings, else the only company of the site
	:param to_date: None: today
	:raises frappe.ValidationError: no such company or campaign
	"""
	company = company_or_default(company)
	if not campaign or not frappe.db.exists("Relation Campaign", campaign):
		refuse(_("Relation Campaign {0} does not exist."), campaign or "")
	day = str(getdate(to_date or nowdate()))
	with in_unit_of(company):
		return _sheet(company, campaign, day)


def _sheet(company: str, campaign: str, day: str) -> BalanceSheet:
	books = CampaignBooks(company, campaign, day)
	result = BalanceSheet(
		company=company,
		currency=frappe.get_cached_value("Company", company, "default_currency"),
		campaign=campaign,
		to_date=day,
		state=_state(company, day),
		problems=books.problems,
	)
	lines = _Lines(books)
	for voucher, sides in books.vouchers.items():
		for account, amount in sides.items():
			if amount:
				line = lines.of(account)
				line.ours += amount
				line.vouchers[voucher] = amount
	if result.state == "on":
		_compare(result, books, lines)
	result.lines = sorted(lines.found.values(), key=lambda line: (line.number, line.account))
	known = {*books.vouchers, *result.reasons}
	result.dates = queries.dates_of(sorted(known)) if known else {}
	return result


def _state(company: str, day: str) -> str:
	if not frappe.has_permission("GL Entry", "read"):
		return "closed"
	state = dimension.state()
	return state if state != "on" or get_fiscal_years(day, company=company, boolean=True) else "no-year"


class _Lines:
	"""The lines of the accounts with an amount."""

	def __init__(self, books: CampaignBooks):
		self.accounts = books.accounts
		self.found: dict[str, AccountLine] = {}

	def of(self, account: str) -> AccountLine:
		if account not in self.found:
			row = self.accounts.get(account) or frappe._dict(root_type="Equity")
			name = _("Transferred from other campaigns or none") if account == TRANSFERS else account
			self.found[account] = AccountLine(name, row.account_number or "", row.root_type or "Equity")
		return self.found[account]


def _compare(result: BalanceSheet, books: CampaignBooks, lines: _Lines) -> None:
	"""Compare our figures with ERPNext's, and add the vouchers of each difference."""
	carried: dict[Voucher, dict[str, Decimal]] = defaultdict(dict)
	for doctype, name, account, amount in queries.carrying(result.company, result.campaign, result.to_date):
		if value := to_decimal(amount):
			carried[doctype, name][account] = value
	differing: dict[Voucher, dict[str, Decimal]] = defaultdict(dict)
	for voucher in {*books.vouchers, *carried}:
		ours, theirs = books.vouchers.get(voucher, {}), carried.get(voucher, {})
		for account in {*ours, *theirs}:
			if rest := ours.get(account, ZERO) - theirs.get(account, ZERO):
				differing[voucher][account] = rest
	result.reasons = reasons(result.campaign, sorted(differing), set(books.vouchers), books.shared)
	ledger: dict[str, Decimal] = defaultdict(lambda: ZERO)
	for sides in carried.values():
		for account, amount in sides.items():
			ledger[account] += amount
	sheet = erpnext_sheet(result.company, result.campaign, result.to_date)
	for account in {*ledger, *sheet}:
		lines.of(account)
	for account, line in lines.found.items():
		own_rows = ledger.get(account, ZERO)
		line.theirs = own_rows if line.root_type in PROFIT else sheet.get(account, ZERO)
		if rest := own_rows - line.theirs:
			line.differences.append(Difference("report", {("Account", account): rest}))
	for voucher in sorted(differing):
		for account, rest in differing[voucher].items():
			_add(lines.of(account), result.reasons[voucher], voucher, rest)


def _add(line: AccountLine, code: str, voucher: Voucher, rest: Decimal) -> None:
	found = next((difference for difference in line.differences if difference.code == code), None)
	if not found:
		found = Difference(code)
		line.differences.append(found)
	found.vouchers[voucher] = rest


def erpnext_sheet(company: str, campaign: str, to_date: str) -> dict[str, Decimal]:
	"""Return account → debit − credit in ERPNext's own report Balance Sheet, filtered by the campaign.

	:raises erpnext.accounts.utils.FiscalYearError: no fiscal year of the company contains the date
	"""
	filters = frappe._dict(
		company=company,
		filter_based_on="Date Range",
		period_start_date=getdate(get_fiscal_year(to_date, company=company)[1]),
		period_end_date=getdate(to_date),
		periodicity="Yearly",
		accumulated_values=1,
		include_default_book_entries=1,
		**{dimension.FIELDNAME: [campaign]},
	)
	names = {}
	roots = {}
	for row in frappe.get_all(
		"Account", {"company": company, "is_group": 0}, ["name", "root_type"], order_by="name asc"
	):
		names[_(row.name)] = row.name  # the report translates them
		roots[row.name] = row.root_type
	result = {}
	for row in erpnext_report(filters)[1]:
		account = names.get(row.get("account"))
		if account and (amount := to_decimal(row.get("total"))):
			result[account] = _sign(roots[account]) * amount
	return result

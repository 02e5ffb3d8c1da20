"""Define the parts of a statement: figures of campaigns, rows of accounts, and vouchers that differ.

Writes nothing.

The classes also compute the difference between statement and ledger. Amounts are in the company's currency.
The module `statement` says where they come from.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from crm_relations.ledger.statements.splitting import ZERO
from crm_relations.shared.money import decimals, to_string

#: of a campaign, in addition to the figures of the statement
DETAILS = (
	"direct",
	"by_rule",
	"discounts",
	"cost_of_goods",
	"margin",
	"campaign_cost",
	"return_percent",
	"receivable_overdue",
	"cash_discounts",
	"write_offs",
	"exchange_difference",
	"settled_income",
)
#: the owners of an amount in the ledger
LEDGER_COMPONENTS = ("campaigns", "other_campaigns", "not_attributed", "not_in_selection")
#: the amounts of a `LedgerRow`, in the order of reading
AMOUNTS_OF_LEDGER = (*LEDGER_COMPONENTS, "ledger", "difference")


@dataclass
class CampaignFigures:
	"""A line of the statement; amounts in the company's currency."""

	campaign: str
	revenue: Decimal = ZERO
	credit_notes: Decimal = ZERO
	tax: Decimal = ZERO
	receivable_open: Decimal = ZERO
	cash_received: Decimal = ZERO
	#: part of revenue and credit notes that a rule attributed; the rest was attributed by document flow
	by_rule: Decimal = ZERO
	discounts: Decimal = ZERO  #: reductions of the lines' prices
	cost_of_goods: Decimal = ZERO
	campaign_cost: Decimal | None = None  #: None: the ledger carries no campaigns
	receivable_overdue: Decimal = ZERO
	cash_discounts: Decimal = (
		ZERO  #: cash discounts booked by settlements; a discount that we grant is positive
	)
	write_offs: Decimal = ZERO  #: other costs booked by settlements: write-offs, bank charges
	exchange_difference: Decimal = ZERO  #: gain > 0
	#: part of write-offs and exchange differences on income accounts; a gain is positive
	settled_income: Decimal = ZERO

	@property
	def income(self) -> Decimal:
		"""Return the campaign's amount on income accounts."""
		return self.revenue + self.credit_notes + self.settled_income

	@property
	def margin(self) -> Decimal:
		"""Return revenue less credit notes and cost of goods sold."""
		return self.revenue + self.credit_notes - self.cost_of_goods

	@property
	def return_percent(self) -> Decimal | None:
		"""Return the return on the campaign's cost: (margin − cost) ÷ cost × 100; None without a cost."""
		if not self.campaign_cost:
			return None
		return (self.margin - self.campaign_cost) / self.campaign_cost * 100

	@property
	def direct(self) -> Decimal:
		return self.revenue + self.credit_notes - self.by_rule

	def detail(self) -> dict[str, str | None]:
		"""Return the additional figures of the statement; None where a figure is not known."""
		values = {name: getattr(self, name) for name in DETAILS}
		amounts = {name: None if value is None else to_string(value) for name, value in values.items()}
		return {"campaign": self.campaign, **amounts}

	def as_dict(self) -> dict[str, str]:
		amounts = ("revenue", "credit_notes", "tax", "receivable_open", "cash_received")
		return {"campaign": self.campaign, **{name: to_string(getattr(self, name)) for name in amounts}}


@dataclass
class AccountRow:
	"""A campaign's postings on an account in the period."""

	campaign: str
	account: str
	account_number: str
	root_type: str
	debit: Decimal = ZERO
	credit: Decimal = ZERO

	def as_dict(self) -> dict[str, str]:
		return {
			"campaign": self.campaign,
			"account": self.account,
			"account_number": self.account_number,
			"root_type": self.root_type,
			"debit": to_string(self.debit),
			"credit": to_string(self.credit),
		}


@dataclass
class LedgerRow:
	"""An account of the ledger in the period, and the owners of its amounts.

	Each amount is debit less credit. `campaigns` are those that were asked for.
	"""

	account: str
	account_number: str
	root_type: str
	ledger: Decimal = ZERO
	campaigns: Decimal = ZERO
	other_campaigns: Decimal = ZERO
	not_attributed: Decimal = ZERO
	not_in_selection: Decimal = ZERO

	@property
	def difference(self) -> Decimal:
		"""Return ledger − statement; any value other than 0.00 is an error."""
		return self.ledger - sum((getattr(self, name) for name in LEDGER_COMPONENTS), ZERO)

	def as_dict(self) -> dict[str, str]:
		return {
			"account": self.account,
			"account_number": self.account_number,
			"root_type": self.root_type,
			**{name: to_string(getattr(self, name)) for name in AMOUNTS_OF_LEDGER},
		}


@dataclass
class Problem:
	"""A voucher with an attribution that differs from its income in the ledger."""

	voucher_type: str
	voucher_no: str
	account: str
	difference: Decimal

	def as_dict(self) -> dict[str, str]:
		return {
			"voucher_type": self.voucher_type,
			"voucher_no": self.voucher_no,
			"account": self.account,
			"difference": to_string(self.difference),
		}


@dataclass
class Reversal:
	"""A cancelled invoice that an immutable ledger keeps on its day and reverses on another."""

	voucher_no: str
	posting_date: Any
	reversed_on: Any

	def as_dict(self) -> dict[str, str]:
		return {name: str(value) for name, value in vars(self).items()}


@dataclass
class Statement:
	"""The figures of a company and period. `other_campaigns` sums the campaigns that were not asked for."""

	company: str
	currency: str
	from_date: str | None
	to_date: str
	campaigns: list[CampaignFigures] = field(default_factory=list)
	accounts: list[AccountRow] = field(default_factory=list)
	ledger: list[LedgerRow] = field(default_factory=list)  #: every account with postings
	problems: list[Problem] = field(default_factory=list)
	not_attributed: Decimal = ZERO
	other_campaigns: Decimal = ZERO
	ledger_income: Decimal = ZERO
	not_in_selection: Decimal = ZERO  #: income outside of the sales person or segment asked for
	salesperson: str | None = None
	segment: str | None = None
	reversals: list[Reversal] = field(default_factory=list)
	decimals: int = 2  #: number of decimals in the ledger of the company

	@property
	def attributed(self) -> Decimal:
		return sum((row.revenue + row.credit_notes for row in self.campaigns), ZERO)

	@property
	def settled_income(self) -> Decimal:
		"""Return the amount that settlements of the campaigns' invoices book on income accounts."""
		return sum((row.settled_income for row in self.campaigns), ZERO)

	@property
	def explained(self) -> Decimal:
		"""Return the income that belongs to a campaign, or that is known to have none."""
		of_campaigns = self.attributed + self.settled_income + self.other_campaigns
		return of_campaigns + self.not_attributed + self.not_in_selection

	@property
	def income_difference(self) -> Decimal:
		"""Return ledger − statement, of the income."""
		return self.ledger_income - self.explained

	@property
	def difference(self) -> Decimal:
		"""Return the difference of the income or, if that is 0.00, of the account that differs most.

		Any value other than 0.00 is an error.
		"""
		by_account = (row.difference for row in self.ledger)
		return self.income_difference or max(by_account, key=abs, default=ZERO)

	def as_dict(self) -> dict[str, Any]:
		"""Return the amounts as decimal strings."""
		with decimals(self.decimals):
			return self._as_dict()

	def _as_dict(self) -> dict[str, Any]:
		return {
			"company": self.company,
			"currency": self.currency,
			"from_date": self.from_date,
			"to_date": self.to_date,
			"salesperson": self.salesperson,
			"segment": self.segment,
			"campaigns": [row.as_dict() for row in self.campaigns],
			"other_campaigns": to_string(self.other_campaigns),
			"settled_income": to_string(self.settled_income),
			"not_attributed": to_string(self.not_attributed),
			"not_in_selection": to_string(self.not_in_selection),
			"ledger_income": to_string(self.ledger_income),
			"difference": to_string(self.difference),
			"details": [row.detail() for row in self.campaigns],
			"accounts": [row.as_dict() for row in self.accounts],
			"ledger": [row.as_dict() for row in self.ledger],
			"problems": [row.as_dict() for row in self.problems],
			"reversals": [row.as_dict() for row in self.reversals],
		}

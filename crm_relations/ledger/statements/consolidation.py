"""Combine the statements of several companies in one currency. Writes nothing.

Each company's statement is built and checked by itself, in its own currency. Every figure is then divided by ERPNext's
exchange rate for the last day of the period, and rounded to the cent. The rate is that of `get_exchange_rate`, as in
ERPNext's own Consolidated Financial Statement: the Currency Exchange of that day, or the last one before it. Rounding
differences are shown as `rounding`, never hidden in another figure. Sales between the companies are not eliminated, as
ERPNext does not eliminate them either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from decimal import ROUND_UP, Decimal
from typing import Any

import frappe
from erpnext.setup.utils import get_exchange_rate
from frappe import _

from crm_relations.ledger.statements.figures import CampaignFigures, Statement
from crm_relations.ledger.statements.splitting import ZERO
from crm_relations.ledger.statements.statement import company_or_default, statement
from crm_relations.shared.money import CENT, to_decimal, to_string
from crm_relations.shared.refusals import refuse

#: figures of a campaign that are amounts
AMOUNTS = tuple(each.name for each in fields(CampaignFigures) if each.name != "campaign")


@dataclass
class Part:
	"""The statement of one company, with its exchange rate.

	The rate is the price of one unit of the presentation currency in the company's currency.
	"""

	statement: Statement
	rate: Decimal

	def convert(self, amount: Decimal | None) -> Decimal:
		return to_decimal((amount or ZERO) / self.rate)


@dataclass
class Consolidated(Statement):
	"""The sum of the statements of several companies.

	`parts` has their accounts, in the companies' currencies.
	"""

	parts: list[Part] = field(default_factory=list)

	@property
	def difference(self) -> Decimal:
		"""Return the difference between the companies' statements and their ledgers.

		If the differences cancel each other, return the largest one. The result is 0.00 only if none of the
		companies differs.
		"""
		found = self._converted([part.statement.difference for part in self.parts])
		return sum(found, ZERO) or max(found, key=abs, default=ZERO)

	@property
	def rounding(self) -> Decimal:
		"""Return the rounding difference that arises because each figure is converted by itself."""
		of_companies = self._converted([part.statement.income_difference for part in self.parts])
		return self.income_difference - sum(of_companies, ZERO)

	def _converted(self, differences: Sequence[Decimal]) -> list[Decimal]:
		"""Return the companies' differences in the presentation currency; none becomes 0.00 by rounding."""
		return [
			(amount / part.rate).quantize(CENT, ROUND_UP)
			for amount, part in zip(differences, self.parts, strict=True)
		]

	@property
	def basis(self) -> list[str]:
		"""Return the exchange rate that was used for each company, in words."""
		rate = _("{0}: 1 {1} = {2} {3}, ERPNext's exchange rate of {4} (closing date)")
		own = _("{0}: in {1}, as in its ledger")
		return [
			own.format(part.statement.company, part.statement.currency)
			if part.statement.currency == self.currency
			else rate.format(
				part.statement.company,
				self.currency,
				frappe.format(float(part.rate), {"fieldtype": "Float", "precision": 6}),
				part.statement.currency,
				frappe.utils.formatdate(self.to_date),
			)
			for part in self.parts
		]

	def as_dict(self) -> dict[str, Any]:
		"""Return the dict of a single company with further keys.

		These are `consolidated`, `rounding`, `rates` and `companies` (each company's statement).
		"""
		return {
			**super().as_dict(),
			"consolidated": True,
			"rounding": to_string(self.rounding),
			"rates": [
				{
					"company": part.statement.company,
					"currency": part.statement.currency,
					"rate": str(part.rate),
					"date": self.to_date,
				}
				for part in self.parts
			],
			"companies": [part.statement.as_dict() for part in self.parts],
		}


def consolidated(
	company: str | None = None,
	campaigns: Sequence[str] | str | None = None,
	from_date: str | None = None,
	to_date: str | None = None,
	salesperson: str | None = None,
	segment: str | None = None,
	currency: str | None = None,
) -> Consolidated:
	"""Return the statement of a company and of all companies below it.

	Without a company, all companies of the site are included.

	:param currency: presentation currency; None: the company's reporting currency (version 16), else its
		own. Other parameters as of `statement.statement`
	:raises frappe.ValidationError: a company has no exchange rate, or the companies have several
		currencies and none is named
	"""
	names = companies(company)
	currency = presentation_currency(company, names, currency)
	parts = []
	for name in names:
		own = statement(name, campaigns, from_date, to_date, salesperson, segment)
		parts.append(Part(own, _rate(own, currency)))
	return _sum(parts, currency, company)


def companies(company: str | None) -> list[str]:
	"""Return the company and those below it in the company tree, in the tree's order.

	Without an argument, return all companies.
	"""
	filters = {}
	if company:
		company_or_default(company)  # refuses a company that does not exist
		left, right = frappe.db.get_value("Company", company, ["lft", "rgt"])
		filters = {"lft": [">=", left], "rgt": ["<=", right]}
	return frappe.get_all("Company", filters=filters, pluck="name", order_by="lft asc, name asc")


def presentation_currency(company: str | None, names: Sequence[str], currency: str | None) -> str:
	"""Return the currency asked for, else that of the company at the head of the tree."""
	if currency:
		if not frappe.db.exists("Currency", currency):
			refuse(_("Currency {0} does not exist."), currency)
		return currency
	head = company or frappe.db.get_single_value("Relation Settings", "default_company")
	if not head:
		own = {frappe.get_cached_value("Company", name, "default_currency") for name in names}
		if len(own) != 1:
			frappe.throw(
				_("The companies have several currencies. Name a presentation currency, or a company."),
			)
		return own.pop()
	row = frappe.get_cached_doc("Company", head)
	return row.get("reporting_currency") or row.default_currency


def _rate(own: Statement, currency: str) -> Decimal:
	if own.currency == currency:
		return Decimal(1)
	rate = Decimal(str(get_exchange_rate(currency, own.currency, own.to_date) or 0))
	if not rate:
		text = _("The exchange rate from {0} to {1} on {2} is missing. Enter it as Currency Exchange.")
		refuse(text, currency, own.currency, frappe.utils.formatdate(own.to_date))
	return rate


def _sum(parts: list[Part], currency: str, company: str | None) -> Consolidated:
	first = parts[0].statement
	figures: dict[str, CampaignFigures] = {}
	for part in parts:
		for row in part.statement.campaigns:
			total = figures.setdefault(row.campaign, CampaignFigures(row.campaign))
			for name in AMOUNTS:
				if getattr(row, name) is not None:
					setattr(total, name, (getattr(total, name) or ZERO) + part.convert(getattr(row, name)))
	result = Consolidated(
		company=company or _("All companies"),
		currency=currency,
		from_date=first.from_date,
		to_date=first.to_date,
		campaigns=list(figures.values()),
		problems=[problem for part in parts for problem in part.statement.problems],
		salesperson=first.salesperson,
		segment=first.segment,
		parts=parts,
	)
	for name in ("not_attributed", "other_campaigns", "not_in_selection", "ledger_income"):
		setattr(result, name, sum((part.convert(getattr(part.statement, name)) for part in parts), ZERO))
	return result

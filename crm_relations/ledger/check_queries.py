"""Read the ledger, the payment ledger and accounts for `relations check`. Writes nothing."""

from dataclasses import dataclass
from decimal import Decimal

import frappe
from frappe.query_builder.functions import Abs, Sum

from crm_relations.ledger.german_charts import as_number
from crm_relations.ledger.precision import half_a_unit, in_its_unit


@dataclass(frozen=True)
class Numbered:
	"""A leaf account with its number, or with that of the nearest group above it that has one."""

	number: int | None
	own: bool
	account_type: str

	def is_own(self, number: int) -> bool:
		return self.own and self.number == number


def numbered_accounts(company: str) -> dict[str, Numbered]:
	"""Return all accounts of a company that can be posted to, by name, in the order of their numbers."""
	rows = frappe.get_all(
		"Account",
		filters={"company": company},
		fields=["name", "account_number", "parent_account", "is_group", "disabled", "account_type"],
		order_by="account_number asc, name asc",
	)
	by_name = {row.name: row for row in rows}
	found = {}
	for row in rows:
		if row.is_group or row.disabled:
			continue
		number, above = as_number(row.account_number), by_name.get(row.parent_account)
		own = number is not None
		while number is None and above:
			number, above = as_number(above.account_number), by_name.get(above.parent_account)
		found[row.name] = Numbered(number, own, row.account_type or "")
	return found


@in_its_unit
def receivables_outside_assets(company: str) -> list[tuple]:
	"""Return (account, root type, balance) of receivable accounts that are not assets.

	A balance sheet shows them elsewhere.
	"""
	account = frappe.qb.DocType("Account")
	ple = frappe.qb.DocType("Payment Ledger Entry")
	return (
		frappe.qb.from_(ple)
		.join(account)
		.on(account.name == ple.account)
		.select(ple.account, account.root_type, Sum(ple.amount))
		.where((ple.company == company) & (ple.delinked == 0) & (ple.account_type == "Receivable"))
		.where(account.root_type != "Asset")
		.groupby(ple.account, account.root_type)
		.having(Abs(Sum(ple.amount)) >= half_a_unit())
		.orderby(ple.account)
		.run()
	)


@in_its_unit
def receivables_unlike_ledger(company: str) -> list[tuple[str, Decimal]]:
	"""Return (account, ledger − payment ledger) where the two disagree on a receivable."""
	account = frappe.qb.DocType("Account")
	ple = frappe.qb.DocType("Payment Ledger Entry")
	gle = frappe.qb.DocType("GL Entry")
	of_company = (account.company == company) & (account.account_type == "Receivable")
	names = frappe.qb.from_(account).select(account.name).where(of_company)
	ledger = (
		frappe.qb.from_(gle)
		.select(gle.account, (gle.debit - gle.credit).as_("amount"))
		.where((gle.company == company) & (gle.is_cancelled == 0) & gle.account.isin(names))
	)
	payments = (
		frappe.qb.from_(ple)
		.select(ple.account, (0 - ple.amount).as_("amount"))
		.where((ple.company == company) & (ple.delinked == 0) & (ple.account_type == "Receivable"))
	)
	both = ledger.union_all(payments).as_("both")
	return (
		frappe.qb.from_(both)
		.select(both.account, Sum(both.amount))
		.groupby(both.account)
		.having(Abs(Sum(both.amount)) >= half_a_unit())
		.orderby(both.account)
		.run()
	)

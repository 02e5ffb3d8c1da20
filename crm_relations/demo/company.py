"""Set up a German company on SKR04 with correct default accounts.

ERPNext's chart leads to wrong defaults: payables on 3500 (other liabilities), expenses on 6990 (cost of
production), depreciation on 7200 (financial assets), and in releases of 15 receivables on 3250 (advances
received, a liability). `correct_accounts` sets what a German bookkeeper expects: receivables on 1200,
payables on 3300, revenue on 4400, purchases on 5200, depreciation of tangible assets on 6220, output VAT on
3806, bank on 1800.
"""

from typing import Any

import frappe
from frappe import _
from frappe.utils import getdate, nowdate

from crm_relations.shared.refusals import refuse

CHART = "SKR04 mit Kontonummern"
COMPANY = "Rheinland Technik GmbH"
ABBR = "RT"

RECEIVABLE, PAYABLE, REVENUE, OUTPUT_VAT, BANK = "1200", "3300", "4400", "3806", "1800"
#: the leaf account that is created if 3300 is a group: the next number of the same kind in SKR04
PAYABLE_LEAF = ("3301", "Verbindlichkeiten aus Lieferungen und Leistungen")
#: field of the company, account, and the account type that it needs
DEFAULTS = (
	("default_cash_account", "1600", "Cash"),
	# without automatic VAT, which 5400 has in German programs: ERPNext takes the tax from the invoice's tax table
	("default_expense_account", "5200", "Cost of Goods Sold"),
	("depreciation_expense_account", "6220", "Depreciation"),
	("accumulated_depreciation_account", "0409", "Accumulated Depreciation"),
	("round_off_account", "6300", None),
	("write_off_account", "6930", None),
	("exchange_gain_loss_account", "6880", None),
)
VAT_RATE = 19.0


def complete_setup(
	company: str = COMPANY, abbr: str = ABBR, language: str = "English", email: str = "admin@example.com"
) -> str:
	"""Run ERPNext's setup wizard for a German company if it has not been run, and correct the accounts.

	:return: the company's name. A site that is set up already gets an additional company of that name.
	"""
	year = getdate(nowdate()).year
	if not frappe.db.exists("Company", company):
		if frappe.db.count("Company"):
			_insert_company(company, abbr)
		else:
			from frappe.desk.page.setup_wizard.setup_wizard import setup_complete

			setup_complete(
				{
					"currency": "EUR",
					"full_name": "Demo Admin",
					"email": email,
					"password": frappe.generate_hash(length=20),
					"company_name": company,
					"company_abbr": abbr,
					"timezone": "Europe/Berlin",
					"country": "Germany",
					"fy_start_date": f"{year}-01-01",
					"fy_end_date": f"{year}-12-31",
					"language": language,
					"chart_of_accounts": CHART,
					"domain": "Services",
				}
			)
	correct_accounts(company)
	frappe.db.commit()
	return company


def _insert_company(company: str, abbr: str) -> None:
	frappe.get_doc(
		{
			"doctype": "Company",
			"company_name": company,
			"abbr": abbr,
			"default_currency": "EUR",
			"country": "Germany",
			"chart_of_accounts": CHART,
			"create_chart_of_accounts_based_on": "Standard Template",
		}
	).insert(ignore_permissions=True)


def account(company: str, number: str) -> str | None:
	"""Return the name of the company's leaf account with that number."""
	return frappe.db.get_value("Account", {"company": company, "account_number": number, "is_group": 0})


def correct_accounts(company: str) -> dict[str, str]:
	"""Set the default accounts of a company on SKR04; safe to run again.

	:return: company field → account that it holds now
	:raises frappe.ValidationError: the company's chart lacks one of 1200, 3300, 4400, 3806, 1800
	"""
	receivable = _receivable_leaf(company)
	found: dict[str, str] = {"receivable": receivable}
	for key, number in (("revenue", REVENUE), ("vat", OUTPUT_VAT), ("bank", BANK)):
		name = account(company, number)
		if not name:
			refuse(
				_("The chart of accounts of {0} has no account {1}. Use the chart {2} for it."),
				company,
				number,
				CHART,
			)
		found[key] = name
	_set_type(found["revenue"], "Income Account")
	_set_type(found["vat"], "Tax")
	_set_type(found["bank"], "Bank")
	values = {
		"default_receivable_account": receivable,
		"default_payable_account": _payable_leaf(company),
		"default_income_account": found["revenue"],
		"default_bank_account": found["bank"],
	}
	for field, number, account_type in DEFAULTS:
		if name := account(company, number):
			values[field] = name
			if account_type:
				_set_type(name, account_type)
	frappe.db.set_value("Company", company, values)
	frappe.clear_document_cache("Company", company)
	_set_bank_of_payment_modes(company, found["bank"])
	_set_sales_tax(company, found["vat"])
	return values


def _receivable_leaf(company: str) -> str:
	"""Return the leaf of 1200: itself in version 16; a new leaf below the group 1200 in version 15."""
	leaf = account(company, RECEIVABLE)
	if not leaf:
		group = frappe.db.get_value(
			"Account",
			{"company": company, "account_number": RECEIVABLE, "is_group": 1},
			["name", "parent_account"],
			as_dict=True,
		)
		if not group:
			refuse(_("The chart of accounts of {0} has no account {1}."), company, RECEIVABLE)
		if not frappe.db.exists("Account", {"parent_account": group.name}):
			# an empty group that ought to be a leaf: convert it, it keeps its number
			doc = frappe.get_doc("Account", group.name)
			doc.convert_group_to_ledger()
			leaf = group.name
		else:
			leaf = frappe.db.get_value(
				"Account", {"parent_account": group.name, "is_group": 0, "account_type": "Receivable"}
			)
	_set_type(leaf, "Receivable")
	return leaf


def _payable_leaf(company: str) -> str:
	"""Return the leaf of 3300: itself in version 16; in version 15 a leaf below the group 3300, created if it
	is missing.

	The group there already holds one account, which is for goods received and not for suppliers.
	"""
	leaf = account(company, PAYABLE)
	if not leaf:
		group = frappe.db.get_value(
			"Account", {"company": company, "account_number": PAYABLE, "is_group": 1}, "name"
		)
		if not group:
			refuse(_("The chart of accounts of {0} has no account {1}."), company, PAYABLE)
		leaf = frappe.db.get_value(
			"Account", {"parent_account": group, "is_group": 0, "account_type": "Payable"}, "name"
		)
		if not leaf:
			number, title = PAYABLE_LEAF
			doc = frappe.new_doc("Account")
			doc.update(
				{
					"account_name": title,
					"account_number": number,
					"parent_account": group,
					"company": company,
					"account_type": "Payable",
				}
			)
			leaf = doc.insert(ignore_permissions=True).name
	_set_type(leaf, "Payable")
	return leaf


def _set_type(name: str, account_type: str) -> None:
	if frappe.db.get_value("Account", name, "account_type") != account_type:
		frappe.db.set_value("Account", name, "account_type", account_type)
		frappe.clear_document_cache("Account", name)


def _set_bank_of_payment_modes(company: str, bank: str) -> None:
	for mode in frappe.get_all(
		"Mode of Payment", filters={"type": "Bank"}, pluck="name", order_by="name asc"
	):
		doc = frappe.get_doc("Mode of Payment", mode)
		row: Any = next((r for r in doc.accounts if r.company == company), None)
		if row and row.default_account == bank:
			continue
		if row:
			row.default_account = bank
		else:
			doc.append("accounts", {"company": company, "default_account": bank})
		doc.save(ignore_permissions=True)


def _set_sales_tax(company: str, vat: str) -> str:
	"""Set one default sales tax template of 19 % on the output VAT account."""
	title = "Umsatzsteuer 19 %"
	name = frappe.db.get_value("Sales Taxes and Charges Template", {"company": company, "title": title})
	if not name:
		frappe.db.set_value(
			"Sales Taxes and Charges Template", {"company": company, "is_default": 1}, "is_default", 0
		)
		name = (
			frappe.get_doc(
				{
					"doctype": "Sales Taxes and Charges Template",
					"title": title,
					"company": company,
					"is_default": 1,
					"taxes": [
						{
							"charge_type": "On Net Total",
							"account_head": vat,
							"rate": VAT_RATE,
							"description": "Umsatzsteuer 19 %",
						}
					],
				}
			)
			.insert(ignore_permissions=True)
			.name
		)
	return name

"""Test default accounts on SKR03 and SKR04: ERPNext's wrong ones are found, and the demo sets the right ones."""

import frappe
import pytest

from crm_relations.demo.company import COMPANY, correct_accounts
from crm_relations.ledger import checks
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site

#: field of the company → its account's number, as a German bookkeeper expects it on SKR04
RIGHT = {
	"default_receivable_account": "1200",
	"default_payable_account": "3301",
	"default_income_account": "4400",
	"default_expense_account": "5200",
	"depreciation_expense_account": "6220",
	"accumulated_depreciation_account": "0409",
	"default_bank_account": "1800",
	"default_cash_account": "1600",
}


def company_on(chart: str) -> str:
	title = factories.unique("Bilanz")
	return factories.insert(
		"Company",
		company_name=title,
		abbr=title[-5:],
		default_currency="EUR",
		country="Germany",
		chart_of_accounts=chart,
		create_chart_of_accounts_based_on="Standard Template",
	).name


def misplaced(company: str) -> dict[str, checks.Finding]:
	"""Return the finding of the check for each field of the company."""
	ends = "-chart"
	return {
		finding.code.removesuffix(ends).replace("-", "_"): finding
		for finding in checks.findings()
		if finding.code.endswith(ends) and finding.message.startswith(f"{company}: ")
	}


def test_a_new_company_on_skr04_is_told_what_erpnext_chose_wrong_and_the_demo_corrects_it():
	company = company_on("SKR04 mit Kontonummern")
	found = misplaced(company)
	assert {
		"default_payable_account",
		"default_income_account",
		"default_expense_account",
		"depreciation_expense_account",
	} <= set(found)
	assert "3500" in found["default_payable_account"].message
	assert "3300–3349" in found["default_payable_account"].message
	assert "choose for example 5200" in found["default_expense_account"].remedy
	assert "choose for example 6220" in found["depreciation_expense_account"].remedy
	suggested = found["default_payable_account"].remedy.split("for example ")[1].split(" - ")[0]
	kind = frappe.db.get_value("Account", {"company": company, "account_number": suggested}, "account_type")
	says = "Set its Account Type to Payable first." in found["default_payable_account"].remedy
	assert says == (kind != "Payable")
	assert {finding.level for finding in found.values()} == {"warning"}
	correct_accounts(company)
	assert misplaced(company) == {}
	for field, number in RIGHT.items():
		name = frappe.db.get_value("Company", company, field)
		account = frappe.db.get_value(
			"Account", name, ["account_number", "parent_account", "is_group", "account_type"], as_dict=True
		)
		group = frappe.db.get_value("Account", account.parent_account, "account_number")
		# in version 16, 3300 is the leaf itself
		assert number == account.account_number or (number, account.account_number) == ("3301", "3300"), field
		if account.account_number == "3301":
			assert (group, account.account_type) == ("3300", "Payable")
		assert not account.is_group
	first = frappe.db.get_value("Company", company, "default_payable_account")
	correct_accounts(company)
	assert frappe.db.get_value("Company", company, "default_payable_account") == first


def test_an_invoice_of_a_supplier_stands_on_trade_payables():
	correct_accounts(COMPANY)
	group = frappe.db.get_value("Supplier Group", {"is_group": 0})
	invoice = frappe.new_doc("Purchase Invoice")
	invoice.update(
		{
			"company": COMPANY,
			"supplier": factories.insert(
				"Supplier", supplier_name=factories.unique("Lieferant"), supplier_group=group
			).name,
			"bill_no": factories.unique("R"),
		}
	)
	invoice.append("items", {"item_name": "Ware", "description": "Ware", "qty": 1, "rate": 100, "uom": "Nos"})
	invoice.set_missing_values()
	invoice.items[0].expense_account = frappe.db.get_value("Company", COMPANY, "default_expense_account")
	invoice.insert().submit()
	rows = frappe.get_all("GL Entry", {"voucher_no": invoice.name}, ["account", "credit", "debit"])
	assert {row.account.split(" - ")[0]: row.credit - row.debit for row in rows} == {
		"3301": 100,
		"5200": -100,
	}


def test_a_new_company_on_skr03_is_told_what_erpnext_chose_wrong():
	company = company_on("SKR03 mit Kontonummern")
	found = misplaced(company)
	assert "1740" in found["default_payable_account"].message
	assert "choose for example 1610" in found["default_payable_account"].remedy
	assert "4996" in found["default_expense_account"].message
	for field, finding in found.items():
		assert finding.remedy.startswith(f"Open Company {company}, tab Accounts"), field
	payable = frappe.db.get_value("Account", {"company": company, "account_number": "1610"})
	frappe.db.set_value("Company", company, "default_payable_account", payable)
	assert "default_payable_account" not in misplaced(company)


def test_a_company_on_another_chart_is_not_judged_by_german_numbers():
	wrong = frappe.db.get_value("Account", {"company": COMPANY, "account_number": "3500"})
	frappe.db.set_value("Company", COMPANY, "default_payable_account", wrong)
	assert set(misplaced(COMPANY)) == {"default_payable_account"}
	frappe.db.set_value("Company", COMPANY, "chart_of_accounts", "Standard with Numbers")
	assert misplaced(COMPANY) == {}

"""Test the accounting findings of `relations check`: each fault is made, found, and fixed by its remedy.

The findings about the dimension are in test_dimension.py, because those tests change tables.
"""

import frappe
import pytest
from frappe.utils import add_days, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger import checks
from crm_relations.ledger.attributions import attribution
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, sell
from crm_relations.tests.support.machine.commits import held_back

pytestmark = pytest.mark.site

REBUILD = "button Rebuild Attribution"


def found(code: str) -> list:
	"""Return the findings with this code that concern the company, or all companies."""
	return [
		finding
		for finding in checks.findings()
		if finding.code == code and (COMPANY in finding.message or code == "attribution-off")
	]


def rebuild() -> None:
	"""Run the rebuild that the button queues."""
	with held_back():
		attribution.rebuild()


def a_group(root_type: str) -> str:
	return frappe.db.get_value(
		"Account",
		{"company": COMPANY, "root_type": root_type, "is_group": 1, "parent_account": ["is", "set"]},
	)


def a_disabled(root_type: str, account_type: str) -> str:
	return factories.insert(
		"Account",
		account_name=factories.unique("Stillgelegt"),
		parent_account=a_group(root_type),
		company=COMPANY,
		account_type=account_type,
		disabled=1,
	).name


#: code, field of the company, what is wrong there
ACCOUNTS = (
	("default-receivable-account-missing", "default_receivable_account", lambda: None),
	("default-receivable-account-unusable", "default_receivable_account", lambda: a_group("Asset")),
	("default-receivable-account-root-type", "default_receivable_account", lambda: account(COMPANY, "3250")),
	("default-receivable-account-type", "default_receivable_account", lambda: account(COMPANY, "1800")),
	("default-income-account-missing", "default_income_account", lambda: None),
	("default-income-account-unusable", "default_income_account", lambda: a_group("Income")),
	("default-income-account-root-type", "default_income_account", lambda: account(COMPANY, "1800")),
	("default-bank-account-missing", "default_bank_account", lambda: None),
	("default-bank-account-unusable", "default_bank_account", lambda: a_disabled("Asset", "Bank")),
	("default-bank-account-type", "default_bank_account", lambda: account(COMPANY, "1200")),
)


@pytest.mark.parametrize(("code", "field", "wrong"), ACCOUNTS, ids=[row[0] for row in ACCOUNTS])
def test_a_wrong_default_account_is_found_and_mended_in_the_company(code, field, wrong):
	right, value = frappe.db.get_value("Company", COMPANY, field), wrong()
	assert value != right
	assert not found(code)
	frappe.db.set_value("Company", COMPANY, field, value)
	(finding,) = found(code)
	level = "warning" if code == "default-bank-account-missing" else "error"
	assert finding.level == level and (not value or value in finding.message)
	assert finding.remedy == f"Open Company {COMPANY}, tab Accounts, and choose another account."
	company = frappe.get_doc("Company", COMPANY)
	company.set(field, right)
	company.save()
	assert not found(code)


@pytest.fixture
def story():
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	invoice = sell(factories.customer().name, [(spring, 100), (autumn, 200)])
	row = frappe.db.get_value("Relation Attribution", {"voucher_no": invoice.name, "campaign": spring})
	return frappe._dict(spring=spring, autumn=autumn, invoice=invoice, row=row)


FAULTS = {
	"another amount": lambda story: {"amount": 99.99},
	"another share": lambda story: {"share": 0.5},
	"another date": lambda story: {"posting_date": add_days(nowdate(), -1)},
	"another campaign": lambda story: {"campaign": campaign("Winter")},
	"a line that is not there": lambda story: {"voucher_detail_no": "no line"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_attribution_unlike_its_invoice_is_found_and_mended_by_the_button(story, fault):
	assert not found("attribution-unequal")
	frappe.db.set_value("Relation Attribution", story.row, FAULTS[fault](story))
	(finding,) = found("attribution-unequal")
	assert finding.level == "error" and story.invoice.name in finding.message and REBUILD in finding.remedy
	rebuild()
	assert not found("attribution-unequal")


def test_an_attribution_of_a_cancelled_invoice_is_found_and_mended_by_the_button(story):
	frappe.db.set_value("Sales Invoice", story.invoice.name, "docstatus", 2)
	(finding,) = found("attribution-unequal")
	assert story.invoice.name in finding.message
	rebuild()
	assert not found("attribution-unequal")


def test_a_line_without_its_row_is_found_and_mended_by_the_button(story):
	assert not found("attribution-missing")
	frappe.db.delete("Relation Attribution", {"name": story.row})
	(finding,) = found("attribution-missing")
	assert finding.level == "error" and story.invoice.name in finding.message and REBUILD in finding.remedy
	rebuild()
	assert not found("attribution-missing")


def test_a_switch_that_is_off_is_found_once_and_mended_in_the_settings(story):
	assert not found("attribution-off")
	frappe.db.set_single_value("Relation Settings", "attribute_invoices", 0)
	(finding,) = found("attribution-off")
	assert finding.level == "warning" and "Relation Settings" in finding.remedy
	frappe.db.delete("Relation Attribution", {"name": story.row})
	assert not found("attribution-missing")  # the row has not been requested
	settings = frappe.get_doc("Relation Settings")
	settings.attribute_invoices = 1
	settings.save()
	assert not found("attribution-off") and found("attribution-missing")


def test_a_difference_to_the_ledger_is_found_with_its_voucher_and_mended_by_the_button(story):
	assert not found("ledger-difference")
	frappe.db.set_value("Relation Attribution", story.row, "amount", 101)
	(finding,) = found("ledger-difference")
	assert finding.level == "error" and REBUILD in finding.remedy
	assert story.invoice.name in finding.message and "-1.00 EUR" in finding.message
	rebuild()
	assert not found("ledger-difference")


def test_of_many_vouchers_five_are_named_and_the_rest_is_counted():
	assert checks._names([str(number) for number in range(5)]) == "0, 1, 2, 3, 4"
	assert checks._names([str(number) for number in range(7)]) == "0, 1, 2, 3, 4 and 2 more"


def test_a_site_in_order_has_no_finding_of_the_books(story):
	assert not [finding for finding in checks.findings() if finding.level == "error"]

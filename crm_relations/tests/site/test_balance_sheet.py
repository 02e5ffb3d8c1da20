"""The balance sheet of a campaign: it balances, agrees with the statement, and says why ERPNext's own differs.

The dimension is switched on for the whole file, which commits, and put back after it.
"""

from collections import defaultdict
from decimal import Decimal

import frappe
import pytest
from frappe.utils import add_days, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger.balance_sheet import SIDES, BalanceSheet, balance_sheet
from crm_relations.ledger.statement import statement
from crm_relations.tests.site import factories
from crm_relations.tests.site.books import campaign, credit_note, journal, sell

pytestmark = pytest.mark.site

ONLY_DOCUMENTS = True


def switch(on: bool) -> None:
	settings = frappe.get_doc("Relation Settings")
	settings.campaign_dimension = int(on)
	settings.save()
	frappe.db.commit()


@pytest.fixture(autouse=True, scope="module")
def dimension_on(connection):
	before = bool(frappe.db.get_single_value("Relation Settings", "campaign_dimension"))
	if not before:
		switch(True)
	yield
	frappe.db.rollback()
	if not before:
		switch(False)


@pytest.fixture
def customer():
	return factories.customer().name


def sheet_of(name: str) -> BalanceSheet:
	"""The sheet; it balances, has no problem, agrees with the statement, and its reasons explain every cent."""
	sheet = balance_sheet(name, COMPANY)
	assert str(sheet.difference) == "0.00" and not sheet.problems
	assert_agrees_with_statement(sheet)
	if sheet.state == "on":
		for line in sheet.lines:
			explained = sum((found.amount for found in line.differences), Decimal("0.00"))
			assert line.ours - line.theirs == explained, line
	return sheet


def assert_agrees_with_statement(sheet: BalanceSheet) -> None:
	"""Accounts as the statement has them, but for the other side of the campaign's own costs, which it does not show."""
	result = statement(COMPANY, [sheet.campaign])
	figures = result.campaigns[0]
	moved = defaultdict(lambda: Decimal("0.00"))
	for row in result.accounts:
		moved[row.account] += row.debit - row.credit
	ours = {line.account: line.ours for line in sheet.lines if line.ours}
	if not figures.campaign_cost:
		assert ours == {name: amount for name, amount in moved.items() if amount}
	income = -sum(row.debit - row.credit for row in result.accounts if row.root_type in ("Income", "Expense"))
	assert sheet.profit == income - (figures.campaign_cost or 0)


def codes(sheet: BalanceSheet) -> dict[str, str]:
	"""voucher → why it differs"""
	return {name: code for (_doctype, name), code in sheet.reasons.items()}


def of(sheet: BalanceSheet, number: str):
	return next(line for line in sheet.lines if line.account == account(COMPANY, number))


def without_campaign(doc) -> None:
	"""As if it had been posted before campaigns were reported in the ledger."""
	frappe.db.set_value("GL Entry", {"voucher_no": doc.name}, "relation_campaign", None)


def test_invoice_and_payment_stand_on_both_sides_and_erpnext_shows_the_same(customer):
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100), (spring, 200)])
	factories.pay(invoice, 119)
	sheet = sheet_of(spring)
	assert (sheet.total("Asset"), sheet.total("Liability"), sheet.profit) == (357, -57, 300)
	assert [sheet.theirs(side) for side in SIDES] == [357, -57, 0]
	assert sheet.their_profit == 300
	assert not sheet.reasons and not sheet.repairable()
	shown = sheet.as_dict()
	assert [side["ours"] for side in shown["sides"]] == ["357.00", "57.00", "0.00"]
	assert [side["theirs"] for side in shown["sides"]] == ["357.00", "57.00", "0.00"]
	assert shown["profit"]["ours"] == shown["profit"]["theirs"] == shown["profit"]["of_ledger"] == "300.00"


def test_of_a_combined_invoice_each_campaign_has_its_part_and_erpnext_none(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	invoice = sell(customer, [(spring, 100), (autumn, 200), (None, 50)])
	payment = factories.pay(invoice, 200)
	credit_note(invoice, lambda row: row.rate == 200)
	for name, income, theirs in ((spring, 100, 0), (autumn, 0, -200)):  # the credit note is of autumn alone
		sheet = sheet_of(name)
		assert (sheet.profit, sheet.their_profit) == (income, theirs)
		assert codes(sheet)[invoice.name] == "several"
		assert codes(sheet)[payment.name] == "payment-several"
		assert not sheet.repairable()


def test_an_invoice_posted_before_the_switch_is_named_with_its_payment(customer):
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100)])
	payment = factories.pay(invoice)
	without_campaign(invoice)
	without_campaign(payment)
	sheet = sheet_of(spring)
	assert codes(sheet) == {invoice.name: "posted-before", payment.name: "posted-before"}
	assert sheet.repairable() == [("Payment Entry", payment.name), ("Sales Invoice", invoice.name)]
	assert sheet.their_profit == 0

"""Make and check the balance sheets of campaigns.

The dimension is on for the whole test file. Every sheet is checked when it is made.
"""

from collections import defaultdict
from decimal import Decimal

import frappe
import pytest

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger.balance_sheets.balance_sheet import BalanceSheet, balance_sheet
from crm_relations.ledger.statements.statement import statement
from crm_relations.tests.support.books.books import cents


def switch(on: bool) -> None:
	settings = frappe.get_doc("Relation Settings")
	settings.campaign_dimension = int(on)
	settings.save()
	frappe.db.commit()


@pytest.fixture(autouse=True, scope="module", name="dimension_on")
def campaigns_in_the_ledger(connection):
	before = bool(frappe.db.get_single_value("Relation Settings", "campaign_dimension"))
	if not before:
		switch(True)
	yield
	frappe.db.rollback()
	if not before:
		switch(False)


def sheet_of(name: str) -> BalanceSheet:
	"""Return the sheet after checking that it balances, agrees with the statement and explains every cent."""
	sheet = balance_sheet(name, COMPANY)
	assert sheet.difference == 0 and not sheet.problems
	assert_agrees_with_statement(sheet)
	if sheet.state == "on":
		for line in sheet.lines:
			explained = sum((found.amount for found in line.differences), Decimal("0.00"))
			assert line.ours - line.theirs == explained, line
	return sheet


def assert_agrees_with_statement(sheet: BalanceSheet) -> None:
	"""Check that the accounts agree with the statement, with both sides of the campaign's own costs."""
	result = statement(COMPANY, [sheet.campaign])
	moved = defaultdict(lambda: Decimal("0.00"))
	for row in result.accounts:
		moved[row.account] += row.debit - row.credit
	ours = {line.account: line.ours for line in sheet.lines if line.ours}
	assert ours == {name: amount for name, amount in moved.items() if amount}
	income = -sum(row.debit - row.credit for row in result.accounts if row.root_type in ("Income", "Expense"))
	assert sheet.profit == income


def codes(sheet: BalanceSheet) -> dict[str, str]:
	"""Return the reason for the difference of each voucher."""
	return {name: code for (_doctype, name), code in sheet.reasons.items()}


def of(sheet: BalanceSheet, number: str):
	return next(line for line in sheet.lines if line.account == account(COMPANY, number))


def without_campaign(doc) -> None:
	"""Remove the campaign from the posted rows, as before campaigns were reported in the ledger."""
	frappe.db.set_value("GL Entry", {"voucher_no": doc.name}, "relation_campaign", None)


@pytest.fixture(name="allowed")
def posting_anew_allowed():
	"""Return the voucher types that the company allows ERPNext to repost."""
	settings = frappe.get_doc("Repost Accounting Ledger Settings")
	settings.allowed_types = []
	for doctype in ("Sales Invoice", "Purchase Invoice", "Payment Entry", "Journal Entry"):
		settings.append("allowed_types", {"document_type": doctype, "allowed": 1})
	settings.save()


def carried(doc) -> set[str | None]:
	rows = frappe.get_all(
		"GL Entry", {"voucher_no": doc.name, "is_cancelled": 0}, ["relation_campaign"], order_by="name asc"
	)
	return {row.relation_campaign or None for row in rows}


def balances() -> dict[tuple, Decimal]:
	rows = frappe.get_all(
		"GL Entry",
		{"company": COMPANY, "is_cancelled": 0},
		["account", "party", "debit", "credit"],
		order_by="name asc",
		limit=0,
	)
	result: dict[tuple, Decimal] = defaultdict(lambda: Decimal("0.00"))
	for row in rows:
		result[row.account, row.party or ""] += cents(row.debit) - cents(row.credit)
	return {key: amount for key, amount in result.items() if amount}

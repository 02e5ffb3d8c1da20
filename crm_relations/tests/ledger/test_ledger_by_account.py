"""Test that the amounts with and without a campaign add up to the ledger, account by account."""

from decimal import Decimal

import frappe
import pytest
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from frappe.model.document import Document
from frappe.utils import flt, nowdate

from crm_relations.commands import text
from crm_relations.crm_relations.report.campaign_statement.campaign_statement import execute
from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger import api
from crm_relations.ledger.reports import statement_print
from crm_relations.ledger.statements.figures import LedgerRow, Statement
from crm_relations.ledger.statements.statement import statement
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import assert_adds_up, campaign, journal, ledger_by_account, sell
from crm_relations.tests.support.books.chains import center
from crm_relations.tests.support.printed import Printed

pytestmark = pytest.mark.site

#: reduces income, and is posted by payments
REDUCTIONS = "4840"


@pytest.fixture
def customer() -> str:
	return factories.customer().name


def pay_with_discount(invoice: Document, off: float) -> Document:
	"""Pay the invoice, less a cash discount on an income account."""
	entry = get_payment_entry("Sales Invoice", invoice.name)
	entry.paid_amount = entry.received_amount = flt(entry.paid_amount - off, 2)
	row = {"account": account(COMPANY, REDUCTIONS), "cost_center": center(), "amount": off}
	entry.append("deductions", row)
	entry.reference_no, entry.reference_date = "Test", nowdate()
	entry.insert()
	entry.submit()
	return entry


def on(result: Statement, number: str) -> LedgerRow:
	name = account(COMPANY, number)
	return next((row for row in result.ledger if row.account == name), LedgerRow(name, number, ""))


def moved(before: Statement, after: Statement, number: str) -> tuple[Decimal, Decimal]:
	"""Return the change of an account that belongs to campaigns, and the change that belongs to none."""
	old, new = on(before, number), on(after, number)
	return (
		new.campaigns + new.other_campaigns - old.campaigns - old.other_campaigns,
		new.not_attributed - old.not_attributed,
	)


def test_each_account_says_what_campaigns_and_what_nobody_has(customer):
	before = statement(COMPANY)
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100), (None, 50)])
	factories.pay(invoice)
	journal([(account(COMPANY, "1800"), 80, 0), (account(COMPANY, "4200"), 0, 80)])
	after = statement(COMPANY)
	assert_adds_up(after)
	assert moved(before, after, "4400") == (-100, -50)
	assert moved(before, after, "4200") == (0, -80)
	assert moved(before, after, "3806") == (-19, Decimal("-9.50"))
	bank = frappe.get_cached_value("Company", COMPANY, "default_bank_account")
	assert moved(before, after, frappe.db.get_value("Account", bank, "account_number")) == (
		119,
		Decimal("59.50") + (80 if bank == account(COMPANY, "1800") else 0),
	)
	only = statement(COMPANY, [campaign("Herbst")])
	assert on(only, "4400").campaigns == 0
	assert on(only, "4400").other_campaigns == on(after, "4400").campaigns


def test_a_cash_discount_on_an_income_account_is_the_campaigns_that_were_paid(customer):
	before = statement(COMPANY)
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	invoice = sell(customer, [(spring, 100), (autumn, 200), (None, 100)])
	pay_with_discount(invoice, 8)
	result = statement(COMPANY, [spring, autumn])
	assert_adds_up(result)
	assert [row.settled_income for row in result.campaigns] == [-2, -4]
	assert [row.write_offs for row in result.campaigns] == [2, 4]
	assert [row.revenue for row in result.campaigns] == [100, 200]
	assert result.not_attributed - before.not_attributed == 100 - 2
	assert on(result, REDUCTIONS).campaigns == 6
	for outside, expected in ((False, result.not_attributed), (True, 0)):
		assert Decimal(api.vouchers_of_row(COMPANY, outside=outside)["sum"]) == expected
	labels = [label for _key, label, _amount in statement_print.closing_lines(result)]
	assert labels[1] == "Income booked by their payments"


def test_in_a_selection_the_rest_of_a_payment_is_outside(customer):
	person = factories.insert("Sales Person", sales_person_name=factories.unique("Greta Vertrieb")).name
	spring = campaign("Frühling")
	team = [{"sales_person": person, "allocated_percentage": 100}]
	pay_with_discount(sell(customer, [(spring, 100), (None, 100)], sales_team=team), 8)
	result = statement(COMPANY, salesperson=person)
	assert_adds_up(result)
	assert (result.settled_income, result.not_attributed) == (-4, 100)
	row = on(result, REDUCTIONS)
	assert (row.campaigns, row.not_attributed, row.not_in_selection) == (4, 0, row.ledger - 4)
	for outside, expected in ((False, result.not_attributed), (True, result.not_in_selection)):
		found = api.vouchers_of_row(COMPANY, salesperson=person, outside=outside)
		assert Decimal(found["sum"]) == expected


def test_differences_of_two_accounts_do_not_cancel_each_other(customer):
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100)])
	row = frappe.db.get_value("Relation Attribution", {"voucher_no": invoice.name})
	frappe.db.set_value("Relation Attribution", row, "account", account(COMPANY, "4300"))
	result = statement(COMPANY, [spring])
	assert abs(result.difference) == 100
	assert {problem.voucher_no for problem in result.problems} == {invoice.name}
	assert sorted(row.difference for row in result.ledger if row.difference) == [-100, 100]


def test_the_report_the_print_and_the_command_show_the_accounts(customer):
	spring = campaign("Frühling")
	pay_with_discount(sell(customer, [(spring, 4321.09)]), 5)
	sell(customer, [(campaign("Herbst"), 7)])
	columns, rows, message, chart, summary = execute(
		{"company": COMPANY, "campaigns": [spring], "by_account": 1}
	)
	shown = {row["campaign"]: row for row in rows}
	assert {
		name: Decimal(str(row["ledger"])) for name, row in shown.items() if row["ledger"]
	} == ledger_by_account()
	assert shown[account(COMPANY, "4400")]["campaigns"] == -4321.09
	assert not any(row["difference"] for row in rows)
	fields = [column["fieldname"] for column in columns]
	assert fields[2:-1] == ["campaigns", "other_campaigns", "not_attributed", "ledger", "difference"]
	assert (message, chart, summary[-1]["value"]) == ("By account, debit less credit", None, 0)
	result = statement(COMPANY, [spring])
	page = Printed(statement_print.as_pdf(result, "de"))
	assert "Nach Konto, Soll weniger Haben" in page and "-4.321,09" in page
	assert "4321.09" in text.statement(result.as_dict())
	by_account = text.statement(result.as_dict()).split("Ledger by account")[1]
	assert account(COMPANY, REDUCTIONS) in by_account and "-5.00" in by_account


def test_of_several_companies_each_has_its_accounts_in_its_own_currency(customer):
	spring = campaign("Frühling")
	sell(customer, [(spring, 100)])
	_columns, rows, *_more = execute({"company": COMPANY, "consolidated": 1, "by_account": 1})
	assert rows[0]["campaign"] == COMPANY and rows[0]["indent"] == 0
	own = [row for row in rows if row.get("parent_campaign") == COMPANY]
	assert {
		row["campaign"]: Decimal(str(row["ledger"])) for row in own if row["ledger"]
	} == ledger_by_account()

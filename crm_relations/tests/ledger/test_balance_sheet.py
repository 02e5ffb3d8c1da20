"""Test the balance sheet of a campaign: it balances, agrees with the statement, and explains differences.

The dimension is switched on for the whole file, which commits, and restored after it.
"""

import os

import frappe
import pytest
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from erpnext.selling.doctype.sales_order.sales_order import make_delivery_note, make_sales_invoice
from frappe.utils import add_days, nowdate
from hypothesis import note

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger import api
from crm_relations.ledger.balance_sheets.balance_sheet import SIDES, balance_sheet
from crm_relations.tests.ledger.test_attribution_by_rule import answer, attribute, rule
from crm_relations.tests.ledger.test_chains import NIGHTLY, over_random_chains
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.balance import (  # noqa: F401
	campaigns_in_the_ledger,
	codes,
	of,
	sheet_of,
	without_campaign,
)
from crm_relations.tests.support.books.books import campaign, credit_note, journal, sell
from crm_relations.tests.support.books.chain_changes import ChangingChain
from crm_relations.tests.support.books.sister import sister_company  # noqa: F401
from crm_relations.tests.support.books.statements import sent_statements

pytestmark = pytest.mark.site

CHAINS = int(os.environ.get("CRM_RELATIONS_CHAINS") or (100 if NIGHTLY else 3))


@pytest.fixture
def customer():
	return factories.customer().name


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
	assert shown["other_side"] == {"ours": "357.00", "theirs": "357.00"}
	assert [group["ours"] for group in shown["profit"]["groups"]] == ["300.00", "0.00"]
	assert shown["profit"]["ours"] == shown["profit"]["theirs"] == shown["profit"]["of_ledger"] == "300.00"


def test_of_a_combined_invoice_each_campaign_has_its_part_and_erpnext_none(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	invoice = sell(customer, [(spring, 100), (autumn, 200), (None, 50)])
	payment = factories.pay(invoice, 200)
	credit_note(invoice, lambda row: row.rate == 200)
	for name, income, theirs in ((spring, 100, 0), (autumn, 0, -200)):  # the credit note is autumn's
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


def test_what_a_rule_attributes_is_ours_and_no_document_carries_it(customer):
	spring = campaign("Frühling")
	answer(customer, spring, 1)
	rule("Last Touch")
	invoice = sell(customer, [(None, 100)])
	attribute()
	payment = factories.pay(invoice)
	sheet = sheet_of(spring)
	assert sheet.profit == 100 and sheet.their_profit == 0
	assert codes(sheet) == {invoice.name: "by-rule", payment.name: "by-rule"}
	assert not sheet.repairable()


def test_services_that_are_delivered_without_a_row_in_the_ledger_are_no_error(customer):
	spring = campaign("Frühling")
	order = factories.insert(
		"Sales Order",
		company=COMPANY,
		customer=customer,
		delivery_date=add_days(nowdate(), 7),
		items=[{**factories.line(factories.item().name, 1, 100), "relation_campaign": spring}],
	)
	order.submit()
	delivery = make_delivery_note(order.name)
	delivery.insert()
	delivery.submit()
	assert not frappe.db.exists("GL Entry", {"voucher_no": delivery.name})
	assert sheet_of(spring).profit == 0
	invoice = make_sales_invoice(order.name)
	invoice.insert()
	invoice.submit()
	assert sheet_of(spring).profit == 100


def test_a_campaign_that_was_typed_into_the_payment_alone_is_told(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	invoice = sell(customer, [(spring, 100)])
	payment = get_payment_entry("Sales Invoice", invoice.name)
	payment.reference_no, payment.reference_date = "1", nowdate()
	payment.relation_campaign = autumn
	payment.insert()
	payment.submit()
	assert codes(sheet_of(spring)) == {payment.name: "other-campaign"}
	assert codes(sheet_of(autumn)) == {payment.name: "no-part"}


def test_an_invoice_that_carries_the_campaign_and_is_not_attributed_is_told(customer):
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100)])
	frappe.db.delete("Relation Attribution", {"voucher_no": invoice.name})
	sheet = balance_sheet(spring, COMPANY)
	assert codes(sheet) == {invoice.name: "not-attributed"}
	assert (sheet.profit, sheet.their_profit) == (0, 100)


def bill(name: str, lines: list[tuple[str | None, float]], header: str | None = None):
	"""Submit a purchase invoice of (campaign, net amount) lines of advertising with 19 % input tax."""
	supplier = factories.insert(
		"Supplier", supplier_name=factories.unique("Agentur"), supplier_group=supplier_group()
	).name
	doc = frappe.get_doc(
		{
			"doctype": "Purchase Invoice",
			"company": COMPANY,
			"supplier": supplier,
			"bill_no": name,
			"relation_campaign": header,
			"items": [
				{
					"item_name": "Anzeige",
					"qty": 1,
					"uom": "Nos",
					"conversion_factor": 1,
					"rate": amount,
					"expense_account": account(COMPANY, "6300"),
					"cost_center": frappe.get_cached_value("Company", COMPANY, "cost_center"),
					"relation_campaign": carried,
				}
				for carried, amount in lines
			],
			"taxes": [
				{
					"charge_type": "On Net Total",
					"account_head": account(COMPANY, "1406"),
					"rate": 19,
					"description": "Vorsteuer",
					"category": "Total",
					"add_deduct_tax": "Add",
				}
			],
		}
	)
	doc.set_missing_values()
	doc.insert(ignore_permissions=True)
	doc.submit()
	return doc


def supplier_group() -> str:
	return frappe.db.get_value("Supplier Group", {"is_group": 0})


def test_what_was_spent_stands_on_both_sides_with_its_tax_and_what_is_owed_and_then_paid(customer):
	spring = campaign("Frühling")
	sell(customer, [(spring, 1000)])
	spent = bill("A", [(spring, 100)], header=spring)
	sheet = sheet_of(spring)
	assert (of(sheet, "6300").ours, of(sheet, "1406").ours) == (100, 19)
	owed = next(line for line in sheet.lines if line.account == spent.credit_to)
	assert owed.ours == -119
	assert sheet.profit == 900 and not sheet.reasons
	payment = get_payment_entry("Purchase Invoice", spent.name)
	payment.reference_no, payment.reference_date = "1", nowdate()
	payment.insert()
	payment.submit()
	assert payment.relation_campaign == spring
	sheet = sheet_of(spring)
	assert of(sheet, "1800").ours == -119 and not sheet.reasons
	assert sheet.their_profit == 900


def test_a_bill_for_two_campaigns_is_divided_with_tax_payable_and_payment(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	spent = bill("B", [(spring, 100), (autumn, 200), (None, 33.33)])
	payment = get_payment_entry("Purchase Invoice", spent.name)
	payment.reference_no, payment.reference_date = "1", nowdate()
	payment.paid_amount = payment.received_amount = 100
	payment.references[0].allocated_amount = 100
	payment.insert()
	payment.submit()
	for name, amount in ((spring, 100), (autumn, 200)):
		sheet = sheet_of(name)
		assert (sheet.profit, sheet.their_profit) == (-amount, 0)
		assert codes(sheet) == {spent.name: "several", payment.name: "payment-several"}
	assert of(sheet_of(spring), "1800").ours == round(-100 * 100 / 333.33, 2) == -30


def test_an_expense_that_is_moved_from_one_campaign_to_another_balances_in_both(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	moved = journal(
		[
			(account(COMPANY, "6300"), 80, 0, {"relation_campaign": spring}),
			(account(COMPANY, "6300"), 0, 80, {"relation_campaign": autumn}),
		]
	)
	for name, profit in ((spring, -80), (autumn, 80)):
		sheet = sheet_of(name)
		assert sheet.profit == sheet.total("Equity") == profit
		assert codes(sheet) == {moved.name: "journal-several"}
		assert "Transferred from other campaigns or none" in {line.account for line in sheet.lines}


def test_a_closed_year_is_told_and_the_profit_stays_profit_here(customer):
	spring = campaign("Frühling")
	sell(customer, [(spring, 100)])
	closing = {
		"doctype": "GL Entry",
		"company": COMPANY,
		"posting_date": nowdate(),
		"voucher_type": "Period Closing Voucher",
		"voucher_no": "PCV-1",
		"relation_campaign": spring,
		"docstatus": 1,
	}
	equity = frappe.db.get_value("Account", {"company": COMPANY, "root_type": "Equity", "is_group": 0})
	for name, debit, credit in ((account(COMPANY, "4400"), 100, 0), (equity, 0, 100)):
		row = frappe.get_doc({**closing, "account": name, "debit": debit, "credit": credit})
		row.name = factories.unique("GL")
		row.db_insert()
	sheet = sheet_of(spring)
	assert sheet.reasons == {("Period Closing Voucher", "PCV-1"): "closing"}
	assert (sheet.profit, sheet.their_profit, sheet.theirs("Equity")) == (100, 0, -100)


def test_the_sheet_is_that_of_its_day(customer):
	spring = campaign("Frühling")
	sell(customer, [(spring, 100)], posting_date=add_days(nowdate(), -3))
	sell(customer, [(spring, 50)])
	assert balance_sheet(spring, COMPANY, add_days(nowdate(), -1)).profit == 100
	assert balance_sheet(spring, COMPANY).profit == 150


def test_a_day_outside_of_all_fiscal_years_has_our_sheet_and_none_of_erpnexts(customer):
	spring = campaign("Frühling")
	sell(customer, [(spring, 100)])
	shown = api.balance_sheet(spring, COMPANY, "2199-01-01")
	assert (shown["state"], shown["profit"]["ours"], shown["profit"]["theirs"]) == ("no-year", "100.00", None)


def test_more_vouchers_cost_no_more_queries(customer):
	def story(invoices: int) -> str:
		name, other = campaign("Frühling"), campaign("Herbst")
		for _number in range(invoices):
			factories.pay(sell(customer, [(name, 100), (other, 50)]), 20)
			sell(customer, [(name, 70)])
		return name

	few, many = story(1), story(4)
	balance_sheet(few, COMPANY)  # fills Frappe's caches
	counts = []
	for name in (few, many):
		with sent_statements() as sent:
			balance_sheet(name, COMPANY)
		counts.append(len(sent))
	assert counts[0] == counts[1] < 60


def test_every_voucher_of_an_account_is_found_from_the_page(customer, monkeypatch):
	spring = campaign("Frühling")
	names = [sell(customer, [(spring, 10 + number)]).name for number in range(3)]
	monkeypatch.setattr("crm_relations.ledger.balance_sheets.balance_sheet.LISTED", 2)
	shown = api.balance_sheet(spring, COMPANY)
	(income,) = shown["profit"]["groups"][0]["accounts"]
	assert income["count"] == 3 and len(income["vouchers"]) == 2
	everything = api.balance_sheet(spring, COMPANY, account=income["account"])["vouchers"]
	assert [(row["voucher_no"], row["amount"]) for row in everything] == list(
		zip(names, ["10.00", "11.00", "12.00"], strict=True)
	)


def test_an_attribution_unlike_the_ledger_is_an_error_that_names_the_voucher(customer):
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100)])
	frappe.db.set_value("Relation Attribution", {"voucher_no": invoice.name}, "amount", 101)
	sheet = balance_sheet(spring, COMPANY)
	assert [problem.voucher_no for problem in sheet.problems] == [invoice.name]
	assert sheet.as_dict()["problems"][0]["difference"] == "-1.00"


@pytest.mark.slow
def test_sheets_of_random_chains_balance_and_agree_with_the_statement(sister):
	@over_random_chains(CHAINS)
	def agree(currency, taxes, _everybody, course):
		chain = ChangingChain(currency=currency, taxes=taxes)
		for name, *arguments in course:
			note(f"{name}{tuple(arguments)}")
			chain.do(name, *arguments)
		for name in chain.campaigns:
			sheet_of(name)

	agree()

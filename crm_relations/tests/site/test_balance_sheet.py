"""The balance sheet of a campaign: it balances, agrees with the statement, and says why ERPNext's own differs.

The dimension is switched on for the whole file, which commits, and put back after it.
"""

import pytest

from crm_relations.ledger.balance_sheet import SIDES
from crm_relations.tests.site import factories
from crm_relations.tests.site.balance import campaigns_in_the_ledger, codes, of, sheet_of, without_campaign  # noqa: F401
from crm_relations.tests.site.books import campaign, credit_note, sell

pytestmark = pytest.mark.site

ONLY_DOCUMENTS = True


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

"""Test that relation and campaign of POS invoices reach the ledger with the day's closing, once and by line."""

from decimal import Decimal

import frappe
import pytest

from crm_relations.demo.company import COMPANY
from crm_relations.ledger import checks, dimension
from crm_relations.ledger.statements.statement import statement
from crm_relations.relations.identities import identity
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, cents, ledger_income
from crm_relations.tests.support.books.till import Till
from crm_relations.tests.support.machine.commits import held_back

pytestmark = pytest.mark.site


@pytest.fixture
def till():
	return Till()


@pytest.fixture
def customer():
	return factories.customer().name


def figures_of(name: str):
	result = statement(COMPANY, [name])
	assert str(result.difference) == "0.00", result.as_dict()["problems"]
	assert not result.problems
	assert result.ledger_income == ledger_income()
	return result.campaigns[0]


def rows(doc) -> list[tuple[str | None, float]]:
	return [(row.relation_campaign or None, row.net_rate) for row in doc.items]


def all_rows(docs) -> list[tuple[str | None, float]]:
	return sorted((row for doc in docs for row in rows(doc)), key=lambda row: row[1])


def headers(docs) -> list[str | None]:
	return sorted((doc.relation_campaign or None for doc in docs), key=str)


def combined_by(*campaigns: str | None) -> list[str | None]:
	"""Return the campaign headers of the day's invoices.

	While campaigns are reported in the ledger, ERPNext combines a customer's POS invoices by the campaign of
	their header. Otherwise it combines all of them.
	"""
	return sorted(campaigns, key=str) if dimension.state() == "on" else [None]


def attributed(*names: str) -> list[tuple[str, float]]:
	return [
		(row.campaign, row.amount)
		for row in frappe.get_all(
			"Relation Attribution",
			{"voucher_no": ["in", names]},
			["campaign", "amount"],
			order_by="amount asc",
		)
	]


def test_a_till_invoice_gets_relation_and_campaign_and_is_not_in_the_books(till, customer):
	spring = campaign("Frühling")
	sold = till.sell(customer, [(None, 100), (None, 50)], header=spring)
	assert rows(sold) == [(spring, 100), (spring, 50)]
	assert sold.relation == identity.relation_of("Customer", customer)
	assert attributed(sold.name) == []
	assert figures_of(spring).revenue == 0


def test_the_closing_brings_each_line_into_the_books_once(till, customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	first = till.sell(customer, [(spring, 100), (autumn, 50)])
	second = till.sell(customer, [(autumn, 30)])
	posted = till.close()
	names = [doc.name for doc in posted]
	assert all(doc.is_consolidated for doc in posted)
	assert {doc.relation for doc in posted} == {identity.relation_of("Customer", customer)}
	assert all_rows(posted) == [(autumn, 30), (autumn, 50), (spring, 100)]
	assert headers(posted) == combined_by(None, autumn)
	assert attributed(*names) == [(autumn, 30), (autumn, 50), (spring, 100)]
	assert attributed(first.name, second.name) == []
	one, two = figures_of(spring), figures_of(autumn)
	assert (one.revenue, two.revenue) == (100, 80)
	assert one.cash_received + two.cash_received == sum(cents(doc.grand_total) for doc in posted)
	assert (one.receivable_open, two.receivable_open) == (0, 0)
	evidence = frappe.get_all(
		"Relation Attribution", {"voucher_no": ["in", names]}, pluck="evidence", order_by="name asc"
	)
	assert {frappe.parse_json(text)["pos_invoice"] for text in evidence} == {first.name, second.name}


@pytest.mark.parametrize("last", ["with a campaign", "without"])
def test_a_line_without_a_campaign_stays_without_when_the_day_is_combined(till, customer, last):
	spring = campaign("Frühling")
	sales = [(spring, 100), (None, 40)]
	for line in sales if last == "without" else reversed(sales):
		till.sell(customer, [line])
	posted = till.close()
	assert all_rows(posted) == [(None, 40), (spring, 100)]
	assert headers(posted) == combined_by(None, spring)
	assert attributed(*(doc.name for doc in posted)) == [(spring, 100)]
	assert figures_of(spring).revenue == 100
	assert not [finding for finding in checks.findings() if finding.level == "error"]


def test_a_return_at_the_till_is_a_credit_note_of_the_campaign(till, customer):
	spring = campaign("Frühling")
	sold = till.sell(customer, [(None, 100), (None, 60)], header=spring)
	back = till.take_back(sold)
	assert [name for name, _rate in rows(back)] == [spring, spring]
	assert back.relation == sold.relation
	posted = till.close()
	assert [doc.is_return for doc in posted] == [0, 1]
	figures = figures_of(spring)
	assert (figures.revenue, figures.credit_notes) == (160, -160)
	assert (figures.tax, figures.receivable_open) == (0, 0)
	assert figures.cash_received == Decimal("0.00")


def test_customers_of_one_day_have_their_own_invoices_and_relations(till, customer):
	spring = campaign("Frühling")
	other = factories.customer().name
	till.sell(customer, [(spring, 100)])
	till.sell(other, [(spring, 70)])
	posted = till.close()
	assert {doc.customer: doc.relation for doc in posted} == {
		name: identity.relation_of("Customer", name) for name in (customer, other)
	}
	assert figures_of(spring).revenue == 170


def test_a_cancelled_closing_takes_the_day_out_of_the_books(till, customer):
	spring = campaign("Frühling")
	till.sell(customer, [(spring, 100)])
	(posted,) = till.close()
	log = frappe.get_last_doc("POS Invoice Merge Log", {"consolidated_invoice": posted.name})
	with held_back():
		log.cancel()
	assert frappe.db.get_value("Sales Invoice", posted.name, "docstatus") == 2
	assert attributed(posted.name) == []
	assert figures_of(spring).revenue == 0


def test_a_till_that_posts_at_once_is_a_sales_invoice_like_any_other(till, customer):
	spring = campaign("Frühling")
	doc = factories.invoice(customer, [(till.item, 1, 100)], submit=False, relation_campaign=spring)
	doc.is_pos = 1
	doc.pos_profile = till.profile
	doc.set("payments", [{"mode_of_payment": till.mode, "amount": 119}])
	doc.save()
	doc.submit()
	assert attributed(doc.name) == [(spring, 100)]
	figures = figures_of(spring)
	assert (figures.revenue, figures.cash_received, figures.receivable_open) == (100, 119, 0)

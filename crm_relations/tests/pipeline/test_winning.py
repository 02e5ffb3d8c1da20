"""Test that a campaign member that buys has been won."""

import frappe
import pytest

from crm_relations.demo.company import COMPANY
from crm_relations.relations.identities import identity
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, credit_note, sell

pytestmark = pytest.mark.site


def member(relation: str, name: str, status: str = "Answered") -> str:
	return factories.insert("Relation Campaign Member", campaign=name, relation=relation, status=status).name


def status(name: str) -> str:
	return frappe.db.get_value("Relation Campaign Member", name, "status")


def order(customer: str, campaign_name: str | None):
	doc = frappe.get_doc(
		{
			"doctype": "Sales Order",
			"company": COMPANY,
			"customer": customer,
			"delivery_date": frappe.utils.nowdate(),
			"relation_campaign": campaign_name,
			"items": [factories.line(factories.item().name, 1, 100)],
		}
	).insert(ignore_permissions=True)
	doc.submit()
	return doc


def test_an_order_of_a_campaign_wins_its_member_and_no_other():
	customer = factories.customer().name
	relation = identity.relation_of("Customer", customer)
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	bought, not_asked = member(relation, spring, "Handed Over"), member(relation, autumn)
	stranger = member(factories.relation().name, spring)
	order(customer, spring)
	assert [status(name) for name in (bought, not_asked, stranger)] == ["Won", "Answered", "Answered"]


def test_an_order_without_a_campaign_wins_nobody():
	customer = factories.customer().name
	name = member(identity.relation_of("Customer", customer), campaign("Frühling"))
	order(customer, None)
	assert status(name) == "Answered"


def test_an_invoice_without_an_order_wins_and_its_credit_note_does_not_count():
	customer = factories.customer().name
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100)])
	late = member(identity.relation_of("Customer", customer), spring)
	credit_note(invoice)
	assert status(late) == "Answered"
	sell(customer, [(spring, 50), (None, 10)])
	assert status(late) == "Won"

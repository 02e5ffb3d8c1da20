"""Test that not every contact that Frappe makes of incoming emails becomes a party."""

import frappe
import pytest
from frappe.email.receive import InboundMail

from crm_relations.relations import checks
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site


def test_neither_mail_programs_nor_our_own_addresses_become_relations(mailing):
	"""Receive emails on an account with Create Contacts, for which Frappe makes a contact of every address."""
	frappe.db.set_value("Email Account", mailing.account, "create_contact", 1)
	guest = f"eva@{mailing.domain}"
	own = frappe.db.get_value("Email Account", mailing.account, "email_id")
	raw = (
		f"From: Mail System <MAILER-DAEMON@mx.example>\nTo: {own}\nCc: {guest}, noreply@shop.example\n"
		"Subject: Hallo\nContent-Type: text/plain\n\nHallo\n"
	)
	account = frappe.get_doc("Email Account", mailing.account)
	InboundMail(f"Message-ID: <{frappe.generate_hash()}@mx.example>\n{raw}", account).process()
	addresses_of = frappe.get_all(
		"Contact Email", {"parenttype": "Contact"}, pluck="email_id", order_by="creation desc", limit=20
	)
	assert {own, guest, "mailer-daemon@mx.example"} <= {address.lower() for address in addresses_of}
	written = (own, guest, "noreply@shop.example", "mailer-daemon@mx.example")
	assert frappe.get_all("Relation", {"email_id": ["in", written]}, pluck="email_id") == [guest]


def test_a_contact_of_a_customer_is_a_relation_whatever_its_address():
	customer = factories.customer()
	contact = factories.insert(
		"Contact",
		first_name="Anna",
		links=[{"link_doctype": "Customer", "link_name": customer.name}],
		email_ids=[{"email_id": "noreply@kunde.example", "is_primary": 1}],
	)
	assert frappe.db.exists("Relation Party", {"party_type": "Contact", "party": contact.name})


def test_the_check_does_not_ask_for_relations_of_mail_programs():
	name = factories.unique("Daemon")
	factories.insert(
		"Contact", first_name=name, email_ids=[{"email_id": "mailer-daemon@mx.example", "is_primary": 1}]
	)
	texts = [f.message for f in checks.findings() if f.code == "party-without-relation"]
	assert not any(name in text for text in texts)

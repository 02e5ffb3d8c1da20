"""Test that documents which a user links to or detaches from a relation keep their place."""

import frappe
import pytest
from erpnext.crm.doctype.lead.lead import make_customer
from frappe.utils import getdate

from crm_relations.relations import api
from crm_relations.relations.identities import reassign
from crm_relations.relations.identities import sync as engine
from crm_relations.relations.network import links
from crm_relations.tests.relations.test_identity import (  # noqa: F401
	contact_of,
	employee,
	no_step_failed,
	party_types,
	relation_of,
	supplier,
	works_for,
)
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site


@pytest.fixture
def uncommitted(monkeypatch):
	"""Disable the commit that sync makes after each page, so that the test can roll back."""
	monkeypatch.setattr(frappe.db, "commit", lambda: None)


def save_all(*docs) -> None:
	for doc in docs:
		doc.reload()
		doc.save()


def converted_lead():
	"""Create a lead of a person, its contact and the customer made from it, which are one relation."""
	lead = factories.lead("Rita", last_name="Reich")
	customer = make_customer(lead.name)
	customer.update({"customer_group": "Commercial", "territory": "Germany"})
	customer.insert()
	return lead, contact_of(lead), customer


def test_a_document_that_is_taken_out_stays_out(uncommitted):
	lead, contact, customer = converted_lead()
	old = relation_of(lead)
	new = api.place_document("Customer", customer.name)
	assert relation_of(customer) == new != old
	assert party_types(old) == ["Contact", "Lead"] and party_types(new) == ["Customer"]
	save_all(customer, lead, contact)
	frappe.db.set_value("Customer", customer.name, "website", "later.example")
	engine.sync()
	assert (relation_of(customer), relation_of(lead), relation_of(contact)) == (new, old, old)
	assert frappe.db.get_value("Relation", new, "website") == "later.example"


def test_a_new_contact_of_both_does_not_bring_together_what_was_told_apart(uncommitted):
	lead, contact, customer = converted_lead()
	new = reassign.reassign("Customer", customer.name)
	both = [("Lead", lead.name), ("Customer", customer.name)]
	frappe.delete_doc("Contact", contact.name, force=True)
	late = factories.contact("Rita", "Spät", "rita@spaet.example", both)
	late.is_primary_contact = 1
	late.save()
	engine.sync()
	assert relation_of(lead) != relation_of(customer) == new


def test_roles_values_and_work_follow_the_document_that_is_moved():
	lead, _contact, customer = converted_lead()
	old = relation_of(lead)
	customer.reload()
	customer.website = "nur-der-kunde.example"
	customer.save()
	factories.invoice(customer.name, [(factories.item().name, 1, 100)])
	assert frappe.db.get_value("Relation", old, ["website", "stage"]) == ("nur-der-kunde.example", "Customer")
	new = reassign.reassign("Customer", customer.name)
	assert frappe.db.get_value("Relation", old, ["website", "stage"]) == (None, "Lead")
	assert frappe.db.get_value("Relation", new, ["website", "stage"]) == ("nur-der-kunde.example", "Customer")
	assert {row.role for row in frappe.get_doc("Relation", old).roles} == {"Lead"}
	assert {row.role for row in frappe.get_doc("Relation", new).roles} >= {"Customer", "Debtor"}


def test_a_contact_that_is_taken_out_takes_its_work_along(uncommitted):
	company, worker = factories.customer(), employee(personal_email="sara@sand.example")
	contact = factories.contact("Sara", "Sand", "sara@sand.example", [("Customer", company.name)])
	old = relation_of(worker)
	assert relation_of(contact) == old and works_for(worker) == [relation_of(company)]
	new = reassign.reassign("Contact", contact.name)
	engine.sync()
	assert relation_of(contact) == new != relation_of(worker)
	(ended,) = links.links_of(old)
	(begun,) = links.links_of(new)
	assert (ended["until"], begun["until"]) == (getdate(), None)


def test_a_document_is_put_into_another_relation_and_stays_there(uncommitted):
	one, other, vendor = factories.customer(), factories.customer(), supplier()
	factories.insert(
		"Party Link",
		primary_role="Customer",
		primary_party=one.name,
		secondary_role="Supplier",
		secondary_party=vendor.name,
	)
	assert relation_of(vendor) == relation_of(one)
	assert api.place_document("Supplier", vendor.name, relation_of(other)) == relation_of(other)
	save_all(one, other, vendor)
	engine.sync()
	assert relation_of(vendor) == relation_of(other) != relation_of(one)


def test_a_document_can_be_put_back():
	lead, contact, customer = converted_lead()
	old = relation_of(lead)
	new = reassign.reassign("Customer", customer.name)
	assert reassign.reassign("Customer", customer.name, old) == old
	save_all(customer, lead, contact)
	assert relation_of(customer) == relation_of(lead) == old
	assert frappe.db.exists("Relation", new), "what was noted there meanwhile is not lost"
	assert frappe.db.get_value("Lead", lead.name, "relation") == old


def test_a_party_link_made_later_overrules_what_was_told_apart():
	customer, vendor = factories.customer(), supplier()
	values = {
		"primary_role": "Customer",
		"primary_party": customer.name,
		"secondary_role": "Supplier",
		"secondary_party": vendor.name,
	}
	first = factories.insert("Party Link", **values)
	reassign.reassign("Supplier", vendor.name)
	assert relation_of(customer) != relation_of(vendor)
	first.delete()
	factories.insert("Party Link", **values)
	assert relation_of(customer) == relation_of(vendor)


def test_moving_by_hand_is_noted_in_both_relations():
	lead, _contact, customer = converted_lead()
	old = relation_of(lead)
	new = reassign.reassign("Customer", customer.name)
	for relation in (old, new):
		key = {"reference_doctype": "Relation", "reference_name": relation, "comment_type": "Info"}
		assert customer.name in frappe.db.get_value("Comment", key, "content")


def test_the_only_document_cannot_be_taken_out_and_wrong_names_are_refused():
	doc = factories.customer()
	for arguments, message in (
		(("Customer", doc.name), "is the only document"),
		(("Customer", doc.name, "no such relation"), "does not exist"),
		(("Customer", "no such customer"), "does not exist"),
		(("Item", "x"), "is not a party"),
	):
		with pytest.raises(frappe.ValidationError, match=message):
			reassign.reassign(*arguments)


def test_who_may_not_write_a_relation_cannot_move_its_documents():
	lead, _contact, customer = converted_lead()
	old = relation_of(lead)
	frappe.set_user(factories.user(None, "Accounts User"))
	with pytest.raises(frappe.PermissionError):
		api.place_document("Customer", customer.name)
	frappe.set_user("Administrator")
	assert relation_of(customer) == old

"""Test the log of stages: written with the roles, corrected by new rows, and shown on the form."""

import frappe
import pytest
from erpnext.crm.doctype.lead.lead import make_customer, make_opportunity
from frappe.utils import add_days, getdate, nowdate

from crm_relations.relations import api, queries
from crm_relations.relations.creation import merge
from crm_relations.relations.identities import identity
from crm_relations.relations.roles_and_stages import roles, stages
from crm_relations.segments.compilation.compiler import matches
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site

LOG = "Relation Stage Log"


@pytest.fixture(autouse=True)
def no_step_failed():
	"""Fail on a failing step, which is deferred and would otherwise go unnoticed."""
	queries.forget_role_types()
	before = frappe.db.count("Relation Deferred Step")
	yield
	assert frappe.db.count("Relation Deferred Step") == before
	frappe.db.rollback()
	frappe.cache.delete_value([queries.STAGE_ORDER, queries.PLAYBOOKS])


def ago(days: int):
	return getdate(add_days(nowdate(), -days))


def relation_of(doc) -> str:
	return identity.relation_of(doc.doctype, doc.name)


def way(relation: str) -> list[tuple]:
	return [(row["stage"], row["since"], row["until"], row["document_name"]) for row in stages.way(relation)]


def invoice(customer: str, **values):
	return factories.invoice(customer, [(factories.item().name, 1, 100)], **values)


def own_stage(**values) -> str:
	name = factories.unique("Champion")
	return factories.insert("Relation Role Type", role_name=name, is_stage=1, stage_order=9, **values).name


def test_the_way_from_the_lead_to_the_customer_names_the_documents():
	lead = factories.lead()
	frappe.db.set_value("Lead", lead.name, "creation", ago(20))
	relation = relation_of(lead)
	roles.refresh([relation])
	opportunity = make_opportunity(lead.name)
	opportunity.transaction_date = ago(12)
	opportunity.insert()
	customer = make_customer(lead.name)
	customer.update({"customer_group": "Commercial", "territory": "Germany"})
	customer.insert()
	doc = invoice(customer.name, posting_date=str(ago(5)))
	assert way(relation) == [
		("Lead", ago(20), ago(12), lead.name),
		("Prospect", ago(12), ago(5), opportunity.name),
		("Customer", ago(5), None, doc.name),
	]
	assert stages.days(relation) == {"Lead": 8, "Prospect": 7, "Customer": 5}
	held = frappe.db.get_value("Relation", relation, ["stage", "stage_since"])
	assert held == ("Customer", ago(5))


def test_a_cancelled_document_is_corrected_by_adding_to_the_log():
	customer = factories.customer()
	doc = invoice(customer.name)
	relation = relation_of(customer)
	first = frappe.get_all(LOG, {"relation": relation}, pluck="name")
	doc.reload()
	doc.cancel()
	assert way(relation) == []
	rows = frappe.get_all(LOG, {"relation": relation}, ["name", "stage"], order_by="creation asc")
	assert [row.name for row in rows][: len(first)] == first and rows[-1].stage is None
	again = invoice(customer.name)
	assert way(relation) == [("Customer", getdate(), None, again.name)]


def test_an_opportunity_that_is_lost_gives_the_stage_of_the_lead_back():
	lead = factories.lead()
	opportunity = make_opportunity(lead.name)
	opportunity.insert()
	opportunity.reload()
	opportunity.declare_enquiry_lost([], [])
	relation = relation_of(lead)
	assert [row[0] for row in way(relation)][-1] == "Lead"
	assert way(relation)[-1][3] == opportunity.name, "the document that ended the stage before is the reason"


def test_a_refresh_that_changes_no_stage_adds_nothing():
	customer = factories.customer()
	doc = invoice(customer.name)
	before = frappe.db.count(LOG)
	factories.pay(doc)
	invoice(customer.name)
	roles.refresh([relation_of(customer)])
	assert frappe.db.count(LOG) == before


def test_a_row_of_the_log_is_neither_changed_nor_deleted():
	lead = factories.lead()
	name = frappe.get_all(LOG, {"relation": relation_of(lead)}, pluck="name")[0]
	doc = frappe.get_doc(LOG, name)
	doc.since = ago(9)
	with pytest.raises(frappe.ValidationError, match="cannot be changed"):
		doc.save(ignore_permissions=True)
	with pytest.raises(frappe.ValidationError, match="kept as evidence"):
		frappe.delete_doc(LOG, name)


def test_a_stage_given_by_hand_counts_at_once_and_is_logged():
	champion = own_stage()
	relation = factories.relation()
	relation.append("roles", {"role": champion})
	relation.save()
	assert (relation.stage, relation.stage_since) == (champion, getdate())
	assert way(relation.name) == [(champion, getdate(), None, None)]
	relation.roles[0].until = nowdate()
	relation.save()
	relation.roles = []
	relation.save()
	assert relation.stage is None and way(relation.name) == []


def test_a_stage_cannot_be_typed():
	customer = factories.customer()
	relation = frappe.get_doc("Relation", relation_of(customer))
	relation.update({"stage": "Customer", "stage_since": ago(3)})
	with pytest.raises(frappe.CannotChangeConstantError, match="Stage"):
		relation.save()


def test_a_role_of_ones_own_is_dated_and_ends_after_it_begins():
	partner = factories.insert("Relation Role Type", role_name=factories.unique("Partner")).name
	relation = factories.relation(roles=[{"role": partner}])
	assert getdate(relation.roles[0].since) == getdate() and not relation.roles[0].derived
	relation.roles[0].until = ago(1)
	with pytest.raises(frappe.ValidationError, match="ends before it begins"):
		relation.save()


def test_derived_rows_are_marked_so_that_the_form_does_not_offer_to_edit_them():
	customer = factories.customer()
	invoice(customer.name)
	partner = factories.insert("Relation Role Type", role_name=factories.unique("Partner")).name
	relation = frappe.get_doc("Relation", relation_of(customer))
	relation.append("roles", {"role": partner, "derived": 1})
	with pytest.raises(frappe.CannotChangeConstantError, match="Derived"):
		relation.save()
	relation.reload()
	relation.append("roles", {"role": partner})
	relation.save()
	assert {row.role: row.derived for row in relation.roles} == {"Customer": 1, "Debtor": 1, partner: 0}


def test_roles_of_ones_own_and_the_time_in_a_stage_can_be_asked_for_in_segments():
	partner = factories.insert("Relation Role Type", role_name=factories.unique("Partner")).name
	customer = factories.customer()
	invoice(customer.name, posting_date=str(ago(40)))
	relation = frappe.get_doc("Relation", relation_of(customer))
	relation.append("roles", {"role": partner})
	relation.save()
	for condition in (
		{"field": "role", "operator": "=", "value": partner},
		{"field": "stage_since", "operator": "<", "value": str(ago(30))},
	):
		assert matches({"version": 1, "all": [condition]}, relation.name), condition


def test_the_log_follows_a_lead_that_is_renamed():
	lead = factories.lead()
	relation = relation_of(lead)
	new = factories.unique("LEAD")
	frappe.rename_doc("Lead", lead.name, new)
	assert way(relation)[0][3] == new


def test_two_relations_that_become_one_have_one_way():
	one, other = factories.customer(), factories.customer()
	invoice(one.name, posting_date=str(ago(10)))
	invoice(other.name, posting_date=str(ago(30)))
	keep, gone = relation_of(one), relation_of(other)
	merge.merge_into(keep, gone)
	roles.refresh([keep])
	assert [(row[0], row[1]) for row in way(keep)] == [("Customer", ago(30))]
	assert frappe.db.count(LOG, {"relation": gone}) == 0


def test_the_log_of_a_deleted_relation_goes_with_it():
	relation = factories.relation(roles=[{"role": own_stage()}])
	assert frappe.db.count(LOG, {"relation": relation.name})
	relation.delete()
	assert frappe.db.count(LOG, {"relation": relation.name}) == 0


def test_the_form_tells_the_way_only_to_who_may_read_the_relation():
	customer = factories.customer()
	invoice(customer.name)
	relation = relation_of(customer)
	frappe.set_user(factories.user(None, "Sales User"))
	panel = api.role_panel(relation)
	assert panel["way"][0]["stage"] == "Customer" and panel["days"] == {"Customer": 0}
	frappe.set_user(factories.user(None, "Stock User"))
	with pytest.raises(frappe.PermissionError):
		api.role_panel(relation)

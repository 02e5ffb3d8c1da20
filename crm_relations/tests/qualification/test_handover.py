"""Test points with reasons, the proposal to sales, and the decision of sales."""

import json

import frappe
import pytest
from frappe.utils import add_days, getdate, nowdate

from crm_relations.campaigns.incoming import responses
from crm_relations.pipeline import checks as pipeline_checks
from crm_relations.pipeline.adapter import get_adapter
from crm_relations.pipeline.api import accept_handover
from crm_relations.pipeline.erpnext_crm.opportunities import ErpnextCrm
from crm_relations.qualification import checks, rescoring
from crm_relations.qualification import handover as handovers
from crm_relations.qualification.api import return_handover
from crm_relations.qualification.scheme import score
from crm_relations.relations.identities import identity
from crm_relations.tests.support import factories as make

pytestmark = pytest.mark.site

B2B = json.dumps({"version": 1, "all": [{"field": "employees", "operator": ">=", "value": 50}]})
CRITERIA = (
	{"description": "Followed a link", "basis": "Response", "response_type": "Click", "points": 20},
	{"description": "Said to be interested", "basis": "Response", "answer": "Interested", "points": 40},
	{"description": "Declined on the phone", "basis": "Response", "answer": "Not Interested", "points": -60},
	{"description": "50 employees or more", "basis": "Relation", "condition": B2B, "points": 15},
)


@pytest.fixture
def seller():
	return make.user(None, "Sales User")


@pytest.fixture
def scheme(seller):
	return make.insert(
		"Relation Qualification Scheme",
		scheme_name=make.unique("Schema"),
		threshold=50,
		salesperson=seller,
		task_days=5,
		criteria=[dict(row) for row in CRITERIA],
	)


@pytest.fixture
def campaign(scheme):
	return make.campaign(qualification_scheme=scheme.name)


def member_of(campaign, relation=None) -> str:
	relation = relation or make.relation(employees=80)
	return make.insert("Relation Campaign Member", campaign=campaign.name, relation=relation.name).name


def handovers_of(member: str) -> list:
	return frappe.get_all(
		"Relation Handover", filters={"member": member}, fields=["*"], order_by="creation asc"
	)


def proposed(campaign, relation=None) -> frappe._dict:
	member = member_of(campaign, relation)
	responses.record(member, "Call", "Interested")
	return handovers_of(member)[0]


def status_of(member: str) -> str:
	return frappe.db.get_value("Relation Campaign Member", member, "status")


def test_points_come_with_reasons_and_the_documents_that_show_them(campaign):
	relation = make.relation(employees=80)
	member = member_of(campaign, relation)
	response = responses.record(member, "Call", "Interested")
	result = score(member)
	assert result.points == 55
	assert [(r.description, r.points, r.document_type, r.document_name) for r in result.reasons] == [
		("Said to be interested", 40, "Relation Campaign Response", response),
		("50 employees or more", 15, "Relation", relation.name),
	]


def test_a_criterion_counts_once_however_often_it_is_met(campaign):
	member = member_of(campaign, make.relation(employees=10))
	for _click in range(3):
		responses.record(member, "Click")
	assert score(member).points == 20
	assert frappe.db.get_value("Relation Campaign Member", member, "points") == 20


def test_below_the_threshold_a_member_keeps_its_points_and_is_not_proposed(campaign):
	member = member_of(campaign, make.relation(employees=80))
	responses.record(member, "Click")
	assert frappe.db.get_value("Relation Campaign Member", member, "points") == 35
	assert status_of(member) == "Answered"
	assert not handovers_of(member)


def test_above_the_threshold_a_member_is_proposed_with_reasons_to_the_salesperson(campaign, seller):
	relation = make.relation(employees=80)
	row = proposed(campaign, relation)
	assert (row.relation, row.campaign, row.status, row.points) == (
		relation.name,
		campaign.name,
		"Proposed",
		55,
	)
	assert row.salesperson == seller
	assert sum(reason["points"] for reason in json.loads(row.reasons)) == 55
	assert status_of(row.member) == "Qualified"


def test_further_answers_do_not_propose_a_member_twice(campaign):
	row = proposed(campaign)
	responses.record(row.member, "Click")
	responses.record(row.member, "Call", "Interested")
	assert handovers.propose(row.member) is None
	assert len(handovers_of(row.member)) == 1
	assert frappe.db.get_value("Relation Campaign Member", row.member, "points") == 75


def test_an_answer_that_says_no_takes_points_and_proposes_nothing(campaign):
	member = member_of(campaign)
	responses.record(member, "Click")
	responses.record(member, "Call", "Not Interested")
	assert frappe.db.get_value("Relation Campaign Member", member, "points") == 20 + 15 - 60
	assert status_of(member) == "Declined"
	assert not handovers_of(member)


@pytest.fixture
def rescored(monkeypatch):
	"""Return the list of campaigns queued for scoring, and disable commits."""
	queued = []
	monkeypatch.setattr(frappe, "enqueue", lambda _function, **values: queued.append(values.get("campaign")))
	monkeypatch.setattr(frappe.db, "commit", lambda: None)
	return queued


def test_choosing_a_scheme_on_a_running_campaign_scores_what_has_come_back(scheme, rescored):
	campaign = make.campaign()
	campaign.db_set("status", "Running")
	eager, silent = member_of(campaign), member_of(campaign)
	responses.record(eager, "Call", "Interested")
	campaign.reload()
	campaign.qualification_scheme = scheme.name
	campaign.save()
	assert rescored == [campaign.name]
	assert rescoring.rescore(campaign.name) == 1
	assert rescoring.rescore(campaign.name) == 1
	assert len(handovers_of(eager)) == 1 and status_of(eager) == "Qualified"
	assert not handovers_of(silent)


def test_a_changed_scheme_scores_the_open_campaigns_that_use_it(scheme, campaign, rescored):
	campaign.db_set("status", "Running")
	done = make.campaign(qualification_scheme=scheme.name)
	done.db_set("status", "Done")
	member = member_of(campaign)
	responses.record(member, "Click")
	before = frappe.db.get_value("Relation Campaign Member", member, "points")
	scheme.salesperson = None
	scheme.save()
	assert not rescored
	for row in scheme.criteria:
		if row.response_type == "Click":
			row.points += 30
	scheme.save()
	assert rescored == [campaign.name]
	rescoring.rescore(campaign.name)
	assert frappe.db.get_value("Relation Campaign Member", member, "points") == before + 30
	assert len(handovers_of(member)) == 1


def test_without_its_scheme_a_campaign_has_no_points(scheme, campaign, rescored):
	campaign.db_set("status", "Running")
	member = member_of(campaign)
	responses.record(member, "Click")
	campaign.reload()
	campaign.qualification_scheme = None
	campaign.save()
	rescoring.rescore(campaign.name)
	assert frappe.db.get_value("Relation Campaign Member", member, "points") == 0


def test_without_a_scheme_or_with_a_disabled_one_nobody_is_scored(campaign, scheme):
	bare = member_of(make.campaign())
	responses.record(bare, "Call", "Interested")
	assert score(bare).points == 0
	scheme.db_set("disabled", 1)
	member = member_of(campaign)
	responses.record(member, "Call", "Interested")
	assert not handovers_of(member)


def test_a_returned_member_is_proposed_again_only_with_more_points(campaign):
	row = proposed(campaign)
	return_handover(row.name, "No budget before spring")
	responses.record(row.member, "Call", "Interested")
	assert len(handovers_of(row.member)) == 1
	responses.record(row.member, "Click")
	first, second = handovers_of(row.member)
	assert (first.status, second.status, second.points) == ("Returned", "Proposed", 75)


def test_a_return_needs_a_reason_and_sends_the_member_back_to_marketing(campaign):
	row = proposed(campaign)
	with pytest.raises(frappe.ValidationError, match="reason"):
		return_handover(row.name, "  ")
	return_handover(row.name, "No budget before spring")
	doc = frappe.get_doc("Relation Handover", row.name)
	assert (doc.status, doc.return_reason) == ("Returned", "No budget before spring")
	assert doc.decided_by == "Administrator"
	assert status_of(row.member) == "Answered"
	with pytest.raises(frappe.ValidationError, match="decided already"):
		accept_handover(row.name)


def test_accepting_opens_an_opportunity_with_a_responsible_salesperson_and_a_task(campaign, seller):
	customer = make.customer()
	relation = frappe._dict(name=identity.relation_of("Customer", customer.name))
	frappe.db.set_value("Relation", relation.name, "employees", 80)
	row = proposed(campaign, relation)
	result = accept_handover(row.name)
	opportunity = frappe.get_doc(result["doctype"], result["name"])
	assert (opportunity.opportunity_from, opportunity.party_name) == ("Customer", customer.name)
	assert (opportunity.relation, opportunity.relation_campaign) == (relation.name, campaign.name)
	assert opportunity.opportunity_owner == seller
	assert "Said to be interested" in opportunity.notes[0].note
	todo = frappe.get_doc("ToDo", result["todo"])
	assert (todo.allocated_to, todo.reference_name) == (seller, opportunity.name)
	assert getdate(todo.date) == getdate(add_days(nowdate(), 5))
	doc = frappe.get_doc("Relation Handover", row.name)
	assert (doc.status, doc.document_name, doc.todo) == ("Accepted", opportunity.name, todo.name)
	assert status_of(row.member) == "Handed Over"


def test_accepting_twice_makes_one_opportunity_and_one_task(campaign):
	row = proposed(campaign)
	first, second = accept_handover(row.name), accept_handover(row.name)
	assert first == second
	assert frappe.db.count("Opportunity", {"relation": row.relation}) == 1
	assert frappe.db.count("ToDo", {"reference_name": first["name"]}) == 1


def test_a_chosen_salesperson_takes_the_place_of_the_proposed_one(campaign):
	other = make.user(None, "Sales User")
	result = accept_handover(proposed(campaign).name, salesperson=other)
	assert frappe.db.get_value("Opportunity", result["name"], "opportunity_owner") == other
	with pytest.raises(frappe.ValidationError, match="Choose another person"):
		accept_handover(proposed(campaign).name, salesperson="nobody@example.com")


@pytest.mark.parametrize("kind", ["Organisation", "Person"])
def test_a_relation_without_documents_gets_a_lead_that_is_the_same_relation(campaign, kind):
	relation = make.relation(
		kind=kind,
		employees=80,
		email_id=f"{frappe.generate_hash(length=8)}@beziehung.example",
		**({"first_name": "Anna", "last_name": "Kern"} if kind == "Person" else {}),
	)
	result = accept_handover(proposed(campaign, relation).name)
	opportunity = frappe.get_doc("Opportunity", result["name"])
	assert opportunity.opportunity_from == "Lead"
	lead = frappe.get_doc("Lead", opportunity.party_name)
	assert identity.relation_of("Lead", lead.name) == relation.name == opportunity.relation == lead.relation
	assert lead.relation_campaign == opportunity.relation_campaign == campaign.name
	assert lead.email_id == relation.email_id
	assert bool(lead.company_name) is (kind == "Organisation")
	assert not frappe.db.exists(
		"Relation Deferred Step", {"document_name": ["in", [lead.name, opportunity.name]]}
	)


def test_an_address_that_another_lead_has_does_not_keep_the_relation_from_its_opportunity(campaign):
	other = make.lead()
	relation = make.relation(employees=80, email_id=other.email_id)
	result = accept_handover(proposed(campaign, relation).name)
	lead = frappe.db.get_value("Opportunity", result["name"], "party_name")
	assert lead != other.name
	assert identity.relation_of("Lead", lead) == relation.name


def test_erpnexts_own_campaign_is_named_only_if_there_is_one_of_that_name(campaign):
	meta = frappe.get_meta("Opportunity")
	field = meta.get_field("utm_campaign") or meta.get_field("campaign")
	without = accept_handover(proposed(campaign).name)
	assert not frappe.db.get_value("Opportunity", without["name"], field.fieldname)
	if not frappe.db.exists(field.options, campaign.name):
		frappe.get_doc({"doctype": "Campaign", "campaign_name": campaign.name}).insert(set_name=campaign.name)
	with_one = accept_handover(proposed(campaign).name)
	assert frappe.db.get_value("Opportunity", with_one["name"], field.fieldname) == campaign.name


def test_who_may_not_write_handovers_can_neither_accept_nor_return(campaign):
	row = proposed(campaign)
	frappe.set_user(make.user(None, "Relation User"))
	with pytest.raises(frappe.PermissionError):
		accept_handover(row.name)
	with pytest.raises(frappe.PermissionError):
		return_handover(row.name, "I do not like it")


def test_a_seller_accepts_with_the_rights_of_a_seller(campaign, seller):
	row = proposed(campaign)
	frappe.set_user(seller)
	assert accept_handover(row.name)["doctype"] == "Opportunity"


def test_what_was_proposed_cannot_be_rewritten_on_the_form(campaign, seller):
	row = proposed(campaign)
	frappe.set_user(seller)
	doc = frappe.get_doc("Relation Handover", row.name)
	doc.salesperson = "Administrator"
	doc.save()
	assert frappe.db.get_value("Relation Handover", row.name, "salesperson") == "Administrator"
	for field, value in (("status", "Accepted"), ("points", 99), ("reasons", "[]")):
		doc = frappe.get_doc("Relation Handover", row.name)
		doc.set(field, value)
		with pytest.raises(frappe.ValidationError, match="cannot be changed"):
			doc.save()


def test_after_the_decision_nothing_can_be_changed_but_the_name_follows_the_relation(campaign, seller):
	row = proposed(campaign)
	accept_handover(row.name)
	doc = frappe.get_doc("Relation Handover", row.name)
	doc.salesperson = "Administrator"
	with pytest.raises(frappe.ValidationError, match="decided already"):
		doc.save()
	frappe.db.set_value("Relation", row.relation, "relation_name", "Umbenannt GmbH")
	doc = frappe.get_doc("Relation Handover", row.name)
	doc.save()
	assert doc.relation_name == "Umbenannt GmbH"


@pytest.mark.parametrize(
	("change", "message"),
	[
		({"threshold": 0}, "above 0"),
		({"threshold": 999}, "at most 75"),
		({"task_days": -1}, "0 or more"),
	],
)
def test_a_scheme_that_cannot_work_is_refused(scheme, change, message):
	scheme.update(change)
	with pytest.raises(frappe.ValidationError, match=message):
		scheme.save()


@pytest.mark.parametrize(
	("row", "message"),
	[
		({"basis": "Response"}, "Row 5: choose a Response Type"),
		({"basis": "Relation"}, "Row 5: enter a Condition"),
		({"basis": "Relation", "condition": '{"version": 1, "all": [{"field": "nix"}]}'}, "Row 5, Condition"),
		({"basis": "Response", "response_type": "Click", "points": 0}, "Row 5: enter Points"),
	],
)
def test_a_criterion_that_cannot_be_evaluated_is_refused_with_its_row(scheme, row, message):
	scheme.append("criteria", {"description": "New", "points": 5, **row})
	with pytest.raises(frappe.ValidationError, match=message):
		scheme.save()


def test_the_check_names_what_keeps_a_scheme_from_scoring_and_what_leads_nowhere(scheme, campaign, seller):
	def codes() -> set[str]:
		names = (scheme.name, "Verloren GmbH")
		return {f.code for f in checks.findings() if any(name in f.message for name in names)}

	assert codes() == set()
	gone = json.dumps({"version": 1, "all": [{"field": "gone", "operator": "=", "value": 1}]})
	frappe.db.set_value("Relation Qualification Criterion", scheme.criteria[3].name, "condition", gone)
	frappe.db.set_value("User", seller, "enabled", 0)
	make.insert(
		"Relation Handover",
		relation=make.relation("Verloren GmbH").name,
		status="Accepted",
		document_type="ToDo",
		document_name=make.insert("ToDo", description="x").name,
	)
	frappe.db.delete("ToDo", {"description": "x"})
	assert codes() == {
		"qualification-condition-broken",
		"qualification-salesperson-disabled",
		"handover-document-gone",
	}


def test_the_check_says_when_no_crm_can_take_a_handover(monkeypatch):
	assert pipeline_checks.findings() == []
	monkeypatch.setattr(ErpnextCrm, "available", lambda self: False)
	assert [(f.level, f.code) for f in pipeline_checks.findings()] == [("error", "no-crm")]
	with pytest.raises(frappe.ValidationError, match="No CRM"):
		get_adapter()

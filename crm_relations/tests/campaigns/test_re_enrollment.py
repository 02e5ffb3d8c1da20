"""Test a second enrollment of a relation: its conditions, and what it resets or keeps."""

import frappe
import pytest
from frappe.utils import add_days, now_datetime

from crm_relations.campaigns import queries
from crm_relations.campaigns.eligibility import exits, member_events, step_rules
from crm_relations.campaigns.incoming import csv_import, responses
from crm_relations.campaigns.planning import enrollment, schedule
from crm_relations.campaigns.reporting import funnel as overview
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import call_step, email_step

pytestmark = pytest.mark.site
MEMBER, SEND = "Relation Campaign Member", "Relation Campaign Send"


class Round:
	"""A running campaign of calls; `days_pass` moves everything back by this number of days."""

	def __init__(self, people: int = 2, steps: int = 1, **values):
		self.segment = factories.segment().name
		self.people = [
			factories.relation(
				kind="Person", first_name="Anna", last_name=f"M{i}", mobile_no=f"+4915199{i:05}"
			).name
			for i in range(people)
		]
		membership.add_members(self.segment, self.people)
		doc = factories.campaign(
			segment=self.segment, steps=[call_step(title=f"Anruf {i}") for i in range(steps)], **values
		)
		self.name = doc.name
		enrollment.start(self.name)

	def members(self, **filters) -> list[frappe._dict]:
		return frappe.get_all(
			MEMBER, {"campaign": self.name, **filters}, ["*"], order_by="relation asc, enrollment_no asc"
		)

	def member(self, number: int) -> str:
		return enrollment.last_enrollment(self.name, self.people[number])

	def through(self, number: int) -> None:
		"""Complete all steps of the relation's last enrollment."""
		rows = {"member": self.member(number)}
		frappe.db.set_value(SEND, rows, {"state": "Done", "sent_at": now_datetime()})

	def days_pass(self, days: int) -> None:
		for doctype, fields in (
			(MEMBER, ("entered", "left_on")),
			(SEND, ("sent_at", "modified")),
			("Relation Campaign Response", ("received_at",)),
		):
			for row in frappe.get_all(
				doctype, {"campaign": self.name}, ["name", *fields], order_by="name asc"
			):
				values = {field: add_days(row[field], -days) for field in fields if row[field]}
				frappe.db.set_value(doctype, row.name, values, update_modified=False)


def test_without_the_choice_nobody_comes_in_again():
	story = Round(take_in_new=1)
	story.through(0)
	story.days_pass(400)
	assert enrollment.re_enroll(story.name) == 0 and enrollment.enroll_new(story.name) == 0
	assert len(story.members()) == 2


def test_who_is_through_comes_in_again_after_the_days_with_all_steps():
	story = Round(re_entry_days=30, steps=2)
	story.through(0)
	story.days_pass(29)
	assert enrollment.re_enroll(story.name) == 0, "a day too early"
	story.days_pass(1)
	assert enrollment.re_enroll(story.name) == 1 and enrollment.re_enroll(story.name) == 0
	first, second = story.members(relation=story.people[0])
	assert (first.enrollment_no, second.enrollment_no) == (1, 2)
	rows = frappe.get_all(SEND, {"member": second.name}, ["state", "step"], order_by="step asc")
	assert len({row.step for row in rows}) == 2 and {row.state for row in rows} == {"Pending"}
	assert {row.state for row in frappe.get_all(SEND, {"member": first.name}, ["state"])} == {"Done"}
	assert len(story.members(relation=story.people[1])) == 1, "whose steps are open is still on its way"


def test_who_left_the_segment_and_is_back_comes_in_again():
	story = Round(re_entry_days=10, exit_on_segment_left=1)
	membership.remove_members(story.segment, [story.people[0]])
	exits.apply(story.name, [story.member(0)])
	assert frappe.db.get_value(MEMBER, story.member(0), "left_reason") == step_rules.LEFT_SEGMENT
	story.days_pass(11)
	assert enrollment.re_enroll(story.name) == 0, "it is not in the segment"
	membership.add_members(story.segment, [story.people[0]])
	assert enrollment.re_enroll(story.name) == 1
	assert frappe.db.get_value(MEMBER, story.member(0), ["enrollment_no", "left_on"]) == (2, None)


@pytest.mark.parametrize(("kind", "again"), [("Unsubscribe", 0), ("Complaint", 0), ("Reply", 1)])
def test_who_said_no_for_good_stays_out(kind, again):
	story = Round(re_entry_days=5, exit_on_answer=1, exit_on_complaint=1)
	responses.record(story.member(0), kind)
	story.days_pass(100)
	assert enrollment.re_enroll(story.name) == again


def test_an_objection_to_an_old_mail_ends_the_passage_that_runs_and_keeps_from_the_next():
	story = Round(re_entry_days=5)
	old = story.member(0)
	story.through(0)
	story.days_pass(6)
	enrollment.re_enroll(story.name)
	responses.record(old, "Unsubscribe")
	assert frappe.db.get_value(MEMBER, story.member(0), "left_reason") == step_rules.UNSUBSCRIBED
	assert frappe.db.get_value(SEND, {"member": story.member(0)}, "state") == "Suppressed"
	story.days_pass(50)
	assert enrollment.re_enroll(story.name) == 0


def test_whose_role_changes_leaves_where_the_campaign_says_so():
	"""Turn a lead into a customer; the role of lead, older than the enrollment, is not a change."""
	lead = factories.lead(company_name=factories.unique("Werk"))
	relation = frappe.db.get_value("Relation Party", {"party": lead.name}, "parent")
	leaving, staying = Round(people=1, exit_on_role_change=1), Round(people=1)
	frappe.db.set_value(
		"Relation Stage Log", {"relation": relation}, "creation", add_days(now_datetime(), -1)
	)
	members = [enrollment.add(story.name, relation) for story in (leaving, staying)]
	for story, member in zip((leaving, staying), members, strict=True):
		exits.apply(story.name, [member])
	assert not any(frappe.db.get_value(MEMBER, member, "left_on") for member in members)
	party = factories.customer(lead_name=lead.name)
	factories.invoice(party.name, [(factories.item().name, 1, 10.0)])
	assert frappe.db.get_value("Relation", relation, "stage") == "Customer"
	for story, member in zip((leaving, staying), members, strict=True):
		exits.apply(story.name, [member])
	left = [frappe.db.get_value(MEMBER, member, "left_reason") for member in members]
	assert left == [step_rules.ROLE_CHANGED, None]


def test_what_happened_before_does_not_count_for_the_next_passage():
	story = Round(re_entry_days=5, exit_on_answer=1)
	first = story.member(0)
	responses.record(first, "Reply")
	story.days_pass(6)
	enrollment.re_enroll(story.name)
	second = story.member(0)
	done = member_events.of_members(story.segment, [first, second])
	assert [one.what for one in done[first]] == [step_rules.ANSWERED] and done[second] == []
	exits.apply(story.name, [second])
	assert not frappe.db.get_value(MEMBER, second, "left_on")


def test_the_control_group_is_drawn_once_and_never_comes_in_again():
	story = Round(people=4, re_entry_days=5, control_group_percent=25, take_in_new=1)
	(held,) = story.members(held_out=1)
	for number, relation in enumerate(story.people):
		if relation != held.relation:
			story.through(number)
	story.days_pass(6)
	assert enrollment.re_enroll(story.name) == 3
	assert [row.name for row in story.members(held_out=1)] == [held.name]
	assert len(story.members(relation=held.relation)) == 1


def test_the_overview_counts_persons_once_and_steps_once_a_passage():
	story = Round(people=3, re_entry_days=5)
	for _passage in range(2):
		for number in range(2):
			story.through(number)
			responses.record(story.member(number), "Call", "Interested")
		story.days_pass(6)
		enrollment.re_enroll(story.name)
	status, funnel = queries.status(story.name), overview.funnel(story.name)["addressed"]
	assert (status["members"], status["enrollments"], status["answered"]) == (3, 7, 2)
	assert (funnel["members"], funnel["enrollments"], funnel["sent"], funnel["answered"]) == (3, 7, 2, 2)
	(step,) = overview.by_step(story.name)
	assert (step["sent"], step["states"]) == (4, {"Done": 4, "Pending": 3})


def test_an_invoice_counts_once_however_often_its_buyer_came_in():
	party = factories.customer()
	relation = frappe.db.get_value("Relation Party", {"party": party.name}, "parent")
	story = Round(people=1, re_entry_days=5)
	membership.add_members(story.segment, [relation])
	story.people.append(enrollment.add(story.name, relation) and relation)
	for _passage in range(2):
		story.through(1)
		story.days_pass(6)
		enrollment.re_enroll(story.name)
	item = factories.item()
	factories.invoice(party.name, [(item.name, 1, 100.0)], relation_campaign=story.name)
	funnel = overview.funnel(story.name)["addressed"]
	assert (funnel["invoiced"], funnel["amount"]) == (1, 100.0)
	states = [row.status for row in story.members(relation=relation)]
	assert states == ["Addressed", "Addressed", "Won"], "the last enrollment has won"


def test_by_hand_nobody_is_added_twice_and_who_may_come_again_is():
	story = Round(re_entry_days=5)
	again = story.people[0]
	first = enrollment.add(story.name, again)
	story.through(0)
	assert enrollment.add(story.name, again) == first
	story.days_pass(6)
	second = enrollment.add(story.name, again)
	assert second != first and enrollment.add(story.name, again) == second


def test_a_start_again_and_the_ledger_hold_one_row_a_step_and_member():
	story = Round(re_entry_days=5)
	story.through(0)
	story.days_pass(6)
	enrollment.re_enroll(story.name)
	row = frappe.get_all(SEND, {"member": story.member(0)}, ["*"])[0]
	with pytest.raises(frappe.UniqueValidationError):
		frappe.get_doc({**row, "name": None, "doctype": SEND}).db_insert()
	member = frappe.get_doc(MEMBER, story.member(0))
	with pytest.raises(frappe.UniqueValidationError):
		frappe.get_doc({**member.as_dict(), "name": None}).db_insert()


def test_an_answer_by_csv_belongs_to_the_last_passage():
	story = Round(re_entry_days=5)
	story.through(0)
	story.days_pass(6)
	enrollment.re_enroll(story.name)
	(row,) = csv_import.plan(story.name, f"Beziehung;Antwort\n{story.people[0]};ja\n").rows
	assert (row.member, row.problem) == (story.member(0), "")


def test_who_comes_later_with_an_address_that_has_been_served_gets_no_second_message():
	"""Guard against duplicate emails (frappe#16749): two relations may share one address."""
	account = factories.insert(
		"Email Account",
		email_account_name=factories.unique("Kampagnen"),
		email_id=f"{frappe.generate_hash(length=6)}@rt.example",
		enable_outgoing=1,
		smtp_server="127.0.0.1",
		smtp_port=9,
		no_smtp_authentication=1,
	)
	segment = factories.segment().name
	one = factories.relation(email_id="gemeinsam@kunde.example").name
	membership.add_members(segment, [one])
	doc = factories.campaign(
		segment=segment, email_account=account.name, steps=[email_step()], take_in_new=1, re_entry_days=5
	)
	enrollment.start(doc.name)
	frappe.db.set_value(SEND, {"campaign": doc.name}, {"state": "Sent", "sent_at": now_datetime()})
	other = factories.relation(email_id="Gemeinsam@kunde.example").name
	membership.add_members(segment, [other])
	assert enrollment.enroll_new(doc.name) == 1
	row = frappe.db.get_value(SEND, {"relation": other}, ["state", "reason"], as_dict=True)
	assert (row.state, row.reason) == ("Suppressed", "Another member has the same address")


def test_the_scheduler_takes_in_again_where_the_campaign_wants_it(monkeypatch):
	monkeypatch.setattr(frappe.db, "commit", lambda *a, **k: None)
	again, never = Round(re_entry_days=5), Round()
	for story in (again, never):
		story.through(0)
		story.days_pass(6)
	schedule.re_enroll()
	assert [len(story.members()) for story in (again, never)] == [3, 2]

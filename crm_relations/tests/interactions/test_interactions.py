"""Test the log of interactions, the task that follows from a next step, and calls of a campaign."""

import frappe
import pytest
from frappe.utils import add_days, get_datetime, getdate, nowdate

from crm_relations.interactions import log
from crm_relations.interactions.api import record_call
from crm_relations.tests.support import factories as make

pytestmark = pytest.mark.site


@pytest.fixture
def anna():
	return make.user(None, "Sales User")


@pytest.fixture
def relation():
	return make.relation().name


@pytest.fixture
def call(relation, anna):
	"""Create a call with a next step for Anna in three days."""
	name = log.record(
		relation,
		"Call",
		"Nachfrage zum Angebot",
		next_step="Muster <b>senden</b>",
		next_step_on=add_days(nowdate(), 3),
		next_step_for=anna,
	)
	return frappe.get_doc("Relation Interaction", name)


def todos(relation: str) -> list:
	return frappe.get_all(
		"ToDo",
		filters={"reference_type": "Relation", "reference_name": relation},
		fields=["name", "allocated_to", "date", "description", "status"],
		order_by="creation asc",
	)


def test_an_interaction_is_logged_with_who_and_when(relation):
	doc = frappe.get_doc("Relation Interaction", log.record(relation, "Complaint", "Falsche Menge"))
	assert (doc.kind, doc.subject, doc.handled_by) == ("Complaint", "Falsche Menge", "Administrator")
	assert getdate(doc.happened_on) == getdate(nowdate())
	assert not doc.todo
	assert not todos(relation)


def test_a_next_step_makes_one_task_beside_the_relation_and_linked_from_the_interaction(call, relation, anna):
	assert [t.name for t in todos(relation)] == [call.todo]
	task = todos(relation)[0]
	assert (task.allocated_to, task.status) == (anna, "Open")
	assert task.date == getdate(add_days(nowdate(), 3))
	assert task.description == "Muster ‹b›senden‹/b›"
	assert anna in frappe.db.get_value("Relation", relation, "_assign")


def test_saving_again_makes_no_second_task(call, relation):
	call.outcome = "Open"
	call.save()
	call.reload()
	call.save()
	assert len(todos(relation)) == 1


def test_the_task_follows_day_person_and_text_of_the_next_step(call, relation):
	bert = make.user(None, "Sales User")
	call.update({"next_step": "Anrufen", "next_step_on": add_days(nowdate(), 9), "next_step_for": bert})
	call.save()
	(task,) = todos(relation)
	assert (task.name, task.allocated_to, task.description) == (call.todo, bert, "Anrufen")
	assert task.date == getdate(add_days(nowdate(), 9))
	assert frappe.parse_json(frappe.db.get_value("Relation", relation, "_assign")) == [bert]


def test_what_the_person_changed_in_the_task_stays_while_the_step_does_not_change(call, relation):
	task = frappe.get_doc("ToDo", call.todo)
	task.date = add_days(nowdate(), 30)
	task.save()
	call.outcome = "Call Back"
	call.save()
	assert todos(relation)[0].date == getdate(add_days(nowdate(), 30))


def test_an_emptied_next_step_cancels_the_task(call, relation):
	call.next_step = ""
	call.save()
	assert [t.status for t in todos(relation)] == ["Cancelled"]
	call.reload()
	assert not (call.todo or call.next_step_on or call.next_step_for)


def test_a_closed_task_stays_closed_and_a_new_step_is_a_new_task(call, relation):
	task = frappe.get_doc("ToDo", call.todo)
	task.status = "Closed"
	task.save()
	call.reload()
	call.outcome = "Successful"
	call.save()
	assert [t.status for t in todos(relation)] == ["Closed"]
	call.update({"next_step": "Nachfassen", "next_step_on": add_days(nowdate(), 14)})
	call.save()
	assert [t.status for t in todos(relation)] == ["Closed", "Open"]
	assert call.todo == todos(relation)[1].name


def test_a_next_step_needs_a_day_and_falls_to_the_one_who_logged_it(relation):
	with pytest.raises(frappe.ValidationError, match="Due on"):
		log.record(relation, "Call", "Anruf", next_step="Rückruf")
	name = log.record(relation, "Call", "Anruf", next_step="Rückruf", next_step_on=nowdate())
	assert frappe.db.get_value("Relation Interaction", name, "next_step_for") == "Administrator"


def test_a_next_step_for_somebody_who_left_is_refused(relation, anna):
	frappe.db.set_value("User", anna, "enabled", 0)
	with pytest.raises(frappe.ValidationError, match="Choose another person"):
		log.record(relation, "Call", "Anruf", next_step="x", next_step_on=nowdate(), next_step_for=anna)


def test_deleting_the_interaction_cancels_its_task(call, relation):
	call.delete()
	assert [t.status for t in todos(relation)] == ["Cancelled"]


def test_deleting_the_task_does_not_lock_the_interaction(call):
	frappe.delete_doc("ToDo", call.todo)
	call.reload()
	assert not call.todo
	call.outcome = "Solved"
	call.save()


def test_a_person_without_rights_on_relations_may_read_the_one_their_task_is_about(relation):
	person = make.user(None, "Stock User")
	assert not frappe.has_permission("Relation", "read", doc=relation, user=person)
	log.record(relation, "Visit", "Besuch", next_step="x", next_step_on=nowdate(), next_step_for=person)
	assert frappe.has_permission("Relation", "read", doc=relation, user=person)


def test_logging_needs_the_right_to_log(relation):
	frappe.set_user(make.user(None, "Accounts User"))
	with pytest.raises(frappe.PermissionError):
		log.record(relation, "Call", "Anruf")


@pytest.fixture
def planned_call(relation):
	frappe.db.set_value("Relation", relation, "phone", "+49 221 123456")
	campaign = make.campaign()
	campaign.db_set("status", "Running")
	member = make.insert("Relation Campaign Member", campaign=campaign.name, relation=relation).name
	return make.insert(
		"Relation Campaign Send",
		campaign=campaign.name,
		member=member,
		relation=relation,
		step=frappe.generate_hash(length=10),
		step_type="Call",
		state="Pending",
		due_on=nowdate(),
		recipient="+49221123456",
	)


def test_a_recorded_call_is_an_answer_an_interaction_and_a_task(planned_call, relation, anna):
	result = record_call(
		planned_call.name,
		"Interested",
		note="Will <Muster>",
		next_step="Muster senden",
		next_step_on=add_days(nowdate(), 2),
		next_step_for=anna,
	)
	response = frappe.get_doc("Relation Campaign Response", result["response"])
	assert (response.answer, response.send) == ("Interested", planned_call.name)
	doc = frappe.get_doc("Relation Interaction", result["interaction"])
	assert (doc.relation, doc.kind, doc.direction, doc.outcome) == (
		relation,
		"Call",
		"Outgoing",
		"Successful",
	)
	assert (doc.campaign, doc.response, doc.todo) == (planned_call.campaign, response.name, result["todo"])
	assert "&lt;Muster&gt;" in doc.notes
	assert todos(relation)[0].allocated_to == anna


def test_a_call_without_next_step_leaves_no_task(planned_call, relation):
	result = record_call(planned_call.name, "Not Reached", next_step="  ")
	assert result["todo"] is None
	assert frappe.db.get_value("Relation Interaction", result["interaction"], "outcome") == "No Answer"
	assert not todos(relation)


def test_a_call_back_stays_on_the_call_list_until_its_day_and_time(planned_call):
	moment = f"{add_days(nowdate(), 4)} 15:30:00"
	record_call(planned_call.name, "Call Back", call_again_at=moment)
	planned_call.reload()
	assert (planned_call.state, planned_call.due_on) == ("Pending", getdate(moment))
	assert planned_call.retry_at == get_datetime(moment)


@pytest.mark.parametrize(
	("days", "time", "problem"),
	[
		(None, "", "the day and the time"),
		(2, "", "a time of day"),
		(-1, " 10:00:00", "lies in the past"),
		(2, " soon: perhaps", "not a date with a time"),
	],
)
def test_a_call_back_needs_a_time_that_is_still_to_come(planned_call, days, time, problem):
	said = None if days is None else add_days(nowdate(), days) + time
	with pytest.raises(frappe.ValidationError, match=problem):
		record_call(planned_call.name, "Call Back", call_again_at=said)
	planned_call.reload()
	assert planned_call.state == "Pending" and not planned_call.attempts


def test_a_next_step_in_the_past_is_refused_and_an_old_one_can_still_be_saved(relation):
	with pytest.raises(frappe.ValidationError, match="Due on"):
		log.record(relation, "Call", "Anruf", next_step="Rückruf", next_step_on=add_days(nowdate(), -1))
	doc = frappe.get_doc(
		"Relation Interaction",
		log.record(relation, "Call", "Anruf", next_step="Rückruf", next_step_on=nowdate()),
	)
	frappe.db.set_value(doc.doctype, doc.name, "next_step_on", add_days(nowdate(), -3))
	doc.reload()
	doc.update({"notes": "Nachtrag"}).save()
	assert doc.next_step_on == getdate(add_days(nowdate(), -3))


def test_a_meeting_in_1900_is_a_typing_error(relation):
	with pytest.raises(frappe.ValidationError, match="Correct the year"):
		log.record(relation, "Meeting", "Treffen", happened_on="1900-01-01 10:00:00")
	assert log.record(relation, "Meeting", "Treffen", happened_on="2001-05-17 10:00:00")


def test_a_call_is_recorded_only_by_those_who_may_log_and_read_the_call_list(planned_call):
	for role in ("Accounts User", "Sales User"):
		frappe.set_user(make.user(None, role))
		with pytest.raises(frappe.PermissionError):
			record_call(planned_call.name, "Interested")
		frappe.set_user("Administrator")
	frappe.set_user(make.user(None, "Relation User"))
	assert record_call(planned_call.name, "Interested")["response"]


def test_what_is_logged_has_happened(relation):
	with pytest.raises(frappe.ValidationError, match="When: an interaction cannot lie in the future"):
		log.record(relation, "Visit", "Werksbesuch", happened_on=f"{add_days(nowdate(), 3)} 10:00:00")


def test_a_task_goes_to_a_user_of_the_desk_only(relation):
	"""Give no task to a guest of the website, because a task opens the relation to its user."""
	website_user = make.insert(
		"User",
		email=f"{make.unique('gast')}@kunde.example".lower().replace(" ", ""),
		first_name="Gast",
		send_welcome_email=0,
		user_type="Website User",
	)
	with pytest.raises(frappe.ValidationError, match="is not a system user"):
		log.record(
			relation,
			"Call",
			"Rückfrage",
			next_step="Antworten",
			next_step_on=nowdate(),
			next_step_for=website_user.name,
		)
	assert not frappe.has_permission("Relation", "read", doc=relation, user=website_user.name)

"""Test the assignment of a campaign's work, the contact limit, due dates, and the end of a campaign."""

import frappe
import pytest
from frappe.utils import add_days, add_to_date, get_datetime, getdate, now_datetime, nowdate

from crm_relations.campaigns import checks, lifecycle, queries, rules, working_hours
from crm_relations.campaigns.eligibility import check, contact_limits, step_rules
from crm_relations.campaigns.manual import call_list, letters, tasks
from crm_relations.campaigns.members import assignment
from crm_relations.campaigns.planning import enrollment, readiness, schedule
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import call_step

pytestmark = pytest.mark.site
SEND = "Relation Campaign Send"
TASK = {"step_type": "Task", "title": "Besuch", "task_text": "{{ name }} besuchen"}
LETTER = {"step_type": "Letter", "title": "Brief", "letter_text": "Guten Tag"}


@pytest.fixture
def settings():
	"""Set Relation Settings for the test; the rollback restores them, and the cache is cleared."""

	def change(**values):
		frappe.db.set_single_value("Relation Settings", values)
		frappe.clear_document_cache("Relation Settings", "Relation Settings")

	yield change
	frappe.db.rollback()
	frappe.clear_document_cache("Relation Settings", "Relation Settings")


@pytest.fixture
def no_commit(monkeypatch):
	monkeypatch.setattr(frappe.db, "commit", lambda *a, **k: None)


@pytest.fixture
def agents():
	return [factories.user(None, "Relation User") for _number in range(3)]


def company(number: int) -> str:
	return factories.relation(
		mobile_no=f"+4915177{number:05}", address_line=f"Weg {number}", pincode="50667", city="Köln"
	).name


def started(number=6, steps=None, users=(), **values):
	segment = factories.segment().name
	membership.add_members(segment, [company(i) for i in range(number)])
	if users:
		values.update(responsible=users[0], responsible_users=[{"user": user} for user in users[1:]])
	doc = factories.campaign(segment=segment, steps=steps or [call_step()], **values)
	enrollment.start(doc.name)
	return frappe.get_doc("Relation Campaign", doc.name)


def absent(settings, user, since=None, until=None):
	doc = frappe.get_doc("Relation Settings")
	doc.append("absences", {"user": user, "from_date": since, "until_date": until})
	doc.absences[-1].db_insert()
	frappe.clear_document_cache("Relation Settings", "Relation Settings")


def work(campaign) -> dict[str, int]:
	rows = frappe.get_all(SEND, {"campaign": campaign.name}, pluck="assigned_to", order_by="name asc")
	return {user: rows.count(user) for user in set(rows)}


# --- assignment -------------------------------------------------------------------------------------------


def test_calls_are_shared_evenly_and_the_same_way_each_time(agents):
	campaign = started(7, users=agents)
	assert assignment.assign_calls(campaign.name) == 7 and assignment.assign_calls(campaign.name) == 0
	assert work(campaign) == {agents[0]: 3, agents[1]: 2, agents[2]: 2}
	rows = ["a", "b", "c"]
	assert assignment.divide(campaign, "Task", rows, agents) == assignment.divide(
		campaign, "Task", rows, agents
	)


def test_an_agent_is_offered_his_own_calls_first_and_helps_the_others_then(agents):
	campaign = started(4, users=agents[:2])
	assignment.assign_calls(campaign.name)
	frappe.set_user(agents[1])
	given = [call["assigned_to"] for call in call_list.next_calls(campaign.name)]
	assert given == [agents[1]] * 2 + [agents[0]] * 2


def test_who_is_away_or_disabled_gets_nothing_and_his_calls_go_to_the_others(agents, settings):
	campaign = started(6, users=agents)
	assignment.assign_calls(campaign.name)
	absent(settings, agents[0], until=add_days(nowdate(), 2))
	frappe.db.set_value("User", agents[1], "enabled", 0)
	assert assignment.assign_calls(campaign.name) == 4
	assert work(campaign) == {agents[2]: 6}


def test_an_absence_counts_on_its_days_only(agents, settings):
	absent(settings, agents[0], since=add_days(nowdate(), 1), until=add_days(nowdate(), 3))
	assert assignment.away(agents) == set()
	assert assignment.away(agents, getdate(add_days(nowdate(), 3))) == {agents[0]}
	assert assignment.away(agents, getdate(add_days(nowdate(), 4))) == set()


def test_tasks_go_round_and_the_one_whom_the_step_names_comes_first(agents, settings, no_commit):
	campaign = started(5, steps=[TASK, {**TASK, "task_for": agents[2]}], users=agents[:2])
	assert tasks.make_due(campaign.name) == 10
	assert work(campaign) == {agents[0]: 3, agents[1]: 2, agents[2]: 5}
	given = frappe.get_all(SEND, {"campaign": campaign.name}, ["assigned_to", "todo"])
	assert all(frappe.db.get_value("ToDo", row.todo, "allocated_to") == row.assigned_to for row in given)


def test_a_task_waits_where_nobody_is_there_and_says_so(agents, settings, no_commit):
	campaign = started(2, steps=[TASK], users=agents[:1])
	absent(settings, agents[0])
	assert tasks.make_due(campaign.name) == 0
	rows = frappe.get_all(SEND, {"campaign": campaign.name}, ["state", "reason"])
	assert [(row.state, row.reason) for row in rows] == [("Pending", tasks.NO_USER)] * 2
	assert "tasks-for-nobody" in {finding.code for finding in checks.findings()}
	frappe.db.delete("Relation Absence", {"user": agents[0]})
	frappe.clear_document_cache("Relation Settings", "Relation Settings")
	assert tasks.make_due(campaign.name) == 2


def test_the_check_names_who_cannot_do_the_work(agents, settings):
	segment = factories.segment().name
	membership.add_members(segment, [company(1)])
	outsider = factories.user(None, "Stock User")
	absent(settings, agents[1])
	frappe.db.set_value("User", agents[2], "enabled", 0)
	campaign = factories.campaign(
		segment=segment,
		steps=[call_step()],
		responsible=outsider,
		responsible_users=[{"user": agents[1]}, {"user": agents[2]}],
	)
	notes = " ".join(readiness.readiness(campaign)["notes"])
	assert f"{outsider} has no right to see the call list" in notes
	assert f"{agents[1]} is absent" in notes and f"{agents[2]} cannot log in" in notes
	campaign.update({"steps": [], "responsible": agents[2], "responsible_users": []})
	campaign.append("steps", TASK)
	assert any("no responsible user can log in" in text for text in readiness.missing(campaign))


@pytest.mark.parametrize("reserved", [True, False])
def test_a_call_keeps_the_basis_it_rests_on_however_it_was_taken(reserved):
	campaign = started(1)
	send = frappe.get_all(SEND, {"campaign": campaign.name}, pluck="name")[0]
	assert not frappe.db.get_value(SEND, send, "legal_basis")
	if reserved:
		assert call_list.reserve(campaign.name)[0]["send"] == send
		assert frappe.db.get_value(SEND, send, "legal_basis") == rules.PRESUMED_CONSENT
	call_list.complete(send, "Interested")
	assert frappe.db.get_value(SEND, send, "legal_basis") == rules.PRESUMED_CONSENT


# --- contact limit ----------------------------------------------------------------------------------------


def judged(campaign, step_type="Call"):
	rows = frappe.get_all(
		SEND,
		{"campaign": campaign.name, "step_type": step_type, "state": "Pending"},
		["name", "step", "step_type", "member", "relation", "recipient"],
		order_by="name asc",
	)
	return rows, check.evaluate(campaign, rows).refused


def test_a_call_counts_for_the_limit_of_calls_whoever_made_it_and_reached_or_not(settings):
	settings(call_limit=1, call_limit_days=10)
	first = started(2)
	second = factories.campaign(segment=first.segment, steps=[call_step()])
	enrollment.start(second.name)
	second.reload()
	(row, _other) = frappe.get_all(SEND, {"campaign": first.name}, ["name", "relation"], order_by="name asc")
	call_list.complete(row.name, "Not Reached")
	rows, refused = judged(second)
	(mine,) = (one for one in rows if one.relation == row.relation)
	assert refused == {mine.name: step_rules.CONTACT_LIMITS["Call"]}
	_rows, refused = judged(first)
	assert refused == {}, "to try the same call again is no other contact"
	frappe.db.set_value(SEND, row.name, "sent_at", add_days(now_datetime(), -11))
	assert judged(second)[1] == {}, "it is long past"


def test_the_reason_is_stored_when_the_call_would_be_made(settings):
	first = started(1)
	second = factories.campaign(segment=first.segment, steps=[call_step()])
	enrollment.start(second.name)
	call_list.complete(frappe.get_all(SEND, {"campaign": first.name}, pluck="name")[0], "Interested")
	settings(call_limit=1, call_limit_days=10)
	assert call_list.reserve(second.name)[0] is None
	state, reason = frappe.db.get_value(SEND, {"campaign": second.name}, ["state", "reason"])
	assert (state, reason) == ("Suppressed", step_rules.CONTACT_LIMITS["Call"])


def test_letters_have_a_limit_and_printed_ones_count(settings):
	first = started(1, steps=[LETTER])
	frappe.db.set_value(SEND, {"campaign": first.name}, "print_run", "abc")
	second = factories.campaign(segment=first.segment, steps=[LETTER])
	enrollment.start(second.name)
	second.reload()
	assert judged(second, "Letter")[1] == {}
	settings(letter_limit=1, letter_limit_days=10)
	assert set(judged(second, "Letter")[1].values()) == {step_rules.CONTACT_LIMITS["Letter"]}


def test_all_channels_together_have_a_limit(settings):
	settings(total_limit=2, total_limit_days=10)
	campaign = started(1, steps=[call_step(), LETTER, TASK], users=["Administrator"])
	assert judged(campaign)[1] == {}
	relation = frappe.db.get_value(SEND, {"campaign": campaign.name}, "relation")
	member = frappe.db.get_value(SEND, {"campaign": campaign.name}, "member")
	for number in range(2):
		factories.insert(
			SEND,
			campaign=campaign.name,
			member=member,
			relation=relation,
			step=f"older{number}",
			step_type="Email",
			state="Sent",
			sent_at=now_datetime(),
			recipient=f"{number}@kunde.example",
		)
	assert set(judged(campaign)[1].values()) == {step_rules.CONTACT_LIMITS[""]}
	assert set(judged(campaign, "Letter")[1].values()) == {step_rules.CONTACT_LIMITS[""]}
	assert judged(campaign, "Task")[1] == {}, "a task addresses nobody"


def test_while_another_worker_holds_a_mail_to_them_nobody_is_called_or_written_to(settings):
	settings(total_limit=1, total_limit_days=10)
	campaign = started(1, steps=[call_step(), LETTER])
	row = frappe.db.get_value(SEND, {"campaign": campaign.name}, ["member", "relation"], as_dict=True)
	mail = factories.insert(
		SEND,
		campaign=campaign.name,
		step="mail",
		step_type="Email",
		state="Pending",
		worker="elsewhere/1/2/3",
		claimed_at=now_datetime(),
		recipient="held@kunde.example",
		**row,
	)
	assert call_list.reserve(campaign.name)[0] is None
	assert letters.print_due(campaign.name)["letters"] == 0
	states = frappe.get_all(SEND, {"campaign": campaign.name}, pluck="state")
	assert states == ["Pending"] * 3, "they wait, and are not lost"
	mail.db_set({"state": "Failed", "worker": None})
	assert letters.print_due(campaign.name)["letters"] == 1
	assert call_list.reserve(campaign.name)[0] is None, "the letter counts"


def test_of_two_steps_at_once_the_limit_lets_one_go(settings):
	settings(total_limit=1, total_limit_days=10)
	campaign = started(1, steps=[call_step(), call_step(title="Zweiter Anruf")])
	rows, refused = judged(campaign)
	assert len(rows) == 2 and len(refused) == 1


def test_without_limits_nothing_is_asked(settings):
	settings(contact_limit=0, call_limit=0, letter_limit=0, total_limit=0)
	assert (
		contact_limits._limits([frappe._dict(name="x", step_type="Call", relation="y", recipient="z")], "")
		== []
	)


# --- due dates ----------------------------------------------------------------------------------------------


def test_a_step_may_be_due_hours_after_the_start():
	campaign = started(1, steps=[call_step(delay_hours=5), {**LETTER, "delay_days": 1, "delay_hours": 2}])
	call, letter = frappe.get_all(SEND, {"campaign": campaign.name}, ["*"], order_by="step_type asc")
	assert abs((call.retry_at - add_to_date(now_datetime(), hours=5)).total_seconds()) < 60
	assert abs((letter.retry_at - add_to_date(now_datetime(), hours=26)).total_seconds()) < 60
	assert call.due_on == call.retry_at.date() and letter.due_on == letter.retry_at.date()
	assert call_list.next_calls(campaign.name) == []
	past = add_to_date(now_datetime(), hours=-1)
	frappe.db.set_value(SEND, call.name, {"retry_at": past, "due_on": past.date()})
	assert len(call_list.next_calls(campaign.name)) == 1


def test_tasks_and_letters_wait_for_their_hour(no_commit):
	late = add_to_date(now_datetime(), hours=1)
	steps = [{**TASK, "delay_hours": 1}, {**LETTER, "delay_hours": 1}]
	campaign = started(1, steps=steps, users=["Administrator"])
	frappe.db.set_value(SEND, {"campaign": campaign.name}, "due_on", nowdate())
	assert tasks.make_due(campaign.name) == 0 and letters.print_due(campaign.name)["letters"] == 0
	assert queries.due_by_hand(campaign.name, "Letter") == 0
	frappe.db.set_value(SEND, {"campaign": campaign.name}, "retry_at", add_to_date(late, hours=-2))
	assert tasks.make_due(campaign.name) == 1 and queries.due_by_hand(campaign.name, "Letter") == 1


def test_an_hour_outside_of_the_working_hours_waits_for_them():
	campaign = started(1, steps=[call_step(delay_hours=1)], hours_from=8, hours_until=18)
	today = now_datetime().date()
	assert working_hours.closed(campaign, get_datetime(f"{today} 19:30:00"))
	assert not working_hours.closed(campaign, get_datetime(f"{add_days(today, 1)} 08:00:00"))


def test_steps_hours_apart_are_no_conflict_and_cannot_be_moved_after_the_start():
	mail = ("Email", "x", 0, "")
	assert not step_rules.conflicts([mail, ("Email", "y", 3, "")])
	campaign = started(1)
	campaign.steps[0].delay_hours = 3
	with pytest.raises(frappe.ValidationError, match="Steps"):
		campaign.save()


# --- the end ------------------------------------------------------------------------------------------------


@pytest.fixture
def ticking(monkeypatch, no_commit):
	monkeypatch.setattr(schedule.dispatch, "send_due_campaigns", lambda: None)
	monkeypatch.setattr(schedule.jobs, "enqueue_start", lambda *a: None)
	return schedule.run


def status(campaign) -> str:
	return frappe.db.get_value("Relation Campaign", campaign.name, "status")


def test_a_campaign_ends_after_its_end_date_and_tells_what_was_not_done(ticking, agents):
	campaign = started(3, steps=[call_step(), LETTER], users=agents[:1], end_date=nowdate())
	call_list.complete(
		frappe.get_all(SEND, {"campaign": campaign.name, "step_type": "Call"}, pluck="name")[0], "Unknown"
	)
	ticking()
	assert status(campaign) == "Running", "the end date itself belongs to the campaign"
	frappe.db.set_value("Relation Campaign", campaign.name, "end_date", add_days(nowdate(), -1))
	ticking()
	assert status(campaign) == "Done"
	rows = frappe.get_all(SEND, {"campaign": campaign.name, "state": "Suppressed"}, ["step_type", "reason"])
	assert len(rows) == 5 and {row.reason for row in rows} == {rules.CAMPAIGN_OVER}
	comments = frappe.get_all(
		"Comment", {"reference_name": campaign.name}, pluck="content", order_by="creation asc"
	)
	assert any("Call 2" in text and "Letter 3" in text for text in comments)


def test_nothing_leaves_after_the_end_date_even_before_the_scheduler_comes():
	campaign = started(1, end_date=nowdate())
	frappe.db.set_value("Relation Campaign", campaign.name, "end_date", add_days(nowdate(), -1))
	campaign.reload()
	assert "ended" in working_hours.closed(campaign)
	assert call_list.next_calls(campaign.name) == [] and "ended" in call_list.reserve(campaign.name)[1]


def test_a_campaign_whose_end_date_has_passed_is_not_started(ticking, monkeypatch):
	queued = []
	segment = factories.segment().name
	membership.add_members(segment, [company(1)])
	doc = factories.campaign(segment=segment, steps=[call_step()], start_date=add_days(nowdate(), -5))
	lifecycle.approve(doc.name)
	doc.db_set("end_date", add_days(nowdate(), -1))
	monkeypatch.setattr(schedule.jobs, "enqueue_start", lambda name, user: queued.append(name))
	ticking()
	assert doc.name not in queued
	assert any(
		"has passed" in text for text in readiness.missing(frappe.get_doc("Relation Campaign", doc.name))
	)


def through(campaign, hours):
	frappe.db.set_value(SEND, {"campaign": campaign.name}, "state", "Done")
	then = add_to_date(now_datetime(), hours=-hours)
	frappe.db.set_value(SEND, {"campaign": campaign.name}, "modified", then, update_modified=False)
	frappe.db.set_value("Relation Campaign", campaign.name, "started_at", then)


def test_a_campaign_ends_when_all_are_through_a_day_later(ticking):
	campaign = started(2)
	ticking()
	assert status(campaign) == "Running"
	through(campaign, 23)
	ticking()
	assert status(campaign) == "Running", "a day for decisions and late answers"
	through(campaign, 25)
	ticking()
	assert status(campaign) == "Done"


@pytest.mark.parametrize("values", [{"take_in_new": 1}, {"re_entry_days": 30}, {"ends_when_through": 0}])
def test_a_campaign_that_others_may_enter_does_not_end_by_itself(ticking, values):
	campaign = started(1, **values)
	through(campaign, 48)
	ticking()
	assert status(campaign) == "Running"


def test_an_uncertain_message_keeps_a_campaign_open(ticking):
	campaign = started(1)
	through(campaign, 48)
	frappe.db.set_value(SEND, {"campaign": campaign.name}, "state", "Uncertain", update_modified=False)
	ticking()
	assert status(campaign) == "Running"


def test_printed_letters_may_still_be_confirmed_after_the_end():
	campaign = started(2, steps=[LETTER])
	run = letters.print_due(campaign.name)["print_run"]
	assert run and lifecycle.finish(campaign.name) == {}
	assert len(letters.confirm(campaign.name, run)) == 2

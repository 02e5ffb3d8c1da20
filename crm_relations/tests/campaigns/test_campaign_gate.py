"""Test which members get a step: conditions, exits, exclusions, approval, working hours and A/B tests."""

import frappe
import pytest
from frappe.utils import add_days, add_to_date, now_datetime, nowdate

from crm_relations.campaigns import api, rules, working_hours
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.eligibility import step_rules
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.incoming import responses
from crm_relations.campaigns.manual import tasks
from crm_relations.campaigns.members import ab_test
from crm_relations.campaigns.planning import enrollment, readiness, schedule
from crm_relations.interactions import log
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import call_step, email_step

pytestmark = pytest.mark.site

REMINDER = {"title": "Erinnerung", "delay_days": 3}


def members(campaign: str) -> list[str]:
	"""Return the members in the order of their addresses."""
	return frappe.get_all(
		"Relation Campaign Member", {"campaign": campaign}, pluck="name", order_by="email asc"
	)


def days_pass(campaign: str, days: int) -> None:
	"""Move the campaign back by this number of days."""
	table = frappe.qb.DocType("Relation Campaign Send")
	for name, due_on in (
		frappe.qb.from_(table).select(table.name, table.due_on).where(table.campaign == campaign).run()
	):
		frappe.db.set_value("Relation Campaign Send", name, "due_on", add_days(due_on, -days))


def reasons(mailing, campaign: str, **filters) -> dict[str, str]:
	return {row.recipient: row.reason for row in mailing.rows(campaign, state="Suppressed", **filters)}


def second_step(mailing, sink, steps, **values):
	"""Start a campaign with three members and send its first step; the next step is not due yet."""
	mailing.people(3)
	campaign = mailing.started(steps=steps, **values)
	mailing.send(campaign)
	sink.messages.clear()
	return campaign


@pytest.mark.parametrize(
	("only_if", "gets_it"),
	[("Clicked", [0]), ("Not Clicked", [1, 2]), ("Answered", [1]), ("Not Answered", [0, 2])],
)
def test_a_step_goes_to_those_who_did_what_it_asks_for(mailing, sink, only_if, gets_it):
	campaign = second_step(mailing, sink, [email_step(), email_step(**REMINDER, only_if=only_if)])
	clicked, replied, _silent = members(campaign)
	responses.record(clicked, "Click", url="https://shop.example")
	responses.record(replied, "Reply")
	days_pass(campaign, 3)
	mailing.send(campaign)
	assert sorted(sink.recipients()) == [mailing.address(i) for i in gets_it]
	assert set(reasons(mailing, campaign).values()) == {step_rules.CONDITION_NOT_MET}


def test_a_condition_may_look_back_some_days_only(mailing, sink):
	step = email_step(**REMINDER, only_if="Not Clicked", within_days=2)
	campaign = second_step(mailing, sink, [email_step(), step])
	first, second, _third = members(campaign)
	responses.record(first, "Click", url="u", received_at=add_to_date(now_datetime(), days=-3))
	responses.record(second, "Click", url="u", received_at=add_to_date(now_datetime(), hours=-1))
	days_pass(campaign, 3)
	mailing.send(campaign)
	assert sorted(sink.recipients()) == [mailing.address(0), mailing.address(2)]


def test_a_robots_click_is_no_click(mailing, sink):
	campaign = second_step(mailing, sink, [email_step(), email_step(**REMINDER, only_if="Clicked")])
	responses.record(members(campaign)[0], "Click", url="u", bot="Scanner")
	days_pass(campaign, 3)
	assert mailing.send(campaign)["sent"] == 0


def test_who_has_answered_leaves_at_once_where_the_campaign_says_so(mailing, sink):
	campaign = second_step(
		mailing, sink, [email_step(), email_step(**REMINDER), call_step(delay_days=5)], exit_on_answer=1
	)
	responses.record(members(campaign)[1], "Reply")
	left = frappe.get_doc("Relation Campaign Member", members(campaign)[1])
	assert left.left_reason == step_rules.ANSWERED and left.left_on
	assert set(reasons(mailing, campaign, member=left.name).values()) >= {step_rules.ANSWERED}
	days_pass(campaign, 3)
	mailing.send(campaign)
	assert sorted(sink.recipients()) == [mailing.address(0), mailing.address(2)]


def test_without_that_rule_who_has_answered_stays(mailing, sink):
	campaign = second_step(mailing, sink, [email_step(), email_step(**REMINDER)])
	responses.record(members(campaign)[1], "Reply")
	days_pass(campaign, 3)
	assert mailing.send(campaign)["sent"] == 3


def test_one_unsubscription_ends_the_campaign_for_one(mailing, sink):
	"""Guard against a failure of ERPNext: one member unsubscribes, and it ends for all (erpnext#52448)."""
	campaign = second_step(mailing, sink, [email_step(), email_step(**REMINDER)])
	responses.record(members(campaign)[0], "Unsubscribe")
	days_pass(campaign, 3)
	mailing.send(campaign)
	assert sorted(sink.recipients()) == [mailing.address(1), mailing.address(2)]
	assert reasons(mailing, campaign) == {mailing.address(0): step_rules.UNSUBSCRIBED}


def test_who_complains_leaves(mailing, sink):
	campaign = second_step(mailing, sink, [email_step(), email_step(**REMINDER)], exit_on_complaint=1)
	log.record(mailing.relations[2], "Complaint", "Zu viele E-Mails")
	days_pass(campaign, 3)
	assert mailing.send(campaign)["sent"] == 2
	frappe.db.delete("Relation Interaction", {"relation": ["in", mailing.relations]})
	assert reasons(mailing, campaign) == {mailing.address(2): step_rules.COMPLAINED}


def test_who_has_bought_leaves_and_a_step_may_be_for_buyers(mailing, sink):
	steps = [email_step(), email_step(title="Dank", delay_days=3, only_if="Bought")]
	campaign = second_step(mailing, sink, steps)
	order = frappe.qb.DocType("Sales Order")
	name = factories.unique("SO-TEST")
	stamp = now_datetime()
	(
		frappe.qb.into(order)
		.columns("name", "creation", "docstatus", "relation", "transaction_date")
		.insert(name, stamp, 1, mailing.relations[1], nowdate())
		.run()
	)
	try:
		days_pass(campaign, 3)
		mailing.send(campaign)
		assert sink.recipients() == [mailing.address(1)]
		other = mailing.started(exit_on_purchase=1)
		frappe.db.set_value("Sales Order", name, "creation", add_to_date(now_datetime(), seconds=1))
		mailing.send(other)
		assert reasons(mailing, other) == {mailing.address(1): step_rules.BOUGHT}
	finally:
		frappe.db.delete("Sales Order", {"name": name})
		frappe.db.commit()


def test_who_has_left_the_segment_leaves_the_campaign_where_it_says_so(mailing, sink):
	campaign = second_step(mailing, sink, [email_step(), email_step(**REMINDER)], exit_on_segment_left=1)
	membership.remove_members(mailing.segment, [mailing.relations[0]])
	days_pass(campaign, 3)
	mailing.send(campaign)
	assert sorted(sink.recipients()) == [mailing.address(1), mailing.address(2)]
	assert reasons(mailing, campaign) == {mailing.address(0): step_rules.LEFT_SEGMENT}


def test_overdue_customers_and_open_complaints_are_left_out_by_choice(mailing, sink):
	mailing.people(3)
	factories.insert(
		"Relation Facts",
		relation=mailing.relations[0],
		company=frappe.get_all("Company", pluck="name", order_by="name asc")[0],
		overdue_amount=10,
	)
	complaint = log.record(mailing.relations[1], "Complaint", "Lieferung falsch")
	frappe.db.set_value("Relation Interaction", complaint, "creation", add_days(now_datetime(), -9))
	frappe.db.commit()
	try:
		campaign = mailing.started(exclude_overdue=1, exclude_complaints=1)
		mailing.send(campaign)
		assert sink.recipients() == [mailing.address(2)]
		assert reasons(mailing, campaign) == {
			mailing.address(0): step_rules.OVERDUE,
			mailing.address(1): step_rules.OPEN_COMPLAINT,
		}
		frappe.db.set_value("Relation Interaction", complaint, "outcome", "Solved")
		assert mailing.send(mailing.started(exclude_complaints=1))["sent"] == 3
	finally:
		for doctype in ("Relation Facts", "Relation Interaction"):
			frappe.db.delete(doctype, {"relation": ["in", mailing.relations]})
		frappe.db.commit()


# --- members that are added later ------------------------------------------------------------------------


def test_relations_are_taken_in_as_they_enter_the_segment_and_keep_the_control_group(mailing, sink):
	mailing.people(4)
	campaign = mailing.started(take_in_new=1, control_group_percent=25)
	assert frappe.db.count("Relation Campaign Member", {"campaign": campaign, "held_out": 1}) == 1
	mailing.send(campaign)
	membership.add_members(mailing.segment, mailing.people(4))
	assert enrollment.enroll_new(campaign) == 4 and enrollment.enroll_new(campaign) == 0
	assert frappe.db.count("Relation Campaign Member", {"campaign": campaign, "held_out": 1}) == 2
	mailing.send(campaign)
	assert len(sink.recipients()) == len(set(sink.recipients())) == 6


def test_who_has_left_is_not_taken_in_again_and_other_campaigns_take_nobody_in(mailing):
	mailing.people(2)
	closed, open_one = mailing.started(), mailing.started(take_in_new=1)
	responses.record(members(open_one)[0], "Unsubscribe")
	membership.add_members(mailing.segment, mailing.people(1))
	assert enrollment.enroll_new(closed) == 0
	frappe.db.set_value("Relation Campaign", open_one, "end_date", add_days(nowdate(), -1))
	assert enrollment.enroll_new(open_one) == 0, "the campaign is over"
	frappe.db.set_value("Relation Campaign", open_one, "end_date", nowdate())
	assert enrollment.enroll_new(open_one) == 1 and len(members(open_one)) == 3


# --- approval and start ----------------------------------------------------------------------------------


def test_an_approved_campaign_starts_on_its_day_or_later_and_not_before(mailing, monkeypatch):
	"""Guard against two failures of ERPNext's Email Campaign.

	It sends entries of exactly today, so that a missed day is never sent. Its status Scheduled never advances
	(erpnext#25597, #39179).
	"""
	queued = []
	monkeypatch.setattr(schedule.jobs, "enqueue_start", lambda name, user: queued.append(name))
	monkeypatch.setattr(schedule.dispatch, "send_due_campaigns", lambda: None)
	mailing.people(1)
	late = mailing.campaign(start_date=add_days(nowdate(), -3))
	later = mailing.campaign(start_date=add_days(nowdate(), 1))
	by_hand = mailing.campaign()
	draft = mailing.campaign(start_date=add_days(nowdate(), -3))
	for doc in (late, later, by_hand):
		assert api.approve(doc.name)["missing"] == []
	schedule.run()
	assert queued == [late.name] and draft.name not in queued
	assert enrollment.start(late.name)["members"] == 1


def test_where_approval_is_asked_for_a_draft_does_not_start(mailing):
	frappe.db.set_single_value("Relation Settings", "campaigns_need_approval", 1)
	frappe.clear_document_cache("Relation Settings", "Relation Settings")
	try:
		mailing.people(1)
		doc = mailing.campaign()
		with pytest.raises(frappe.ValidationError, match="Approval"):
			enrollment.start(doc.name)
		frappe.set_user(factories.user(None, "Relation User"))
		with pytest.raises(frappe.PermissionError):
			api.approve(doc.name)
		frappe.set_user("Administrator")
		api.approve(doc.name)
		assert enrollment.start(doc.name)["status"] == "Running"
	finally:
		frappe.set_user("Administrator")
		frappe.db.set_single_value("Relation Settings", "campaigns_need_approval", 0)
		frappe.clear_document_cache("Relation Settings", "Relation Settings")


def test_what_was_approved_and_is_changed_is_a_draft_again(mailing):
	mailing.people(1)
	doc = mailing.campaign()
	api.approve(doc.name)
	doc.reload()
	assert doc.approved_by
	doc.goal = "Neu"
	doc.save()
	assert doc.status == "Draft" and not doc.approved_by


# --- working hours --------------------------------------------------------------------------------------


def test_outside_of_its_hours_and_on_holidays_a_campaign_rests(mailing, sink):
	mailing.people(1)
	holidays = factories.insert(
		"Holiday List",
		holiday_list_name=factories.unique("Feiertage"),
		from_date="2026-01-01",
		to_date="2026-12-31",
		holidays=[{"holiday_date": "2026-12-25", "description": "Weihnachten"}],
	)
	doc = mailing.campaign(hours_from=8, hours_until=18, holiday_list=holidays.name)
	at = frappe.utils.get_datetime
	assert not working_hours.closed(doc, at("2026-12-23 08:00:00"))
	assert not working_hours.closed(doc, at("2026-12-23 17:59:59"))
	for time in ("2026-12-23 07:59:59", "2026-12-23 18:00:00"):
		assert "working hours" in working_hours.closed(doc, at(time))
	assert "holiday" in working_hours.closed(doc, at("2026-12-25 10:00:00"))
	hour = now_datetime().hour
	doc.update({"hours_from": (hour + 2) % 23, "hours_until": (hour + 2) % 23 + 1, "holiday_list": None})
	doc.save()
	enrollment.start(doc.name)
	result = mailing.send(doc.name)
	assert "working hours" in result["stopped"] and result["pending"] == 1 and not sink.recipients()
	frappe.db.set_value("Relation Campaign", doc.name, {"hours_from": 0, "hours_until": 0})
	assert mailing.send(doc.name)["sent"] == 1
	holidays.delete()


@pytest.mark.parametrize(("opens", "closes"), [(18, 8), (8, 8), (0, 25)])
def test_hours_that_leave_no_time_are_refused(mailing, opens, closes):
	with pytest.raises(frappe.ValidationError, match="Until Hour"):
		mailing.campaign(hours_from=opens, hours_until=closes)


# --- A/B test -------------------------------------------------------------------------------------------


def variants(mailing, campaign: str) -> dict[str, list[frappe._dict]]:
	found: dict[str, list[frappe._dict]] = {}
	for row in mailing.rows(campaign):
		found.setdefault(row.variant, []).append(row)
	return found


def test_a_share_gets_two_variants_and_the_rest_gets_the_winner(mailing, sink):
	mailing.people(10)
	step = email_step(subject_b="Anders, {{ first_name }}", ab_share=40, ab_wait_hours=2)
	campaign = mailing.started(steps=[step])
	drawn = variants(mailing, campaign)
	assert {name: len(rows) for name, rows in drawn.items()} == {"A": 2, "B": 2, "Waiting": 6}
	assert mailing.send(campaign)["sent"] == 4
	subjects = sorted("Anders" in raw.decode() for _to, raw in sink.messages)
	assert subjects == [False, False, True, True]
	responses.record(drawn["B"][0].member, "Click", url="u", send=drawn["B"][0].name)
	responses.record(drawn["A"][0].member, "Click", url="u", send=drawn["A"][0].name, bot="Scanner")
	assert mailing.send(campaign)["sent"] == 0, "its time has not come"
	long_ago = add_to_date(now_datetime(), hours=-3)
	frappe.db.set_value(
		"Relation Campaign Send", {"campaign": campaign, "state": "Sent"}, "sent_at", long_ago
	)
	assert mailing.send(campaign)["sent"] == 6
	row = frappe.get_doc("Relation Campaign", campaign).steps[0]
	assert row.ab_winner == "B" and row.ab_result == "A: 0 of 2, B: 1 of 2 (Clicked)"
	assert sum("Anders" in raw.decode() for _to, raw in sink.messages) == 8
	assert len(set(sink.recipients())) == 10


def test_without_a_difference_a_wins_and_who_comes_later_gets_the_winner(mailing, sink):
	mailing.people(2)
	step = email_step(message_b="<p>Kurz</p>", ab_share=100, ab_wait_hours=0)
	campaign = mailing.started(steps=[step], take_in_new=1)
	mailing.send(campaign)
	assert ab_test.decide(frappe.get_doc("Relation Campaign", campaign))
	assert not ab_test.decide(frappe.get_doc("Relation Campaign", campaign)), "once"
	membership.add_members(mailing.segment, mailing.people(1))
	enrollment.enroll_new(campaign)
	assert [row.variant for row in mailing.rows(campaign, recipient=mailing.address(2))] == ["A"]


def test_the_scheduler_names_the_winner_that_nothing_else_waits_for(mailing, monkeypatch):
	queued = []
	monkeypatch.setattr(dispatch, "enqueue", queued.append)
	mailing.people(4)
	campaign = mailing.started(steps=[email_step(subject_b="B", ab_share=50, ab_wait_hours=0)])
	mailing.send(campaign)
	schedule.run()
	assert frappe.get_doc("Relation Campaign", campaign).steps[0].ab_winner == "A" and campaign in queued


def test_a_form_that_was_open_does_not_take_the_winner_back(mailing):
	mailing.people(2)
	campaign = mailing.started(steps=[email_step(subject_b="B", ab_share=100, ab_wait_hours=0)])
	doc = frappe.get_doc("Relation Campaign", campaign)
	mailing.send(campaign)
	ab_test.decide(frappe.get_doc("Relation Campaign", campaign))
	doc.steps[0].subject = "Neu"
	doc.save()
	assert frappe.get_doc("Relation Campaign", campaign).steps[0].ab_winner == "A"


# --- tasks ----------------------------------------------------------------------------------------------


def test_a_task_step_makes_a_task_each_once(mailing):
	mailing.people(2)
	user = factories.user(None, "Relation User")
	step = {"step_type": "Task", "title": "Besuch", "task_text": "{{ name }} besuchen", "task_for": user}
	campaign = mailing.started(steps=[step])
	try:
		assert tasks.make_due(campaign) == 2 and tasks.make_due(campaign) == 0
		rows = mailing.rows(campaign)
		assert {row.state for row in rows} == {"Done"}
		todo = frappe.get_doc("ToDo", rows[0].todo)
		assert todo.allocated_to == user and todo.reference_name == rows[0].relation
		assert "Anna Muster" in todo.description
	finally:
		frappe.db.delete("ToDo", {"reference_name": ["in", mailing.relations]})
		frappe.db.commit()


def test_a_task_is_made_for_nobody_who_has_left(mailing):
	mailing.people(2)
	step = {"step_type": "Task", "title": "Besuch", "task_text": "Besuch", "task_for": "Administrator"}
	campaign = mailing.started(steps=[email_step(), {**step, "delay_days": 2}])
	mailing.send(campaign)
	responses.record(members(campaign)[0], "Unsubscribe")
	days_pass(campaign, 2)
	try:
		assert tasks.make_due(campaign) == 1
	finally:
		frappe.db.delete("ToDo", {"reference_name": ["in", mailing.relations]})
		frappe.db.commit()


# --- corrected addresses --------------------------------------------------------------------------------


def correct(relation: str, **values) -> None:
	frappe.get_doc("Relation", relation).update(values).save()


def test_a_later_step_goes_to_the_corrected_address_if_that_has_consent(mailing, sink):
	campaign = second_step(mailing, sink, [email_step(), email_step(**REMINDER), call_step(delay_days=9)])
	agreed, silent, _same = mailing.relations
	addresses = [f"neu{number}@{mailing.domain}" for number in range(2)]
	decisions.record(agreed, addresses[0], "Email", "Given", source="Formular", legal_basis=rules.CONSENT)
	correct(agreed, email_id=addresses[0].upper(), mobile_no="0221 1234567")
	correct(silent, email_id=addresses[1])
	days_pass(campaign, 3)
	mailing.send(campaign)
	assert sorted(sink.recipients()) == sorted([addresses[0], mailing.address(2)])
	assert reasons(mailing, campaign, step_type="Email") == {addresses[1]: rules.NO_CONSENT}
	(call,) = mailing.rows(campaign, step_type="Call", relation=agreed)
	assert (call.recipient, call.state) == ("+492211234567", "Pending")
	assert frappe.db.get_value("Relation Campaign Member", call.member, "email") == addresses[0]
	sent = mailing.rows(campaign, relation=silent, state="Sent")
	assert [row.recipient for row in sent] == [mailing.address(1)]


def test_an_address_that_is_taken_away_ends_the_plan_and_one_that_comes_back_renews_it(mailing, sink):
	campaign = second_step(mailing, sink, [email_step(), email_step(**REMINDER)])
	relation = mailing.relations[0]
	correct(relation, email_id="")
	(row,) = mailing.rows(campaign, relation=relation, state="Suppressed")
	assert row.reason == rules.NO_ADDRESS["Email"]
	correct(relation, email_id=mailing.address(0))
	days_pass(campaign, 3)
	mailing.send(campaign)
	assert mailing.address(0) in sink.recipients()


def test_a_corrected_address_that_another_member_has_gets_one_message(mailing, sink):
	campaign = second_step(mailing, sink, [email_step(), email_step(**REMINDER)])
	correct(mailing.relations[1], email_id=mailing.address(0))
	days_pass(campaign, 3)
	mailing.send(campaign)
	assert sorted(sink.recipients()) == [mailing.address(0), mailing.address(2)]


# --- the check before the start -------------------------------------------------------------------------


def test_the_check_names_consent_that_was_not_used_for_years(mailing):
	mailing.people(2)
	old = mailing.person(given=False)
	given_at = add_days(nowdate(), -5 * 366)
	decisions.record(
		old,
		mailing.address(2),
		"Email",
		"Given",
		source="Messe",
		legal_basis=rules.CONSENT,
		given_at=given_at,
	)
	doc = mailing.campaign()
	notes = " ".join(readiness.readiness(doc)["notes"])
	assert "Email: the consent of 1 of 3 members was given more than 4 years ago" in notes and old in notes
	row = {"doctype": "Relation Campaign Send", "campaign": doc.name, "relation": old, "step_type": "Email"}
	used = frappe.get_doc(
		{**row, "state": "Sent", "recipient": mailing.address(2), "sent_at": now_datetime()}
	)
	used.db_insert()
	assert "more than 4 years ago" not in " ".join(readiness.readiness(doc)["notes"])
	used.db_set("sent_at", given_at)
	frappe.db.set_single_value("Relation Settings", "unused_consent_years", 0)
	assert "years ago" not in " ".join(readiness.readiness(doc)["notes"])


def test_the_check_names_members_without_address_or_consent_and_broken_links(mailing):
	mailing.people(1)
	mailing.person(given=False)
	nameless = mailing.person(" ", given=False, last_name="")
	message = '<p>{{ last_name }} <a href="www.shop.example">hier</a> <a href="#">da</a></p>'
	doc = mailing.campaign(steps=[email_step(message=message)])
	ready = readiness.readiness(doc)
	assert ready["missing"] == [] and ready["members"] == 3
	notes = " ".join(ready["notes"])
	assert "Email is empty for 1 members" in notes and nameless in notes
	assert "Email: 1 of 2 members may not be addressed" in notes and mailing.relations[1] in notes
	assert "the link www.shop.example is broken" in notes and "the link # is broken" in notes


def test_the_check_names_steps_that_conflict_or_are_empty(mailing):
	mailing.people(1)
	steps = [
		email_step(),
		email_step(),
		email_step(delay_days=0, only_if="Clicked"),
		{"step_type": "Letter", "title": "Brief"},
		{"step_type": "Task", "title": "Aufgabe"},
		email_step(delay_days=9, ab_share=20),
		email_step(delay_days=10, attach_files=1),
	]
	missing = " ".join(readiness.missing(mailing.campaign(steps=steps)))
	for text in (
		"Steps 1, 2: two emails",
		"Steps 3: no member can have clicked yet",
		"Letter Text is missing",
		"Task Text is missing",
		"no Responsible User",
		"Variant B: enter its own",
		"Files for Emails is empty",
	):
		assert text in missing


def test_a_call_is_left_out_by_the_same_gate(mailing):
	mailing.person(mobile_no="+49 151 23456789")
	mailing.person(mobile_no="+49 151 23456790")
	for relation in mailing.relations:
		phone = frappe.db.get_value("Relation", relation, "mobile_no")
		decisions.record(relation, phone, "Phone", "Given", source="Formular", legal_basis=rules.CONSENT)
	campaign = mailing.started(steps=[email_step(), call_step(only_if="Answered", delay_days=1)])
	mailing.send(campaign)
	responses.record(members(campaign)[0], "Reply")
	days_pass(campaign, 1)
	dispatch.send(campaign)
	calls = api.next_calls(campaign)
	assert [call["relation"] for call in calls] == [mailing.relations[0]]

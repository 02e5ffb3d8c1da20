"""Test a campaign from draft to done: checks before the start, states, permissions, jobs and findings."""

import frappe
import pytest
from rq.job import JobStatus

from crm_relations.campaigns import api, checks, lifecycle, queries
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.members import member_status
from crm_relations.campaigns.planning import enrollment, jobs, readiness
from crm_relations.segments.members import membership
from crm_relations.shared.jobs import single_job
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import call_step, email_step

pytestmark = pytest.mark.site


@pytest.fixture
def account():
	return factories.insert(
		"Email Account",
		email_account_name=factories.unique("Kampagnen"),
		email_id=f"{frappe.generate_hash(length=6)}@rt.example",
		enable_outgoing=1,
		smtp_server="127.0.0.1",
		smtp_port=9,
		no_smtp_authentication=1,
	)


def draft(account=None, steps=None, relations=2, **values):
	segment = factories.segment()
	names = [factories.relation(email_id=f"p{i}@kunde.example").name for i in range(relations)]
	membership.add_members(segment.name, names)
	return factories.campaign(
		segment=segment.name, email_account=account and account.name, steps=steps or [email_step()], **values
	)


def test_one_error_names_all_that_is_missing(account):
	account.db_set("enable_outgoing", 0)
	steps = [email_step(subject="", message="<p> </p>"), email_step(message="{{ vorname }} {{ name }}")]
	doc = draft(account, steps=[*steps, call_step(call_script="{% if %}")])
	frappe.db.set_value("Relation Segment", doc.segment, "disabled", 1)
	with pytest.raises(frappe.ValidationError) as error:
		enrollment.start(doc.name)
	text = str(error.value)
	for part in (
		"is disabled",
		"Subject is missing",
		"Message is missing",
		"unknown merge fields: vorname",
		"Call Script cannot be read",
		"Enable Outgoing",
	):
		assert part in text, part
	assert frappe.db.get_value("Relation Campaign", doc.name, "status") == "Draft"
	assert not frappe.db.count("Relation Campaign Member", {"campaign": doc.name})


def test_a_campaign_of_calls_alone_needs_no_account():
	doc = draft(steps=[call_step()])
	assert readiness.missing(doc) == []
	assert enrollment.start(doc.name)["members"] == 2


def test_an_empty_segment_does_not_start(account):
	with pytest.raises(frappe.ValidationError, match="has no members"):
		enrollment.start(draft(account, relations=0).name)


def test_a_disabled_relation_is_not_addressed(account):
	doc = draft(account)
	frappe.db.set_value("Relation", {"email_id": "p1@kunde.example"}, "disabled", 1)
	assert enrollment.start(doc.name)["members"] == 1


def test_the_start_is_noted_with_time_and_user(account):
	doc = draft(account)
	enrollment.start(doc.name, user="Administrator")
	doc.reload()
	assert doc.status == "Running" and doc.started_by == "Administrator" and doc.started_at
	status = queries.status(doc.name)
	assert (status["members"], status["pending"], status["sent"]) == (2, 2, 0)


def test_states_change_by_their_functions_only(account):
	doc = draft(account)
	doc.status = "Running"
	with pytest.raises(frappe.ValidationError, match="Status"):
		doc.save()
	with pytest.raises(frappe.ValidationError, match="cannot become"):
		lifecycle.pause(doc.name)
	enrollment.start(doc.name)
	lifecycle.pause(doc.name)
	with pytest.raises(frappe.ValidationError, match="only a draft"):
		enrollment.start(doc.name)
	lifecycle.resume(doc.name)
	lifecycle.finish(doc.name)
	with pytest.raises(frappe.ValidationError, match="cannot become"):
		lifecycle.resume(doc.name)


def test_a_new_campaign_is_a_draft_whatever_it_is_copied_from(account):
	doc = draft(account)
	enrollment.start(doc.name)
	doc.reload()
	copy = frappe.copy_doc(doc, ignore_no_copy=False)
	copy.campaign_name = factories.unique("Kopie")
	copy.status = "Running"
	with pytest.raises(frappe.CannotChangeConstantError, match="Status"):
		copy.insert()
	copy.status = None
	copy.insert()
	assert copy.status == "Draft" and not copy.started_at


def test_a_campaign_does_not_end_before_it_starts(account):
	doc = draft(account)
	doc.update({"start_date": "2026-02-02", "end_date": "2026-02-01"})
	with pytest.raises(frappe.ValidationError, match=r"End Date: .* lies before Start Date"):
		doc.save()


def test_after_the_start_texts_may_change_and_steps_may_not(account):
	doc = draft(account)
	enrollment.start(doc.name)
	doc.reload()
	doc.steps[0].subject = "Neu"
	doc.save()
	doc.append("steps", call_step())
	with pytest.raises(frappe.ValidationError, match="Steps"):
		doc.save()
	doc.reload()
	doc.segment = factories.segment().name
	with pytest.raises(frappe.ValidationError, match="Segment"):
		doc.save()


def test_a_started_campaign_is_not_deleted_and_keeps_its_rows_when_renamed(account):
	frappe.delete_doc("Relation Campaign", draft(account).name)
	doc = draft(account)
	enrollment.start(doc.name)
	with pytest.raises(frappe.ValidationError, match="cannot be deleted"):
		frappe.delete_doc("Relation Campaign", doc.name)
	new = factories.unique("Umbenannt")
	frappe.rename_doc("Relation Campaign", doc.name, new)
	assert queries.status(new)["members"] == 2


def test_a_member_moves_on_and_not_back(account):
	doc = draft(account)
	enrollment.start(doc.name)
	member = frappe.get_all(
		"Relation Campaign Member", {"campaign": doc.name}, pluck="name", order_by="name asc"
	)[0]
	member_status.qualify(member, 40)
	member_status.return_from_sales(member)
	member_status.hand_over(member)
	member_status.qualify(member, 45)
	assert frappe.db.get_value("Relation Campaign Member", member, ["status", "points"]) == (
		"Handed Over",
		45,
	)


# --- permissions ----------------------------------------------------------------------------------------

WRITES = (api.start, api.send_now, api.pause, api.resume, api.finish)


def test_nobody_without_the_right_can_start_or_read(account):
	doc = draft(account)
	frappe.set_user(factories.user(None, "Purchase User"))
	for function in (*WRITES, api.readiness, api.progress, api.next_calls):
		with pytest.raises(frappe.PermissionError):
			function(campaign=doc.name)
	with pytest.raises(frappe.PermissionError):
		frappe.get_doc("Relation Campaign", doc.name).check_permission("write")


def test_an_accountant_reads_but_does_not_start(account):
	doc = draft(account)
	frappe.set_user(factories.user(None, "Accounts User"))
	assert api.progress(campaign=doc.name)["status"]["status"] == "Draft"
	for function in WRITES:
		with pytest.raises(frappe.PermissionError):
			function(campaign=doc.name)


def test_the_responsible_user_starts_pauses_and_sees_the_progress(account, monkeypatch):
	responsible = factories.user(None, "Relation User")
	doc = draft(account, responsible=responsible)
	frappe.set_user(responsible)
	queued = []
	monkeypatch.setattr(frappe, "enqueue", lambda method, **kwargs: queued.append((method, kwargs)))
	ready = api.readiness(campaign=doc.name)
	assert ready["missing"] == [] and ready["members"] == 2
	answer = api.start(campaign=doc.name)
	assert answer["queued"] and queued[0][0] is jobs.start_and_send
	assert queued[0][1]["deduplicate"] and queued[0][1]["job_id"]
	enrollment.start(doc.name)
	assert api.pause(campaign=doc.name)["status"] == "Paused"
	assert api.resume(campaign=doc.name)["status"] == "Running"
	assert queued[-1][0] is dispatch.send_job
	assert api.progress(campaign=doc.name)["due"] == 2


def test_what_is_missing_is_told_and_nothing_is_queued(account, monkeypatch):
	monkeypatch.setattr(frappe, "enqueue", lambda *a, **k: pytest.fail("queued"))
	doc = draft(account, steps=[email_step(subject="")])
	answer = api.start(campaign=doc.name)
	assert not answer["queued"] and "Subject" in answer["missing"][0]


def test_the_start_dialog_notes_merge_fields_that_are_empty(account):
	doc = draft(account)
	frappe.db.set_value("Relation", {"email_id": "p0@kunde.example"}, "email_id", "")
	notes = " ".join(api.readiness(campaign=doc.name)["notes"])
	assert "Email is empty for 1" in notes and "Last Name is empty for 2" in notes


# --- jobs and findings ----------------------------------------------------------------------------------


def test_the_scheduler_queues_running_campaigns_with_due_rows_only(account, monkeypatch):
	queued = []
	monkeypatch.setattr(dispatch, "enqueue", queued.append)
	monkeypatch.setattr(dispatch, "settle", lambda campaign=None: 0)
	running, paused, later = draft(account), draft(account), draft(account, steps=[email_step(delay_days=2)])
	for doc in (running, paused, later):
		enrollment.start(doc.name)
	lifecycle.pause(paused.name)
	dispatch.send_due_campaigns()
	assert running.name in queued and not {paused.name, later.name} & set(queued)


def test_a_job_waits_once_and_a_dead_one_does_not_block_the_next(monkeypatch):
	states, queued = {}, []
	monkeypatch.setattr(single_job, "get_job_status", states.get)
	monkeypatch.setattr(frappe, "enqueue", lambda method, **kwargs: queued.append(kwargs["job_id"]))
	dispatch.enqueue("Frühling: 1")
	assert queued[0].replace("_", "").isalnum()
	states[queued[0]] = JobStatus.QUEUED
	dispatch.enqueue("Frühling: 1")
	assert len(queued) == 1
	states[queued[0]] = JobStatus.STARTED  # running or killed: the queue cannot distinguish them
	dispatch.enqueue("Frühling: 1")
	assert len(queued) == 2 and queued[1] != queued[0]


def test_the_scheduler_leaves_a_campaign_alone_that_is_being_sent(account, monkeypatch):
	queued = []
	monkeypatch.setattr(dispatch, "enqueue", queued.append)
	monkeypatch.setattr(dispatch, "settle", lambda campaign=None: 0)
	doc = draft(account)
	enrollment.start(doc.name)
	row = frappe.get_all("Relation Campaign Send", {"campaign": doc.name}, pluck="name", order_by="name asc")[
		0
	]
	frappe.db.set_value("Relation Campaign Send", row, "worker", "somebody")
	dispatch.send_due_campaigns()
	assert doc.name not in queued


def codes():
	return {finding.code for finding in checks.findings()}


def test_findings_name_uncertain_stuck_and_orphaned_rows(account, monkeypatch):
	doc = draft(account, relations=3)
	enrollment.start(doc.name)
	assert not {"uncertain-sends", "stuck-sends", "sends-without-member"} & codes()
	first, second, third = frappe.get_all(
		"Relation Campaign Send", {"campaign": doc.name}, ["name", "member"], order_by="name asc"
	)
	frappe.db.set_value("Relation Campaign Send", first.name, "state", "Uncertain")
	frappe.db.set_value(
		"Relation Campaign Send", second.name, {"state": "Sending", "claimed_at": "2026-01-01"}
	)
	frappe.db.delete("Relation Campaign Member", {"name": third.member})
	assert {"uncertain-sends", "stuck-sends", "sends-without-member"} <= codes()
	assert "members-without-relation" not in codes()
	relation = frappe.db.get_value("Relation Campaign Member", first.member, "relation")
	frappe.db.delete("Relation", {"name": relation})
	assert "members-without-relation" in codes()


def test_findings_name_a_missing_worker_and_muted_mails(account, monkeypatch):
	monkeypatch.setattr(checks, "workers_of_queue", lambda queue="long": 0)
	enrollment.start(draft(account).name)
	frappe.flags.mute_emails = True
	try:
		found = codes()
	finally:
		frappe.flags.mute_emails = False
	assert {"no-worker", "emails-muted"} <= found

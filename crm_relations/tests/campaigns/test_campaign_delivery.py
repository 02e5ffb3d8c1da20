"""Test that each message of a campaign is sent once over real SMTP, and that every message is accounted for."""

import os
import re
import socket
import subprocess
import sys
from email import policy
from email.parser import BytesParser

import frappe
import psutil
import pytest
from frappe.utils import add_days, now_datetime

from crm_relations.campaigns import api, lifecycle, queries
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.email import dispatch, worker
from crm_relations.campaigns.planning import enrollment
from crm_relations.campaigns.sends import store
from crm_relations.tests.conftest import BENCH_DIR, SITE
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine.servers import (
	empty_queue,
	frappe_process,
	free_port,
	kill_with_children,
	stop,
	wait_for,
)
from crm_relations.tests.support.mailing import call_step, email_step, time_is_over_after

pytestmark = pytest.mark.site


def parsed(message):
	return BytesParser(policy=policy.default).parsebytes(message)


def test_every_member_gets_one_personal_message(mailing, sink):
	mailing.people(3)
	campaign = mailing.started()
	result = mailing.send(campaign)
	assert result["sent"] == 3 and result["pending"] == 0 and not result["stopped"]
	assert sorted(sink.recipients()) == [mailing.address(i) for i in range(3)]
	assert sink.sessions == 1, "the connection is used again"
	message = parsed(next(m for to, m in sink.messages if to == [mailing.address(1)]))
	assert message["Subject"] == "Für Anna"
	assert "Muster1" in message.get_body(("html",)).get_content()
	text = message.get_body(("plain",)).get_content()
	assert "Guten Tag" in text and "Angebot <http" in text
	assert mailing.balanced(campaign)


def test_chunks_go_over_one_connection(mailing, sink, monkeypatch):
	mailing.people(5)
	campaign = mailing.started()
	chunks = []
	claim = store.claim
	monkeypatch.setattr(worker.Worker, "__post_init__", in_chunks_of(2))
	monkeypatch.setattr(store, "claim", lambda *args: chunks.append(claim(*args)) or chunks[-1])
	assert mailing.send(campaign)["sent"] == 5
	assert [len(names) for names in chunks] == [2, 2, 1, 0] and sink.sessions == 1


def in_chunks_of(size: int):
	make = worker.Worker.__post_init__

	def made(self) -> None:
		make(self)
		self.size = size

	return made


def test_a_connection_that_the_server_has_closed_is_made_anew_and_costs_no_message(mailing, sink):
	mailing.people(4)
	sink.close_after.update({mailing.address(1), mailing.address(2)})
	campaign = mailing.started()
	result = mailing.send(campaign)
	assert (result["sent"], result["retry"], result["uncertain"]) == (4, 0, 0)
	assert len(sink.recipients()) == 4
	assert 2 <= sink.sessions <= 3  # one more session after each unexpected goodbye of the server
	assert {row.attempts for row in mailing.rows(campaign)} == {0}


def test_a_message_over_which_the_connection_breaks_once_goes_over_a_new_one(mailing, sink):
	mailing.people(3)
	sink.hang_ups_at_rcpt[mailing.address(1)] = 1
	campaign = mailing.started()
	result = mailing.send(campaign)
	assert (result["sent"], result["retry"], result["uncertain"]) == (3, 0, 0)
	assert (len(sink.recipients()), sink.sessions) == (3, 2)
	assert {row.attempts for row in mailing.rows(campaign)} == {0}


def test_a_message_over_which_the_connection_breaks_each_time_waits_and_the_others_go_on(mailing, sink):
	mailing.people(3)
	sink.hang_ups_at_rcpt[mailing.address(1)] = 2
	campaign = mailing.started()
	result = mailing.send(campaign)
	assert (result["sent"], result["retry"]) == (2, 1)
	assert mailing.send(campaign)["sent"] == 1 and mailing.balanced(campaign)


def test_a_message_carries_one_click_unsubscription_whole(mailing, sink):
	mailing.people(1)
	campaign = mailing.started()
	mailing.send(campaign)
	raw = sink.messages[0][1].decode().replace("\r\n", "\n")
	row = mailing.rows(campaign)[0]
	assert re.search(rf"^List-Unsubscribe: <\S+/ru/{row.token}>$", raw, re.MULTILINE)
	assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in raw
	assert f"Message-ID: <{row.message_id}>" in raw


def test_links_lead_over_short_signed_addresses_and_the_file_keeps_the_written_ones(mailing, sink):
	mailing.people(1)
	campaign = mailing.started()
	mailing.send(campaign)
	html = parsed(sink.messages[0][1]).get_body(("html",)).get_content()
	assert "shop.example" not in html and len(re.findall(r"/rc/[\w.-]+", html)) == 2
	row = mailing.rows(campaign)[0]
	assert frappe.parse_json(row.links) == [
		"https://shop.example/herbst?id=1&x=2",
		"https://shop.example/katalog",
	]
	communication = frappe.get_doc("Communication", row.communication)
	assert communication.reference_name == row.relation and communication.delivery_status == "Sent"
	assert "https://shop.example/katalog" in communication.content and "/rc/" not in communication.content
	assert communication.message_id == row.message_id
	assert not frappe.db.exists("Email Queue", {"communication": communication.name})


def test_nobody_sees_another_recipient_and_each_message_has_an_id_of_its_own(mailing, sink):
	"""Guard against two failures.

	ERPNext's Email Campaign puts a whole Email Group into the header of one email. Messages that Frappe
	queues separately share one Message-ID, so that a reply belongs to all of them.
	"""
	mailing.people(3)
	campaign = mailing.started()
	mailing.send(campaign)
	seen = [parsed(message) for _to, message in sink.messages]
	assert all(len(to) == 1 for to, _message in sink.messages)
	assert all(len(message["To"].addresses) == 1 and not message["Cc"] for message in seen)
	assert len({message["Message-ID"] for message in seen}) == 3
	filed = {row.recipient: row.message_id for row in mailing.rows(campaign)}
	assert {m["To"].addresses[0].addr_spec: m["Message-ID"].strip("<>") for m in seen} == filed


def test_what_a_first_run_left_over_is_sent_by_the_next_and_nothing_twice(mailing, sink, monkeypatch):
	"""Guard against a failure: 411 of 714 newsletters were sent, the rest could not be (erpnext#48722)."""
	mailing.people(9)
	campaign = mailing.started()
	time_is_over_after(4, sink, monkeypatch)
	first = dispatch.send(campaign, seconds=600)
	assert (first["sent"], first["pending"]) == (4, 5)
	second = dispatch.send(campaign)
	assert (second["sent"], second["pending"]) == (5, 0)
	assert sorted(sink.recipients()) == [mailing.address(i) for i in range(9)]


def test_a_second_start_and_a_second_sending_change_nothing(mailing, sink):
	"""Guard against a failure: Email Campaign sends again when its daily job runs twice on a day."""
	mailing.people(3)
	campaign = mailing.started()
	mailing.send(campaign)
	again = enrollment.start(campaign)
	frappe.db.commit()
	assert again["new_members"] == again["new_sends"] == 0 and again["members"] == 3
	mailing.send(campaign)
	assert len(sink.recipients()) == 3


def test_a_start_that_was_cut_off_is_completed_without_doubles(mailing):
	mailing.people(3)
	doc = mailing.campaign()
	enrollment.start(doc.name)
	# as if the machine had stopped after half of the rows were written
	doc.reload()
	doc.db_set({"status": "Draft", "started_at": None})
	frappe.db.delete("Relation Campaign Send", {"name": mailing.rows(doc.name)[0].name})
	result = enrollment.start(doc.name)
	assert (result["members"], result["new_members"], result["new_sends"]) == (3, 0, 1)


def test_members_with_one_address_get_one_message(mailing, sink):
	"""Guard against a failure: a newsletter that lists an address twice sends twice (frappe#16749)."""
	mailing.person(f"Info@{mailing.domain}")
	mailing.person(f"Büro <info@{mailing.domain.upper()}>", given=False)
	mailing.person(" ", given=False)
	campaign = mailing.started()
	mailing.send(campaign)
	assert sink.recipients() == [f"info@{mailing.domain}"]
	reasons = sorted(row.reason for row in mailing.rows(campaign, state="Suppressed"))
	assert reasons == ["Another member has the same address", "No email address"]
	assert mailing.balanced(campaign)


def test_consent_is_looked_up_when_the_message_leaves(mailing, sink):
	"""Guard against two failures.

	Frappe compares unsubscribed addresses by their spelling, so that "Anna <a@b.de>" gets email after a@b.de
	has unsubscribed. A rule with OR adds unsubscribed people to a list (mautic#3239).
	"""
	mailing.people(3)
	mailing.person(given=False)
	campaign = mailing.started()
	decisions.record(None, f"Anna <{mailing.address(1).upper()}>", "Email", "Withdrawn", source="Brief")
	factories.insert("Email Unsubscribe", email=f"ANNA <{mailing.address(2)}>", global_unsubscribe=1)
	frappe.db.commit()
	try:
		mailing.send(campaign)
	finally:
		frappe.db.delete("Email Unsubscribe", {"email": ["like", f"%{mailing.domain}%"]})
		frappe.db.delete("Relation Consent", {"address_key": ["like", f"%{mailing.domain}"]})
		frappe.db.commit()
	assert sink.recipients() == [mailing.address(0)]
	reasons = {row.recipient: row.reason for row in mailing.rows(campaign, state="Suppressed")}
	assert reasons == {
		mailing.address(1): "Consent withdrawn",
		mailing.address(2): "Unsubscribed from all emails of the site",
		mailing.address(3): "No consent",
	}
	sent = mailing.rows(campaign, state="Sent")[0]
	assert sent.legal_basis == "Consent, Art. 6 (1) (a) GDPR" and sent.consent


def test_a_temporary_refusal_is_tried_again_later_and_only_then(mailing, sink):
	mailing.people(2)
	sink.at_rcpt[mailing.address(0)] = ["451 later"]
	campaign = mailing.started()
	assert dispatch.send(campaign)["retry"] == 1
	assert dispatch.send(campaign)["sent"] == 0, "its time has not come"
	row = mailing.rows(campaign, state="Pending")[0]
	assert row.attempts == 1 and "451" in row.reason and not row.communication
	assert mailing.send(campaign)["sent"] == 1
	assert sorted(sink.recipients()) == [mailing.address(0), mailing.address(1)]
	assert frappe.db.count("Communication", {"reference_name": ["in", mailing.relations]}) == 2


def test_after_three_temporary_refusals_a_message_has_failed(mailing, sink):
	mailing.people(1)
	sink.at_data[mailing.address(0)] = ["450 greylisted"] * 5
	campaign = mailing.started()
	waits = []
	for _attempt in range(4):
		mailing.send(campaign)
		row = mailing.rows(campaign)[0]
		if row.retry_at:
			waits.append(round((row.retry_at - now_datetime()).total_seconds() / 60))
	assert waits == [5, 30], "minutes; longer each time"
	assert row.state == "Failed" and row.attempts == 3 and len(sink.at_data[mailing.address(0)]) == 2
	assert mailing.balanced(campaign)


def test_a_permanent_refusal_fails_at_once_and_the_others_go_on(mailing, sink):
	mailing.people(3)
	sink.at_rcpt[mailing.address(1)] = ["550 no such user"]
	campaign = mailing.started()
	result = mailing.send(campaign)
	assert (result["sent"], result["failed"]) == (2, 1)
	assert "550 no such user" in mailing.rows(campaign, state="Failed")[0].reason


def test_a_connection_lost_after_the_text_leaves_an_uncertain_message(mailing, sink):
	mailing.people(3)
	sink.hang_up_after_data.add(mailing.address(1))
	campaign = mailing.started()
	result = mailing.send(campaign)
	assert (result["sent"], result["uncertain"]) == (2, 1)
	mailing.send(campaign)
	assert sorted(sink.recipients()) == [mailing.address(i) for i in range(3)], "not sent again"
	row = mailing.rows(campaign, state="Uncertain")[0]
	assert row.recipient == mailing.address(1) and queries.uncertain(campaign)[0].name == row.name
	dispatch.requeue(row.name)
	frappe.db.commit()
	sink.hang_up_after_data.clear()
	mailing.send(campaign)
	assert sink.recipients().count(mailing.address(1)) == 2, "a person has decided so"
	assert mailing.rows(campaign, name=row.name)[0].state == "Sent"


def test_a_mail_server_that_is_gone_costs_no_message_an_attempt(mailing, sink):
	mailing.people(2)
	frappe.db.set_value("Email Account", mailing.account, "smtp_port", free_port())
	campaign = mailing.started()
	result = mailing.send(campaign)
	assert "mail server cannot be reached" in result["stopped"] and result["pending"] == 2
	rows = mailing.rows(campaign)
	assert {(row.state, row.attempts, row.worker) for row in rows} == {("Pending", 0, None)}
	assert not frappe.db.exists("Communication", {"reference_name": ["in", mailing.relations]})
	frappe.db.set_value("Email Account", mailing.account, "smtp_port", sink.port)
	assert mailing.send(campaign)["sent"] == 2


def test_pausing_stops_before_the_next_message(mailing, sink):
	mailing.people(4)
	campaign = mailing.started()

	def pause_after_first(done, total):
		if done == 1 and queries.status(campaign)["status"] == "Running":
			lifecycle.pause(campaign)

	delivery_seconds, worker.PROGRESS_SECONDS = worker.PROGRESS_SECONDS, 0
	try:
		result = dispatch.send(campaign, pause_after_first)
	finally:
		worker.PROGRESS_SECONDS = delivery_seconds
	assert result["stopped"] and len(sink.recipients()) == 1 and result["pending"] == 3
	assert dispatch.send(campaign)["sent"] == 0
	lifecycle.resume(campaign)
	frappe.db.commit()
	assert mailing.send(campaign)["sent"] == 3


def test_somebody_else_pauses_before_the_next_message_and_resumes_at_once(mailing, sink, monkeypatch):
	mailing.people(5)
	campaign = mailing.started()
	code = f"from crm_relations.campaigns import lifecycle\nlifecycle.pause({campaign!r})\nfrappe.db.commit()"

	def pause(_address):
		if len(sink.recipients()) == 1:
			sink.on_rcpt = None
			assert run(code).wait(60) == 0

	sink.on_rcpt = pause
	result = dispatch.send(campaign)
	assert (result["sent"], result["pending"]) == (2, 3), "the one on its way, and no other"
	assert not mailing.rows(campaign, worker=["is", "set"], state="Pending"), "and nothing is held"
	queued = []
	monkeypatch.setattr(frappe, "enqueue", lambda method, **values: queued.append((method, values)))
	api.resume(campaign=campaign)
	frappe.db.commit()
	assert [(method, values["campaign"]) for method, values in queued] == [(dispatch.send_job, campaign)]
	assert dispatch.send_job(campaign)["sent"] == 3


def test_a_job_hands_over_to_the_next_while_something_is_due_and_the_campaign_runs(
	mailing, sink, monkeypatch
):
	mailing.people(4)
	campaign = mailing.started()
	queued = []
	monkeypatch.setattr(dispatch, "enqueue", queued.append)
	time_is_over_after(2, sink, monkeypatch)
	assert dispatch.send_job(campaign)["pending"] == 2 and queued == [campaign]
	lifecycle.pause(campaign)
	dispatch.send_job(campaign)
	assert queued == [campaign], "a paused one goes on when somebody resumes it"
	lifecycle.resume(campaign)
	frappe.db.commit()
	queued.clear()
	assert dispatch.send_job(campaign)["pending"] == 0 and not queued
	assert len(sink.recipients()) == 4


def test_a_withdrawal_reaches_messages_that_a_worker_holds_already(mailing, sink):
	mailing.people(3)
	campaign = mailing.started()

	def withdraw(address):
		sink.on_rcpt = None
		process = run(
			"from crm_relations.campaigns.consents import decisions as consent\n"
			+ "".join(
				f"consent.record(None, {mailing.address(i)!r}, 'Email', 'Withdrawn', source='Anruf')\n"
				for i in range(3)
				if mailing.address(i) != address
			)
			+ "frappe.db.commit()"
		)
		assert process.wait(60) == 0

	sink.on_rcpt = withdraw
	result = mailing.send(campaign)
	frappe.db.delete("Relation Consent", {"address_key": ["like", f"%{mailing.domain}"]})
	frappe.db.commit()
	assert result["sent"] == 1 and len(sink.recipients()) == 1
	assert len(mailing.rows(campaign, state="Suppressed")) == 2


def test_muted_mails_stay_pending_and_say_so(mailing, sink):
	mailing.people(1)
	campaign = mailing.started()
	frappe.flags.mute_emails = True
	try:
		result = mailing.send(campaign)
	finally:
		frappe.flags.mute_emails = False
	assert "muted" in result["stopped"] and result["pending"] == 1 and not sink.recipients()


def test_a_step_for_later_is_sent_when_its_day_has_come(mailing, sink):
	"""Guard against a failure: Email Campaign sends what is due exactly today.

	Whatever was due on a day without the scheduler is never sent.
	"""
	mailing.people(1)
	campaign = mailing.started(steps=[email_step(), email_step(title="Erinnerung", delay_days=5)])
	assert mailing.send(campaign)["sent"] == 1
	later = mailing.rows(campaign, state="Pending")[0]
	assert str(later.due_on) == add_days(frappe.utils.nowdate(), 5)
	# a server that was off for a week sends what it missed
	frappe.db.set_value("Relation Campaign Send", later.name, "due_on", add_days(frappe.utils.nowdate(), -2))
	assert mailing.send(campaign)["sent"] == 1


def test_a_text_that_fails_for_a_member_fails_for_that_member_only(mailing, sink):
	mailing.people(2)
	text = '<p>{% if last_name == "Muster0" %}{{ name.nothing.here }}{% endif %}Hallo</p>'
	campaign = mailing.started(steps=[email_step(message=text)])
	result = mailing.send(campaign)
	assert (result["sent"], result["failed"]) == (1, 1)


def run(code: str) -> subprocess.Popen:
	"""Run Python code on the test site in a separate process."""
	prelude = f"import frappe\nfrappe.init(site={SITE!r}, sites_path='.')\nfrappe.connect()\n"
	return subprocess.Popen([sys.executable, "-c", prelude + code], cwd=os.path.join(BENCH_DIR, "sites"))


def sending(campaign: str) -> subprocess.Popen:
	return run(f"from crm_relations.campaigns.email import dispatch\ndispatch.send({campaign!r})")


def test_a_worker_killed_at_any_point_leaves_no_message_doubled_or_forgotten(mailing, sink):
	"""Kill the worker while the server accepts the address, and while it has not replied to the text."""
	mailing.people(30)
	frappe.db.set_single_value("Relation Settings", "batch_size", 10)
	campaign = mailing.started()
	processes = []

	def kill_at(count: int):
		def on_event(_address):
			if len(sink.recipients()) >= count:
				sink.on_rcpt = sink.on_accepted = None
				processes[-1].kill()
				processes[-1].wait(30)

		return on_event

	try:
		for hook, count in (("on_rcpt", 4), ("on_accepted", 9), ("on_rcpt", 15), ("on_accepted", 21)):
			setattr(sink, hook, kill_at(count))
			processes.append(sending(campaign))
			assert processes[-1].wait(90) == -9
		processes.append(sending(campaign))
		assert processes[-1].wait(90) == 0
	finally:
		frappe.db.rollback()
		frappe.db.set_single_value("Relation Settings", "batch_size", 100)
		frappe.db.commit()

	got = sink.recipients()
	states = mailing.states(campaign)
	assert len(got) == len(set(got)), "nothing twice"
	uncertain = {address for address, state in states.items() if state == "Uncertain"}
	assert len(uncertain) == 4, "one for each kill"
	assert set(states.values()) == {"Sent", "Uncertain"}
	assert {address for address, state in states.items() if state == "Sent"} <= set(got)
	assert set(states) - set(got) <= uncertain
	assert len(uncertain & set(got)) == 2, "of two the text had arrived"
	assert mailing.balanced(campaign)
	assert not frappe.db.exists(
		"Relation Campaign Send", {"campaign": campaign, "worker": ["is", "set"], "state": "Pending"}
	)


def test_a_job_whose_worker_was_killed_is_taken_up_by_the_next_one(mailing, sink):
	"""Start a second job although the queue believes that the first one still runs.

	Guard against a failure: in version 15 rows of a killed worker stay in Sending forever.
	"""
	mailing.people(20)
	sink.delay = 0.1
	campaign = mailing.started()
	empty_queue()
	dispatch.enqueue(campaign)
	frappe.db.commit()
	first = frappe_process("worker", "--queue", "long")
	try:
		wait_for(lambda: len(sink.recipients()) >= 3, 60, "the first messages")
	finally:
		kill_with_children(first)
	sink.delay = 0
	dispatch.enqueue(campaign)
	frappe.db.commit()
	second = frappe_process("worker", "--queue", "long")
	try:
		wait_for(lambda: _pending(campaign) == 0, 60, "the end of the second job")
	finally:
		stop(second)
	frappe.db.rollback()
	got = sink.recipients()
	assert len(got) == len(set(got)) and mailing.balanced(campaign)
	assert queries.status(campaign)["uncertain"] <= 1


def _pending(campaign: str) -> int:
	frappe.db.rollback()
	return queries.status(campaign)["pending"] + queries.status(campaign)["sending"]


def test_three_workers_share_the_messages(mailing, sink):
	mailing.people(40)
	frappe.db.set_single_value("Relation Settings", "batch_size", 5)
	campaign = mailing.started()
	try:
		processes = [sending(campaign) for _i in range(3)]
		assert [process.wait(120) for process in processes] == [0, 0, 0]
	finally:
		frappe.db.rollback()
		frappe.db.set_single_value("Relation Settings", "batch_size", 100)
		frappe.db.commit()
	assert sorted(sink.recipients()) == sorted(mailing.address(i) for i in range(40))
	assert queries.status(campaign)["sent"] == 40


def test_rows_of_a_worker_elsewhere_are_left_alone_until_it_has_been_silent_long(mailing):
	mailing.people(1)
	campaign = mailing.started()
	row = mailing.rows(campaign)[0].name
	held = {"state": "Sending", "worker": "other-host/1/1/x", "claimed_at": now_datetime()}
	frappe.db.set_value("Relation Campaign Send", row, held)
	assert dispatch.settle(campaign) == 0
	held["claimed_at"] = frappe.utils.add_to_date(now_datetime(), minutes=-20)
	frappe.db.set_value("Relation Campaign Send", row, held)
	assert dispatch.settle(campaign) == 1
	assert mailing.rows(campaign)[0].state == "Uncertain"


def test_a_killed_worker_that_nobody_has_asked_for_its_end_is_gone(mailing):
	"""In a container without a process that reaps children, a killed worker stays in the process table."""
	mailing.people(1)
	campaign = mailing.started()
	process = subprocess.Popen(["sleep", "60"])
	born = psutil.Process(process.pid).create_time()
	name = f"{socket.gethostname()[:60]}/{process.pid}/{born:.0f}/x"
	held = {"state": "Sending", "worker": name, "claimed_at": now_datetime()}
	frappe.db.set_value("Relation Campaign Send", mailing.rows(campaign)[0].name, held)
	assert dispatch.settle(campaign) == 0, "it lives"
	process.kill()
	wait_for(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE, 10, "its death")
	assert dispatch.settle(campaign) == 1
	process.wait(10)


def test_a_draft_does_not_send(mailing):
	mailing.people(1)
	with pytest.raises(frappe.ValidationError, match="draft"):
		dispatch.send(mailing.campaign().name)


def test_calls_are_no_messages(mailing, sink):
	mailing.people(1)
	campaign = mailing.started(steps=[call_step()])
	assert mailing.send(campaign)["sent"] == 0
	wait_for(lambda: not sink.recipients(), 1, "an empty sink")

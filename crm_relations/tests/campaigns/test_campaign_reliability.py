"""Test killed workers, failing servers and lost databases: sink, send ledger and members agree in the end.

Nightly (CRM_RELATIONS_NIGHTLY=1) workers are killed 50 times in a run of 5,000 recipients, with another seed
each night. CRM_RELATIONS_SEED repeats a run.
"""

import json
import os
import random
import subprocess
import sys
import tempfile

import frappe
import pytest
from frappe.utils import add_to_date, now_datetime

from crm_relations.campaigns import queries
from crm_relations.campaigns.eligibility import step_rules
from crm_relations.campaigns.email import dispatch, worker
from crm_relations.campaigns.transport import throttle
from crm_relations.tests.conftest import BENCH_DIR
from crm_relations.tests.support.machine.database_server import site_on_a_server_of_its_own
from crm_relations.tests.support.machine.storm import agree, cut_connections, process, sending, weather
from crm_relations.tests.support.mailing import scripted_sink, time_is_over_after

pytestmark = pytest.mark.site

NIGHTLY = os.environ.get("CRM_RELATIONS_NIGHTLY") == "1"
RECIPIENTS, KILLS = 5000, 50
SEED = int(os.environ.get("CRM_RELATIONS_SEED") or (random.randrange(10**6) if NIGHTLY else 2026))


@pytest.fixture
def settings():
	"""Commit values of Relation Settings for one test, because workers in other processes read them."""
	before = {}

	def change(**values):
		for key, value in values.items():
			before.setdefault(key, frappe.db.get_single_value("Relation Settings", key))
			frappe.db.set_single_value("Relation Settings", key, value)
		frappe.db.commit()
		frappe.clear_document_cache("Relation Settings", "Relation Settings")

	yield change
	frappe.db.rollback()
	change(**before)


def test_nothing_is_lost_or_doubled_where_all_fails_at_once():
	"""Run two workers, and kill them at random points.

	The mail server is slow, refuses and stops, and the connections to the database are cut. Guard against a
	failure: the Email Queue leaves rows in Sending for good, and sends others twice (frappe#16749).
	"""
	told = weather(90, kills=3, losses=2, absences=1, seed=SEED, lose_database=cut_connections)
	print(told)
	assert not told["errors"]
	assert told["sent"] + told["failed"] + told["uncertain"] == 90
	# a worker that dies while the server refuses also leaves an uncertain message
	assert 9 - told["uncertain"] <= told["failed"] <= 9
	assert (
		told["uncertain"] <= told["kill"] + 2 * told["absence"]
	), "at most the messages that were on their way"


@pytest.mark.skipif(not NIGHTLY, reason="nightly: CRM_RELATIONS_NIGHTLY=1")
def test_nothing_is_lost_or_doubled_while_the_database_is_restarted_too():
	"""Run the same at its full size, with a separate MariaDB that is stopped and killed in turn."""
	numbers = {"recipients": RECIPIENTS, "kills": KILLS, "losses": 6, "absences": 6, "seed": SEED}
	print(f"CRM_RELATIONS_SEED={SEED}")
	# socket paths must be short, which a folder of pytest is not
	with tempfile.TemporaryDirectory() as folder, site_on_a_server_of_its_own(folder) as site:
		done = subprocess.run(
			[
				sys.executable,
				"-m",
				"crm_relations.tests.support.machine.storm",
				*map(str, numbers.values()),
				folder,
			],
			cwd=os.path.join(BENCH_DIR, "sites"),
			env={**os.environ, "SITE": site},
			stdout=subprocess.PIPE,
			text=True,
		)
	assert done.returncode == 0
	told = json.loads(done.stdout.splitlines()[-1])
	print(told)
	assert (told["kill"], told["loss"], told["absence"]) == (KILLS, 6, 6)
	assert told["sent"] + told["failed"] + told["uncertain"] == RECIPIENTS
	assert told["uncertain"] <= KILLS + 2 * told["absence"], "at most the messages that were on their way"


def test_a_server_that_refuses_every_tenth_keeps_no_other_back(mailing, sink):
	"""Guard against a failure: Frappe gives up a whole batch once a third of it fails."""
	mailing.people(30)
	for number in range(0, 30, 10):
		sink.at_rcpt[mailing.address(number)] = ["550 no such user"]
	for number in range(5, 30, 2):
		# five replies in a row with the same words would concern the account
		sink.at_data[mailing.address(number)] = [f"451 later {'x' * number}"]
	campaign = mailing.started()
	first = dispatch.send(campaign)
	assert (first["failed"], first["retry"]) == (3, 13)
	mailing.send(campaign)
	assert not agree(mailing, campaign, sink.recipients())
	assert queries.status(campaign)["sent"] == 27 and queries.status(campaign)["failed"] == 3


def test_a_slow_server_that_goes_away_and_comes_back(mailing, monkeypatch):
	mailing.people(6)
	with scripted_sink(delay=0.05) as slow:
		frappe.db.set_value("Email Account", mailing.account, "smtp_port", slow.port)
		campaign = mailing.started()
		slow.hang_up_after_data.add(mailing.address(2))
		time_is_over_after(4, slow, monkeypatch)
		first = dispatch.send(campaign, seconds=600)
		arrived = slow.recipients()
	assert len(arrived) == 4 and first["sent"] + first["uncertain"] == 4
	gone = dispatch.send(campaign)
	assert "cannot be reached" in gone["stopped"] and gone["pending"] == 6 - len(arrived)
	with scripted_sink() as back:
		frappe.db.set_value("Email Account", mailing.account, "smtp_port", back.port)
		dispatch.send(campaign)
		arrived += back.recipients()
	assert agree(mailing, campaign, arrived) <= {mailing.address(2)}


def test_a_database_that_goes_away_is_waited_for_and_nothing_is_forgotten(mailing, sink, monkeypatch):
	"""Cut the connection while a message is being sent, before the reply can be stored."""
	monkeypatch.setattr(worker, "RECONNECT_SECONDS", (0.05, 0.1, 0.5, 1))
	mailing.people(12)
	campaign = mailing.started()
	connection = frappe.db.sql("SELECT CONNECTION_ID()")[0][0]
	cut = []

	def kill(_address):
		arrived = len(sink.recipients())
		if arrived in (2, 7) and arrived not in cut:
			cut.append(arrived)
			assert process(_KILL_OTHERS).wait(60) == 0

	sink.on_rcpt = kill
	result = dispatch.send(campaign)
	assert cut == [2, 7] and frappe.db.sql("SELECT CONNECTION_ID()")[0][0] != connection
	assert result["sent"] == 12 and not result["uncertain"]
	assert not agree(mailing, campaign, sink.recipients())


_KILL_OTHERS = "from crm_relations.tests.support.machine import storm\nstorm.cut_connections()"


def at_once(*codes: str) -> list[int]:
	"""Start processes that connect first and then run the code at the same moment; return their exit codes."""
	waiting = "import sys\nprint('ready', flush=True)\nsys.stdin.readline()\n"
	processes = [process(waiting + code, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for code in codes]
	for one in processes:
		assert one.stdout.readline() == "ready\n"
	for one in processes:
		one.stdin.write("\n")
		one.stdin.flush()
	told = [one.communicate(timeout=120)[1] for one in processes]
	print(*told)
	frappe.db.rollback()
	return [one.returncode for one in processes]


def test_clicks_on_start_at_once_take_everybody_in_once_and_send_once(mailing, sink):
	"""Run the job of each click on a separate worker, as if the queue had not combined them."""
	mailing.people(20)
	campaign = mailing.campaign().name
	frappe.db.commit()
	job = f"from crm_relations.campaigns.planning import jobs\njobs.start_and_send({campaign!r})"
	assert at_once(job, job, job) == [0, 0, 0]
	status = queries.status(campaign)
	assert (status["members"], status["sent"], len(mailing.rows(campaign))) == (20, 20, 20)
	assert sorted(sink.recipients()) == sorted(mailing.address(i) for i in range(20))
	started = frappe.get_all(
		"Comment", {"reference_name": campaign, "content": ["like", "%tart%"]}, pluck="content"
	)
	assert len(started) <= 1, "and one start is noted"


def test_two_campaigns_at_once_send_each_its_own(mailing, sink):
	mailing.people(15)
	drafts = [mailing.campaign().name, mailing.campaign().name]
	frappe.db.commit()
	jobs = [
		f"from crm_relations.campaigns.planning import jobs\njobs.start_and_send({campaign!r})"
		for campaign in drafts
	]
	assert at_once(*jobs) == [0, 0]
	assert [queries.status(campaign)["sent"] for campaign in drafts] == [15, 15]
	assert sorted(sink.recipients()) == sorted(mailing.address(i) for i in range(15) for _twice in range(2))


def test_two_campaigns_at_once_keep_the_contact_limit(mailing, sink, settings):
	mailing.people(15)
	settings(contact_limit=1, contact_limit_days=7, batch_size=4)
	campaigns = [mailing.started(), mailing.started()]
	both = [sending(campaign) for campaign in campaigns]
	assert [one.wait(90) for one in both] == [0, 0]
	frappe.db.rollback()
	for campaign in campaigns:
		mailing.send(campaign)
	assert sorted(sink.recipients()) == sorted(mailing.address(i) for i in range(15))
	rows = [row for campaign in campaigns for row in mailing.rows(campaign)]
	assert sorted(row.state for row in rows) == ["Sent"] * 15 + ["Suppressed"] * 15
	assert {row.reason for row in rows if row.state == "Suppressed"} == {step_rules.CONTACT_LIMIT}


def test_the_contact_limit_forgets_what_is_long_past(mailing, sink, settings):
	mailing.people(1)
	settings(contact_limit=1, contact_limit_days=3)
	first = mailing.started()
	mailing.send(first)
	long_ago = add_to_date(now_datetime(), days=-4)
	frappe.db.set_value("Relation Campaign Send", {"campaign": first}, "sent_at", long_ago)
	assert mailing.send(mailing.started())["sent"] == 1
	assert mailing.send(mailing.started())["suppressed"] == 1


# --- rates ----------------------------------------------------------------------------------------------


class Clock:
	"""A clock with minutes that pass when a worker waits."""

	def __init__(self, monkeypatch):
		self.minute = 29_000_000 + random.randrange(10**6)
		self.waits = 0
		monkeypatch.setattr(throttle, "_minute", lambda: self.minute)
		monkeypatch.setattr(worker.Worker, "_wait_for_the_next_minute", self.wait)

	def wait(self, *_arguments) -> bool:
		self.minute += 1
		self.waits += 1
		return True


def test_no_more_messages_leave_in_a_minute_than_allowed(mailing, sink, settings, monkeypatch):
	"""Guard against a failure: the Email Queue sends at full speed, and the mail server blocks the account."""
	mailing.people(10)
	settings(messages_per_minute=4)
	clock = Clock(monkeypatch)
	campaign = mailing.started()
	by_minute = {}
	sink.on_accepted = lambda address: by_minute.setdefault(clock.minute, []).append(address)
	assert dispatch.send(campaign)["sent"] == 10
	assert [len(addresses) for addresses in by_minute.values()] == [4, 4, 2]


def test_one_domain_gets_no_more_than_allowed_and_the_others_go_on(mailing, sink, settings, monkeypatch):
	mailing.people(5)
	others = [f"x{i}@other-{mailing.domain}" for i in range(3)]
	for address in others:
		mailing.person(address)
	settings(messages_per_minute_and_domain=2)
	clock = Clock(monkeypatch)
	campaign = mailing.started()
	by_minute = {}
	sink.on_accepted = lambda address: by_minute.setdefault(clock.minute, []).append(
		address.rpartition("@")[2]
	)
	assert dispatch.send(campaign)["sent"] == 8
	counts = [(m.count(mailing.domain), len(m) - m.count(mailing.domain)) for m in by_minute.values()]
	assert counts == [(2, 2), (2, 1), (1, 0)]


def test_workers_share_a_minute(settings):
	settings(messages_per_minute=10)
	account = frappe.generate_hash(length=8)
	granted = []
	threads_of_one = [throttle.Throttle.of(account) for _number in range(4)]
	for one in threads_of_one:
		granted.append(one.allowance(4))
	assert granted == [4, 4, 2, 0]
	threads_of_one[0].give_back(3)
	assert threads_of_one[3].allowance(4) == 3


def test_without_limits_nothing_is_counted(settings):
	settings(messages_per_minute=0, messages_per_minute_and_domain=0)
	free = throttle.Throttle.of("somebody")
	assert free.allowance(10**6) == 10**6 and free.share(["a@b.example"] * 9) == set()
	assert not free.full_domains()

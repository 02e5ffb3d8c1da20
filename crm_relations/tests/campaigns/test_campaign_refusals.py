"""Test what a mail server may refuse during a campaign: an address, a message, or the account as a whole."""

import frappe
import pytest
from frappe.utils import add_to_date, now_datetime

from crm_relations.campaigns import api, checks
from crm_relations.campaigns.consents import decisions, deliverability
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.transport import account_pauses
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import Mailing, scripted_sink

pytestmark = pytest.mark.site


def over(account):
	"""End the pause of the account, as if its time were over."""
	past = add_to_date(now_datetime(), seconds=-1)
	frappe.db.set_value("Relation Account Pause", {"account": account}, "paused_until", past)
	frappe.db.commit()


@pytest.mark.parametrize("at", ["at_rcpt", "at_data"])
def test_an_address_that_the_server_does_not_know_is_dead_for_all_campaigns(mailing, sink, at):
	mailing.people(2)
	getattr(sink, at)[mailing.address(0)] = ["550 5.1.1 User unknown"]
	assert mailing.send(mailing.started())["failed"] == 1
	assert decisions.lookup(None, mailing.address(0), "Email").reason == deliverability.DEAD
	assert decisions.lookup(mailing.relations[1], mailing.address(1), "Email").allowed


@pytest.mark.parametrize(
	"answer", ["554 5.7.1 Message rejected as spam", "552 5.2.2 Mailbox full", "550 5.2.3 Message too large"]
)
def test_a_refusal_that_says_nothing_of_the_address_leaves_it_alone(mailing, sink, answer):
	mailing.people(2)
	sink.at_rcpt[mailing.address(0)] = [answer]
	mailing.send(mailing.started())
	assert mailing.address(1) in sink.recipients()
	assert decisions.lookup(mailing.relations[0], mailing.address(0), "Email").allowed


@pytest.mark.parametrize(
	("command", "answer", "cause"),
	[
		("MAIL", "550 5.4.5 Daily user sending limit exceeded", "Quota"),
		("MAIL", "450 try again later", "Quota"),
		("MAIL", "550 5.1.8 Access denied, bad outbound sender", "Refused"),
		("MAIL", "553 not with this login", "Refused"),
		("RCPT", "450 4.7.1 Too many messages from this account", "Quota"),
		("RCPT", "452 4.5.3 Recipient limit exceeded", "Quota"),
		("RCPT", "550 5.7.1 Relaying denied", "Refused"),
		("DATA", "454 Throttling failure: Daily message quota exceeded.", "Quota"),
		("DATA", "554 5.2.0 SendAsDenied; permission to send as this sender is missing", "Refused"),
		(
			"DATA",
			"554 5.7.1 Service unavailable; client host [192.0.2.7] blocked using a blocklist",
			"Refused",
		),
	],
)
def test_an_account_that_is_refused_waits_and_keeps_its_messages(mailing, sink, command, answer, cause):
	mailing.people(5)
	sink.quota = (command, 2, answer)
	campaign = mailing.started()
	result = mailing.send(campaign)
	assert (result["sent"], result["failed"], result["uncertain"]) == (2, 0, 0)
	assert answer.split()[-1] in result["stopped"]
	rows = mailing.rows(campaign, state="Pending")
	assert len(rows) == 3 and not any(row.attempts or row.worker for row in rows)
	assert account_pauses.in_force()[mailing.account].cause == cause
	sink.quota = None
	assert mailing.send(campaign)["sent"] == 0, "the pause holds"
	over(mailing.account)
	assert mailing.send(campaign)["sent"] == 3
	assert sorted(sink.recipients()) == [mailing.address(number) for number in range(5)]


def test_several_in_a_row_who_are_put_off_with_the_same_words_are_the_accounts_matter(mailing, sink):
	mailing.people(12)
	sink.quota = ("RCPT", 3, "450 4.3.2 Please come back")
	campaign = mailing.started()
	assert mailing.send(campaign)["sent"] == 3
	assert mailing.account in account_pauses.in_force()
	pending = mailing.rows(campaign, state="Pending")
	assert len(pending) == 9 and max(row.attempts for row in pending) <= 1


def test_single_recipients_who_are_put_off_pause_nothing(mailing, sink):
	mailing.people(8)
	for number in (1, 4, 6):
		sink.at_rcpt[mailing.address(number)] = [f"450 4.2.0 <{mailing.address(number)}> greylisted"]
	assert mailing.send(mailing.started())["sent"] == 5
	assert mailing.account not in account_pauses.in_force()


def test_other_accounts_go_on_and_the_pause_is_shown(mailing, sink):
	mailing.people(2)
	sink.quota = ("MAIL", 0, "550 5.4.5 Daily user sending limit exceeded")
	campaign = mailing.started()
	mailing.send(campaign)
	other = Mailing()
	try:
		with scripted_sink() as second:
			other.open_account(second.port)
			other.people(2)
			other.send(other.started())
			assert len(second.messages) == 2
		(notice,) = api.progress(campaign)["notices"]
		assert mailing.account in notice and "Daily user sending limit" in notice
		assert any(f.code == "account-paused" and mailing.account in f.message for f in checks.findings())
	finally:
		other.remove()


def test_a_person_ends_a_pause_early(mailing, sink):
	mailing.people(1)
	sink.quota = ("MAIL", 0, "450 4.7.0 rate limited")
	campaign = mailing.started()
	mailing.send(campaign)
	sink.quota = None
	pause = frappe.db.get_value("Relation Account Pause", {"account": mailing.account})
	frappe.set_user(factories.user(None, "Relation User"))
	with pytest.raises(frappe.PermissionError):
		api.end_account_pause(pause)
	frappe.set_user("Administrator")
	assert api.end_account_pause(pause) == {"account": mailing.account}
	assert mailing.send(campaign)["sent"] == 1


def test_a_campaign_of_a_paused_account_is_not_queued_again_and_again(mailing, sink, monkeypatch):
	mailing.people(1)
	sink.quota = ("MAIL", 0, "450 4.7.0 rate limited")
	campaign = mailing.started()
	mailing.send(campaign)
	frappe.db.set_value("Relation Campaign Send", {"campaign": campaign}, "retry_at", None)
	queued = []
	monkeypatch.setattr(dispatch, "enqueue", queued.append)
	dispatch.send_due_campaigns()
	assert campaign not in queued
	over(mailing.account)
	dispatch.send_due_campaigns()
	assert campaign in queued

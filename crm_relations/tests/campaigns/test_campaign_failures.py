"""Test failures of campaigns in Frappe, ERPNext and other applications that no other file covers.

The whole list, with the test of each failure, is in docs/campaign-failures.md.
`tests/campaigns/test_failure_catalogue.py` keeps it correct.
"""

from email import policy
from email.parser import BytesParser

import frappe
import pytest

from crm_relations.campaigns import api, queries
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.planning import enrollment
from crm_relations.segments.members import membership
from crm_relations.tests.support.mailing import email_step

pytestmark = pytest.mark.site


def parsed(sink):
	return [BytesParser(policy=policy.default).parsebytes(raw) for _to, raw in sink.messages]


def test_a_server_that_refuses_most_addresses_keeps_no_good_one_back(mailing, sink):
	"""Frappe ends a batch of its queue when more than a third of it, and more than ten, fail."""
	mailing.people(16)
	for number in range(12):
		sink.at_rcpt[mailing.address(number)] = ["550 5.1.1 unknown"]
	campaign = mailing.started()
	result = mailing.send(campaign)
	assert (result["sent"], result["failed"], result["pending"]) == (4, 12, 0)
	assert mailing.balanced(campaign)


def test_a_campaign_stays_out_of_the_sites_own_mail_queue(mailing, sink):
	"""frappe.sendmail queues a campaign before or among the emails of the site, which then wait for hours."""
	before = frappe.db.count("Email Queue")
	mailing.people(3)
	mailing.send(mailing.started())
	assert len(sink.messages) == 3 and frappe.db.count("Email Queue") == before


def test_a_mail_is_no_notification_and_says_by_whom_it_can_be_answered(mailing, sink):
	"""Frappe marks emails with a Message-ID that it makes itself; replies to them are not threaded."""
	mailing.people(2)
	campaign = mailing.started()
	mailing.send(campaign)
	ids = {f"<{row.message_id}>" for row in mailing.rows(campaign)}
	assert {message["Message-ID"] for message in parsed(sink)} == ids and len(ids) == 2
	assert all(message["isnotification"] is None for message in parsed(sink))


def test_the_unsubscribe_header_survives_a_program_that_parses_and_writes_the_mail_anew(
	mailing, sink, monkeypatch
):
	"""Header values of more than 76 characters are encoded when Python's email library writes them again."""
	monkeypatch.setattr(
		"crm_relations.campaigns.incoming.clicks.get_url",
		lambda path: f"https://crm.ein-langer-name.beispiel.example{path}",
	)
	mailing.people(1)
	campaign = mailing.started()
	mailing.send(campaign)
	(row,), ((_to, raw),) = mailing.rows(campaign), sink.messages
	again = (
		BytesParser(policy=policy.SMTP).parsebytes(raw).as_bytes().replace(b"\r\n ", b" ")
	)  # broken into lines: RFC 5322
	for text in (raw, again):
		(line,) = (one for one in text.split(b"\r\n") if one.lower().startswith(b"list-unsubscribe:"))
		assert f"/ru/{row.token}>".encode() in line and b"=?" not in line


def test_send_now_queues_what_is_due(mailing, monkeypatch):
	"""ERPNext has no button for it (erpnext#51026)."""
	queued = []
	monkeypatch.setattr(dispatch, "enqueue", queued.append)
	mailing.people(2)
	campaign = mailing.started(steps=[email_step(), email_step(title="Später", delay_days=4)])
	assert api.send_now(campaign)["due"] == 2 and queued == [campaign]


def test_what_was_left_over_can_be_sent_and_only_that(mailing, sink):
	"""erpnext#48722: 411 of 714 were sent, and nothing showed which. Here each row shows its state."""
	mailing.people(7)
	campaign = mailing.started()
	sink.at_rcpt[mailing.address(0)] = ["451 later"]
	dispatch.send(campaign)
	status = queries.status(campaign)
	assert (status["sent"], status["pending"]) == (6, 1)
	mailing.send(campaign)
	assert sorted(sink.recipients()) == [mailing.address(i) for i in range(7)]


def test_who_joins_a_segment_that_many_campaigns_use_gets_each_once(mailing, sink):
	"""ERPNext's Email Campaign enrolls no later members, and sends again if its job runs twice."""
	mailing.people(1)
	campaigns = mailing.started(take_in_new=1), mailing.started(take_in_new=1)
	membership.add_members(mailing.segment, mailing.people(1))
	for campaign in campaigns * 2:
		enrollment.enroll_new(campaign)
		frappe.db.commit()
		mailing.send(campaign)
	assert sorted(sink.recipients()) == sorted([mailing.address(0)] * 2 + [mailing.address(1)] * 2)


def test_an_address_that_nobody_knew_becomes_a_relation_and_no_lead(mailing):
	"""Campaigns must not fill the list of leads (crm#111): a lead is made when sales accepts a handover."""
	before = frappe.db.count("Lead")
	mailing.people(2)
	mailing.started()
	assert frappe.db.count("Lead") == before

"""From the raw mail by Frappe's own way of receiving to responses, marks on addresses and objections."""

import frappe
import pytest
from frappe.email.receive import InboundMail
from frappe.utils import add_to_date, now_datetime

from crm_relations.campaigns import consent, delivery, queries, rules
from crm_relations.campaigns.answers import addresses, api
from crm_relations.tests.pure.test_incoming_rules import COMPLAINT, EXCHANGE, POSTFIX
from crm_relations.tests.site import factories
from crm_relations.tests.site.mailing import Mailing, scripted_sink

pytestmark = pytest.mark.site


@pytest.fixture
def mailing():
	mailing = Mailing()
	yield mailing
	frappe.db.rollback()
	frappe.db.delete("Relation Mail Address", {"address_key": ["like", f"%{mailing.domain}"]})
	mailing.remove()


@pytest.fixture
def sent(mailing):
	with scripted_sink() as sink:
		mailing.open_account(sink.port)
		mailing.people(2)
		campaign = mailing.started()
		delivery.send(campaign)
	return campaign


@pytest.fixture
def row(mailing, sent):
	"""The first message that was sent."""
	return mailing.rows(sent)[0]


def receive(mailing, raw, encode=True):
	"""The mail as Frappe's mailbox takes it in; returns its Communication."""
	account = frappe.get_doc("Email Account", mailing.account)
	raw = raw.strip().replace("marketing@rt.example", account.email_id)
	raw = f"Message-ID: <{frappe.generate_hash()}@kunde.example>\n{raw}\n"
	return InboundMail(raw.encode() if encode else raw, account).process()


def about(raw, row):
	"""A report of the templates, about this message."""
	return raw.replace("one@rt.example", row.message_id).replace("anna@kunde.example", row.recipient)


def bounced(row, status="5.1.1", diagnosis="550 5.1.1 User unknown"):
	raw = POSTFIX.format(address=row.recipient, status=status, diagnosis=diagnosis, action="failed")
	return about(raw, row)


def reply(row, headers="", text="Gern!", sender=None):
	return (
		f"From: Anna <{sender or row.recipient}>\nTo: marketing@rt.example\nSubject: AW: Einladung\n{headers}"
		f"Content-Type: text/plain; charset=utf-8\n\n{text}\n"
	)


def answers(row):
	return [
		(a.response_type, a.reference_name)
		for a in frappe.get_all(
			"Relation Campaign Response",
			filters={"member": row.member},
			fields=["response_type", "reference_name"],
			order_by="creation asc",
		)
	]


def member_of(row):
	return frappe.get_doc("Relation Campaign Member", row.member)


@pytest.mark.parametrize("encode", [True, False])
def test_a_reply_that_names_us_only_in_its_references_is_matched(mailing, row, encode):
	"""Frappe reads In-Reply-To alone; a reply to a reply names the campaign's mail in References."""
	headers = f"In-Reply-To: <other@kunde.example>\nReferences: <{row.message_id}> <other@kunde.example>\n"
	mail = receive(mailing, reply(row, headers), encode)
	assert answers(row) == [("Reply", mail.name)] and member_of(row).status == "Answered"
	assert (mail.reference_doctype, mail.reference_name) == ("Relation", row.relation)
	assert frappe.db.get_value("Communication", mail.name, "reference_name") == row.relation


def test_a_message_id_whose_case_a_server_changed_is_matched(mailing, row):
	mail = receive(mailing, reply(row, f"In-Reply-To: <{row.message_id.upper()}>\n"))
	assert answers(row) == [("Reply", mail.name)]


def test_a_reply_that_names_two_of_our_mails_belongs_to_the_nearer(mailing, row):
	other = mailing.rows(row.campaign)[1]
	headers = f"References: <{other.message_id}> <{row.message_id}>\n"
	mail = receive(mailing, reply(row, headers))
	assert answers(row) == [("Reply", mail.name)] and not answers(other)


def test_a_reply_long_after_frappes_queue_forgot_the_mail_is_matched(mailing, row):
	"""Frappe threads by Email Queue rows that are gone after 30 days; the send ledger keeps its Message-IDs."""
	frappe.db.delete("Communication", {"name": row.communication})
	mail = receive(mailing, reply(row, f"In-Reply-To: <{row.message_id}>\n"))
	assert answers(row) == [("Reply", mail.name)]


def test_a_note_of_absence_is_kept_and_moves_nobody(mailing, row):
	"""Frappe tells no automatic answers apart (platform facts 3.3): they would count as replies."""
	headers = f"In-Reply-To: <{row.message_id}>\nAuto-Submitted: auto-replied\n"
	mail = receive(mailing, reply(row, headers, "Ich bin bis Montag nicht da."))
	assert answers(row) == [("Out of Office", mail.name)]
	assert member_of(row).status == "Addressed" and not member_of(row).last_response
	status = queries.status(row.campaign)
	assert status["answered"] == 0 and status["out_of_office"] == 1


def test_a_hard_bounce_kills_the_address_for_all_campaigns(mailing, row):
	"""Frappe has fields for bounces that nothing sets (platform facts 3.3)."""
	mail = receive(mailing, bounced(row))
	assert answers(row) == [("Bounce", mail.name)] and member_of(row).status == "Addressed"
	assert frappe.db.get_value("Communication", row.communication, "delivery_status") == "Bounced"
	decision = consent.lookup(row.relation, row.recipient.upper(), "E-mail")
	assert not decision.allowed and decision.reason == addresses.DEAD
	assert queries.status(row.campaign)["bounced"] == 1
	other = mailing.rows(row.campaign)[1]
	assert consent.lookup(other.relation, other.recipient, "E-mail").allowed


def test_a_dead_address_gets_nothing_of_the_next_campaign(mailing, row):
	receive(mailing, about(EXCHANGE, row))
	frappe.db.commit()
	with scripted_sink() as sink:
		frappe.db.set_value("Email Account", mailing.account, "smtp_port", sink.port)
		frappe.clear_document_cache("Email Account", mailing.account)
		second = mailing.started()
		delivery.send(second)
		assert sink.recipients() == [mailing.address(1)]
	states = mailing.rows(second, state="Suppressed")
	assert [(r.recipient, r.reason) for r in states] == [(row.recipient, addresses.DEAD)]


def test_soft_bounces_are_counted_and_many_in_a_row_are_enough(mailing, row):
	full = bounced(row, "5.2.2", "552 5.2.2 Mailbox full")
	limit = frappe.get_cached_doc("Relation Settings").soft_bounce_limit
	for number in range(1, limit + 1):
		assert consent.lookup(row.relation, row.recipient, "E-mail").allowed
		receive(mailing, full)
		kept = frappe.get_doc("Relation Mail Address", row.recipient)
		assert kept.soft_bounces == number and "full" in kept.reason
	assert consent.lookup(row.relation, row.recipient, "E-mail").reason == addresses.DEAD


def test_a_reply_shows_that_an_address_lives(mailing, row):
	receive(mailing, bounced(row))
	receive(mailing, reply(row, f"In-Reply-To: <{row.message_id}>\n"))
	assert consent.lookup(row.relation, row.recipient, "E-mail").allowed


def test_a_person_who_knows_better_brings_an_address_back(mailing, row):
	receive(mailing, bounced(row))
	frappe.set_user(factories.user(None, "Relation User"))
	with pytest.raises(frappe.PermissionError):
		api.revive_address(row.recipient)
	frappe.set_user("Administrator")
	assert api.revive_address(row.recipient) == {"state": "Usable"}
	assert consent.lookup(row.relation, row.recipient, "E-mail").allowed


def test_a_complaint_ends_all_advertising_by_mail(mailing, row):
	"""RFC 5965; without it the next campaign would go to those who report us."""
	mail = receive(mailing, about(COMPLAINT.format(kind="abuse"), row))
	assert answers(row) == [("Complaint", mail.name)] and member_of(row).status == "Declined"
	assert consent.lookup(row.relation, row.recipient, "E-mail").reason == rules.WITHDRAWN
	assert queries.status(row.campaign)["complained"] == 1


def test_a_report_without_a_message_id_is_matched_by_the_last_mail_to_the_address(mailing, row):
	raw = bounced(row).replace(f"Message-ID: <{row.message_id}>\n", "")
	mail = receive(mailing, raw)
	assert answers(row) == [("Bounce", mail.name)]


def test_a_report_on_a_stranger_or_an_old_mail_is_not_believed(mailing, row):
	raw = bounced(row).replace(f"Message-ID: <{row.message_id}>\n", "")
	receive(mailing, raw.replace(row.recipient, "fremd@kunde.example"))
	frappe.db.set_value("Relation Campaign Send", row.name, "sent_at", add_to_date(now_datetime(), days=-60))
	receive(mailing, raw)
	receive(mailing, bounced(row).replace(row.message_id, "made-up@kunde.example"))
	assert not answers(row) and consent.lookup(row.relation, row.recipient, "E-mail").allowed
	assert not frappe.db.exists("Relation Mail Address", "fremd@kunde.example")


def test_a_reply_that_only_says_no_is_an_objection(mailing, row):
	"""The unsubscribe page says that an answer by mail will do."""
	mail = receive(
		mailing, reply(row, f"In-Reply-To: <{row.message_id}>\n", "Bitte abmelden.\n\n> Guten Tag")
	)
	assert answers(row) == [("Unsubscribe", None), ("Reply", mail.name)]
	assert consent.lookup(row.relation, row.recipient, "E-mail").reason == rules.WITHDRAWN
	assert member_of(row).status == "Declined"


def test_the_same_mail_taken_in_twice_is_one_answer(mailing, row):
	raw = "Message-ID: <same@kunde.example>\n" + reply(row, f"In-Reply-To: <{row.message_id}>\n")
	account = frappe.get_doc("Email Account", mailing.account)
	for _time in range(2):
		InboundMail(raw, account).process()
	assert [kind for kind, _name in answers(row)] == ["Reply"]

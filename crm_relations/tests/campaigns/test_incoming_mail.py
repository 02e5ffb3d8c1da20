"""Test incoming emails through Frappe's own inbox: responses, marks on addresses and objections."""

import urllib.parse
from email import policy
from email.parser import BytesParser

import frappe
import pytest
from frappe.email.receive import InboundMail
from frappe.utils import add_to_date, now_datetime

from crm_relations.campaigns import queries, rules
from crm_relations.campaigns.consents import decisions, deliverability
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.incoming import api, mail_reviews
from crm_relations.tests.campaigns.test_incoming_rules import COMPLAINT, EXCHANGE, POSTFIX
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import Mailing, scripted_sink

pytestmark = pytest.mark.site


@pytest.fixture
def mailing():
	mailing = Mailing()
	yield mailing
	frappe.db.rollback()
	frappe.db.delete("Relation Mail Address", {"address_key": ["like", f"%{mailing.domain}"]})
	frappe.db.delete("Relation Mail Review", {"recipient": ["like", f"%{mailing.domain}"]})
	mailing.remove()


@pytest.fixture
def sent(mailing):
	with scripted_sink() as sink:
		mailing.open_account(sink.port)
		mailing.people(2)
		campaign = mailing.started()
		dispatch.send(campaign)
	return campaign


@pytest.fixture
def row(mailing, sent):
	"""Return the first message that was sent."""
	return mailing.rows(sent)[0]


def receive(mailing, raw, encode=True):
	"""Receive the email as Frappe's mailbox does, and return its Communication."""
	account = frappe.get_doc("Email Account", mailing.account)
	raw = raw.strip().replace("marketing@rt.example", account.email_id)
	raw = f"Message-ID: <{frappe.generate_hash()}@kunde.example>\n{raw}\n"
	return InboundMail(raw.encode() if encode else raw, account).process()


def about(raw, row):
	"""Return a report of the templates about this message."""
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


def reviews(row):
	return frappe.get_all(
		"Relation Mail Review",
		filters={"recipient": row.recipient},
		fields=["*"],
		order_by="creation asc",
	)


def member_of(row):
	return frappe.get_doc("Relation Campaign Member", row.member)


@pytest.mark.parametrize("encode", [True, False])
def test_a_reply_that_names_us_only_in_its_references_is_matched(mailing, row, encode):
	"""Frappe reads only In-Reply-To; a reply to a reply names the campaign's email in References."""
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
	"""Frappe threads by Email Queue rows, deleted after 30 days; the send ledger keeps its Message-IDs."""
	frappe.db.delete("Communication", {"name": row.communication})
	mail = receive(mailing, reply(row, f"In-Reply-To: <{row.message_id}>\n"))
	assert answers(row) == [("Reply", mail.name)]


def test_a_note_of_absence_is_kept_and_moves_nobody(mailing, row):
	"""Frappe does not distinguish automatic replies (platform facts 3.3): they would count as replies."""
	headers = f"In-Reply-To: <{row.message_id}>\nAuto-Submitted: auto-replied\n"
	mail = receive(mailing, reply(row, headers, "Ich bin bis Montag nicht da."))
	assert answers(row) == [("Out of Office", mail.name)]
	assert member_of(row).status == "Addressed" and not member_of(row).last_response
	status = queries.status(row.campaign)
	assert status["answered"] == 0 and status["out_of_office"] == 1


def test_a_hard_bounce_kills_the_address_for_all_campaigns(mailing, row):
	"""Frappe has fields for bounces, but nothing sets them (platform facts 3.3)."""
	mail = receive(mailing, bounced(row))
	assert answers(row) == [("Bounce", mail.name)] and member_of(row).status == "Addressed"
	assert frappe.db.get_value("Communication", row.communication, "delivery_status") == "Bounced"
	decision = decisions.lookup(row.relation, row.recipient.upper(), "Email")
	assert not decision.allowed and decision.reason == deliverability.DEAD
	assert queries.status(row.campaign)["bounced"] == 1
	other = mailing.rows(row.campaign)[1]
	assert decisions.lookup(other.relation, other.recipient, "Email").allowed


def test_a_dead_address_gets_nothing_of_the_next_campaign(mailing, row):
	receive(mailing, about(EXCHANGE, row))
	frappe.db.commit()
	with scripted_sink() as sink:
		frappe.db.set_value("Email Account", mailing.account, "smtp_port", sink.port)
		frappe.clear_document_cache("Email Account", mailing.account)
		second = mailing.started()
		dispatch.send(second)
		assert sink.recipients() == [mailing.address(1)]
	states = mailing.rows(second, state="Suppressed")
	assert [(r.recipient, r.reason) for r in states] == [(row.recipient, deliverability.DEAD)]


def test_soft_bounces_are_counted_and_many_in_a_row_are_enough(mailing, row):
	full = bounced(row, "5.2.2", "552 5.2.2 Mailbox full")
	limit = frappe.get_cached_doc("Relation Settings").soft_bounce_limit
	for number in range(1, limit + 1):
		assert decisions.lookup(row.relation, row.recipient, "Email").allowed
		receive(mailing, full)
		kept = frappe.get_doc("Relation Mail Address", row.recipient)
		assert kept.soft_bounces == number and "full" in kept.reason
	assert decisions.lookup(row.relation, row.recipient, "Email").reason == deliverability.DEAD


def test_a_reply_shows_that_an_address_lives(mailing, row):
	receive(mailing, bounced(row))
	receive(mailing, reply(row, f"In-Reply-To: <{row.message_id}>\n"))
	assert decisions.lookup(row.relation, row.recipient, "Email").allowed


def test_a_person_who_knows_better_brings_an_address_back(mailing, row):
	receive(mailing, bounced(row))
	frappe.set_user(factories.user(None, "Relation User"))
	with pytest.raises(frappe.PermissionError):
		api.revive_address(row.recipient)
	frappe.set_user("Administrator")
	assert api.revive_address(row.recipient) == {"state": "Deliverable"}
	assert decisions.lookup(row.relation, row.recipient, "Email").allowed


def test_a_complaint_ends_all_advertising_by_mail(mailing, row):
	"""RFC 5965: without it the next campaign would be sent to people who report us."""
	mail = receive(mailing, about(COMPLAINT.format(kind="abuse"), row))
	assert answers(row) == [("Complaint", mail.name)] and member_of(row).status == "Declined"
	assert decisions.lookup(row.relation, row.recipient, "Email").reason == rules.WITHDRAWN
	assert queries.status(row.campaign)["complained"] == 1


@pytest.mark.parametrize("raw", [POSTFIX, COMPLAINT])
def test_a_report_without_our_message_id_is_put_before_a_person_and_changes_nothing(mailing, row, raw):
	"""Change nothing, because anyone could have written the report."""
	raw = bounced(row) if raw == POSTFIX else about(COMPLAINT.format(kind="abuse"), row)
	mail = receive(mailing, raw.replace(f"Message-ID: <{row.message_id}>\n", ""))
	assert not answers(row) and decisions.lookup(row.relation, row.recipient, "Email").allowed
	assert not frappe.db.exists("Relation Mail Address", row.recipient)
	(review,) = reviews(row)
	assert (review.communication, review.state) == (mail.name, "Open")


def test_a_report_on_a_stranger_or_an_old_mail_is_not_believed(mailing, row):
	raw = bounced(row).replace(f"Message-ID: <{row.message_id}>\n", "")
	receive(mailing, raw.replace(row.recipient, "fremd@kunde.example"))
	frappe.db.set_value("Relation Campaign Send", row.name, "sent_at", add_to_date(now_datetime(), days=-60))
	receive(mailing, raw)
	receive(mailing, bounced(row).replace(row.message_id, "made-up@kunde.example"))
	assert not answers(row) and decisions.lookup(row.relation, row.recipient, "Email").allowed
	assert not frappe.db.exists("Relation Mail Address", "fremd@kunde.example")


def test_a_reply_that_only_says_no_is_an_objection(mailing, row):
	"""Honor the unsubscribe page, which says that a reply by email is enough."""
	mail = receive(
		mailing, reply(row, f"In-Reply-To: <{row.message_id}>\n", "Bitte abmelden.\n\n> Guten Tag")
	)
	assert answers(row) == [("Unsubscribe", mail.name)], "no answer"
	assert queries.status(row.campaign)["answered"] == 0
	assert decisions.lookup(row.relation, row.recipient, "Email").reason == rules.WITHDRAWN
	assert member_of(row).status == "Declined"


def test_the_same_mail_taken_in_twice_is_one_answer(mailing, row):
	raw = "Message-ID: <same@kunde.example>\n" + reply(row, f"In-Reply-To: <{row.message_id}>\n")
	account = frappe.get_doc("Email Account", mailing.account)
	for _time in range(2):
		InboundMail(raw, account).process()
	assert [kind for kind, _name in answers(row)] == ["Reply"]


# --- proof ----------------------------------------------------------------------------------------------


def test_an_objection_counts_only_from_the_mailbox_that_was_written_to(mailing, row):
	"""Ignore the STOP of a reader of the forwarded email: it is not the word of the recipient."""
	headers = f"In-Reply-To: <{row.message_id}>\n"
	receive(mailing, reply(row, headers, "STOP", sender="eva@fremd.example"))
	assert decisions.lookup(row.relation, row.recipient, "Email").allowed and not answers(row)
	assert [review.reason for review in reviews(row)] == [mail_reviews.OTHER_SENDER]
	local, _at, domain = row.recipient.partition("@")
	receive(mailing, reply(row, headers, "STOP", sender=f"{local}+news@{domain}"))
	assert decisions.lookup(row.relation, row.recipient, "Email").reason == rules.WITHDRAWN


def test_the_address_for_answers_is_not_the_sender(mailing, row):
	"""Frappe treats Reply-To as the sender, where a writer can put any address."""
	headers = f"In-Reply-To: <{row.message_id}>\nReply-To: {row.recipient}\n"
	receive(mailing, reply(row, headers, "STOP", sender="eva@fremd.example"))
	assert decisions.lookup(row.relation, row.recipient, "Email").allowed
	assert [review.reason for review in reviews(row)] == [mail_reviews.OTHER_SENDER]


def test_a_complaint_that_names_another_address_withdraws_nothing(mailing, row):
	other = mailing.rows(row.campaign)[1]
	raw = about(COMPLAINT.format(kind="abuse"), row).replace(
		f"Original-Rcpt-To: <{row.recipient}>", "Original-Rcpt-To: <eva@fremd.example>"
	)
	receive(mailing, raw)
	assert decisions.lookup(row.relation, row.recipient, "Email").allowed and not answers(row)
	assert decisions.lookup(other.relation, other.recipient, "Email").allowed
	assert [review.reason for review in reviews(row)] == [mail_reviews.OTHER_RECIPIENT]


def test_a_forwarding_that_fails_elsewhere_leaves_the_address_alone(mailing, row):
	raw = bounced(row).replace(f"rfc822; {row.recipient}", "rfc822; anna@freemail.example")
	receive(mailing, raw)
	assert decisions.lookup(row.relation, row.recipient, "Email").allowed
	assert [kind for kind, _name in answers(row)] == ["Bounce"]


def replaced(row, raw):
	"""Return the email as a mail service forwards it, with its own Message-ID."""
	return raw.replace(row.message_id, "0102019a00c0ffee-1f2e3d4c-000000@eu-west-1.amazonses.com")


@pytest.fixture
def row_and_mail(mailing):
	with scripted_sink() as sink:
		mailing.open_account(sink.port)
		mailing.people(1)
		campaign = mailing.started()
		dispatch.send(campaign)
	(row,) = mailing.rows(campaign)
	return row, BytesParser(policy=policy.default).parsebytes(sink.messages[0][1])


def test_where_a_mail_service_replaces_the_message_id_answers_are_matched_by_our_reference(
	mailing, row_and_mail
):
	row, mail = row_and_mail
	headers = f"In-Reply-To: <x@eu-west-1.amazonses.com>\nReferences: {mail['References']} <x@eu-west-1.amazonses.com>\n"
	receive(mailing, reply(row, headers, "Abmelden"))
	assert decisions.lookup(row.relation, row.recipient, "Email").reason == rules.WITHDRAWN


@pytest.mark.parametrize("header", ["References", "X-Relation-Reference", "List-Unsubscribe"])
def test_where_a_mail_service_replaces_the_message_id_bounces_are_matched_by_the_headers_they_return(
	mailing, row_and_mail, header
):
	row, mail = row_and_mail
	raw = replaced(row, bounced(row)).replace(
		"Subject: Einladung\nMessage-ID", f"Subject: Einladung\n{header}: {mail[header]}\nMessage-ID"
	)
	receive(mailing, raw)
	assert decisions.lookup(row.relation, row.recipient, "Email").reason == deliverability.DEAD


def test_a_link_of_ours_in_the_quotation_shows_what_is_answered(mailing, row_and_mail):
	row, mail = row_and_mail
	link = mail["List-Unsubscribe"].strip("<>")
	rewritten = f"https://eur01.safelinks.example/?url={urllib.parse.quote(link, safe='')}&data=05"
	for address in (link, rewritten):
		receive(mailing, reply(row, "", f"Gern!\n\n> Abmelden: {address}"))
	assert [kind for kind, _name in answers(row)] == ["Reply", "Reply"]


def test_the_identity_that_a_mail_service_gave_is_kept_and_matched(mailing):
	identity = "0102019a00c0ffee-1f2e3d4c-0000-4000-8000-0123456789ab-000000"
	with scripted_sink() as sink:
		mailing.open_account(sink.port)
		mailing.people(1)
		sink.at_data[mailing.address(0)] = [f"250 Ok {identity}"]
		campaign = mailing.started()
		dispatch.send(campaign)
	(row,) = mailing.rows(campaign)
	assert row.state == "Sent" and row.service_id == identity
	headers = f"In-Reply-To: <{identity}@eu-west-1.amazonses.com>\n"
	receive(mailing, reply(row, headers, "Bitte abmelden"))
	assert decisions.lookup(row.relation, row.recipient, "Email").reason == rules.WITHDRAWN


def test_an_answer_without_any_of_it_is_matched_by_its_sender_and_an_objection_shown(mailing, row):
	"""Handle the other case of a mail service that replaces the Message-ID: no reference, no quotation."""
	headers = "In-Reply-To: <x@eu-west-1.amazonses.com>\nReferences: <x@eu-west-1.amazonses.com>\n"
	mail = receive(mailing, reply(row, headers))
	assert answers(row) == [("Reply", mail.name)]
	other = mailing.rows(row.campaign)[1]
	receive(mailing, reply(other, headers, "Bitte abmelden."))
	assert not answers(other) and decisions.lookup(other.relation, other.recipient, "Email").allowed
	assert [review.reason for review in reviews(other)] == [mail_reviews.UNPROVEN_OBJECTION]


@pytest.mark.parametrize(
	("headers", "text", "shown"),
	[
		("", "Ich brauche zwei Ersatzteile.", 0),
		("In-Reply-To: {known}\n", "Danke für das Angebot.", 0),
		("", "Bitte streichen Sie mich aus Ihrem Verteiler.", 1),
	],
)
def test_another_conversation_with_the_same_person_is_no_answer(mailing, row, headers, text, shown):
	known = factories.insert(
		"Communication",
		communication_type="Communication",
		communication_medium="Email",
		subject="Angebot",
		sent_or_received="Sent",
		message_id="known@rt.example",
	)
	raw = reply(row, headers.format(known=f"<{known.message_id}>"), text).replace(
		"AW: Einladung", "Ersatzteile"
	)
	receive(mailing, raw)
	assert not answers(row) and len(reviews(row)) == shown


# --- bounce reasons -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
	("status", "diagnosis"),
	[
		("5.1.8", "550 5.1.8 Access denied, bad outbound sender"),
		("5.1.7", "550 5.1.7 Bad sender's mailbox address syntax"),
		("5.1.90", "550 5.1.90 Your message can't be sent because you've reached your daily limit"),
		("5.1.0", "550 5.1.0 <marketing@rt.example>: Sender address rejected: User unknown"),
		("5.7.1", "554 5.7.1 Service unavailable; client host [192.0.2.7] blocked, see a blocklist"),
		("5.7.26", "550 5.7.26 This mail is unauthenticated: SPF and DKIM did not pass"),
		("5.7.708", "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP"),
	],
)
def test_a_block_of_the_sender_pauses_the_campaign_and_no_address_dies(mailing, row, status, diagnosis):
	for _time in range(2):
		receive(mailing, bounced(row, status, diagnosis))
	assert decisions.lookup(row.relation, row.recipient, "Email").allowed
	assert not frappe.db.exists("Relation Mail Address", row.recipient)
	campaign = frappe.get_doc("Relation Campaign", row.campaign)
	assert campaign.status == "Paused" and status in campaign.pause_reason
	comments = frappe.get_all(
		"Comment",
		{"reference_name": row.campaign, "comment_type": "Info"},
		pluck="content",
		order_by="creation",
	)
	assert any(status in text for text in comments)


def test_a_message_that_one_server_refuses_pauses_nothing_and_many_do(mailing, sent):
	with scripted_sink() as sink:
		frappe.db.set_value("Email Account", mailing.account, "smtp_port", sink.port)
		frappe.clear_document_cache("Email Account", mailing.account)
		mailing.people(2)
		campaign = mailing.started()
		dispatch.send(campaign)
	rows = mailing.rows(campaign)
	for number, row in enumerate(rows[:3]):
		assert frappe.db.get_value("Relation Campaign", campaign, "status") == "Running", number
		receive(mailing, bounced(row, "5.7.1", "554 5.7.1 Message rejected as spam"))
		assert decisions.lookup(row.relation, row.recipient, "Email").allowed
	assert frappe.db.get_value("Relation Campaign", campaign, "status") == "Paused"


def test_soft_bounces_of_long_ago_are_forgotten(mailing, row):
	full = bounced(row, "5.2.2", "552 5.2.2 Mailbox full")
	for _time in range(4):
		receive(mailing, full)
	past = add_to_date(now_datetime(), days=-deliverability.SOFT_BOUNCE_DAYS - 1)
	frappe.db.set_value("Relation Mail Address", row.recipient, "last_bounce", past)
	receive(mailing, full)
	assert frappe.db.get_value("Relation Mail Address", row.recipient, "soft_bounces") == 1


def test_a_message_that_arrives_in_between_ends_a_row_of_soft_bounces(mailing, row):
	full = bounced(row, "5.2.2", "552 5.2.2 Mailbox full")
	for _time in range(4):
		receive(mailing, full)
	frappe.db.set_value(
		"Relation Mail Address", row.recipient, "last_bounce", add_to_date(now_datetime(), hours=-2)
	)
	frappe.db.commit()
	with scripted_sink() as sink:
		frappe.db.set_value("Email Account", mailing.account, "smtp_port", sink.port)
		frappe.clear_document_cache("Email Account", mailing.account)
		dispatch.send(mailing.started())
	assert row.recipient in sink.recipients()
	receive(mailing, full)
	kept = frappe.get_doc("Relation Mail Address", row.recipient)
	assert (kept.state, kept.soft_bounces) == ("Deliverable", 1)


# --- what a user must decide ----------------------------------------------------------------------------


@pytest.mark.parametrize(
	("subject", "text", "kind"),
	[
		("AW: Einladung", "Guten Tag,\n\nbitte streichen Sie mich aus Ihrem Verteiler.", "Unsubscribe"),
		("ABMELDEN", "--\nAnna Berger\nKunde GmbH", "Unsubscribe"),
		("AW: Einladung", "Je ne souhaite plus recevoir vos mails.", "Unsubscribe"),
		("AW: Einladung", "Ich kann mich nicht abmelden!", None),
		("AW: Einladung", "Woher haben Sie meine Adresse?", None),
		("Absence du bureau : Einladung", "Je suis absente.", "Out of Office"),
		("AW: Einladung", "Ich bin bis Montag im Urlaub. Gern danach.", None),
		("AW: Einladung", "👍", ""),
		("[Ticket#2026031012345] Einladung", "Ihre Anfrage ist bei uns eingegangen.", ""),
	],
)
def test_what_is_no_answer_is_recorded_as_what_it_is_or_shown(mailing, row, subject, text, kind):
	"""Record a response, or show the email to a user.

	:param kind: of the response; None: shown to a user for review; empty: only kept in the file
	"""
	raw = reply(row, f"In-Reply-To: <{row.message_id}>\n", text).replace("AW: Einladung", subject)
	receive(mailing, raw)
	assert [found for found, _name in answers(row)] == ([kind] if kind else [])
	assert len(reviews(row)) == (kind is None)
	assert queries.status(row.campaign)["answered"] == 0 and member_of(row).status != "Answered"


def test_an_objection_in_html_alone_is_recorded(mailing, row):
	raw = reply(row, f"In-Reply-To: <{row.message_id}>\n", "").replace(
		"text/plain; charset=utf-8\n\n",
		"text/html; charset=utf-8\n\n<html><head><style>p{}</style></head><body><p>Bitte <b>nehmen</b> Sie mich aus"
		" dem&nbsp;Verteiler.</p><blockquote>Interessiert?</blockquote></body></html>",
	)
	receive(mailing, raw)
	assert decisions.lookup(row.relation, row.recipient, "Email").reason == rules.WITHDRAWN


def test_an_answer_to_a_mail_about_unsubscribing_is_no_objection_by_its_subject(mailing, row):
	frappe.db.set_value("Communication", row.communication, "subject", "Nicht abmelden!")
	raw = reply(row, f"In-Reply-To: <{row.message_id}>\n").replace("AW: Einladung", "AW: Nicht abmelden!")
	receive(mailing, raw)
	assert [kind for kind, _name in answers(row)] == ["Reply"] and not reviews(row)


def test_nothing_goes_to_a_mailbox_while_a_mail_from_it_is_to_be_read(mailing, row):
	receive(mailing, reply(row, f"In-Reply-To: <{row.message_id}>\n", "Woher haben Sie meine Adresse?"))
	frappe.db.commit()
	with scripted_sink() as sink:
		frappe.db.set_value("Email Account", mailing.account, "smtp_port", sink.port)
		frappe.clear_document_cache("Email Account", mailing.account)
		second = mailing.started()
		dispatch.send(second)
		assert sink.recipients() == [mailing.address(1)]
		assert mailing.states(second)[row.recipient] == "Pending"
		(review,) = reviews(row)
		api.decide_mail(review.name, "No Effect")
		mailing.send(second)
		assert sorted(sink.recipients()) == [mailing.address(0), mailing.address(1)]


@pytest.mark.parametrize(
	("decision", "kinds", "allowed"),
	[
		("Objection", ["Unsubscribe"], False),
		("Answer", ["Reply"], True),
		("Undeliverable", [], False),
		("No Effect", [], True),
	],
)
def test_a_person_says_what_a_mail_is(mailing, row, decision, kinds, allowed):
	receive(mailing, reply(row, f"In-Reply-To: <{row.message_id}>\n", "Woher haben Sie meine Adresse?"))
	(review,) = reviews(row)
	frappe.set_user(factories.user(None, "Sales User"))
	with pytest.raises(frappe.PermissionError):
		api.decide_mail(review.name, decision)
	frappe.set_user("Administrator")
	assert api.decide_mail(review.name, decision) == {"state": "Done"}
	assert [kind for kind, _name in answers(row)] == kinds
	assert decisions.lookup(row.relation, row.recipient, "Email").allowed is allowed
	with pytest.raises(frappe.ValidationError):
		api.decide_mail(review.name, "Answer")
	assert not mail_reviews.held([row.recipient])

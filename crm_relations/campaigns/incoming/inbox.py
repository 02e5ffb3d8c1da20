"""Turn incoming emails, which Frappe stores as Communications, into responses, objections and marks on
addresses.

Writes the reference and delivery status of Communications; `responses`, `decisions`, `deliverability` and
others write the rest.

Anyone can write to a mailbox. An email without proof (`matching`), or without plain words, changes nothing
by itself. A user must look at it (`mail_reviews`), and the next emails to that address wait.
"""

import sys

import frappe
from frappe import _
from frappe.email.receive import InboundMail
from frappe.model.document import Document

from crm_relations.campaigns import lifecycle
from crm_relations.campaigns.classification import classification, objection_rules
from crm_relations.campaigns.classification.classification import Incoming
from crm_relations.campaigns.consents import decisions, deliverability
from crm_relations.campaigns.incoming import clicks, mail_reviews, matching, responses
from crm_relations.campaigns.incoming.matching import Match
from crm_relations.campaigns.states import ResponseType
from crm_relations.shared.side_effects import deferrable

#: frames between the insertion of a Communication and the email that it is made from; there are about
#: twenty
_DEPTH = 80
#: a campaign is paused after the servers of this number of recipients have refused the message itself
_REFUSALS = 3


@deferrable
def receive(doc: Document) -> None:
	"""Process a new Communication: if it is an incoming email that belongs to a campaign's email, record
	what it says.
	"""
	if doc.sent_or_received != "Received" or doc.communication_medium != "Email":
		return
	raw = _raw_mail()
	told = (
		classification.read(raw)
		if raw
		else classification.guess(doc.subject, doc.sender, doc.text_content or doc.content)
	)
	found = matching.find(doc, told)
	if not found:
		return
	if told.kind == "bounce":
		_bounce(doc, told, found)
	elif told.kind == "complaint":
		_complaint(doc, told, found)
	elif told.kind == "reply":
		_reply(doc, told, found)
	elif not found.weak:
		_put_into_file(doc, found.send)
		if told.kind == "out of office":
			_respond("Out of Office", doc, found.send, told)


def _bounce(doc: Document, told: Incoming, found: Match) -> None:
	_put_into_file(doc, found.send)
	if not found.proven:
		mail_reviews.add(doc, found.send, mail_reviews.UNPROVEN_BOUNCE)
		return
	send = found.send
	_respond("Bounce", doc, send, told)
	if told.cause in ("sender", "quota"):
		_pause(send.campaign, told)
		return
	if told.cause == "message":
		if _refused_messages(send.campaign) >= _REFUSALS:
			_pause(send.campaign, told)
		return
	if not classification.is_about(told, send.recipient):
		return  # a forwarding failed elsewhere
	deliverability.note_bounce(
		send.recipient, permanent=told.permanent, code=told.code, reason=told.reason, send=send.name
	)
	if send.communication:
		status = "Bounced" if told.permanent else "Soft-Bounced"
		frappe.db.set_value(
			"Communication", send.communication, "delivery_status", status, update_modified=False
		)


def _complaint(doc: Document, told: Incoming, found: Match) -> None:
	_put_into_file(doc, found.send)
	if not found.proven:
		mail_reviews.add(doc, found.send, mail_reviews.UNPROVEN_COMPLAINT)
	elif not classification.is_about(told, found.send.recipient):
		mail_reviews.add(doc, found.send, mail_reviews.OTHER_RECIPIENT)
	else:
		_object(found.send, doc, _("Complaint: marked as spam"))
		_respond("Complaint", doc, found.send, told)


def _reply(doc: Document, told: Incoming, found: Match) -> None:
	send = found.send
	sent_subject = matching.subject_of(send)
	level = objection_rules.level(told.text, told.subject, sent_subject)
	if not level and found.weak:
		return  # another conversation with the same person
	_put_into_file(doc, send)
	if found.proven and found.from_recipient:
		deliverability.mark_deliverable(send.recipient)
	if level:
		_may_object(doc, told, found, level)
	elif told.doubt:
		mail_reviews.add(doc, send, told.doubt)
	else:
		_respond("Reply", doc, send, told)


def _may_object(doc: Document, told: Incoming, found: Match, level: objection_rules.Level) -> None:
	"""Record an objection that is plain and comes from the mailbox of the recipient; any other waits for a
	user.
	"""
	if not found.proven:
		mail_reviews.add(doc, found.send, mail_reviews.UNPROVEN_OBJECTION)
	elif not found.from_recipient:
		mail_reviews.add(doc, found.send, mail_reviews.OTHER_SENDER)
	elif level == "possible":
		mail_reviews.add(doc, found.send, mail_reviews.MAY_BE_OBJECTION)
	else:
		proof = f"Reply by email: {doc.name}"
		clicks.unsubscribe(found.send, proof=proof, reference=("Communication", doc.name))
		if objection_rules.is_about_more(told.text):
			mail_reviews.add(doc, found.send, mail_reviews.MORE_THAN_MAIL)


def _respond(kind: str, doc: Document, send: frappe._dict, told: Incoming) -> None:
	note = f"{told.code} {told.reason}".strip() or (doc.subject or "")
	responses.record(
		send.member,
		kind,
		send=send.name,
		note=note[:140],
		received_at=doc.communication_date,
		reference=("Communication", doc.name),
	)


def _refused_messages(campaign: str) -> int:
	"""Return the number of members of a campaign with servers that have refused the message itself."""
	rows = frappe.get_all(
		"Relation Campaign Response",
		filters={"campaign": campaign, "response_type": ResponseType.BOUNCE, "note": ["like", "5.7.%"]},
		pluck="member",
		order_by="member asc",
	)
	return len(set(rows))


def _pause(campaign: str, told: Incoming) -> None:
	"""Pause a campaign, as the sender is refused and not an address: further emails would only make it
	worse.
	"""
	said = f"{told.code} {told.reason}".strip()[:300]
	if told.cause == "quota":
		reason = _("A bounce says that our mail account has sent too much: {0}").format(said)
	elif told.cause == "sender":
		reason = _("A bounce says that our address or mail server is blocked: {0}").format(said)
	else:
		reason = _("Several mail servers have refused this message: {0}").format(said)
	lifecycle.pause_by_itself(campaign, reason)


def _raw_mail() -> bytes | str | None:
	"""Return the raw text of the email that is being received.

	Frappe does not pass it on. The Communication has no headers, and for a bounce neither the report nor
	the Message-ID of the returned message. But the email is on the call stack, as it inserts the
	Communication. None if a Communication was created in another way, or is tried again later; then subject
	and sender must do.
	"""
	frame = sys._getframe(1)
	for _step in range(_DEPTH):
		if frame is None:
			return None
		owner = frame.f_locals.get("self")
		if isinstance(owner, InboundMail):
			return owner.raw_message
		frame = frame.f_back
	return None


def _put_into_file(doc: Document, send: frappe._dict) -> None:
	"""Link an email that Frappe could not assign to the file of its sender's relation."""
	if doc.reference_name or not send.relation:
		return
	doc.db_set({"reference_doctype": "Relation", "reference_name": send.relation, "status": "Linked"})


def _object(send: frappe._dict, doc: Document, source: str) -> None:
	proof = f"{send.campaign} · {send.name} · {doc.name}"
	decisions.withdraw(send.relation, send.recipient, "Email", source=source, proof=proof)

"""Incoming mail: what Frappe's mailbox brings as Communications becomes responses, marks on addresses, objections.

A mail is matched by the Message-IDs that it answers or reports on; a bounce or complaint without one, by the address
that it names and the last mail to it. Nothing is believed of an address to which no campaign has written lately.
"""

import sys

import frappe
from frappe import _
from frappe.email.receive import InboundMail
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import add_days, now_datetime, strip_html

from crm_relations.campaigns import consent, responses, tracking
from crm_relations.campaigns.answers import addresses, rules
from crm_relations.campaigns.answers.rules import Incoming
from crm_relations.shared.contact_keys import email_key
from crm_relations.shared.side_effects import deferrable

SEND = "Relation Campaign Send"
#: days in which a report without a Message-ID may be about the last mail to an address
_REPORT_DAYS = 14
#: frames between the insertion of a Communication and the mail that it is made of; there are some twenty
_DEPTH = 80
_RESPONSE = {"reply": "Reply", "out of office": "Out of Office", "bounce": "Bounce", "complaint": "Complaint"}


@deferrable
def receive(doc: Document) -> None:
	"""A new Communication: if it is an incoming mail that belongs to a campaign's, take from it what it says."""
	if doc.sent_or_received != "Received" or doc.communication_medium != "Email":
		return
	raw = _raw_mail()
	told = rules.read(raw) if raw else rules.guess(doc.subject, email_key(doc.sender))
	send = _send_of(doc, told)
	if not send or told.kind == "automatic":
		return
	_put_into_file(doc, send)
	note = f"{told.code} {told.reason}".strip() or (doc.subject or "")
	response = {
		"send": send.name,
		"note": note[:140],
		"received_at": doc.communication_date,
		"reference": ("Communication", doc.name),
	}
	if told.kind == "bounce":
		_bounced(send, told)
	elif told.kind == "complaint":
		_object(send, doc, _("Complaint: marked as spam"))
	elif told.kind == "reply":
		if email_key(doc.sender) == send.recipient:
			addresses.note_life(send.recipient)
		if rules.is_objection(doc.text_content or strip_html(doc.content or "")):
			tracking.unsubscribe(send, proof=_("Reply by e-mail: {0}").format(doc.name))
	responses.record(send.member, _RESPONSE[told.kind], **response)


def _raw_mail() -> bytes | str | None:
	"""The raw text of the mail that is being received.

	Frappe hands it on to nobody: the Communication has no headers, and of a bounce neither the report nor the
	Message-ID of what came back. But the mail stands on the call stack, as it is what inserts the Communication. None
	where a Communication comes by another way, or is tried again later; then subject and sender have to do.
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


def _send_of(doc: Document, told: Incoming) -> frappe._dict | None:
	"""The send row that a mail belongs to."""
	table = DocType(SEND)
	query = (
		frappe.qb.from_(table)
		.select(
			table.name, table.member, table.relation, table.recipient, table.campaign, table.communication
		)
		.where(table.step_type == "E-mail")
	)
	if told.references:
		rows = query.select(table.message_id).where(table.message_id.isin(told.references)).run(as_dict=True)
		if rows:
			# the database takes no notice of case, and a mail may name several of ours
			nearness = {reference.lower(): place for place, reference in enumerate(told.references)}
			return min(rows, key=lambda row: nearness.get(row.message_id.lower(), len(nearness)))
	if doc.in_reply_to:
		of_communication = query.where(table.communication == doc.in_reply_to).limit(1).run(as_dict=True)
		if of_communication:
			return of_communication[0]
		message_id = frappe.db.get_value("Communication", doc.in_reply_to, "message_id")
		answered = (message_id or "").strip("<> ")
		if answered and (rows := query.where(table.message_id == answered).limit(1).run(as_dict=True)):
			return rows[0]
	if told.recipients and not told.references:
		last = (
			query.where(table.recipient.isin(told.recipients) & (table.state == "Sent"))
			.where(table.sent_at >= add_days(now_datetime(), -_REPORT_DAYS))
			.orderby(table.sent_at, order=frappe.qb.desc)
			.limit(1)
		)
		rows = last.run(as_dict=True)
		return rows[0] if rows else None
	return None


def _put_into_file(doc: Document, send: frappe._dict) -> None:
	"""A mail that Frappe could not place belongs to the file of the relation that it is from."""
	if doc.reference_name or not send.relation:
		return
	doc.db_set({"reference_doctype": "Relation", "reference_name": send.relation, "status": "Linked"})


def _bounced(send: frappe._dict, told: Incoming) -> None:
	addresses.note_bounce(send.recipient, permanent=told.permanent, code=told.code, reason=told.reason)
	if send.communication:
		status = "Bounced" if told.permanent else "Soft-Bounced"
		frappe.db.set_value(
			"Communication", send.communication, "delivery_status", status, update_modified=False
		)


def _object(send: frappe._dict, doc: Document, source: str) -> None:
	if consent.lookup(send.relation, send.recipient, "E-mail").reason == consent.rules.WITHDRAWN:
		return
	consent.record(
		send.relation,
		send.recipient,
		"E-mail",
		"Withdrawn",
		source=source,
		proof=f"{send.campaign} · {send.name} · {doc.name}",
	)

"""What came back. Alone writes `Relation Campaign Response`; rows are only ever added."""

from datetime import datetime

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import get_datetime, now_datetime

from crm_relations.campaigns import audience, rules
from crm_relations.shared.contact_keys import email_key


def record(
	member: str,
	response_type: str,
	answer: str = "",
	*,
	send: str | None = None,
	note: str | None = None,
	received_at: datetime | str | None = None,
	url: str | None = None,
	reference: tuple[str, str] | None = None,
	recorded_by: str | None = None,
) -> str:
	"""Add a response and move its member on; returns the response's name.

	:param response_type: Reply, Click, Call or Unsubscribe.
	:param answer: one of rules.CALL_ANSWERS, or empty.
	:param reference: (doctype, name) of the document that is the answer. Given again, the response that
		exists is returned and nothing is added.
	"""
	if reference and (existing := _by_reference(*reference)):
		return existing
	row = frappe.db.get_value("Relation Campaign Member", member, ["campaign", "relation"], as_dict=True)
	if not row:
		frappe.throw(
			_("Relation Campaign Member {0} does not exist").format(frappe.bold(member)),
			frappe.DoesNotExistError,
		)
	received = get_datetime(received_at) if received_at else now_datetime()
	# the member first: what hangs on the new response (points, handover) finds the status that it means
	audience.note_response(member, response_type, answer, received)
	doc = frappe.get_doc(
		{
			"doctype": "Relation Campaign Response",
			"campaign": row.campaign,
			"member": member,
			"relation": row.relation,
			"send": send,
			"response_type": response_type,
			"answer": answer,
			"received_at": received,
			"recorded_by": recorded_by or (frappe.session.user if response_type == "Call" else None),
			"note": note,
			"url": url,
			"reference_type": reference[0] if reference else None,
			"reference_name": reference[1] if reference else None,
		}
	)
	return doc.insert(ignore_permissions=True).name


def match_reply(doc: Document) -> None:
	"""An incoming Communication that answers a campaign mail becomes a response.

	It is matched by the mail it answers: the Communication of a send row, or one with its Message-ID.
	Out-of-office notes, bounces and receipts are no answers; they stay in the file as the mails they are.
	"""
	if doc.sent_or_received != "Received" or doc.communication_medium != "Email" or not doc.in_reply_to:
		return
	send = _send_of(doc.in_reply_to)
	if not send or rules.is_automatic(doc.subject, email_key(doc.sender)):
		return
	record(
		send.member,
		"Reply",
		send=send.name,
		note=(doc.subject or "")[:140],
		received_at=doc.communication_date,
		reference=("Communication", doc.name),
	)


def _send_of(communication: str) -> frappe._dict | None:
	"""Send row that an e-mail belongs to, by its Communication or the Message-ID of it."""
	fields = ["name", "member"]
	row = frappe.db.get_value(
		"Relation Campaign Send", {"communication": communication}, fields, as_dict=True
	)
	if row:
		return row
	message_id = frappe.db.get_value("Communication", communication, "message_id")
	if not message_id:
		return None
	return frappe.db.get_value(
		"Relation Campaign Send", {"message_id": message_id.strip("<> ")}, fields, as_dict=True
	)


def _by_reference(doctype: str, name: str) -> str | None:
	response = DocType("Relation Campaign Response")
	rows = (
		frappe.qb.from_(response)
		.select(response.name)
		.where((response.reference_type == doctype) & (response.reference_name == name))
		.limit(1)
		.run()
	)
	return rows[0][0] if rows else None

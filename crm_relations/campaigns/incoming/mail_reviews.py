"""Keep the incoming emails that a user must review. Sole writer of `Relation Mail Review`.

An email without proof, or without plain words, holds the next email steps to that mailbox until a user has
read it and decided. The decision is an objection, an answer, an unknown address, or nothing to record.
"""

from collections.abc import Collection

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import now_datetime

from crm_relations.campaigns.consents import deliverability
from crm_relations.campaigns.incoming import clicks, responses
from crm_relations.campaigns.states import MailReviewDecision, MailReviewState
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.contact_keys import mailbox_key
from crm_relations.shared.refusals import refuse

DOCTYPE = "Relation Mail Review"

MAY_BE_OBJECTION = "May be an objection"
OTHER_SENDER = "Objection from another address than the one written to"
UNPROVEN_OBJECTION = "Objection without a reference to our email"
UNPROVEN_BOUNCE = "Bounce without a reference to our email"
UNPROVEN_COMPLAINT = "Complaint without a reference to our email"
OTHER_RECIPIENT = "Complaint about another address than the one written to"
MORE_THAN_MAIL = "The objection may concern more than emails"

DECISIONS = ("Objection", "Answer", "Undeliverable", "No Effect")


def add(doc: Document, send: frappe._dict, reason: str) -> str:
	"""Ask a user to review a Communication; returns the name of the review. Can be repeated."""
	if existing := frappe.db.get_value(DOCTYPE, {"communication": doc.name}):
		return existing
	review = frappe.get_doc(
		{
			"doctype": DOCTYPE,
			"communication": doc.name,
			"reason": reason,
			"state": MailReviewState.OPEN,
			"sender": (doc.sender or "")[:140],
			"recipient": send.recipient,
			"mailbox_key": mailbox_key(send.recipient),
			"relation": send.relation,
			"campaign": send.campaign,
			"send": send.name,
		}
	)
	return trusted(review).insert(ignore_permissions=True).name


def held(recipients: Collection[str]) -> set[str]:
	"""Return the email keys with an email that still waits for review."""
	boxes = {recipient: mailbox_key(recipient) for recipient in recipients if recipient}
	if not boxes:
		return set()
	waiting = frappe.get_all(
		DOCTYPE,
		filters={"mailbox_key": ["in", sorted(set(boxes.values()))], "state": MailReviewState.OPEN},
		pluck="mailbox_key",
		order_by="mailbox_key asc",
	)
	return {recipient for recipient, box in boxes.items() if box in set(waiting)}


def open_reviews(campaign: str | None = None) -> int:
	"""Return the number of emails that wait for review, of one campaign or of all."""
	return frappe.db.count(
		DOCTYPE, {"state": MailReviewState.OPEN, **({"campaign": campaign} if campaign else {})}
	)


def decide(name: str, decision: str) -> None:
	"""Record the decision of a user on an email. The caller has checked permission.

	:raises frappe.ValidationError: an unknown decision, or one that has been made already
	"""
	if decision not in DECISIONS:
		refuse(_("Decision: {0} is not known. Choose one of {1}"), decision, ", ".join(map(_, DECISIONS)))
	review = frappe.get_doc(DOCTYPE, name, for_update=True)
	if review.state != MailReviewState.OPEN:
		refuse(_("State: this email has already been reviewed: {0}"), _(review.decision or ""))
	send = frappe.db.get_value(
		"Relation Campaign Send",
		review.send,
		["name", "member", "relation", "recipient", "campaign"],
		as_dict=True,
	)
	if send and decision == MailReviewDecision.OBJECTION:
		proof = f"Reply by email: {review.communication}. Reviewed by {frappe.session.user}"
		clicks.unsubscribe(send, proof=proof, reference=("Communication", review.communication))
	elif send and decision == MailReviewDecision.ANSWER:
		mail = frappe.db.get_value(
			"Communication", review.communication, ["subject", "communication_date"], as_dict=True
		)
		responses.record(
			send.member,
			"Reply",
			send=send.name,
			note=(mail.subject or "")[:140] if mail else None,
			received_at=mail.communication_date if mail else None,
			reference=("Communication", review.communication),
		)
	elif send and decision == MailReviewDecision.UNDELIVERABLE:
		deliverability.note_bounce(
			send.recipient, permanent=True, reason=f"Reviewed by {frappe.session.user}"
		)
	review.update(
		{
			"state": MailReviewState.DONE,
			"decision": decision,
			"decided_by": frappe.session.user,
			"decided_at": now_datetime(),
		}
	)
	trusted(review).save(ignore_permissions=True)

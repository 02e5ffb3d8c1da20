"""To which message of a campaign an incoming mail belongs, and how sure that is. Reads only.

Proven is what only a reader of that message can know: our Message-ID, the signed reference that stands beside it in
References (mail services replace the Message-ID, and leave that), the identity that the service gave it, or the token of
a link in it. Likely is a mail from the address, or a report about it, within some days. What is only likely may be
counted as a reply or hold the next steps for a person to look; it never decides about an address or a consent.
"""

from dataclasses import dataclass
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import add_days, now_datetime

from crm_relations.campaigns.classification import reply_text
from crm_relations.campaigns.classification.classification import Incoming
from crm_relations.campaigns.states import SendState, StepType
from crm_relations.campaigns.transport import accounts, signed_links
from crm_relations.shared.contact_keys import email_key, mailbox_key

SEND = "Relation Campaign Send"
#: days after a message in which a mail without a proof may be about it
DAYS = 30
#: what is shorter might be guessed
_LONG_ENOUGH = 20
_FIELDS = ("name", "member", "relation", "recipient", "campaign", "communication", "message_id", "token")


@dataclass(frozen=True)
class Match:
	"""A message, and what is known of the mail that belongs to it."""

	send: frappe._dict
	#: the mail shows something that only a reader of the message can know
	proven: bool
	#: it comes from the mailbox that the message went to
	from_recipient: bool
	#: it may belong to another conversation: only what it says against advertising counts
	weak: bool = False


def find(doc: Document, told: Incoming) -> Match | None:
	"""The message that a mail belongs to, or None."""
	who = told.sender or email_key(doc.sender)
	if row := _by_proof(doc, told):
		return Match(row, True, _same_mailbox(who, row.recipient))
	named = told.recipients if told.kind in ("bounce", "complaint") else (who,)
	row = _last_message(tuple(filter(None, named)))
	if not row or (told.kind in ("bounce", "complaint") and _names_another(doc)):
		return None
	weak = told.kind not in ("bounce", "complaint") and not _looks_like_an_answer(doc, told, row)
	return Match(row, False, _same_mailbox(who, row.recipient), weak)


def subject_of(send: frappe._dict) -> str:
	"""The subject of a message, as it was sent."""
	return (
		frappe.db.get_value("Communication", send.communication, "subject") if send.communication else ""
	) or ""


def _by_proof(doc: Document, told: Incoming) -> frappe._dict | None:
	table = DocType(SEND)
	if rows := _read(table.message_id.isin(told.references)) if told.references else []:
		# the database takes no notice of case, and a mail may name several of ours
		nearness = {reference.lower(): place for place, reference in enumerate(told.references)}
		return min(rows, key=lambda row: nearness.get(row.message_id.lower(), len(nearness)))
	sealed = [name for reference in told.references if (name := signed_links.referenced(reference))]
	if rows := _read(table.name.isin(sealed)) if sealed else []:
		return min(rows, key=lambda row: sealed.index(row.name))
	local = {x for reference in told.references for x in (reference, reference.partition("@")[0])}
	long = sorted(x for x in local if len(x) >= _LONG_ENOUGH)
	if rows := _read(table.service_id.isin(long)) if long else []:
		return rows[0]
	if told.tokens:
		known = set(told.tokens)  # the database compares without regard to case
		if rows := [row for row in _read(table.token.isin(told.tokens)) if row.token in known]:
			return rows[0]
	return _by_communication(doc)


def _by_communication(doc: Document) -> frappe._dict | None:
	"""By the Communication that Frappe says is answered."""
	if not doc.in_reply_to:
		return None
	table = DocType(SEND)
	if rows := _read(table.communication == doc.in_reply_to):
		return rows[0]
	answered = (frappe.db.get_value("Communication", doc.in_reply_to, "message_id") or "").strip("<> ")
	rows = _read(table.message_id == answered) if answered else []
	return rows[0] if rows else None


def _read(criterion: Any) -> list[frappe._dict]:
	table = DocType(SEND)
	query = frappe.qb.from_(table).select(*[table[field] for field in _FIELDS])
	return query.where(criterion & (table.step_type == StepType.EMAIL)).limit(50).run(as_dict=True)


def _last_message(addresses: tuple[str, ...]) -> frappe._dict | None:
	"""The last message of these days to one of the addresses."""
	if not addresses:
		return None
	table = DocType(SEND)
	rows = (
		frappe.qb.from_(table)
		.select(*[table[field] for field in _FIELDS])
		.where(
			table.recipient.isin(addresses)
			& (table.step_type == StepType.EMAIL)
			& (table.state == SendState.SENT)
		)
		.where(table.sent_at >= add_days(now_datetime(), -DAYS))
		.orderby(table.sent_at, order=frappe.qb.desc)
		.limit(1)
		.run(as_dict=True)
	)
	return rows[0] if rows else None


def _names_another(doc: Document) -> bool:
	"""Is a report, as Frappe has found, about another mail of the site?"""
	return bool(doc.in_reply_to)


def _looks_like_an_answer(doc: Document, told: Incoming, send: frappe._dict) -> bool:
	"""Does a mail without a proof answer the message: to our account, and to a mail that the site does not know (a mail
	service has replaced its Message-ID), or under its subject?"""
	if doc.in_reply_to or not _came_to_the_account(doc, send):
		return False
	title = reply_text.folded(reply_text.bare_subject(told.subject))
	sent = reply_text.folded(reply_text.bare_subject(subject_of(send)))
	return bool(told.references) or (bool(sent) and sent in title)


def _came_to_the_account(doc: Document, send: frappe._dict) -> bool:
	account = accounts.account_of(frappe.get_cached_doc("Relation Campaign", send.campaign))
	if not account:
		return False
	return (
		doc.email_account == account.name
		or (account.email_id or "").lower() in (doc.recipients or "").lower()
	)


def _same_mailbox(one: str, other: str) -> bool:
	return bool(one and other) and mailbox_key(one) == mailbox_key(other)

"""Find the message of a campaign that an incoming email belongs to, and how certain that is. Reads only.

A proven match shows what only a reader of that message can know. That is our Message-ID, the signed
reference in References (mail services replace the Message-ID, and keep that), the identity that the service
gave the message, or the token of a link in it. A likely match is an email from the address, or a report
about it, within some days. A likely match may count as a reply, or hold the next steps until a user has
looked. It never decides about an address or a consent.
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
#: days after a message in which an email without proof may belong to it
DAYS = 30
#: a shorter identity might be guessed
_LONG_ENOUGH = 20
_FIELDS = ("name", "member", "relation", "recipient", "campaign", "communication", "message_id", "token")


@dataclass(frozen=True)
class Match:
	"""A message, and what is known of the email that belongs to it."""

	send: frappe._dict
	#: the email shows something that only a reader of the message can know
	proven: bool
	#: it comes from the mailbox that the message was sent to
	from_recipient: bool
	#: it may belong to another conversation: only an objection in it counts
	weak: bool = False


def find(doc: Document, told: Incoming) -> Match | None:
	"""Return the message that an email belongs to, or None."""
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
	"""Return the subject of a message, as it was sent."""
	return (
		frappe.db.get_value("Communication", send.communication, "subject") if send.communication else ""
	) or ""


def _by_proof(doc: Document, told: Incoming) -> frappe._dict | None:
	table = DocType(SEND)
	if rows := _read(table.message_id.isin(told.references)) if told.references else []:
		# the database ignores case, and an email may name several of our messages
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
	"""Find the message by the Communication that Frappe names as answered."""
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
	"""Return the last message of these days to one of the addresses."""
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
	"""Tell whether a report, as Frappe has found, is about another email of the site."""
	return bool(doc.in_reply_to)


def _looks_like_an_answer(doc: Document, told: Incoming, send: frappe._dict) -> bool:
	"""Tell whether an email without proof answers the message. It must be sent to our account, and either
	carry its subject or answer an email that the site does not know, as a mail service has replaced the
	Message-ID.
	"""
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

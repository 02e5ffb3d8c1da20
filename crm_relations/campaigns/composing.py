"""Composing: the messages of a chunk, with consent looked up for all of them at once, and their
Communications in the customer file.

The Communications are written as rows, not as documents: each stands for a mail that has left already, so
nothing may react to it by sending once more, and a document costs ten times as much.
"""

from dataclasses import dataclass

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import cint, get_url, now_datetime

from crm_relations.campaigns import consent, mail, rules, tracking
from crm_relations.campaigns.rules import Decision
from crm_relations.campaigns.templates import MailTemplate, TemplateError
from crm_relations.relations.facts import queue as facts


@dataclass(frozen=True)
class Letter:
	"""One message, ready to leave."""

	send: str
	relation: str
	recipient: str
	subject: str
	content: str
	message: bytes
	token: str
	links: list[str]
	message_id: str
	communication: str
	decision: Decision
	attempts: int
	parties: list[tuple[str, str]]


@dataclass(frozen=True)
class Refused:
	"""Why a row gets no message: suppressed by consent, or its text cannot be rendered."""

	reason: str
	suppressed: bool
	consent: str = ""


class Composer:
	"""Composes for one campaign and one account; templates are compiled once."""

	def __init__(self, campaign: Document, account: Document) -> None:
		self.campaign = campaign
		self.account = account
		self.imprint = frappe.get_cached_doc("Relation Settings").legal_notice or ""
		self.steps = {step.name: step for step in campaign.steps if step.step_type == "E-mail"}
		self.templates: dict[str, MailTemplate] = {}
		self.sender = account.email_id
		self.sender_name = account.name

	def compose(self, names: list[str]) -> tuple[list[Letter], dict[str, Refused]]:
		"""Messages for send rows, in their order, and the rows that get none."""
		rows = _rows(names)
		decisions = consent.decide_many(
			{row.recipient: rules.is_business(row.relation_kind, row.market_orientation) for row in rows},
			"E-mail",
			self.campaign.purpose,
		)
		parties = _parties([row.relation for row in rows])
		letters: list[Letter] = []
		refused: dict[str, Refused] = {}
		for row in rows:
			decision = decisions[row.recipient]
			if not decision.allowed:
				refused[row.name] = Refused(decision.reason, suppressed=True, consent=decision.consent)
				continue
			try:
				letters.append(self._letter(row, decision, parties.get(row.relation, [])))
			except (TemplateError, ValueError) as e:
				refused[row.name] = Refused(_("The message cannot be made: {0}").format(e), suppressed=False)
		return letters, refused

	def _letter(self, row: frappe._dict, decision: Decision, parties: list[tuple[str, str]]) -> Letter:
		token = row.token or tracking.new_token()
		message_id = row.message_id or mail.new_message_id(self.sender)
		unsubscribe = tracking.unsubscribe_url(token)
		language = row.language or frappe.local.lang or "en"
		rendered = self._template(row.step).render(
			{**merge_fields(row), "unsubscribe_url": unsubscribe},
			lambda index: tracking.click_url(token, index),
			imprint=self.imprint,
			unsubscribe_label=_("Unsubscribe", lang=language),
			language=language,
		)
		return Letter(
			send=row.name,
			relation=row.relation,
			recipient=row.recipient,
			subject=rendered.subject,
			content=rendered.content,
			message=mail.build(
				sender_name=self.sender_name,
				sender=self.sender,
				recipient_name=row.relation_name,
				recipient=row.recipient,
				subject=rendered.subject,
				html=rendered.html,
				text=rendered.text,
				message_id=message_id,
				unsubscribe_url=unsubscribe,
			),
			token=token,
			links=rendered.links,
			message_id=message_id,
			communication=frappe.generate_hash(length=10),
			decision=decision,
			attempts=cint(row.attempts),
			parties=parties,
		)

	def _template(self, step: str) -> MailTemplate:
		if step not in self.templates:
			if step not in self.steps:
				raise TemplateError(_("the step has been deleted"))
			doc = self.steps[step]
			self.templates[step] = MailTemplate(doc.subject or "", doc.message or "", get_url())
		return self.templates[step]


def merge_fields(row: frappe._dict) -> dict[str, str]:
	"""What a text may say about a relation: rules.MERGE_FIELDS but for the unsubscribe address."""
	person = row.relation_kind == "Person"
	return {
		"name": row.relation_name or "",
		"first_name": (row.first_name or "") if person else "",
		"last_name": (row.last_name or "") if person else "",
		"salutation": _(row.salutation, lang=row.language) if person and row.salutation else "",
		"organisation": "" if person else row.relation_name or "",
		"unsubscribe_url": "",
	}


def file_communication(letter: Letter, campaign: Document, account: Document) -> None:
	"""Put the mail into the relation's file, and into those of its documents (Customer, Contact …)."""
	now, user = str(now_datetime()), frappe.session.user
	standard = {
		"creation": now,
		"modified": now,
		"owner": user,
		"modified_by": user,
		"docstatus": 0,
		"idx": 0,
	}
	_insert(
		"Communication",
		{
			**standard,
			"name": letter.communication,
			"communication_type": "Communication",
			"communication_medium": "Email",
			"sent_or_received": "Sent",
			"subject": letter.subject,
			"content": letter.content,
			"sender": account.email_id,
			"sender_full_name": account.name,
			"recipients": letter.recipient,
			"communication_date": now,
			"email_account": None if account.get("from_site_config") else account.name,
			"message_id": letter.message_id,
			"reference_doctype": "Relation",
			"reference_name": letter.relation,
			"status": "Linked",
			"delivery_status": "Sending",
			"user": user,
			"seen": 1,
		},
	)
	for idx, (doctype, name) in enumerate(letter.parties, start=1):
		_insert(
			"Communication Link",
			{
				**standard,
				"name": frappe.generate_hash(length=10),
				"idx": idx,
				"parent": letter.communication,
				"parenttype": "Communication",
				"parentfield": "timeline_links",
				"link_doctype": doctype,
				"link_name": name,
			},
		)
	facts.mark(facts.RELATION, letter.relation)


def mark_communication(name: str, status: str) -> None:
	frappe.db.set_value("Communication", name, "delivery_status", status, update_modified=False)


def delete_communication(name: str) -> None:
	"""The mail has not left: nothing of it stays in the file."""
	frappe.db.delete("Communication Link", {"parent": name})
	frappe.db.delete("Communication", {"name": name})


def _insert(doctype: str, row: dict) -> None:
	frappe.qb.into(DocType(doctype)).columns(*row).insert(*row.values()).run()


def _rows(names: list[str]) -> list[frappe._dict]:
	"""Send rows with the facts that texts and consent need; one query a chunk."""
	send, relation = DocType("Relation Campaign Send"), DocType("Relation")
	return (
		frappe.qb.from_(send)
		.left_join(relation)
		.on(relation.name == send.relation)
		.select(
			send.name,
			send.step,
			send.recipient,
			send.token,
			send.message_id,
			send.attempts,
			send.relation,
			relation.relation_name,
			relation.relation_kind,
			relation.market_orientation,
			relation.first_name,
			relation.last_name,
			relation.salutation,
			relation.language,
		)
		.where(send.name.isin(names))
		.orderby(send.due_on, send.name)
		.run(as_dict=True)
	)


def _parties(relations: list[str]) -> dict[str, list[tuple[str, str]]]:
	"""ERPNext documents of each relation, in whose timelines a mail shows."""
	party = DocType("Relation Party")
	found: dict[str, list[tuple[str, str]]] = {}
	for parent, doctype, name in (
		frappe.qb.from_(party)
		.select(party.parent, party.party_type, party.party)
		.where((party.parenttype == "Relation") & party.parent.isin([r for r in relations if r] or [""]))
		.orderby(party.parent, party.idx)
		.run()
	):
		found.setdefault(parent, []).append((doctype, name))
	return found

"""Compose the messages of a chunk, and their Communications in the customer file. Consent is looked up for
the whole chunk at once.

Writes Communication and Communication Link as rows, not as documents. Each stands for an email that has
left already, so no event handler may send it once more; and a document costs ten times as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import cint, get_url, now_datetime

from crm_relations.campaigns.consents import decisions as consent
from crm_relations.campaigns.consents import footer
from crm_relations.campaigns.content import attachments
from crm_relations.campaigns.content.templates import MailTemplate, TemplateError
from crm_relations.campaigns.incoming import clicks
from crm_relations.campaigns.rules import Decision
from crm_relations.campaigns.states import StepType, Variant
from crm_relations.campaigns.transport import signed_links, smtp
from crm_relations.relations.facts import queue as facts
from crm_relations.shared.text.outside_text import insert_rows


@dataclass(frozen=True)
class ComposedEmail:
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

	def stored(self) -> dict[str, Any]:
		"""Return what the send row keeps of the message."""
		return {
			"token": self.token,
			"links": frappe.as_json(self.links, indent=None),
			"legal_basis": self.decision.legal_basis,
			"consent": self.decision.consent or None,
			"basis_proof": self.decision.proof or None,
			"message_id": self.message_id,
			"communication": self.communication,
		}


@dataclass(frozen=True)
class Refused:
	"""The reason why a row gets no message: suppressed by consent, or its text cannot be rendered."""

	reason: str
	suppressed: bool
	consent: str = ""


class Composer:
	"""The composer of one campaign and one account; templates are compiled and files read once."""

	def __init__(self, campaign: Document, account: Document) -> None:
		self.campaign = campaign
		self.imprint = frappe.get_cached_doc("Relation Settings").legal_notice or ""
		self.steps = {step.name: step for step in campaign.steps if step.step_type == StepType.EMAIL}
		self.templates: dict[tuple[str, bool], MailTemplate] = {}
		self.files: dict[str, list[bytes]] = {}
		self.labels: dict[tuple[str, str], str] = {}
		self.measured: set[str] = set()
		self.sender = account.email_id
		self.sender_name = account.name

	def compose(self, rows: Sequence[frappe._dict]) -> tuple[list[ComposedEmail], dict[str, Refused]]:
		"""Return the messages for send rows (`rows`), in their order, and the rows that get none."""
		decisions = consent.decide_for(self.campaign, rows, "Email")
		self.measured = self._measured([row.recipient for row in rows])
		parties = _parties([row.relation for row in rows])
		letters: list[ComposedEmail] = []
		refused: dict[str, Refused] = {}
		for row in rows:
			decision = decisions[row.recipient]
			if not decision.allowed:
				refused[row.name] = Refused(decision.reason, suppressed=True, consent=decision.consent)
				continue
			try:
				letters.append(self._letter(row, decision, parties.get(row.relation, [])))
			except (TemplateError, ValueError, OSError) as e:
				refused[row.name] = Refused(_("The message cannot be made: {0}").format(e), suppressed=False)
		return letters, refused

	def _letter(self, row: frappe._dict, decision: Decision, parties: list[tuple[str, str]]) -> ComposedEmail:
		token = row.token or clicks.new_token()
		message_id = row.message_id or smtp.new_message_id(self.sender)
		unsubscribe = clicks.unsubscribe_url(token)
		language = row.language or frappe.local.lang or "en"
		rendered = self._template(row.step, row.variant == Variant.B).render(
			{**merge_fields(row), "unsubscribe_url": unsubscribe},
			lambda index: clicks.click_url(token, index),
			imprint=footer.imprint(self.imprint, decision, language),
			unsubscribe_label=self._label("Unsubscribe", language),
			language=language,
			preferences=(clicks.preferences_url(token), self._label("What we may send you", language)),
			picture_url=clicks.open_url(token) if row.recipient in self.measured else "",
		)
		return ComposedEmail(
			send=row.name,
			relation=row.relation,
			recipient=row.recipient,
			subject=rendered.subject,
			content=rendered.content,
			message=smtp.build(
				sender_name=self.sender_name,
				sender=self.sender,
				recipient_name=row.relation_name,
				recipient=row.recipient,
				subject=rendered.subject,
				html=rendered.html,
				text=rendered.text,
				message_id=message_id,
				unsubscribe_url=unsubscribe,
				reference=signed_links.reference(row.name, self.sender.rpartition("@")[2]),
				attachments=self._files(row.step),
			),
			token=token,
			links=rendered.links,
			message_id=message_id,
			communication=frappe.generate_hash(length=10),
			decision=decision,
			attempts=cint(row.attempts),
			parties=parties,
		)

	def _template(self, step: str, second: bool) -> MailTemplate:
		if (step, second) not in self.templates:
			if step not in self.steps:
				raise TemplateError(_("the step has been deleted"))
			subject, message = texts_of(self.steps[step], second)
			self.templates[step, second] = MailTemplate(subject, message, get_url())
		return self.templates[step, second]

	def _files(self, step: str) -> list[bytes]:
		if step not in self.files:
			self.files[step] = attachments.parts(self.campaign, self.steps[step])
		return self.files[step]

	def _label(self, text: str, language: str) -> str:
		if (text, language) not in self.labels:
			self.labels[text, language] = _(text, lang=language)
		return self.labels[text, language]

	def _measured(self, recipients: Sequence[str]) -> set[str]:
		"""Return the recipients that agreed to the measuring of opens; none if the campaign does not
		measure.
		"""
		return consent.agreed_to_tracking(recipients) if self.campaign.track_opens else set()


def texts_of(step: Document, second: bool = False) -> tuple[str, str]:
	"""Return subject and message of an email step. Empty fields of variant B are taken from A."""
	subject, message = step.subject or "", step.message or ""
	if second:
		subject, message = step.subject_b or subject, step.message_b or message
	return subject, message


def merge_fields(row: frappe._dict) -> dict[str, str]:
	"""Return the merge fields of a relation: rules.MERGE_FIELDS except the unsubscribe address."""
	person = row.relation_kind == "Person"
	return {
		"name": row.relation_name or "",
		"first_name": (row.first_name or "") if person else "",
		"last_name": (row.last_name or "") if person else "",
		"salutation": _(row.salutation, lang=row.language) if person and row.salutation else "",
		"organisation": "" if person else row.relation_name or "",
		"unsubscribe_url": "",
	}


def file_communications(letters: Sequence[ComposedEmail], account: Document) -> None:
	"""Add the emails to the files of the relations, and to those of their documents (Customer, Contact …).

	They count as sent from now on; `sends.store.put_back` deletes those that do not leave.
	"""
	if not letters:
		return
	now, user = str(now_datetime()), frappe.session.user
	standard = {
		"creation": now,
		"modified": now,
		"owner": user,
		"modified_by": user,
		"docstatus": 0,
		"idx": 0,
	}
	_insert_all("Communication", [_communication(letter, account, standard) for letter in letters])
	_insert_all(
		"Communication Link",
		[
			{
				**standard,
				"name": frappe.generate_hash(length=10),
				"idx": idx,
				"parent": letter.communication,
				"parenttype": "Communication",
				"parentfield": "timeline_links",
				"link_doctype": doctype,
				"link_name": name,
			}
			for letter in letters
			for idx, (doctype, name) in enumerate(letter.parties, start=1)
		],
	)
	facts.mark_all([(facts.RELATION, letter.relation) for letter in letters])


def _communication(letter: ComposedEmail, account: Document, standard: dict[str, Any]) -> dict[str, Any]:
	return {
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
		"communication_date": standard["creation"],
		"email_account": None if account.get("from_site_config") else account.name,
		"message_id": letter.message_id,
		"reference_doctype": "Relation",
		"reference_name": letter.relation,
		"status": "Linked",
		"delivery_status": "Sent",
		"user": standard["owner"],
		"seen": 1,
	}


def _insert_all(doctype: str, rows: list[dict[str, Any]]) -> None:
	if rows:
		insert_rows(doctype, list(rows[0]), [tuple(row.values()) for row in rows])


def rows(names: list[str]) -> list[frappe._dict]:
	"""Return send rows with the facts that texts and consent need, in the order of sending; one query per
	chunk.
	"""
	send, relation = DocType("Relation Campaign Send"), DocType("Relation")
	return (
		frappe.qb.from_(send)
		.left_join(relation)
		.on(relation.name == send.relation)
		.select(
			send.name,
			send.step,
			send.step_type,
			send.member,
			send.recipient,
			send.variant,
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
	"""Return the ERPNext documents of each relation that show its emails in their timelines."""
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

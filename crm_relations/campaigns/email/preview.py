"""Show a message as one member would get it, or send it to a colleague. Writes nothing and keeps no record.

The links of a preview are the original ones and count nothing; its unsubscribe link belongs to no send.
"""

from dataclasses import dataclass
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import get_url

from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.content import composer
from crm_relations.campaigns.content.templates import MailTemplate, Rendered, TemplateError, render_html
from crm_relations.campaigns.incoming import clicks
from crm_relations.campaigns.manual import letters
from crm_relations.campaigns.rules import Decision
from crm_relations.campaigns.transport import accounts, smtp
from crm_relations.segments.members import membership
from crm_relations.shared import live_site
from crm_relations.shared.access.permissions import readable
from crm_relations.shared.contact_keys import email_key
from crm_relations.shared.refusals import refuse, refuse_all

#: a token that no send row has
_NOBODY = "0" * 22


@dataclass(frozen=True)
class MessagePreview:
	"""A step of a campaign, composed for one relation."""

	relation: frappe._dict
	step: Document
	rendered: Rendered | None
	script: str = ""


#: step → channel of consent, and the fields of the relation that may hold its address
_CHANNELS = {
	"Email": ("Email", ("email_id",)),
	"Call": ("Phone", ("mobile_no", "phone")),
	"Letter": ("Letter", ("address_line",)),
}


def show(campaign: Document, step: str, relation: str | None = None, second: bool = False) -> dict[str, Any]:
	"""Return what a relation would get: `{"relation", "relation_name", "step_type", "recipient", "subject",
	"html", "allowed", "reason", "basis", "proof"}`.

	`html` is the message with its frame, the letter, the call script or the text of the task. `allowed` and
	`reason` say whether consent lets the step reach the relation now. `basis` and `proof` say what that
	rests on; only users who may read invoices see the sale.

	:param relation: None: the first of the audience that the user may read
	:param second: variant B of an email
	:raises frappe.ValidationError: the step has no text yet, or it cannot be composed for this relation
	"""
	specimen = _make(campaign, step, relation, second)
	facts = specimen.relation
	address, decision = _decision(campaign, specimen)
	return {
		"relation": facts.name,
		"relation_name": facts.relation_name,
		"step_type": specimen.step.step_type,
		"recipient": address or "",
		"subject": specimen.rendered.subject if specimen.rendered else "",
		"html": specimen.rendered.html if specimen.rendered else specimen.script,
		"allowed": decision.allowed,
		"reason": _(decision.reason) if decision.reason else "",
		"basis": _(decision.legal_basis) if decision.legal_basis else "",
		"proof": decision.proof if frappe.has_permission("Sales Invoice") else "",
	}


def _decision(campaign: Document, specimen: MessagePreview) -> tuple[str | None, Decision]:
	"""Return the address that the step would use, and whether it may; a task needs no address."""
	facts = specimen.relation
	if specimen.step.step_type not in _CHANNELS:
		return None, Decision(True)
	channel, fields = _CHANNELS[specimen.step.step_type]
	address = next((facts[field] for field in fields if facts[field]), None)
	if channel == "Letter" and address:
		address = " ".join(part for part in (address, facts.pincode, facts.city) if part)
	key = decisions.address_key(address, channel)
	row = frappe._dict(facts, relation=facts.name, recipient=key)
	return address, decisions.decide_for(campaign, [row], channel)[key]


def send(campaign: Document, step: str, user: str, relation: str | None = None, second: bool = False) -> str:
	"""Send an email step to a user of the site, marked as a test, and return the address.

	Only users of the desk get it: customers with a login are users too, and a test must not bypass consent.
	Whatever holds emails back also holds back a test.

	:raises frappe.ValidationError: no such user, not an email step, emails are held back, or the answer of
		the mail server
	"""
	if held_back := accounts.held_back():
		refuse(_("No test message was sent: {0}"), held_back)
	at_the_desk = {"name": user, "enabled": 1, "user_type": "System User"}
	recipient = email_key(frappe.db.get_value("User", at_the_desk, "email"))
	if not recipient:
		frappe.throw(_("Send to: choose an enabled system user with an email address."))
	specimen = _make(campaign, step, relation, second)
	if not specimen.rendered:
		frappe.throw(_("Step: only an email can be sent as a test. Choose an email step."))
	if problems := accounts.check(campaign):
		refuse_all(problems)
	account = accounts.account_of(campaign)
	message = smtp.build(
		sender_name=account.name,
		sender=account.email_id,
		recipient_name="",
		recipient=recipient,
		subject=_("[Test] {0}").format(specimen.rendered.subject),
		html=specimen.rendered.html,
		text=specimen.rendered.text,
		message_id=smtp.new_message_id(account.email_id),
		unsubscribe_url=clicks.unsubscribe_url(_NOBODY),
	)
	live_site.remember()
	line = accounts.SmtpConnection(account)
	try:
		outcome = line.hand_over(recipient, message)
	finally:
		line.close()
	if outcome.result != "accepted":
		refuse(_("The mail server did not accept the test message: {0}"), outcome.reason, title=_("Not sent"))
	return recipient


def _make(campaign: Document, step: str, relation: str | None, second: bool) -> MessagePreview:
	row = next((row for row in campaign.steps if row.name == step), None)
	if not row:
		frappe.throw(_("Step: it is not in the saved campaign. Save the campaign first."))
	facts = _facts(campaign, relation)
	fields = {**composer.merge_fields(facts), "unsubscribe_url": clicks.unsubscribe_url(_NOBODY)}
	try:
		if row.step_type == "Email":
			return MessagePreview(facts, row, _rendered(row, fields, facts.language, second))
		if row.step_type == "Letter":
			return MessagePreview(facts, row, None, letters.specimen(facts, row))
		text = row.call_script if row.step_type == "Call" else row.task_text
		return MessagePreview(facts, row, None, render_html(text or "", fields))
	except TemplateError as error:
		refuse(_("The message cannot be made: {0}"), str(error))


def _rendered(step: Document, fields: dict[str, str], language: str | None, second: bool) -> Rendered:
	template = MailTemplate(*composer.texts_of(step, second), get_url())
	language = language or frappe.local.lang or "en"
	frame = {
		"imprint": frappe.get_cached_doc("Relation Settings").legal_notice or "",
		"unsubscribe_label": _("Unsubscribe", lang=language),
		"language": language,
	}
	links = template.render(fields, str, **frame).links
	return template.render(fields, links.__getitem__, **frame)


def _facts(campaign: Document, relation: str | None) -> frappe._dict:
	table, member = DocType("Relation"), DocType("Relation Campaign Member")
	query = (
		frappe.qb.from_(table)
		.select(
			table.name,
			table.relation_name,
			table.relation_kind,
			table.market_orientation,
			table.first_name,
			table.last_name,
			table.salutation,
			table.language,
			table.email_id,
			table.mobile_no,
			table.phone,
			table.address_line,
			table.pincode,
			table.city,
			table.country,
		)
		.orderby(table.name)
		.limit(1)
	)
	if relation:
		query = query.where(table.name == relation)
	else:
		taken = frappe.qb.from_(member).select(member.relation).where(member.campaign == campaign.name)
		inside = table.name.isin(membership.current(campaign.segment)) | table.name.isin(taken)
		query = query.where(inside & (table.disabled == 0))
	query = readable(query, "Relation")
	rows = query.run(as_dict=True) if query else []
	if not rows:
		refuse(
			_("Relation: choose one. The segment {0} has no member yet that you may read."),
			campaign.segment or "–",
		)
	return rows[0]

"""Offer the whitelisted functions of consent. Writes no record itself."""

import frappe
from frappe import _
from frappe.utils import cstr

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions, objections, opt_in
from crm_relations.campaigns.consents import purposes as texts
from crm_relations.campaigns.recipient_pages import preferences
from crm_relations.shared.refusals import refuse
from crm_relations.shared.text import stored_texts


@frappe.whitelist(methods=["GET", "POST"])
def overview(relation: str) -> dict:
	"""Return the consent of a relation for the form.

	`channels` (channel, address, allowed, basis, reason), `events` (the latest ten), `purposes` that can be
	requested, `ways` of objecting, and the link to the page of `preferences`.
	"""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	frappe.has_permission("Relation Consent", "read", throw=True)
	facts = frappe.db.get_value(
		"Relation", relation, ["email_id", "mobile_no", "phone", "address_line", "language"], as_dict=True
	)
	addresses = {
		"Email": facts.email_id,
		"Phone": facts.mobile_no or facts.phone,
		"Letter": facts.address_line or rules.ALL_ADDRESSES,
	}
	events = frappe.get_all(
		"Relation Consent",
		filters={"relation": relation},
		fields=["name", "channel", "event", "purpose", "given_at", "source"],
		order_by="given_at desc, creation desc",
		limit=10,
	)
	return {
		"channels": [_channel(relation, channel, address) for channel, address in addresses.items()],
		"events": [event | {"source": stored_texts.shown(event.source)} for event in events],
		"purposes": [{"name": p.name, "title": p.title} for p in texts.offered(frappe.local.lang)],
		"ways": list(objections.WAYS),
		"preferences": preferences.url(relation),
	}


@frappe.whitelist(methods=["POST"])
def object_to_advertising(relation: str, way: str, channels: list | str | None = None) -> dict:
	"""Record that a person objects, on all channels or some. Returns the names of the `events` and a
	`message`.
	"""
	frappe.has_permission("Relation Consent", "create", throw=True)
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	wanted = frappe.parse_json(channels) if isinstance(channels, str) else channels
	events = objections.record(relation, way, wanted or objections.CHANNELS)
	return {"events": events, "message": _("Recorded. The objection applies from now on.")}


@frappe.whitelist(methods=["POST"])
def request_opt_in(relation: str, purposes: list | str, source: str) -> dict:
	"""Send the confirmation link to a relation that has asked for our emails. Returns the `request` and a
	`message`.

	A request for consent by email is advertising itself. So it must not be sent to a person who has not
	asked for it, or that has objected.
	"""
	frappe.has_permission("Relation Consent", "create", throw=True)
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	facts = frappe.db.get_value("Relation", relation, ["email_id", "language"], as_dict=True)
	if not cstr(source).strip():
		frappe.throw(_("Source: say where and when the person asked for our emails"))
	if decisions.has_objected(relation, facts.email_id or "", "Email"):
		refuse(_("{0} has objected to our emails and must not be asked"), facts.email_id)
	wanted = frappe.parse_json(purposes) if isinstance(purposes, str) else purposes
	request = opt_in.request(
		facts.email_id or "",
		wanted,
		source=cstr(source).strip(),
		relation=relation,
		language=facts.language,
		requested_by=frappe.session.user,
	)
	if not request:
		refuse(_("The address has already been sent {0} such emails today"), opt_in.MAILS_A_DAY)
	return {"request": request, "message": _("The email with the link has been sent.")}


def _channel(relation: str, channel: str, address: str | None) -> dict:
	decision = decisions.lookup(relation, address or "", channel)
	return {
		"channel": channel,
		"address": "" if address == rules.ALL_ADDRESSES else address or "",
		"allowed": decision.allowed,
		"basis": decision.legal_basis,
		"reason": decision.reason,
		"consent": decision.consent,
	}

"""A person objects, by telephone, by letter or in person: a user records it in one click on the relation.

An objection holds at once and for the channel as such: for all known addresses and, as Art. 21 (2) GDPR speaks of the
person and not of an address, for those that come later (`*`).
"""

from collections.abc import Sequence

import frappe
from frappe import _

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.states import Channel, ConsentEvent
from crm_relations.shared.refusals import refuse

CHANNELS = tuple(Channel)
#: how it came → words for the source
WAYS = ("By telephone", "By letter", "By email", "In person")


def record(relation: str, way: str, channels: Sequence[str] = CHANNELS) -> list[str]:
	"""Record an objection to all advertising on these channels; returns the names of the events. Can be repeated.

	The caller has checked the right to record consent for this relation.

	:raises frappe.ValidationError: an unknown way or channel
	"""
	if way not in WAYS:
		refuse(_("Channel: {0} is not known. Choose one of {1}"), way, ", ".join(map(_, WAYS)))
	if unknown := set(channels) - set(CHANNELS):
		refuse(_("Channel: {0} is not known"), ", ".join(sorted(unknown)))
	proof = f"Recorded by {frappe.session.user}"
	return [
		decisions.record(
			relation, address, channel, ConsentEvent.WITHDRAWN, source=f"Objection: {way}", proof=proof
		)
		for channel in channels
		for address in [rules.ALL_ADDRESSES, *_addresses(relation, channel)]
	]


def _addresses(relation: str, channel: str) -> list[str]:
	"""The relation's addresses of the channel, each once, as they are written."""
	if channel == Channel.LETTER:
		return []
	fields = ["email_id"] if channel == Channel.EMAIL else ["mobile_no", "phone"]
	kinds = ["Email"] if channel == Channel.EMAIL else ["Mobile", "Phone"]
	values = list((frappe.db.get_value("Relation", relation, fields, as_dict=True) or {}).values())
	values += frappe.get_all(
		"Relation Contact Point",
		filters={"parent": relation, "parenttype": "Relation", "point_type": ["in", kinds]},
		pluck="value",
		order_by="idx asc",
	)
	found = {decisions.address_key(value, channel): value for value in values if value}
	return [value for key, value in found.items() if key]

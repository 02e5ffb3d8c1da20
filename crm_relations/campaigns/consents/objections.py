"""Record an objection that a person made by telephone, by letter or in person; a user needs one click on
the relation. Writes no record itself; `decisions` does.

An objection holds at once and for the whole channel. It covers all known addresses and also later ones
(`*`), as Art. 21 (2) GDPR refers to the person and not to an address.
"""

from collections.abc import Sequence

import frappe
from frappe import _

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.states import Channel, ConsentEvent
from crm_relations.shared.refusals import refuse

CHANNELS = tuple(Channel)
#: channel by which the objection came, as the source names it
WAYS = ("By telephone", "By letter", "By email", "In person")


def record(relation: str, way: str, channels: Sequence[str] = CHANNELS) -> list[str]:
	"""Record an objection to all advertising on these channels; returns the names of the events. Can be
	repeated.

	The caller has checked the permission to record consent for this relation.

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
	"""Return the relation's addresses of the channel, each once, as they are written."""
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

"""Find consent that was not used for years. Reads only.

Consent has no fixed term, but a court ruled that consent had lapsed after four years without use (AG
München, 161 C 12736/22). It stays valid here; the start of a campaign reports it.
"""

from collections.abc import Mapping

import frappe
from frappe.query_builder import DocType
from frappe.utils import add_years, now_datetime

from crm_relations.campaigns.states import STEP_TYPES, ConsentEvent, SendState


def find(consents: Mapping[str, str], channel: str, years: int) -> set[str]:
	"""Return the addresses with a consent that is older than `years` and was not used since then: no
	message to the address and no call within these years. Two queries.

	:param consents: normalized address → name of the Relation Consent it rests on, or empty
	:param years: 0: nothing is reported
	"""
	given = {consent: address for address, consent in consents.items() if consent}
	if not years or not given:
		return set()
	before = add_years(now_datetime(), -years)
	consent, send = DocType("Relation Consent"), DocType("Relation Campaign Send")
	old = (
		frappe.qb.from_(consent)
		.select(consent.name)
		.where(
			consent.name.isin(sorted(given))
			& (consent.event == ConsentEvent.GIVEN)
			& (consent.given_at < before)
		)
		.run(pluck=True)
	)
	addresses = {given[name] for name in old}
	if not addresses:
		return set()
	used = (
		frappe.qb.from_(send)
		.select(send.recipient)
		.distinct()
		.where(send.recipient.isin(sorted(addresses)) & (send.step_type == STEP_TYPES[channel]))
		.where(send.state.isin((SendState.SENT, SendState.DONE)) & (send.sent_at >= before))
		.run(pluck=True)
	)
	return addresses.difference(used)

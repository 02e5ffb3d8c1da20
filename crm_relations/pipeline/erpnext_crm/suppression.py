"""Suppress campaign emails to leads that ERPNext has marked as unsubscribed. Writes nothing.

Serves the hooks `relation_email_suppressions` and `relation_email_fields`.
"""

import frappe
from frappe.query_builder import DocType

from crm_relations.campaigns.consents import decisions

#: fields with the addresses
EMAIL_FIELDS = (("Lead", "email_id"),)


def unsubscribed_leads(keys: set[str]) -> dict[str, str]:
	"""Return the email keys that belong to an unsubscribed lead, with the reason.

	Any spelling of the address counts.
	"""
	lead = DocType("Lead")
	return decisions.match_address(
		keys,
		lambda criterion: (
			frappe.qb.from_(lead)
			.select(lead.email_id)
			.where((lead.unsubscribed == 1) & criterion(lead.email_id))
			.run()
		),
		"Unsubscribed in the lead",
	)

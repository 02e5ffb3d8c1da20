"""Leads that ERPNext has marked as unsubscribed get no campaign mail. Hooks `relation_email_suppressions` and
`relation_email_fields`."""

import frappe
from frappe.query_builder import DocType

from crm_relations.campaigns.consents import decisions

#: where the addresses stand
EMAIL_FIELDS = (("Lead", "email_id"),)


def unsubscribed_leads(keys: set[str]) -> dict[str, str]:
	"""Those of the e-mail keys that belong to an unsubscribed lead, in any spelling → why."""
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

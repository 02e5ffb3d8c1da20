"""Log what was said and seen. Writes Relation Interaction, as users do on the form."""

from typing import Any

import frappe
from frappe.model.document import Document

from crm_relations.shared.access.system_fields import trusted


def check_campaign(doc: Document) -> None:
	"""Refuse a campaign that the author of an interaction may not see.

	:raises frappe.PermissionError: names the campaign
	"""
	if not doc.campaign or not doc.has_value_changed("campaign") or doc.flags.ignore_permissions:
		return
	# the permission to read does not include the permission to select
	if not frappe.has_permission("Relation Campaign", "select", doc=doc.campaign):
		frappe.has_permission("Relation Campaign", "read", doc=doc.campaign, throw=True)


def record(relation: str, kind: str, subject: str, **fields: Any) -> str:
	"""Log an interaction with a relation; returns its name.

	The caller's permissions count: this is an action of a user.

	:param kind: Call, Letter, Meeting, Visit, Complaint, Wish or Observation
	:param fields: further fields of Relation Interaction: direction, happened_on, notes, outcome, item,
		next_step with next_step_on and next_step_for, campaign, response, reference_type and reference_name
	:raises frappe.PermissionError: the user may not log interactions
	"""
	return (
		trusted(
			frappe.get_doc(
				{
					"doctype": "Relation Interaction",
					"relation": relation,
					"kind": kind,
					"subject": subject,
					**fields,
				}
			)
		)
		.insert()
		.name
	)

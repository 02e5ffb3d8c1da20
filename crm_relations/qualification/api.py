"""Offer the whitelisted functions of qualification. Writes no record itself.

`pipeline.api` accepts a handover, as that opens an Opportunity.
"""

import frappe

from crm_relations.qualification import handover as handovers


@frappe.whitelist(methods=["POST"])
def return_handover(handover: str, reason: str) -> dict:
	"""Return a proposed handover to marketing with a reason.

	:return: `name` and `status` of the handover
	"""
	frappe.has_permission("Relation Handover", "write", doc=handover, throw=True)
	handovers.give_back(handover, reason)
	return {"name": handover, "status": "Returned"}

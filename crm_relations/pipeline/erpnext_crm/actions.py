"""Declare the actions of the pipeline on the form of a relation, and qualify a lead manually.

Writes the status of that lead.
"""

import frappe
from frappe import _
from frappe.utils import nowdate

from crm_relations.pipeline.erpnext_crm.sources import CLOSED_LEAD
from crm_relations.relations import rules
from crm_relations.relations.actions import PARTY, PARTY_TYPE, RELATION, Action
from crm_relations.relations.identities import identity

PARTIES = ("Customer", "Prospect", "Lead")

ACTIONS: list[Action] = [
	Action(
		"Qualify",
		(rules.LEAD,),
		"call",
		"crm_relations.pipeline.api.qualify",
		needs=(("Lead", "write"),),
		party_types=("Lead",),
		values={"relation": RELATION},
		confirm="Should sales follow up on this lead? It becomes a prospect.",
	),
	Action(
		"New Opportunity",
		(rules.PROSPECT,),
		"mapped",  # a new form would lose the party when it gets the origin of the opportunity
		needs=(("Opportunity", "create"),),
		party_types=PARTIES,
		mappers={
			"Customer": "erpnext.selling.doctype.customer.customer.make_opportunity",
			"Prospect": "erpnext.crm.doctype.prospect.prospect.make_opportunity",
			"Lead": "erpnext.crm.doctype.lead.lead.make_opportunity",
		},
	),
	Action(
		"New Quotation",
		(rules.PROSPECT,),
		"new",
		"Quotation",
		needs=(("Quotation", "create"),),
		party_types=PARTIES,
		values={"quotation_to": PARTY_TYPE, "party_name": PARTY, "relation": RELATION},
	),
]


def qualify(relation: str) -> tuple[str, str]:
	"""Mark the newest open lead of a relation as qualified by the session's user.

	The user's own permissions apply.

	:return: doctype and name of the lead; a lead that is already qualified is not changed
	:raises frappe.ValidationError: the relation has no open lead
	:raises frappe.PermissionError: the user may not write the lead
	"""
	names = [name for _type, name in identity.parties_of(relation, "Lead")]
	found = names and frappe.get_all(
		"Lead",
		filters={"name": ["in", names], "status": ["not in", CLOSED_LEAD], "disabled": 0},
		pluck="name",
		order_by="creation desc",
		limit=1,
	)
	if not found:
		frappe.throw(_("No open lead to qualify. Create one first."))
	lead = frappe.get_doc("Lead", found[0])
	lead.check_permission("write")
	if lead.qualification_status != "Qualified":
		lead.update(
			{
				"qualification_status": "Qualified",
				"qualified_by": frappe.session.user,
				"qualified_on": nowdate(),
			}
		)
		lead.save()
	return lead.doctype, lead.name

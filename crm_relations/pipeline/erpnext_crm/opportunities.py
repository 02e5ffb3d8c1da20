"""Open ERPNext opportunities for relations.

Writes Opportunity, and Lead through `relations.creation.preassign`.
"""

import frappe
from frappe import _
from frappe.utils import escape_html, now_datetime

from crm_relations.relations.creation import preassign
from crm_relations.relations.identities import identity


class ErpnextCrm:
	"""The CRM of ERPNext 15 and 16, with Lead, Prospect and Opportunity."""

	label = "ERPNext CRM"

	def available(self) -> bool:
		"""Tell whether this ERPNext still has its CRM."""
		return bool(frappe.db.exists("DocType", "Opportunity"))

	def open_opportunity(
		self,
		relation: str,
		*,
		salesperson: str,
		campaign: str | None = None,
		title: str | None = None,
		notes: str | None = None,
	) -> tuple[str, str]:
		"""Open an Opportunity for the relation's customer, prospect or lead, else for a new lead."""
		party_type, party = party_of(relation) or ("Lead", make_lead(relation, salesperson, campaign))
		opportunity = frappe.get_doc(
			{
				"doctype": "Opportunity",
				"opportunity_from": party_type,
				"party_name": party,
				"company": company_for(campaign),
				"opportunity_owner": salesperson,
				"title": title,
				"relation": relation,
				"relation_campaign": campaign,
			}
		)
		if notes:
			html = "<br>".join(escape_html(line) for line in notes.splitlines())
			opportunity.append(
				"notes", {"note": html, "added_by": frappe.session.user, "added_on": now_datetime()}
			)
		opportunity.insert(ignore_permissions=True)
		return "Opportunity", opportunity.name


def party_of(relation: str) -> tuple[str, str] | None:
	"""Return the document that an opportunity is opened for.

	This is the customer, else the newest prospect, else the newest lead.
	"""
	if customer := identity.customer_of(relation):
		return "Customer", customer
	for party_type in ("Prospect", "Lead"):
		names = [name for _type, name in identity.parties_of(relation, party_type)]
		newest = names and frappe.get_all(
			party_type, filters={"name": ["in", names]}, pluck="name", order_by="creation desc", limit=1
		)
		if newest:
			return party_type, newest[0]
	return None


def make_lead(relation: str, salesperson: str, campaign: str | None) -> str:
	"""Create a lead for a relation without a party document. The lead belongs to the same relation.

	An email address of another lead is left out, because ERPNext allows each address once. The relation keeps it.
	"""
	source = frappe.get_doc("Relation", relation)
	lead = frappe.get_doc(
		{
			"doctype": "Lead",
			"relation": relation,
			"relation_campaign": campaign,
			"lead_owner": salesperson,
			"phone": source.phone,
			"mobile_no": source.mobile_no,
			"website": source.website,
			"city": source.city,
			"country": source.country,
			"territory": source.territory,
			"language": source.language,
			"industry": source.industry,
			"annual_revenue": source.annual_revenue,
		}
	)
	if source.relation_kind == "Organisation":
		lead.company_name = source.relation_name
	else:
		lead.update(
			{
				"salutation": source.salutation,
				"first_name": source.first_name or (None if source.last_name else source.relation_name),
				"last_name": source.last_name,
				"gender": source.gender,
				"job_title": source.designation,
			}
		)
		if not lead.first_name:
			lead.first_name, lead.last_name = source.last_name, None
	if source.email_id and not frappe.db.exists("Lead", {"email_id": source.email_id}):
		lead.email_id = source.email_id
	return preassign.insert_for_relation(relation, lead).name


def company_for(campaign: str | None) -> str:
	"""Return the selling company: of the campaign, of the settings, or the user's own.

	:raises frappe.ValidationError: none of them names a company
	"""
	company = (
		(campaign and frappe.db.get_value("Relation Campaign", campaign, "company"))
		or frappe.db.get_single_value("Relation Settings", "default_company")
		or frappe.defaults.get_user_default("Company")
		or frappe.db.get_single_value("Global Defaults", "default_company")
	)
	if not company:
		frappe.throw(_("No company is known for the opportunity. Set Default Company in Relation Settings."))
	return company

"""Fill ERPNext's own campaign field from ours.

Sole writer of that field, and of our entries in ERPNext's campaign lists.

ERPNext's reports (Campaign Efficiency, Lead Details, sales analytics) count it. The field is called
`campaign` (on Lead `campaign_name`) in version 15 and `utm_campaign` in version 16. Each version links it to
its own list of campaigns. An entry of that list is created when a campaign of ours starts. From then on both
have the same name.
"""

import frappe
from frappe.model.document import Document

from crm_relations.shared.side_effects import deferrable, one_statement

CAMPAIGN = "relation_campaign"
_FIELDS = ("utm_campaign", "campaign", "campaign_name")
_LISTS = ("Campaign", "UTM Campaign")
_NOT_STARTED = ("Draft", "Approved")


@one_statement
def fill(doc: Document) -> None:
	"""Set ERPNext's own campaign field on validate.

	A value that a user entered or emptied stays. A value of ours follows when the document's campaign
	changes.
	"""
	before = doc.get_doc_before_save()
	campaign, earlier = doc.get(CAMPAIGN), before.get(CAMPAIGN) if before else None
	if campaign == earlier or not (campaign or earlier):
		return
	field = _field_of(doc)
	if not field:
		return
	current = doc.get(field.fieldname)
	if current and (not earlier or current != _entry(field.options, earlier)):
		return
	entry = _entry(field.options, campaign) if campaign else None
	if entry == current:
		return
	doc.set(field.fieldname, entry)
	if not before and not doc.get("__islocal"):  # a deferred step: no save follows that would keep it
		doc.db_set(field.fieldname, entry, update_modified=False)


@deferrable
def ensure(campaign: Document) -> None:
	"""Add a campaign of ours to ERPNext's list when it has started (on_change)."""
	if campaign.status in _NOT_STARTED:
		return
	lists = [doctype for doctype in _LISTS if frappe.db.exists("DocType", doctype)]
	if len(lists) > 1 and frappe.defaults.get_global_default("campaign_naming_by") == "Naming Series":
		lists = lists[
			1:
		]  # version 16 can keep both lists the same only if both are named by the campaign's name
	for doctype in lists[:1]:
		if not _entry(doctype, campaign.name):
			_add(doctype, campaign.name)


def _add(doctype: str, name: str) -> None:
	entry = frappe.new_doc(doctype)
	if entry.meta.has_field("campaign_name"):
		entry.campaign_name = name
	else:
		entry.name = name
	entry.insert(ignore_permissions=True)


def _field_of(doc: Document):
	for name in _FIELDS:
		field = doc.meta.get_field(name)
		if field and field.fieldtype == "Link" and field.options in _LISTS:
			return field
	return None


def _entry(doctype: str, campaign: str) -> str | None:
	"""Return the entry of a campaign with that name; the list may use a naming series."""
	key = {"campaign_name": campaign} if frappe.get_meta(doctype).has_field("campaign_name") else campaign
	return frappe.db.get_value(doctype, key)

"""Restrict the campaigns of a document to those without a company and those of its own company.

Writes nothing itself: it changes a document before ERPNext's save. ERPNext refuses other campaigns with "does
not belong to the Company" once an Accounting Dimension of campaigns exists, even if that dimension is
disabled. Our rules and ERPNext's mapper put a campaign on documents, and the mapper also copies it to
inter-company documents. The campaign is therefore removed before ERPNext's check. The document itself is
never refused.

A Lead keeps its campaign regardless of its company: ERPNext does not check it, and it shows the origin of the
lead.
"""

from collections.abc import Iterator

import frappe
from erpnext.controllers.accounts_controller import AccountsController
from frappe import _
from frappe.model.document import Document

from crm_relations.shared.refusals import filled
from crm_relations.shared.side_effects import deferrable

CAMPAIGN = "relation_campaign"


def fits(campaign: str | None, company: str | None) -> bool:
	"""Tell whether a document of the company may carry the campaign.

	A document without a company may carry any campaign.
	"""
	own = campaign and frappe.get_cached_value("Relation Campaign", campaign, "company")
	return not own or not company or own == company


def fitting(campaign: str | None, doc: Document) -> str | None:
	"""Return the campaign if the document may carry it, else None."""
	return campaign if fits(campaign, doc.get("company")) else None


def may_be_refused(doc: Document) -> bool:
	"""Tell whether ERPNext might refuse this document.

	It checks the companies of the document's dimensions, and the document carries a campaign.
	"""
	return (
		isinstance(doc, AccountsController)
		and doc.doctype != "Lead"
		and bool(doc.get("company"))
		and any(part.get(CAMPAIGN) for part in _parts(doc))
	)


@deferrable
def take_off_foreign(doc: Document) -> None:
	"""Remove campaigns of other companies from the document and its rows (before_validate).

	The user is informed.
	"""
	taken: dict[str, None] = {}
	for part in _parts(doc):
		if (campaign := part.get(CAMPAIGN)) and not fits(campaign, doc.company):
			part.set(CAMPAIGN, None)
			taken[campaign] = None
	for campaign in taken:
		frappe.msgprint(
			filled(
				_("Campaign {0} belongs to another company than this document and was removed."), campaign
			),
			alert=True,
			indicator="orange",
		)


def _parts(doc: Document) -> Iterator[Document]:
	"""Yield the document and the rows of all its tables."""
	yield doc
	yield from doc.get_all_children()

"""Restrict the rows of `Relation Attribution` to users that may read the relation and the invoice.

Writes nothing.

A row shows the amount of an invoice line, so User Permissions for the invoice apply.
"""

import frappe
from frappe.model.document import Document

from crm_relations.relations import permissions
from crm_relations.shared.access import user_permissions

INVOICE = "Sales Invoice"


def condition(user: str | None = None, doctype: str | None = None) -> str:
	"""Build the SQL that restricts a list of attributions; empty for no restriction.

	It applies in addition to the condition of the relation.
	"""
	user = user or frappe.session.user
	if user == "Administrator" or not (hidden := user_permissions.excluded(INVOICE, user, "document")):
		return ""
	table = "`tabRelation Attribution`"
	return (
		f"not (ifnull({table}.voucher_type, '') = {frappe.db.escape(INVOICE)} and {table}.voucher_no in"
		f" (select document.name from `tab{INVOICE}` document where {hidden}))"
	)


def may_read(doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False) -> bool:
	"""Tell whether the user may read an attribution; can only deny."""
	user = user or frappe.session.user
	if not permissions.may_read(doc, ptype, user):
		return False
	return doc.is_new() or permissions.fits(doc.doctype, doc.name, condition(user))

"""Decide who may read `Relation Facts` and `Relation Facts Item Group`: users that may read the relation and
invoices.

A row adds up the documents of all customers of the relation, so the user must be able to read every one of
them. Writes nothing.
"""

import frappe
from frappe.model.document import Document

from crm_relations.relations import permissions
from crm_relations.shared.access.permissions import NOTHING

CUSTOMER = "Customer"


def condition(user: str | None = None, doctype: str | None = None) -> str:
	"""Return SQL that narrows a list of figures, in addition to that of its relation; empty if nothing is
	narrowed.
	"""
	user = user or frappe.session.user
	if not frappe.has_permission("Sales Invoice", "read", user=user):
		return NOTHING
	table = doctype or "Relation Facts"
	return " and ".join(
		f"`tab{table}`.relation not in ({hidden})"
		for hidden in permissions.excluded_relations(user, [CUSTOMER])
	)


def may_read(doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False) -> bool:
	"""Tell whether the user may read a row of figures; can only deny."""
	user = user or frappe.session.user
	if user == "Administrator":
		return True
	if not permissions.may_read(doc, ptype, user):
		return False
	criterion = condition(user, doc.doctype)
	return criterion != NOTHING if doc.is_new() else permissions.fits(doc.doctype, doc.name, criterion)

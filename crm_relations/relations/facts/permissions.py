"""Who may read the rows of `Relation Facts` and `Relation Facts Item Group` in lists and reports: who may read invoices,
and of those who are kept to some customers by user permissions, only relations that are no other customer."""

import frappe
from frappe.model.document import Document
from frappe.permissions import get_user_permissions

from crm_relations.relations import queries

CUSTOMER = "Customer"
NOTHING = "1 = 0"


def condition(user: str | None = None, doctype: str | None = None) -> str:
	"""Frappe's `permission_query_conditions`: SQL that narrows a list, empty for no narrowing."""
	user = user or frappe.session.user
	if not frappe.has_permission("Sales Invoice", "read", user=user):
		return NOTHING
	customers = _customers(user)
	if customers is None:
		return ""
	table = (
		"`tabRelation Facts Item Group`" if doctype and doctype.endswith("Group") else "`tabRelation Facts`"
	)
	names = ", ".join(frappe.db.escape(name) for name in sorted(customers)) or "''"
	return (
		f"{table}.relation not in (select other.parent from `tabRelation Party` other"
		f" where other.party_type = 'Customer' and other.party not in ({names}))"
	)


def may_read(doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False) -> bool:
	"""Frappe's `has_permission`: can only deny."""
	user = user or frappe.session.user
	if not frappe.has_permission("Sales Invoice", "read", user=user):
		return False
	customers = _customers(user)
	if customers is None or not doc.get("relation"):
		return True
	parties = queries.parties_of([doc.relation])[doc.relation]
	return all(name in customers for doctype, name in parties if doctype == CUSTOMER)


def _customers(user: str) -> set[str] | None:
	"""The customers that user permissions keep a user to; None if there are none."""
	allowed = get_user_permissions(user).get(CUSTOMER)
	return {row["doc"] for row in allowed} if allowed else None

"""Who may read the rows of `Relation Segment Member` in lists and reports: of relations that he may read, and no others.

A member of a list that one may not read would otherwise tell the name of a relation that user permissions hide.
"""

import frappe
from frappe.desk.reportview import build_match_conditions
from frappe.model.document import Document
from frappe.permissions import get_role_permissions
from frappe.share import get_shared

RELATION = "Relation"
NOTHING = "1 = 0"


def condition(user: str | None = None, doctype: str | None = None) -> str:
	"""Frappe's `permission_query_conditions`: SQL that narrows a list, empty for no narrowing."""
	user = user or frappe.session.user
	if user == "Administrator":
		return ""
	if not get_role_permissions(frappe.get_meta(RELATION), user=user).get("read"):
		shared = ", ".join(frappe.db.escape(name) for name in get_shared(RELATION, user))
		return f"`tabRelation Segment Member`.relation in ({shared})" if shared else NOTHING
	readable = build_match_conditions(RELATION, user=user)
	if not readable:
		return ""
	return f"`tabRelation Segment Member`.relation in (select `tabRelation`.name from `tabRelation` where {readable})"


def sees_all(user: str | None = None) -> bool:
	"""Whether the user may read every relation, so that a count of all of them tells nothing that is hidden."""
	return condition(user) == ""


def may_read(doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False) -> bool:
	"""Frappe's `has_permission`: can only deny."""
	if not doc.get("relation"):
		return True
	return bool(frappe.has_permission(RELATION, "read", doc=doc.relation, user=user or frappe.session.user))

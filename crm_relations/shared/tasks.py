"""Create tasks (Frappe's ToDo) and notify the users they are assigned to."""

import frappe
from frappe import _
from frappe.desk.form.assign_to import notify_assignment
from frappe.model.document import Document
from frappe.utils import escape_html

from crm_relations.shared import live_site
from crm_relations.shared.refusals import filled, refuse


def assign(
	user: str,
	reference_type: str,
	reference_name: str,
	description: str,
	date: str,
	by_rule: bool = False,
) -> str:
	"""Create an open ToDo for `user`, due on `date`, linked to a document; return its name.

	:param description: plain text; it is escaped here, since a ToDo holds HTML
	:param by_rule: a rule of the administrator assigns it, not the session's user
	:raises frappe.ValidationError: the user does not exist or is disabled
	"""
	check_user(user)
	todo = frappe.get_doc(
		{
			"doctype": "ToDo",
			"allocated_to": user,
			"assigned_by": frappe.session.user,
			"reference_type": reference_type,
			"reference_name": reference_name,
			"description": escape_html(description),
			"date": date,
			"status": "Open",
		}
	).insert(ignore_permissions=True)
	tell(todo, by_rule)
	return todo.name


def tell(todo: Document, by_rule: bool = False) -> None:
	"""Send the user Frappe's notice of an assignment and share the document for reading, if the assigner may
	share it.

	A task never opens a document that the assigner cannot share: users could otherwise assign themselves a
	task to open it.
	"""
	person, doctype, name = todo.allocated_to, todo.reference_type, todo.reference_name
	if not frappe.has_permission(doctype, "read", doc=name, user=person):
		if by_rule or _may_share(doctype, name):
			frappe.share.add_docshare(doctype, name, person, flags={"ignore_share_permission": True})
		else:
			frappe.msgprint(
				filled(
					_("{0} got the task, but may not open the document, which you may not share."), person
				),
				alert=True,
			)
	if live_site.hindrance():
		return  # a restored copy must not send notices of tasks that the live site has sent
	notify_assignment(
		frappe.session.user, person, doctype, name, action="ASSIGN", description=todo.description
	)


def _may_share(doctype: str, name: str) -> bool:
	return all(frappe.has_permission(doctype, ptype, doc=name) for ptype in ("read", "share"))


def check_user(user: str) -> None:
	"""Raise unless the user exists, can log in and works at the desk: a task opens the document it is about."""
	found = frappe.db.get_value("User", user, ["enabled", "user_type"], as_dict=True)
	if not found or not found.enabled:
		refuse(_("User {0} does not exist or is disabled. Choose another person."), user)
	if found.user_type != "System User":
		refuse(_("User {0} is not a system user. Choose another user."), user)

"""A task for a person is Frappe's own ToDo; this makes one and tells the person."""

import frappe
from frappe import _
from frappe.desk.form.assign_to import notify_assignment
from frappe.model.document import Document
from frappe.utils import escape_html

from crm_relations.shared.refusals import refuse


def assign(user: str, reference_type: str, reference_name: str, description: str, date: str) -> str:
	"""Make an open ToDo for `user`, due on `date`, beside a document; returns its name.

	:param description: plain text; it is escaped here, since a ToDo holds HTML
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
	tell(todo)
	return todo.name


def tell(todo: Document) -> None:
	"""Give the person Frappe's notice of an assignment, and the right to read the document it is about."""
	person, doctype, name = todo.allocated_to, todo.reference_type, todo.reference_name
	if not frappe.has_permission(doctype, "read", doc=name, user=person):
		frappe.share.add_docshare(doctype, name, person, flags={"ignore_share_permission": True})
	notify_assignment(
		frappe.session.user, person, doctype, name, action="ASSIGN", description=todo.description
	)


def check_user(user: str) -> None:
	"""Throw unless the user exists, can log in and works at the desk: a task opens the document it is about."""
	found = frappe.db.get_value("User", user, ["enabled", "user_type"], as_dict=True)
	if not found or not found.enabled:
		refuse(_("User {0} does not exist or is disabled. Choose another person."), user)
	if found.user_type != "System User":
		refuse(_("User {0} does not work at the desk. Choose another person."), user)

"""Find out what a site runs when a document is saved, in addition to Frappe, ERPNext and this app.

Set-based writing skips all of it. Code that writes set-based asks here first, and saves document by document
if an extension wants to see each of them.
"""

from collections.abc import Collection, Iterator

import frappe

#: their events are known: what they do for our doctypes is done set-based as well
KNOWN_APPS = ("frappe", "erpnext", "crm_relations")
#: doctype of an extension → its field with the doctype, and the values that make it active
EXTENSIONS: dict[str, tuple[str, dict[str, int | str]]] = {
	"Server Script": ("reference_doctype", {"disabled": 0, "script_type": "DocType Event"}),
	"Notification": ("document_type", {"enabled": 1}),
	"Webhook": ("webhook_doctype", {"enabled": 1}),
	"Workflow": ("document_type", {"is_active": 1}),
	"Assignment Rule": ("document_type", {"disabled": 0}),
	"Milestone Tracker": ("document_type", {"disabled": 0}),
	"Energy Point Rule": ("reference_doctype", {"enabled": 1}),
	"Service Level Agreement": ("document_type", {"enabled": 1}),
	"Document Naming Rule": ("document_type", {"disabled": 0}),
}


def find(doctypes: Collection[str]) -> str:
	"""Return the first extension that wants to see each save of one of these doctypes; empty if there is
	none.
	"""
	return next(_found(doctypes), "")


def _found(doctypes: Collection[str]) -> Iterator[str]:
	events = frappe.get_doc_hooks()
	for doctype in (*doctypes, "*"):
		for paths in events.get(doctype, {}).values():
			yield from (path for path in paths if path.partition(".")[0] not in KNOWN_APPS)
	for hook in ("override_doctype_class", "extend_doctype_class"):
		classes = frappe.get_hooks(hook) or {}
		yield from (f"{hook}: {doctype}" for doctype in doctypes if classes.get(doctype))
	if paths := frappe.get_hooks("sqlite_search"):
		yield paths[0]
	if frappe.get_cached_value("User", frappe.session.user, "follow_created_documents"):
		yield "Document Follow"
	for extension, (field, active) in EXTENSIONS.items():
		# version 16 has no energy points
		if frappe.db.exists("DocType", extension) and (
			name := frappe.db.exists(extension, {field: ["in", list(doctypes)], **active})
		):
			yield f"{extension}: {name}"

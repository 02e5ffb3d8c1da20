"""Documents that are evidence: rows are added, never changed and never deleted."""

import frappe
from frappe import _
from frappe.model.document import Document


def refuse_change(doc: Document) -> None:
	"""For `validate`: a stored row stays as it is."""
	if not doc.is_new():
		frappe.throw(_("{0} cannot be changed. Add a new one instead").format(_(doc.doctype)))


def refuse_deletion(doc: Document) -> None:
	"""For `on_trash`."""
	frappe.throw(_("{0} is kept as evidence and cannot be deleted").format(_(doc.doctype)))

"""Protect documents that are evidence: rows are added, but never changed or deleted."""

from frappe import _
from frappe.model.document import Document

from crm_relations.shared.refusals import refuse


def refuse_change(doc: Document) -> None:
	"""Refuse to change a stored row; for `validate`."""
	if not doc.is_new():
		refuse(_("{0} cannot be changed. Add a new one instead"), _(doc.doctype))


def refuse_deletion(doc: Document) -> None:
	"""Refuse to delete a row; for `on_trash`."""
	refuse(_("{0} is kept as evidence and cannot be deleted"), _(doc.doctype))

"""Documents that are evidence: rows are added, never changed and never deleted."""

from frappe import _
from frappe.model.document import Document

from crm_relations.shared.refusals import refuse


def refuse_change(doc: Document) -> None:
	"""For `validate`: a stored row stays as it is."""
	if not doc.is_new():
		refuse(_("{0} cannot be changed. Add a new one instead"), _(doc.doctype))


def refuse_deletion(doc: Document) -> None:
	"""For `on_trash`."""
	refuse(_("{0} is kept as evidence and cannot be deleted"), _(doc.doctype))

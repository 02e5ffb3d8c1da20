"""Roles and stage, derived from documents and dated. Alone writes `Relation Role` and the fields stage, stage_since."""

from frappe.model.document import Document


def refresh_for_document(doc: Document) -> None:
	"""Derive the roles of the party of a document (Quotation, Sales Order, Sales Invoice, Payment Entry …) anew, if they can have changed."""


def refresh_all() -> None:
	"""Derive the roles of all relations anew, set-based."""

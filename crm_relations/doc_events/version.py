"""Handle a new Version: keep confidential values of our documents out of it."""

from frappe.model.document import Document

from crm_relations.relations.profiles import history


def before_insert(doc: Document, method: str | None = None) -> None:
	history.take_confidential_out(doc)

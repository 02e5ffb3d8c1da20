"""Handle the save of every document of this app: clean its texts before they are stored."""

from frappe.model.document import Document

from crm_relations.shared.text.outside_text import clean_document


def before_save(doc: Document, method: str | None = None) -> None:
	"""Take markup out of plain text fields; it may come over REST, in which Frappe does not look into JSON texts."""
	clean_document(doc)

"""How relation and campaign travel along ERPNext's documents."""

from frappe.model.document import Document


def carry(target: Document, source: Document) -> None:
	"""after_mapping: take relation and campaign from the source document, where field copying cannot."""


def fill(doc: Document) -> None:
	"""validate: fill relation and campaign of header and rows from what the document refers to."""


def fill_payment(doc: Document) -> None:
	"""validate of Payment Entry: the campaign, when all references agree."""

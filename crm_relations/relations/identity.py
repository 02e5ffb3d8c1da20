"""Identity: which ERPNext documents are one relation. Alone writes `Relation` (its copied fields) and `Relation Party`."""

from frappe.model.document import Document


def relation_of(doctype: str, name: str | None) -> str | None:
	"""Name of the relation that the party document is, or None."""
	return None


def adopt_document(doc: Document) -> str | None:
	"""Make or update the relation of a party document (Customer, Lead, Contact …); returns its name."""
	return None


def forget_document(doc: Document) -> None:
	"""A party document is deleted: its row in `parties` goes, the relation and its history stay."""


def follow_rename(doc: Document) -> None:
	"""A party document was renamed or merged into another."""

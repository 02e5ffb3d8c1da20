"""Points with reasons."""

from frappe.model.document import Document


def qualify_response(doc: Document) -> None:
	"""Score the member of a new response and propose a handover above the threshold."""

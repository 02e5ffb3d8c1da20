"""What came back. Alone writes `Relation Campaign Response`."""

from frappe.model.document import Document


def match_reply(doc: Document) -> None:
	"""An incoming Communication that answers a campaign mail becomes a response."""

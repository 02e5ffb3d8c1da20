"""Attribution: which campaign earned a voucher line. Alone writes `Relation Attribution`."""

from frappe.model.document import Document


def attribute(doc: Document) -> None:
	"""Write the attribution rows of a submitted Sales Invoice."""


def withdraw(doc: Document) -> None:
	"""Delete the attribution rows of a cancelled Sales Invoice."""

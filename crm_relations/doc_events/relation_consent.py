"""Our Relation Consent → its relation has changed for whoever asks about consent."""

from frappe.model.document import Document

from crm_relations.relations import changes
from crm_relations.shared.side_effects import run_steps


def after_insert(doc: Document, method: str | None = None) -> None:
	run_steps(doc, changes.announce_named)

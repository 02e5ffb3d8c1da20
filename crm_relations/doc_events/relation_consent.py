"""Handle a new Relation Consent: announce the relation to readers of consent."""

from frappe.model.document import Document

from crm_relations.relations import changes
from crm_relations.shared.side_effects import run_steps


def after_insert(doc: Document, method: str | None = None) -> None:
	run_steps(doc, changes.announce_named)

"""Handle the events of Relation Link: announce both relations to readers of relationships."""

from frappe.model.document import Document

from crm_relations.relations import changes
from crm_relations.shared.side_effects import run_steps


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(doc, changes.announce_named)


def on_trash(doc: Document, method: str | None = None) -> None:
	run_steps(doc, changes.announce_named)

"""Handle the events of Relation Interaction: queue the last contact by channel and the complaints."""

from frappe.model.document import Document

from crm_relations.relations import changes
from crm_relations.relations.facts import queue as facts
from crm_relations.shared.side_effects import run_steps


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(doc, facts.mark_relation, changes.announce_named)


def on_trash(doc: Document, method: str | None = None) -> None:
	run_steps(doc, facts.mark_relation, changes.announce_named)

"""Handle the events of Call Log: queue the last contact by phone."""

from frappe.model.document import Document

from crm_relations.relations.facts import queue as facts
from crm_relations.shared.side_effects import run_steps


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(doc, facts.mark_mentioned)

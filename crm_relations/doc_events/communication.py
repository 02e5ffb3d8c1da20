"""Handle a new Communication: record a reply to a campaign email as a response, and queue the last contact by email."""

from frappe.model.document import Document

from crm_relations.campaigns.incoming import inbox
from crm_relations.relations.facts import queue as facts
from crm_relations.shared.side_effects import run_steps


def after_insert(doc: Document, method: str | None = None) -> None:
	run_steps(doc, inbox.receive, facts.mark_mentioned)

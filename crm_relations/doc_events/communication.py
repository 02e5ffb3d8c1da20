"""Frappe's Communication → an incoming reply to a campaign mail is a response; when we last wrote."""

from frappe.model.document import Document

from crm_relations.campaigns.incoming import inbox
from crm_relations.relations.facts import queue as facts
from crm_relations.shared.side_effects import run_steps


def after_insert(doc: Document, method: str | None = None) -> None:
	run_steps(doc, inbox.receive, facts.mark_mentioned)

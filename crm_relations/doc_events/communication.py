"""Frappe's Communication → an incoming reply to a campaign mail is a response; when we last wrote."""

from frappe.model.document import Document

from crm_relations.campaigns import responses
from crm_relations.relations.facts import queue as facts
from crm_relations.shared.side_effects import run_steps


def after_insert(doc: Document, method: str | None = None) -> None:
	run_steps(doc, responses.match_reply, facts.mark_mentioned)

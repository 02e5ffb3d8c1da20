"""Our Relation Campaign Response → the member is scored and, above the threshold, proposed to sales.

Campaigns stand left of qualification and may not import it; the answer flows on by this event."""

from frappe.model.document import Document

from crm_relations.campaigns.eligibility import exits
from crm_relations.qualification import scheme
from crm_relations.relations import changes
from crm_relations.relations.facts import queue as facts
from crm_relations.shared.side_effects import run_steps


def after_insert(doc: Document, method: str | None = None) -> None:
	run_steps(doc, exits.after_response, scheme.qualify_response, facts.mark_relation, changes.announce_named)

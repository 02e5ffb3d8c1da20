"""Handle a new Relation Campaign Response: score the member and, above the threshold, propose it to sales.

Campaigns are left of qualification and may not import it; the response reaches it through this event.
"""

from frappe.model.document import Document

from crm_relations.campaigns.eligibility import exits
from crm_relations.qualification import scheme
from crm_relations.relations import changes
from crm_relations.relations.facts import queue as facts
from crm_relations.shared.side_effects import run_steps


def after_insert(doc: Document, method: str | None = None) -> None:
	run_steps(doc, exits.after_response, scheme.qualify_response, facts.mark_relation, changes.announce_named)

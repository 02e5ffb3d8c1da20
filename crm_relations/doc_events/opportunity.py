"""Handle the events of Opportunity: date the roles of the party, and take the campaign from the lead."""

from frappe.model.document import Document

from crm_relations.pipeline import provenance
from crm_relations.pipeline.erpnext_crm import own_campaign
from crm_relations.relations.facts import queue as facts
from crm_relations.relations.roles_and_stages import roles
from crm_relations.shared.side_effects import run_steps


def validate(doc: Document, method: str | None = None) -> None:
	run_steps(doc, provenance.fill, own_campaign.fill)


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(doc, roles.refresh_for_document, facts.mark_document)


def on_trash(doc: Document, method: str | None = None) -> None:
	run_steps(doc, roles.refresh_without_document, facts.mark_document)

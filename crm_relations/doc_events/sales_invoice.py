"""Handle the events of Sales Invoice: fill in relation and campaign, attribute lines, date roles, mark members as won.

No step can block the invoice. ARCHITECTURE.md lists the other places where a sales invoice touches the app.
"""

from frappe.model.document import Document

from crm_relations.ledger.attributions import attribution
from crm_relations.pipeline import provenance, winning
from crm_relations.pipeline.erpnext_crm import own_campaign
from crm_relations.relations.facts import queue as facts
from crm_relations.relations.roles_and_stages import roles
from crm_relations.shared.side_effects import run_steps


def after_mapping(doc: Document, method: str | None, source: Document) -> None:
	provenance.carry(doc, source)


def validate(doc: Document, method: str | None = None) -> None:
	run_steps(doc, provenance.fill, own_campaign.fill)


def on_submit(doc: Document, method: str | None = None) -> None:
	run_steps(
		doc, attribution.attribute, roles.refresh_for_document, facts.mark_document, winning.mark_members
	)


def on_update_after_submit(doc: Document, method: str | None = None) -> None:
	run_steps(doc, attribution.follow_changes)


def on_cancel(doc: Document, method: str | None = None) -> None:
	run_steps(doc, attribution.withdraw, roles.refresh_for_document, facts.mark_document)

"""Where a sales invoice touches us, all of it: relation and campaign are filled in before it is saved,
its lines are attributed, the customer's roles dated and members won after it is posted. Nothing here can block it."""

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

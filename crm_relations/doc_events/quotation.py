"""Handle the events of Quotation: fill in relation and campaign, and date the prospect role."""

from frappe.model.document import Document

from crm_relations.pipeline import provenance
from crm_relations.pipeline.erpnext_crm import own_campaign
from crm_relations.relations.facts import queue as facts
from crm_relations.relations.roles_and_stages import roles
from crm_relations.shared.side_effects import run_steps


def after_mapping(doc: Document, method: str | None, source: Document) -> None:
	provenance.carry(doc, source)


def validate(doc: Document, method: str | None = None) -> None:
	run_steps(doc, provenance.fill, own_campaign.fill)


def on_submit(doc: Document, method: str | None = None) -> None:
	run_steps(doc, roles.refresh_for_document, facts.mark_document)


def on_update_after_submit(doc: Document, method: str | None = None) -> None:
	"""Update the roles when a quotation is declared lost: it is saved then, neither submitted nor cancelled."""
	run_steps(doc, roles.refresh_for_document, facts.mark_document)


def on_cancel(doc: Document, method: str | None = None) -> None:
	run_steps(doc, roles.refresh_for_document, facts.mark_document)

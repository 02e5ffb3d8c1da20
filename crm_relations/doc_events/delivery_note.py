"""Handle the events of Delivery Note: fill in relation and campaign."""

from frappe.model.document import Document

from crm_relations.pipeline import provenance
from crm_relations.pipeline.erpnext_crm import own_campaign
from crm_relations.shared.side_effects import run_steps


def after_mapping(doc: Document, method: str | None, source: Document) -> None:
	provenance.carry(doc, source)


def validate(doc: Document, method: str | None = None) -> None:
	run_steps(doc, provenance.fill, own_campaign.fill)

"""Frappe's Email Unsubscribe: how the address is written there."""

from frappe.model.document import Document

from crm_relations.campaigns.consents import address_variants
from crm_relations.shared.side_effects import run_steps


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(doc, address_variants.note)

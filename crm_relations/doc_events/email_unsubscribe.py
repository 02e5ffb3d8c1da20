"""Handle the events of Email Unsubscribe: learn how the address is spelled there."""

from frappe.model.document import Document

from crm_relations.campaigns.consents import address_variants
from crm_relations.shared.side_effects import run_steps


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(doc, address_variants.note)

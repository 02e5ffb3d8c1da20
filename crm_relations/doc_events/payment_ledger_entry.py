"""ERPNext's Payment Ledger Entry → what is open has changed. Payments, journal entries, reconciliations and their
cancellations all come here; what an invoice posts itself comes by the invoice."""

from frappe.model.document import Document

from crm_relations.relations.facts import queue as facts
from crm_relations.shared.side_effects import run_steps


def on_submit(doc: Document, method: str | None = None) -> None:
	if facts.changes_facts(doc):
		run_steps(doc, facts.mark_ledger_entry)

"""Handle the submit of Payment Ledger Entry: queue the figures of the party, because its open amount has changed.

Payments, journal entries, reconciliations and their cancellations all arrive here. Rows that an invoice posts itself are left to the
events of the invoice.
"""

from frappe.model.document import Document

from crm_relations.relations.facts import queue as facts
from crm_relations.shared.side_effects import run_steps


def on_submit(doc: Document, method: str | None = None) -> None:
	if facts.changes_facts(doc):
		run_steps(doc, facts.mark_ledger_entry)

"""ERPNext's Journal Entry → a receivable that is booked, written off or settled by hand: the debtor role."""

from frappe.model.document import Document

from crm_relations.relations import roles
from crm_relations.shared.side_effects import run_steps


def on_submit(doc: Document, method: str | None = None) -> None:
	run_steps(doc, roles.refresh_for_document)


def on_cancel(doc: Document, method: str | None = None) -> None:
	run_steps(doc, roles.refresh_for_document)

"""Handle the submit of Unreconcile Payment: remove the campaign of what the payment no longer settles."""

from frappe.model.document import Document

from crm_relations.pipeline import payment_allocation
from crm_relations.shared.side_effects import run_steps


def on_submit(doc: Document, method: str | None = None) -> None:
	run_steps(doc, payment_allocation.follow_unreconciling)

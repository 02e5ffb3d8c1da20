"""Handle the events of Journal Entry: fill in the campaign of what it settles, and date the debtor role."""

from frappe.model.document import Document

from crm_relations.pipeline import payment_allocation
from crm_relations.relations.roles_and_stages import roles
from crm_relations.shared.side_effects import run_steps


def validate(doc: Document, method: str | None = None) -> None:
	run_steps(doc, payment_allocation.fill_journal)


def on_submit(doc: Document, method: str | None = None) -> None:
	run_steps(doc, roles.refresh_for_document)


def on_update_after_submit(doc: Document, method: str | None = None) -> None:
	run_steps(doc, payment_allocation.follow_allocation)


def on_cancel(doc: Document, method: str | None = None) -> None:
	run_steps(doc, roles.refresh_for_document)

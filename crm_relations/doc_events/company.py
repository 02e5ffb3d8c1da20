"""Handle the events of Company: keep its line in the accounting dimension of campaigns."""

from frappe.model.document import Document

from crm_relations.ledger import dimension
from crm_relations.shared.side_effects import run_steps


def after_insert(doc: Document, method: str | None = None) -> None:
	run_steps(doc, dimension.add_company)


def on_trash(doc: Document, method: str | None = None) -> None:
	run_steps(doc, dimension.forget_company)

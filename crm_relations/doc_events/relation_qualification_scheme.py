"""Handle the events of Relation Qualification Scheme: score the responses of open campaigns that use it."""

from frappe.model.document import Document

from crm_relations.qualification import rescoring
from crm_relations.shared.side_effects import run_steps


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(doc, rescoring.after_scheme_change)

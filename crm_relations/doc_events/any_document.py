"""Handle the validation of every document: remove a campaign of another company, which ERPNext would refuse."""

from frappe.model.document import Document

from crm_relations.pipeline import own_company
from crm_relations.shared.side_effects import run_steps


def before_validate(doc: Document, method: str | None = None) -> None:
	if own_company.may_be_refused(doc):
		run_steps(doc, own_company.take_off_foreign)

"""ERPNext's POS Invoice → relation and campaign travel along, and no more.

A till invoice posts nothing: the day's closing combines the till invoices of a customer into one Sales Invoice,
line by line, and that one is attributed and dates the roles. To attribute the till invoice too would count it
twice. A till that posts at once (a Sales Invoice with `is_pos`, the only kind that newer releases offer beside)
is a Sales Invoice from the start.
"""

from frappe.model.document import Document

from crm_relations.pipeline import provenance
from crm_relations.pipeline.erpnext_crm import own_campaign
from crm_relations.shared.side_effects import run_steps


def after_mapping(doc: Document, method: str | None, source: Document) -> None:
	provenance.carry(doc, source)


def validate(doc: Document, method: str | None = None) -> None:
	run_steps(doc, provenance.fill, own_campaign.fill)

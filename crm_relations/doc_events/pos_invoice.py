"""Handle the events of POS Invoice: fill in relation and campaign.

A POS Invoice posts nothing. The closing of the day combines the POS invoices of a customer into a Sales Invoice, line by line, and that
one is attributed and dates the roles. Attributing the POS Invoice as well would count it twice. A point of sale that posts at once
creates a Sales Invoice with `is_pos` from the start.
"""

from frappe.model.document import Document

from crm_relations.pipeline import provenance
from crm_relations.pipeline.erpnext_crm import own_campaign
from crm_relations.shared.side_effects import run_steps


def after_mapping(doc: Document, method: str | None, source: Document) -> None:
	provenance.carry(doc, source)


def validate(doc: Document, method: str | None = None) -> None:
	run_steps(doc, provenance.fill, own_campaign.fill)

"""Our Relation Campaign → ERPNext's own list of campaigns, so that its reports know it from the start on."""

from frappe.model.document import Document

from crm_relations.pipeline.erpnext_crm import own_campaign
from crm_relations.shared.side_effects import run_steps


def on_change(doc: Document, method: str | None = None) -> None:
	run_steps(doc, own_campaign.ensure)


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	run_steps(doc, own_campaign.ensure)

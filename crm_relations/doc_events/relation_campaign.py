"""Our Relation Campaign → ERPNext's own list of campaigns, so that its reports know it from the start on; a new name →
rows of the ledger, also while they carry campaigns that nobody reports."""

from frappe.model.document import Document

from crm_relations.ledger import dimension
from crm_relations.pipeline.erpnext_crm import own_campaign
from crm_relations.shared.side_effects import run_steps


def on_change(doc: Document, method: str | None = None) -> None:
	run_steps(doc, own_campaign.ensure)


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	doc.flags.relation_renamed = (old, new)
	run_steps(doc, own_campaign.ensure, dimension.follow_rename)


def on_trash(doc: Document, method: str | None = None) -> None:
	dimension.keep_what_is_posted(doc)

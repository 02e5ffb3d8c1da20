"""Handle the events of Relation Campaign.

Keep ERPNext's own list of campaigns up to date, score responses again when the qualification scheme changes, and follow a new name in posted
rows, also while campaigns are not reported in the ledger.
"""

from frappe.model.document import Document

from crm_relations.ledger import dimension
from crm_relations.pipeline.erpnext_crm import own_campaign
from crm_relations.qualification import rescoring
from crm_relations.shared.side_effects import run_steps


def on_change(doc: Document, method: str | None = None) -> None:
	run_steps(doc, own_campaign.ensure, rescoring.after_campaign_change)


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	doc.flags.relation_renamed = (old, new)
	run_steps(doc, own_campaign.ensure, dimension.follow_rename)


def on_trash(doc: Document, method: str | None = None) -> None:
	dimension.keep_what_is_posted(doc)

"""Handle the events of party documents: create, update, rename or detach their relation.

One module for Customer, Supplier, Employee, Contact, Lead and Prospect, because they differ only in what follows a save.
"""

from frappe.model.document import Document

from crm_relations.campaigns.consents import address_variants
from crm_relations.pipeline.erpnext_crm import own_campaign
from crm_relations.relations.duplicates import index
from crm_relations.relations.identities import identity
from crm_relations.shared.side_effects import run_steps

#: their names and addresses are compared with those of other relations
COMPARED = {"Customer", "Supplier", "Contact"}
#: they spell an email address, which may differ from the address of a consent
WITH_ADDRESS = {"Contact", "Lead"}


def validate(doc: Document, method: str | None = None) -> None:
	"""Fill the campaign of a lead; registered for Lead only."""
	run_steps(doc, own_campaign.fill)


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(doc, identity.adopt_document)
	if doc.doctype in COMPARED:
		run_steps(doc, index.refresh_for_party)
	if doc.doctype in WITH_ADDRESS:
		run_steps(doc, address_variants.note)


def on_trash(doc: Document, method: str | None = None) -> None:
	run_steps(doc, identity.forget_document)


def before_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	if merge:
		doc.flags.relation_merge = (old, new)
		run_steps(doc, identity.merge_relations_first, identity.delete_merged_party_row)


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	doc.flags.relation_renamed = (old, new)
	run_steps(doc, identity.follow_rename)

"""Handle the events of Employee: create, update, rename or detach its relation."""

from frappe.model.document import Document

from crm_relations.relations.identities import identity
from crm_relations.shared.side_effects import run_steps


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(doc, identity.adopt_document)


def on_trash(doc: Document, method: str | None = None) -> None:
	run_steps(doc, identity.forget_document)


def before_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	if merge:
		doc.flags.relation_merge = (old, new)
		run_steps(doc, identity.fold_before_merge, identity.delete_merged_party_row)


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	doc.flags.relation_renamed = (old, new)
	run_steps(doc, identity.follow_rename)

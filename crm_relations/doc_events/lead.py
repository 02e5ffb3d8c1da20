"""ERPNext's Lead → the relation's file."""

from frappe.model.document import Document

from crm_relations.relations import identity
from crm_relations.shared.side_effects import run_steps


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(doc, identity.adopt_document)


def on_trash(doc: Document, method: str | None = None) -> None:
	run_steps(doc, identity.forget_document)


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	run_steps(doc, identity.follow_rename)

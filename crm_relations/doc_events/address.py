"""Handle the events of Address: update the relations of the party documents that it belongs to."""

from frappe.model.document import Document

from crm_relations.relations.identities import identity
from crm_relations.shared.side_effects import run_steps


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(doc, identity.follow_address)


def on_trash(doc: Document, method: str | None = None) -> None:
	run_steps(doc, identity.leave_address)

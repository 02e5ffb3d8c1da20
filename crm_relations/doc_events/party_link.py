"""Handle the events of Party Link: merge the relations of a customer and a supplier that are one."""

from frappe.model.document import Document

from crm_relations.relations.identities import identity
from crm_relations.shared.side_effects import run_steps


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(doc, identity.adopt_linked)

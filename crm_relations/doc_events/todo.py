"""Handle the deletion of a ToDo: clear the reference in interactions and playbooks."""

from frappe.model.document import Document

from crm_relations.interactions import followups
from crm_relations.relations.roles_and_stages import playbook
from crm_relations.shared.side_effects import run_steps


def on_trash(doc: Document, method: str | None = None) -> None:
	run_steps(doc, followups.forget_todo, playbook.forget_todo)

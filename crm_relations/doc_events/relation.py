"""Our Relation → what other packages keep of it, when two relations became one."""

from frappe.model.document import Document

from crm_relations.segments import membership
from crm_relations.shared.side_effects import run_steps


def after_fold(doc: Document, method: str | None, folded: str) -> None:
	run_steps(doc, membership.leave_doubles)

"""Handle the events of Relation: refresh blocking keys and figures, and move what other packages keep after a merge."""

from frappe.model.document import Document

from crm_relations.relations import changes
from crm_relations.relations.duplicates import index, pairs, search
from crm_relations.relations.facts import build
from crm_relations.relations.facts import queue as facts
from crm_relations.relations.merging import merging
from crm_relations.segments.members import membership
from crm_relations.shared.side_effects import run_steps


def on_update(doc: Document, method: str | None = None) -> None:
	run_steps(
		doc, index.refresh_for_relation, search.look_for_relation, facts.mark_moved, changes.announce_relation
	)


def on_trash(doc: Document, method: str | None = None) -> None:
	run_steps(
		doc, index.forget, pairs.forget, merging.forget, build.forget_relation, changes.announce_relation
	)


def after_fold(doc: Document, method: str | None, folded: str) -> None:
	run_steps(doc, membership.remove_duplicate_members, changes.announce_relation)

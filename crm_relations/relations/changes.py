"""Announce changes of relations to other packages and apps. Writes nothing itself.

Code that changes what a segment may ask about (data, roles, relationships, figures, contacts, responses,
consents) announces the relations in the same transaction. The functions of the hook `relation_changes` are
called with their names. They must be cheap (one INSERT) and must not lock what others write.
"""

from collections.abc import Iterable
from datetime import datetime

import frappe
from frappe.model.document import Document

from crm_relations.shared.side_effects import deferrable

#: Hook: dotted paths of functions that take a list of names of relations
HOOK = "relation_changes"
#: Hook: dotted paths of functions without arguments, for changes of too many relations to list
HOOK_ALL = "all_relations_changed"
#: Hook: dotted paths of functions (moment, limit) that return names of relations: for bulk writes that are
#: not announced but asked for
HOOK_SINCE = "relation_changes_since"


def announce(relations: Iterable[str | None]) -> None:
	"""Announce that these relations, or records that belong to them, have changed."""
	names = sorted({name for name in relations if name})
	if not names:
		return
	for path in frappe.get_hooks(HOOK):
		frappe.get_attr(path)(names)


def announce_all() -> None:
	"""Announce that every relation may have changed, as after all figures were recomputed."""
	for path in frappe.get_hooks(HOOK_ALL):
		frappe.get_attr(path)()


def since(moment: datetime | str, limit: int) -> set[str]:
	"""Return relations that changed since the moment and were not announced; at most about `limit` from each
	source.
	"""
	return {
		name for path in frappe.get_hooks(HOOK_SINCE) for name in frappe.get_attr(path)(moment, limit) if name
	}


@deferrable
def announce_relation(doc: Document) -> None:
	"""Announce a relation that was saved or is being deleted; step of an event."""
	announce([doc.name])


@deferrable
def announce_named(doc: Document) -> None:
	"""Announce the relations that a changed document names, one or two; step of an event.

	A relation that it named before counts too.
	"""
	before = doc.get_doc_before_save()
	announce(
		version.get(field)
		for version in (doc, before)
		if version
		for field in ("relation", "related_relation")
	)

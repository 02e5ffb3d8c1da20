"""Who has changed: what other packages and apps are told when something about relations changes. Writes nothing itself.

Whoever changes what a segment may ask about (file, roles, relationships, figures, contacts, answers, consents)
announces the relations in the same transaction. The functions of the hook `relation_changes` are called with
their names; they must be cheap (one INSERT) and must not lock what others write.
"""

from collections.abc import Iterable
from datetime import datetime

import frappe
from frappe.model.document import Document

from crm_relations.shared.side_effects import deferrable

#: Hook: dotted paths of functions of a list of names of relations
HOOK = "relation_changes"
#: Hook: dotted paths of functions without arguments: so many have changed that nobody counts them
HOOK_ALL = "all_relations_changed"
#: Hook: dotted paths of functions (moment, limit) that return names of relations: where so much is written at once that
#: its writers announce nothing, and what changed is asked for
HOOK_SINCE = "relation_changes_since"


def announce(relations: Iterable[str | None]) -> None:
	"""These relations have changed, or what belongs to them."""
	names = sorted({name for name in relations if name})
	if not names:
		return
	for path in frappe.get_hooks(HOOK):
		frappe.get_attr(path)(names)


def announce_all() -> None:
	"""Every relation may have changed, as after all figures were made anew."""
	for path in frappe.get_hooks(HOOK_ALL):
		frappe.get_attr(path)()


def since(moment: datetime | str, limit: int) -> set[str]:
	"""Relations that changed since the moment and were not announced; at most about `limit` from each source."""
	return {
		name for path in frappe.get_hooks(HOOK_SINCE) for name in frappe.get_attr(path)(moment, limit) if name
	}


@deferrable
def announce_relation(doc: Document) -> None:
	"""Step of an event: a relation itself was saved or is being deleted."""
	announce([doc.name])


@deferrable
def announce_named(doc: Document) -> None:
	"""Step of an event: a document changed that names its relation, and perhaps a second one. One that it named
	before counts as well."""
	before = doc.get_doc_before_save()
	announce(
		version.get(field)
		for version in (doc, before)
		if version
		for field in ("relation", "related_relation")
	)

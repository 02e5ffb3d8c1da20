"""Maintain the index of blocking keys. Sole writer of `Relation Blocking Key`.

A row is derived from its relation and can be recomputed at any time.
"""

from collections.abc import Callable, Collection, Iterable

import frappe
from frappe.model.document import Document
from frappe.utils import now

from crm_relations.relations import queries as relation_queries
from crm_relations.relations.duplicates import queries
from crm_relations.relations.duplicates.queries import KEY
from crm_relations.relations.duplicates.records import Record
from crm_relations.shared import table_rows
from crm_relations.shared.side_effects import deferrable

CHUNK = 2000
COLUMNS = ("name", "owner", "modified_by", "creation", "modified", "relation", "value")


def refresh_keys(relations: Iterable[str], records: dict[str, Record] | None = None) -> int:
	"""Write the keys of these relations again, set-based; missing or disabled relations lose theirs.

	Cheap for many: a chunk costs eight reads, a delete and an insert. Does not commit.

	:param records: of these relations, if they have been read already
	:return: how many relations have other keys than before
	"""
	names = list(dict.fromkeys(relations))
	changed = 0
	for start in range(0, len(names), CHUNK):
		chunk = names[start : start + CHUNK]
		changed += _write(chunk, queries.records(chunk) if records is None else records)
	return changed


@deferrable
def refresh_for_relation(doc: Document) -> None:
	"""Update the keys of a saved relation; step of an event."""
	refresh_keys([doc.name])


@deferrable
def refresh_for_party(doc: Document) -> None:
	"""Update the keys for a saved party document with a tax number or further addresses; step of an event."""
	before = doc.get_doc_before_save()
	if not before or not _touched(doc, before):
		return
	if relation := relation_queries.relation_of(doc.doctype, doc.name):
		refresh_keys([relation])


@deferrable
def forget(doc: Document) -> None:
	"""Delete the keys of a relation that is being deleted; step of an event."""
	drop([doc.name])


def drop(relations: Collection[str]) -> None:
	"""Remove relations from the index."""
	frappe.db.delete(KEY, {"relation": ["in", list(relations)]})


def catch_up(after: str = "", on_page: Callable[[str, int], None] | None = None) -> int:
	"""Write missing or outdated keys page by page, for relations written in bulk, as by the sync.

	Commits after each page; a run that is killed continues where it stopped.

	:param after: the name of the relation to begin behind
	:param on_page: called after each page, before its commit, with the last name and the number of relations
		read
	:return: how many relations were written
	"""
	written = 0
	while True:
		names, last = queries.stale(after, CHUNK)
		if last is None:
			return written
		if names:
			_write(names, queries.records(names))
			written += len(names)
		after = last
		if on_page:
			on_page(last, CHUNK)
		frappe.db.commit()


def queue_catch_up() -> None:
	"""Queue a job that writes what is missing: the sync leaves relations written in bulk to it."""
	frappe.enqueue(
		catch_up,
		queue="long",
		timeout=4 * 60 * 60,
		job_id="crm_relations_keys",
		deduplicate=True,
		enqueue_after_commit=True,
	)


def _write(names: list[str], records: dict[str, Record]) -> int:
	stored = queries.keys_of(names)
	changed = [name for name in names if stored.get(name, set()) != set(_keys(records.get(name)))]
	same = set(names).difference(changed)
	stamp, user = now(), frappe.session.user
	if old := [name for name in changed if name in stored]:
		drop(old)
	rows = [
		# the rows of one relation are adjacent, and a second writer cannot duplicate them
		(f"{name}-{number}", user, user, stamp, stamp, name, key)
		for name in changed
		for number, key in enumerate(_keys(records.get(name)))
	]
	table_rows.insert(KEY, COLUMNS, rows, ignore_duplicates=True)
	if len(names) > 1 and same:
		table = frappe.qb.DocType(KEY)
		frappe.qb.update(table).set(table.modified, stamp).where(table.relation.isin(same)).run()
	return len(changed)


def _keys(record: Record | None) -> list[str]:
	"""Return the keys in order, compared like the database: two keys that it treats as equal are one row."""
	return sorted(record.keys) if record else []


def _touched(doc: Document, before: Document) -> bool:
	if doc.doctype in queries.TAXED:
		return doc.get("tax_id") != before.get("tax_id")
	return _values(doc) != _values(before)


def _values(doc: Document) -> set[str]:
	rows = [*(doc.get("email_ids") or []), *(doc.get("phone_nos") or [])]
	return {row.get("email_id") or row.get("phone") or "" for row in rows}

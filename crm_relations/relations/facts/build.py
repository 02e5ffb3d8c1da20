"""Compute the figures. Sole writer of `Relation Facts`, `Relation Facts Item Group` and `Relation Contact
Facts`.

The same queries compute all relations or some, so that a refresh gives the same as a rebuild. For all, the
database writes what it reads in one transaction (INSERT … SELECT). Readers see the old figures until it is
done, and a run that is killed leaves them unchanged. The job that processes changes does the same for some.
In a request, the rows are read first and then written: at its isolation level an INSERT … SELECT would lock
the invoices that it reads until the request ends.

Only one process writes at a time: two that compute the same relation could commit in the wrong order, and the
older figures would stay. The writer locks the row of the doctype `Relation Facts` itself, which always
exists.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from time import monotonic

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import getdate, nowdate

from crm_relations.relations import changes
from crm_relations.relations.facts import classes, queue, sql
from crm_relations.relations.facts import queries as facts_queries
from crm_relations.relations.facts.sources import CONTACTS, FACTS, ITEM_GROUPS, Scope
from crm_relations.shared.isolation import reading_what_is_committed
from crm_relations.shared.side_effects import deferrable

#: relations refreshed in one transaction
CHUNK = 1_000
#: above this share of all relations, as after the first sync, a rebuild is faster
REBUILD_ABOVE = 0.1
TABLES = (ITEM_GROUPS, FACTS, CONTACTS)


class FactsBusyError(frappe.ValidationError):
	"""Another process is computing the facts at this moment."""


@dataclass(frozen=True)
class BuildResult:
	"""Result of a rebuild: rows by kind, and its duration."""

	facts: int
	item_groups: int
	contact_facts: int
	seconds: float

	def as_dict(self) -> dict[str, int | float]:
		return asdict(self)


def rebuild() -> BuildResult:
	"""Recompute the facts of all relations, in its own transaction that is committed.

	It reads what is committed, so that users can submit invoices meanwhile. Changes that are committed while
	it runs stay in the queue.

	:raises FactsBusyError: another run is in progress
	"""
	start = monotonic()
	with reading_what_is_committed():
		try:
			lock()
			waiting = queue.names()
			scope = Scope(getdate(nowdate()))
			fill_all(scope)
			queue.settle(waiting)
			counts = [frappe.db.count(doctype) for doctype in (FACTS, ITEM_GROUPS, CONTACTS)]
		except Exception:
			frappe.db.rollback()
			raise
		frappe.db.commit()
	facts, item_groups, contacts = counts
	return BuildResult(facts, item_groups, contacts, seconds=round(monotonic() - start, 1))


def fill_all(scope: Scope) -> None:
	"""Write all tables again, in the caller's transaction; no other process may write them meanwhile."""
	for doctype in TABLES:
		frappe.db.delete(doctype)
		sql.fill(doctype, scope)
	classes.determine(also=sql.derived(frappe.qb.DocType(FACTS), scope))
	changes.announce_all()


def refresh(relations: Collection[str], *, in_database: bool = False) -> None:
	"""Recompute the facts of these relations, in the caller's transaction.

	A transaction that has read before sees the documents as they were then: commit first, as
	`refresh_changed` does, if others may have changed them.

	:param in_database: the caller is `reading_what_is_committed`: the database writes what it reads itself
	:raises FactsBusyError: another run is in progress
	"""
	names = sorted({name for name in relations if name})
	if not names:
		return
	lock()
	_replace(names, in_database)


def refresh_changed() -> int:
	"""Recompute the facts of all relations with changed documents; return how many changes there were.

	Commits after each chunk; the first commit includes earlier writes of the caller. A party that changes
	while its facts are computed has a new row in the queue by then, which stays for the next time.

	:raises FactsBusyError: another run is in progress
	"""
	if is_rebuild_quicker():
		changed = queue.length()
		rebuild()
		return changed
	done = 0
	with reading_what_is_committed():
		while True:
			frappe.db.commit()  # the lock first, then the moment that is read
			lock()
			waiting = queue.take(CHUNK * 10)
			if not waiting:
				frappe.db.commit()
				return done
			relations = sorted(queue.relations_in(waiting))
			if len(relations) > max(CHUNK, REBUILD_ABOVE * frappe.db.count("Relation")):
				frappe.db.commit()
				rebuild()
				return done + len(relations)
			for start in range(0, len(relations), CHUNK):
				_replace(relations[start : start + CHUNK], in_database=True)
			queue.settle([row.name for row in waiting])
			done += len(waiting)


def bring_up_to_date() -> None:
	"""Process all changes, and determine the classes of the day; commits.

	:raises FactsBusyError: another run is in progress
	"""
	refresh_changed()
	determine_classes()


def determine_classes() -> None:
	"""Determine the borders of the classes for the day and classify all customers, in its own transaction."""
	with reading_what_is_committed():
		lock(wait=True)
		classes.determine()
		changes.announce_all()
		frappe.db.commit()


def is_rebuild_quicker() -> bool:
	"""Tell whether so many changes wait that a rebuild is faster."""
	return queue.length() > max(CHUNK, REBUILD_ABOVE * frappe.db.count("Relation"))


def refresh_now(relation: str) -> bool:
	"""Process waiting changes for a reader, unless another process is doing it; return whether that is done.

	Commits earlier writes of the caller. The rows stay in the queue: computed again, the result is the same.
	"""
	frappe.db.commit()  # the lock first, then the moment that is read
	try:
		refresh([relation])
	except FactsBusyError:
		frappe.clear_messages()
		return False
	frappe.db.commit()
	return True


def forget(relations: Collection[str]) -> None:
	"""Delete the facts of relations that were deleted or merged."""
	for doctype in TABLES:
		frappe.db.delete(doctype, {"relation": ["in", list(relations)]})


@deferrable
def forget_relation(doc: Document) -> None:
	"""Delete the facts of a relation that is being deleted.

	A refresh that has read it before may write it once more, so it is also marked.
	"""
	forget([doc.name])
	queue.mark(queue.RELATION, doc.name)


def lock(wait: bool = False) -> None:
	"""Lock the facts for writing until the transaction ends.

	:param wait: wait for another run, as long as the database allows to wait for a row
	:raises FactsBusyError: another run is in progress
	"""
	try:
		frappe.db.get_value("DocType", FACTS, "name", for_update=True, wait=wait)
	except frappe.QueryTimeoutError:
		frappe.throw(
			_("The figures of the relations are being computed. Try again when this is done."),
			FactsBusyError,
		)


def _replace(relations: list[str], in_database: bool) -> None:
	scope = facts_queries.scope_of(relations)
	for doctype in TABLES:
		frappe.db.delete(doctype, {"relation": ["in", relations]})
		if in_database:
			sql.insert(doctype, scope)
			continue
		columns, query = sql.rows(doctype, scope)
		if rows := query.run():
			frappe.db.bulk_insert(doctype, columns, rows)
	classes.apply(relations)
	changes.announce(relations)


def status() -> dict[str, int | str | None]:
	"""Return rows by kind, the number of waiting changes, the age of the oldest one, and the day of the
	classes.
	"""
	oldest = frappe.get_all(queue.QUEUE, pluck="creation", order_by="creation asc", limit=1)
	classed = frappe.get_all(classes.CLASSES, pluck="determined_on", order_by="determined_on desc", limit=1)
	return {
		"facts": frappe.db.count(FACTS),
		"item_groups": frappe.db.count(ITEM_GROUPS),
		"contact_facts": frappe.db.count(CONTACTS),
		"changes_waiting": queue.length(),
		"waiting_since": str(oldest[0]) if oldest else None,
		"classes_of": str(classed[0]) if classed else None,
	}

"""The engine of the facts. Alone writes `Relation Facts`, `Relation Facts Item Group` and `Relation Contact Facts`.

All relations or some: the same queries make them, so that what is refreshed is what a rebuild gives. For all,
the database writes what it reads in one transaction (INSERT … SELECT); readers see the old figures until it is
done, and a run that is killed leaves them as they were. The job that takes in what changed does the same for some.
In a request the rows are read first and then written: at its level of isolation an INSERT … SELECT would lock
the invoices that it reads until the request ends.

One at a time: two that derive the same relation could commit in the wrong order, and the older figures would
stay. Whoever writes holds the row of the doctype `Relation Facts` itself, which is always there.
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
#: more changes than this part of all relations, as after the first sync, and a rebuild is quicker
REBUILD_ABOVE = 0.1
TABLES = (ITEM_GROUPS, FACTS, CONTACTS)


class FactsBusyError(frappe.ValidationError):
	"""The facts are being made at this moment by somebody else."""


@dataclass(frozen=True)
class BuildResult:
	"""What a rebuild made: rows by kind, and how long it took."""

	facts: int
	item_groups: int
	contact_facts: int
	seconds: float

	def as_dict(self) -> dict[str, int | float]:
		return asdict(self)


def rebuild() -> BuildResult:
	"""Make the facts of all relations anew, in a transaction of its own that is committed.

	It reads what is committed, so that nobody who submits an invoice meanwhile has to wait. Changes that
	are committed while it runs stay in the queue.

	:raises FactsBusyError: another run is under way
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
	"""Write all tables anew, in the caller's transaction; nothing else may write them meanwhile."""
	for doctype in TABLES:
		frappe.db.delete(doctype)
		sql.fill(doctype, scope)
	classes.determine(also=sql.derived(frappe.qb.DocType(FACTS), scope))
	changes.announce_all()


def refresh(relations: Collection[str], *, in_database: bool = False) -> None:
	"""Make the facts of these relations anew, in the caller's transaction.

	A transaction that has read before sees the documents as they were then: commit before, as
	`refresh_changed` does, where others may have changed them.

	:param in_database: the caller is `reading_what_is_committed`: the database writes what it reads itself
	:raises FactsBusyError: another run is under way
	"""
	names = sorted({name for name in relations if name})
	if not names:
		return
	lock()
	_replace(names, in_database)


def refresh_changed() -> int:
	"""Make the facts of all relations anew whose documents have changed; returns how many changes there were.

	Commits after each chunk, and what the caller has written before with the first of them. A party that
	changes while its facts are made has a new row in the queue by then, which stays for the next time.

	:raises FactsBusyError: another run is under way
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
	"""Take in all changes, and determine the classes of the day; commits.

	:raises FactsBusyError: another run is under way
	"""
	refresh_changed()
	determine_classes()


def determine_classes() -> None:
	"""Determine the borders of the classes for the day and class everybody by them, in a transaction of its own."""
	with reading_what_is_committed():
		lock(wait=True)
		classes.determine()
		changes.announce_all()
		frappe.db.commit()


def is_rebuild_quicker() -> bool:
	"""Whether so many changes wait that all is made sooner than these."""
	return queue.length() > max(CHUNK, REBUILD_ABOVE * frappe.db.count("Relation"))


def refresh_now(relation: str) -> bool:
	"""For a reader: take in what changed, unless somebody else is at it; returns whether that is done.

	Commits what the caller has written before. The rows stay in the queue: made again, they come out the same.
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
	"""These relations are deleted or folded into others: their facts go."""
	for doctype in TABLES:
		frappe.db.delete(doctype, {"relation": ["in", list(relations)]})


@deferrable
def forget_relation(doc: Document) -> None:
	"""A relation is being deleted. A refresh that has read it before may write it once more: it is marked."""
	forget([doc.name])
	queue.mark(queue.RELATION, doc.name)


def lock(wait: bool = False) -> None:
	"""Hold the right to write until the transaction ends.

	:param wait: until another run is done, as long as the database lets one wait for a row
	:raises FactsBusyError: another run is under way
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
	"""Rows by kind, the changes that wait, since when the oldest of them does, and the day of the classes."""
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

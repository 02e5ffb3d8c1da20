"""Maintain the queue of changed relations. Sole writer of `Relation Segment Queue`.

A row names a relation that changed, or a segment that must be refreshed whole because too many changed (`*`
for all segments). Each change adds rows with new names in its own transaction, so that no transaction waits
for another. A job deletes the rows that it has read by name: a relation that changes meanwhile has a new row.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import frappe
from frappe.utils import now

from crm_relations.shared import table_rows

QUEUE = "Relation Segment Queue"
#: stands for every segment
ALL = "*"
#: with more relations at once, the segments are refreshed whole
MANY = 10_000
DELETED_AT_ONCE = 10_000


@dataclass(frozen=True)
class Waiting:
	"""Contents of the queue: names of its rows, the relations, and the segments to be refreshed whole."""

	rows: list[str]
	relations: set[str]
	segments: set[str]

	def __or__(self, other: "Waiting") -> "Waiting":
		return Waiting(
			self.rows + other.rows, self.relations | other.relations, self.segments | other.segments
		)

	def whole(self, segment: str) -> bool:
		"""Tell whether the segment must be refreshed whole."""
		return ALL in self.segments or segment in self.segments


NOTHING = Waiting([], set(), set())


def add(relations: Collection[str]) -> Waiting:
	"""Queue changed relations; return what was added. The function of the hook `relation_changes`."""
	if len(relations) > MANY:
		return add_everything()
	return _insert((name, None) for name in relations)


def add_everything() -> Waiting:
	"""Queue all segments: any relation may have changed. The function of the hook `all_relations_changed`."""
	return _insert([(None, ALL)])


def add_segments(segments: Iterable[str]) -> Waiting:
	"""Queue segments to be refreshed whole."""
	return _insert((None, name) for name in segments)


def _insert(pairs: Iterable[tuple[str | None, str | None]]) -> Waiting:
	stamp = now()
	head = frappe.generate_hash(length=12)
	rows = [(f"{head}-{number}", stamp, *pair) for number, pair in enumerate(pairs)]
	if rows:
		table_rows.insert(QUEUE, ["name", "creation", "relation", "segment"], rows)
	return _waiting((name, relation, segment) for name, _stamp, relation, segment in rows)


def _waiting(rows: Iterable[tuple[str, str | None, str | None]]) -> Waiting:
	found = list(rows)
	return Waiting(
		[name for name, _relation, _segment in found],
		{relation for _name, relation, _segment in found if relation},
		{segment for _name, _relation, segment in found if segment},
	)


def take() -> Waiting:
	"""Return what waits now. The rows stay until they are settled."""
	rows = frappe.get_all(QUEUE, fields=["name", "relation", "segment"], order_by="creation asc", limit=0)
	return _waiting((row.name, row.relation, row.segment) for row in rows)


def settle(rows: list[str]) -> None:
	"""Delete rows that have been processed."""
	for start in range(0, len(rows), DELETED_AT_ONCE):
		frappe.db.delete(QUEUE, {"name": ["in", rows[start : start + DELETED_AT_ONCE]]})


def length() -> int:
	return frappe.db.count(QUEUE)

"""Record the members of a segment with their dates. Sole writer of Relation Segment Member and a segment's
figures.

A refresh is set-based. The selection of the segment is computed once, into a temporary table of the session.
One query ends the membership of relations that are not in it, one query adds the new ones. They read the
newest rows and not the snapshot of the transaction. The segment is locked while they run, so that two
concurrent refreshes never add a relation twice.

A refresh looks at all relations, or only at changed ones. Both give the same members under two conditions:
all changes are announced (`relations.changes`), and the segment was refreshed whole since its definition
changed and since the day began. `refresh_fingerprint` stores the fingerprint of that refresh.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from time import monotonic
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder.functions import Count
from frappe.query_builder.terms import ParameterizedValueWrapper as Value
from frappe.utils import now_datetime, nowdate
from pypika.functions import Concat
from pypika.queries import QueryBuilder, Table

from crm_relations.segments.compilation import selection
from crm_relations.segments.language.rules import RuleError
from crm_relations.segments.members import dependencies, health, queue
from crm_relations.segments.members.queue import Waiting
from crm_relations.shared import temp_tables
from crm_relations.shared.isolation import reading_what_is_committed
from crm_relations.shared.refusals import refuse
from crm_relations.shared.side_effects import deferrable

MEMBER = "Relation Segment Member"
SEGMENT = "Relation Segment"
#: changed relations in one query
CHUNK = 1_000
ALL_RELATIONS, CHANGED_RELATIONS, LIST = "All Relations", "Changed Relations", "List"


class SegmentBusyError(frappe.ValidationError):
	"""Another refresh of the segment is running."""


class SegmentBrokenError(frappe.ValidationError):
	"""The rule can no longer be read, or asks for records that do not exist; the members stay as they are."""


@dataclass(frozen=True)
class RefreshResult:
	"""Result of a refresh: relations that entered and left, members now, what it looked at, and its duration."""

	segment: str
	entered: int
	left: int
	members: int
	kind: str = LIST
	seconds: float = 0.0
	#: all rows of the change carry it
	moment: datetime | None = field(default=None, repr=False, compare=False)
	#: entries added to the queue for the segments that depend on this one
	announced: Waiting = field(default=queue.NOTHING, repr=False, compare=False)

	def as_dict(self) -> dict[str, str | int | float]:
		return {key: value for key, value in asdict(self).items() if key not in ("announced", "moment")}


#: receives the progress of a refresh: a step of STEPS
Progress = Callable[[str], None]
SELECTING, LEAVING, ENTERING, COUNTING = STEPS = ("Selecting", "Leaving", "Entering", "Counting")


def refresh(segment: str, retake: bool = False, on_progress: Progress | None = None) -> RefreshResult:
	"""Update the members of a segment by its rule, its pins and its sample.

	A manual segment is only counted again, and so is a snapshot that was taken.

	Runs in the caller's transaction and does not commit. Until the caller commits, the relations and invoices
	that were read may be locked against change: use `refresh_and_commit` for a large segment.

	:param retake: retake a snapshot
	:raises SegmentBusyError: another refresh of this segment is running.
	:raises SegmentBrokenError: the rule is broken; the members stay as they are.
	"""
	began = monotonic()
	kind, taken, version = _lock(segment)
	if kind == "Manual" or (kind == "Snapshot" and taken and not retake):
		return _Change(segment, version, began).finish(LIST if kind == "Manual" else None)
	doc = frappe.get_doc(SEGMENT, segment, for_update=True)
	change = _Change(segment, version, began, on_progress)
	change.replace(_selected(doc))
	return change.finish(ALL_RELATIONS, refresh_fingerprint=_fingerprint(doc))


def refresh_changed(segment: str, relations: Collection[str]) -> RefreshResult:
	"""Refresh like `refresh`, but look only at these relations: all others are unchanged since the last
	refresh.

	All relations are looked at if that is not enough: for samples, where a new member displaces another;
	after a change of the definition; and in the first refresh of a day, for changes by time alone.

	:raises SegmentBusyError: another refresh of this segment is running.
	:raises SegmentBrokenError: the rule is broken; the members stay as they are.
	"""
	began = monotonic()
	kind, _taken, version = _lock(segment)
	doc = frappe.get_doc(SEGMENT, segment, for_update=True)
	if kind != "Dynamic" or doc.sample or doc.refresh_fingerprint != _fingerprint(doc):
		return refresh(segment)
	change = _Change(segment, version, began)
	names = sorted(dependencies.affected(doc, relations))
	for start in range(0, len(names), CHUNK):
		change.replace_among(doc, names[start : start + CHUNK])
	return change.finish(CHANGED_RELATIONS, before=doc.member_count)


def refresh_and_commit(
	segment: str,
	retake: bool = False,
	relations: Collection[str] | None = None,
	on_progress: Progress | None = None,
) -> RefreshResult:
	"""Refresh like `refresh`, in its own transaction that is committed. For jobs and the command line.

	It reads what is committed (READ COMMITTED), so that MariaDB takes no locks on the relations and invoices
	that it reads, and users can submit invoices meanwhile. A broken rule is recorded with the segment.

	:param relations: look only at these, as `refresh_changed`
	"""
	with reading_what_is_committed():
		try:
			if relations is None:
				result = refresh(segment, retake, on_progress)
			else:
				result = refresh_changed(segment, relations)
		except SegmentBrokenError as error:
			frappe.db.rollback()
			health.note_broken(segment, str(error))
			frappe.db.commit()
			raise
		except Exception:
			frappe.db.rollback()
			raise
		frappe.db.commit()
	return result


def _selected(doc: Document, relations: Collection[str] | None = None) -> QueryBuilder:
	try:
		health.check_values(doc)
		return selection.selected(doc, relations)
	except RuleError as error:
		refuse(
			_("The rule of segment {0} is invalid; its members stay unchanged. {1}"),
			doc.name,
			error.message(_),
			exception=SegmentBrokenError,
		)


def _fingerprint(doc: Document) -> str:
	"""Return the fingerprint of what a whole refresh depends on, apart from the relations: the definition,
	and the day.
	"""
	definition = [
		nowdate(),
		doc.kind,
		doc.disabled,
		doc.refresh_mode,
		doc.rule,
		sorted((row.relation or "", row.pin or "") for row in doc.pins),
		sorted(row.suppressed_by or "" for row in doc.suppressions),
		(doc.sample or "", doc.sample_size, doc.sample_seed or "", doc.sample_by or ""),
	]
	return sha256(frappe.as_json(definition).encode()).hexdigest()


def current(segment: str) -> QueryBuilder:
	"""Return the query that selects the names of the segment's current members, each once."""
	member = frappe.qb.DocType(MEMBER)
	return (
		frappe.qb.from_(member)
		.select(member.relation)
		.where((member.segment == segment) & member.left_on.isnull())
	)


def add_members(segment: str, relations: list[str]) -> RefreshResult:
	"""Add relations to a manual segment; present members stay as they are.

	:raises frappe.ValidationError: the segment is not manual, or a relation does not exist.
	"""
	change = _manual_change(segment)
	relation = frappe.qb.DocType("Relation")
	wanted = frappe.qb.from_(relation).select(relation.name).where(relation.name.isin(relations or [""]))
	if missing := set(relations) - set(wanted.run(pluck=True)):
		refuse(_("Relation {0} does not exist. Choose one from the list."), ", ".join(sorted(missing)[:5]))
	change.enter(wanted)
	return change.finish()


def add_found(segment: str, names: QueryBuilder) -> RefreshResult:
	"""Add all relations that a query selects by name to a manual segment, in one query.

	:raises frappe.ValidationError: the segment is not manual.
	"""
	change = _manual_change(segment)
	change.enter(names)
	return change.finish()


def remove_members(segment: str, relations: list[str]) -> RefreshResult:
	"""Remove relations from a manual segment; their dates stay as history.

	:raises frappe.ValidationError: the segment is not manual.
	"""
	change = _manual_change(segment)
	change.leave(relations)
	return change.finish()


@deferrable
def remove_duplicate_members(relation: Document) -> None:
	"""End the later membership if two merged relations were members of the same segment."""
	member = frappe.qb.DocType(MEMBER)
	rows = (
		frappe.qb.from_(member)
		.select(member.segment, member.name)
		.where((member.relation == relation.name) & member.left_on.isnull())
		.orderby(member.segment)
		.orderby(member.entered)
		.orderby(member.name)
	).run()
	seen: set[str] = set()
	for segment, name in rows:
		if segment in seen:
			frappe.db.set_value(MEMBER, name, "left_on", now_datetime())
			frappe.db.set_value(SEGMENT, segment, "member_count", _count(segment), update_modified=False)
		seen.add(segment)


def forget(segment: str) -> None:
	"""Delete present and former members of a deleted segment."""
	frappe.db.delete(MEMBER, {"segment": segment})


def follow_rule(doc: Document) -> None:
	"""Refresh a saved segment whole in the next job, if it follows its relations and its definition has
	changed.
	"""
	if doc.kind == "Dynamic" and follows_changes(doc) and doc.refresh_fingerprint != _fingerprint(doc):
		queue.add_segments([doc.name])


def follows_changes(doc: Document) -> bool:
	"""Tell whether the segment is refreshed when relations change; after a pause, it must be refreshed whole."""
	return doc.refresh_mode == "As Relations Change" and not doc.disabled


def _manual_change(segment: str) -> "_Change":
	kind, _taken, version = _lock(segment)
	if kind != "Manual":
		refuse(
			_("The members of segment {0} follow from its rule. Change the rule, or make a manual segment."),
			segment,
		)
	return _Change(segment, version)


def _lock(segment: str) -> tuple[str, datetime | None, int]:
	"""Lock the segment until the transaction ends; returns its kind, last refresh and rule version."""
	try:
		row = frappe.db.get_value(
			SEGMENT, segment, ["kind", "last_refreshed", "rule_version"], for_update=True, wait=False
		)
	except frappe.QueryTimeoutError:
		refuse(
			_("Segment {0} is being refreshed. Try again when this is done."),
			segment,
			exception=SegmentBusyError,
		)
	if not row:
		refuse(_("Segment {0} does not exist."), segment, exception=frappe.DoesNotExistError)
	return row


class _Change:
	"""One change of the members of a locked segment; all its rows carry one moment."""

	def __init__(
		self,
		segment: str,
		version: int,
		began: float | None = None,
		on_progress: Progress | None = None,
	):
		self.segment = segment
		self.reached = on_progress or (lambda step: None)
		self.version = version or 0
		self.began = monotonic() if began is None else began
		self.now: datetime = now_datetime()
		self.entered = self.left = 0

	def replace(self, names: QueryBuilder) -> None:
		"""Make `names` the members, and no other relation."""
		member = frappe.qb.DocType(MEMBER)
		self.reached(SELECTING)
		with temp_tables.in_memory(), _matched(names) as matched:
			self.reached(LEAVING)
			self._leave(
				frappe.qb.update(member)
				.left_join(matched)
				.on(matched.name == member.relation)
				.where(matched.name.isnull())
			)
			self.reached(ENTERING)
			self.enter(frappe.qb.from_(matched).select(matched.name))
		self.reached(COUNTING)

	def replace_among(self, doc: Document, relations: list[str]) -> None:
		"""Make members of those of these relations that the segment selects; all others stay as they are."""
		selected = set(_selected(doc, relations).run(pluck=True))
		member = frappe.qb.DocType(MEMBER)
		inside = set(
			current(self.segment).where(member.relation.isin(selection.one_of(relations))).run(pluck=True)
		)
		self.leave(sorted(inside - selected))
		if entering := sorted(selected - inside):
			relation = frappe.qb.DocType("Relation")
			self.enter(
				frappe.qb.from_(relation)
				.select(relation.name)
				.where(relation.name.isin(selection.one_of(entering)))
			)

	def enter(self, names: QueryBuilder) -> None:
		"""Insert those of `names` that are not members now.

		The name of a row is a random head, one for each change, and the relation's name: unique, made by the
		database, and written in the order of the index.
		"""
		member, user = frappe.qb.DocType(MEMBER), frappe.session.user
		entering, inside = names.as_("entering"), member.as_("inside")
		head = frappe.generate_hash(length=10)
		row = {
			"name": Concat(f"{head}-", entering.name),
			"creation": Value(str(self.now)),
			"modified": Value(str(self.now)),
			"owner": Value(user),
			"modified_by": Value(user),
			"docstatus": Value(0),
			"idx": Value(0),
			"segment": Value(self.segment),
			"relation": entering.name,
			"entered": Value(str(self.now)),
			"rule_version": Value(self.version),
		}
		(
			frappe.qb.into(member)
			.columns(*row)
			.from_(entering)
			.left_join(inside)
			.on(
				(inside.segment == self.segment)
				& inside.left_on.isnull()
				& (inside.relation == entering.name)
			)
			.select(*row.values())
			.where(inside.name.isnull())
		).run()
		self.entered += _written()

	def leave(self, relations: list[str]) -> None:
		"""End the membership of these relations, if they are members now."""
		if relations:
			member = frappe.qb.DocType(MEMBER)
			self._leave(frappe.qb.update(member).where(member.relation.isin(selection.one_of(relations))))

	def _leave(self, update: QueryBuilder) -> None:
		member = frappe.qb.DocType(MEMBER)
		(
			update.set(member.left_on, str(self.now))
			.set(member.modified, str(self.now))
			.set(member.modified_by, frappe.session.user)
			.where((member.segment == self.segment) & member.left_on.isnull())
		).run()
		self.left += _written()

	def finish(
		self, kind: str | None = LIST, refresh_fingerprint: str | None = None, before: int | None = None
	) -> RefreshResult:
		"""Write the figures of the segment; this is not an edit, so `modified` stays.

		:param kind: what was looked at; None: the members were only counted
		:param refresh_fingerprint: fingerprint of a whole refresh
		:param before: number of members before; counting a large segment takes longer than looking at changed
			members
		"""
		members = _count(self.segment) if before is None else before + self.entered - self.left
		seconds = round(monotonic() - self.began, 3)
		figures: dict[str, Any] = {"member_count": members}
		if kind:
			figures |= {
				"last_refreshed": self.now,
				"last_refresh_kind": kind,
				"last_duration": seconds,
				**health.READY,
			}
		if refresh_fingerprint:
			figures["refresh_fingerprint"] = refresh_fingerprint
		frappe.db.set_value(SEGMENT, self.segment, figures, update_modified=False)
		announced = self._tell_others() if self.entered or self.left else queue.NOTHING
		return RefreshResult(
			self.segment, self.entered, self.left, members, kind or LIST, seconds, self.now, announced
		)

	def _tell_others(self) -> Waiting:
		"""Queue relations that entered or left, for the segments that depend on this one."""
		if not (others := dependencies.asking_for(self.segment)):
			return queue.NOTHING
		if self.entered + self.left > queue.MANY:
			return queue.add_segments(others)
		member = frappe.qb.DocType(MEMBER)
		moved = (
			frappe.qb.from_(member)
			.select(member.relation)
			.distinct()
			.where(member.segment == self.segment)
			.where((member.entered == str(self.now)) | (member.left_on == str(self.now)))
		)
		return queue.add(moved.run(pluck=True))


def _count(segment: str) -> int:
	member = frappe.qb.DocType(MEMBER)
	return (
		frappe.qb.from_(member)
		.select(Count("*"))
		.where((member.segment == segment) & member.left_on.isnull())
		.run()[0][0]
	)


@contextmanager
def _matched(names: QueryBuilder) -> Iterator[Table]:
	"""Put the names into a temporary table of the session, which is dropped at the end.

	MariaDB would otherwise evaluate the rule twice, for leaving and for new members. A temporary table
	commits nothing; the comment prevents Frappe from treating it as a query that does.
	"""
	frappe.db.sql("/* temporary */ DROP TEMPORARY TABLE IF EXISTS `relation_segment_matched`")
	frappe.db.sql(
		"/* temporary */ CREATE TEMPORARY TABLE `relation_segment_matched` (PRIMARY KEY (`name`))"
		" SELECT `name` FROM `tabRelation` LIMIT 0"
	)
	matched, found = Table("relation_segment_matched"), names.as_("found")
	try:
		frappe.qb.into(matched).columns("name").from_(found).select(found.name).run()
		yield matched
	finally:
		frappe.db.sql("/* temporary */ DROP TEMPORARY TABLE IF EXISTS `relation_segment_matched`")


def _written() -> int:
	"""Return the number of rows that the last query has inserted or changed."""
	return frappe.db.sql("SELECT ROW_COUNT()")[0][0]

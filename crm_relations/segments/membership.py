"""Who is in a segment, since when and until when. Alone writes Relation Segment Member and a segment's figures.

A refresh is set-based: one query finds who leaves, one statement lets all enter who are new. That statement
reads the newest rows and not the snapshot of the transaction, and the segment is locked while it runs, so
that two refreshes at a time never enter a relation twice.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder.functions import Count
from frappe.query_builder.terms import ParameterizedValueWrapper as Value
from frappe.utils import now_datetime
from pypika.functions import Concat
from pypika.queries import QueryBuilder
from pypika.terms import Criterion

from crm_relations.segments import selection
from crm_relations.segments.rules import RuleError
from crm_relations.shared.isolation import reading_what_is_committed

MEMBER = "Relation Segment Member"
SEGMENT = "Relation Segment"
CHUNK = 5_000


class SegmentBusyError(frappe.ValidationError):
	"""Somebody else refreshes the segment at this moment."""


@dataclass(frozen=True)
class RefreshResult:
	"""What a refresh did: relations that entered and left, and members now."""

	segment: str
	entered: int
	left: int
	members: int

	def as_dict(self) -> dict[str, str | int]:
		return asdict(self)


def refresh(segment: str, retake: bool = False) -> RefreshResult:
	"""Bring the members of a segment in line with its rule, its pins and its sample.

	A manual segment is only counted anew, and so is a snapshot that was taken.

	Runs in the caller's transaction and does not commit. Until the caller commits, the relations and
	invoices that were read may be locked against change: a large segment is better refreshed by
	`refresh_and_commit`.

	:param retake: take a snapshot anew
	:raises SegmentBusyError: another refresh of this segment is under way.
	:raises frappe.ValidationError: the rule is broken; the members stay as they are.
	"""
	kind, taken, version = _lock(segment)
	if kind == "Manual" or (kind == "Snapshot" and taken and not retake):
		return _Change(segment, version).finish(refreshed=kind == "Manual")
	try:
		matched = selection.selected(frappe.get_doc(SEGMENT, segment, for_update=True))
	except RuleError as error:
		frappe.throw(
			_("The rule of segment {0} is broken and its members stay as they are. {1}").format(
				segment, error.message(_)
			)
		)
	change = _Change(segment, version)
	change.leave_all_but(matched)
	change.enter(matched)
	return change.finish()


def refresh_and_commit(segment: str, retake: bool = False) -> RefreshResult:
	"""As `refresh`, in a transaction of its own that is committed. For jobs and the command line.

	It reads what is committed (READ COMMITTED), so that MariaDB takes no locks on the relations and
	invoices that it reads: nobody who submits an invoice meanwhile has to wait.
	"""
	with reading_what_is_committed():
		try:
			result = refresh(segment, retake)
		except Exception:
			frappe.db.rollback()
			raise
		frappe.db.commit()
	return result


def current(segment: str) -> QueryBuilder:
	"""The query that selects the names of the relations that are in the segment now, each once."""
	member = frappe.qb.DocType(MEMBER)
	return (
		frappe.qb.from_(member)
		.select(member.relation)
		.where((member.segment == segment) & member.left_on.isnull())
	)


def add_members(segment: str, relations: list[str]) -> RefreshResult:
	"""Put relations into a manual segment; those that are in it already stay as they are.

	:raises frappe.ValidationError: the segment is not manual, or a relation does not exist.
	"""
	change = _manual_change(segment)
	relation = frappe.qb.DocType("Relation")
	wanted = frappe.qb.from_(relation).select(relation.name).where(relation.name.isin(relations or [""]))
	if missing := set(relations) - set(wanted.run(pluck=True)):
		frappe.throw(
			_("There is no relation {0}. Choose one of the list.").format(", ".join(sorted(missing)[:5]))
		)
	change.enter(wanted)
	return change.finish()


def add_found(segment: str, names: QueryBuilder) -> RefreshResult:
	"""Put all relations whose names a query selects into a manual segment, in one statement.

	:raises frappe.ValidationError: the segment is not manual.
	"""
	change = _manual_change(segment)
	change.enter(names)
	return change.finish()


def remove_members(segment: str, relations: list[str]) -> RefreshResult:
	"""Let relations leave a manual segment; their dates stay as history.

	:raises frappe.ValidationError: the segment is not manual.
	"""
	change = _manual_change(segment)
	change.leave(relations)
	return change.finish()


def leave_doubles(relation: Document) -> None:
	"""Two relations became one and both were members of a segment: the later membership ends."""
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
		seen.add(segment)


def forget(segment: str) -> None:
	"""The segment is deleted: its members, former ones too, go with it."""
	frappe.db.delete(MEMBER, {"segment": segment})


def _manual_change(segment: str) -> "_Change":
	kind, _taken, version = _lock(segment)
	if kind != "Manual":
		frappe.throw(
			_(
				"The members of segment {0} follow from its rule. Change the rule, or make a manual segment."
			).format(segment)
		)
	return _Change(segment, version)


def _lock(segment: str) -> tuple[str, datetime | None, int]:
	"""Lock the segment until the transaction ends; returns its kind, last refresh and rule version."""
	try:
		row = frappe.db.get_value(
			SEGMENT, segment, ["kind", "last_refreshed", "rule_version"], for_update=True, wait=False
		)
	except frappe.QueryTimeoutError:
		frappe.throw(
			_("Segment {0} is being refreshed at this moment. Try again when it is done.").format(segment),
			SegmentBusyError,
		)
	if not row:
		frappe.throw(_("There is no segment {0}.").format(segment), frappe.DoesNotExistError)
	return row


class _Change:
	"""One change of the members of a locked segment; all its rows carry one moment."""

	def __init__(self, segment: str, version: int):
		self.segment = segment
		self.version = version or 0
		self.now: datetime = now_datetime()
		self.before = self._count()

	def enter(self, names: QueryBuilder) -> None:
		"""Insert those of `names` who are no members now.

		The name of a row is a random head, one for each change, and the relation's name: unique, made by the
		database, and written in the order of the index.
		"""
		member, user = frappe.qb.DocType(MEMBER), frappe.session.user
		entering = names.as_("entering")
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
			.select(*row.values())
			.where(entering.name.notin(current(self.segment)))
		).run()

	def leave_all_but(self, names: QueryBuilder) -> None:
		"""Those who are members now and not among `names` leave.

		An outer join, not NOT IN, and the names first, not an UPDATE with the rule inside: MariaDB would work
		the rule out anew for every member (minutes instead of a second for 100,000 members).
		"""
		member, matched = frappe.qb.DocType(MEMBER), names.as_("matched")
		rows = (
			frappe.qb.from_(member)
			.left_join(matched)
			.on(matched.name == member.relation)
			.select(member.name)
			.where((member.segment == self.segment) & member.left_on.isnull() & matched.name.isnull())
			.run(pluck=True)
		)
		for start in range(0, len(rows), CHUNK):
			self._leave(member.name.isin(rows[start : start + CHUNK]))

	def leave(self, relations: list[str]) -> None:
		"""These relations leave, as far as they are members now."""
		self._leave(frappe.qb.DocType(MEMBER).relation.isin(relations or [""]))

	def _leave(self, criterion: Criterion) -> None:
		member = frappe.qb.DocType(MEMBER)
		(
			frappe.qb.update(member)
			.set(member.left_on, str(self.now))
			.set(member.modified, str(self.now))
			.set(member.modified_by, frappe.session.user)
			.where((member.segment == self.segment) & member.left_on.isnull())
			.where(criterion)
		).run()

	def finish(self, refreshed: bool = True) -> RefreshResult:
		"""Write the figures of the segment; they are no edit of it, so `modified` stays.

		:param refreshed: the members were brought up to date; otherwise they were only counted
		"""
		members = self._count()
		member = frappe.qb.DocType(MEMBER)
		left = (
			frappe.qb.from_(member)
			.select(Count("*"))
			.where((member.segment == self.segment) & (member.left_on == str(self.now)))
			.run()[0][0]
		)
		figures = {"member_count": members, **({"last_refreshed": self.now} if refreshed else {})}
		frappe.db.set_value(SEGMENT, self.segment, figures, update_modified=False)
		return RefreshResult(self.segment, entered=members - self.before + left, left=left, members=members)

	def _count(self) -> int:
		member = frappe.qb.DocType(MEMBER)
		return (
			frappe.qb.from_(member)
			.select(Count("*"))
			.where((member.segment == self.segment) & member.left_on.isnull())
			.run()[0][0]
		)

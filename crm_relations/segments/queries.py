"""Read segments: preview and members with the reader's permissions. Writes nothing."""

from collections.abc import Collection
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.query_builder.functions import Count
from frappe.utils.caching import site_cache
from pypika.queries import QueryBuilder
from pypika.terms import Case, Criterion

from crm_relations.relations import permissions as permissions_of_relations
from crm_relations.segments import confidential
from crm_relations.segments.compilation import compiler, selection
from crm_relations.segments.compilation.compiler import Rule
from crm_relations.segments.members import membership
from crm_relations.segments.members.membership import RefreshResult
from crm_relations.shared import temp_tables
from crm_relations.shared.access import permissions

SEGMENT = "Relation Segment"
#: number of relations to look at for a sample, as a multiple of the average need
MARGIN = 3
#: columns of Relation in a preview and in a list of members
COLUMNS = ("name", "relation_name", "relation_kind", "stage", "industry", "territory", "city", "responsible")


def preview(rule: Rule, limit: int = 10) -> dict[str, Any]:
	"""Return `{"count", "sample"}` of the relations that match the rule and that the session's user may read.

	:param limit: rows of the sample, each with the keys of `COLUMNS`.
	:raises rules.RuleError: names the path of the fault.
	"""
	relation, limit = frappe.qb.DocType("Relation"), max(0, min(limit, 100))

	def fitting(last: str | None = None) -> QueryBuilder:
		query = readable(frappe.qb.from_(relation))
		criterion = confidential.criterion_of(rule, last)
		query = query if criterion is None else query.where(criterion)
		return query if last is None else query.where(relation.name <= last)

	with temp_tables.in_memory():
		count = _count(confidential.criterion_of(rule))
		if last := _far_enough(count, limit):
			sample = _sample(fitting(last), limit)
			if len(sample) == min(count, limit):
				return {"count": count, "sample": sample}
		return {"count": count, "sample": _sample(fitting(), limit) if count and limit else []}


def _count(criterion: Criterion | None) -> int:
	"""Count the matching relations that the session's user may read."""
	relations = frappe.qb.from_(frappe.qb.DocType("Relation"))
	query = readable(relations)
	if query is relations:
		return compiler.count_of(criterion)
	query = query if criterion is None else query.where(criterion)
	return query.select(Count("*")).run()[0][0]


def _far_enough(count: int, limit: int) -> str | None:
	"""Return a name up to which the first `limit` of `count` matches are most likely found; None if it is not
	worth it.

	Names are random: among the first tenth of all relations is about a tenth of the matches. So the sample
	does not cost as much again as the count.
	"""
	if not count or not limit:
		return None
	relation = frappe.qb.DocType("Relation")
	in_all = _in_all()
	offset = in_all * limit * MARGIN // count
	if offset > in_all // 2:
		return None
	rows = (
		frappe.qb.from_(relation).select(relation.name).orderby(relation.name).limit(1).offset(offset).run()
	)
	return rows[0][0] if rows else None


@site_cache(ttl=600)
def _in_all() -> int:
	"""Estimate the number of relations; a preview asks at each key that is typed."""
	return frappe.db.estimate_count("Relation")


def _sample(query: QueryBuilder, limit: int) -> list[dict[str, Any]]:
	relation = frappe.qb.DocType("Relation")
	return (
		query.select(*(relation[column] for column in COLUMNS))
		.orderby(relation.name)
		.limit(limit)
		.run(as_dict=True)
	)


def preview_of(segment: Document, limit: int = 10) -> dict[str, Any]:
	"""Return `{"count", "sample"}` of what a saved segment selects today, pins and sample included.

	For a manual segment and a snapshot, these are its members.

	:raises rules.RuleError: names the path of the fault.
	"""
	if segment.kind == "Manual" or (segment.kind == "Snapshot" and segment.last_refreshed):
		query = membership.current(segment.name)
	else:
		query = selection.selected(segment)
	relation, chosen = frappe.qb.DocType("Relation"), query.as_("chosen")
	chosen_names = frappe.qb.from_(chosen).select(chosen.star)
	found = readable(frappe.qb.from_(relation)).where(relation.name.isin(chosen_names))
	with temp_tables.in_memory():
		return {
			"count": found.select(Count("*")).run()[0][0],
			"sample": _sample(found, max(0, min(limit, 100))),
		}


def members(segment: str, limit: int = 20, start: int = 0, former: bool = False) -> list[dict[str, Any]]:
	"""Return members that the session's user may read, with `entered` and `left_on`, newest first.

	:param former: include those that have left.
	"""
	relation, member = frappe.qb.DocType("Relation"), frappe.qb.DocType("Relation Segment Member")
	query = (
		readable(frappe.qb.from_(relation))
		.join(member)
		.on(member.relation == relation.name)
		.where(member.segment == segment)
		.select(
			*(relation[column] for column in COLUMNS), member.entered, member.left_on, member.rule_version
		)
		.orderby(member.entered, order=frappe.qb.desc)
		.orderby(member.name)
		.limit(max(0, min(limit, 500)))
		.offset(max(0, start))
	)
	if not former:
		query = query.where(member.left_on.isnull())
	return query.run(as_dict=True)


def counts(segments: Collection[str]) -> dict[str, int]:
	"""Return segment → its members that the session's user may read."""
	if permissions_of_relations.sees_all():
		found = frappe.get_all(
			SEGMENT,
			filters={"name": ["in", list(segments)]},
			fields=["name", "member_count"],
			order_by="name asc",
		)
		return {row.name: row.member_count for row in found}
	relation, member = frappe.qb.DocType("Relation"), frappe.qb.DocType(membership.MEMBER)
	query = (
		readable(frappe.qb.from_(relation))
		.join(member)
		.on(member.relation == relation.name)
		.where(member.segment.isin(list(segments) or [""]) & member.left_on.isnull())
		.groupby(member.segment)
		.select(member.segment, Count("*"))
	)
	return {**dict.fromkeys(segments, 0), **dict(query.run())}


def seen_of(result: RefreshResult) -> dict[str, Any]:
	"""Return the result of a refresh, counting only relations that the session's user may read: entered,
	left, members.
	"""
	if permissions_of_relations.sees_all():
		return result.as_dict()
	relation, member = frappe.qb.DocType("Relation"), frappe.qb.DocType(membership.MEMBER)
	moved = {}
	for field in ("entered", "left_on"):
		query = readable(frappe.qb.from_(relation)).join(member).on(member.relation == relation.name)
		query = query.where((member.segment == result.segment) & (member[field] == str(result.moment)))
		moved[field] = query.select(Count("*")).run()[0][0]
	return {
		**result.as_dict(),
		"entered": moved["entered"],
		"left": moved["left_on"],
		"members": counts([result.segment])[result.segment],
	}


def standing(segment: str) -> dict[str, Any]:
	"""Return the state of the last refresh for the form.

	It has the members that the user may read, whether these are all, time, kind and duration of the refresh,
	and what is wrong.
	"""
	row = frappe.db.get_value(
		SEGMENT,
		segment,
		["last_refreshed", "last_refresh_kind", "last_duration", "state", "problem", "rule_version"],
		as_dict=True,
	)
	return {**row, "members": counts([segment])[segment], "all": permissions_of_relations.sees_all()}


def segments_of(relation: str) -> list[dict[str, Any]]:
	"""Return the segments that a relation is or was in and that the session's user may read, current ones
	first.
	"""
	segment, member = frappe.qb.DocType("Relation Segment"), frappe.qb.DocType("Relation Segment Member")
	query = permissions.readable(frappe.qb.from_(segment), "Relation Segment")
	if query is None:
		return []
	return (
		query.join(member)
		.on(member.segment == segment.name)
		.where(member.relation == relation)
		.select(
			segment.name.as_("segment"), segment.kind, member.entered, member.left_on, member.rule_version
		)
		.orderby(Case().when(member.left_on.isnull(), 0).else_(1))
		.orderby(member.entered, order=frappe.qb.desc)
		.orderby(member.name)
		.limit(200)
		.run(as_dict=True)
	)


def readable(query: QueryBuilder) -> QueryBuilder:
	"""Narrow the query on `tabRelation` to what the session's user may read; without permission it finds
	nothing.
	"""
	narrowed = permissions.readable(query, "Relation")
	return query.where(frappe.qb.DocType("Relation").name == "") if narrowed is None else narrowed


def readable_names(names: list[str]) -> list[str]:
	"""Return those of the names that exist and that the session's user may read."""
	relation = frappe.qb.DocType("Relation")
	query = frappe.qb.from_(relation).select(relation.name).where(relation.name.isin(names or [""]))
	return readable(query).run(pluck=True)

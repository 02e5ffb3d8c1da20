"""What can be read of a segment: preview and members with the reader's rights. Writes nothing."""

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
#: so many times the relations that a sample would need on average are looked at for it
MARGIN = 3
#: What a preview and a list of members show of a relation
COLUMNS = ("name", "relation_name", "relation_kind", "stage", "industry", "territory", "city", "responsible")


def preview(rule: Rule, limit: int = 10) -> dict[str, Any]:
	"""`{"count", "sample"}` of the relations that fit the rule and that the session's user may read.

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
	"""How many relations fit that the session's user may read."""
	relations = frappe.qb.from_(frappe.qb.DocType("Relation"))
	query = readable(relations)
	if query is relations:
		return compiler.count_of(criterion)
	query = query if criterion is None else query.where(criterion)
	return query.select(Count("*")).run()[0][0]


def _far_enough(count: int, limit: int) -> str | None:
	"""A name up to which the first `limit` of `count` relations are most likely found; None: it is not worth it.

	Names are drawn at random: among the first tenth there is about a tenth of those who fit. So the sample does not
	cost a second time what the count has cost.
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
	"""About how many relations there are; a preview asks at each key that is typed."""
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
	"""`{"count", "sample"}` of those whom a saved segment selects today, pins and sample included.

	Those whom a manual segment lists, and a snapshot has found, are its members.

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
	"""Members that the session's user may read, with `entered` and `left_on`, newest first.

	:param former: those who have left as well.
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
	"""segment → its members that the session's user may read."""
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
	"""What a refresh did, as far as the session's user may read the relations: entered, left, members."""
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
	"""What the form tells of the last refresh: members that the user may read, whether these are all, when and how it was
	refreshed, how long it took, and what is wrong."""
	row = frappe.db.get_value(
		SEGMENT,
		segment,
		["last_refreshed", "last_refresh_kind", "last_duration", "state", "problem", "rule_version"],
		as_dict=True,
	)
	return {**row, "members": counts([segment])[segment], "all": permissions_of_relations.sees_all()}


def segments_of(relation: str) -> list[dict[str, Any]]:
	"""The segments, among those the session's user may read, that a relation is or was in: the present ones first."""
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
	"""The query on `tabRelation`, narrowed to what the session's user may read; without a right it finds nothing."""
	narrowed = permissions.readable(query, "Relation")
	return query.where(frappe.qb.DocType("Relation").name == "") if narrowed is None else narrowed


def readable_names(names: list[str]) -> list[str]:
	"""Those of the names that exist and that the session's user may read."""
	relation = frappe.qb.DocType("Relation")
	query = frappe.qb.from_(relation).select(relation.name).where(relation.name.isin(names or [""]))
	return readable(query).run(pluck=True)

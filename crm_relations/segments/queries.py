"""What can be read of a segment: preview and members with the reader's rights. Writes nothing."""

from typing import Any

import frappe
from frappe.desk.reportview import build_match_conditions
from frappe.model.document import Document
from frappe.permissions import get_role_permissions
from frappe.query_builder.functions import Count
from frappe.share import get_shared
from pypika.queries import QueryBuilder
from pypika.terms import Criterion

from crm_relations.segments import compiler, membership, selection
from crm_relations.segments.compiler import Rule

#: What a preview and a list of members show of a relation
COLUMNS = ("name", "relation_name", "relation_kind", "stage", "industry", "territory", "city", "responsible")


class _MatchConditions(Criterion):
	"""The user's conditions on `tabRelation`, as Frappe writes them for its own lists."""

	def __init__(self, sql: str):
		super().__init__()
		self.sql = sql

	def get_sql(self, **kwargs: Any) -> str:
		return f"({self.sql})"


def preview(rule: Rule, limit: int = 10) -> dict[str, Any]:
	"""`{"count", "sample"}` of the relations that fit the rule and that the session's user may read.

	:param limit: rows of the sample, each with the keys of `COLUMNS`.
	:raises rules.RuleError: names the path of the fault.
	"""
	relation = frappe.qb.DocType("Relation")
	query = readable(frappe.qb.from_(relation))
	if (criterion := compiler.criterion_of(rule)) is not None:
		query = query.where(criterion)
	return _preview(query, limit)


def _preview(query: QueryBuilder, limit: int) -> dict[str, Any]:
	relation = frappe.qb.DocType("Relation")
	return {
		"count": query.select(Count("*")).run()[0][0],
		"sample": query.select(*(relation[column] for column in COLUMNS))
		.orderby(relation.name)
		.limit(max(0, min(limit, 100)))
		.run(as_dict=True),
	}


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
	return _preview(readable(frappe.qb.from_(relation)).where(relation.name.isin(chosen_names)), limit)


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


def readable(query: QueryBuilder) -> QueryBuilder:
	"""The query on `tabRelation`, narrowed to what the session's user may read: roles, user permissions, shares."""
	user = frappe.session.user
	relation = frappe.qb.DocType("Relation")
	if user == "Administrator":
		return query
	if not get_role_permissions(frappe.get_meta("Relation"), user=user).get("read"):
		return query.where(relation.name.isin(get_shared("Relation", user) or [""]))
	conditions = build_match_conditions("Relation", user=user)
	if not conditions:
		return query
	# the parameter makes sure that the driver turns %% in the conditions back into %
	return query.where(relation.name != "").where(_MatchConditions(conditions))


def readable_names(names: list[str]) -> list[str]:
	"""Those of the names that exist and that the session's user may read."""
	relation = frappe.qb.DocType("Relation")
	query = frappe.qb.from_(relation).select(relation.name).where(relation.name.isin(names or [""]))
	return readable(query).run(pluck=True)

"""Compile a rule tree to one SQL query. Writes nothing.

Values are parameters and names come from the catalogue; nothing else enters the SQL. Every condition is
compiled twice-valued: it or its opposite, never NULL. A `none` group is pushed down to its conditions (none
of a, b = not a and not b), so that the database sees plain comparisons for which it can use an index. The SQL
of a condition comes from its source (`sources`, `events`).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import reduce
from operator import and_, or_

import frappe
from frappe.query_builder.functions import Count
from frappe.utils import getdate, nowdate
from pypika.enums import Boolean
from pypika.queries import QueryBuilder, Table
from pypika.terms import ComplexCriterion, Criterion, Term

from crm_relations.relations.facts.sources import OneOf
from crm_relations.segments.fields import catalogue
from crm_relations.segments.fields.catalogue import Event, Field
from crm_relations.segments.fields.events import asks_only_whether, event_of, field_of
from crm_relations.segments.fields.sources import PARTY, Owned, Scope
from crm_relations.segments.language import rules
from crm_relations.segments.language.rules import Condition, EventCondition, Group, Node

Rule = str | Mapping | Group


def parse(rule: Rule) -> Group:
	"""Return the tree of a rule with fields, operators and values checked against the catalogue.

	:raises rules.RuleError: names the path of the fault.
	"""
	return rules.parse(rule, catalogue.fields())


def compile_rule(rule: Rule, relations: Collection[str] | None = None) -> QueryBuilder:
	"""Return the query that selects the names of the relations that match the rule, each once.

	:param rule: JSON text, JSON data, or a tree as `parse` returns it.
	:param relations: only among these; sub-queries read no others either
	:raises rules.RuleError: names the path of the fault.
	"""
	relation = frappe.qb.DocType("Relation")
	query = frappe.qb.from_(relation).select(relation.name)
	if relations is not None:
		query = query.where(relation.name.isin(OneOf(relations)))
	criterion = criterion_of(rule, relations)
	return query if criterion is None else query.where(criterion)


def criterion_of(
	rule: Rule,
	relations: Collection[str] | None = None,
	last: str | None = None,
	narrow: Callable[[QueryBuilder], QueryBuilder] | None = None,
) -> Criterion | None:
	"""Return the rule as a condition on `tabRelation`; None if every relation matches.

	:param relations: only these are asked for
	:param last: only relations with names up to this one are asked for
	:param narrow: narrows rows of documents to those of a reader (`Scope.narrow`)
	"""
	return node_criterion(parse(rule), catalogue.fields(), scope(relations, last, narrow))


def scope(
	relations: Collection[str] | None = None,
	last: str | None = None,
	narrow: Callable[[QueryBuilder], QueryBuilder] | None = None,
) -> Scope:
	"""Return a scope of today, by the site's clock, for all relations or for some."""
	return Scope(getdate(nowdate()), None if relations is None else OneOf(relations), last, narrow)


def names_of(criterion: Criterion | None) -> QueryBuilder:
	"""Return the query that selects as `name` the matching relations, each once. It cannot be extended.

	:param criterion: on `tabRelation`, as `criterion_of` returns it
	"""
	if criterion is not None and (owners := _owners(criterion)):
		return owners
	relation = frappe.qb.DocType("Relation")
	query = frappe.qb.from_(relation).select(relation.name)
	return query if criterion is None else query.where(criterion)


def count(rule: Rule) -> int:
	"""Count all relations that match the rule, regardless of the user's permissions."""
	return count_of(criterion_of(rule))


def count_of(criterion: Criterion | None) -> int:
	"""Count the matching relations."""
	table = names_of(criterion).as_("found")
	return frappe.qb.from_(table).select(Count("*")).run()[0][0]


def matches(rule: Rule, relation: str) -> bool:
	"""Tell whether this relation matches the rule."""
	return bool(compile_rule(rule, [relation]).run())


def node_criterion(
	node: Node, fields: Mapping[str, Field | Event], when: Scope, negated: bool = False
) -> Criterion | None:
	"""Return a group or condition over these fields, or its opposite; None for an empty group, which all rows
	match.
	"""
	if isinstance(node, Condition):
		field = field_of(fields, node.field)
		return field.source.criterion(field, node, negated, when)
	if isinstance(node, EventCondition):
		event = event_of(fields, node.event)
		where = node_criterion(node.where, event.fields, when)
		return event.criterion(node, where, negated, when)
	below = negated != (node.kind == "none")
	children: Sequence[Node] = node.children
	parts: list[Criterion | None] = []
	if node.kind == "all" and not negated:
		parts, children = _lapsed(children, fields, when)
	parts += [node_criterion(child, fields, when, below) for child in children]
	if not parts:
		return None  # only the empty `all` at the root, or of an event, gets through the parser
	is_and = (node.kind == "all") != negated if node.kind != "none" else not negated
	return reduce(and_ if is_and else or_, parts)


def _owners(criterion: Criterion) -> QueryBuilder | None:
	"""Return the matching relations as owners of rows, if nothing else is asked of them; otherwise None.

	MariaDB would gather the owners and then look up every relation among them. Only rows of Relation Party
	qualify: they are parts of their relation and never outlive it.
	"""
	asked = _all_parts(criterion)
	if not all(isinstance(part, Owned) for part in asked):
		return None
	first = next((part for part in asked if part.wanted and _is_of_parties(part.owner)), None)
	if first is None:
		return None
	query = reduce(
		lambda found, part: found.where(part.asked_of(first.owner)),
		[part for part in asked if part is not first],
		first.container,
	)
	table = query.distinct().as_("owners")
	return frappe.qb.from_(table).select(table[first.owner.name].as_("name"))


def _all_parts(criterion: Criterion) -> list[Criterion]:
	"""Return the parts that must all hold for the criterion to hold."""
	if isinstance(criterion, ComplexCriterion) and criterion.comparator == Boolean.and_:
		return _all_parts(criterion.left) + _all_parts(criterion.right)
	return [criterion]


def _is_of_parties(owner: Term | None) -> bool:
	table = getattr(owner, "table", None)
	return isinstance(table, Table) and table.get_table_name() == f"tab{PARTY}"


def _lapsed(
	children: tuple[Node, ...], fields: Mapping[str, Field | Event], when: Scope
) -> tuple[list[Criterion], list[Node]]:
	"""Combine parts of an `all` group that together say that an event happened, but not recently.

	Returns criteria that look at the rows once, and the parts that are left.
	"""
	found, answered = [], set()
	events = [(place, one) for place, one in enumerate(children) if isinstance(one, EventCondition)]
	for place, never in events:
		for other, once in events:
			lately = _narrowed(once, never)
			if lately is None:
				continue
			event = event_of(fields, never.event)
			where, more = (node_criterion(group, event.fields, when) for group in (once.where, lately))
			if (criterion := event.lapsed(where, more, when)) is not None:
				found.append(criterion)
				answered |= {place, other}
				break
	return found, [one for place, one in enumerate(children) if place not in answered]


def _narrowed(once: EventCondition, never: EventCondition) -> Group | None:
	"""Return what "never" asks in addition to "at least once" of the same event; None if the two are not such
	a pair.
	"""
	if (
		once.event != never.event
		or asks_only_whether(once) is not True
		or asks_only_whether(never) is not False
	):
		return None
	if not all(one in never.where.children for one in once.where.children):
		return None
	beyond = tuple(one for one in never.where.children if one not in once.where.children)
	return Group("all", beyond) if beyond else None

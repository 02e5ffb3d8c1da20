"""From a rule tree to one SQL statement. Values are parameters, names come from the catalogue, nothing else.

Every condition is compiled twice-valued: it or its opposite, never NULL. A `none` group is pushed down to
its conditions (none of a, b = not a and not b), so that the database sees plain comparisons that it can use
an index for. What a condition is in SQL, its source knows (`sources`, `events`).
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
	"""The tree of a rule with fields, operators and values checked against the catalogue.

	:raises rules.RuleError: names the path of the fault.
	"""
	return rules.parse(rule, catalogue.fields())


def compile_rule(rule: Rule, relations: Collection[str] | None = None) -> QueryBuilder:
	"""The query that selects the names of the relations that fit the rule, each once.

	:param rule: JSON text, JSON data, or a tree as `parse` gives it.
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
	"""The rule as a condition on `tabRelation`; None where every relation fits.

	:param relations: it is asked of these only
	:param last: it is asked only of those whose names come up to this one
	:param narrow: narrows rows of documents to those of a reader (`Scope.narrow`)
	"""
	return node_criterion(parse(rule), catalogue.fields(), scope(relations, last, narrow))


def scope(
	relations: Collection[str] | None = None,
	last: str | None = None,
	narrow: Callable[[QueryBuilder], QueryBuilder] | None = None,
) -> Scope:
	"""Today, by the site's clock, of all relations or of some."""
	return Scope(getdate(nowdate()), None if relations is None else OneOf(relations), last, narrow)


def names_of(criterion: Criterion | None) -> QueryBuilder:
	"""The query that selects as `name` the relations that fit, each once. Nothing can be added to it.

	:param criterion: on `tabRelation`, as `criterion_of` gives it
	"""
	if criterion is not None and (owners := _owners(criterion)):
		return owners
	relation = frappe.qb.DocType("Relation")
	query = frappe.qb.from_(relation).select(relation.name)
	return query if criterion is None else query.where(criterion)


def count(rule: Rule) -> int:
	"""How many relations fit the rule, whoever asks."""
	return count_of(criterion_of(rule))


def count_of(criterion: Criterion | None) -> int:
	"""How many relations fit."""
	table = names_of(criterion).as_("found")
	return frappe.qb.from_(table).select(Count("*")).run()[0][0]


def matches(rule: Rule, relation: str) -> bool:
	"""Does this relation fit the rule?"""
	return bool(compile_rule(rule, [relation]).run())


def node_criterion(
	node: Node, fields: Mapping[str, Field | Event], when: Scope, negated: bool = False
) -> Criterion | None:
	"""A group or condition over these fields, or its opposite; None for an empty group, which all rows fit."""
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
		parts, children = _ended(children, fields, when)
	parts += [node_criterion(child, fields, when, below) for child in children]
	if not parts:
		return None  # only the empty `all` at the root, or of an event, gets through the parser
	is_and = (node.kind == "all") != negated if node.kind != "none" else not negated
	return reduce(and_ if is_and else or_, parts)


def _owners(criterion: Criterion) -> QueryBuilder | None:
	"""The relations that fit, as owners of rows, where nothing else is asked of them; None where it is.

	MariaDB would gather the owners and then look every relation up among them. Only rows of Relation Party serve: they
	are parts of their relation and never outlive it.
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
	"""What must hold, all of it, for the criterion to hold."""
	if isinstance(criterion, ComplexCriterion) and criterion.comparator == Boolean.and_:
		return _all_parts(criterion.left) + _all_parts(criterion.right)
	return [criterion]


def _is_of_parties(owner: Term | None) -> bool:
	table = getattr(owner, "table", None)
	return isinstance(table, Table) and table.get_table_name() == f"tab{PARTY}"


def _ended(
	children: tuple[Node, ...], fields: Mapping[str, Field | Event], when: Scope
) -> tuple[list[Criterion], list[Node]]:
	"""Among the parts of an `all` group, those that together say that something happened, but not lately: in criteria
	that look at the rows once; and the parts that are left.
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
			if (criterion := event.ended(where, more, when)) is not None:
				found.append(criterion)
				answered |= {place, other}
				break
	return found, [one for place, one in enumerate(children) if place not in answered]


def _narrowed(once: EventCondition, never: EventCondition) -> Group | None:
	"""What "never" asks beyond "at least once" of the same event; None if they are no such pair."""
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

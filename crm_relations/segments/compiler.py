"""From a rule tree to one SQL statement. Values are parameters, names come from the catalogue, nothing else.

Every condition is compiled twice-valued: it or its opposite, never NULL. A `none` group is pushed down to
its conditions (none of a, b = not a and not b), so that the database sees plain comparisons that it can use
an index for. What a condition is in SQL, its source knows (`sources`, `events`).
"""

from collections.abc import Collection, Mapping
from functools import reduce
from operator import and_, or_

import frappe
from frappe.query_builder.functions import Count
from frappe.utils import getdate, nowdate
from pypika.queries import QueryBuilder
from pypika.terms import Criterion

from crm_relations.relations.facts.sources import OneOf
from crm_relations.segments import catalogue, rules
from crm_relations.segments.catalogue import Event, Field
from crm_relations.segments.rules import Condition, EventCondition, Group, Node
from crm_relations.segments.sources import Scope

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
	rule: Rule, relations: Collection[str] | None = None, last: str | None = None
) -> Criterion | None:
	"""The rule as a condition on `tabRelation`; None where every relation fits.

	:param relations: it is asked of these only
	:param last: it is asked only of those whose names come up to this one
	"""
	return node_criterion(parse(rule), catalogue.fields(), scope(relations, last))


def scope(relations: Collection[str] | None = None, last: str | None = None) -> Scope:
	"""Today, by the site's clock, of all relations or of some."""
	return Scope(getdate(nowdate()), None if relations is None else OneOf(relations), last)


def count(rule: Rule) -> int:
	"""How many relations fit the rule, whoever asks."""
	relation = frappe.qb.DocType("Relation")
	query = frappe.qb.from_(relation).select(Count("*"))
	criterion = criterion_of(rule)
	return (query if criterion is None else query.where(criterion)).run()[0][0]


def matches(rule: Rule, relation: str) -> bool:
	"""Does this relation fit the rule?"""
	return bool(compile_rule(rule, [relation]).run())


def node_criterion(
	node: Node, fields: Mapping[str, Field | Event], when: Scope, negated: bool = False
) -> Criterion | None:
	"""A group or condition over these fields, or its opposite; None for an empty group, which all rows fit."""
	if isinstance(node, Condition):
		field = fields[node.field]
		return field.source.criterion(field, node, negated, when)
	if isinstance(node, EventCondition):
		event = fields[node.event]
		where = node_criterion(node.where, event.fields, when)
		return event.criterion(node, where, negated, when)
	below = negated != (node.kind == "none")
	parts = [node_criterion(child, fields, when, below) for child in node.children]
	if not parts:
		return None  # only the empty `all` at the root, or of an event, gets through the parser
	is_and = (node.kind == "all") != negated if node.kind != "none" else not negated
	return reduce(and_ if is_and else or_, parts)

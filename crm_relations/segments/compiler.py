"""From a rule tree to one SQL statement. Values are parameters, names come from the catalogue, nothing else.

Every condition is compiled twice-valued: it or its opposite, never NULL. A `none` group is pushed down to
its conditions (none of a, b = not a and not b), so that the database sees plain comparisons that it can use
an index for.
"""

from collections.abc import Mapping
from datetime import date
from functools import reduce
from operator import and_, or_
from typing import Any

import frappe
from frappe.query_builder.functions import Count
from frappe.utils import add_days, getdate, nowdate
from pypika.queries import QueryBuilder
from pypika.terms import Criterion, Term

from crm_relations.segments import catalogue, rules
from crm_relations.segments.catalogue import Column, Field, Presence, RolesHeld, Sales
from crm_relations.segments.rules import Condition, Group, Node

Rule = str | Mapping | Group


def parse(rule: Rule) -> Group:
	"""The tree of a rule with fields, operators and values checked against the catalogue.

	:raises rules.RuleError: names the path of the fault.
	"""
	return rules.parse(rule, catalogue.fields())


def compile_rule(rule: Rule) -> QueryBuilder:
	"""The query that selects the names of the relations that fit the rule, each once.

	:param rule: JSON text, JSON data, or a tree as `parse` gives it.
	:raises rules.RuleError: names the path of the fault.
	"""
	relation = frappe.qb.DocType("Relation")
	query = frappe.qb.from_(relation).select(relation.name)
	criterion = criterion_of(rule)
	return query if criterion is None else query.where(criterion)


def criterion_of(rule: Rule) -> Criterion | None:
	"""The rule as a condition on `tabRelation`; None where every relation fits."""
	return _Compiler(getdate(nowdate())).node(parse(rule), negated=False)


def count(rule: Rule) -> int:
	"""How many relations fit the rule, whoever asks."""
	relation = frappe.qb.DocType("Relation")
	query = frappe.qb.from_(relation).select(Count("*"))
	criterion = criterion_of(rule)
	return (query if criterion is None else query.where(criterion)).run()[0][0]


def matches(rule: Rule, relation: str) -> bool:
	"""Does this relation fit the rule?"""
	query = compile_rule(rule).where(frappe.qb.DocType("Relation").name == relation)
	return bool(query.run())


def figures(source: Sales) -> QueryBuilder:
	"""`parent`, `figure`: the figure of each relation that has one today."""
	invoice, party = frappe.qb.DocType("Sales Invoice"), frappe.qb.DocType("Relation Party")
	return (
		sold_to(source, getdate(nowdate()))
		.select(party.parent, source.figure(invoice).as_("figure"))
		.groupby(party.parent)
	)


def sold_to(source: Sales, today: date) -> QueryBuilder:
	"""The invoices that count for a figure, with the relations of their Customers; nothing is selected yet."""
	invoice, party = frappe.qb.DocType("Sales Invoice"), frappe.qb.DocType("Relation Party")
	return (
		frappe.qb.from_(party)
		.join(invoice)
		.on(invoice.customer == party.party)
		.where(
			(party.parenttype == "Relation")
			& (party.party_type == "Customer")
			& party.parent.isnotnull()
			& source.where(invoice, today)
		)
	)


class _Compiler:
	"""Compiles for one day: what relative dates count from."""

	def __init__(self, today: date):
		self.today = today
		self.relation = frappe.qb.DocType("Relation")

	def node(self, node: Node, negated: bool) -> Criterion | None:
		if isinstance(node, Condition):
			return self.condition(node, negated)
		negated_children = negated != (node.kind == "none")
		parts = [self.node(child, negated_children) for child in node.children]
		if not parts:
			return None  # only the empty `all` at the root gets through the parser
		is_and = (node.kind == "all") != negated if node.kind != "none" else not negated
		return reduce(and_ if is_and else or_, parts)

	def condition(self, condition: Condition, negated: bool) -> Criterion:
		field = catalogue.fields()[condition.field]
		source = field.source
		if isinstance(source, Column):
			return self.column(field, source, condition, negated)
		if isinstance(source, Presence):
			return self.presence(source, condition.value != negated)
		if isinstance(source, RolesHeld):
			return self.roles(condition, negated)
		return self.sales(source, condition, negated)

	def column(self, field: Field, source: Column, condition: Condition, negated: bool) -> Criterion:
		column = self.relation[source.name]
		empty = self._empty_value(field, source)
		if condition.operator in ("is empty", "is not empty"):
			if (condition.operator == "is empty") != negated:
				return column.isnull() if empty is None else column.isnull() | (column == empty)
			return column.isnotnull() if empty is None else column != empty
		criterion = self.comparison(column, condition)
		if empty is not None and self._may_hold_for(empty, condition):
			criterion &= column != empty
		return criterion.negate() | column.isnull() if negated else criterion

	@staticmethod
	def _empty_value(field: Field, source: Column) -> str | int | None:
		"""What stands in the column for "no value", beside NULL."""
		if source.zero_is_empty:
			return 0
		return "" if field.type in ("option", "tree", "text") else None

	@staticmethod
	def _may_hold_for(empty: str | int, condition: Condition) -> bool:
		"""Would the plain comparison let the empty value through?"""
		if empty == "":
			return condition.operator in ("!=", "not in", "not contains", "not within")
		return rules.COMPARISONS[condition.operator](empty, condition.value)

	def comparison(self, term: Term, condition: Condition) -> Criterion:
		"""The operator on a column or an aggregate. Dates go as text, so that they are parameters too."""
		operator, value = condition.operator, condition.value
		if operator == "in":
			return term.isin([_parameter(one) for one in value])
		if operator == "not in":
			return term.notin([_parameter(one) for one in value])
		if operator == "between":
			return term.between(_parameter(value[0]), _parameter(value[1]))
		if operator == "contains":
			return term.like(f"%{_like(value)}%")
		if operator == "not contains":
			return term.not_like(f"%{_like(value)}%")
		if operator == "starts with":
			return term.like(f"{_like(value)}%")
		if operator == "within":
			return term.isin(self.descendants(value))
		if operator == "not within":
			return term.notin(self.descendants(value))
		if operator == "last days":
			return term.between(str(add_days(self.today, -value)), str(self.today))
		if operator == "before days":
			return term < str(add_days(self.today, -value))
		return rules.COMPARISONS[operator](term, _parameter(value))

	@staticmethod
	def descendants(territory: str) -> QueryBuilder:
		"""The territory and all below it."""
		node, top = frappe.qb.DocType("Territory").as_("node"), frappe.qb.DocType("Territory").as_("top")
		return (
			frappe.qb.from_(node)
			.join(top)
			.on((node.lft >= top.lft) & (node.rgt <= top.rgt))
			.where(top.name == territory)
			.select(node.name)
		)

	def presence(self, source: Presence, wanted: bool) -> Criterion:
		columns = [self.relation[name] for name in source.columns]
		if wanted:
			return reduce(or_, (column != "" for column in columns))
		return reduce(and_, (column.isnull() | (column == "") for column in columns))

	def roles(self, condition: Condition, negated: bool) -> Criterion:
		role = frappe.qb.DocType("Relation Role")
		held = (
			frappe.qb.from_(role)
			.select(role.parent)
			.where((role.parenttype == "Relation") & role.until.isnull() & role.parent.isnotnull())
		)
		wanted = condition.operator in ("=", "in", "is not empty")
		if condition.operator in ("=", "!="):
			held = held.where(role.role == condition.value)
		elif condition.operator in ("in", "not in"):
			held = held.where(role.role.isin(list(condition.value)))
		return self._in(held, wanted != negated)

	def sales(self, source: Sales, condition: Condition, negated: bool) -> Criterion:
		"""Relations whose figure fits, through their Customers.

		A relation without such an invoice is in no group of the sub-query. Where its figure (0) fits, the
		question is turned round: all relations but those whose figure does not fit.
		"""
		invoice, party = frappe.qb.DocType("Sales Invoice"), frappe.qb.DocType("Relation Party")
		figures = sold_to(source, self.today).select(party.parent)
		if condition.operator in ("is empty", "is not empty"):
			return self._in(figures, (condition.operator == "is not empty") != negated)
		fits = self.comparison(source.figure(invoice), condition)
		figures = figures.groupby(party.parent)
		if source.absent is not None and rules.COMPARISONS[condition.operator](
			source.absent, condition.value
		):
			return self._in(figures.having(fits.negate()), negated)
		return self._in(figures.having(fits), not negated)

	def _in(self, names: QueryBuilder, wanted: bool) -> Criterion:
		return self.relation.name.isin(names) if wanted else self.relation.name.notin(names)


def _parameter(value: Any) -> Any:
	"""Dates as text, truth as 0 or 1; numbers stay numbers."""
	if isinstance(value, bool):
		return int(value)
	return str(value) if isinstance(value, date) else value


def _like(text: str) -> str:
	"""Text with the wildcards of LIKE made harmless."""
	return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")

"""Ask what has happened to a relation, from documents: how often, or for which sum. Writes nothing.

An event declares its rows once. A condition on it narrows them by the event's own fields, and counts or adds
up the rest. "At least once" and "never" ask only whether there is a row. They need no groups, so that the
database can begin at whichever end has fewer rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import mul
from typing import Any

import frappe
from frappe.query_builder import Case
from frappe.query_builder.functions import Coalesce, Count, Max, Sum
from pypika.queries import QueryBuilder
from pypika.terms import Criterion, NullValue, Term
from pypika.terms import ValueWrapper as Value

from crm_relations.segments.fields.sources import Cell, Field, Rows, Scope, among, relation_name
from crm_relations.segments.language import rules
from crm_relations.segments.language.operators import compare
from crm_relations.segments.language.rules import COUNT, Condition, EventCondition


@dataclass(frozen=True)
class Measure:
	"""A sum that an event offers in addition to the number of its documents. `type`: "integer" or "amount"."""

	key: str
	label: Any
	type: str
	cell: Cell


@dataclass(frozen=True)
class Event:
	"""An event of the catalogue.

	:param phrase: words for the relation, {0} is how often: `has bought {0}`; `never`: the words if it did
		not happen
	:param rows: what happened, one row each, or several rows per document; with several sources, the rows of
		each, under names that the fields know
	:param own: the fields that `where` may ask for, by which the rows are narrowed
	:param document: doctype of the documents that are counted; empty if the rows name it
	:param sums: what can be added up; a count always exists
	:param needs: a doctype that the user must be able to read to ask for it
	"""

	key: str
	label: Any
	group: Any
	phrase: Any
	never: Any
	rows: Callable[[Scope], Rows | Sequence[Rows]]
	own: tuple[Field, ...] = ()
	document: str = ""
	sums: tuple[Measure, ...] = ()
	needs: str | None = None
	type: str = field(default="event", init=False)

	@property
	def fields(self) -> dict[str, Field]:
		return {one.key: one for one in self.own}

	@property
	def measures(self) -> dict[str, str]:
		"""Return key → type of what can be added up."""
		return {one.key: one.type for one in self.sums}

	def measure(self, key: str) -> Measure:
		return next(one for one in self.sums if one.key == key)

	def criterion(
		self, condition: EventCondition, where: Criterion | None, negated: bool, scope: Scope
	) -> Criterion:
		"""Return the condition, or its opposite, on `tabRelation`; `where` narrows the rows."""
		name = relation_name()
		if (happened := asks_only_whether(condition)) is not None:
			names, owner = self._names(where, scope)
			return among(name, names, happened != negated, owner)
		plain = Condition(condition.measure, condition.operator, condition.value)
		query, owner, figure = self._figures(condition.measure, where, scope)
		fits, groups = compare(figure, plain, scope.today), query.groupby(owner).select(owner)
		if rules.COMPARISONS[condition.operator](0, condition.value):
			return among(name, groups.having(fits.negate()), negated, owner)
		return among(name, groups.having(fits), not negated, owner)

	def lapsed(self, where: Criterion | None, lately: Criterion, scope: Scope) -> Criterion | None:
		"""Return the condition that the event happened, but not recently; None if the event has several
		sources.

		It looks at the rows once instead of twice, for "at least once" together with "never" of a narrower
		event.
		"""
		parts = self.parts(where, scope)
		if len(parts) != 1:
			return None
		rows = parts[0]
		query = rows.query if rows.counted is None else rows.query.where(rows.counted)
		names = query.select(rows.relation).groupby(rows.relation)
		nothing = Count(Case().when(lately, 1)) == 0
		return among(relation_name(), names.having(nothing), True, rows.relation)

	def parts(self, where: Criterion | None, scope: Scope) -> list[Rows]:
		"""Yield the rows that match `where`, of each source of the event."""
		rows = self.rows(scope)
		parts = [scope.among(part) for part in ([rows] if isinstance(rows, Rows) else rows)]
		if where is None:
			return parts
		return [replace(part, query=part.query.where(where)) for part in parts]

	def figure_of(
		self, relation: str, condition: EventCondition, where: Criterion | None, scope: Scope
	) -> Any:
		"""Return the count or sum of one relation."""
		query, owner, figure = self._figures(condition.measure, where, scope)
		return query.where(owner == relation).select(figure).run()[0][0]

	def documents_of(
		self, relation: str, where: Criterion | None, scope: Scope
	) -> list[tuple[str, str, Any, Any]]:
		"""Return doctype, name, day and amount (or None) of what was counted or added up, newest first."""
		day = self.fields["date"].source if "date" in self.fields else None
		amount = self.measure("amount").cell if "amount" in self.measures else None
		queries = []
		for part in self.parts(where, scope):
			doctype, name = part.shows or (Value(part.doctype or self.document), part.document)
			queries.append(
				part.query.where(part.relation == relation)
				.where(name.isnotnull())
				.select(
					doctype.as_("doctype"),
					name.as_("name"),
					(Max(day.term(scope)) if day else NullValue()).as_("day"),
					(Sum(amount.term(scope)) if amount else NullValue()).as_("amount"),
				)
				.groupby(doctype, name)
			)
		table = _union_all(queries).as_("document")
		return (
			frappe.qb.from_(table)
			.select(table.doctype, table.name, table.day, table.amount)
			.distinct()
			.orderby(table.day, order=frappe.qb.desc)
			.orderby(table.name, order=frappe.qb.desc)
			.run()
		)

	def _names(self, where: Criterion | None, scope: Scope) -> tuple[QueryBuilder, Term]:
		"""Return the relations to which it happened at all, and the column that holds them."""
		parts = self.parts(where, scope)
		counted = [part.query if part.counted is None else part.query.where(part.counted) for part in parts]
		if len(parts) == 1:
			return counted[0].select(parts[0].relation), parts[0].relation
		table = _union_all(
			[query.select(part.relation.as_("owner")) for query, part in zip(counted, parts, strict=True)]
		).as_("happened")
		return frappe.qb.from_(table).select(table.owner), table.owner

	def _figures(
		self, measure: str, where: Criterion | None, scope: Scope
	) -> tuple[QueryBuilder, Term, Term]:
		"""Return a query that selects nothing yet, the rows it reads, and the count or sum over them."""
		parts = self.parts(where, scope)
		if len(parts) == 1:
			return (
				parts[0].query,
				parts[0].relation,
				self._figure(measure, self._summand(measure, parts[0], scope)),
			)
		table = _union_all(
			[
				part.query.select(
					part.relation.as_("owner"), self._summand(measure, part, scope).as_("summand")
				)
				for part in parts
			]
		).as_("happened")
		return frappe.qb.from_(table), table.owner, self._figure(measure, table.summand)

	def _summand(self, measure: str, part: Rows, scope: Scope) -> Term:
		if measure != COUNT:
			return self.measure(measure).cell.term(scope)
		return part.document if part.counted is None else Case().when(part.counted, part.document)

	@staticmethod
	def _figure(measure: str, summand: Term) -> Term:
		return Count(summand).distinct() if measure == COUNT else Coalesce(Sum(summand), 0)


def _union_all(queries: list[QueryBuilder]) -> Any:
	"""Return the rows of all queries, with repetitions."""
	return reduce(mul, queries)


def asks_only_whether(condition: EventCondition) -> bool | None:
	"""Return True for "at least once", False for "never", None for all else."""
	if condition.measure != COUNT:
		return None
	return {
		(">=", 1): True,
		(">", 0): True,
		("!=", 0): True,
		("<", 1): False,
		("<=", 0): False,
		("=", 0): False,
	}.get((condition.operator, condition.value))


def field_of(known: Mapping[str, "Field | Event"], key: str) -> Field:
	"""Return the field of this key; raise a KeyError if there is none, or if it is an event."""
	declared = known[key]
	if not isinstance(declared, Field):
		raise KeyError(key)
	return declared


def event_of(known: Mapping[str, "Field | Event"], key: str) -> Event:
	"""Return the event of this key; raise a KeyError if there is none, or if it is a field."""
	declared = known[key]
	if not isinstance(declared, Event):
		raise KeyError(key)
	return declared

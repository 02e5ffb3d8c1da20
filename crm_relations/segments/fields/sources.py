"""Define the fields of the catalogue and the kinds of places that their values come from. Writes nothing.

A source knows its criterion in SQL, the permissions it needs, how it ranks relations, and how to explain one
relation. Only sources name tables and columns; a rule never does. Packages to the right and other apps
declare their fields with these classes (hook `relation_segment_fields`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import reduce
from operator import and_
from typing import Any, Protocol

import frappe
from frappe.query_builder import Case
from frappe.query_builder.functions import IfNull, Max
from pypika.queries import QueryBuilder, Table
from pypika.terms import ContainsCriterion, Criterion, Term

from crm_relations.relations.facts.sources import OneOf
from crm_relations.segments.language import rules
from crm_relations.segments.language.operators import compare, either, holds
from crm_relations.segments.language.rules import Condition

PARTY = "Relation Party"


@dataclass(frozen=True)
class Scope:
	"""The day that relative dates of a query count from, and the relations it is about; None means all.

	`among` narrows rows to these relations, so that a sub-query does not group the rows of all relations for
	a few.
	"""

	today: date
	relations: OneOf | None = None
	#: only relations with names up to this one
	last: str | None = None
	#: narrows rows of documents to those that a reader may read; None: all rows count
	narrow: Callable[[QueryBuilder], QueryBuilder] | None = None

	def among(self, rows: "Rows") -> "Rows":
		if self.narrow is not None:
			rows = replace(rows, query=self.narrow(rows.query))
		if self.relations is not None:
			return replace(rows, query=rows.query.where(rows.relation.isin(self.relations)))
		if self.last is not None:
			return replace(rows, query=rows.query.where(rows.relation <= self.last))
		return rows


@dataclass(frozen=True)
class Explanation:
	"""Result of a condition for one relation: its value in words, documents behind it, and how many more
	there are.
	"""

	value: str
	documents: list[dict[str, str]] = field(default_factory=list)
	more: int = 0


class Reader(Protocol):
	"""Gives a source access to one relation; `explanation` implements it."""

	relation: str
	scope: Scope

	def column(self, name: str) -> Any:
		"""Return the value of a column of Relation."""

	def shown(self, about: "Field", value: Any) -> str:
		"""Return a value in words."""

	def documents(self, doctype: str, names: list[str]) -> tuple[list[dict[str, str]], int]:
		"""Return the first documents that the user may read, in their order, and how many are not listed."""


class Source:
	"""The place where the values of a field come from."""

	#: a sample can be ranked by it
	rankable = False

	def criterion(self, about: "Field", condition: Condition, negated: bool, scope: Scope) -> Criterion:
		"""Return the condition, or its opposite, on `tabRelation` (in an event: on the event's rows)."""
		raise NotImplementedError

	def columns(self) -> tuple[tuple[str, str], ...]:
		"""Return (doctype, fieldname) of the columns that it shows: the user must be able to read them to
		ask.
		"""
		return ()

	def ranked(self, query: QueryBuilder, scope: Scope) -> QueryBuilder:
		"""Return the query on `tabRelation` with the highest first; only if `rankable`."""
		raise NotImplementedError

	def explain(self, about: "Field", reader: Reader) -> Explanation:
		"""Explain the value of the relation."""
		raise NotImplementedError


@dataclass(frozen=True)
class Field:
	"""A field of the catalogue.

	:param type: one of `rules.OPERATORS`.
	:param doctype: doctype of the values (Link); `filters` narrows them for the builder.
	:param choices: the fixed values of a Select.
	:param can_be_empty: offers `is empty`.
	:param needs: a doctype that the user must be able to read to ask for it; amounts need the documents they
		add up.
	"""

	key: str
	label: Any
	group: Any
	type: str
	source: Source
	doctype: str | None = None
	filters: tuple[tuple[str, str | int], ...] = ()
	choices: tuple[str, ...] = ()
	can_be_empty: bool = True
	needs: str | None = None

	@property
	def empty(self) -> str | None:
		"""Return the value that stands for "no value" in a column of texts."""
		return "" if self.type in ("option", "tree", "text") else None

	@property
	def tree(self) -> str | None:
		return self.doctype if self.type == "tree" else None


# ── columns ────────────────────────────────────────────────────────────────────────────────────


class _OfTerm(Source):
	"""Source with its values in one column."""

	zero_is_empty = False
	is_datetime = False

	def term(self, scope: Scope) -> Term:
		raise NotImplementedError

	def criterion(self, about: Field, condition: Condition, negated: bool, scope: Scope) -> Criterion:
		return holds(
			self.term(scope),
			condition,
			scope.today,
			negated=negated,
			empty=0 if self.zero_is_empty else about.empty,
			tree=about.tree,
			is_datetime=self.is_datetime,
		)


@dataclass(frozen=True)
class Column(_OfTerm):
	"""A column of Relation. `zero_is_empty`: the column cannot be NULL, 0 stands for "not known"."""

	name: str
	zero_is_empty: bool = False
	is_datetime: bool = False
	rankable = True

	def term(self, scope: Scope) -> Term:
		return frappe.qb.DocType("Relation")[self.name]

	def columns(self) -> tuple[tuple[str, str], ...]:
		return (("Relation", self.name),)

	def ranked(self, query: QueryBuilder, scope: Scope) -> QueryBuilder:
		return query.orderby(self.term(scope), order=frappe.qb.desc)

	def explain(self, about: Field, reader: Reader) -> Explanation:
		value = reader.column(self.name)
		return Explanation(reader.shown(about, None if self.zero_is_empty and not value else value))


@dataclass(frozen=True)
class DaysSince(Source):
	"""Days since the date in a column of Relation: asked as a date, so that an index is used."""

	name: str
	rankable = False

	def criterion(self, about: Field, condition: Condition, negated: bool, scope: Scope) -> Criterion:
		value = condition.value
		if condition.operator == "between":
			value = (_days_before(scope.today, value[1]), _days_before(scope.today, value[0]))
		elif value is not None:
			value = _days_before(scope.today, value)
		operator = _TURNED.get(condition.operator, condition.operator)
		asked = Condition(condition.field, operator, value)
		return holds(frappe.qb.DocType("Relation")[self.name], asked, scope.today, negated=negated)

	def columns(self) -> tuple[tuple[str, str], ...]:
		return (("Relation", self.name),)

	def explain(self, about: Field, reader: Reader) -> Explanation:
		day = reader.column(self.name)
		return Explanation(reader.shown(about, (reader.scope.today - day).days if day else None))


#: more days ago is an earlier date
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_FIRST, _LAST = date(1, 1, 1), date(9999, 12, 31)


def _days_before(today: date, days: int) -> date:
	"""Return the date that many days before; the first or last day of the calendar if there is none."""
	number = today.toordinal() - days
	return date.fromordinal(max(_FIRST.toordinal(), min(_LAST.toordinal(), number)))


@dataclass(frozen=True)
class Cell(_OfTerm):
	"""Column in rows of other tables: of a doctype's table, or of one that an event calls `alias`.

	:param known: a column of the same table that is above 0 if the value is known; otherwise it is missing
	"""

	doctype: str
	name: str
	alias: str | None = None
	zero_is_empty: bool = False
	is_datetime: bool = False
	known: str | None = None

	def term(self, scope: Scope) -> Term:
		table = Table(self.alias) if self.alias else frappe.qb.DocType(self.doctype)
		if self.known:
			return Case().when(table[self.known] > 0, table[self.name])
		return table[self.name]

	def columns(self) -> tuple[tuple[str, str], ...]:
		return ((self.doctype, self.name),) if self.doctype else ()


@dataclass(frozen=True)
class Presence(Source):
	"""True if one of these columns of Relation holds a text."""

	names: tuple[str, ...]

	def criterion(self, about: Field, condition: Condition, negated: bool, scope: Scope) -> Criterion:
		found = [frappe.qb.DocType("Relation")[name] for name in self.names]
		if condition.value != negated:
			return either([column != "" for column in found])
		return reduce(and_, (column.isnull() | (column == "") for column in found))

	def columns(self) -> tuple[tuple[str, str], ...]:
		return tuple(("Relation", name) for name in self.names)

	def explain(self, about: Field, reader: Reader) -> Explanation:
		values = filter(None, (reader.column(name) for name in self.names))
		return Explanation(", ".join(values) or reader.shown(about, None))


# ── other tables ───────────────────────────────────────────────────────────────────────────────


def relation_name() -> Term:
	"""Return the name of the relation that is asked about."""
	return frappe.qb.DocType("Relation").name


class Owned(ContainsCriterion):
	"""Condition that a term is one of the owners of rows. `owner` is the owners' column, where it is known."""

	def __init__(self, asked: Term, names: QueryBuilder, wanted: bool, owner: Term | None):
		super().__init__(asked, names)
		self._is_negated = not wanted
		self.owner = owner

	@property
	def wanted(self) -> bool:
		return not self._is_negated

	def asked_of(self, other: Term) -> "Owned":
		"""Return the same condition on another term."""
		return Owned(other, self.container, self.wanted, self.owner)


def among(asked: Term, names: QueryBuilder, wanted: bool, owner: Term | None = None) -> Criterion:
	"""Return the condition that it is one of the names. Never NULL: neither the term nor a name is NULL.

	:param owner: the column that `names` selects
	"""
	return Owned(asked, names, wanted, owner)


@dataclass(frozen=True)
class Rows:
	"""Rows of other tables that belong to relations.

	They are a query that selects nothing yet, the owning relation (never NULL), and for an event the document
	that is counted. A NULL document, or one that is not `counted`, does not count.
	"""

	query: QueryBuilder
	relation: Term
	document: Term | None = None
	counted: Criterion | None = None
	#: of the documents, if the event does not name it, or there is none
	doctype: str = ""
	#: doctype and name of what an explanation shows, if that is not the document itself
	shows: tuple[Term, Term] | None = None


@dataclass(frozen=True)
class SetOf(Source):
	"""Records of the relation, one row each. `rows` selects them, `member` is the column that names the
	record.

	:param owner: the owner of the records, in an event where it is not the relation itself
	"""

	rows: Callable[[Scope], Rows]
	member: Callable[[], Term]
	owner: Callable[[], Term] = relation_name
	tell: Callable[[Reader, Field, "SetOf"], Explanation] | None = None

	def criterion(self, about: Field, condition: Condition, negated: bool, scope: Scope) -> Criterion:
		rows, member = self.rows(scope), self.member()
		if self.owner is relation_name:
			rows = scope.among(rows)
		names = rows.query.select(rows.relation)
		if condition.operator in ("=", "!="):
			names = names.where(member == condition.value)
		elif condition.operator in ("in", "not in"):
			names = names.where(member.isin(list(condition.value)))
		wanted = condition.operator in ("=", "in", "is not empty")
		return among(self.owner(), names, wanted != negated, rows.relation)

	def explain(self, about: Field, reader: Reader) -> Explanation:
		if self.tell:
			return self.tell(reader, about, self)
		rows = self.rows(reader.scope)
		query = rows.query.where(rows.relation == reader.relation).select(self.member())
		found = sorted(set(query.run(pluck=True)))
		documents = reader.documents(about.doctype, found) if about.doctype else ([], 0)
		return Explanation(
			", ".join(reader.shown(about, name) for name in found) or reader.shown(about, None), *documents
		)


@dataclass(frozen=True)
class OneOfRows(Source):
	"""Column of rows of which a relation has several: figures in each company, fields of its customers.

	The condition holds if it does for one of them.

	:param absent: the value of a relation without a row; None: missing
	:param single: a relation has one row at most
	:param ranks: a sample can be ranked by it, by the highest of the values
	:param tell: explains the relation's values, with documents
	"""

	rows: Callable[[Scope], Rows]
	cell: _OfTerm
	absent: int | None = None
	single: bool = False
	ranks: bool = False
	tell: Callable[[Reader, Field, "OneOfRows"], Explanation] | None = None

	@property
	def rankable(self) -> bool:
		return self.ranks

	def criterion(self, about: Field, condition: Condition, negated: bool, scope: Scope) -> Criterion:
		name = relation_name()
		if not self._absent_fits(condition):
			return among(name, self._names(about, condition, scope), not negated)
		if self.single:
			return among(name, self._names(about, condition, scope, negated=True), negated)
		fits, rows = self._names(about, condition, scope), scope.among(self.rows(scope))
		having = rows.query.select(rows.relation)
		if negated:
			return among(name, fits, False) & among(name, having, True)
		return among(name, fits, True) | among(name, having, False)

	def _names(self, about: Field, condition: Condition, scope: Scope, negated: bool = False) -> QueryBuilder:
		rows = scope.among(self.rows(scope))
		return rows.query.select(rows.relation).where(self.cell.criterion(about, condition, negated, scope))

	def _absent_fits(self, condition: Condition) -> bool:
		if condition.operator in ("is empty", "is not empty"):
			return (self.absent is None) == (condition.operator == "is empty")
		return self.absent is not None and rules.COMPARISONS[condition.operator](self.absent, condition.value)

	def columns(self) -> tuple[tuple[str, str], ...]:
		return self.cell.columns()

	def values(self, reader: Reader) -> list[Any]:
		"""Return the known values in the relation's rows."""
		rows = self.rows(reader.scope)
		query = rows.query.where(rows.relation == reader.relation)
		found = query.select(self.cell.term(reader.scope)).run(pluck=True)
		return [
			value for value in found if value not in (None, "") and (value or not self.cell.zero_is_empty)
		]

	def ranked(self, query: QueryBuilder, scope: Scope) -> QueryBuilder:
		rows = self.rows(scope)
		table = (
			rows.query.groupby(rows.relation)
			.select(rows.relation.as_("owner"), Max(self.cell.term(scope)).as_("figure"))
			.as_("figures")
		)
		figure = table.figure if self.absent is None else IfNull(table.figure, self.absent)
		query = query.left_join(table).on(table.owner == relation_name())
		return query.orderby(figure, order=frappe.qb.desc)

	def explain(self, about: Field, reader: Reader) -> Explanation:
		if self.tell:
			return self.tell(reader, about, self)
		said = list(dict.fromkeys(reader.shown(about, value) for value in self.values(reader)))
		rows = self.rows(reader.scope)
		documents: tuple[list[dict[str, str]], int] = ([], 0)
		if rows.doctype:
			names = rows.query.where(rows.relation == reader.relation).select(rows.document).run(pluck=True)
			documents = reader.documents(rows.doctype, names)
		return Explanation(", ".join(said) or reader.shown(about, self.absent), *documents)


def rows_of(doctype: str, relation: str = "relation") -> Callable[[Scope], Rows]:
	"""Return rows of a doctype that names the relation in a column."""

	def rows(scope: Scope) -> Rows:
		table = frappe.qb.DocType(doctype)
		return Rows(frappe.qb.from_(table).where(table[relation].isnotnull()), table[relation], table.name)

	return rows


def rows_of_party(doctype: str) -> Callable[[Scope], Rows]:
	"""Return the party documents of a doctype, with their relations."""

	def rows(scope: Scope) -> Rows:
		party, document = frappe.qb.DocType(PARTY), frappe.qb.DocType(doctype)
		query = (
			frappe.qb.from_(party)
			.join(document)
			.on(document.name == party.party)
			.where(
				(party.parenttype == "Relation") & (party.party_type == doctype) & party.parent.isnotnull()
			)
		)
		return Rows(query, party.parent, document.name, doctype=doctype)

	return rows


@dataclass(frozen=True)
class Sales(Source):
	"""Figure over the submitted Sales Invoices of the relation's customers; cancelled ones do not count.

	`figure` builds the aggregate from the invoice's table; `months` limits to the last n months up to today;
	`credit_notes` says whether returns count (with their negative sign). `absent` is the figure of a relation
	without such an invoice.
	"""

	figure: Callable[[Any], Term]
	months: int | None = None
	credit_notes: bool = True
	absent: int | None = None
	rankable = True

	def rows(self, scope: Scope) -> Rows:
		"""Return the invoices that count, with the relations of their customers."""
		invoice, party = frappe.qb.DocType("Sales Invoice"), frappe.qb.DocType(PARTY)
		query = (
			frappe.qb.from_(party)
			.join(invoice)
			.on(invoice.customer == party.party)
			.where(
				(party.parenttype == "Relation")
				& (party.party_type == "Customer")
				& party.parent.isnotnull()
				& (invoice.docstatus == 1)
			)
		)
		if not self.credit_notes:
			query = query.where(invoice.is_return == 0)
		if self.months:
			start = str(frappe.utils.add_months(scope.today, -self.months))
			query = query.where((invoice.posting_date > start) & (invoice.posting_date <= str(scope.today)))
		return Rows(query, party.parent, invoice.name)

	def criterion(self, about: Field, condition: Condition, negated: bool, scope: Scope) -> Criterion:
		"""Return the condition on the figure, asked through the relation's customers.

		A relation without such an invoice is in no group of the sub-query. If its figure (0) matches, the
		condition is reversed: all relations except those with a figure that does not match.
		"""
		rows, name = scope.among(self.rows(scope)), relation_name()
		figures = rows.query.select(rows.relation)
		if condition.operator in ("is empty", "is not empty"):
			return among(name, figures, (condition.operator == "is not empty") != negated, rows.relation)
		fits = compare(self.figure(frappe.qb.DocType("Sales Invoice")), condition, scope.today)
		figures = figures.groupby(rows.relation)
		if self.absent is not None and rules.COMPARISONS[condition.operator](self.absent, condition.value):
			return among(name, figures.having(fits.negate()), negated, rows.relation)
		return among(name, figures.having(fits), not negated, rows.relation)

	def columns(self) -> tuple[tuple[str, str], ...]:
		return (("Sales Invoice", "customer"),)

	def ranked(self, query: QueryBuilder, scope: Scope) -> QueryBuilder:
		rows = self.rows(scope)
		invoice = frappe.qb.DocType("Sales Invoice")
		figures = (
			rows.query.select(rows.relation.as_("owner"), self.figure(invoice).as_("figure"))
			.groupby(rows.relation)
			.as_("figures")
		)
		figure = figures.figure if self.absent is None else IfNull(figures.figure, self.absent)
		query = query.left_join(figures).on(figures.owner == relation_name())
		return query.orderby(figure, order=frappe.qb.desc)

	def explain(self, about: Field, reader: Reader) -> Explanation:
		"""Explain the figure with the invoices behind it, newest first."""
		invoice = frappe.qb.DocType("Sales Invoice")
		rows = self.rows(reader.scope)
		query = rows.query.where(rows.relation == reader.relation)
		figure = query.select(self.figure(invoice)).run()[0][0]
		names = (
			query.select(invoice.name)
			.orderby(invoice.posting_date, order=frappe.qb.desc)
			.orderby(invoice.name, order=frappe.qb.desc)
			.run(pluck=True)
		)
		documents, more = reader.documents("Sales Invoice", names)
		return Explanation(reader.shown(about, self.absent if figure is None else figure), documents, more)

"""Translate the operators of a rule to SQL on any column: the counterpart of `rules.evaluate` for one
condition.

Every criterion is twice-valued: it or its opposite, never NULL, so that it can be used in any group. Writes
nothing.
"""

from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import Any

import frappe
from pypika.enums import DatePart
from pypika.functions import Extract
from pypika.terms import Criterion, Term

from crm_relations.relations.facts.sources import OneOf
from crm_relations.segments.language import rules
from crm_relations.segments.language.rules import Condition

_END_OF_TIME = "9999-12-31 23:59:59.999999"


def holds(
	term: Term,
	condition: Condition,
	today: date,
	*,
	negated: bool = False,
	empty: str | int | None = None,
	tree: str | None = None,
	is_datetime: bool = False,
) -> Criterion:
	"""Return the condition on a column, or its opposite.

	:param today: the day that relative dates count from
	:param empty: what stands in the column for "no value", in addition to NULL
	:param tree: doctype of the nodes, if the column names a node of a tree
	:param is_datetime: the column also has a time of day; the rule asks for days
	"""
	operator = condition.operator
	if operator in ("is empty", "is not empty"):
		if (operator == "is empty") != negated:
			return term.isnull() if empty is None else term.isnull() | (term == empty)
		return term.isnotnull() if empty is None else term != empty
	criterion = compare(term, condition, today, tree=tree, is_datetime=is_datetime)
	if empty is not None and _may_hold_for(empty, condition):
		criterion &= term != empty
	return criterion.negate() | term.isnull() if negated else criterion


def compare(
	term: Term, condition: Condition, today: date, *, tree: str | None = None, is_datetime: bool = False
) -> Criterion:
	"""Apply the operator to a column or an aggregate; NULL where that is NULL. Dates are passed as text, also
	as parameters.
	"""
	operator, value = condition.operator, condition.value
	if operator in rules.DAYS or operator in rules.IN_PERIOD:
		return _relative(term, operator, value, today, is_datetime)
	if operator in ("within", "not within"):
		nodes = descendants(tree, value)
		return term.isin(nodes) if operator == "within" else term.notin(nodes)
	if operator == "in":
		return term.isin([parameter(one) for one in value])
	if operator == "not in":
		return term.notin([parameter(one) for one in value])
	if operator == "contains":
		return term.like(f"%{_like(value)}%")
	if operator == "not contains":
		return term.not_like(f"%{_like(value)}%")
	if operator == "starts with":
		return term.like(f"{_like(value)}%")
	if is_datetime:
		return _days(term, operator, value)
	if operator == "between":
		return term.between(parameter(value[0]), parameter(value[1]))
	return rules.COMPARISONS[operator](term, parameter(value))


def descendants(doctype: str, node: str) -> OneOf:
	"""Return the node of the tree and all below it, as one parameter; a node that does not exist has nothing
	below it.

	Read beforehand and not as a sub-query. Knowing the names, the database chooses an index. With the
	sub-query it began at the nodes and read all invoices for each of them (three times as long and more).
	"""
	below, top = frappe.qb.DocType(doctype).as_("below"), frappe.qb.DocType(doctype).as_("top")
	names = (
		frappe.qb.from_(below)
		.join(top)
		.on((below.lft >= top.lft) & (below.rgt <= top.rgt))
		.where(top.name == node)
		.select(below.name)
		.run(pluck=True)
	)
	return OneOf(names or [node])


def parameter(value: Any) -> Any:
	"""Convert a value: dates to text, truth to 0 or 1; numbers stay numbers."""
	if isinstance(value, bool):
		return int(value)
	return str(value) if isinstance(value, date) else value


def _relative(term: Term, operator: str, value: Any, today: date, is_datetime: bool) -> Criterion:
	if operator == "before days":
		return term < str(today - timedelta(days=value))
	if operator == "anniversary within":
		return _anniversary(term, today, value)
	if operator == "last days":
		first, last = today - timedelta(days=value), today
	elif operator == "next days":
		first, last = today, today + timedelta(days=value)
	else:
		first, last = rules.period(today, value, back=operator == "last period")
	if is_datetime:
		return _days(term, "between", (first, last))
	return term.between(str(first), str(last))


def _days(term: Term, operator: str, value: Any) -> Criterion:
	"""Compare days of a moment as an interval of moments, so that an index on the column is used."""
	if operator == "between":
		return (term >= str(value[0])) & _until(term, value[1])
	if operator == "=":
		return (term >= str(value)) & _until(term, value)
	if operator == "<=":
		return _until(term, value)
	if operator == ">":
		return term > _END_OF_TIME if value == date.max else term >= str(value + timedelta(days=1))
	return rules.COMPARISONS[operator](term, str(value))


def _until(term: Term, day: date) -> Criterion:
	return term <= _END_OF_TIME if day == date.max else term < str(day + timedelta(days=1))


def _anniversary(term: Term, today: date, days: int) -> Criterion:
	"""Compare month and day as one number, such as 1123, in the one or two stretches of the year ahead."""
	if days >= rules.MAX_ANNIVERSARY_DAYS:
		return term.isnotnull()
	last = today + timedelta(days=days)
	first, end = today.month * 100 + today.day, last.month * 100 + last.day
	if rules.is_anniversary(date(2024, 2, 29), last):
		end = 229
	number = Extract(DatePart.month, term) * 100 + Extract(DatePart.day, term)
	if first <= end and today.year == last.year:
		return number.between(first, end)
	return (number >= first) | (number <= end)


def _may_hold_for(empty: str | int, condition: Condition) -> bool:
	"""Tell whether the plain comparison would match the empty value."""
	if empty == "":
		return condition.operator in ("!=", "not in", "not contains", "not within")
	return rules.COMPARISONS[condition.operator](empty, condition.value)


def _like(text: str) -> str:
	"""Escape the wildcards of LIKE in a text."""
	return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def either(parts: list[Criterion]) -> Criterion:
	"""Return the condition that any of the criteria holds."""
	return reduce(or_, parts)

"""Describe a rule in words, in the session's language, for the form, approvals and prints. Writes nothing."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import frappe
from frappe import _, _lt
from frappe.utils import fmt_money, formatdate

from crm_relations.segments.compilation import compiler
from crm_relations.segments.compilation.compiler import Rule
from crm_relations.segments.fields import catalogue
from crm_relations.segments.fields.catalogue import Event, Field
from crm_relations.segments.fields.events import asks_only_whether, event_of, field_of
from crm_relations.segments.language.rules import COUNT, Condition, EventCondition, Node, leaves

Titles = dict[tuple[str, str], str]
Known = Mapping[str, Field | Event]

_PHRASES = {
	"=": _lt("{0} is {1}"),
	"!=": _lt("{0} is not {1}"),
	"in": _lt("{0} is one of {1}"),
	"not in": _lt("{0} is none of {1}"),
	"within": _lt("{0} is in or below {1}"),
	"not within": _lt("{0} is neither in nor below {1}"),
	"contains": _lt("{0} contains {1}"),
	"not contains": _lt("{0} does not contain {1}"),
	"starts with": _lt("{0} starts with {1}"),
	">": _lt("{0} is more than {1}"),
	">=": _lt("{0} is at least {1}"),
	"<": _lt("{0} is less than {1}"),
	"<=": _lt("{0} is at most {1}"),
	"between": _lt("{0} is between {1} and {2}"),
	"last days": _lt("{0} is within the last {1} days"),
	"next days": _lt("{0} is within the next {1} days"),
	"before days": _lt("{0} is more than {1} days ago"),
	"this period": _lt("{0} is in the current {1}"),
	"last period": _lt("{0} is in the previous {1}"),
	"anniversary within": _lt("{0} has its anniversary within the next {1} days"),
	"is empty": _lt("{0} is empty"),
	"is not empty": _lt("{0} is not empty"),
}
_DATE_PHRASES = {
	"<": _lt("{0} is before {1}"),
	"<=": _lt("{0} is on or before {1}"),
	">": _lt("{0} is after {1}"),
	">=": _lt("{0} is on or after {1}"),
}
_PERIODS = {
	("this period", "week"): _lt("{0} is in this week"),
	("this period", "month"): _lt("{0} is in this month"),
	("this period", "quarter"): _lt("{0} is in this quarter"),
	("this period", "year"): _lt("{0} is in this year"),
	("last period", "week"): _lt("{0} is in the last week"),
	("last period", "month"): _lt("{0} is in the last month"),
	("last period", "quarter"): _lt("{0} is in the last quarter"),
	("last period", "year"): _lt("{0} is in the last year"),
}
_TODAY = {
	"next days": _lt("{0} is today"),
	"anniversary within": _lt("{0} has its anniversary today"),
}
_TIMES = {
	">=": _lt("at least {0} times"),
	">": _lt("more than {0} times"),
	"<=": _lt("at most {0} times"),
	"<": _lt("less than {0} times"),
	"=": _lt("exactly {0} times"),
	"!=": _lt("not exactly {0} times"),
	"between": _lt("between {0} and {1} times"),
}
_ONCE = {
	">=": _lt("at least once"),
	"<=": _lt("at most once"),
	"=": _lt("exactly once"),
	">": _lt("more than once"),
}


def describe(rule: Rule) -> str:
	"""Return the rule as one sentence, for example `Industry is “Banking” and (City is “Bonn” or City is
	“Köln”)`.

	:raises rules.RuleError: names the path of the fault.
	"""
	tree = compiler.parse(rule)
	if not tree.children:
		return _("Every relation")
	return _node_words(tree, catalogue.fields(), _titles(tree), outermost=True)


def conditions_in_words(tree: Node) -> dict[str, str]:
	"""Return path of each condition → its sentence; for an event, with all that it contains."""
	titles, known = _titles(tree), catalogue.fields()
	return {path: _node_words(leaf, known, titles) for path, leaf in leaves(tree)}


def title(field: Field, value: str) -> str:
	"""Return a value of the field as the desk shows it: a record by its title, a choice in the user's
	language.
	"""
	return _named(field, value, _read_titles({field.doctype: {value}} if field.doctype else {}))


def shown(field: Field, value: Any) -> str:
	"""Return the field's value of a relation in words."""
	if field.type == "check":
		return _("Yes") if value else _("No")
	if value in (None, ""):
		return _("empty")
	if field.type == "date":
		return formatdate(value)
	if field.type == "amount":
		return fmt_money(value)
	return title(field, str(value))


def operator_label(field: Field, operator: str) -> str:
	"""Return the operator as the builder offers it: the phrase without field and value (`is at least`)."""
	return _phrase(field.type, operator).format("", "…", "…").strip(" …")


def figure_operator_label(operator: str) -> str:
	"""Return the same for the count or sum of an event."""
	return _phrase("integer", operator).format("", "…", "…").strip(" …")


def _phrase(type_: str, operator: str) -> str:
	if type_ == "date" and operator in _DATE_PHRASES:
		return str(_DATE_PHRASES[operator])
	return str(_PHRASES[operator])


def _node_words(node: Node, known: Known, titles: Titles, outermost: bool = False) -> str:
	if isinstance(node, EventCondition):
		return _event_words(node, event_of(known, node.event), titles)
	if isinstance(node, Condition):
		return _condition_words(node, field_of(known, node.field), titles)
	if len(node.children) == 1 and node.kind != "none":
		return _node_words(node.children[0], known, titles, outermost)
	parts = [_node_words(child, known, titles) for child in node.children]
	if node.kind == "none":
		return _("none of ({0})").format("; ".join(parts))
	joined = f" {_('and') if node.kind == 'all' else _('or')} ".join(parts)  # _() strips blanks at the ends
	return joined if outermost else f"({joined})"


def _event_words(node: EventCondition, event: Event, titles: Titles) -> str:
	"""Return the words of an event.

	`has bought (Item is “A”)`, `has bought at least 3 times (Item is “A”)`, `Bought: Amount (net) is at least
	500 (Item is “A”)`.
	"""
	said = _how_often(node, event) if node.measure == COUNT else _how_much(node, event)
	if not node.where.children:
		return said
	return f"{said} ({_node_words(node.where, event.fields, titles, outermost=True)})"


def _how_often(node: EventCondition, event: Event) -> str:
	if asks_only_whether(node) is False:
		return str(event.never)
	if asks_only_whether(node):
		return " ".join(str(event.phrase).format("").split())
	values = node.value if isinstance(node.value, tuple) else (node.value,)
	times = (
		str(_ONCE[node.operator]) if values == (1,) and node.operator in _ONCE else str(_TIMES[node.operator])
	)
	return str(event.phrase).format(times.format(*values))


def _how_much(node: EventCondition, event: Event) -> str:
	measure = event.measure(node.measure)
	values = node.value if isinstance(node.value, tuple) else (node.value,)
	words = [fmt_money(one) if isinstance(one, Decimal) else str(one) for one in values]
	return f"{event.label}: " + _phrase(measure.type, node.operator).format(measure.label, *words)


def _condition_words(condition: Condition, field: Field, titles: Titles) -> str:
	operator, value = condition.operator, condition.value
	if special := _PERIODS.get((operator, value)) if isinstance(value, str) else None:
		return str(special).format(field.label)
	if operator in _TODAY and value == 0:
		return str(_TODAY[operator]).format(field.label)
	if operator == "between":
		values = [_value_words(field, one, titles) for one in value]
	elif isinstance(value, tuple):
		values = [", ".join(_value_words(field, one, titles) for one in value)]
	else:
		values = [_value_words(field, value, titles)]
	return _phrase(field.type, operator).format(field.label, *values)


def _value_words(field: Field, value: Any, titles: Titles) -> str:
	if isinstance(value, bool):
		return _("Yes") if value else _("No")
	if isinstance(value, date):
		return formatdate(value)
	if isinstance(value, Decimal):
		return fmt_money(value)
	if isinstance(value, int):
		return str(value)
	return _("“{0}”").format(_named(field, value or "", titles))


def _named(field: Field, value: str, titles: Titles) -> str:
	"""Quote a value; a text that a user typed (a city) is not translated."""
	if title := titles.get((field.doctype or "", value)):
		return title
	return _(value) if field.doctype or field.choices else value


def _titles(tree: Node) -> Titles:
	"""Return the titles of the records that the rule names."""
	named: dict[str, set[str]] = defaultdict(set)
	for _path, field, condition in catalogue.asked(tree):
		values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
		texts = {value for value in values if isinstance(value, str)}
		if field.doctype and texts:
			named[field.doctype] |= texts
	return _read_titles(named)


def _read_titles(named: Mapping[str, set[str]]) -> Titles:
	"""Read titles, with one query per doctype that shows titles in links."""
	titles: Titles = {}
	for doctype, names in named.items():
		meta = frappe.get_meta(doctype)
		if not (meta.title_field and meta.show_title_field_in_link):
			continue
		table = frappe.qb.DocType(doctype)
		rows = (
			frappe.qb.from_(table)
			.select(table.name, table[meta.title_field])
			.where(table.name.isin(sorted(names)))
			.run()
		)
		titles.update({(doctype, name): _(title) for name, title in rows if title})
	return titles

"""A rule in words, in the language of the session: what the form, approvals and prints show."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import frappe
from frappe import _, _lt
from frappe.utils import fmt_money, formatdate

from crm_relations.segments import catalogue, compiler
from crm_relations.segments.catalogue import Field
from crm_relations.segments.compiler import Rule
from crm_relations.segments.rules import Condition, Node, conditions

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
	"before days": _lt("{0} is more than {1} days ago"),
	"is empty": _lt("{0} is empty"),
	"is not empty": _lt("{0} is not empty"),
}
_DATE_PHRASES = {
	"<": _lt("{0} is before {1}"),
	"<=": _lt("{0} is on or before {1}"),
	">": _lt("{0} is after {1}"),
	">=": _lt("{0} is on or after {1}"),
}


def describe(rule: Rule) -> str:
	"""The rule as one sentence, for example `Industry is “Banking” and (City is “Bonn” or City is “Köln”)`.

	:raises rules.RuleError: names the path of the fault.
	"""
	tree = compiler.parse(rule)
	if not tree.children:
		return _("Every relation")
	return _node_words(tree, _titles(tree), outermost=True)


def conditions_in_words(tree: Node) -> dict[str, str]:
	"""path of each condition → its sentence."""
	titles = _titles(tree)
	return {path: _condition_words(condition, titles) for path, condition in conditions(tree)}


def title(field: Field, value: str) -> str:
	"""A value of the field as the desk shows it: a record by its title, a choice in the user's language."""
	return _named(field, value, _titles(Condition(field.key, "=", value)))


def operator_label(field: Field, operator: str) -> str:
	"""The operator as the builder offers it: the phrase without field and value (`is at least`)."""
	return _phrase(field, operator).format("", "…", "…").strip(" …")


def _phrase(field: Field, operator: str) -> str:
	if field.type == "date" and operator in _DATE_PHRASES:
		return str(_DATE_PHRASES[operator])
	return str(_PHRASES[operator])


def _node_words(node: Node, titles: dict[tuple[str, str], str], outermost: bool = False) -> str:
	if isinstance(node, Condition):
		return _condition_words(node, titles)
	if len(node.children) == 1 and node.kind != "none":
		return _node_words(node.children[0], titles, outermost)
	parts = [_node_words(child, titles) for child in node.children]
	if node.kind == "none":
		return _("none of ({0})").format("; ".join(parts))
	joined = (_(" and ") if node.kind == "all" else _(" or ")).join(parts)
	return joined if outermost else f"({joined})"


def _condition_words(condition: Condition, titles: dict[tuple[str, str], str]) -> str:
	field = catalogue.fields()[condition.field]
	value = condition.value
	if condition.operator in ("last days", "before days"):
		values = [str(value)]
	elif condition.operator == "between":
		values = [_value_words(field, one, titles) for one in value]
	elif isinstance(value, tuple):
		values = [", ".join(_value_words(field, one, titles) for one in value)]
	else:
		values = [_value_words(field, value, titles)]
	return _phrase(field, condition.operator).format(field.label, *values)


def _value_words(field: Field, value: Any, titles: dict[tuple[str, str], str]) -> str:
	if isinstance(value, bool):
		return _("Yes") if value else _("No")
	if isinstance(value, date):
		return formatdate(value)
	if isinstance(value, Decimal):
		return fmt_money(value)
	if isinstance(value, int):
		return str(value)
	return f"“{_named(field, value or '', titles)}”"


def _named(field: Field, value: str, titles: dict[tuple[str, str], str]) -> str:
	"""A text that somebody typed (a city) is nobody's to translate."""
	if title := titles.get((field.doctype or "", value)):
		return title
	return _(value) if field.doctype or field.choices else value


def _titles(tree: Node) -> dict[tuple[str, str], str]:
	"""Titles of the records that the rule names, one query a doctype that shows titles in links."""
	named: dict[str, set[str]] = defaultdict(set)
	for _path, condition in conditions(tree):
		doctype = catalogue.fields()[condition.field].doctype
		values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
		texts = {value for value in values if isinstance(value, str)}
		if doctype and texts:
			named[doctype] |= texts
	titles = {}
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

"""Prepare the catalogue for the rule builder: what the session's user may ask for, with labels in their
language.

Writes nothing.
"""

from typing import Any

from frappe import _, _lt

from crm_relations.segments import confidential
from crm_relations.segments.description import describe_rule
from crm_relations.segments.fields import catalogue
from crm_relations.segments.fields.catalogue import Event, Field
from crm_relations.segments.language import rules
from crm_relations.segments.language.rules import COUNT, EVENT_OPERATORS, operators_of

_GROUPS = {
	"all": _lt("All of these apply"),
	"any": _lt("At least one of these applies"),
	"none": _lt("None of these applies"),
}
_PERIODS = {"week": _lt("Week"), "month": _lt("Month"), "quarter": _lt("Quarter"), "year": _lt("Year")}
#: maximum of segments in one comparison
MAX_SEGMENTS = 10
#: number of days in a new condition
_DAYS = 90
_DAYS_TO_ANNIVERSARY = 14


def offered() -> list[dict[str, Any]]:
	"""Return the fields and events that the user may ask for, in display order."""
	rights = confidential.Rights()
	return [
		_event(one, rights) if isinstance(one, Event) else _field(one)
		for one in catalogue.fields().values()
		if rights.may_ask(one)
	]


def grammar() -> dict[str, Any]:
	"""Return what a rule may say: `max_depth` of groups, `max_segments` to compare, `groups` and `periods` as
	value → label, and for each of the `operators` what it `takes` and the value that a new condition starts from."""
	return {
		"max_depth": rules.MAX_DEPTH,
		"max_segments": MAX_SEGMENTS,
		"groups": {kind: str(_GROUPS[kind]) for kind in rules.GROUP_KINDS},
		"periods": {period: str(_PERIODS[period]) for period in rules.PERIODS},
		"operators": {operator: _operand(operator) for operator in sorted(rules.ALL_OPERATORS)},
	}


def _operand(operator: str) -> dict[str, Any]:
	"""Return the shape of the value that an operator compares with; the builder has one editor for each shape."""
	if operator in rules.EMPTY:
		return {"takes": "nothing"}
	if operator in rules.DAYS:
		days = _DAYS_TO_ANNIVERSARY if operator == "anniversary within" else _DAYS
		return {"takes": "days", "start": days}
	if operator in rules.IN_PERIOD:
		return {"takes": "period", "start": "quarter"}
	if operator == "between":
		return {"takes": "two", "start": ["", ""]}
	if operator in ("in", "not in"):
		return {"takes": "list", "start": []}
	return {"takes": "one"}


def _field(field: Field) -> dict[str, Any]:
	return {
		"key": field.key,
		"label": str(field.label),
		"group": str(field.group),
		"type": field.type,
		"operators": [
			{"value": operator, "label": describe_rule.operator_label(field, operator)}
			for operator in operators_of(field)
		],
		"doctype": field.doctype,
		"filters": dict(field.filters),
		"choices": [{"value": choice, "label": _(choice)} for choice in field.choices],
		"rankable": field.source.rankable,
		"is_tree": field.type == "tree",
	}


def _event(event: Event, rights: confidential.Rights) -> dict[str, Any]:
	counted = {"value": COUNT, "label": _("Number of times"), "type": "integer"}
	sums = [{"value": one.key, "label": str(one.label), "type": one.type} for one in event.sums]
	return {
		"key": event.key,
		"label": str(event.label),
		"group": str(event.group),
		"type": event.type,
		"measures": [counted, *sums],
		"operators": [
			{"value": operator, "label": describe_rule.figure_operator_label(operator)}
			for operator in EVENT_OPERATORS
		],
		"fields": [_field(field) for field in event.own if rights.may_ask(field)],
	}

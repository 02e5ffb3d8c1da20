"""The catalogue as the builder gets it: what the session's user may ask for, with labels in his language."""

from typing import Any

from frappe import _

from crm_relations.segments import catalogue, confidential, wording
from crm_relations.segments.catalogue import Event, Field
from crm_relations.segments.rules import COUNT, EVENT_OPERATORS, operators_of


def offered() -> list[dict[str, Any]]:
	"""Fields and events that the user may ask for, in the order to show them."""
	rights = confidential.Rights()
	return [
		_event(one, rights) if isinstance(one, Event) else _field(one)
		for one in catalogue.fields().values()
		if rights.may_ask(one)
	]


def _field(field: Field) -> dict[str, Any]:
	return {
		"key": field.key,
		"label": str(field.label),
		"group": str(field.group),
		"type": field.type,
		"operators": [
			{"value": operator, "label": wording.operator_label(field, operator)}
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
			{"value": operator, "label": wording.figure_operator_label(operator)}
			for operator in EVENT_OPERATORS
		],
		"fields": [_field(field) for field in event.own if rights.may_ask(field)],
	}

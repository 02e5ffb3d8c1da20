"""What the desk calls for segments. Every answer holds only what the session's user may read."""

from typing import Any

import frappe
from frappe import _

from crm_relations.segments import (
	catalogue,
	compiler,
	confidential,
	explanation,
	membership,
	queries,
	selection,
	wording,
)
from crm_relations.segments.rules import RuleError, operators_of


@frappe.whitelist(methods=["GET", "POST"])
def get_catalogue() -> list[dict[str, Any]]:
	"""The fields for the builder: key, label, group, type, operators, doctype and filters or choices of the
	values, and whether a sample can be ranked by it."""
	frappe.has_permission("Relation Segment", "read", throw=True)
	hidden, rankable = confidential.hidden_fields(), selection.rankable()
	return [
		{
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
			"rankable": field.key in rankable,
			"choices": [{"value": choice, "label": _(choice)} for choice in field.choices],
		}
		for field in catalogue.fields().values()
		if field.key not in hidden
	]


@frappe.whitelist(methods=["GET", "POST"])
def preview(rule: str | dict, limit: int = 10) -> dict[str, Any]:
	"""`{"count", "sample", "words"}` of a rule; for a rule that is not finished `{"error", "path"}`."""
	frappe.has_permission("Relation Segment", "read", throw=True)
	frappe.has_permission("Relation", "read", throw=True)
	try:
		tree = compiler.parse(rule)
	except RuleError as error:
		return {"error": error.message(_), "path": error.path}
	confidential.check_readable(tree)
	return {**queries.preview(tree, limit), "words": wording.describe(tree)}


@frappe.whitelist(methods=["POST"])
def refresh(segment: str, retake: bool = False) -> dict[str, Any]:
	"""Bring the members in line with the rule, or take a snapshot anew; returns entered, left and members."""
	frappe.has_permission("Relation Segment", "write", doc=segment, throw=True)
	return membership.refresh_and_commit(segment, retake).as_dict()


@frappe.whitelist(methods=["GET", "POST"])
def members(segment: str, limit: int = 20, start: int = 0, former: bool = False) -> list[dict[str, Any]]:
	"""Members that the user may read, with the dates they entered and left."""
	frappe.has_permission("Relation Segment", "read", doc=segment, throw=True)
	return queries.members(segment, limit, start, former)


@frappe.whitelist(methods=["GET", "POST"])
def explain(segment: str, relation: str) -> dict[str, Any]:
	"""Why the relation is in the segment or not: dates, and each condition with value, verdict and documents."""
	frappe.has_permission("Relation Segment", "read", doc=segment, throw=True)
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	try:
		return explanation.of_segment(segment, relation)
	except RuleError as error:
		frappe.throw(_("Rule: {0}").format(error.message(_)), title=_("The rule cannot be read"))


@frappe.whitelist(methods=["POST"])
def add_members(segment: str, relations: str | list) -> dict[str, Any]:
	"""Put relations into a manual segment; returns entered, left and members."""
	frappe.has_permission("Relation Segment", "write", doc=segment, throw=True)
	return membership.add_members(segment, _readable(relations)).as_dict()


@frappe.whitelist(methods=["POST"])
def remove_members(segment: str, relations: str | list) -> dict[str, Any]:
	"""Let relations leave a manual segment; returns entered, left and members."""
	frappe.has_permission("Relation Segment", "write", doc=segment, throw=True)
	return membership.remove_members(segment, _readable(relations)).as_dict()


def _readable(relations: str | list) -> list[str]:
	"""The names given, once each; an error where one is not to be read by the user."""
	names = list(dict.fromkeys(map(str, frappe.parse_json(relations))))
	if hidden := set(names) - set(queries.readable_names(names)):
		frappe.throw(
			_("There is no relation {0} that you may read.").format(", ".join(sorted(hidden)[:5])),
			frappe.PermissionError,
		)
	return names

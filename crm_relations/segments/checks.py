"""Report problems of segments to `relations check`: broken rules and values that no longer exist. Writes
nothing.
"""

import frappe
from frappe import _

from crm_relations.segments.compilation import compiler
from crm_relations.segments.fields import catalogue
from crm_relations.segments.language.rules import Group, RuleError
from crm_relations.segments.members import health
from crm_relations.shared.findings import Finding


def findings() -> list[Finding]:
	"""Yield an error for each segment with a broken rule, a warning for each value of a rule that no longer
	exists.
	"""
	found: list[Finding] = []
	trees: dict[str, Group] = {}
	segment = frappe.qb.DocType("Relation Segment")
	rows = (
		frappe.qb.from_(segment)
		.select(segment.name, segment.rule)
		.where((segment.kind != "Manual") & (segment.disabled == 0))
		.orderby(segment.name)
		.run()
	)
	for name, rule in rows:
		try:
			trees[name] = compiler.parse(rule or "")
		except RuleError as error:
			found.append(
				Finding(
					"error",
					"segment-rule-broken",
					_("The rule of segment {0} is invalid: {1}").format(name, error.message(_)),
					_("Open the segment and correct the rule. Until then it keeps its members."),
				)
			)
	return found + _missing_values(trees) + _taken_keys()


def _taken_keys() -> list[Finding]:
	"""Report fields that an app declares under a key that is already used: rules cannot ask for them."""
	return [
		Finding(
			"error",
			"segment-field-taken",
			_("{0} declares a field {1} for segments, but there is one already. It is left out.").format(
				path, key
			),
			_("Give the field another key in the app that declares it."),
		)
		for path, key in catalogue.taken_keys()
	]


def _missing_values(trees: dict[str, Group]) -> list[Finding]:
	return [
		Finding(
			"warning",
			"segment-value-missing",
			_("Segment {0} asks at {1} for {2} {3}, which does not exist.").format(
				segment, path, _(doctype), value
			),
			_("Open the segment and choose another value, or remove the condition."),
		)
		for segment, path, doctype, value in health.missing_values(trees)
	]

"""What `relations check` finds in segments: rules that cannot be read any more, values that are gone."""

from collections import defaultdict

import frappe
from frappe import _

from crm_relations.segments import catalogue, compiler
from crm_relations.segments.rules import Group, RuleError, text_key
from crm_relations.shared.findings import Finding


def findings() -> list[Finding]:
	"""An error for each segment whose rule is broken, a warning for each value of a rule that no longer exists."""
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
					_("The rule of segment {0} is broken: {1}").format(name, error.message(_)),
					_("Open the segment and correct the rule. Until then it keeps its members."),
				)
			)
	return found + _missing_values(trees) + _taken_keys()


def _taken_keys() -> list[Finding]:
	"""Fields that an app declares under a key that is taken: nobody can ask for them."""
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
	"""One query a doctype that rules name records of."""
	used: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
	for segment, tree in trees.items():
		for path, field, condition in catalogue.asked(tree):
			doctype = field.doctype
			values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
			for value in values if doctype else ():
				if value is not None:
					used[doctype][value].append((segment, path))
	found = []
	for doctype, places in used.items():
		table = frappe.qb.DocType(doctype)
		existing = frappe.qb.from_(table).select(table.name).where(table.name.isin(list(places)))
		known = {text_key(name) for name in existing.run(pluck=True)}
		for value in places:
			if text_key(value) in known:
				continue
			found.extend(
				Finding(
					"warning",
					"segment-value-missing",
					_("Segment {0} asks at {1} for {2} {3}, which does not exist.").format(
						segment, path, _(doctype), value
					),
					_("Open the segment and choose another value, or remove the condition."),
				)
				for segment, path in places[value]
			)
	return found

"""Tell whether a segment can be refreshed. Writes the state of a segment.

A rule is broken if it can no longer be read or asks for records that do not exist. Such a segment keeps its
members. Its form, the list and `relations check` show the problem, and the error log has one entry for each
time that it breaks.
"""

from collections import defaultdict
from collections.abc import Mapping

import frappe
from frappe import _
from frappe.model.document import Document

from crm_relations.segments.compilation import compiler
from crm_relations.segments.fields import catalogue
from crm_relations.segments.language.rules import Group, RuleError, text_key
from crm_relations.shared.text.markup import plain

SEGMENT = "Relation Segment"
OK, BROKEN = "Ready", "Rule Broken"
READY = {"state": OK, "problem": None}

#: (segment, path, doctype, value)
Missing = tuple[str, str, str, str]


def note_broken(segment: str, problem: str) -> None:
	"""Record with the segment that its rule is broken; logged when it breaks, not at each attempt."""
	before = frappe.db.get_value(SEGMENT, segment, ["state", "problem"])
	if before == (BROKEN, plain(problem)):
		return
	frappe.db.set_value(
		SEGMENT,
		segment,
		{"state": BROKEN, "problem": plain(problem), "refresh_fingerprint": None},
		update_modified=False,
	)
	frappe.log_error(
		title=_("Segment {0} has an invalid rule").format(segment)[:140],
		message=problem,
		reference_doctype=SEGMENT,
		reference_name=segment,
	)


def follow_save(doc: Document) -> None:
	"""Clear the problem when the rule of a segment was changed and can be read."""
	if doc.state == BROKEN and doc.has_value_changed("rule"):
		doc.state, doc.problem = None, None


def note_all() -> None:
	"""Record daily which segments have broken rules, including those that are not refreshed."""
	for name in frappe.get_all(
		SEGMENT, filters={"kind": ["!=", "Manual"], "disabled": 0}, pluck="name", order_by="name asc"
	):
		doc = frappe.get_doc(SEGMENT, name)
		try:
			check_values(doc)
		except RuleError as error:
			note_broken(name, error.message(_))


def check_values(doc: Document) -> None:
	"""Refuse a rule that asks for a record that no longer exists: it would match nothing, and members would
	leave.

	:raises RuleError: names the path of the first such value
	"""
	for _segment, path, doctype, value in missing_values({doc.name: compiler.parse(doc.rule or "")}):
		raise RuleError(
			path,
			_("{0} {1} no longer exists. Choose another value, or remove the condition."),
			_(doctype),
			value,
		)


def missing_values(trees: Mapping[str, Group]) -> list[Missing]:
	"""Return values of these rules that name records that do not exist; one query per doctype."""
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
		found += [
			(segment, path, doctype, value)
			for value, where in places.items()
			if text_key(value) not in known
			for segment, path in where
		]
	return found

"""Describe a whole segment in words: its rule with sample and exceptions, for approvals and prints. Writes
nothing.

The result is HTML without tags: Frappe shows read-only texts, and all texts of a print, without escaping, and
a rule may contain what a user typed.
"""

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import escape_html

from crm_relations.segments.compilation import selection
from crm_relations.segments.description import describe_rule
from crm_relations.segments.fields import catalogue
from crm_relations.segments.language.rules import RuleError


def of_segment(doc: Document) -> str:
	"""Return what the segment selects, one sentence per line, escaped; for a broken rule, what is wrong with
	it.
	"""
	return escape_html(_told(doc))


def of_segment_named(segment: str | None) -> str:
	"""Return the same for a segment's name; empty if there is none."""
	if not segment or not frappe.db.exists("Relation Segment", segment):
		return ""
	return of_segment(frappe.get_cached_doc("Relation Segment", segment))


def _told(doc: Document) -> str:
	if doc.kind == "Manual":
		return _("Relations selected manually")
	if not doc.rule:
		return ""
	try:
		lines = [describe_rule.describe(doc.rule)]
	except RuleError as error:
		return _("The rule cannot be read") + f": {error.message(_)}"
	if doc.sample == selection.RANDOM:
		lines.append(_("Of these {0}, drawn at random").format(doc.sample_size))
	elif doc.sample == selection.TOP:
		ranked = catalogue.fields().get(doc.sample_by)
		label = ranked.label if ranked else doc.sample_by
		lines.append(_("Of these the first {0} by: {1}").format(doc.sample_size, label))
	if keeping_out := [row.suppressed_by for row in doc.suppressions]:
		lines.append(_("Without the members of: {0}").format(", ".join(keeping_out)))
	for pin, sentence in (
		(selection.ALWAYS, _("Relations that are always in: {0}")),
		(selection.NEVER, _("Relations that are never in: {0}")),
	):
		if number := sum(row.pin == pin for row in doc.pins):
			lines.append(sentence.format(number))
	return "\n".join(lines)

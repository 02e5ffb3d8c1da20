"""Serve the desk's calls for segments. Every answer holds only what the session's user may read."""

from typing import Any

import frappe
from frappe import _

from crm_relations.segments import confidential, queries, versions
from crm_relations.segments.analysis import exporting, preview_requests
from crm_relations.segments.analysis.breakdown import breakdown as break_down
from crm_relations.segments.analysis.overlap import overlap as overlap_of
from crm_relations.segments.compilation import compiler
from crm_relations.segments.description import builder_schema, describe_rule, explanation
from crm_relations.segments.language.rules import RuleError
from crm_relations.segments.members import jobs, membership
from crm_relations.shared.refusals import refuse


@frappe.whitelist(methods=["GET", "POST"])
def get_catalogue() -> list[dict[str, Any]]:
	"""Return the fields and events that the rule builder offers the user.

	Fields have key, label, group, type, operators, the doctype and filters or the choices of the values. They
	also say whether the values are a tree, and whether a sample can be ranked by the field. Events have key,
	label, group, type "event", measures, operators and their own fields.
	"""
	frappe.has_permission("Relation Segment", "read", throw=True)
	return builder_schema.offered()


@frappe.whitelist(methods=["GET", "POST"])
def preview(rule: str | dict, limit: int = 10, builder: str | None = None, number: int = 0) -> dict[str, Any]:
	"""Return `{"count", "sample", "words"}` of a rule; for an unfinished rule `{"error", "path"}`.

	`builder` and `number` identify the request: if it is older than the newest one of this builder, it is
	stopped and answered with `{"outdated": True}`.
	"""
	frappe.has_permission("Relation Segment", "read", throw=True)
	frappe.has_permission("Relation", "read", throw=True)
	try:
		tree = compiler.parse(rule)
	except RuleError as error:
		return {"error": error.message(_), "path": error.path}
	confidential.check_readable(tree)
	try:
		with preview_requests.latest_only(builder, number):
			return {**queries.preview(tree, limit), "words": describe_rule.describe(tree)}
	except preview_requests.Superseded:
		return {"outdated": True}


@frappe.whitelist(methods=["GET", "POST"])
def breakdown(rule: str | dict) -> list[dict[str, Any]]:
	"""Return how the matches of a rule are distributed: industry, role, territory and age group, with the
	largest values.
	"""
	frappe.has_permission("Relation Segment", "read", throw=True)
	frappe.has_permission("Relation", "read", throw=True)
	try:
		tree = compiler.parse(rule)
	except RuleError as error:
		refuse(_("Rule: {0}"), error.message(_), title=_("The rule cannot be read"))
	confidential.check_readable(tree)
	return break_down(tree)


@frappe.whitelist(methods=["GET", "POST"])
def overlap(segments: str | list) -> dict[str, Any]:
	"""Return the members that segments have in common: `{"segments", "members", "both"}`, a matrix of counts."""
	frappe.has_permission("Relation Segment", "read", throw=True)
	names = list(map(str, frappe.parse_json(segments)))
	shown = frappe.get_list(
		"Relation Segment",
		filters={"name": ["in", names or [""]]},
		pluck="name",
		order_by="name asc",
		limit=0,
	)
	if hidden := sorted(set(names) - set(shown)):
		refuse(_("No segment {0} that you may read."), hidden[0], exception=frappe.PermissionError)
	return overlap_of(names)


@frappe.whitelist(methods=["GET", "POST"])
def segments_of(relation: str) -> list[dict[str, Any]]:
	"""Return the segments of a relation that the user may read, present and former: segment, kind, entered,
	left_on.
	"""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	return queries.segments_of(relation)


@frappe.whitelist(methods=["POST"])
def refresh(segment: str, retake: bool = False) -> dict[str, Any]:
	"""Update the members by the rule, or retake a snapshot; return entered, left and members."""
	frappe.has_permission("Relation Segment", "write", doc=segment, throw=True)
	jobs.bring_facts_up_to_date()
	return queries.seen_of(membership.refresh_and_commit(segment, retake))


@frappe.whitelist(methods=["POST"])
def start_refresh(segment: str, retake: bool = False) -> None:
	"""Queue a refresh; its progress reaches the user as `relation_segment_refresh` in real time. Returns
	nothing.
	"""
	frappe.has_permission("Relation Segment", "write", doc=segment, throw=True)
	jobs.start(segment, retake)


@frappe.whitelist(methods=["GET", "POST"])
def standing(segment: str) -> dict[str, Any]:
	"""Return the state of a segment for its form.

	It has the members that the user may read and whether these are all, time, kind and duration of the last
	refresh, and what is wrong with the rule.
	"""
	frappe.has_permission("Relation Segment", "read", doc=segment, throw=True)
	return queries.standing(segment)


@frappe.whitelist(methods=["GET", "POST"])
def counts(segments: str | list) -> dict[str, int]:
	"""Return segment → members that the user may read; only for segments that the user may read."""
	frappe.has_permission("Relation Segment", "read", throw=True)
	names = list(map(str, frappe.parse_json(segments)))
	shown = frappe.get_list(
		"Relation Segment", filters={"name": ["in", names]}, pluck="name", order_by="name asc", limit=0
	)
	return queries.counts(shown) if shown else {}


@frappe.whitelist(methods=["GET", "POST"])
def rule_versions(segment: str) -> list[dict[str, Any]]:
	"""Return the versions of the rule, newest first: version, changed_by, changed_at, words."""
	frappe.has_permission("Relation Segment", "read", doc=segment, throw=True)
	return versions.of(segment)


@frappe.whitelist(methods=["POST"])
def export_members(segment: str) -> dict[str, Any]:
	"""Export the members that the user may read as csv; returns `file_url` or None, `rows` and a `message`."""
	frappe.has_permission("Relation Segment", "read", doc=segment, throw=True)
	frappe.has_permission("Relation", "export", throw=True)
	return exporting.start(segment)


@frappe.whitelist(methods=["GET", "POST"])
def members(segment: str, limit: int = 20, start: int = 0, former: bool = False) -> list[dict[str, Any]]:
	"""Return the members that the user may read, with the dates they entered and left."""
	frappe.has_permission("Relation Segment", "read", doc=segment, throw=True)
	return queries.members(segment, limit, start, former)


@frappe.whitelist(methods=["GET", "POST"])
def explain(segment: str, relation: str) -> dict[str, Any]:
	"""Explain why the relation is in the segment or not: dates, and each condition with value, verdict and
	documents.
	"""
	frappe.has_permission("Relation Segment", "read", doc=segment, throw=True)
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	try:
		return explanation.of_segment(segment, relation)
	except RuleError as error:
		refuse(_("Rule: {0}"), error.message(_), title=_("The rule cannot be read"))


@frappe.whitelist(methods=["POST"])
def add_members(segment: str, relations: str | list) -> dict[str, Any]:
	"""Add relations to a manual segment; return entered, left and members."""
	frappe.has_permission("Relation Segment", "write", doc=segment, throw=True)
	return queries.seen_of(membership.add_members(segment, _readable(relations)))


@frappe.whitelist(methods=["POST"])
def remove_members(segment: str, relations: str | list) -> dict[str, Any]:
	"""Remove relations from a manual segment; return entered, left and members."""
	frappe.has_permission("Relation Segment", "write", doc=segment, throw=True)
	return queries.seen_of(membership.remove_members(segment, _readable(relations)))


def _readable(relations: str | list) -> list[str]:
	"""Return the given names, once each; raise an error for a relation that the user may not read."""
	names = list(dict.fromkeys(map(str, frappe.parse_json(relations))))
	if hidden := set(names) - set(queries.readable_names(names)):
		refuse(
			_("No relation {0} that you may read."),
			", ".join(sorted(hidden)[:5]),
			exception=frappe.PermissionError,
		)
	return names

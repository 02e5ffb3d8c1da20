"""Select the relations that belong to a segment today. Writes nothing.

The result is the rule, without excluded relations, as a sample if the segment asks for one, plus the pins. In
this order: pinned "Never In" is out; pinned "Always In" is in; a member of an excluded segment is out; rule
and sample decide the rest.

A sample is drawn from the relations that remain. `Random` orders by a digest of the seed and the relation, so
that the same seed draws the same relations while others enter or leave. `Top` orders by a figure of the
catalogue, highest first, relations without a figure last.
"""

from collections.abc import Collection, Iterable
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import CustomFunction
from frappe.utils import cint
from pypika.functions import Concat
from pypika.queries import QueryBuilder
from pypika.terms import Term

from crm_relations.relations.facts.sources import OneOf
from crm_relations.segments.compilation import compiler
from crm_relations.segments.compilation.compiler import Rule
from crm_relations.segments.fields import catalogue
from crm_relations.segments.fields.catalogue import Field
from crm_relations.segments.language.rules import RuleError
from crm_relations.shared.refusals import refuse

SEGMENT = "Relation Segment"
ALWAYS, NEVER = "Always In", "Never In"
RANDOM, TOP = "Random", "Top"
MAX_SAMPLE = 10_000_000

_digest = CustomFunction("MD5", ["text"])


def selected(doc: Document, relations: Collection[str] | None = None) -> QueryBuilder:
	"""Return the query that selects the names of the relations that belong to the segment today, each once.

	:param relations: only among these; not for a segment with a sample, which is drawn from all
	:raises crm_relations.segments.language.rules.RuleError: the rule is broken; names the path of the fault
	"""
	if relations is None and not (doc.pins or doc.suppressions or doc.sample):
		return compiler.names_of(compiler.criterion_of(doc.rule or ""))
	query = _sampled(doc, _not_excluded(doc, doc.rule or "", relations))
	always = _pinned(doc, ALWAYS) - _pinned(doc, NEVER)
	if relations is not None:
		always &= set(relations)
	if always:
		relation = frappe.qb.DocType("Relation")
		pinned = frappe.qb.from_(relation).select(relation.name).where(relation.name.isin(sorted(always)))
		query = _of(_of(query, "found").union(pinned), "selected")
	return query


def standing(doc: Document, relation: str) -> dict[str, Any]:
	"""Return what else than the rule decides on a relation: `{"selected", "pin", "reason", "kept_out_by"}`.

	:raises crm_relations.segments.language.rules.RuleError: the rule is broken
	"""
	pin = next((row for row in doc.pins if row.relation == relation), None)
	table = selected(doc).as_("standing")
	return {
		"selected": bool(frappe.qb.from_(table).select(table.name).where(table.name == relation).run()),
		"pin": pin.pin if pin else None,
		"reason": pin.reason if pin else None,
		"kept_out_by": frappe.get_all(
			"Relation Segment Member",
			filters={
				"relation": relation,
				"left_on": ["is", "not set"],
				"segment": ["in", [row.suppressed_by for row in doc.suppressions] or [""]],
			},
			pluck="segment",
			order_by="segment asc",
		),
	}


def drawing_order(seed: str | None, name: Term) -> Term:
	"""Return the order of a random draw, always the same for a seed."""
	return _digest(Concat(seed or "", name))


def rankable() -> dict[str, Field]:
	"""Return the fields of the catalogue by which a sample can be ranked."""
	return {
		key: field
		for key, field in catalogue.fields().items()
		if isinstance(field, Field) and field.type in ("integer", "amount", "date") and field.source.rankable
	}


def check(doc: Document) -> None:
	"""Validate pins, exclusions and sample of a form.

	:raises frappe.ValidationError: names the field and the remedy
	"""
	if doc.kind == "Manual":
		doc.set("pins", [])
		doc.set("suppressions", [])
		doc.sample = None
	_check_pins(doc)
	_check_suppressions(doc)
	_check_sample(doc)


def one_of(names: Collection[str]) -> OneOf:
	"""Return the right side of IN for many names."""
	return OneOf(names)


def _not_excluded(doc: Document, rule: Rule, relations: Collection[str] | None) -> QueryBuilder:
	"""Return the matches of the rule without excluded and pinned relations, which take no place in a sample."""
	relation = frappe.qb.DocType("Relation")
	query = compiler.compile_rule(rule, relations)
	if pinned := _pinned(doc, ALWAYS) | _pinned(doc, NEVER):
		query = query.where(relation.name.notin(sorted(pinned)))
	if keeping_out := [row.suppressed_by for row in doc.suppressions]:
		member = frappe.qb.DocType("Relation Segment Member")
		out = (
			frappe.qb.from_(member)
			.select(member.relation)
			.where(member.segment.isin(keeping_out) & member.left_on.isnull() & member.relation.isnotnull())
		)
		query = query.where(relation.name.notin(out))
	return query


def _sampled(doc: Document, query: QueryBuilder) -> QueryBuilder:
	relation = frappe.qb.DocType("Relation")
	if doc.sample == RANDOM:
		query = query.orderby(drawing_order(doc.sample_seed, relation.name)).orderby(relation.name)
	elif doc.sample == TOP:
		if doc.sample_by not in rankable():
			raise RuleError(
				"sample_by", "Field {0} does not exist. Choose one from the catalogue.", repr(doc.sample_by)
			)
		ranking = rankable()[doc.sample_by].source
		query = ranking.ranked(query, compiler.scope()).orderby(relation.name)
	else:
		return query
	return _of(query.limit(cint(doc.sample_size)), "sampled")


def _of(query: Any, alias: str) -> QueryBuilder:
	"""Return the names of a query as a table: only there do databases accept LIMIT and UNION inside another
	query.
	"""
	table = query.as_(alias)
	return frappe.qb.from_(table).select(table.name)


def _pinned(doc: Document, pin: str) -> set[str]:
	return {row.relation for row in doc.pins if row.pin == pin and row.relation}


def _check_pins(doc: Document) -> None:
	seen: set[str] = set()
	for row in doc.pins:
		if row.relation in seen:
			refuse(
				_("Pinned Relations, row {0}: {1} is pinned twice. Remove one of the rows."),
				row.idx,
				frappe.db.get_value("Relation", row.relation, "relation_name") or row.relation,
			)
		seen.add(row.relation)


def _check_suppressions(doc: Document) -> None:
	seen: set[str] = set()
	for row in doc.suppressions:
		if row.suppressed_by in seen:
			refuse(
				_("Excluded Segments, row {0}: {1} is entered twice. Remove one of the rows."),
				row.idx,
				row.suppressed_by,
			)
		seen.add(row.suppressed_by)


def _check_sample(doc: Document) -> None:
	if not doc.sample:
		doc.sample_size, doc.sample_seed, doc.sample_by = 0, None, None
		return
	if not 1 <= cint(doc.sample_size) <= MAX_SAMPLE:
		refuse(_("Sample Size: enter a whole number between 1 and {0}."), MAX_SAMPLE)
	if doc.sample == TOP:
		doc.sample_seed = None
		if doc.sample_by not in rankable():
			refuse(
				_("Highest: {0} is not a figure of the catalogue. Choose one of: {1}."),
				doc.sample_by or "–",
				_labels(rankable().values()),
			)
	else:
		doc.sample_by = None
		doc.sample_seed = (doc.sample_seed or "").strip() or frappe.generate_hash(length=8)


def _labels(fields: Iterable[Field]) -> str:
	return ", ".join(str(field.label) for field in fields)

"""Merge two relations that are one, with a preview, and undo it. Sole writer of `Relation Merge`.

ERPNext's documents are not merged: the customer and the lead stay as they are, and both belong to the
surviving relation. `creation.merge` does the merge. This module holds the choices of the user, and the record
for undoing it.
"""

from collections.abc import Collection
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cstr, formatdate, now
from pypika.terms import Criterion

from crm_relations.relations import queries as relation_queries
from crm_relations.relations.creation import merge as folding
from crm_relations.relations.duplicates import index, pairs, queries
from crm_relations.relations.duplicates.queries import MERGE
from crm_relations.relations.facts import queue as facts
from crm_relations.relations.merging import merge_snapshot
from crm_relations.relations.roles_and_stages import roles
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.refusals import refuse
from crm_relations.shared.side_effects import deferrable

MERGED, UNDONE = "Merged", "Undone"
#: derived from the rest, or written by the merge itself
_NOT_CHOSEN = ("stage", "stage_since", "disabled", "completeness", "image")
#: doctype → fields: a unique key allows a relation only one row for each value; the other's row stays where
#: it is
_ONCE = {"Relation Campaign Member": ("campaign", "enrollment_no")}


# ── preview ────────────────────────────────────────────────────────────────────────────────────


def preview(keep: str, other: str) -> dict[str, Any]:
	"""Return what a merge would do. Changes nothing.

	:return: `keep`, `other` (name, relation_name, creation), `fields` [{fieldname, label, kept, other,
		result, choice}], `parties` and `roles` of both, `moves` [{doctype, count}] and `stays` [{doctype,
		count}]
	"""
	kept, folded = _both(keep, other)
	parties = relation_queries.parties_of([keep, other])
	counted = merge_snapshot.counts(other)
	counted.pop(queries.PAIR, None)
	stays = {doctype: number for doctype in _ONCE if (number := _held_by_both(doctype, keep, other))}
	moves = {doctype: number - stays.get(doctype, 0) for doctype, number in counted.items()}
	return {
		"keep": _head(kept),
		"other": _head(folded),
		"fields": compared_fields(kept, folded),
		"parties": [
			{"relation": name, "doctype": doctype, "name": document}
			for name in (keep, other)
			for doctype, document in parties[name]
		],
		"roles": [
			{"relation": doc.name, "role": row.role, "since": row.since, "until": row.until}
			for doc in (kept, folded)
			for row in doc.roles
		],
		"moves": [{"doctype": d, "count": n} for d, n in sorted(moves.items()) if n > 0],
		"stays": [{"doctype": d, "count": n} for d, n in sorted(stays.items())],
	}


def compared_fields(one: Document, other: Document) -> list[dict[str, Any]]:
	"""Return the fields in which at least one of the two has a value that the reader may see."""
	levels = one.meta.get_permlevel_access("read")
	result = []
	for docfield in one.meta.get("fields"):
		name = docfield.fieldname
		if docfield.fieldtype in (*frappe.model.no_value_fields, *frappe.model.table_fields):
			continue
		if name in _NOT_CHOSEN or docfield.hidden or docfield.permlevel not in levels:
			continue
		mine, theirs = one.get(name), other.get(name)
		if not mine and not theirs:
			continue
		result.append(
			{
				"fieldname": name,
				"label": _(docfield.label),
				"kept": _shown(docfield, mine),
				"other": _shown(docfield, theirs),
				"result": _shown(docfield, mine or theirs),
				"choice": bool(mine and theirs and cstr(mine) != cstr(theirs)),
			}
		)
	return result


def _shown(docfield: Any, value: Any) -> str:
	"""Return a value as the form shows it: titles of links, translated names, dates in the reader's format."""
	if not value:
		return ""
	if docfield.fieldtype == "Date":
		return formatdate(value)
	if docfield.fieldtype == "Select":
		return _(value)
	if docfield.fieldtype == "Link":
		meta = frappe.get_meta(docfield.options)
		if meta.show_title_field_in_link and meta.title_field:
			value = frappe.db.get_value(docfield.options, value, meta.title_field) or value
		return _(value) if meta.translated_doctype else cstr(value)
	return cstr(value)


def _head(doc: Document) -> dict[str, Any]:
	return {"name": doc.name, "relation_name": doc.relation_name, "creation": cstr(doc.creation)}


def _held_by_both(doctype: str, keep: str, other: str) -> int:
	table, mine = frappe.qb.DocType(doctype), frappe.qb.DocType(doctype).as_("mine")
	same = Criterion.all([mine[column] == table[column] for column in _ONCE[doctype]])
	rows = (
		frappe.qb.from_(table)
		.join(mine)
		.on(same & (mine.relation == keep))
		.select(table.name)
		.where(table.relation == other)
	)
	return len(rows.run())


# ── merge ──────────────────────────────────────────────────────────────────────────────────────


def merge(keep: str, other: str, take: Collection[str] = ()) -> str:
	"""Merge relation `other` into `keep`; return the name of the Relation Merge, with which it can be undone.

	:param take: fields for which the other's value wins; in the rest the survivor's, if it has one
	:raises frappe.ValidationError: the same relation twice, a person and an organization, no such field
	"""
	kept, folded = _both(keep, other, for_update=True)
	allowed = {row["fieldname"] for row in compared_fields(kept, folded) if row["other"]}
	if unknown := sorted(set(take) - allowed):
		refuse(_("Fields: {0} cannot be copied. Choose among the fields of the preview."), ", ".join(unknown))
	before = merge_snapshot.read(keep, other)
	if take:
		frappe.db.set_value("Relation", keep, {field: folded.get(field) for field in take})
		frappe.clear_document_cache("Relation", keep)
	folding.merge_into(keep, other)
	roles.refresh([keep])
	record = merge_snapshot.difference(before, merge_snapshot.read(keep, other))
	doc = trusted(
		frappe.get_doc(
			{
				"doctype": MERGE,
				"kept": keep,
				"folded": other,
				"folded_name": folded.relation_name,
				"state": MERGED,
				"merged_by": frappe.session.user,
				"merged_on": now(),
				"moved": _told(record),
				"record": merge_snapshot.dumps({"keep": keep, "other": other, **record}),
			}
		)
	)
	return doc.insert(ignore_permissions=True).name


def _both(keep: str, other: str, for_update: bool = False) -> tuple[Document, Document]:
	if keep == other:
		frappe.throw(_("A relation cannot be merged with itself. Choose another one."))
	# always locked in one order: two merges of the same pair must not wait for each other
	docs = {name: frappe.get_doc("Relation", name, for_update=for_update) for name in sorted((keep, other))}
	kept, folded = docs[keep], docs[other]
	if kept.relation_kind != folded.relation_kind:
		refuse(
			_(
				"{0} is a person and {1} an organization, or the other way round. Correct the kind of one of them first."
			),
			kept.relation_name,
			folded.relation_name,
		)
	return kept, folded


def _told(record: dict[str, Any]) -> str:
	"""Return what the merge moved, one line per doctype."""
	numbers: dict[str, int] = {}
	for doctype, rows in record["changed"].items():
		if doctype != "Relation":
			numbers[doctype] = numbers.get(doctype, 0) + len(rows)
	for doctype, _field, _type_field, pointers in record["moved"]:
		numbers[doctype] = numbers.get(doctype, 0) + len(pointers)
	return "\n".join(f"{_(doctype)}: {number}" for doctype, number in sorted(numbers.items()))


# ── undo ───────────────────────────────────────────────────────────────────────────────────────


def undo(name: str, different: bool = False) -> list[str]:
	"""Undo a merge: both relations are restored, with everything that named them.

	What was changed after the merge stays with the surviving relation and is reported.

	:param different: record that the two are different, so that they are not proposed again
	:return: one line for each value that was left as it is
	:raises frappe.ValidationError: undone already, or a later merge must be undone first
	"""
	doc = frappe.get_doc(MERGE, name, for_update=True)
	if doc.state != MERGED:
		frappe.throw(_("This merge has been undone already."))
	record = merge_snapshot.loads(doc.record)
	keep, other = record["keep"], record["other"]
	_check_can_be_undone(keep)
	left = merge_snapshot.restore(record)
	for relation in (keep, other):
		frappe.clear_document_cache("Relation", relation)
	roles.refresh([keep, other])
	index.refresh_keys([keep, other])
	facts.mark_all([("Relation", keep), ("Relation", other)])
	doc.update(
		{
			"state": UNDONE,
			"undone_by": frappe.session.user,
			"undone_on": now(),
			"left_after_undo": "\n".join(left),
			"record": "",
		}
	)
	trusted(doc).save(ignore_permissions=True)
	if different:
		_note_different(keep, other)
	return left


@deferrable
def forget(doc: Document) -> None:
	"""Delete what the merges of a deleted relation have stored of others; step of an event."""
	frappe.db.delete(MERGE, {"kept": doc.name})


def _check_can_be_undone(keep: str) -> None:
	later = frappe.db.get_value(MERGE, {"folded": keep, "state": MERGED}, ["name", "kept"], as_dict=True)
	if later:
		refuse(_("The surviving relation has since been merged into {0}. Undo that merge first."), later.kept)
	if not frappe.db.exists("Relation", keep):
		refuse(_("The surviving relation {0} no longer exists. The merge cannot be undone."), keep)


def _note_different(keep: str, other: str) -> None:
	pair = queries.ordered(keep, other)
	stored = queries.pairs_among({pair}).get(pair)
	if not stored:
		pairs.propose([pairs.Candidate(*pair, 0.0, [])])
		stored = queries.pairs_among({pair})[pair]
	pairs.decide(stored["name"], pairs.DIFFERENT)

"""Maintain relationships between relations: typed, dated, readable from both ends.

Writes `Relation Link`. Users write it in its form, with the same checks; a merge deletes links between the
two.
"""

from collections.abc import Mapping
from datetime import date

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import getdate, now, nowdate
from pypika.queries import Table
from pypika.terms import Criterion

from crm_relations.relations import changes, queries, rules
from crm_relations.relations.network import link_types
from crm_relations.relations.party_documents.sources import Row
from crm_relations.shared import table_rows
from crm_relations.shared.in_lists import one_of_many
from crm_relations.shared.refusals import refuse

Pair = tuple[str, str]


def link(relation: str, link_type: str, related: str, since: str | date | None = None) -> str:
	"""Return the name of the open Relation Link of that type between the two; create it if there is none.

	:raises frappe.ValidationError: a link to itself, an unknown type, or a circle of subsidiaries
	"""
	if name := open_without_end(relation, link_type, related):
		return name
	doc = frappe.get_doc(
		{
			"doctype": "Relation Link",
			"relation": relation,
			"link_type": link_type,
			"related_relation": related,
			"since": since,
		}
	)
	return doc.insert(ignore_permissions=True).name


def open_without_end(relation: str, link_type: str, related: str) -> str | None:
	"""Return the oldest link of that type between the two that has no end, or None."""
	key = {
		"relation": relation,
		"link_type": link_type,
		"related_relation": related,
		"until": ["is", "not set"],
	}
	return frappe.db.get_value("Relation Link", key, "name", order_by="creation asc")


def link_many(link_type: str, pairs: Mapping[Pair, date | None]) -> int:
	"""Create the missing open links, set-based; return how many. Not for types that can form circles.

	:param pairs: (relation, related relation) → since when, if that is known
	"""
	missing = add_missing(link_type, pairs)
	changes.announce(name for pair in missing for name in pair)
	return len(missing)


def add_missing(link_type: str, pairs: Mapping[Pair, date | None]) -> list[Pair]:
	"""Do what `link_many` does without announcing it; return the new pairs."""
	if not pairs:
		return []
	table = frappe.qb.DocType("Relation Link")
	rows = (
		frappe.qb.from_(table)
		.select(table.relation, table.related_relation)
		.where(table.link_type == link_type)
		.where(table.until.isnull())
		.where(one_of_many(table.relation, {relation for relation, _related in pairs}))
	).run()
	stored = set(rows)
	missing = [pair for pair in pairs if pair not in stored]
	stamp, user = now(), frappe.session.user
	table_rows.insert(
		"Relation Link",
		[
			"name",
			"owner",
			"modified_by",
			"creation",
			"modified",
			"relation",
			"link_type",
			"related_relation",
			"since",
		],
		[
			(
				frappe.generate_hash(length=10),
				user,
				user,
				stamp,
				stamp,
				pair[0],
				link_type,
				pair[1],
				pairs[pair],
			)
			for pair in missing
		],
	)
	return missing


def end(relation: str, link_type: str, related: str, until: str | date | None = None) -> None:
	"""End the open links of that type between the two; by default today."""
	key = {
		"relation": relation,
		"link_type": link_type,
		"related_relation": related,
		"until": ["is", "not set"],
	}
	for name in frappe.get_all("Relation Link", filters=key, pluck="name", order_by="creation asc"):
		frappe.db.set_value("Relation Link", name, "until", getdate(until or nowdate()))
	changes.announce((relation, related))


def links_of(relation: str) -> list[Row]:
	"""Return all links of a relation, read from it: `reads` is the type in its direction (works for /
	employs).
	"""
	result = []
	for row in queries.links_of(relation):
		reads = link_types.reads(row["link_type"], row["outgoing"])
		result.append({**row, "reads": reads})
	return result


# ── checks of a Relation Link ──────────────────────────────────────────────────────────────────


def check_ends(doc: Document) -> None:
	"""Refuse to link a relation to itself."""
	if doc.relation == doc.related_relation:
		frappe.throw(_("Related Relation: a relation cannot be linked to itself. Choose another one."))


def check_dates(doc: Document) -> None:
	if doc.since and doc.until and getdate(doc.until) < getdate(doc.since):
		refuse(_("Until: {0} lies before Since ({1}). Correct one of the dates."), doc.until, doc.since)


def check_kinds(doc: Document) -> None:
	"""Check the kinds of both ends: some types only start at persons or end at organizations.

	:raises frappe.ValidationError: names the field and the kind it needs
	"""
	found = link_types.all_types().get(doc.link_type)
	if not found or not (doc.is_new() or doc.has_value_changed("link_type")):
		return
	ends = ("relation", "related_relation")
	check_kinds_of(doc, {end: frappe.db.get_value("Relation", doc.get(end), "relation_kind") for end in ends})


def check_kinds_of(doc: Document, kinds: Mapping[str, str | None]) -> None:
	"""Check the kinds for a link between relations of these kinds.

	:param kinds: field of the link → kind of the relation in it
	:raises frappe.ValidationError: names the field and the kind it needs
	"""
	found = link_types.all_types()[doc.link_type]
	for field, wanted in (("relation", found.from_kind), ("related_relation", found.to_kind)):
		kind = kinds[field]
		if kind and wanted and wanted not in ("Both", kind):
			refuse(
				_("{0}: for the type {1} choose a relation of kind {2}; this one is of kind {3}."),
				_(doc.meta.get_label(field)),
				_(doc.link_type),
				_(wanted),
				_(kind),
			)


def check_offered(doc: Document) -> None:
	"""Refuse new links of a disabled type."""
	found = link_types.all_types().get(doc.link_type)
	if found and found.disabled and (doc.is_new() or doc.has_value_changed("link_type")):
		refuse(_("Link Type: {0} is not offered any more. Choose another one."), _(doc.link_type))


def check_twice(doc: Document) -> None:
	"""Refuse a second open link for the same relationship, in either direction if it has none."""
	found = link_types.all_types().get(doc.link_type)
	if not _is_open(doc) or not found:
		return
	ends = [(doc.relation, doc.related_relation)]
	if found.symmetric:
		ends.append((doc.related_relation, doc.relation))
	table = frappe.qb.DocType("Relation Link")
	for relation, related in ends:
		query = (
			frappe.qb.from_(table)
			.select(table.name)
			.where((table.relation == relation) & (table.related_relation == related))
			.where((table.link_type == doc.link_type) & (table.name != (doc.name or "")))
			.where(open_links(table))
			.limit(1)
		)
		if query.run():
			refuse(
				_("Related Relation: the two are linked as {0} already. End that link first."),
				_(doc.link_type),
			)


def check_circle(doc: Document) -> None:
	"""Refuse a company as subsidiary of its own subsidiary. Walks up from the parent, one read per level.

	:raises frappe.ValidationError: names the field and the chain
	"""
	found = link_types.all_types().get(doc.link_type)
	if not found or not found.no_circles or not _is_open(doc):
		return
	table = frappe.qb.DocType("Relation Link")
	edges: dict[str, list[str]] = {doc.relation: [doc.related_relation]}
	level = {doc.related_relation}
	while level:
		rows = (
			frappe.qb.from_(table)
			.select(table.relation, table.related_relation)
			.where(table.link_type == doc.link_type)
			.where(open_links(table))
			.where(table.relation.isin(level))
			.where(table.name != (doc.name or ""))
		).run()
		for relation, related in rows:
			edges.setdefault(relation, []).append(related)
		level = {related for _relation, related in rows} - edges.keys()
	if circle := rules.find_cycle(doc.relation, edges):
		refuse(
			_("Related Relation: this would close a circle: {0}. End one of these links first."),
			link_types.named_chain(circle),
		)


def open_links(table: Table) -> Criterion:
	"""Return links without an end, or with an end in the future."""
	return table.until.isnull() | (table.until > nowdate())


def _is_open(doc: Document) -> bool:
	return not doc.until or getdate(doc.until) > getdate()

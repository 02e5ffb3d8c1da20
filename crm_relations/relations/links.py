"""Relationships between relations: typed, dated, readable from both ends. Alone writes `Relation Link` by program;
people write it in its form, with the same checks."""

from collections.abc import Mapping
from datetime import date

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import getdate, now, nowdate

from crm_relations.relations import queries, rules
from crm_relations.relations.sources import Row

Pair = tuple[str, str]


def link(relation: str, link_type: str, related: str, since: str | date | None = None) -> str:
	"""Name of the open Relation Link of that type between the two; made if there is none.

	:raises frappe.ValidationError: a link to itself, an unknown type, or a circle of subsidiaries
	"""
	key = {
		"relation": relation,
		"link_type": link_type,
		"related_relation": related,
		"until": ["is", "not set"],
	}
	if name := frappe.db.get_value("Relation Link", key, "name", order_by="creation asc"):
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


def link_many(link_type: str, pairs: Mapping[Pair, date]) -> int:
	"""Make the open links that are missing, set-based; returns how many. Not for types that can go round."""
	if not pairs:
		return 0
	table = frappe.qb.DocType("Relation Link")
	rows = (
		frappe.qb.from_(table)
		.select(table.relation, table.related_relation)
		.where(table.link_type == link_type)
		.where(table.until.isnull())
		.where(table.relation.isin({relation for relation, _related in pairs}))
	).run()
	missing = [pair for pair in pairs if pair not in set(rows)]
	stamp, user = now(), frappe.session.user
	frappe.db.bulk_insert(
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
	return len(missing)


def end(relation: str, link_type: str, related: str, until: str | date | None = None) -> None:
	"""Date the end of the open links of that type between the two; default today."""
	key = {
		"relation": relation,
		"link_type": link_type,
		"related_relation": related,
		"until": ["is", "not set"],
	}
	for name in frappe.get_all("Relation Link", filters=key, pluck="name", order_by="creation asc"):
		frappe.db.set_value("Relation Link", name, "until", getdate(until or nowdate()))


def links_of(relation: str) -> list[Row]:
	"""All links of a relation, read from it: `reads` is the type in its direction (works for / employs)."""
	result = []
	for row in queries.links_of(relation):
		reads = row["link_type"] if row["outgoing"] else rules.REVERSE[row["link_type"]]
		result.append({**row, "reads": reads})
	return result


# ── checks of a Relation Link ──────────────────────────────────────────────────────────────────


def check_ends(doc: Document) -> None:
	"""A relation cannot be linked to itself."""
	if doc.relation == doc.related_relation:
		frappe.throw(_("Related Relation: a relation cannot be linked to itself. Choose another one."))


def check_dates(doc: Document) -> None:
	if doc.since and doc.until and getdate(doc.until) < getdate(doc.since):
		frappe.throw(
			_("Until: {0} lies before Since ({1}). Correct one of the dates.").format(doc.until, doc.since)
		)


def check_circle(doc: Document) -> None:
	"""A company cannot be a subsidiary of its own subsidiary. Walks up from the parent, one read a level."""
	if doc.link_type != rules.SUBSIDIARY_OF or doc.until:
		return
	table = frappe.qb.DocType("Relation Link")
	edges: dict[str, list[str]] = {doc.relation: [doc.related_relation]}
	level = {doc.related_relation}
	while level:
		rows = (
			frappe.qb.from_(table)
			.select(table.relation, table.related_relation)
			.where(table.link_type == rules.SUBSIDIARY_OF)
			.where(table.until.isnull())
			.where(table.relation.isin(level))
			.where(table.name != (doc.name or ""))
		).run()
		for relation, related in rows:
			edges.setdefault(relation, []).append(related)
		level = {related for _relation, related in rows} - edges.keys()
	if circle := rules.find_cycle(doc.relation, edges):
		names = dict(
			frappe.get_all(
				"Relation",
				filters={"name": ["in", circle]},
				fields=["name", "relation_name"],
				as_list=True,
				order_by="name asc",
			)
		)
		frappe.throw(
			_(
				"Related Relation: this would close a circle of subsidiaries: {0}. End one of these links first."
			).format(" → ".join(names.get(name, name) for name in circle))
		)

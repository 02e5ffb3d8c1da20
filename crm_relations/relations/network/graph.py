"""Find the neighborhood of a relation: its links, and the links of those. Writes nothing.

Two queries per hop, whatever the number of links, and a bound on what is shown. It contains only relations
that the session's user may read.
"""

from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe import _
from pypika.terms import Criterion

from crm_relations.relations.network import link_types
from crm_relations.relations.network.links import open_links
from crm_relations.relations.party_documents.sources import Row
from crm_relations.shared.access.permissions import readable

MAX_HOPS = 2
#: more would not be readable as a picture
MAX_NODES = 40

NODE = ("name", "relation_name", "relation_kind", "stage", "disabled")


@dataclass
class Graph:
	"""Relations by name, the links between them by name, and whether there are more than are shown."""

	nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
	edges: dict[str, dict[str, Any]] = field(default_factory=dict)
	more: bool = False

	def as_dict(self) -> dict[str, Any]:
		"""Return `nodes` and `edges` as lists, the relation itself first, and `more`."""
		return {"nodes": list(self.nodes.values()), "edges": list(self.edges.values()), "more": self.more}


def neighbourhood(relation: str, hops: int = MAX_HOPS, limit: int = MAX_NODES) -> Graph:
	"""Return the relations up to `hops` links away that the session's user may read, nearest first.

	:param hops: 1 or 2
	:param limit: maximum number of relations, the middle one included
	"""
	graph = Graph()
	table = frappe.qb.DocType("Relation")
	query = readable(frappe.qb.from_(table), "Relation")
	rows = (
		query.select(*[table[f] for f in NODE]).where(table.name == relation).run(as_dict=True)
		if query
		else []
	)
	if not rows:
		return graph
	_add(graph, rows[0], 0)
	frontier = [relation]
	for hop in range(1, min(max(hops, 1), MAX_HOPS) + 1):
		found: list[Row] = []
		for here, there in (("relation", "related_relation"), ("related_relation", "relation")):
			# links among shown relations need no further place, but must be read to be drawn
			found += _links(frontier, here, there, limit * limit)
		frontier = []
		for row in sorted(found, key=lambda r: (str(r["since"] or ""), r["link"])):
			if row["name"] not in graph.nodes:
				if len(graph.nodes) >= limit:
					graph.more = True
					continue
				_add(graph, row, hop)
				frontier.append(row["name"])
			graph.edges.setdefault(row["link"], _edge(row))
		if not frontier:
			break
	return graph


def links_of(relation: str) -> list[Row]:
	"""Return all links of a relation, including ended ones, to relations that the session's user may read.

	`reads` is the type in the relation's direction, `other` the other end.
	"""
	rows = []
	for here, there in (("relation", "related_relation"), ("related_relation", "relation")):
		rows += _links([relation], here, there, 500, ended=True)
	return [
		{
			"name": row["link"],
			"link_type": row["link_type"],
			"outgoing": row["outgoing"],
			"reads": _(link_types.reads(row["link_type"], row["outgoing"])),
			"since": row["since"],
			"until": row["until"],
			"notes": row["notes"],
			"other": row["name"],
			"other_name": row["relation_name"],
			"other_kind": row["relation_kind"],
		}
		for row in sorted(rows, key=lambda r: (r["until"] is not None, str(r["since"] or ""), r["link"]))
	]


def _links(frontier: list[str], here: str, there: str, limit: int, ended: bool = False) -> list[Row]:
	"""Return links of these relations with the readable relation at the other end."""
	relation, link = frappe.qb.DocType("Relation"), frappe.qb.DocType("Relation Link")
	query = readable(frappe.qb.from_(relation), "Relation")
	if query is None:
		return []
	condition: Criterion = link[here].isin(frontier)
	if not ended:
		condition &= open_links(link)
	rows = (
		query.join(link)
		.on(link[there] == relation.name)
		.select(
			*[relation[f] for f in NODE],
			link.name.as_("link"),
			link[here].as_("here"),
			link.link_type,
			link.since,
			link.until,
			link.notes,
		)
		.where(condition)
		.orderby(link.since)
		.orderby(link.name)
		.limit(limit)
	).run(as_dict=True)
	return [{**row, "outgoing": here == "relation"} for row in rows]


def _add(graph: Graph, row: Row, hop: int) -> None:
	graph.nodes[row["name"]] = {**{f: row[f] for f in NODE}, "hop": hop}


def _edge(row: Row) -> dict[str, Any]:
	ends = (row["here"], row["name"]) if row["outgoing"] else (row["name"], row["here"])
	return {
		"name": row["link"],
		"relation": ends[0],
		"related_relation": ends[1],
		"link_type": row["link_type"],
		"reads": _(link_types.reads(row["link_type"], True)),
		"reads_back": _(link_types.reads(row["link_type"], False)),
		"since": row["since"],
	}

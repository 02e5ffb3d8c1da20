"""Define the document flow: nodes (doctypes) and links (how a later document names an earlier one).

Nodes come from the hook `relation_flow_nodes`, a list of dotted paths to lists of `FlowNode`. The ledger and other apps
add theirs. A link belongs to the node of the later document, whichever table holds it. Writes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import frappe
from pypika.queries import QueryBuilder
from pypika.terms import Term

Table = Any
Node = tuple[str, str]  #: doctype, name


class Pairs(NamedTuple):
	"""A query for pairs of documents, without columns, and its terms for the later and the earlier document."""

	query: QueryBuilder
	later: Term
	earlier: Term


@dataclass(frozen=True)
class Link:
	"""A link from documents of the node to documents of `earlier`."""

	earlier: str
	pairs: Callable[[], Pairs]
	#: followed only from the later document: no index would help the opposite direction
	back_only: bool = False


@dataclass(frozen=True)
class FlowNode:
	"""A doctype of the document flow.

	`columns` gives `title`, `date`, `amount` (in the company's currency), `company`, `status` and `person`
	(the responsible user or sales person), as far as the doctype knows them. A `deal` belongs to one piece of
	business. From the predecessors of a document, the flow continues to all documents of the same deals. It
	does not continue to all other documents of the same campaign or lead.
	"""

	doctype: str
	columns: Callable[[Table], dict[str, Term]]
	links: tuple[Link, ...] = ()
	deal: bool = True
	#: its documents post rows in the ledger
	posts: bool = False


def link(
	earlier: str,
	table: str,
	*,
	later_field: str = "parent",
	earlier_field: str,
	back_only: bool = False,
	**equal: str | int,
) -> Link:
	"""Return a link stored in one table.

	The table is that of rows of the later document, its header, or the earlier document.

	:param equal: fields of that table and their required values
	"""

	def pairs() -> Pairs:
		source = frappe.qb.DocType(table)
		query = frappe.qb.from_(source)
		for field, value in equal.items():
			query = query.where(source[field] == value)
		return Pairs(query, source[later_field], source[earlier_field])

	return Link(earlier, pairs, back_only)


def stations() -> dict[str, FlowNode]:
	"""Return doctype → node, for all installed apps.

	The links of a doctype that is declared twice are combined.
	"""
	found: dict[str, FlowNode] = {}
	for path in frappe.get_hooks("relation_flow_nodes"):
		for station in frappe.get_attr(path):
			if known := found.get(station.doctype):
				station = FlowNode(
					known.doctype,
					known.columns,
					(*known.links, *station.links),
					known.deal,
					known.posts or station.posts,
				)
			found[station.doctype] = station
	return found

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
	"""Where pairs of documents are read: a query without columns, the later and the earlier document in it."""

	query: QueryBuilder
	later: Term
	earlier: Term


@dataclass(frozen=True)
class Link:
	"""Documents of the station come from documents of `earlier`."""

	earlier: str
	pairs: Callable[[], Pairs]
	#: asked only from the later document: the other way no index would help
	back_only: bool = False


@dataclass(frozen=True)
class FlowNode:
	"""A doctype of the chain.

	`columns` gives `title`, `date`, `amount` (in the company's currency), `company`, `status` and `person` (who is
	responsible: a user or a sales person), as far as the doctype knows them. A `deal` belongs to one piece of business: from
	what a document came, the chain goes on to all that came of the same deals, but not to all else that came of
	the same campaign or lead.
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
	"""A link that stands in one table: in a row of the later document, in its header, or in the earlier one.

	:param equal: fields of that table and what they have to be
	"""

	def pairs() -> Pairs:
		source = frappe.qb.DocType(table)
		query = frappe.qb.from_(source)
		for field, value in equal.items():
			query = query.where(source[field] == value)
		return Pairs(query, source[later_field], source[earlier_field])

	return Link(earlier, pairs, back_only)


def stations() -> dict[str, FlowNode]:
	"""doctype → station, of all installed apps; the links of a doctype that is declared twice are joined."""
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

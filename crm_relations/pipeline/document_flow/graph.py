"""Read the document flow of a document: back to its origin, and on to all documents of the same deals.

Writes nothing.

Each step of the flow takes one query for all links, one for the documents and one for the ledger. Frappe's
permission checks need further queries. The number of queries grows with the document types, not with the
number of documents. A link gives at most `AT_MOST` documents a step. If there are more, the flow says so.

A document that the reader may not read is a locked box without type or name. The ledger of a voucher is shown
to users that may read both.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe import _
from frappe.query_builder.functions import Coalesce, Min, Sum
from frappe.utils import cint, getdate
from pypika.terms import NullValue, ValueWrapper

from crm_relations.pipeline.document_flow import rules
from crm_relations.pipeline.document_flow.model import FlowNode, Link, Node, stations
from crm_relations.shared.access.permissions import readable
from crm_relations.shared.in_lists import one_of
from crm_relations.shared.money import to_string
from crm_relations.shared.refusals import refuse

LEDGER = "GL Entry"
AT_MOST = 100  #: documents that one link gives in one step
DOCUMENTS_AT_MOST = 400
STEPS_AT_MOST = 12  #: one more than the longest path through the nodes
TEXTS = ("title", "company", "status", "person")


@dataclass
class Chain:
	"""The documents of a flow and their predecessors, as pairs (earlier, later)."""

	start: Node
	nodes: dict[Node, None] = field(default_factory=dict)
	edges: dict[tuple[Node, Node], None] = field(default_factory=dict)
	#: more documents exist than were read
	cut: bool = False


def process_chain(doctype: str, name: str) -> dict[str, Any]:
	"""Return the whole document flow of a document that the session's user may read.

	:return: `start` (key of the document asked for), `boxes`, `arrows` (pairs of keys), `cut` (documents
		are left out). A box has `key`, `column`, `row`, and, unless it is `closed`, `doctype`, `name`,
		`title`, `date`, `amount` (decimal string, company's currency) with `currency`, `status`, `docstatus`,
		`person`. A box of the ledger has `voucher_type` and `entries` of account, debit, credit.
	:raises frappe.ValidationError: the doctype is in no document flow, or the document does not exist
	:raises frappe.PermissionError: the user may not read the document
	"""
	known = stations()
	asked = (doctype, name)
	start = _voucher_of(name) if doctype == LEDGER else asked
	if start[0] not in known:
		refuse(
			_("{0} has no document flow. Choose one of: {1}"),
			_(start[0]),
			", ".join(_(each) for each in sorted(known)),
		)
	chain = _read(start, known)
	documents = _documents(chain.nodes, known)
	if start not in documents:
		refuse(_("{0} {1} does not exist."), _(doctype), name, exception=frappe.DoesNotExistError)
	if documents[start] is None:
		refuse(_("You may not read {0} {1}."), _(doctype), name, exception=frappe.PermissionError)
	_add_ledger(chain, documents, known)
	return _drawn(chain, documents, (LEDGER, "\n".join(start)) if doctype == LEDGER else start)


def _voucher_of(entry: str) -> Node:
	found = frappe.db.get_value(LEDGER, entry, ["voucher_type", "voucher_no"])
	if not found:
		refuse(_("{0} {1} does not exist."), _(LEDGER), entry, exception=frappe.DoesNotExistError)
	return tuple(found)


# Predecessors and successors ------------------------------------------------------------------------


def _read(start: Node, known: dict[str, FlowNode]) -> Chain:
	chain = Chain(start, {start: None})
	_follow(chain, [start], known, back=True)
	if known[start[0]].deal:
		_follow(chain, _deals(chain, known), known, back=False)
	else:  # of a lead, a response, a campaign: the documents created from it, and the deals that these belong to
		_follow(chain, [start], known, back=False)
		_follow(chain, _deals(chain, known), known, back=True)
	return chain


def _deals(chain: Chain, known: dict[str, FlowNode]) -> list[Node]:
	return [node for node in chain.nodes if known[node[0]].deal]


def _follow(chain: Chain, begin: Sequence[Node], known: dict[str, FlowNode], back: bool) -> None:
	"""Follow the links step by step from `begin`.

	Documents found on the search back are followed forward too.
	"""
	frontier, seen = list(begin), set(begin)
	for _step in range(STEPS_AT_MOST):
		if not frontier:
			return
		found = _neighbours(chain, frontier, known, back)
		frontier = []
		for earlier, later in found:
			if earlier == later:
				continue
			node = earlier if back else later
			if node not in chain.nodes and len(chain.nodes) >= DOCUMENTS_AT_MOST:
				chain.cut = True
				continue
			chain.edges[earlier, later] = chain.nodes[node] = None
			if node not in seen:
				seen.add(node)
				frontier.append(node)
	chain.cut |= bool(frontier)


def _neighbours(
	chain: Chain, frontier: Iterable[Node], known: dict[str, FlowNode], back: bool
) -> list[tuple[Node, Node]]:
	"""Return all pairs (earlier, later) one step back or forward from the frontier, in one query."""
	names: dict[str, list[str]] = defaultdict(list)
	for doctype, name in frontier:
		names[doctype].append(name)
	asked = [
		(station, link)
		for station in known.values()
		for link in station.links
		if link.earlier in known
		and (station.doctype if back else link.earlier) in names
		and (back or not link.back_only)
	]
	if not asked:
		return []
	union = None
	for number, (station, link) in enumerate(asked):
		query = _pairs(link, names[station.doctype if back else link.earlier], back).as_(f"link_{number}")
		query = frappe.qb.from_(query).select(ValueWrapper(number).as_("link"), query.later, query.earlier)
		union = union.union_all(query) if union else query
	union = union.as_("links")
	rows = frappe.qb.from_(union).select(union.link, union.later, union.earlier).run()
	counts: dict[int, int] = defaultdict(int)
	result = []
	for number, later, earlier in rows:
		station, link = asked[number]
		counts[number] += 1
		if counts[number] > AT_MOST:
			chain.cut = True
			continue
		result.append(((link.earlier, earlier), (station.doctype, later)))
	return result


def _pairs(link: Link, names: list[str], back: bool) -> Any:
	query, later, earlier = link.pairs()
	return (
		query.select(later.as_("later"), earlier.as_("earlier"))
		.distinct()
		.where(one_of(later if back else earlier, names))
		.where((Coalesce(later, "") != "") & (Coalesce(earlier, "") != ""))
		.orderby(later, earlier)
		.limit(AT_MOST + 1)
	)


# The documents --------------------------------------------------------------------------------------


def _documents(nodes: Iterable[Node], known: dict[str, FlowNode]) -> dict[Node, dict[str, Any] | None]:
	"""Return node → contents of its box, None if the user may not read it; all in one query.

	Deleted documents are left out.
	"""
	names: dict[str, list[str]] = defaultdict(list)
	for doctype, name in nodes:
		names[doctype].append(name)
	union = None
	for doctype, of_doctype in names.items():
		query = _document_query(known[doctype], of_doctype)
		union = union.union_all(query) if union else query
	rows = frappe.qb.from_(union.as_("documents")).select("*").run(as_dict=True)
	result: dict[Node, dict[str, Any] | None] = {}
	for row in rows:
		may_read = row.pop("may_read")
		result[row.doctype, row.name] = _box(row) if may_read else None
	return result


def _document_query(station: FlowNode, names: list[str]) -> Any:
	table = frappe.qb.DocType(station.doctype)
	columns = station.columns(table)
	query = frappe.qb.from_(table).where(one_of(table.name, names))
	may = readable(
		frappe.qb.from_(table).select(table.name).where(one_of(table.name, names)), station.doctype
	)
	if may is None:
		may_read = NullValue()
	else:
		may = may.as_("may")
		query = query.left_join(may).on(may.name == table.name)
		may_read = may.name
	return query.select(
		ValueWrapper(station.doctype).as_("doctype"),
		table.name,
		table.docstatus,
		may_read.as_("may_read"),
		columns.get("date", table.creation).as_("date"),
		columns.get("amount", NullValue()).as_("amount"),
		*(columns.get(name, NullValue()).as_(name) for name in TEXTS),
	)


def _box(row: frappe._dict) -> dict[str, Any]:
	row.date = str(getdate(row.date)) if row.date else None
	row.currency = (
		frappe.get_cached_value("Company", row.company, "default_currency") if row.company else None
	)
	row.amount = to_string(row.amount) if row.amount is not None and row.currency else None
	row.docstatus = cint(row.docstatus)
	return dict(row)


# The ledger -----------------------------------------------------------------------------------------


def _add_ledger(chain: Chain, documents: dict[Node, dict | None], known: dict[str, FlowNode]) -> None:
	"""Add a box for the ledger rows of each voucher that the user may read, with one query.

	The box is behind the voucher.
	"""
	vouchers = [node for node, box in documents.items() if box and known[node[0]].posts]
	if not vouchers:
		return
	closed: set[Node] = set()
	entries: dict[Node, list[frappe._dict]] = defaultdict(list)
	for row in _entries(vouchers):
		node = (row.voucher_type, row.voucher_no)
		if node not in documents:
			continue
		if row.may_read:
			entries[node].append(row)
		else:
			closed.add(node)
	for node in closed | entries.keys():
		ledger = (LEDGER, "\n".join(node))
		chain.edges[node, ledger] = None
		documents[ledger] = None if node in closed else _ledger_box(documents[node], entries[node])


def _entries(vouchers: Sequence[Node]) -> list[frappe._dict]:
	"""Return debit and credit by voucher and account, and whether the user may read these rows."""
	gle = frappe.qb.DocType(LEDGER)
	names = [name for _doctype, name in vouchers]
	doctypes = sorted({doctype for doctype, _name in vouchers})

	def of_vouchers(query: Any) -> Any:
		of_these = one_of(gle.voucher_type, doctypes) & one_of(gle.voucher_no, names)
		return query.where(of_these & (gle.is_cancelled == 0))

	may = readable(of_vouchers(frappe.qb.from_(gle).select(gle.name)), LEDGER)
	query = of_vouchers(frappe.qb.from_(gle))
	may_read = NullValue()
	if may is not None:
		may = may.as_("may")
		query = query.left_join(may).on(may.name == gle.name)
		may_read = Min(Coalesce(may.name, ""))
	return (
		query.select(
			gle.voucher_type,
			gle.voucher_no,
			gle.account,
			Min(gle.posting_date).as_("date"),
			Sum(gle.debit).as_("debit"),
			Sum(gle.credit).as_("credit"),
			may_read.as_("may_read"),
		)
		.groupby(gle.voucher_type, gle.voucher_no, gle.account)
		.orderby(gle.voucher_type, gle.voucher_no, gle.account)
		.run(as_dict=True)
	)


def _ledger_box(voucher: dict[str, Any], rows: list[frappe._dict]) -> dict[str, Any]:
	return {
		"doctype": LEDGER,
		"name": voucher["name"],
		"voucher_type": voucher["doctype"],
		"title": None,
		"date": str(rows[0].date),
		"amount": to_string(sum(row.debit for row in rows)),
		"currency": voucher["currency"],
		"company": voucher["company"],
		"status": None,
		"docstatus": 1,
		"person": None,
		"entries": [
			{"account": row.account, "debit": to_string(row.debit), "credit": to_string(row.credit)}
			for row in rows
		],
	}


# The drawing ----------------------------------------------------------------------------------------


def _drawn(chain: Chain, documents: dict[Node, dict | None], start: Node) -> dict[str, Any]:
	if start not in documents:  # ledger rows that were cancelled: their voucher is shown
		start = chain.start
	edges = [
		(earlier, later) for earlier, later in chain.edges if earlier in documents and later in documents
	]
	edges = rules.reduced(edges)
	order = sorted(documents, key=lambda node: ((documents[node] or {}).get("date") or "", node))
	places = rules.places(order, edges)
	order.sort(key=lambda node: places[node])
	keys = {node: f"box-{number}" for number, node in enumerate(order, 1)}
	boxes = []
	for node in order:
		column, row = places[node]
		box = documents[node]
		place = {"key": keys[node], "column": column, "row": row, "closed": box is None}
		boxes.append(place | (box or {}))
	return {
		"start": keys[start],
		"boxes": boxes,
		"arrows": [[keys[earlier], keys[later]] for earlier, later in edges],
		"cut": chain.cut,
	}

"""Maintain the queue of changed parties. Sole writer of `Relation Facts Queue`.

Each change of a document adds a row in the same transaction and does nothing else. The INSERT uses a new
name, so that two users that sell to the same customer never wait for each other (they would, if a party had
one row). The same party may be in the queue many times; it is refreshed once. Processed rows are deleted by
name: a party that changes while its facts are computed has a new row by then, and that one stays.
"""

from collections.abc import Collection, Iterable

import frappe
from frappe.model.document import Document
from frappe.utils import now

from crm_relations.relations import queries
from crm_relations.relations.party_documents.sources import Party, sources
from crm_relations.shared.side_effects import deferrable, one_statement

QUEUE = "Relation Facts Queue"
RELATION = "Relation"
DELETED_AT_ONCE = 10_000


def mark(party_type: str, party: str | None) -> None:
	"""Mark a party (or a `Relation`) with changed documents: its facts must be recomputed.

	The query is written out, because it runs in every submit of an invoice.
	"""
	if party:
		frappe.db.sql(
			"""INSERT INTO `tabRelation Facts Queue` (`name`, `creation`, `party_type`, `party`)
			VALUES (%s, %s, %s, %s)""",
			(frappe.generate_hash(length=20), now(), party_type, party),
		)


def mark_all(parties: Iterable[Party]) -> None:
	"""Mark many parties at once."""
	stamp = now()
	rows = [(frappe.generate_hash(length=20), stamp, *party) for party in parties]
	if rows:
		frappe.db.bulk_insert(QUEUE, ["name", "creation", "party_type", "party"], rows)


@one_statement
def mark_document(doc: Document) -> None:
	"""Mark the party of a changed document (quotation, order, invoice, opportunity …)."""
	if party := queries.party_of(doc):
		mark(*party)


@deferrable
def mark_relation(doc: Document) -> None:
	"""Mark the relation that a changed document names itself (interaction, campaign response …)."""
	mark(RELATION, doc.get("relation"))


def changes_facts(entry: Document) -> bool:
	"""Tell whether an entry of the payment ledger must be marked.

	Entries of an invoice need no row, because the invoice's own event marks it: an invoice costs one row.
	"""
	return entry.party_type == "Customer" and entry.voucher_type != "Sales Invoice"


@deferrable
def mark_ledger_entry(doc: Document) -> None:
	"""Mark the party of a new payment ledger entry: by a payment, a journal entry, a reconciliation, a
	cancellation …
	"""
	mark(doc.party_type, doc.party)


@deferrable
def mark_moved(doc: Document) -> None:
	"""Mark a saved relation: other documents may be its parties now."""
	before = doc.get_doc_before_save()
	if _parties(doc) != (_parties(before) if before else set()):
		mark(RELATION, doc.name)


def _parties(relation: Document) -> set[Party]:
	return {(row.party_type, row.party) for row in relation.get("parties")}


@deferrable
def mark_mentioned(doc: Document) -> None:
	"""Mark all parties of an email or a call, by reference and by its links."""
	links = doc.get("timeline_links") or doc.get("links") or ()
	named = {(doc.get("reference_doctype"), doc.get("reference_name"))}
	named.update((link.link_doctype, link.link_name) for link in links)
	known = sources()
	mark_all((doctype, name) for doctype, name in named if name and (doctype == RELATION or doctype in known))


def names() -> list[str]:
	"""Return the rows that are in the queue now."""
	return frappe.get_all(QUEUE, pluck="name", order_by="name asc", limit=0)


def take(limit: int) -> list[frappe._dict]:
	"""Return rows of the queue, oldest first: name, party_type, party. They stay until they are settled."""
	return frappe.get_all(QUEUE, fields=["name", "party_type", "party"], order_by="creation asc", limit=limit)


def relations_in(rows: Collection[frappe._dict]) -> set[str]:
	"""Return the relations of the parties. A party without one is marked again when it is adopted."""
	found = {row.party for row in rows if row.party_type == RELATION}
	parties = {(row.party_type, row.party) for row in rows if row.party_type != RELATION}
	return found | set(queries.relations_of(parties).values())


def waits(relation: str) -> bool:
	"""Tell whether documents of the relation changed since its facts were computed."""
	parties = [*queries.parties_of([relation])[relation], (RELATION, relation)]
	table = frappe.qb.DocType(QUEUE)
	for doctype, members in queries.by_type(parties).items():
		query = (
			frappe.qb.from_(table)
			.select(table.name)
			.where((table.party_type == doctype) & table.party.isin(sorted(members)))
			.limit(1)
		)
		if query.run():
			return True
	return False


def settle(done: list[str]) -> None:
	"""Delete rows that have been processed."""
	for start in range(0, len(done), DELETED_AT_ONCE):
		frappe.db.delete(QUEUE, {"name": ["in", done[start : start + DELETED_AT_ONCE]]})


def length() -> int:
	return frappe.db.count(QUEUE)

"""The queue of changed parties. Alone writes `Relation Facts Queue`.

Whoever changes a document adds a row in the same transaction and does nothing else: one INSERT of a row
with a name of its own, so that two who sell to the same customer never wait for each other (they would, if a
party had one row). The same party may stand in the queue many times; it is refreshed once. What was taken is
deleted by name: a party that changes while its facts are made has a new row by then, and that one stays.
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
	"""The documents of a party (or of a `Relation`) changed: its facts are to be made anew.

	Written out, because it runs in every submit of an invoice.
	"""
	if party:
		frappe.db.sql(
			"""INSERT INTO `tabRelation Facts Queue` (`name`, `creation`, `party_type`, `party`)
			VALUES (%s, %s, %s, %s)""",
			(frappe.generate_hash(length=20), now(), party_type, party),
		)


def mark_all(parties: Iterable[Party]) -> None:
	"""As `mark`, for many."""
	stamp = now()
	rows = [(frappe.generate_hash(length=20), stamp, *party) for party in parties]
	if rows:
		frappe.db.bulk_insert(QUEUE, ["name", "creation", "party_type", "party"], rows)


@one_statement
def mark_document(doc: Document) -> None:
	"""A quotation, order, invoice, opportunity … changed."""
	if party := queries.party_of(doc):
		mark(*party)


@deferrable
def mark_relation(doc: Document) -> None:
	"""A document that names a relation itself (interaction, answer to a campaign …) changed."""
	mark(RELATION, doc.get("relation"))


def changes_facts(entry: Document) -> bool:
	"""Whether an entry of the payment ledger has to be marked. Those of an invoice come with the invoice's own
	event, which marks it: an invoice costs one row."""
	return entry.party_type == "Customer" and entry.voucher_type != "Sales Invoice"


@deferrable
def mark_ledger_entry(doc: Document) -> None:
	"""The payment ledger got an entry: by a payment, a journal entry, a reconciliation, a cancellation …"""
	mark(doc.party_type, doc.party)


@deferrable
def mark_moved(doc: Document) -> None:
	"""A relation was saved: other documents may be its parties now."""
	before = doc.get_doc_before_save()
	if _parties(doc) != (_parties(before) if before else set()):
		mark(RELATION, doc.name)


def _parties(relation: Document) -> set[Party]:
	return {(row.party_type, row.party) for row in relation.get("parties")}


@deferrable
def mark_mentioned(doc: Document) -> None:
	"""An e-mail or a call: everybody that it is about, by reference and by its links."""
	links = doc.get("timeline_links") or doc.get("links") or ()
	named = {(doc.get("reference_doctype"), doc.get("reference_name"))}
	named.update((link.link_doctype, link.link_name) for link in links)
	known = sources()
	mark_all((doctype, name) for doctype, name in named if name and (doctype == RELATION or doctype in known))


def names() -> list[str]:
	"""The rows that stand in the queue now."""
	return frappe.get_all(QUEUE, pluck="name", order_by="name asc", limit=0)


def take(limit: int) -> list[frappe._dict]:
	"""Rows of the queue, oldest first: name, party_type, party. They stay until they are settled."""
	return frappe.get_all(QUEUE, fields=["name", "party_type", "party"], order_by="creation asc", limit=limit)


def relations_in(rows: Collection[frappe._dict]) -> set[str]:
	"""The relations of the parties. Who has none yet is marked again when it is adopted."""
	found = {row.party for row in rows if row.party_type == RELATION}
	parties = {(row.party_type, row.party) for row in rows if row.party_type != RELATION}
	return found | set(queries.relations_of(parties).values())


def waits(relation: str) -> bool:
	"""Whether documents of the relation changed since its facts were made."""
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
	"""These rows have been worked off."""
	for start in range(0, len(done), DELETED_AT_ONCE):
		frappe.db.delete(QUEUE, {"name": ["in", done[start : start + DELETED_AT_ONCE]]})


def length() -> int:
	return frappe.db.count(QUEUE)

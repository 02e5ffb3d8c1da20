"""Find the postal address of a party document: the one that it names, or else the best of those linked to it.

Reads only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.utils import cint

from crm_relations.relations import queries
from crm_relations.relations.party_documents.sources import Party, Row, sources

_FIELDS = ("address_line1", "address_line2", "pincode", "city", "country")
_CHOSEN_BY = ("is_primary_address", "address_type", "disabled", "creation")


@dataclass(frozen=True)
class Change:
	"""An Address that is being saved or deleted: its earlier values, and the documents it was linked to."""

	name: str
	#: None: it is new
	before: Row | None
	linked_before: frozenset[Party]
	deleted: bool = False

	@classmethod
	def of(cls, doc: Document, deleted: bool = False) -> "Change":
		"""Return the change of an Address in its event."""
		before = doc if deleted else doc.get_doc_before_save()
		if not before:
			return cls(doc.name, None, frozenset())
		row = {field: before.get(field) for field in ("name", *_FIELDS, *_CHOSEN_BY)}
		return cls(doc.name, row, linked_parties(before), deleted)


class Addresses:
	"""The addresses of some party documents, now and before a change of one of them."""

	def __init__(self, rows: Mapping[Party, Row], before: Mapping[Party, Row], change: Change | None = None):
		"""
		:param rows: party → its columns; `before` the same before it was saved
		"""
		self.change = change
		self.linked = _linked([party for party, row in rows.items() if not _named(party, row)])
		named = {_named(party, row) for party, row in [*rows.items(), *before.items()]} - {None}
		self.by_name = _read(named)
		if change and change.deleted:
			self.by_name.pop(change.name, None)
			self.linked = {
				p: [a for a in found if a["name"] != change.name] for p, found in self.linked.items()
			}

	def now(self, party: Party, row: Row) -> Row | None:
		"""Return the address of the document as it is."""
		if name := _named(party, row):
			return self.by_name.get(name)
		return _best(self.linked.get(party, []))

	def before(self, party: Party, row: Row) -> Row | None:
		"""Return the address of the document before the change; without a change, as it is."""
		if not self.change:
			return self.now(party, row)
		if name := _named(party, row):
			return self.change.before if name == self.change.name else self.by_name.get(name)
		others = [address for address in self.linked.get(party, []) if address["name"] != self.change.name]
		if self.change.before and party in self.change.linked_before:
			others.append(self.change.before)
		return _best(others)


def linked_parties(doc: Document) -> frozenset[Party]:
	"""Return the party documents that an Address is linked to."""
	known = sources()
	return frozenset(
		(row.link_doctype, row.link_name) for row in doc.get("links") or [] if row.link_doctype in known
	)


def parties_naming(address: str) -> set[Party]:
	"""Return the party documents that name the address in a field of their own."""
	found: set[Party] = set()
	for doctype, source in sources().items():
		if column := source.main.address:
			names = frappe.get_all(doctype, {column: address}, pluck="name", order_by="name asc")
			found.update((doctype, name) for name in names)
	return found


def _named(party: Party, row: Row) -> str | None:
	column = sources()[party[0]].main.address
	return (row.get(column) or None) if column else None


def _read(names: Iterable[str]) -> dict[str, Row]:
	names = list(names)
	if not names:
		return {}
	table = frappe.qb.DocType("Address")
	query = frappe.qb.from_(table).select(table.name, *(table[field] for field in _FIELDS))
	return {row["name"]: row for row in query.where(table.name.isin(names)).run(as_dict=True)}


def _linked(parties: list[Party]) -> dict[Party, list[Row]]:
	"""Return party → the addresses linked to it; one query per doctype."""
	table, link = frappe.qb.DocType("Address"), frappe.qb.DocType("Dynamic Link")
	found: dict[Party, list[Row]] = {}
	for doctype, names in queries.by_type(parties).items():
		rows = (
			frappe.qb.from_(link)
			.join(table)
			.on((link.parenttype == "Address") & (link.parent == table.name))
			.select(link.link_name, table.name, *(table[field] for field in (*_FIELDS, *_CHOSEN_BY)))
			.where((link.link_doctype == doctype) & link.link_name.isin(list(names)))
		).run(as_dict=True)
		for row in rows:
			found.setdefault((doctype, row.pop("link_name")), []).append(row)
	return found


def _best(addresses: list[Row]) -> Row | None:
	"""Return the preferred address: the primary one, then a billing address, then the oldest; disabled ones
	do not count.
	"""
	usable = [address for address in addresses if not cint(address["disabled"])]
	return min(usable, key=_rank, default=None)


def _rank(address: Row) -> tuple[Any, ...]:
	return (
		not cint(address["is_primary_address"]),
		address["address_type"] != "Billing",
		str(address["creation"]),
		address["name"],
	)

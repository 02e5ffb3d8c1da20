"""Read relations: typed rows, set-based. Writes nothing."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

import frappe
from frappe import _
from frappe.model.document import Document
from pypika.terms import Parameter

from crm_relations.relations.party_documents.sources import Party, Row
from crm_relations.relations.rules import COPIED, RoleRow

#: cache keys of the role types
STAGE_ORDER, PLAYBOOKS = "relation_stage_order", "relation_playbooks"

#: pairs of fields in which ERPNext's documents name their party
PARTY_FIELDS = (("party_type", "party"), ("quotation_to", "party_name"), ("opportunity_from", "party_name"))


def relation_of(doctype: str, name: str | None) -> str | None:
	"""Return the name of the party document's relation, or None."""
	if not name:
		return None
	return relations_of([(doctype, name)]).get((doctype, name))


def relations_of(parties: Iterable[Party]) -> dict[Party, str]:
	"""Return party → relation, one read per doctype; parties without a relation are left out."""
	table = frappe.qb.DocType("Relation Party")
	result: dict[Party, str] = {}
	for doctype, names in by_type(parties).items():
		rows = (
			frappe.qb.from_(table)
			.select(table.party, table.parent)
			.where(table.party_type == doctype)
			.where(table.party.isin(names))
		).run()
		spelled = {
			name.casefold(): name for name in names
		}  # the database does not distinguish upper from lower case
		for party, parent in rows:
			result[(doctype, party if party in names else spelled.get(party.casefold(), party))] = parent
	return result


def adopted_since(parties: Iterable[Party], since: str) -> set[Party]:
	"""Return those of the parties that have come into a relation since then."""
	table, found = frappe.qb.DocType("Relation Party"), set()
	for doctype, names in by_type(parties).items():
		rows = (
			frappe.qb.from_(table)
			.select(table.party)
			.where((table.party_type == doctype) & (table.creation >= since))
			.where(table.party.isin(names))
		).run(pluck=True)
		found |= {(doctype, name) for name in rows if name in names}
	return found


def by_type(parties: Iterable[Party]) -> dict[str, set[str]]:
	"""Return doctype → names."""
	result: dict[str, set[str]] = {}
	for doctype, name in parties:
		result.setdefault(doctype, set()).add(name)
	return result


def parties_of(relations: Iterable[str]) -> dict[str, list[Party]]:
	"""Return relation → its party documents, oldest first."""
	relations = list(relations)
	result: dict[str, list[Party]] = {name: [] for name in relations}
	if not relations:
		return result
	table = frappe.qb.DocType("Relation Party")
	rows = (
		frappe.qb.from_(table)
		.select(table.parent, table.party_type, table.party)
		.where(table.parent.isin(relations))
		.orderby(table.since)
		.orderby(table.party_type)
		.orderby(table.party)
	).run()
	for parent, party_type, party in rows:
		result[parent].append((party_type, party))
	return result


def copied_values(relations: Iterable[str]) -> dict[str, Row]:
	"""Return relation → the fields that are copied from documents, with `name` and `creation`."""
	relations = list(relations)
	if not relations:
		return {}
	table = frappe.qb.DocType("Relation")
	rows = (
		frappe.qb.from_(table)
		.select(table.name, table.creation, *[table[f] for f in COPIED])
		.where(table.name.isin(relations))
	).run(as_dict=True)
	return {row["name"]: row for row in rows}


def marked_distinct(relations: Iterable[str]) -> set[tuple[str, str]]:
	"""Return pairs of these relations that a user has marked as different, each in both orders."""
	table, names = frappe.qb.DocType("Relation Duplicate"), list(relations)
	rows = (
		frappe.qb.from_(table)
		.select(table.relation, table.other)
		.where(table.state == "Different")
		.where(table.relation.isin(names))
		.where(table.other.isin(names))
	).run()
	return {pair for one, other in rows for pair in ((one, other), (other, one))}


def role_rows(relations: Iterable[str]) -> dict[str, list[RoleRow]]:
	"""Return relation → its rows of `Relation Role`, in order."""
	relations = list(relations)
	result: dict[str, list[RoleRow]] = {name: [] for name in relations}
	if not relations:
		return result
	for parent, *values in frappe.db.sql(_role_rows(len(relations), frappe.db.db_type), relations):
		result[parent].append(RoleRow(*values))
	return result


@lru_cache(maxsize=16)
def _role_rows(relations: int, db_type: str) -> str:
	"""Return the query for this many relations.

	It is cached because building it takes longer than running it, and it runs in the submit of every invoice.
	"""
	table = frappe.qb.DocType("Relation Role")
	query = (
		frappe.qb.from_(table)
		.select(
			table.parent,
			table.name,
			table.role,
			table.since,
			table.until,
			table.document_type,
			table.document_name,
			table.idx,
		)
		.where(table.parent.isin([Parameter("%s")] * relations))
		.orderby(table.idx)
		.orderby(table.name)
	)
	return query.get_sql()


def modified_of(relations: Iterable[str]) -> dict[str, datetime]:
	"""Return relation → when it was last modified, as this transaction sees it."""
	table = frappe.qb.DocType("Relation")
	query = frappe.qb.from_(table).select(table.name, table.modified)
	return dict(query.where(table.name.isin(list(relations))).run())


def lock(relations: Iterable[str], wait: bool) -> dict[str, datetime]:
	"""Lock these relations until the transaction ends; return when each was last modified, as is committed
	now.

	:param wait: wait for other transactions that hold them; otherwise those are left out
	"""
	table = frappe.qb.DocType("Relation")
	query = frappe.qb.from_(table).select(table.name, table.modified).orderby(table.name)
	return dict(query.where(table.name.isin(list(relations))).for_update(skip_locked=not wait).run())


def stage_order() -> dict[str, int]:
	"""Return stage → its position; role types that are not stages are left out. Cached."""
	cached = frappe.cache.get_value(STAGE_ORDER)
	if cached is None:
		rows = frappe.get_all(
			"Relation Role Type",
			filters={"is_stage": 1},
			fields=["name", "stage_order"],
			order_by="stage_order asc",
		)
		cached = {row.name: row.stage_order or 0 for row in rows}
		frappe.cache.set_value(STAGE_ORDER, cached)
	return cached


def forget_role_types() -> None:
	"""Clear the cache of role types after a change, for us now and for other processes after the commit."""

	def clear() -> None:
		frappe.cache.delete_value([STAGE_ORDER, PLAYBOOKS])

	clear()
	frappe.db.after_commit.add(clear)


def party_of(doc: Document) -> Party | None:
	"""Return the party that a quotation, order, invoice, payment or opportunity names."""
	for type_field, name_field in PARTY_FIELDS:
		if doc.get(type_field) and doc.get(name_field):
			return doc.get(type_field), doc.get(name_field)
	if doc.get("customer"):
		return "Customer", doc.get("customer")
	return None


def parties_named(doc: Document) -> list[Party]:
	"""Return all parties that a document names: one, or those of the rows of a journal entry."""
	if party := party_of(doc):
		return [party]
	rows = doc.get("accounts") or []
	return list(
		dict.fromkeys(
			(r.get("party_type"), r.get("party")) for r in rows if r.get("party_type") and r.get("party")
		)
	)


def names_after(doctype: str, after: str, limit: int) -> list[str]:
	"""Yield the next names in the order of the primary key: a kill or an insert does not shift these pages."""
	table = frappe.qb.DocType(doctype)
	return (
		frappe.qb.from_(table).select(table.name).where(table.name > after).orderby(table.name).limit(limit)
	).run(pluck=True)


def parties_gone(doctype: str, limit: int) -> list[str]:
	"""Return names in `Relation Party` without a document."""
	table, party = frappe.qb.DocType(doctype), frappe.qb.DocType("Relation Party")
	return (
		frappe.qb.from_(party)
		.left_join(table)
		.on(party.party == table.name)
		.select(party.party)
		.where((party.party_type == doctype) & table.name.isnull())
		.limit(limit)
	).run(pluck=True)


def links_of(relation: str) -> list[Row]:
	"""Return Relation Links of a relation seen from it: `link_type` reads in its direction, `other` is the
	other end.
	"""
	from_here = _links(relation, "relation", "related_relation")
	to_here = _links(relation, "related_relation", "relation")
	return [{**row, "outgoing": True} for row in from_here] + [{**row, "outgoing": False} for row in to_here]


def _links(relation: str, here: str, there: str) -> list[Row]:
	link, other = frappe.qb.DocType("Relation Link"), frappe.qb.DocType("Relation")
	return (
		frappe.qb.from_(link)
		.join(other)
		.on(other.name == link[there])
		.select(
			link.name,
			link.link_type,
			link.since,
			link.until,
			other.name.as_("other"),
			other.relation_name.as_("other_name"),
			other.relation_kind.as_("other_kind"),
		)
		.where(link[here] == relation)
		.orderby(link.since)
		.orderby(link.name)
	).run(as_dict=True)


def profile_options(attribute: str | None, text: str, start: int, limit: int) -> list[tuple[str, str]]:
	"""Return (name, option) of the offered options, ordered; of one attribute if it is given.

	:param text: what has been typed; an option is found by its own label and by its translation.
	"""
	table = frappe.qb.DocType("Relation Profile Option")
	query = (
		frappe.qb.from_(table)
		.select(table.name, table.option_value)
		.where(table.disabled == 0)
		.orderby(table.attribute)
		.orderby(table.sort_order)
		.orderby(table.name)
	)
	if attribute:
		query = query.where(table.attribute == attribute)
	typed = (text or "").casefold()
	found = [
		(name, value)
		for name, value in query.run()
		if typed in value.casefold() or typed in _(value).casefold()
	]
	return found[start : start + limit]

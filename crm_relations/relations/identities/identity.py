"""Keep relations up to date with their ERPNext documents: which documents are one relation, and what changes
with them.

The rules for which documents belong together are in the sources; `adoption` applies them and writes the
relations.
"""

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cstr, now

from crm_relations.relations import queries
from crm_relations.relations.creation import adoption, merge, numbering, postal_addresses
from crm_relations.relations.facts import queue as facts
from crm_relations.relations.identities import reassign
from crm_relations.relations.network import links
from crm_relations.relations.party_documents.sources import Party, Row, evidence, person_name, sources
from crm_relations.relations.roles_and_stages import roles, stages
from crm_relations.relations.rules import ORGANISATION, WORKS_FOR
from crm_relations.shared.refusals import refuse, refuse_all
from crm_relations.shared.side_effects import deferrable

CUSTOMER = "Customer"


def relation_of(doctype: str, name: str | None) -> str | None:
	"""Return the name of the party document's relation, or None."""
	return queries.relation_of(doctype, name)


def parties_of(relation: str, doctype: str | None = None) -> list[Party]:
	"""Return (doctype, name) of the documents of this relation, oldest first; of one doctype if it is given."""
	parties = queries.parties_of([relation])[relation]
	return [party for party in parties if doctype in (None, party[0])]


def customer_of(relation: str) -> str | None:
	"""Return the relation's customer document, the oldest if it has several, or None."""
	customers = parties_of(relation, CUSTOMER)
	return customers[0][1] if customers else None


def adopt(doctype: str, name: str) -> str:
	"""Return the relation of a party document; create or join it and derive its roles if necessary.

	:raises frappe.ValidationError: not a party doctype, no such document, or it has no name
	"""
	if doctype not in sources():
		refuse(
			_("{0} is not a party. Relations are made from: {1}"),
			_(doctype),
			", ".join(_(known) for known in sources()),
		)
	outcome = adoption.adopt([(doctype, name)])
	if (doctype, name) not in outcome.relations:
		reason = outcome.rejected.get((doctype, name)) or _("{0} {1} does not exist.").format(
			_(doctype), name
		)
		refuse_all([reason])
	roles.refresh(outcome.changed)
	return outcome.relations[(doctype, name)]


@deferrable
def adopt_document(doc: Document) -> str | None:
	"""Create or update the relation of a party document (Customer, Lead, Contact …); return its name.

	A document without a name is left out: the relation would have no name.
	"""
	party = (doc.doctype, doc.name)
	relation = queries.relation_of(*party)
	before = doc.get_doc_before_save()
	if relation and before and not _touched(doc, before):
		return relation
	if relation and before and _has_become_a_person(doc, before, relation):
		return reassign.reassign(*party)
	known_before = {party: _columns(before)} if relation and before else None
	outcome = adoption.adopt([party], before=known_before)
	relation = outcome.relations.get(party)
	if relation:
		_stamp(doc, relation)
		_end_left_links(doc, before, relation)
	roles.refresh(outcome.changed)
	if relation and relation not in outcome.changed:
		roles.refresh(
			[relation],
			{e.role for e in evidence() if doc.doctype in e.effects and e.document_type == doc.doctype},
		)
	return relation


def _has_become_a_person(doc: Document, before: Document, relation: str) -> bool:
	"""Tell whether a contact that stood for an organization now has the name of a person: then it is an
	employee of it.
	"""
	if doc.doctype != "Contact" or person_name(before) or not person_name(doc):
		return False
	is_organisation = frappe.db.get_value("Relation", relation, "relation_kind") == ORGANISATION
	return is_organisation and len(parties_of(relation)) > 1


@deferrable
def adopt_linked(doc: Document) -> None:
	"""Adopt both ends of a Party Link, which merges their relations: the link says that they are one."""
	ends = ((doc.primary_role, doc.primary_party), (doc.secondary_role, doc.secondary_party))
	if not doc.get_doc_before_save():
		reassign.confirm_one(*ends)
	for doctype, name in ends:
		if doctype in sources() and name:
			adopt(doctype, name)


@deferrable
def follow_address(doc: Document) -> None:
	"""Update the relations of the documents that name a saved Address or are linked to it; step of an event."""
	_follow_address(doc, deleted=False)


@deferrable
def leave_address(doc: Document) -> None:
	"""Update the relations of an Address that is being deleted: they use the next one of their documents;
	step of an event.
	"""
	_follow_address(doc, deleted=True)


def _follow_address(doc: Document, deleted: bool) -> None:
	change = postal_addresses.Change.of(doc, deleted)
	parties = {
		*postal_addresses.linked_parties(doc),
		*change.linked_before,
		*postal_addresses.parties_naming(doc.name),
	}
	adopted = sorted(queries.relations_of(parties))
	if adopted:
		roles.refresh(adoption.adopt(adopted, address=change).changed)


@deferrable
def forget_document(doc: Document) -> None:
	"""Delete the row of a deleted party document in `parties`; the relation and its history stay."""
	forget([(doc.doctype, doc.name)])


def forget(parties: list[Party]) -> int:
	"""Remove deleted party documents from their relations; return how many relations named them."""
	relations = queries.relations_of(parties)
	if not relations:
		return 0
	names = sorted(set(relations.values()))
	roles.refresh(names, leaving=parties)
	facts.mark_all((facts.RELATION, name) for name in names)
	for doctype, gone in queries.by_type(relations).items():
		frappe.db.delete("Relation Party", {"party_type": doctype, "party": ["in", list(gone)]})
	numbering.close_up("Relation Party", names)
	for name in names:
		frappe.db.set_value("Relation", name, "modified", now(), update_modified=False)
		frappe.clear_document_cache("Relation", name)
	return len(names)


@deferrable
def merge_relations_first(doc: Document) -> None:
	"""Merge the relations of two party documents before the documents themselves are merged.

	Frappe renames our row of the old document to the new one's name; if both have a row, the unique key of a
	party would prevent the merge.
	"""
	old, new = doc.flags.relation_merge
	mine, theirs = queries.relation_of(doc.doctype, old), queries.relation_of(doc.doctype, new)
	if not mine or not theirs:
		return
	if mine != theirs:
		created = queries.copied_values([mine, theirs])
		keep, other = sorted((mine, theirs), key=lambda name: (created[name]["creation"], name))
		merge.merge_into(keep, other)


@deferrable
def delete_merged_party_row(doc: Document) -> None:
	"""Delete the row of the old document, if the new one has one."""
	old, new = doc.flags.relation_merge
	if queries.relation_of(doc.doctype, new):
		relation = queries.relation_of(doc.doctype, old)
		frappe.db.delete("Relation Party", {"party_type": doc.doctype, "party": old})
		numbering.close_up("Relation Party", [relation] if relation else [])


@deferrable
def follow_rename(doc: Document) -> None:
	"""Update rows, evidence and name after a party document was renamed or merged into another."""
	old, new = doc.flags.relation_renamed
	if relation := queries.relation_of(doc.doctype, old):
		# rows written in bulk are not yet in Frappe's map of dynamic links, by which it renames
		frappe.db.set_value(
			"Relation Party", {"party_type": doc.doctype, "party": old}, "party", new, update_modified=False
		)
		frappe.clear_document_cache("Relation", relation)
	frappe.db.set_value(
		"Relation Role",
		{"document_type": doc.doctype, "document_name": old},
		"document_name",
		new,
		update_modified=False,
	)
	stages.follow_rename(doc.doctype, old, new)
	relation = queries.relation_of(doc.doctype, new)
	if not relation:
		adopt_document(doc)
		return
	before = _columns(doc)
	for column, value in before.items():
		if value == new:
			before[column] = old  # named by a field: the field was renamed with it
	outcome = adoption.adopt([(doc.doctype, new)], before={(doc.doctype, new): before})
	facts.mark(facts.RELATION, relation)
	roles.refresh({relation} | outcome.changed)


def _columns(doc: Document) -> Row:
	return {column: doc.get(column) for column in sources()[doc.doctype].columns}


def _touched(doc: Document, before: Document) -> bool:
	"""Tell whether the save changed anything that a relation is made of."""
	found = sources()[doc.doctype]
	if any(
		cstr(doc.get(c)) != cstr(before.get(c)) for c in found.columns if c not in ("modified", "creation")
	):
		return True
	return any(_table_values(doc, table) != _table_values(before, table) for table in found.tables)


def _table_values(doc: Document, table: str) -> list[tuple[str, ...]]:
	names = [f.fieldname for f in frappe.get_meta(doc.meta.get_field(table).options).fields]
	return [tuple(cstr(row.get(name)) for name in names) for row in doc.get(table)]


def _stamp(doc: Document, relation: str) -> None:
	"""Set the field on the document in memory too: its next save must not overwrite the value in the
	database.
	"""
	if adoption.names_relation(doc.doctype) and doc.get("relation") != relation:
		doc.db_set("relation", relation, update_modified=False)


def _end_left_links(doc: Document, before: Document | None, relation: str) -> None:
	"""End the links of a contact that was detached from an organization: it no longer works for it."""
	if doc.doctype != "Contact" or not before:
		return
	now_linked = {(row.link_doctype, row.link_name) for row in doc.links}
	left = [
		(r.link_doctype, r.link_name) for r in before.links if (r.link_doctype, r.link_name) not in now_linked
	]
	still = set(queries.relations_of(p for p in now_linked if p[0] in sources()).values())
	for other in queries.relations_of(p for p in left if p[0] in sources()).values():
		if other not in still:
			links.end(relation, WORKS_FOR, other)

"""Roles and stage, derived from documents and dated. Alone writes `Relation Role` and the fields stage, stage_since.

A role a site has made itself (a role type that is not standard) is given by hand and left alone here.
"""

from collections.abc import Collection, Iterable

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cstr, getdate, now, nowdate

from crm_relations.relations import adoption, queries, rules
from crm_relations.relations.rules import Reconciled, RoleRow, Spell
from crm_relations.relations.sources import Party, evidence, sources

CHUNK = 2000

ROW_FIELDS = (
	"name",
	"owner",
	"modified_by",
	"creation",
	"modified",
	"parent",
	"parenttype",
	"parentfield",
	"idx",
	"role",
	"since",
	"until",
	"document_type",
	"document_name",
)


def refresh(
	relations: Collection[str], roles: Collection[str] | None = None, leaving: Collection[Party] = ()
) -> None:
	"""Derive the roles of these relations anew; writes only what changed.

	:param roles: only these roles; default all that documents can prove.
	:param leaving: documents that are deleted and prove nothing any more.
	"""
	relations = [name for name in dict.fromkeys(relations) if name]
	if not relations:
		return
	wanted = set(roles) if roles is not None else {e.role for e in evidence()}
	derived = _derive(queries.parties_of(relations), wanted, leaving)
	stored = queries.role_rows(relations)
	reconciled = {
		name: rules.reconcile(stored[name], {role: derived.get((name, role), []) for role in wanted})
		for name in relations
	}
	_keep_history(reconciled, leaving)
	_write_rows(reconciled)
	_write_stages(reconciled)


def refresh_for_document(doc: Document) -> None:
	"""Derive the roles of the parties of a document (Quotation, Sales Order, Sales Invoice, Payment Entry …) anew,
	if they can have changed.

	For an invoice of a customer and debtor this is one read.
	"""
	parties = [(doc.doctype, doc.name)] if doc.doctype in sources() else queries.parties_named(doc)
	effects = {party: found for party in parties if (found := _effects(doc, party[0]))}
	if not effects:
		return
	relations = _relations_named(doc, list(effects))
	if missing := [party for party in effects if party not in relations]:
		refresh(adoption.adopt(missing).changed)
	rows = queries.role_rows(relations.values())
	unsettled: dict[str, set[str]] = {}
	for party, relation in relations.items():
		for role, effect in effects[party]:
			if not _settled(rows[relation], role, effect, _date_of(doc)):
				unsettled.setdefault(relation, set()).add(role)
	if unsettled:
		refresh(list(unsettled), set().union(*unsettled.values()))


def _relations_named(doc: Document, parties: list[Party]) -> dict[Party, str]:
	"""party → relation; a document with our field has it at hand."""
	if len(parties) == 1 and adoption.names_relation(doc.doctype) and doc.get("relation"):
		return {parties[0]: doc.get("relation")}
	return queries.relations_of(parties)


def refresh_without_document(doc: Document) -> None:
	"""A document is being deleted: derive the roles of its party as if it were gone."""
	party = queries.party_of(doc)
	relation = party and queries.relation_of(*party)
	if relation:
		refresh(
			[relation], {role for role, _effect in _effects(doc, party[0])}, leaving=[(doc.doctype, doc.name)]
		)


def check_by_hand(doc: Document) -> None:
	"""Of the roles only those of the site's own making are given by hand; the others follow from documents.

	:raises frappe.ValidationError: names the role and where it comes from
	"""
	before = doc.get_doc_before_save()
	if not before:
		if typed := [row for row in doc.get("roles") if row.role in _standard_roles()]:
			_refuse_by_hand(typed[0].role)
		return
	if doc.flags.adopted:
		return
	standard = _standard_roles()
	stored, now_held = (
		{
			(row.role, cstr(row.since), cstr(row.until), cstr(row.document_type), cstr(row.document_name))
			for row in version.get("roles")
			if row.role in standard
		}
		for version in (before, doc)
	)
	for role, *_dates in sorted(stored ^ now_held):
		_refuse_by_hand(role)


def _standard_roles() -> set[str]:
	return {proof.role for proof in evidence()}


def _refuse_by_hand(role: str) -> None:
	frappe.throw(
		_(
			"Roles: {0} follows from the documents in ERPNext and cannot be given or changed here. Change the document, or choose a role of your own."
		).format(_(role))
	)


def refresh_all() -> None:
	"""Derive the roles of all relations anew, set-based; commits after each chunk, may be killed and run again."""
	after = ""
	while names := queries.names_after("Relation", after, CHUNK):
		refresh(names)
		frappe.db.commit()
		after = names[-1]


def _effects(doc: Document, party_type: str) -> list[tuple[str, str]]:
	"""(role, effect) that the event of this document can have."""
	return [
		(e.role, e.effects[doc.doctype](doc))
		for e in evidence()
		if doc.doctype in e.effects and party_type in e.party_types
	]


def _date_of(doc: Document):
	return getdate(doc.get("posting_date") or doc.get("transaction_date") or nowdate())


def _settled(rows: Iterable[RoleRow], role: str, effect: str, day) -> bool:
	"""Whether the event cannot change the role: it is held since before, or was not held on that day."""
	open_rows = [row for row in rows if row.role == role and row.until is None and row.document_name]
	if effect == "opens":
		return any(row.since and row.since <= day for row in open_rows)
	ended_since = any(row.role == role and row.until and row.until >= day for row in rows)
	return effect == "closes" and not open_rows and not ended_since


def _derive(
	parties: dict[str, list[Party]], roles: set[str], leaving: Collection[Party]
) -> dict[tuple[str, str], list[Spell]]:
	"""(relation, role) → merged spells; one read for each kind of evidence and type of party."""
	relation_of = {party: name for name, members in parties.items() for party in members}
	names = queries.by_type(relation_of)
	found: dict[tuple[str, str], list[Spell]] = {}
	for proof in evidence():
		if proof.role not in roles:
			continue
		for party_type in proof.party_types:
			if not names.get(party_type):
				continue
			for party, spell in proof.spells(party_type, sorted(names[party_type])):
				relation = relation_of.get((party_type, party))
				if relation and (spell.document_type, spell.document_name) not in leaving:
					found.setdefault((relation, proof.role), []).append(spell)
	return {key: rules.merge(spells) for key, spells in found.items()}


def _keep_history(reconciled: dict[str, Reconciled], leaving: Collection[Party]) -> None:
	"""A role proved by a party document that is deleted ends today and stays as history; a role whose
	transaction is cancelled or deleted was never held."""
	parties = {party for party in leaving if party[0] in sources()}
	if not parties:
		return
	for change in reconciled.values():
		for row in [r for r in change.delete if (r.document_type, r.document_name) in parties]:
			change.delete.remove(row)
			ended = RoleRow(row.name, row.role, row.since, row.until or getdate(nowdate()))
			change.update.append(ended)
			change.rows.append(ended)


def _write_rows(reconciled: dict[str, Reconciled]) -> None:
	stamp, user = now(), frappe.session.user
	inserted = []
	deleted = []
	for relation, change in reconciled.items():
		deleted += [row.name for row in change.delete]
		taken = len(change.rows) - len(change.insert)
		for idx, row in enumerate(change.insert, start=taken + 1):
			values = (row.role, row.since, row.until, row.document_type, row.document_name)
			parent = (relation, "Relation", "roles", idx)
			inserted.append((frappe.generate_hash(length=10), user, user, stamp, stamp, *parent, *values))
		for row in change.update:
			frappe.db.set_value(
				"Relation Role",
				row.name,
				{
					"since": row.since,
					"until": row.until,
					"document_type": row.document_type,
					"document_name": row.document_name,
				},
			)
	if deleted:
		frappe.db.delete("Relation Role", {"name": ["in", deleted]})
	if inserted:
		frappe.db.bulk_insert("Relation Role", list(ROW_FIELDS), inserted)


def _write_stages(reconciled: dict[str, Reconciled]) -> None:
	"""Write the stages that changed. A file whose rows changed counts as modified, so that a form that is
	open on it does not write the old rows back."""
	table = frappe.qb.DocType("Relation")
	held = {
		name: (stage, since)
		for name, stage, since in (
			frappe.qb.from_(table)
			.select(table.name, table.stage, table.stage_since)
			.where(table.name.isin(list(reconciled)))
		).run()
	}
	order, today = queries.stage_order(), getdate(nowdate())
	values = {}
	for name, change in reconciled.items():
		stage, since = rules.stage(change.rows, order, today)
		if change.insert or change.update or change.delete or held.get(name) != (stage, since):
			values[name] = {"stage": stage, "stage_since": since}
	frappe.db.bulk_update("Relation", values)
	for name in values:
		frappe.clear_document_cache("Relation", name)

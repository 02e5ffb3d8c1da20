"""Derive dated roles from documents. Writes `Relation Role`.

Changes are passed to the stages, and to the playbook if a relation has entered a role. A custom role of a
site (a role type that is not standard) is assigned manually and not changed here.
"""

from collections.abc import Collection, Iterable

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cstr, getdate, now, nowdate

from crm_relations.relations import queries, rules
from crm_relations.relations.creation import adoption
from crm_relations.relations.party_documents.sources import Party, evidence, sources
from crm_relations.relations.roles_and_stages import playbook, stages
from crm_relations.relations.roles_and_stages.stage_rules import is_held
from crm_relations.relations.rules import Reconciled, RoleRow, Spell
from crm_relations.shared.refusals import refuse
from crm_relations.shared.side_effects import deferrable

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
	"derived",
)


def refresh(
	relations: Collection[str],
	roles: Collection[str] | None = None,
	leaving: Collection[Party] = (),
	*,
	quiet: bool = False,
) -> None:
	"""Derive the roles of these relations again; writes only what changed.

	Two transactions may see the same relation come into a role, and neither the other's document. No
	transaction waits for that: the writer holds the relation. Relations that another transaction holds, or
	has changed since this transaction began to read, are left to `refresh_contested` right after the commit.

	:param roles: only these roles; default all that documents can prove.
	:param leaving: documents that are deleted and prove nothing any more.
	:param quiet: old documents are loaded: their roles were not entered now, and no activity starts.
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
	contested = _contested([name for name, change in reconciled.items() if change.writes()])
	if contested:
		reconciled = {name: change for name, change in reconciled.items() if name not in contested}
		frappe.enqueue(
			refresh_contested,
			queue="short",
			enqueue_after_commit=True,
			relations=sorted(contested),
			leaving=list(leaving),
			quiet=quiet or playbook.is_bulk_load(),
		)
	if not reconciled:
		return
	_write_rows(reconciled)
	stages.write(
		{name: change.rows for name, change in reconciled.items()},
		{
			name: {row.role for row in (*change.insert, *change.update, *change.delete)}
			for name, change in reconciled.items()
		},
	)
	if not quiet:
		playbook.enter(_entered(stored, reconciled))


def _contested(relations: list[str]) -> set[str]:
	"""Return relations that another transaction is writing, or has written since this one began to read.

	The others are held until it ends.
	"""
	if not relations:
		return set()
	seen, held = queries.modified_of(relations), queries.lock(relations, wait=False)
	return {name for name, modified in seen.items() if held.get(name) != modified}


def refresh_contested(relations: list[str], leaving: Collection[Party] = (), quiet: bool = False) -> None:
	"""Derive roles on which two transactions met: when both are committed, from the documents of both.
	Commits.
	"""
	frappe.db.commit()  # the lock first, then the moment that is read
	queries.lock(relations, wait=True)
	refresh(relations, leaving=leaving, quiet=quiet)
	frappe.db.commit()


@deferrable
def refresh_for_document(doc: Document) -> None:
	"""Derive the roles of the parties of a document (Quotation, Sales Order …) again, if they can have
	changed.

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
	"""Return party → relation; a document with our field has it at hand."""
	if len(parties) == 1 and adoption.names_relation(doc.doctype) and doc.get("relation"):
		return {parties[0]: doc.get("relation")}
	return queries.relations_of(parties)


@deferrable
def refresh_without_document(doc: Document) -> None:
	"""Derive the roles of the party of a document that is being deleted, as if it no longer existed."""
	party = queries.party_of(doc)
	relation = party and queries.relation_of(*party)
	if relation:
		refresh(
			[relation], {role for role, _effect in _effects(doc, party[0])}, leaving=[(doc.doctype, doc.name)]
		)


def validate_manual_roles(doc: Document) -> None:
	"""Check that only custom roles are assigned manually; the others follow from documents.

	:raises frappe.ValidationError: names the role and where it comes from, or the date that is wrong
	"""
	before = doc.get_doc_before_save()
	if not doc.get("roles") and not (before and before.get("roles")):
		stages.set_on(doc, [])
		return
	standard = _standard_roles()
	_check_dates([row for row in doc.get("roles") if row.role not in standard])
	for row in doc.get("roles"):
		row.derived = int(row.role in standard)
	if not before:
		if typed := [row for row in doc.get("roles") if row.derived]:
			_refuse_by_hand(typed[0].role)
	elif not doc.flags.adopted:
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
	stages.set_on(doc, _rows_of(doc))


def apply_manual_roles(doc: Document) -> None:
	"""Update the stage log and the playbook after custom roles were assigned, ended or removed on the form."""
	before = doc.get_doc_before_save()
	rows, held = _rows_of(doc), _rows_of(before) if before else []
	if doc.flags.adopted or {_said(row) for row in rows} == {_said(row) for row in held}:
		return
	stages.record(doc.name, rows)
	playbook.enter(_entered({doc.name: held}, {doc.name: Reconciled([], [], [], rows)}))


def forget(doc: Document) -> None:
	"""Delete what was written for the roles of a deleted relation."""
	stages.forget(doc.name)
	playbook.forget(doc.name)


def _rows_of(doc: Document) -> list[RoleRow]:
	return [
		RoleRow(
			row.name,
			row.role,
			getdate(row.since) if row.since else None,
			getdate(row.until) if row.until else None,
			row.document_type,
			row.document_name,
			row.idx,
		)
		for row in doc.get("roles")
	]


def _said(row: RoleRow) -> tuple:
	return row.role, row.since, row.until


def _check_dates(rows: list[Document]) -> None:
	"""Check the dates of a manual role; without a date it begins today."""
	for row in rows:
		row.since = row.since or nowdate()
		if row.until and getdate(row.until) < getdate(row.since):
			refuse(
				_("Roles, row {0}: {1} ends before it begins. Correct Since or Until."), row.idx, _(row.role)
			)


def _entered(
	stored: dict[str, list[RoleRow]], reconciled: dict[str, Reconciled]
) -> dict[tuple[str, str], RoleRow]:
	"""Return (relation, role) → its row, for roles that are held now and were not before this change."""
	today = getdate(nowdate())
	result = {}
	for relation, change in reconciled.items():
		before = {row.role for row in stored[relation] if is_held(row, today)}
		for row in change.rows:
			if row.role not in before and is_held(row, today):
				result[(relation, row.role)] = row
	return result


def _standard_roles() -> set[str]:
	return {proof.role for proof in evidence()}


def _refuse_by_hand(role: str) -> None:
	refuse(
		_(
			"Roles: {0} follows from the documents in ERPNext and cannot be added or changed here. Change the document, or choose a custom role."
		),
		_(role),
	)


def refresh_all() -> None:
	"""Derive the roles of all relations again, set-based; commits after each chunk, may be killed and run
	again.
	"""
	after = ""
	while names := queries.names_after("Relation", after, CHUNK):
		refresh(names)
		frappe.db.commit()
		after = names[-1]


def _effects(doc: Document, party_type: str) -> list[tuple[str, str]]:
	"""Return (role, effect) that the event of this document can have."""
	return [
		(e.role, e.effects[doc.doctype](doc))
		for e in evidence()
		if doc.doctype in e.effects and party_type in e.party_types
	]


def _date_of(doc: Document):
	return getdate(doc.get("posting_date") or doc.get("transaction_date") or nowdate())


def _settled(rows: Iterable[RoleRow], role: str, effect: str, day) -> bool:
	"""Tell whether the event cannot change the role: it is held since before, or was not held on that day."""
	open_rows = [row for row in rows if row.role == role and row.until is None and row.document_name]
	if effect == "opens":
		return any(row.since and row.since <= day for row in open_rows)
	ended_since = any(row.role == role and row.until and row.until >= day for row in rows)
	return effect == "closes" and not open_rows and not ended_since


def _derive(
	parties: dict[str, list[Party]], roles: set[str], leaving: Collection[Party]
) -> dict[tuple[str, str], list[Spell]]:
	"""Return (relation, role) → merged spells; one read for each kind of evidence and type of party."""
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
	"""Decide what becomes of a role without its document.

	A role proved by a party document that is deleted ends today and stays as history; a role with a cancelled
	or deleted transaction was never held.
	"""
	parties = {party for party in leaving if party[0] in sources()}
	if not parties:
		return
	for change in reconciled.values():
		for row in [r for r in change.delete if (r.document_type, r.document_name) in parties]:
			change.delete.remove(row)
			until = row.until or getdate(nowdate())
			ended = RoleRow(row.name, row.role, row.since, until, idx=row.idx)
			change.update.append(ended)
			change.rows.append(ended)


def _write_rows(reconciled: dict[str, Reconciled]) -> None:
	stamp, user = now(), frappe.session.user
	inserted = []
	deleted = []
	renumbered: dict[str, dict[str, int]] = {}
	for relation, change in reconciled.items():
		deleted += [row.name for row in change.delete]
		renumbered |= {name: {"idx": idx} for name, idx in change.renumbered().items()}
		for idx, row in change.numbered():
			if not row.name:
				values = (row.role, row.since, row.until, row.document_type, row.document_name)
				parent = (relation, "Relation", "roles", idx)
				inserted.append(
					(frappe.generate_hash(length=10), user, user, stamp, stamp, *parent, *values, 1)
				)
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
	if renumbered:
		frappe.db.bulk_update("Relation Role", renumbered, update_modified=False)
	if inserted:
		frappe.db.bulk_insert("Relation Role", list(ROW_FIELDS), inserted)

"""Link a party document to another relation by hand, or detach it into its own.

The decision of a user outlives every sync and every save of a document. The relation that the document left,
and those that its own data point at, are recorded as different from its present one (`Relation Duplicate`).
Adoption never merges two relations that a user has marked as different.
"""

from collections.abc import Collection

import frappe
from frappe import _

from crm_relations.relations import queries
from crm_relations.relations.creation import adoption
from crm_relations.relations.duplicates import pairs
from crm_relations.relations.duplicates.matching import Candidate
from crm_relations.relations.duplicates.queries import ordered, pairs_among
from crm_relations.relations.network import links
from crm_relations.relations.party_documents.sources import Party, Tie, sources
from crm_relations.relations.roles_and_stages import roles
from crm_relations.relations.rules import WORKS_FOR
from crm_relations.shared.refusals import filled, refuse


def reassign(doctype: str, name: str, relation: str | None = None) -> str:
	"""Link a party document to `relation`, or to a new one of its own; return the relation it belongs to now.

	Roles, copied values and the employer of a contact follow the document. The relation that it leaves stays,
	even without documents.

	:raises frappe.ValidationError: not a party, no such document or relation, or it is alone in its relation
		already
	"""
	party = (doctype, name)
	_check(party, relation)
	old = queries.relation_of(*party)
	if old and old == relation:
		return old
	mates = [p for p in queries.parties_of([old])[old] if p != party] if old else []
	if old and not relation and not mates:
		refuse(
			_("{0} {1} is the only document of its relation. Choose the relation it belongs to."),
			_(doctype),
			name,
		)
	ties = adoption.ties_of([party])
	tied = _tied(party, ties)
	messages = len(frappe.local.message_log)
	new = adoption.move(party, old, relation)
	del frappe.local.message_log[messages:]  # a user that separates the two knows that they look alike
	_tell_apart(new, tied | ({old} if mates else set()))
	if old:
		_move_work(party, old, new, ties, mates)
		_note(party, old, new)
	roles.refresh([name for name in (old, new) if name])
	outcome = adoption.adopt([party])  # the employer of a contact, and new documents that are tied to it
	roles.refresh(outcome.changed)
	return new


def _check(party: Party, relation: str | None) -> None:
	if party[0] not in sources():
		refuse(
			_("{0} is not a party. Relations are made from: {1}"),
			_(party[0]),
			", ".join(_(known) for known in sources()),
		)
	if not frappe.db.exists(*party):
		refuse(_("{0} {1} does not exist."), _(party[0]), party[1])
	if relation and not frappe.db.exists("Relation", relation):
		refuse(_("Relation {0} does not exist. Choose one from the list."), relation)


def _tied(party: Party, ties: Collection[Tie]) -> set[str]:
	"""Return relations that the document's data point at."""
	ends = {
		end
		for tie in ties
		if tie.kind != WORKS_FOR and party in (tie.party, tie.other)
		for end in (tie.party, tie.other)
	}
	return set(queries.relations_of(ends - {party}).values())


def _tell_apart(relation: str, others: Collection[str]) -> None:
	wanted = {ordered(relation, other) for other in others if other != relation}
	if not wanted:
		return
	pairs.propose([Candidate(*pair, 0.0, []) for pair in sorted(wanted)])
	for row in pairs_among(wanted).values():
		if row["state"] != pairs.DIFFERENT:
			pairs.decide(row["name"], pairs.DIFFERENT)


def _move_work(party: Party, old: str, new: str, ties: Collection[Tie], mates: list[Party]) -> None:
	"""Move the employer of a contact with it; what another document of the relation says stays."""
	still = {tie.other for tie in adoption.ties_of(mates) if tie.kind == WORKS_FOR and tie.party in mates}
	left = {tie.other for tie in ties if tie.kind == WORKS_FOR and tie.party == party} - still
	for organisation in sorted(set(queries.relations_of(left).values()) - {new}):
		links.end(old, WORKS_FOR, organisation)


def _note(party: Party, old: str, new: str) -> None:
	names = {row["name"]: row["relation_name"] for row in queries.copied_values([old, new]).values()}
	text = filled(
		_("{0} {1} was moved by hand from {2} ({3}) to {4} ({5})."),
		_(party[0]),
		party[1],
		names[old],
		old,
		names[new],
		new,
	)
	for relation in (old, new):
		frappe.get_doc("Relation", relation).add_comment("Info", text)


def confirm_one(one: Party, other: Party) -> None:
	"""Override an earlier decision: a user says that two documents are one (a Party Link)."""
	found = queries.relations_of([one, other])
	if len(set(found.values())) == 2:
		pair = ordered(*found.values())
		if (row := pairs_among({pair}).get(pair)) and row["state"] == pairs.DIFFERENT:
			pairs.decide(row["name"], pairs.SAME)

"""Adoption: create relations from ERPNext's party documents and update them.

Creates `Relation` records from documents and writes the fields that are copied from them. Inserts `Relation
Party`; `preassign` inserts the row of a document that we create ourselves, and undoing a merge restores rows.

One saved document and a whole site are handled alike. Documents are read set-based and tied together. Each
group that belongs together becomes one relation, joins the one it has, or merges several.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe import _
from frappe.utils import EMAIL_MATCH_PATTERN, cstr, getdate, now, validate_phone_number

from crm_relations.relations import changes, queries, rules
from crm_relations.relations.creation import merge, numbering, postal_addresses
from crm_relations.relations.facts import queue as facts
from crm_relations.relations.network import links
from crm_relations.relations.party_documents import machine_addresses
from crm_relations.relations.party_documents.sources import Party, Row, Tie, sources
from crm_relations.relations.profiles import completeness, history
from crm_relations.relations.rules import COPIED, WORKS_FOR
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.contact_keys import email_key, phone_key
from crm_relations.shared.text.markup import plain
from crm_relations.shared.text.outside_text import insert_rows

#: up to this many relations are written as documents (versions, events, search), more are written in bulk
AS_DOCUMENTS = 3
DATA_LENGTH = 140


@dataclass
class Outcome:
	"""What became of the documents."""

	relations: dict[Party, str] = field(default_factory=dict)
	#: new in a relation
	adopted: set[Party] = field(default_factory=set)
	#: their relation was updated from the document, or merged
	updated: set[Party] = field(default_factory=set)
	#: party → why it cannot be a relation
	rejected: dict[Party, str] = field(default_factory=dict)
	#: relations that were created, joined or merged: their roles must be derived again
	changed: set[str] = field(default_factory=set)


def adopt(
	parties: Iterable[Party],
	*,
	before: dict[Party, Row] | None = None,
	dry_run: bool = False,
	filled: dict[str, Row] | None = None,
	address: postal_addresses.Change | None = None,
) -> Outcome:
	"""Bring these documents, and those they are tied to, into relations.

	:param before: party → its columns before the change that is being saved; if it is missing, only empty
		fields of an existing relation are filled.
	:param dry_run: decide everything, write nothing.
	:param filled: in a dry run: relation → fields that earlier calls would have filled.
	:param address: an Address of these documents that is being saved or deleted.
	"""
	return _Adoption(before or {}, dry_run, {} if filled is None else filled, address).run(list(parties))


def ties_of(parties: Iterable[Party]) -> list[Tie]:
	"""Return the relations that the data of these documents, and of those they lead to, point at."""
	adoption = _Adoption({}, True, {})
	adoption.collect(list(parties))
	return adoption.ties


def move(party: Party, old: str | None, new: str | None) -> str:
	"""Move a document from relation `old` into `new`, or into its own relation; return where it is now.

	Both relations follow their documents: values that only this document had move with it.
	"""
	mates = queries.parties_of([name for name in (old, new) if name])
	adoption = _Adoption({}, False, {})
	adoption.load([party, *(p for members in mates.values() for p in members)])
	adoption.read_values()
	if old:
		_update_document(old, adoption.changed_by(old, mates[old], without=party), [], leaving=party)
	if new:
		changes = adoption.changed_by(new, [*mates[new], party], before=mates[new])
		_update_document(new, changes, adoption.party_rows([party]))
	else:
		new = _insert_document(rules.merge_documents([adoption.values[party]]), adoption.party_rows([party]))
	adoption.relations[party] = new
	adoption.outcome.adopted = {party}
	adoption.stamp()
	return new


class _Adoption:
	def __init__(
		self,
		before: dict[Party, Row],
		dry_run: bool,
		filled: dict[str, Row],
		address: postal_addresses.Change | None = None,
	):
		self.before = before
		self.address = address
		self.dry_run = dry_run
		self.filled = filled
		self.outcome = Outcome()
		self.rows: dict[Party, Row] = {}
		self.values: dict[Party, Row] = {}
		self.ties: list[Tie] = []
		self.relations: dict[Party, str] = {}
		self.members: dict[str, list[Party]] = {}
		self.asked: set[Party] = set()

	def run(self, parties: list[Party]) -> Outcome:
		self.asked = set(parties)
		self.collect(parties)
		groups = self.group()
		self.load({member for group in groups for member in group if member not in self.rows})
		self.read_values()
		self.write(groups)
		self.stamp()
		self.link_workers()
		self.outcome.relations = dict(self.relations)
		return self.outcome

	# ── reading ──────────────────────────────────────────────────────────────────────────────

	def load(self, parties: Iterable[Party]) -> list[Party]:
		"""Read the rows of documents; return those that exist."""
		found = []
		known = sources()
		for doctype, names in queries.by_type(p for p in parties if p[0] in known).items():
			table = frappe.qb.DocType(doctype)
			query = frappe.qb.from_(table).select(*[table[c] for c in known[doctype].columns])
			for row in query.where(table.name.isin(names)).run(as_dict=True):
				self.rows[(doctype, row["name"])] = row
				found.append((doctype, row["name"]))
		return found

	def collect(self, parties: list[Party]) -> None:
		"""Read the documents and, step by step, those they are tied to and that have no relation yet."""
		waiting = self.load(parties)
		self.relations.update(queries.relations_of(waiting))
		seen = set(waiting)
		while waiting:
			self.reject_nameless(waiting)
			ties: list[Tie] = []
			for doctype, names in queries.by_type(
				p for p in waiting if p not in self.outcome.rejected
			).items():
				ties += sources()[doctype].ties([self.rows[(doctype, name)] for name in sorted(names)])
			near = self.neighbours(waiting) - seen
			others = {end for tie in ties for end in (tie.party, tie.other)} - seen
			self.relations.update(queries.relations_of(others | near))
			waiting = self.load(near | {p for p in others if p not in self.relations})
			seen |= others | near
			self.ties += ties
		self.reject_machines()
		gone = {
			end
			for tie in self.ties
			for end in (tie.party, tie.other)
			if (end not in self.rows and end not in self.relations) or end in self.outcome.rejected
		}
		self.ties = [t for t in self.ties if t.party not in gone and t.other not in gone]

	def neighbours(self, parties: list[Party]) -> set[Party]:
		"""Return what may be tied to new or saved documents; for the others it is known already."""
		found: set[Party] = set()
		for doctype, names in queries.by_type(parties).items():
			new = [
				self.rows[party]
				for name in sorted(names)
				if (party := (doctype, name)) not in self.outcome.rejected
				and (party not in self.relations or party in self.before)
			]
			if new:
				found |= sources()[doctype].neighbours(new)
		return found

	def reject_nameless(self, parties: list[Party]) -> None:
		for party in parties:
			if party in self.relations:
				continue
			values = sources()[party[0]].main.values(self.rows[party])
			if not (values.get("relation_name") or "").strip():
				self.outcome.rejected[party] = _("{0} {1} has no name. Give it one and save it.").format(
					_(party[0]), party[1]
				)

	def reject_machines(self) -> None:
		"""Leave out documents that Frappe made of a mail program's address or of the site's own, unless
		another document is tied to them.
		"""
		tied = {end for tie in self.ties for end in (tie.party, tie.other)}
		asked = {
			party: email_key(row.get("email_id"))
			for party, row in self.rows.items()
			if party not in self.relations and party not in tied and party not in self.outcome.rejected
			if any(part.from_mail for part in sources()[party[0]].parts)
			and sources()[party[0]].main.values(row)["relation_kind"] == rules.PERSON
		}
		without = machine_addresses.without_party(set(asked.values()))
		for party, key in asked.items():
			if key in without:
				self.outcome.rejected[party] = _(
					"{0} {1} has the address of a mail program or of this site ({2}), which belongs to no party."
				).format(_(party[0]), party[1], key)

	def read_values(self) -> None:
		"""Read the values of each document, cleaned so that Relation can hold them, with its address."""
		addresses = postal_addresses.Addresses(self.rows, self.before, self.address)
		for party, row in self.rows.items():
			self.values[party] = self.clean(party[0], row, addresses.now(party, row))
		before = {**self.rows, **self.before} if self.address else self.before
		self.values_before = {p: self.clean(p[0], row, addresses.before(p, row)) for p, row in before.items()}

	def clean(self, doctype: str, row: Row, address: Row | None) -> Row:
		values = dict(sources()[doctype].main.values(row))
		if address:
			lines = (address["address_line1"], address["address_line2"])
			values["address_line"] = ", ".join(line.strip() for line in lines if line and line.strip())
			values.update({f: address[f] or values.get(f) for f in ("pincode", "city", "country")})
		email = email_key(values.get("email_id"))
		# a part of an address does not count as one
		fits = email and len(email) <= DATA_LENGTH and " " not in email
		values["email_id"] = email if fits and EMAIL_MATCH_PATTERN.match(email) else None
		for name in ("phone", "mobile_no"):
			values[name] = _phone(values.get(name))
		for name, value in values.items():
			if isinstance(value, str):
				values[name] = plain(value.strip()[:DATA_LENGTH].strip()) or None
		return values

	# ── what belongs together ────────────────────────────────────────────────────────────────

	def group(self) -> list[list[Party]]:
		"""Return groups of documents that are one relation; a relation's present members stay together."""
		parent: dict[Party, Party] = {}
		types: dict[Party, set[str]] = {}
		#: group → the relations that it already has
		held: dict[Party, set[str]] = {}

		def find(node: Party) -> Party:
			while parent[node] != node:
				parent[node] = parent[parent[node]]
				node = parent[node]
			return node

		def union(one: Party, other: Party) -> None:
			one, other = find(one), find(other)
			if one != other:
				parent[other] = one
				types[one] |= types.pop(other)

		nodes = [p for p in self.rows if p not in self.outcome.rejected]
		tied = [end for tie in self.ties for end in (tie.party, tie.other)]
		self.members = queries.parties_of(set(self.relations.values()))
		present = [party for parties in self.members.values() for party in parties]
		for node in [*nodes, *tied, *present]:
			parent.setdefault(node, node)
			types.setdefault(node, {node[0]})
		for parties in self.members.values():
			for other in parties[1:]:
				union(parties[0], other)
		for relation, parties in self.members.items():
			held[find(parties[0])] = {relation}
		for tie in sorted((t for t in self.ties if t.kind != WORKS_FOR), key=self.known_since):
			one, other = find(tie.party), find(tie.other)
			if one == other or (tie.kind == "person" and types[one] & types[other]):
				continue
			mine, theirs = held.get(one, set()), held.get(other, set())
			if not (mine and theirs and self.told_apart(mine, theirs)):
				union(one, other)
				if mine or theirs:
					held[one] = mine | theirs
		groups: dict[Party, list[Party]] = {}
		for node in parent:
			groups.setdefault(find(node), []).append(node)
		for party, relation in ((p, r) for r, ps in self.members.items() for p in ps):
			self.relations[party] = relation
		asked = set(nodes)
		return [group for group in groups.values() if asked.intersection(group)]

	def told_apart(self, some: set[str], others: set[str]) -> bool:
		"""Tell whether a user has marked one of these as different from one of those."""
		decided = queries.marked_distinct(some | others)
		return any((one, other) in decided for one in some for other in others)

	def known_since(self, tie: Tie) -> tuple:
		"""Return the moment when the tie became known: not before both documents existed.

		Events have announced the ties in this order, so that a site that is read at once ends like one that
		was followed from its first day.
		"""
		since = [cstr(tie.since)]
		since += [cstr(self.rows[end]["creation"]) for end in (tie.party, tie.other) if end in self.rows]
		return max(since), tie.kind != "same", tie.party, tie.other

	def weight(self, party: Party) -> tuple:
		return (
			sources()[party[0]].main.order if party[0] in sources() else 1000,
			cstr(self.rows[party]["creation"]) if party in self.rows else "",
			party[1],
		)

	# ── writing ──────────────────────────────────────────────────────────────────────────────

	def write(self, groups: list[list[Party]]) -> None:
		held = queries.copied_values({self.relations[p] for g in groups for p in g if p in self.relations})
		new: list[tuple[Row, list[Party]]] = []
		updates: dict[str, Row] = {}
		joins: dict[str, list[Party]] = {}
		for group in groups:
			group.sort(key=self.weight)
			mine = sorted(
				{self.relations[p] for p in group if p in self.relations},
				key=lambda r: (held[r]["creation"], r),
			)
			newcomers = [p for p in group if p not in self.relations]
			now_said = rules.merge_documents(self.values[p] for p in group if p in self.values)
			if not mine:
				new.append((now_said, newcomers))
				self.outcome.adopted.update(newcomers)
				continue
			keep = mine[0]
			before_said = self.said_before(group, newcomers, mine)
			if len(mine) > 1:
				self.fold(keep, mine[1:], group, held)
			changes = rules.changes({**held[keep], **self.filled.get(keep, {})}, before_said, now_said)
			if newcomers:
				joins[keep] = newcomers
				self.outcome.adopted.update(newcomers)
				self.outcome.changed.add(keep)
			if changes:
				updates[keep] = changes
				if self.dry_run:
					self.filled.setdefault(keep, {}).update(changes)
				self.outcome.updated.update(
					p for p in group if p in self.asked and p not in self.outcome.adopted
				)
		if self.dry_run:
			return
		self.update(updates, joins, held)
		self.insert(new)

	def said_before(self, group: list[Party], newcomers: list[Party], mine: list[str]) -> Row:
		"""Return what the relation's own documents said before the change.

		If that is not known (no document is being saved), their present values count as earlier ones only if
		another document joins: then all of them apply again.
		"""
		if not newcomers and len(mine) == 1 and not any(p in self.values_before for p in group):
			return {}
		members = [p for p in group if self.relations.get(p) == mine[0] and p in self.values]
		return rules.merge_documents(self.values_before.get(p) or self.values[p] for p in members)

	def changed_by(
		self,
		relation: str,
		members: list[Party],
		*,
		before: list[Party] | None = None,
		without: Party | None = None,
	) -> Row:
		"""Return fields to write when the documents of a relation were `before` (default `members`), and
		`without` leaves.
		"""

		def said(parties: Iterable[Party]) -> Row:
			return rules.merge_documents(
				self.values[p] for p in sorted(parties, key=self.weight) if p in self.values
			)

		held = queries.copied_values([relation])[relation]
		now_said = said(p for p in members if p != without)
		return rules.changes(held, said(members if before is None else before), now_said)

	def fold(self, keep: str, others: list[str], group: list[Party], held: dict[str, Row]) -> None:
		self.outcome.updated.update(p for p in group if p in self.asked and p in self.relations)
		self.outcome.changed.add(keep)
		if self.dry_run:
			return
		for other in others:
			merge.merge_into(keep, other)
			for party in self.members.pop(other, []):
				self.relations[party] = keep
		held[keep] = queries.copied_values([keep])[keep]

	def insert(self, new: list[tuple[Row, list[Party]]]) -> None:
		if len(new) > AS_DOCUMENTS:
			names = _insert_in_bulk([(values, self.party_rows(parties)) for values, parties in new])
		else:
			names = [_insert_document(values, self.party_rows(parties)) for values, parties in new]
		for name, (_values, parties) in zip(names, new, strict=True):
			self.relations.update(dict.fromkeys(parties, name))
			self.outcome.changed.add(name)

	def update(self, updates: dict[str, Row], joins: dict[str, list[Party]], held: dict[str, Row]) -> None:
		names = updates.keys() | joins.keys()
		if len(names) > AS_DOCUMENTS:
			history.record(
				{name: {f: (held[name][f], v) for f, v in values.items()} for name, values in updates.items()}
			)
			_update_in_bulk(updates, {name: self.party_rows(parties) for name, parties in joins.items()})
		else:
			for name in sorted(names):
				_update_document(name, updates.get(name, {}), self.party_rows(joins.get(name, [])))
		for name, parties in joins.items():
			self.relations.update(dict.fromkeys(parties, name))

	def party_rows(self, parties: list[Party]) -> list[Row]:
		return [
			{"party_type": doctype, "party": name, "since": getdate(self.rows[(doctype, name)]["creation"])}
			for doctype, name in sorted(parties, key=lambda p: (cstr(self.rows[p]["creation"]), p))
		]

	def stamp(self) -> None:
		"""Write the relation's name into documents that have our field `relation` (leads)."""
		if self.dry_run:
			return
		for doctype, names in queries.by_type(self.outcome.adopted).items():
			if names_relation(doctype):
				values = {name: {"relation": self.relations[(doctype, name)]} for name in names}
				frappe.db.bulk_update(doctype, values, update_modified=False)

	def link_workers(self) -> None:
		"""Link contacts to the organization they work for."""
		if self.dry_run:
			return
		pairs = {}
		for tie in self.ties:
			if tie.kind != WORKS_FOR:
				continue
			person, organisation = self.relations.get(tie.party), self.relations.get(tie.other)
			if person and organisation and person != organisation:
				pairs.setdefault((person, organisation), getdate(tie.since))
		links.link_many(WORKS_FOR, pairs)


def names_relation(doctype: str) -> bool:
	"""Tell whether the doctype has our field `relation`; Employee has one of that name with another meaning."""
	docfield = frappe.get_meta(doctype).get_field("relation")
	return bool(docfield and docfield.fieldtype == "Link" and docfield.options == "Relation")


def _phone(number: str | None) -> str | None:
	"""Return the number as typed if Frappe accepts it, else its international form, else nothing."""
	number = (number or "").strip()
	if not number:
		return None
	if len(number) <= DATA_LENGTH and validate_phone_number(number):
		return number
	return phone_key(number[:DATA_LENGTH]) or None


def _insert_document(values: Row, parties: list[Row]) -> str:
	# what no document says stays empty: Frappe would fill it with the defaults of the user that saves the
	# document
	said = {field: values.get(field) or "" for field in COPIED}
	doc = trusted(frappe.get_doc({"doctype": "Relation", **said, "parties": parties}))
	_quiet(doc)
	return doc.insert(ignore_permissions=True).name


def _update_document(name: str, values: Row, parties: list[Row], leaving: Party | None = None) -> None:
	doc = frappe.get_doc("Relation", name, for_update=True)
	doc.update(values)
	if leaving:
		doc.set("parties", [row for row in doc.parties if (row.party_type, row.party) != leaving])
		for idx, row in enumerate(doc.parties, start=1):
			row.idx = idx
	# Frappe would date a new row as old as the relation; sync uses the date to find the rows of this run
	doc.extend("parties", [{**row, "creation": now()} for row in parties])
	_quiet(doc)
	trusted(doc).save(ignore_permissions=True)


def _quiet(doc: Any) -> None:
	"""Skip validation of copied values: they were valid in ERPNext's document, and a later rule must not
	block the relation.
	"""
	doc.flags.ignore_links = True
	doc.flags.ignore_mandatory = True
	doc.flags.adopted = True


BULK_PARENT = ("name", "owner", "modified_by", "creation", "modified", completeness.FIELD, *COPIED)
BULK_PARTY = (
	"name",
	"owner",
	"modified_by",
	"creation",
	"modified",
	"parent",
	"parenttype",
	"parentfield",
	"idx",
	"party_type",
	"party",
	"since",
)
NUMBERS = ("employees", "annual_revenue")


def _insert_in_bulk(new: list[tuple[Row, list[Row]]]) -> list[str]:
	figure = completeness.meter()
	stamp, user = now(), frappe.session.user
	names = [frappe.generate_hash(length=10) for _ in new]
	parents = [
		(name, user, user, stamp, stamp, figure(values), *(_stored(f, values.get(f)) for f in COPIED))
		for name, (values, _parties) in zip(names, new, strict=True)
	]
	insert_rows("Relation", BULK_PARENT, parents)
	_insert_parties({name: parties for name, (_values, parties) in zip(names, new, strict=True)}, {})
	return names


def _insert_parties(parties: dict[str, list[Row]], first_idx: dict[str, int]) -> None:
	stamp, user = now(), frappe.session.user
	rows = [
		(
			frappe.generate_hash(length=10),
			user,
			user,
			stamp,
			stamp,
			relation,
			"Relation",
			"parties",
			first_idx.get(relation, 0) + idx,
			row["party_type"],
			row["party"],
			row["since"],
		)
		for relation, party_rows in parties.items()
		for idx, row in enumerate(party_rows, start=1)
	]
	if rows:
		frappe.db.bulk_insert("Relation Party", list(BULK_PARTY), rows)
		facts.mark_all((facts.RELATION, relation) for relation in parties)


def _update_in_bulk(updates: dict[str, Row], joins: dict[str, list[Row]]) -> None:
	held = queries.copied_values(updates)
	by_fields: dict[tuple[str, ...], dict[str, Row]] = {}
	for name, values in updates.items():
		by_fields.setdefault(tuple(sorted(values)), {})[name] = {f: _stored(f, v) for f, v in values.items()}
	for rows in by_fields.values():
		frappe.db.bulk_update("Relation", rows)
	# values that were empty and are filled now name the documents as their source; what was replaced is kept
	history.record(
		{
			name: {f: (held[name][f], value) for f, value in values.items() if held[name].get(f)}
			for name, values in updates.items()
			if name in held
		}
	)
	completeness.recompute(updates)
	_insert_parties(joins, numbering.last_idx("Relation Party", joins))
	for name in updates.keys() | joins.keys():
		frappe.clear_document_cache("Relation", name)
	changes.announce(updates.keys() | joins.keys())


def _stored(fieldname: str, value: Any) -> Any:
	return (value or 0) if fieldname in NUMBERS else value

"""What a relation is, in pure Python: role names, the fields copied from documents, how dated spells become
roles, and which stage follows from them. Imports no frappe."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from crm_relations.shared.contact_keys import email_key, phone_key

PERSON, ORGANISATION = "Person", "Organisation"

LEAD, PROSPECT, CUSTOMER = "Lead", "Prospect", "Customer"
DEBTOR, SUPPLIER, EMPLOYEE = "Debtor", "Supplier", "Employee"

WORKS_FOR: Final = "works for"
SUBSIDIARY_OF, RECOMMENDED_BY = "subsidiary of", "recommended by"

#: fields of Relation that are copied from ERPNext's documents
COPIED = (
	"relation_name",
	"relation_kind",
	"responsible",
	"email_id",
	"phone",
	"mobile_no",
	"website",
	"address_line",
	"pincode",
	"city",
	"country",
	"territory",
	"language",
	"salutation",
	"first_name",
	"last_name",
	"gender",
	"date_of_birth",
	"designation",
	"industry",
	"employees",
	"annual_revenue",
	"revenue_currency",
)
#: a document cannot take these away again, only replace them
REQUIRED = ("relation_name", "relation_kind")
#: an organisation does not take these over from a document about a person
OF_PERSONS = ("salutation", "first_name", "last_name", "gender", "date_of_birth", "designation")
#: attribute of `Relation Profile Option` → field of Relation
PROFILE_FIELDS = {
	"Age Group": "age_group",
	"Income Group": "income_group",
	"Education": "education",
	"Risk Attitude": "risk_attitude",
	"Market Orientation": "market_orientation",
	"Buying Behaviour": "buying_behaviour",
}
#: profile fields that only one kind of relation has
KIND_OF_PROFILE = {
	"age_group": PERSON,
	"income_group": PERSON,
	"education": PERSON,
	"risk_attitude": PERSON,
	"market_orientation": ORGANISATION,
}


def lower_bound(employees: str | int | None) -> int:
	"""ERPNext keeps a range (`51-200`, `1000+`), we keep its lower bound: 51, 1000; 0 where there is none.

	The lower bound never claims more than the document does, so a rule "more than 200 employees" holds.
	"""
	digits = ""
	for char in str(employees or "").strip():
		if not char.isdigit():
			break
		digits += char
	return int(digits or 0)


def is_same(field: str, one: Any, other: Any) -> bool:
	"""Whether two values of a field mean the same: addresses and numbers in their normal forms."""
	if not one and not other:
		return True
	if not one or not other:
		return False
	if field == "email_id":
		return email_key(one) == email_key(other)
	if field in ("phone", "mobile_no"):
		key = phone_key(one)
		return (bool(key) and key == phone_key(other)) or str(one).strip() == str(other).strip()
	if field in ("employees", "annual_revenue"):
		return float(one) == float(other)
	return str(one).strip() == str(other).strip()


def merge_documents(values: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
	"""What several documents of one relation say together: for each field the first that says anything.

	:param values: copied values by document, the weightiest document first (a customer before its lead).
	"""
	values = [v for v in values if v.get("relation_name")]
	if not values:
		return {}
	said: dict[str, Any] = {"relation_kind": values[0]["relation_kind"]}
	for value in values:
		of_person = value["relation_kind"] == PERSON
		for field in COPIED:
			if said.get(field) or not value.get(field):
				continue
			if field in OF_PERSONS and (said["relation_kind"] == ORGANISATION or not of_person):
				continue
			said[field] = value[field]
	return said


def changes(held: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
	"""Fields of a relation to write when its documents said `before` and say `now`.

	A field is filled where it is empty, and follows the documents only while it holds what they said
	before: what somebody typed into the relation stays.
	"""
	result = {}
	for field in COPIED:
		value = now.get(field)
		if is_same(field, held.get(field), value):
			continue
		if not held.get(field):
			result[field] = value
		elif not value and field in REQUIRED:
			continue
		elif before.get(field) and is_same(field, held[field], before[field]):
			result[field] = value
	return result


@dataclass(frozen=True)
class Spell:
	"""A time in which a document gave a role; `until` is empty while it does."""

	since: date
	until: date | None
	document_type: str
	document_name: str
	#: the end is only known roughly (when the document was last changed): once written it stays
	estimated: bool = False


def merge(spells: Iterable[Spell]) -> list[Spell]:
	"""Spells that overlap or touch become one, which names the document it began with."""
	merged: list[Spell] = []
	for spell in sorted(spells, key=lambda s: (s.since, s.document_type, s.document_name)):
		last = merged[-1] if merged else None
		if last and (last.until is None or spell.since <= last.until):
			if last.until is not None and (spell.until is None or spell.until > last.until):
				merged[-1] = replace(last, until=spell.until, estimated=spell.estimated)
		else:
			merged.append(spell)
	return merged


@dataclass(frozen=True)
class RoleRow:
	"""A row of `Relation Role`; `name` is empty for one that is not stored yet."""

	name: str | None
	role: str
	since: date | None
	until: date | None
	document_type: str | None = None
	document_name: str | None = None
	#: its number on the form, as stored; says nothing about the role
	idx: int = dataclasses.field(default=0, compare=False)


@dataclass
class Reconciled:
	"""What has to be written so that the stored rows say what the documents say."""

	insert: list[RoleRow]
	update: list[RoleRow]
	delete: list[RoleRow]
	#: the rows as they are afterwards
	rows: list[RoleRow]

	def numbered(self) -> list[tuple[int, RoleRow]]:
		"""The rows afterwards with their numbers on the form, 1 to n: stored rows in their order, new ones behind."""
		in_order = sorted(self.rows, key=lambda row: (not row.name, row.idx))
		return list(enumerate(in_order, start=1))

	def renumbered(self) -> dict[str, int]:
		"""Name of a stored row → its number, where that changes."""
		return {row.name: number for number, row in self.numbered() if row.name and row.idx != number}

	def writes(self) -> bool:
		"""Whether anything has to be written."""
		return bool(self.insert or self.update or self.delete or self.renumbered())


def reconcile(stored: Sequence[RoleRow], derived: Mapping[str, Sequence[Spell]]) -> Reconciled:
	"""Compare stored rows with the spells derived for some roles; rows of other roles are left alone.

	A stored row whose document is gone from the file (no document, but an end) is history and stays.
	"""
	result = Reconciled([], [], [], [])
	left = []
	for row in stored:
		is_history = bool(row.until and not row.document_name)
		if row.role not in derived or is_history:
			result.rows.append(row)
		else:
			left.append(row)
	for role, spells in derived.items():
		for spell in spells:
			held = next(
				(
					r
					for r in left
					if r.role == role
					and (r.document_type, r.document_name) == (spell.document_type, spell.document_name)
				),
				None,
			)
			if not held:
				row = RoleRow(None, role, spell.since, spell.until, spell.document_type, spell.document_name)
				result.insert.append(row)
			else:
				left.remove(held)
				until = held.until if spell.estimated and spell.until and held.until else spell.until
				row = replace(held, since=spell.since, until=until)
				if row != held:
					result.update.append(row)
			result.rows.append(row)
	result.delete.extend(left)
	return result


def first_cycle(edges: Mapping[str, Iterable[str]]) -> list[str]:
	"""Some path along `edges` that comes back to where it began, or an empty list. Every edge is looked at once."""
	done: set[str] = set()
	for start in edges:
		trail: list[str] = []
		on_trail: set[str] = set()
		stack = [(start, iter(edges.get(start, ())))] if start not in done else []
		if stack:
			trail.append(start)
			on_trail.add(start)
		while stack:
			node, targets = stack[-1]
			target = next((t for t in targets if t not in done), None)
			if target is None:
				stack.pop()
				trail.pop()
				on_trail.discard(node)
				done.add(node)
			elif target in on_trail:
				return [*trail[trail.index(target) :], target]
			else:
				trail.append(target)
				on_trail.add(target)
				stack.append((target, iter(edges.get(target, ()))))
	return []


def find_cycle(start: str, edges: Mapping[str, Iterable[str]]) -> list[str]:
	"""Path from `start` back to itself along `edges`, or an empty list."""
	path_to: dict[str, list[str]] = {}
	queue = [(next_node, [start, next_node]) for next_node in edges.get(start, ())]
	while queue:
		node, path = queue.pop(0)
		if node == start:
			return path
		if node in path_to:
			continue
		path_to[node] = path
		queue.extend((next_node, [*path, next_node]) for next_node in edges.get(node, ()))
	return []

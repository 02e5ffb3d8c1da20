"""Define what a relation is: role names, copied fields, how dated spells become roles, and the resulting
stage.

Pure Python: imports no frappe.
"""

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
#: a document cannot remove these values, only replace them
REQUIRED = ("relation_name", "relation_kind")
#: an organization does not take these over from a document about a person
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
	"""Return the lower bound of a range that ERPNext stores (`51-200`, `1000+`): 51, 1000; 0 if there is
	none.

	The lower bound never claims more than the document does, so a rule "more than 200 employees" holds.
	"""
	digits = ""
	for char in str(employees or "").strip():
		if not char.isdigit():
			break
		digits += char
	return int(digits or 0)


def is_same(field: str, one: Any, other: Any) -> bool:
	"""Tell whether two values of a field mean the same: addresses and numbers are compared normalized."""
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
	"""Return what several documents of one relation say together: for each field the first value.

	:param values: copied values by document, the document with the highest priority first (a customer before
		its lead).
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
	"""Return fields of a relation to write when its documents said `before` and say `now`.

	A field is filled if it is empty, and follows the documents only while it holds what they said before. So
	a value that a user typed into the relation stays.
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
	"""A period in which a document proved a role; `until` is empty while it does."""

	since: date
	until: date | None
	document_type: str
	document_name: str
	#: the end is only known roughly (when the document was last changed): once written, it stays
	estimated: bool = False


def merge(spells: Iterable[Spell]) -> list[Spell]:
	"""Merge spells that overlap or touch into one, which names the document it began with."""
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
	"""What must be written so that the stored rows match the documents."""

	insert: list[RoleRow]
	update: list[RoleRow]
	delete: list[RoleRow]
	#: the rows afterwards
	rows: list[RoleRow]

	def numbered(self) -> list[tuple[int, RoleRow]]:
		"""Return the rows afterwards with their numbers on the form, 1 to n: stored rows in order, then new
		ones.
		"""
		in_order = sorted(self.rows, key=lambda row: (not row.name, row.idx))
		return list(enumerate(in_order, start=1))

	def renumbered(self) -> dict[str, int]:
		"""Return name of a stored row → its number, if that changes."""
		return {row.name: number for number, row in self.numbered() if row.name and row.idx != number}

	def writes(self) -> bool:
		"""Tell whether anything must be written."""
		return bool(self.insert or self.update or self.delete or self.renumbered())


def reconcile(stored: Sequence[RoleRow], derived: Mapping[str, Sequence[Spell]]) -> Reconciled:
	"""Compare stored rows with the spells derived for some roles; rows of other roles are not changed.

	A stored row without its document (but with an end) is history and stays.
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
	"""Return some path along `edges` that comes back to where it began, or an empty list.

	Every edge is followed once.
	"""
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
	"""Return a path from `start` back to itself along `edges`, or an empty list."""
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

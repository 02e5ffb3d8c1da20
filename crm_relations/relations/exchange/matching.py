"""Which relation a record means: by UID, by e-mail address, else by its name where nothing contradicts.

Looks at all relations, also those that the user may not read: a record must not become a double of one of them.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import frappe

from crm_relations.relations.exchange import rules
from crm_relations.relations.exchange.rules import Record, Unreadable, _
from crm_relations.relations.sources import Row
from crm_relations.shared.contact_keys import email_key, phone_key

#: UIDs of relations that came without one
UID_PREFIX = "urn:crm-relations:"


def uid_of(relation: Row) -> str:
	"""The UID of a relation in a vCard: the one it came with, else its name with our prefix."""
	return relation.get("uid") or UID_PREFIX + relation["name"]


@dataclass
class Known:
	"""What is known of a relation, or of an earlier row of the same file."""

	name: str
	kind: str
	title: str
	emails: set[str] = field(default_factory=set)
	phones: set[str] = field(default_factory=set)
	pincode: str = ""

	def contradicts(self, other: "Known") -> bool:
		"""Both name an address, a number or a postal code, and they have none in common."""
		return (
			bool(self.emails and other.emails and not self.emails & other.emails)
			or bool(self.phones and other.phones and not self.phones & other.phones)
			or bool(self.pincode and other.pincode and self.pincode != other.pincode)
		)


class Matcher:
	"""Finds relations for records; `load` reads what a page of records can mean, set-based."""

	def __init__(self) -> None:
		self.known: dict[str, Known] = {}
		self.by_uid: dict[str, str] = {}
		self.by_email: dict[str, set[str]] = defaultdict(set)
		self.by_name: dict[tuple[str, str], set[str]] = defaultdict(set)

	def load(self, records: Iterable[Record]) -> None:
		"""Read the relations that these records may mean: four queries, whatever their number."""
		uids, names, emails, titles = set(), set(), set(), set()
		for record in records:
			uid = record.values.get("uid") or ""
			if uid.startswith(UID_PREFIX):
				names.add(uid.removeprefix(UID_PREFIX))
			elif uid:
				uids.add(uid)
			emails |= emails_of(record)
			titles |= {rules.name_of(record.values, record.company)[0], record.company} - {""}
		point, relation = frappe.qb.DocType("Relation Contact Point"), frappe.qb.DocType("Relation")
		if emails:
			names |= set(
				frappe.qb.from_(point).select(point.parent).where(point.value.isin(emails)).run(pluck=True)
			)
		names = {name for name in names if name not in self.known}
		found: dict[str, Row] = {}
		columns = (
			"name",
			"uid",
			"relation_kind",
			"relation_name",
			"email_id",
			"phone",
			"mobile_no",
			"pincode",
		)
		for column, wanted in (
			("name", names),
			("uid", uids),
			("email_id", emails),
			("relation_name", titles),
		):
			if wanted:
				rows = (
					frappe.qb.from_(relation)
					.select(*[relation[c] for c in columns])
					.where(relation[column].isin(wanted) & (relation.disabled == 0))
				).run(as_dict=True)
				found.update({row["name"]: row for row in rows})
		points = defaultdict(list)
		if found:
			for parent, kind, value in (
				frappe.qb.from_(point)
				.select(point.parent, point.point_type, point.value)
				.where(point.parent.isin(list(found)) & (point.parenttype == "Relation"))
			).run():
				points[parent].append((kind, value, ""))
		for name, row in found.items():
			self.add(name, row, points[name])

	def add(self, name: str, values: Any, points: Iterable[tuple[str, str, str]]) -> None:
		"""Remember a relation: one that was read, or one that a row has just made."""
		known = Known(name, values.get("relation_kind") or "", values.get("relation_name") or "")
		known.emails = _emails(values, points)
		known.phones = _phones(values, points)
		known.pincode = (values.get("pincode") or "").strip()
		self.known[name] = known
		if values.get("uid"):
			self.by_uid[values.get("uid")] = name
		for email in known.emails:
			self.by_email[email].add(name)
		self.by_name[(known.kind, known.title.casefold())].add(name)

	def find(self, record: Record, name: str, kind: str) -> str | None:
		"""The relation that the record means, or None.

		:raises Unreadable: it fits several, or its e-mail address belongs to somebody of another name
		"""
		uid = record.values.get("uid") or ""
		if uid.removeprefix(UID_PREFIX) in self.known and uid.startswith(UID_PREFIX):
			return uid.removeprefix(UID_PREFIX)
		if uid in self.by_uid:
			return self.by_uid[uid]
		mine = Known("", kind, name, emails_of(record), _phones(record.values, record.points))
		mine.pincode = (record.values.get("pincode") or "").strip()
		owners = {n for email in mine.emails for n in self.by_email.get(email, ())}
		owners = {n for n in owners if self.known[n].kind == kind}
		same = {n for n in owners if rules.same_name(kind, name, self.known[n].title)}
		if owners and not same:
			other = self.known[sorted(owners)[0]]
			raise Unreadable(
				_("E-mail: {0} belongs to {1} already. Correct the name or the address."),
				", ".join(sorted(mine.emails & other.emails)),
				other.title,
			)
		if not same:
			candidates = self.by_name.get((kind, name.casefold()), set())
			same = {n for n in candidates if not self.known[n].contradicts(mine)}
		if len(same) > 1:
			raise Unreadable(
				_("The row fits several relations: {0}. Merge them, or give the row a UID."),
				", ".join(sorted(f"{self.known[n].title} ({n})" for n in same)[:5]),
			)
		return next(iter(same), None)

	def organisation(self, name: str) -> str | None:
		"""The organisation of that name, if there is just one."""
		found = self.by_name.get((rules.ORGANISATION, name.casefold()), set())
		return next(iter(found)) if len(found) == 1 else None


def emails_of(record: Record) -> set[str]:
	"""Normal forms of all e-mail addresses of a record."""
	return _emails(record.values, record.points)


def _emails(values: Any, points: Iterable[tuple[str, str, str]]) -> set[str]:
	given = [values.get("email_id"), *(value for kind, value, _label in points if kind == rules.EMAIL)]
	return {key for key in map(email_key, given) if key}


def _phones(values: Any, points: Iterable[tuple[str, str, str]]) -> set[str]:
	kinds = (rules.PHONE, rules.MOBILE)
	given = [
		values.get("phone"),
		values.get("mobile_no"),
		*(value for kind, value, _label in points if kind in kinds),
	]
	return {key for key in map(phone_key, given) if key}

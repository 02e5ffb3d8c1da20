"""Find the relation that a record means: by UID, by email address, else by its name if nothing contradicts.

Two with the same name are one only if none of these differ: birthday, town, employer, address, number. The
search covers all relations, including those that the user may not read: a record must not become a duplicate
of one of them. Writes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe.utils import cstr

from crm_relations.relations.exchange.earlier_rows import EarlierRows
from crm_relations.relations.exchange.files import parsing
from crm_relations.relations.exchange.files.parsing import Record
from crm_relations.relations.exchange.files.unreadable import Unreadable, _
from crm_relations.relations.network.links import open_links
from crm_relations.relations.party_documents.sources import Row
from crm_relations.relations.profiles import attributes
from crm_relations.relations.rules import WORKS_FOR
from crm_relations.shared.contact_keys import domain_key, email_key, phone_key
from crm_relations.shared.in_lists import one_of_many

#: UIDs of relations that were not imported with one
UID_PREFIX = "urn:crm-relations:"
HIDDEN = _("a relation that you may not read")
#: the keys that find a relation of an earlier row
BY_UID, BY_EMAIL = "u:", "e:"
#: stands for the relation that an earlier row of the same file creates
ROW = "row:"


def uid_of(relation: Row) -> str:
	"""Return the UID of a relation in a vCard: the imported one, else its name with our prefix."""
	return relation.get("uid") or UID_PREFIX + relation["name"]


@dataclass(slots=True)
class Known:
	"""What is known of a relation, or of an earlier row of the same file."""

	name: str
	kind: str
	title: str
	emails: set[str] = field(default_factory=set)
	phones: set[str] = field(default_factory=set)
	employers: set[str] = field(default_factory=set)
	pincode: str = ""
	city: str = ""
	birthday: str = ""

	@classmethod
	def of(
		cls, name: str, kind: str, title: str, values: Any, points: Iterable[tuple[str, str, str]]
	) -> "Known":
		"""Return what the values of a relation or of a row say."""
		points = list(points)
		return cls(
			name,
			kind,
			title,
			_emails(values, points),
			_phones(values, points),
			pincode=key_of(values.get("pincode")).replace(" ", ""),
			city=key_of(values.get("city")),
			birthday=str(values.get("date_of_birth") or ""),
		)

	def as_values(self) -> list[Any]:
		"""Return what JSON can hold; the reverse of `of_values`."""
		sets = (sorted(self.emails), sorted(self.phones), sorted(self.employers))
		return [self.kind, self.title, *sets, self.pincode, self.city, self.birthday]

	@classmethod
	def of_values(cls, name: str, values: list[Any]) -> "Known":
		"""Return the object from what `as_values` has returned."""
		kind, title, emails, phones, employers, *rest = values
		return cls(name, kind, title, set(emails), set(phones), set(employers), *rest)

	def contradicts(self, other: "Known") -> bool:
		"""Tell whether both have values that two of the same name would share, but none in common."""
		if _differ(self.birthday, other.birthday) or self.lives_elsewhere(other):
			return True
		if self.kind == parsing.ORGANISATION:
			return self.is_another_organisation(other)
		return (
			_apart(self.emails, other.emails)
			or _apart(self.phones, other.phones)
			or _apart(self.employers, other.employers)
		)

	def is_another_organisation(self, other: "Known") -> bool:
		"""Tell whether it is another organization. An organization has many addresses of one domain, and many
		numbers in one place.
		"""
		mine, theirs = _domains(self.emails), _domains(other.emails)
		if mine and theirs:
			return not mine & theirs
		if self.emails & other.emails or self.phones & other.phones:
			return False
		if self.pincode and self.pincode == other.pincode:
			return False
		return _apart(self.phones, other.phones) or _apart(self.emails, other.emails)

	def lives_elsewhere(self, other: "Known") -> bool:
		"""Tell whether the places differ. A town may be written in several ways, a postal code only in one."""
		if self.pincode and other.pincode:
			return self.pincode != other.pincode
		return _differ(self.city, other.city) and not (
			self.city.startswith(other.city) or other.city.startswith(self.city)
		)


def key_of(text: Any) -> str:
	"""Return a name for comparison: without case and with single blanks."""
	return " ".join(cstr(text).casefold().split())


def _name_key(kind: str, title: str) -> str:
	return f"n:{kind}:{title}"


def _differ(one: str, other: str) -> bool:
	return bool(one and other and one != other)


def _apart(one: set[str], other: set[str]) -> bool:
	return bool(one and other and not one & other)


def _domains(emails: Iterable[str]) -> set[str]:
	return {domain_key(email) for email in emails} - {""}


class Matcher:
	"""Finds relations for records; `load` reads what a page of records can mean, set-based."""

	def __init__(self, overwrite: bool = False) -> None:
		self.overwrite = overwrite
		self.sees_birthdays = "date_of_birth" not in attributes.unreadable_fields()
		#: what the rows before this page have defined
		self.earlier = EarlierRows()
		self._forget_page()

	def _forget_page(self) -> None:
		self.known: dict[str, Known] = {}
		self.by_uid: dict[str, str] = {}
		self.by_email: dict[str, set[str]] = defaultdict(set)
		self.by_name: dict[tuple[str, str], set[str]] = defaultdict(set)
		#: relations that rows of this page have defined, and all keys that find them
		self.made: dict[str, set[str]] = {}

	def settle(self) -> None:
		"""Finish a page: store what its rows have defined for the rows that follow."""
		for name, keys in self.made.items():
			if known := self.known.get(name):
				uids = {key for key in keys if key.startswith(BY_UID)}
				self.earlier.put(name, known.as_values(), keys - uids, uids)
		self.made = {}

	def load(self, records: Iterable[Record]) -> set[str]:
		"""Read the relations that these records may mean: six queries for any number of records.

		Forgets what was read for the page before.

		:return: all of them that are stored, including those that earlier rows have created or changed
		"""
		self._forget_page()
		uids, names, emails, titles = set(), set(), set(), set()
		for record in records:
			uid = record.values.get("uid") or ""
			if uid.startswith(UID_PREFIX):
				names.add(uid.removeprefix(UID_PREFIX))
			elif uid:
				uids.add(uid)
			emails |= emails_of(record)
			titles |= {parsing.name_of(record.values, record.company)[0], record.company} - {""}
		self._remember_earlier(uids, names, emails, titles)
		point, relation = frappe.qb.DocType("Relation Contact Point"), frappe.qb.DocType("Relation")
		if emails:
			names |= set(
				frappe.qb.from_(point)
				.select(point.parent)
				.where(one_of_many(point.value, emails))
				.run(pluck=True)
			)
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
			"city",
			*(("date_of_birth",) if self.sees_birthdays else ()),
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
					.where(one_of_many(relation[column], wanted) & (relation.disabled == 0))
				).run(as_dict=True)
				found.update({row["name"]: row for row in rows})
		stored = set(found)
		# what rows of this file have created is known already, and more precisely
		found = {name: row for name, row in found.items() if name not in self.known}
		points = defaultdict(list)
		if found:
			for parent, kind, value in (
				frappe.qb.from_(point)
				.select(point.parent, point.point_type, point.value)
				.where(one_of_many(point.parent, list(found)) & (point.parenttype == "Relation"))
			).run():
				points[parent].append((kind, value, ""))
		employers = _employers(list(found))
		for name, row in found.items():
			self._know(name, row, points[name], employers.get(name, ()))
		return stored

	def _remember_earlier(
		self, uids: Iterable[str], names: Iterable[str], emails: Iterable[str], titles: Iterable[str]
	) -> None:
		"""Load again what earlier rows have defined and these records may mean."""
		keys = [f"{BY_UID}{uid}" for uid in uids] + [f"{BY_EMAIL}{email}" for email in emails]
		for title in {key_of(title) for title in titles}:
			keys += [_name_key(kind, title) for kind in (parsing.PERSON, parsing.ORGANISATION)]
		found = self.earlier.find(keys)
		for name in dict.fromkeys([*names, *(name for _key, name in found)]):
			if values := self.earlier.get(name):
				self.known[name] = Known.of_values(name, values)
		for key, name in found:
			known, text = self.known[name], key[len(BY_UID) :]
			if key.startswith(BY_UID):
				self.by_uid[text] = name
			elif key.startswith(BY_EMAIL):
				self.by_email[text].add(name)
			else:
				self.by_name[(known.kind, key_of(known.title))].add(name)

	def add(
		self,
		name: str,
		values: Any,
		points: Iterable[tuple[str, str, str]],
		employers: Iterable[str] = (),
		birthday: str = "",
	) -> None:
		"""Remember a relation that a row has just created or changed.

		:param birthday: of the row, if its user may not write birthdays
		"""
		known = self._know(name, values, points, employers, birthday)
		keys = self.made.setdefault(name, set())
		keys |= {f"{BY_EMAIL}{email}" for email in known.emails}
		keys.add(_name_key(known.kind, key_of(known.title)))
		if values.get("uid"):
			keys.add(f"{BY_UID}{values.get('uid')}")

	def _know(
		self,
		name: str,
		values: Any,
		points: Iterable[tuple[str, str, str]],
		employers: Iterable[str] = (),
		birthday: str = "",
	) -> Known:
		kind, title = values.get("relation_kind") or "", values.get("relation_name") or ""
		known = Known.of(name, kind, title, values, points)
		known.employers = {key_of(employer) for employer in employers}
		if not self.sees_birthdays:
			known.birthday = birthday
		self.known[name] = known
		if values.get("uid"):
			self.by_uid[values.get("uid")] = name
		for email in known.emails:
			self.by_email[email].add(name)
		self.by_name[(known.kind, key_of(known.title))].add(name)
		return known

	def forget_since(self, number: int) -> None:
		"""Remove the relations added after this many: they were not created after all."""
		gone = set(list(self.known)[number:])
		for name in gone:
			known = self.known.pop(name)
			self.made.pop(name, None)
			for email in known.emails:
				self.by_email[email].discard(name)
			self.by_name[(known.kind, key_of(known.title))].discard(name)
		if gone:
			self.by_uid = {uid: name for uid, name in self.by_uid.items() if name not in gone}

	def find(self, record: Record, name: str, kind: str) -> str | None:
		"""Return the relation that the record means, or None.

		:raises Unreadable: it matches several, or its email address belongs to a relation of another name
		"""
		uid = record.values.get("uid") or ""
		if uid.removeprefix(UID_PREFIX) in self.known and uid.startswith(UID_PREFIX):
			return uid.removeprefix(UID_PREFIX)
		if uid in self.by_uid:
			return self.by_uid[uid]
		mine = Known.of("", kind, name, record.values, record.points)
		mine.employers = {key_of(record.company)} - {""}
		owners = self.owners(mine.emails, kind)
		same = {n for n in owners if parsing.same_name(kind, name, self.known[n].title)}
		if owners and not same:
			other = self.known[sorted(owners)[0]]
			raise Unreadable(
				_("Email: {0} belongs to {1} already. Correct the name or the address."),
				", ".join(sorted(mine.emails & other.emails)),
				self.shown(other),
			)
		if not self.overwrite:
			# father and son of one name share an address
			same = {n for n in same if not _differ(self.known[n].birthday, mine.birthday)}
		if not same:
			candidates = self.by_name.get((kind, key_of(name)), set())
			same = {n for n in candidates if not self.known[n].contradicts(mine)}
		if len(same) > 1:
			raise Unreadable(
				_("The row fits several relations: {0}. Merge them, or give the row a UID."),
				self.listed(same),
			)
		return next(iter(same), None)

	def owners(self, emails: Iterable[str], kind: str = "") -> set[str]:
		"""Return relations that have one of the email addresses; of that kind, if one is given."""
		found = {name for email in emails for name in self.by_email.get(email, ())}
		return {name for name in found if kind in ("", self.known[name].kind)}

	def organisations(self, name: str) -> set[str]:
		"""Return the organizations of that name."""
		return self.by_name.get((parsing.ORGANISATION, key_of(name)), set())

	def listed(self, names: Iterable[str]) -> str:
		"""Return some of the relations in words: `Müller GmbH (REL-00001), …`."""
		first = sorted(names)[:5]
		return ", ".join(dict.fromkeys(self.shown(self.known[name], with_id=True) for name in first))

	def shown(self, known: Known, with_id: bool = False) -> str:
		"""Return what a message may show of a relation: nothing if the user may not read it."""
		if known.name.startswith(ROW):
			return known.title
		if not frappe.has_permission("Relation", "read", doc=known.name):
			return frappe._(HIDDEN)
		return f"{known.title} ({known.name})" if with_id else known.title


def _employers(relations: list[str]) -> dict[str, set[str]]:
	"""Return relation → names of the organizations that it works for."""
	result: dict[str, set[str]] = defaultdict(set)
	if not relations:
		return result
	link, relation = frappe.qb.DocType("Relation Link"), frappe.qb.DocType("Relation")
	rows = (
		frappe.qb.from_(link)
		.join(relation)
		.on(relation.name == link.related_relation)
		.select(link.relation, relation.relation_name)
		.where((link.link_type == WORKS_FOR) & one_of_many(link.relation, relations) & open_links(link))
	).run()
	for name, employer in rows:
		result[name].add(employer)
	return result


def emails_of(record: Record) -> set[str]:
	"""Return all email addresses of a record, normalized."""
	return _emails(record.values, record.points)


def _emails(values: Any, points: Iterable[tuple[str, str, str]]) -> set[str]:
	given = [values.get("email_id"), *(value for kind, value, _label in points if kind == parsing.EMAIL)]
	return {key for key in map(email_key, given) if key}


def _phones(values: Any, points: Iterable[tuple[str, str, str]]) -> set[str]:
	kinds = (parsing.PHONE, parsing.MOBILE)
	given = [
		values.get("phone"),
		values.get("mobile_no"),
		*(value for kind, value, _label in points if kind in kinds),
	]
	return {key for key in map(phone_key, given) if key}

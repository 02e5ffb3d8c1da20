"""Prepare what the duplicate search compares of a relation, normalized, and its blocking keys. Imports no
frappe.

A key is a text `kind:value`. Two relations are compared only if they share a key, so that no search reads a
whole table. Email, telephone, tax number and web domain are keys. Parts of the name, the address and the date
of birth are too: an error in one part leaves the others.
"""

from collections.abc import Iterable, Mapping
from copy import copy
from datetime import date
from sys import intern
from typing import Any

from crm_relations.relations.duplicates.normalization import (
	compact,
	organisation_name,
	person_name,
	sound,
	street,
)
from crm_relations.shared.contact_keys import domain_key, email_key, phone_key, tax_key

PERSON = "Person"

#: fields of Relation that are compared
FIELDS = (
	"relation_name",
	"relation_kind",
	"first_name",
	"last_name",
	"date_of_birth",
	"email_id",
	"phone",
	"mobile_no",
	"website",
	"tax_id",
	"address_line",
	"pincode",
	"city",
	"country",
)

#: fields of which name, address and date of birth of an outline are made
OUTLINE = (
	"relation_name",
	"relation_kind",
	"first_name",
	"last_name",
	"date_of_birth",
	"address_line",
	"pincode",
	"city",
)

#: kind of key → what it is made of, in the order in which the search asks for them
KEY_KINDS = {
	"e": "email",
	"v": "tax number",
	"p": "telephone",
	"w": "web domain",
	"b": "date of birth",
	"n": "a name and postcode",
	"f": "full name by sound",
	"l": "a name and city by sound",
	"h": "house number and postcode",
	"s": "house number, street and city by sound",
}
#: kinds of what is missing in an outline: `records.OUTLINE`
BESIDE_OUTLINE = ("e:", "v:", "p:", "w:")
KEY_LENGTH = 140


class Record:
	"""One relation, prepared: nothing is normalized while pairs are compared."""

	__slots__ = (
		"birth",
		"city",
		"domain",
		"emails",
		"extra",
		"first",
		"forms",
		"held_keys",
		"is_person",
		"last",
		"number",
		"phones",
		"pincode",
		"street",
		"tax",
		"words",
	)

	def __init__(
		self,
		values: Mapping[str, Any],
		region: str = "DE",
		emails: Iterable[str] = (),
		phones: Iterable[str] = (),
	):
		"""Prepare a relation.

		:param values: by field of Relation; missing ones count as unknown
		:param region: ISO 3166 code of the country of telephone numbers without a country code
		:param emails: further email addresses of its documents; `phones` likewise
		"""
		get = values.get
		self.is_person = get("relation_kind") == PERSON
		self.first = self.last = ""
		self.words: tuple[str, ...] = ()
		self.forms: frozenset[str] = frozenset()
		if self.is_person:
			self.first, self.last = person_name(get("first_name"), get("last_name"), get("relation_name"))
		else:
			self.words, self.forms = organisation_name(get("relation_name"))
		birth = get("date_of_birth")
		self.birth = birth.strftime("%Y%m%d") if isinstance(birth, date) else (birth or "").replace("-", "")
		self.street, self.number, self.extra = street(get("address_line"))
		self.pincode = compact(get("pincode")).upper()
		self.city = compact(get("city"))
		addresses = {email_key(address) for address in (get("email_id"), *emails) if address}
		self.emails = frozenset(addresses - {""})
		numbers = {phone_key(n, region) for n in (get("phone"), get("mobile_no"), *phones) if n}
		self.phones = frozenset(numbers - {""})
		self.domain = ""
		if not self.is_person:
			self.domain = domain_key(get("website")) or next(
				(d for d in map(domain_key, sorted(self.emails)) if d), ""
			)
		self.tax = tax_key(get("tax_id"))
		self.held_keys: frozenset[str] | None = None

	@property
	def keys(self) -> frozenset[str]:
		"""Return the keys that find the relation; computed when they are first asked for."""
		if self.held_keys is None:
			keys = frozenset(map(intern, self._keys()))
			if max(map(len, keys), default=0) > KEY_LENGTH:
				keys = frozenset(key[:KEY_LENGTH].strip() for key in keys)
			self.held_keys = keys
		return self.held_keys

	def outline(self) -> "Record":
		"""Return the record with nothing but its name, address and date of birth."""
		found = copy(self)
		found.emails = found.phones = frozenset()
		found.domain = found.tax = ""
		found.held_keys = None
		return found

	def _keys(self) -> Iterable[str]:
		for address in self.emails:
			yield f"e:{address}"
		for number in self.phones:
			yield f"p:{number}"
		if self.tax:
			yield f"v:{self.tax}"
		if self.domain:
			yield f"w:{self.domain}"
		if self.is_person:
			yield from self._keys_of_person()
		else:
			yield from self._keys_of_organisation()
		if self.number and self.pincode:
			yield f"h:{self.number} {self.pincode}"
		if self.number and self.street and self.city:
			yield f"s:{self.number} {sound(self.street)[:3]} {sound(self.city)[:3]}"

	def _keys_of_person(self) -> Iterable[str]:
		first, last = sound(self.first), sound(self.last)
		if self.birth:
			yield f"b:{self.birth}"
		if self.pincode:
			# one kind for both names: they may be swapped
			yield from (f"n:{name} {self.pincode}" for name in {first, last} if name)
		if first and last:
			yield f"f:{min(first, last)} {max(first, last)}"
		if self.city:
			yield from (f"l:{name} {sound(self.city)}" for name in {first, last} if name)

	def _keys_of_organisation(self) -> Iterable[str]:
		sounds = sorted({sound(word) for word in self.words[:4]} - {""})
		if not sounds:
			return
		if self.pincode:
			yield from (f"n:o {one} {self.pincode}" for one in sounds[:3])
		yield f"f:o {' '.join(sounds)}"
		if self.city:
			yield f"l:o {sound(self.words[0])} {sound(self.city)}"

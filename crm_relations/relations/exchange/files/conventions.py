"""Decide what holds for a file as a whole: the order of dates, and whether names belong to persons or
organizations.

Imports no frappe.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from crm_relations.relations.exchange.files import cells, naming
from crm_relations.relations.exchange.files.naming import ORGANISATION, PERSON
from crm_relations.relations.exchange.files.parsing import Record

#: choices of the form: the content of the file decides
DATES_AS_SHOWN, NAMES_BY_ROW = "As the File Shows", "Decide by Row"
PERSONS, ORGANISATIONS = "Persons", "Organisations"
#: salutations that DATEV and others write for a company
_COMPANY_SALUTATIONS = frozenset({"firma", "fa.", "fa", "company", "firma/company", "an die firma"})


@dataclass
class Conventions:
	"""How the rows of a file are read.

	An empty `date_order` means that it is not known: `unclear_dates` are examples for the question to the
	user.
	"""

	date_order: str = cells.DAY_FIRST
	unclear_dates: list[str] = field(default_factory=list)
	#: kind of names that do not show it; empty: an organization
	kind_of_others: str = ""
	#: the user has said what all names are
	all_names: str = ""

	def settle(self, record: Record) -> bool:
		"""Decide the kind of a record by its name and put the parts of a person's name into their fields.

		:return: whether a person was recognized only by the name
		"""
		values = record.values
		record.company = " ".join(record.company.split())
		if name := " ".join(values.get("relation_name", "").split()):
			values["relation_name"] = name
		if values.get("salutation", "").casefold() in _COMPANY_SALUTATIONS:
			del values["salutation"]
			if not (values.get("first_name") or values.get("last_name")):
				values.setdefault("relation_kind", ORGANISATION)
		if not name or values.get("uid") or values.get("relation_kind"):
			return False
		if values.get("first_name") or values.get("last_name"):
			values["relation_name"] = naming.in_order(name)
			return False
		kind = self.kind_of(record)
		if kind:
			values["relation_kind"] = kind
		if kind != PERSON:
			return False
		values["relation_name"] = naming.in_order(name)
		first, last = naming.split(name)
		values.update({part: text for part, text in (("first_name", first), ("last_name", last)) if text})
		return True

	def kind_of(self, record: Record) -> str:
		"""Return the kind of a record that has neither a kind nor first and last name; empty if nothing shows
		it.
		"""
		if self.all_names:
			return self.all_names
		name = record.values["relation_name"]
		if record.company and record.company != name:
			return PERSON
		return naming.kind_of(name, record.values) or self.kind_of_others


def is_open(record: Record) -> bool:
	"""Tell whether only the name can show the kind of the record."""
	values = record.values
	return bool(values.get("relation_name")) and not any(
		values.get(name) for name in ("relation_kind", "first_name", "last_name", "uid")
	)


def survey(
	records: Iterable[Record],
	date_fields: Collection[str],
	dates: str = DATES_AS_SHOWN,
	names: str = NAMES_BY_ROW,
) -> Conventions:
	"""Look at all rows, one after the other, and decide once for the file.

	:param dates: the user's choice: DATES_AS_SHOWN, or one of the orders
	:param names: the user's choice: NAMES_BY_ROW, PERSONS or ORGANISATIONS
	"""
	order_of_dates = cells.DateOrder()
	kinds: Counter[str] = Counter()
	for record in records:
		for name in date_fields:
			if text := record.values.get(name):
				order_of_dates.add(text)
		for mark in record.marks:
			order_of_dates.add(mark.text)
		if is_open(record) and not record.company:
			kinds[naming.kind_of(record.values["relation_name"], record.values)] += 1
	found = Conventions(kind_of_others=naming.majority(kinds))
	found.all_names = {PERSONS: PERSON, ORGANISATIONS: ORGANISATION}.get(names, "")
	if dates in (cells.DAY_FIRST, cells.MONTH_FIRST):
		found.date_order = dates
		return found
	order, unclear = order_of_dates.decided()
	if order or unclear:
		found.date_order, found.unclear_dates = order, unclear
	return found

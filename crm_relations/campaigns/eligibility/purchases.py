"""Decide which orders and invoices count as purchases after a moment, such as the enrollment of a member.
Reads only.

A document counts by its own date, not by the time of its entry. An old invoice that is entered late is an
old purchase, and a draft that is posted later is a new one. An amended document counts by its first
version.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

import frappe
from frappe.query_builder import DocType
from frappe.utils import getdate
from pypika.functions import Date
from pypika.queries import QueryBuilder
from pypika.terms import Criterion, Term

#: documents by which a relation buys → the field of their date
DATE_FIELDS = {"Sales Order": "transaction_date", "Sales Invoice": "posting_date"}


class Version(NamedTuple):
	"""The date of a document, and when it was entered."""

	day: date
	creation: datetime

	def is_since(self, moment: datetime) -> bool:
		"""Return whether the document counts as a purchase after `moment`; the same rule as `since`."""
		return self.day > moment.date() or (self.day == moment.date() and self.creation >= moment)


def since(table: Any, doctype: str, moment: Term) -> Criterion:
	"""Return the criterion of documents dated after `moment`. On its day, only documents that were entered
	after it count.
	"""
	day = table[DATE_FIELDS[doctype]]
	return (day > Date(moment)) | ((day == Date(moment)) & (table.creation >= moment))


def earlier_amendments(
	query: QueryBuilder, table: Any, doctype: str, moment: Term, *keys: Term
) -> list[tuple]:
	"""Return (name, *keys) of documents that `since` includes although their first version dates from
	before the moment.

	:param query: joins `table` with the moments; has no columns yet
	"""
	rows = (
		query.select(table.name, moment, *keys)
		.where(since(table, doctype, moment) & (table.docstatus == 1) & table.amended_from.isnotnull())
		.run()
	)
	earlier = amended_from_earlier(doctype, (row[:2] for row in rows))
	return [(row[0], *row[2:]) for row in rows if row[:2] in earlier]


def amended_from_earlier(doctype: str, rows: Iterable[tuple[str, datetime]]) -> set[tuple[str, datetime]]:
	"""Return the rows with a first version from before the moment.

	:param rows: (name of an amended document, moment)
	"""
	rows = set(rows)
	first = first_versions(doctype, {name for name, _moment in rows})
	return {(name, moment) for name, moment in rows if not first[name].is_since(moment)}


def first_versions(doctype: str, names: Iterable[str]) -> dict[str, Version]:
	"""Return document → its first version, along `amended_from`; one query for each amendment in the
	longest chain.
	"""
	table = DocType(doctype)
	found: dict[str, Version] = {}
	at = {name: name for name in names}
	while at:
		rows = (
			frappe.qb.from_(table)
			.select(table.name, table.amended_from, table[DATE_FIELDS[doctype]], table.creation)
			.where(table.name.isin(sorted(set(at.values()))))
			.run()
		)
		known = {
			name: (amended_from, Version(getdate(day), creation))
			for name, amended_from, day, creation in rows
		}
		following = {}
		for name, version in at.items():
			if version not in known:
				continue  # a cancelled version was deleted: the last one read is the first that still exists
			amended_from, found[name] = known[version]
			if amended_from:
				following[name] = amended_from
		at = following
	return found

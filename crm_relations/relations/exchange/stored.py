"""Read stored relations for a page of rows at once. Writes nothing."""

from collections import defaultdict
from collections.abc import Collection
from copy import copy
from typing import Any

import frappe
from frappe.model.document import Document

from crm_relations.shared.in_lists import one_of_many

DOCTYPE = "Relation"


class Stored:
	"""Documents of relations; those that `load` has not read are read one by one."""

	def __init__(self) -> None:
		self._values: dict[str, dict[str, Any]] = {}
		self._kept: dict[str, Document] = {}

	def load(self, names: Collection[str], lock: bool = False) -> None:
		"""Read relations with their child tables: one query per table. Forgets what was read before.

		:param lock: other transactions wait with their changes until the end of this one
		"""
		self._values, self._kept = {}, {}
		if not names:
			return
		names = sorted(names)
		table = frappe.qb.DocType(DOCTYPE)
		query = frappe.qb.from_(table).select("*").where(one_of_many(table.name, names))
		found = (query.for_update() if lock else query).run(as_dict=True)
		rows = {df.fieldname: _children(df, names) for df in frappe.get_meta(DOCTYPE).get_table_fields()}
		for values in found:
			name = values["name"]
			self._values[name] = {
				"doctype": DOCTYPE,
				**values,
				**{field: children.get(name, []) for field, children in rows.items()},
			}

	def document(self, name: str) -> Document:
		"""Return the document, together with its state before the change that is about to be made to it.

		:raises frappe.DoesNotExistError: no such relation
		"""
		if kept := self._kept.pop(name, None):
			self._values[name] = _values_of(kept)
		if name not in self._values:
			return frappe.get_doc(DOCTYPE, name)
		doc = made_of(self._values[name])
		doc._doc_before_save = made_of(self._values[name])
		return doc

	def keep(self, doc: Document) -> None:
		"""Let a document that is not written yet count as stored."""
		self._kept[doc.name] = doc

	def forget(self, name: str) -> None:
		"""Forget a relation that was written by a save, so that it is read again."""
		self._values.pop(name, None)
		self._kept.pop(name, None)


def made_of(values: dict[str, Any]) -> Document:
	"""Return a document with copies of the rows of its child tables."""
	return frappe.get_doc(
		{
			field: [dict(row) for row in value] if isinstance(value, list) else value
			for field, value in values.items()
		}
	)


def copy_of(empty: Document) -> Document:
	"""Return a copy of a document without rows, for many: ten times as fast as building one from its values."""
	doc = copy(empty)
	doc.flags = frappe._dict(empty.flags)
	for df in empty.meta.get_table_fields():
		doc.__dict__[df.fieldname] = []
	return doc


def _values_of(doc: Document) -> dict[str, Any]:
	tables = [df.fieldname for df in doc.meta.get_table_fields()]
	return {
		"doctype": DOCTYPE,
		**doc.get_valid_dict(),
		**{field: [row.get_valid_dict() for row in doc.get(field)] for field in tables},
	}


def _children(df: Any, parents: Collection[str]) -> dict[str, list[dict[str, Any]]]:
	table = frappe.qb.DocType(df.options)
	rows = (
		frappe.qb.from_(table)
		.select("*")
		.where(one_of_many(table.parent, parents) & (table.parenttype == DOCTYPE))
		.where(table.parentfield == df.fieldname)
		.orderby(table.idx)
	).run(as_dict=True)
	result: dict[str, list[dict[str, Any]]] = defaultdict(list)
	for row in rows:
		result[row["parent"]].append({"doctype": df.options, **row})
	return result

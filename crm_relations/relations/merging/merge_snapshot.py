"""Record what a merge changes, and restore it. Decides nothing.

Before and after the merge, every row that names one of the two relations is read: our own doctypes with all
their columns, other doctypes only with the relation they name. The difference of the two readings is the
record. Restoring changes only what is still as the merge left it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe.model.dynamic_links import get_dynamic_links
from frappe.model.rename_doc import get_link_fields

RELATION = "Relation"
MODULE = "CRM Relations"
#: name their document by doctype and name, but are not dynamic links
LOOSE = (("File", "attached_to_doctype", "attached_to_name"), ("Version", "ref_doctype", "docname"))

Rows = dict[str, dict[str, dict[str, Any]]]


@dataclass
class Reading:
	"""All rows that name one of two relations."""

	#: doctype → name → row, of our own doctypes
	rows: Rows = field(default_factory=dict)
	#: (doctype, field, field of the doctype or "") → name of the row → the relation that it names
	pointers: dict[tuple[str, str, str], dict[str, str]] = field(default_factory=dict)


def read(one: str, other: str) -> Reading:
	"""Read every row on the site that names one of the two."""
	reading, both = Reading(), (one, other)
	_add_rows(reading, RELATION, "name", both)
	for child in frappe.get_meta(RELATION).get_table_fields():
		_add_rows(reading, child.options, "parent", both)
	for doctype, fieldname, type_field in _pointing():
		if not type_field and frappe.get_meta(doctype).module == MODULE:
			_add_rows(reading, doctype, fieldname, both)
			continue
		table = frappe.qb.DocType(doctype)
		query = frappe.qb.from_(table).select(table.name, table[fieldname]).where(table[fieldname].isin(both))
		if type_field:
			query = query.where(table[type_field] == RELATION)
		if found := dict(query.run()):
			reading.pointers[(doctype, fieldname, type_field)] = {str(k): v for k, v in found.items()}
	return reading


def counts(relation: str) -> dict[str, int]:
	"""Return doctype → how many rows name the relation; its own rows and its children are counted separately."""
	result: dict[str, int] = {}
	for doctype, fieldname, type_field in _pointing():
		filters = {fieldname: relation}
		if type_field:
			filters[type_field] = RELATION
		if number := frappe.db.count(doctype, filters):
			result[doctype] = result.get(doctype, 0) + number
	return result


def _pointing() -> Iterator[tuple[str, str, str]]:
	"""Yield (doctype, field, field that names the doctype) of every stored field that can name a relation."""
	for docfield in get_link_fields(RELATION):
		if not docfield["issingle"] and _is_stored(docfield["parent"], docfield["fieldname"]):
			yield docfield["parent"], docfield["fieldname"], ""
	for docfield in get_dynamic_links():
		if _is_stored(docfield.parent, docfield.fieldname):
			yield docfield.parent, docfield.fieldname, docfield.options
	yield from ((doctype, name_field, type_field) for doctype, type_field, name_field in LOOSE)


def _is_stored(doctype: str, fieldname: str) -> bool:
	meta = frappe.get_meta(doctype)
	if meta.issingle or meta.is_virtual or not frappe.db.table_exists(doctype):
		return False
	return frappe.db.has_column(doctype, fieldname)


def _add_rows(reading: Reading, doctype: str, column: str, names: tuple[str, str]) -> None:
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.from_(table).select(table.star).where(table[column].isin(names))
	if column == "parent":
		query = query.where(table.parenttype == RELATION)
	kept = reading.rows.setdefault(doctype, {})
	for row in query.run(as_dict=True):
		kept[str(row["name"])] = {key: _plain(value) for key, value in row.items()}


def _plain(value: Any) -> Any:
	"""Return values that can be stored in JSON and compared with stored ones."""
	return value if value is None or isinstance(value, int | float | str) else str(value)


# ── the record ─────────────────────────────────────────────────────────────────────────────────


def difference(before: Reading, after: Reading) -> dict[str, Any]:
	"""Return what happened between the two readings, as plain data.

	:return: `deleted` {doctype: [row]}, `created` {doctype: [name]}, `changed` {doctype: {name: {column:
		[before, after]}}}, `moved` [[doctype, field, type field, {name: [before, after]}]]
	"""
	deleted, created, changed = {}, {}, {}
	for doctype in sorted({*before.rows, *after.rows}):
		old, new = before.rows.get(doctype, {}), after.rows.get(doctype, {})
		if rows := [old[name] for name in sorted(old.keys() - new.keys())]:
			deleted[doctype] = rows
		if names := sorted(new.keys() - old.keys()):
			created[doctype] = names
		differing = {
			name: {c: [old[name][c], new[name][c]] for c in old[name] if old[name][c] != new[name].get(c)}
			for name in sorted(old.keys() & new.keys())
		}
		if differing := {name: columns for name, columns in differing.items() if columns}:
			changed[doctype] = differing
	moved = []
	for key in sorted({*before.pointers, *after.pointers}):
		old, new = before.pointers.get(key, {}), after.pointers.get(key, {})
		if names := sorted(new.keys() - old.keys()):
			created[key[0]] = sorted({*created.get(key[0], []), *names})
		if pointers := {n: [old[n], new[n]] for n in sorted(old.keys() & new.keys()) if old[n] != new[n]}:
			moved.append([*key, pointers])
	return {"deleted": deleted, "created": created, "changed": changed, "moved": moved}


def restore(record: dict[str, Any]) -> list[str]:
	"""Restore the recorded state. Values that a user changed after the merge stay.

	:return: one line for each value that was left
	"""
	left: list[str] = []
	for doctype, names in record["created"].items():
		frappe.db.delete(doctype, {"name": ["in", names]})
	for doctype, rows in record["changed"].items():
		for name, columns in rows.items():
			left += _restore_columns(doctype, name, columns)
	for doctype, rows in record["deleted"].items():
		for row in rows:
			left += _insert_again(doctype, row)
	for doctype, fieldname, type_field, pointers in record["moved"]:
		_move_back(doctype, fieldname, type_field, pointers)
	return left


def _restore_columns(doctype: str, name: str, columns: dict[str, list]) -> list[str]:
	table = frappe.qb.DocType(doctype)
	stored = (
		frappe.qb.from_(table).select(*[table[column] for column in columns]).where(table.name == name)
	).run(as_dict=True)
	if not stored:
		return [f"{doctype} {name}"]
	back, left = {}, []
	for column, (before, after) in columns.items():
		if _plain(stored[0][column]) == after or column in ("modified", "modified_by", "idx"):
			back[column] = before
		elif _plain(stored[0][column]) != before:
			left.append(f"{doctype} {name}: {column}")
	if left:
		back = {c: value for c, value in back.items() if c not in ("modified", "modified_by")}
	if back:
		query = frappe.qb.update(table).where(table.name == name)
		for column, value in back.items():
			query = query.set(table[column], value)
		query.run()
	return left


def _insert_again(doctype: str, row: dict[str, Any]) -> list[str]:
	columns = [column for column in row if frappe.db.has_column(doctype, column)]
	frappe.db.savepoint("relation_take_back")
	try:
		frappe.db.bulk_insert(doctype, columns, [[row[column] for column in columns]])
	except Exception as error:
		if not frappe.db.is_duplicate_entry(error):
			raise
		frappe.db.rollback(save_point="relation_take_back")
		return [f"{doctype} {row['name']}"]
	return []


def _move_back(doctype: str, fieldname: str, type_field: str, pointers: dict[str, list[str]]) -> None:
	table = frappe.qb.DocType(doctype)
	by_way: dict[tuple[str, str], list[str]] = {}
	for name, (before, after) in pointers.items():
		by_way.setdefault((before, after), []).append(name)
	for (before, after), names in by_way.items():
		query = (
			frappe.qb.update(table)
			.set(table[fieldname], before)
			.where(table.name.isin(names) & (table[fieldname] == after))
		)
		if type_field:
			query = query.where(table[type_field] == RELATION)
		query.run()


def dumps(record: dict[str, Any]) -> str:
	"""Return the stored JSON; no form shows these external values as HTML."""
	return json.dumps(record, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def loads(text: str) -> dict[str, Any]:
	return json.loads(text)

"""Protect the fields that only our code writes: what is read-only in a doctype's JSON is read-only on the
server too.

Frappe enforces `read_only` and `in_create` in the form only. Over REST, in imports and in scripts, any user
with write permission could set such fields. `shared.documents.RelationDocument` calls `guard` before a
document is inserted or saved, so that the check sees exactly what the caller sent. Our own engines mark a
document with `trusted` before they save it.

The rules come from the JSON files and not from Frappe's meta: customizing a form neither lifts nor adds a
protection.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import frappe
from frappe import _
from frappe.model import display_fieldtypes, table_fields
from frappe.model.document import Document
from frappe.utils import cast, cint, cstr, flt, get_datetime, getdate

from crm_relations.shared.refusals import refuse

FOLDER = Path(__file__).resolve().parents[2] / "crm_relations" / "doctype"
#: Frappe itself writes documents while these are set, for example from fixtures
BY_FRAPPE = ("in_install", "in_migrate", "in_patch", "in_fixtures", "in_uninstall")

AnyDocument = TypeVar("AnyDocument", bound=Document)
#: Values by (table field or "", row name or "", fieldname); whole tables as a tuple of rows
Values = dict[tuple[str, str, str], Any]


@dataclass(frozen=True)
class Protection:
	"""The parts of a doctype that only our code writes.

	:ivar fields: fieldname → fieldtype
	:ivar tables: read-only table → fieldname → fieldtype of its rows
	:ivar columns: writable table → read-only fieldname → fieldtype
	:ivar labels: (table or "", fieldname) → label in English
	:ivar by_code: only our code creates documents of the doctype (`in_create`)
	"""

	fields: Mapping[str, str]
	tables: Mapping[str, Mapping[str, str]]
	columns: Mapping[str, Mapping[str, str]]
	labels: Mapping[tuple[str, str], str]
	by_code: bool
	is_row: bool


def trusted(doc: AnyDocument) -> AnyDocument:
	"""Mark a document as written by our code, and return it. Never mark values from a request that were not
	checked.
	"""
	doc.flags.written_by_code = True
	return doc


@cache
def protection(doctype: str) -> Protection:
	"""Return the system-managed fields of one of our doctypes, read from its JSON file."""
	folder = frappe.scrub(doctype)
	meta = json.loads((FOLDER / folder / f"{folder}.json").read_text(encoding="utf-8"))
	fields, tables, columns, labels = {}, {}, {}, {}
	for field in meta["fields"]:
		fieldname, fieldtype = field["fieldname"], field["fieldtype"]
		if fieldtype in display_fieldtypes or field.get("is_virtual"):
			continue
		labels["", fieldname] = field.get("label") or fieldname
		if fieldtype not in table_fields:
			if field.get("read_only"):
				fields[fieldname] = fieldtype
			continue
		rows = protection(field["options"])
		labels.update({(fieldname, name): label for (_table, name), label in rows.labels.items()})
		if field.get("read_only"):
			tables[fieldname] = _types_of(field["options"])
		elif rows.fields:
			columns[fieldname] = rows.fields
	return Protection(fields, tables, columns, labels, bool(meta.get("in_create")), bool(meta.get("istable")))


def _types_of(doctype: str) -> dict[str, str]:
	folder = frappe.scrub(doctype)
	meta = json.loads((FOLDER / folder / f"{folder}.json").read_text(encoding="utf-8"))
	return {
		field["fieldname"]: field["fieldtype"]
		for field in meta["fields"]
		if field["fieldtype"] not in display_fieldtypes
	}


def remember(doc: Document) -> None:
	"""Keep what the system-managed fields held when the document was read: unchanged values are not a change."""
	doc.flags.system_values_read = _values(doc, protection(doc.doctype))


def guard(doc: Document) -> None:
	"""Refuse changes of the caller to system-managed fields; restore values that are only out of date.

	Three kinds of values are restored without a message: those of a form, which shows the fields read-only;
	those that the caller has read and not changed while our code wrote newer ones; and those that a whole
	document from outside leaves out.

	:raises frappe.PermissionError: a document, or a row by itself, that only our code creates
	:raises frappe.CannotChangeConstantError: names the field
	"""
	if _by_code(doc):
		return
	guard_row(doc)
	protected = protection(doc.doctype)
	stored = doc.get_doc_before_save()
	if stored is None and protected.by_code and not doc.meta.issingle:
		refuse(
			_("{0} is created by the system and cannot be entered by hand."),
			_(doc.doctype),
			exception=frappe.PermissionError,
		)
	sent = _values(doc, protected)
	if stored is None:
		_guard_new(doc, protected, sent)
		return
	held, known = _values(stored, protected), doc.flags.system_values_read
	stale = []
	for key, value in sent.items():  # rows that were removed from a writable table need no check
		before = held.get(key)
		if _same(protected, key, value, before):
			continue
		unchanged = known is not None and _same(protected, key, value, known.get(key))
		left_out = known is None and not value
		if not (unchanged or left_out or _from_form(doc)):
			_refuse(doc, protected, key)
		stale.append(key)
	if stale:
		_restore(doc, stored, protected)


def guard_row(doc: Document) -> None:
	"""Refuse to save or delete a child row without its document, which would skip the document's checks.

	:raises frappe.PermissionError: the document is a row
	"""
	if protection(doc.doctype).is_row and not _by_code(doc):
		refuse(
			_("A row of {0} is saved with its document. Change it there."),
			_(doc.doctype),
			exception=frappe.PermissionError,
		)


def _by_code(doc: Document) -> bool:
	return bool(doc.flags.written_by_code or any(frappe.flags.get(flag) for flag in BY_FRAPPE))


def _guard_new(doc: Document, protected: Protection, sent: Values) -> None:
	"""Give a new document the defaults of its system-managed fields, whatever the user's own defaults are."""
	template = frappe.new_doc(doc.doctype, as_dict=True)
	for key, value in sent.items():
		table, _row, fieldname = key
		default = None if table else template.get(fieldname)
		if value and not _from_form(doc) and not _same(protected, key, value, default):
			_refuse(doc, protected, key)
	_reset(doc, protected.fields)
	for table in protected.tables:
		doc.set(table, [])
	for table, columns in protected.columns.items():
		for row in doc.get(table) or ():
			_reset(row, columns)


def _reset(doc: Document, fields: Mapping[str, str]) -> None:
	for fieldname, fieldtype in fields.items():
		default = doc.meta.get_field(fieldname).default
		if not _same_value(fieldtype, doc.get(fieldname), default):
			doc.set(fieldname, cast(fieldtype, default) if default else None)


def _restore(doc: Document, stored: Document, protected: Protection) -> None:
	for fieldname in protected.fields:
		doc.set(fieldname, stored.get(fieldname))
	for table in protected.tables:
		doc.set(table, [row.as_dict() for row in stored.get(table) or ()])
	for table, columns in protected.columns.items():
		before = {row.name: row for row in stored.get(table) or ()}
		for row in doc.get(table) or ():
			source = before.get(row.name)
			row.update({fieldname: source and source.get(fieldname) for fieldname in columns})


def _values(doc: Document, protected: Protection) -> Values:
	values: Values = {("", "", fieldname): doc.get(fieldname) for fieldname in protected.fields}
	for table, columns in protected.tables.items():
		rows = doc.get(table) or ()
		values["", "", table] = tuple((row.name, *(row.get(name) for name in columns)) for row in rows)
	for table, columns in protected.columns.items():
		for number, row in enumerate(doc.get(table) or ()):
			# a row is new without a name, and also with the temporary name of a form
			values.update(
				{(table, row.name or f"#{number}", fieldname): row.get(fieldname) for fieldname in columns}
			)
	return values


def _same(protected: Protection, key: tuple[str, str, str], one: Any, other: Any) -> bool:
	table, _row, fieldname = key
	if fieldname in protected.tables and not table:
		types = ("Data", *protected.tables[fieldname].values())
		return len(one or ()) == len(other or ()) and all(
			_same_value(fieldtype, left, right)
			for row, before in zip(one or (), other or (), strict=True)
			for fieldtype, left, right in zip(types, row, before, strict=True)
		)
	fieldtype = protected.columns[table][fieldname] if table else protected.fields[fieldname]
	return _same_value(fieldtype, one, other)


def _same_value(fieldtype: str, one: Any, other: Any) -> bool:
	"""Tell whether two values are the same once stored. Requests send text for dates and numbers."""
	if fieldtype in ("Int", "Check"):
		return cint(one) == cint(other)
	if fieldtype in ("Float", "Currency", "Percent"):
		return abs(flt(one) - flt(other)) < 1e-6
	if not one or not other:
		return not one and not other
	try:
		if fieldtype == "Date":
			return getdate(one) == getdate(other)
		if fieldtype == "Datetime":
			return get_datetime(one) == get_datetime(other)
	except (ValueError, frappe.ValidationError):
		return False
	if not isinstance(one, str) or not isinstance(other, str):
		return frappe.as_json(one) == frappe.as_json(other)
	return cstr(one) == cstr(other)


def _from_form(doc: Document) -> bool:
	"""Tell whether a form of the desk sent the document. The marks can be forged, but that gains nothing: the
	values are restored.
	"""
	return bool(doc.get("__last_sync_on") or doc.get("localname"))


def _refuse(doc: Document, protected: Protection, key: tuple[str, str, str]) -> None:
	table, _row, fieldname = key
	refuse(
		_("{0}: this field of {1} is set by the system and cannot be changed. Leave it out."),
		_(protected.labels[table, fieldname]),
		_(doc.doctype),
		exception=frappe.CannotChangeConstantError,
	)

"""Manage the attributes of a profile: the app's own and those that an administrator defines.

Writes the Custom Fields of Relation for attributes, and the property setters that hide a standard attribute
or make it confidential. Custom Fields are used instead of a table of values. So the form, list filters,
reports, Data Import, permlevels and segments treat a custom attribute like any other field, and a list of a
million relations filters by an indexed column. Frappe deletes the field with the app.
"""

import re
from dataclasses import dataclass

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint, cstr

from crm_relations.relations.rules import ORGANISATION, PERSON
from crm_relations.shared.refusals import refuse

MODULE = "CRM Relations"
DOCTYPE = "Relation Profile Attribute"
OPTIONS = "Relation Profile Option"
#: with a prefix, keys never conflict with a field of a later version
PREFIX = "profile_"
BOTH = "Both"
#: fields with this permlevel are for the role `Relation Confidential`
CONFIDENTIAL = 1

FIELDTYPES = {"Option": "Link", "Text": "Data", "Number": "Float", "Date": "Date", "Yes/No": "Check"}
#: where custom attributes begin on the form
PLACES = {PERSON: "risk_attitude", ORGANISATION: "revenue_currency", BOTH: "buying_behaviour"}
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
CACHE_KEY = "relation_profile_attributes"


@dataclass(frozen=True)
class Attribute:
	"""A row of `Relation Profile Attribute`."""

	name: str
	label: str
	fieldname: str
	applies_to: str
	value_type: str
	confidential: int
	disabled: int
	is_standard: int


def attributes() -> list[Attribute]:
	"""Return all attributes in order; cached."""
	rows = frappe.cache.get_value(CACHE_KEY)
	if rows is None:
		rows = frappe.get_all(
			DOCTYPE,
			fields=list(Attribute.__dataclass_fields__),
			order_by="is_standard desc, sort_order asc, creation asc",
		)
		frappe.cache.set_value(CACHE_KEY, rows)
	known = getattr(frappe.local, CACHE_KEY, None)
	if not known or known[0] is not rows:
		known = (rows, [Attribute(**row) for row in rows])
		setattr(frappe.local, CACHE_KEY, known)
	return known[1]


def option_fields() -> dict[str, str]:
	"""Return field of Relation → attribute with its options."""
	return {a.fieldname: a.name for a in attributes() if a.value_type == "Option"}


def kinds() -> dict[str, str]:
	"""Return field of Relation → the one kind of relation that has it; fields of both kinds are left out."""
	return {a.fieldname: a.applies_to for a in attributes() if a.applies_to != BOTH}


def confidential_fields() -> set[str]:
	"""Return fields of Relation that only the role for confidential data may read."""
	return {df.fieldname for df in frappe.get_meta("Relation").fields if cint(df.permlevel) > 0}


def unreadable_fields() -> set[str]:
	"""Return fields of Relation that the session's user may not read."""
	meta = frappe.get_meta("Relation")
	levels = meta.get_permlevel_access("read")
	if frappe.session.user == "Administrator":
		return set()
	return {df.fieldname for df in meta.fields if cint(df.permlevel) and cint(df.permlevel) not in levels}


# ── checks of a Relation Profile Attribute ─────────────────────────────────────────────────────


def make_key(doc: Document) -> None:
	"""Set the field's name: given or made from the label, always with our prefix.

	:raises frappe.ValidationError: names the key and what it may consist of
	"""
	if doc.is_standard or not doc.is_new():
		return
	written = cstr(doc.fieldname or doc.label).strip().casefold().translate(UMLAUTS)
	key = re.sub(r"[^a-z0-9]+", "_", written).strip("_").removeprefix(PREFIX)[:50]
	if not key or not key[0].isalpha():
		refuse(
			_("Key: {0} is not a valid field name. Begin with a letter from a to z."),
			doc.fieldname or doc.label or "",
		)
	doc.fieldname = PREFIX + key
	if frappe.db.exists(DOCTYPE, {"fieldname": doc.fieldname}):
		refuse(_("Key: {0} is taken by another attribute. Choose another one."), doc.fieldname)


def check_kept(doc: Document) -> None:
	"""Refuse to change kind and type of a standard attribute."""
	if doc.is_new():
		return
	for field in ("applies_to", "is_standard"):
		if doc.has_value_changed(field) and (doc.is_standard or field == "is_standard"):
			refuse(
				_("{0} of a standard attribute cannot be changed. Disable it and define one of your own."),
				_(doc.meta.get_label(field)),
			)


def check_deletable(doc: Document) -> None:
	"""Refuse to delete a standard attribute, or one with values: both can only be disabled."""
	if doc.is_standard:
		refuse(_("{0} is a standard attribute. Disable it instead of deleting it."), _(doc.label))
	if not frappe.db.has_column("Relation", doc.fieldname):
		return
	table = frappe.qb.DocType("Relation")
	column = table[doc.fieldname]
	filled = (
		column.isnotnull() if doc.value_type == "Date" else (column.isnotnull() & (column != _empty(doc)))
	)
	if frappe.qb.from_(table).select(table.name).where(filled).limit(1).run():
		refuse(
			_("{0}: relations have a value of it. Disable the attribute, or empty the field first."),
			doc.label,
		)


def _empty(doc: Document) -> str | int:
	return 0 if doc.value_type in ("Number", "Yes/No") else ""


# ── fields ─────────────────────────────────────────────────────────────────────────────────────


def apply(doc: Document) -> None:
	"""Update the field of Relation by its attribute. Adds a column for a new one, which commits."""
	frappe.cache.delete_value(CACHE_KEY)
	if doc.is_standard:
		_set_property(doc.fieldname, "hidden", cint(doc.disabled))
		_set_property(doc.fieldname, "permlevel", CONFIDENTIAL if doc.confidential else 0)
	else:
		_write_field(doc)
		_put_in_order(doc.applies_to)
	frappe.clear_cache(doctype="Relation")


def remove(doc: Document) -> None:
	"""Delete the options and the field of a deleted attribute."""
	frappe.db.delete(OPTIONS, {"attribute": doc.name})
	if name := frappe.db.exists("Custom Field", {"dt": "Relation", "fieldname": doc.fieldname}):
		frappe.delete_doc("Custom Field", name, ignore_permissions=True, force=True)
	frappe.cache.delete_value(CACHE_KEY)
	frappe.clear_cache(doctype="Relation")


def _write_field(doc: Document) -> None:
	is_option = doc.value_type == "Option"
	values = {
		"label": doc.label,
		"fieldtype": FIELDTYPES[doc.value_type],
		"options": OPTIONS if is_option else None,
		"link_filters": frappe.as_json([[OPTIONS, "attribute", "=", doc.name]], indent=None)
		if is_option
		else None,
		"description": doc.description,
		"depends_on": f"eval:doc.relation_kind=='{doc.applies_to}'" if doc.applies_to != BOTH else None,
		"permlevel": CONFIDENTIAL if doc.confidential else 0,
		"hidden": cint(doc.disabled),
		"in_standard_filter": cint(doc.in_list_filter and doc.value_type != "Text"),
		"search_index": cint(doc.value_type in ("Option", "Date")),
		"module": MODULE,
	}
	key = {"dt": "Relation", "fieldname": doc.fieldname}
	if name := frappe.db.exists("Custom Field", key):
		field = frappe.get_doc("Custom Field", name)
	else:
		field = frappe.get_doc({"doctype": "Custom Field", **key, "insert_after": PLACES[doc.applies_to]})
	if all(cstr(field.get(name)) == cstr(value) for name, value in values.items()) and not field.is_new():
		return
	field.update(values)
	field.save(ignore_permissions=True)


def _put_in_order(applies_to: str) -> None:
	"""Order custom attributes of the same kind by their sort order."""
	after = PLACES[applies_to]
	for attribute in attributes():
		if attribute.is_standard or attribute.applies_to != applies_to:
			continue
		name = f"Relation-{attribute.fieldname}"
		if frappe.db.get_value("Custom Field", name, "insert_after") != after:
			frappe.db.set_value("Custom Field", name, "insert_after", after)
		after = attribute.fieldname


def _set_property(fieldname: str, prop: str, value: int) -> None:
	"""Create a property setter if the value differs from the app's own; delete it otherwise."""
	key = {"doc_type": "Relation", "field_name": fieldname, "property": prop}
	shipped = cint(frappe.db.get_value("DocField", {"parent": "Relation", "fieldname": fieldname}, prop))
	name = frappe.db.exists("Property Setter", key)
	if value == shipped:
		if name:
			frappe.delete_doc("Property Setter", name, ignore_permissions=True, force=True)
		return
	if name:
		frappe.db.set_value("Property Setter", name, "value", str(value))
		return
	frappe.get_doc(
		{
			"doctype": "Property Setter",
			"doctype_or_field": "DocField",
			"property_type": "Int" if prop == "permlevel" else "Check",
			"value": str(value),
			"module": MODULE,
			**key,
		}
	).insert(ignore_permissions=True)

"""Add custom fields of the site to the catalogue: those of Relation and of party documents. Writes nothing.

Packages to the right and other apps add further party doctypes with `of_party` in the hook
`relation_segment_fields`.
"""

from typing import Any

import frappe
from frappe import _, _lt
from frappe.utils import cint

from crm_relations.relations.profiles.attributes import MODULE, PREFIX
from crm_relations.segments.fields.sources import Cell, Column, Field, OneOfRows, rows_of_party

#: fieldtype → type of the field; rules cannot ask for other fieldtypes
TYPES = {
	"Link": "option",
	"Select": "option",
	"Autocomplete": "option",
	"Data": "text",
	"Phone": "text",
	"Small Text": "text",
	"Text": "text",
	"Int": "integer",
	"Float": "amount",
	"Currency": "amount",
	"Percent": "amount",
	"Date": "date",
	"Datetime": "date",
	"Check": "check",
}
#: these columns cannot be NULL: 0 stands for "not known"
NUMBERS = ("integer", "amount")


def of_relation() -> tuple[Field, ...]:
	"""Return custom fields of Relation that are not profile attributes."""
	return tuple(
		_field(df, df.fieldname, _lt("Custom Fields"), Column(df.fieldname, *_flags(df)))
		for df in _custom_fields("Relation")
		if not df.fieldname.startswith(PREFIX)
	)


def of_party(doctype: str) -> tuple[Field, ...]:
	"""Return custom fields of a party doctype; a condition holds if it does for one party document of the
	relation.
	"""
	group = _("Custom Fields of {0}").format(_(doctype))
	return tuple(
		_field(
			df,
			f"{frappe.scrub(doctype)}.{df.fieldname}",
			group,
			OneOfRows(rows_of_party(doctype), _cell(doctype, df), ranks=_type(df) in (*NUMBERS, "date")),
			needs=doctype,
		)
		for df in _custom_fields(doctype)
	)


def _custom_fields(doctype: str) -> list[Any]:
	return [
		df
		for df in frappe.get_meta(doctype).get("fields", {"is_custom_field": 1})
		if df.fieldtype in TYPES
		and not cint(df.get("is_virtual"))
		and df.get("module") != MODULE
		# an uninstalled app may have left a link to one of its doctypes
		and (df.fieldtype != "Link" or frappe.db.exists("DocType", df.options, cache=True))
	]


def _cell(doctype: str, df: Any) -> Cell:
	zero_is_empty, is_datetime = _flags(df)
	return Cell(doctype, df.fieldname, zero_is_empty=zero_is_empty, is_datetime=is_datetime)


def _flags(df: Any) -> tuple[bool, bool]:
	return _type(df) in NUMBERS, df.fieldtype == "Datetime"


def _type(df: Any) -> str:
	if df.fieldtype == "Link" and df.options and frappe.get_meta(df.options).is_nested_set():
		return "tree"
	return TYPES[df.fieldtype]


def _field(df: Any, key: str, group: Any, source: Any, needs: str | None = None) -> Field:
	choices = tuple(filter(None, (df.options or "").split("\n"))) if df.fieldtype == "Select" else ()
	return Field(
		key,
		_lt(df.label or df.fieldname),
		group,
		_type(df),
		source,
		doctype=df.options if df.fieldtype == "Link" else None,
		choices=tuple(choice.strip() for choice in choices if choice.strip()),
		can_be_empty=df.fieldtype != "Check",
		needs=needs,
	)

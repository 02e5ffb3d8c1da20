"""Check what a request for a list asks for: fields of the linked relation, and filters on hidden fields.
Writes nothing.

Frappe joins the fields of a linked document with a check of the doctype only, and version 15 does not check
the fields that a list is filtered or sorted by. `permission_query_conditions` is the one place that every
list passes, so the request is read there.
"""

import re
from typing import Any

import frappe
from frappe import _

from crm_relations.shared.refusals import refuse

#: arguments of a request that select, sort, group or add up rows
SELECTING = (
	"filters",
	"or_filters",
	"current_filters",
	"order_by",
	"sort_field",
	"searchfield",
	"group_by",
	"field",
	"stats",
	"chart",
)
RELATION = "Relation"
_COLUMN = re.compile(r"[\w\s.`]+")
_LINKED = re.compile(r"\brelation\.\w|\btabRelation\b|tabRelation_\d")


def asks_linked_relation() -> bool:
	"""Tell whether any argument of the request names a field of the relation that a row links to."""
	return any(_LINKED.search(str(value)) for value in _arguments().values())


def check_filters(doctype: str) -> None:
	"""Refuse a list that is filtered, sorted or grouped by a field that the session's user may not read.

	:raises frappe.PermissionError: names the field
	"""
	arguments = _arguments()
	asked = [arguments[key] for key in SELECTING if arguments.get(key)]
	check_fields(doctype, [*asked, *_expressions(arguments.get("fields"))])


def check_fields(doctype: str, asked: list[Any]) -> None:
	"""Refuse texts or lists that name a field of the doctype, or of its relation, that the session's user may not read.

	:raises frappe.PermissionError: names the field
	"""
	text = " ".join(str(part) for part in asked if part)
	for one in (doctype, RELATION) if text else ():
		if named := sorted(_hidden(one).intersection(re.findall(r"\w+", text))):
			refuse(
				_("You may not read {0}, so a list cannot be filtered or sorted by it."),
				_(frappe.get_meta(one).get_label(named[0])),
				exception=frappe.PermissionError,
			)


def _expressions(fields: Any) -> list[str]:
	"""Return the expressions among the fields of a request; Frappe checks only the first field in each."""
	if isinstance(fields, str):
		try:
			fields = frappe.parse_json(fields)
		except ValueError:
			fields = [fields]
	found = fields if isinstance(fields, list | tuple) else [fields]
	return [str(one) for one in found if one and not _COLUMN.fullmatch(str(one))]


def _arguments() -> dict:
	return getattr(frappe.local, "form_dict", None) or {}


def _hidden(doctype: str) -> set[str]:
	meta = frappe.get_meta(doctype)
	levels = {0, *map(int, meta.get_permlevel_access("read"))}
	return {field.fieldname for field in meta.fields if int(field.permlevel or 0) not in levels}

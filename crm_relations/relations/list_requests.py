"""What a request for a list asks for beside its rows: fields of the linked relation, and filters on hidden fields.

Frappe joins the fields of a linked document with a check of the doctype only, and version 15 does not check by field what
a list is filtered or sorted by. `permission_query_conditions` is the one place that every list passes, so the
request is read there.
"""

import re

import frappe
from frappe import _

from crm_relations.shared.refusals import refuse

#: arguments of a request that select, sort or group rows
SELECTING = ("filters", "or_filters", "order_by", "group_by", "chart")
_LINKED = re.compile(r"\brelation\.\w|\btabRelation\b|tabRelation_\d")


def asks_linked_relation() -> bool:
	"""Tell whether any argument of the request names a field of the relation that a row links to."""
	return any(_LINKED.search(str(value)) for value in _arguments().values())


def check_filters(doctype: str) -> None:
	"""Refuse a list that is filtered, sorted or grouped by a field that the session's user may not read.

	:raises frappe.PermissionError: names the field
	"""
	hidden = _hidden(doctype)
	if not hidden:
		return
	arguments = _arguments()
	asked = " ".join(str(arguments[key]) for key in SELECTING if arguments.get(key))
	if named := sorted(hidden.intersection(re.findall(r"\w+", asked))):
		refuse(
			_("You may not read {0}, so a list cannot be filtered or sorted by it."),
			_(frappe.get_meta(doctype).get_label(named[0])),
			exception=frappe.PermissionError,
		)


def _arguments() -> dict:
	return getattr(frappe.local, "form_dict", None) or {}


def _hidden(doctype: str) -> set[str]:
	meta = frappe.get_meta(doctype)
	levels = {0, *map(int, meta.get_permlevel_access("read"))}
	return {field.fieldname for field in meta.fields if int(field.permlevel or 0) not in levels}

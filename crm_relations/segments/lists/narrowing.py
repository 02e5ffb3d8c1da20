"""Narrow lists to the members of a segment: relations, their party documents, and their sales documents.

A list sends its filters with every request (rows, count, export), and nothing else with all of them. So the
segment travels as a filter that holds for every row, `name != "segment:<name>"`. It is read here, where
Frappe asks for further conditions. Such a condition is joined by AND: it can only remove rows. (The one
exception is Frappe's: documents shared with an otherwise restricted user are joined by OR. Such a user sees
shared documents in the list in any case.) Writes nothing.
"""

import json
from typing import Any

import frappe
from frappe import _

from crm_relations.shared.refusals import refuse

MARK = "segment:"
RELATION = "Relation"
#: doctype → column of the customer
SALES = {"Sales Invoice": "customer", "Sales Order": "customer", "Delivery Note": "customer"}


def condition(user: str | None = None, doctype: str | None = None) -> str:
	"""Return SQL that narrows the list to a segment, empty without one; for `permission_query_conditions`.

	:raises frappe.PermissionError: the user may not read the segment
	"""
	segment = doctype and asked_for(doctype)
	if not segment:
		return ""
	_check_readable(segment, user or frappe.session.user)
	segment = frappe.db.escape(segment, percent=False)
	members = (
		"select relation from `tabRelation Segment Member`"
		f" where segment = {segment} and left_on is null and relation is not null"
	)
	if doctype == RELATION:
		return f"`tabRelation`.name in ({members})"
	party_type = frappe.db.escape("Customer" if doctype in SALES else doctype)
	parties = (
		"select party from `tabRelation Party`"
		f" where parenttype = 'Relation' and party_type = {party_type} and parent in ({members})"
	)
	return f"`tab{doctype}`.`{SALES.get(doctype, 'name')}` in ({parties})"


def asked_for(doctype: str) -> str | None:
	"""Return the segment to which the request's list of this doctype is to be narrowed."""
	for name, operator, value in _filters(doctype):
		if name == "name" and operator == "!=" and isinstance(value, str) and value.startswith(MARK):
			return value[len(MARK) :]
	return None


def _filters(doctype: str) -> list[tuple[Any, Any, Any]]:
	"""Return the filters of the request, or of the export that runs as a job, if they belong to this doctype."""
	form = getattr(frappe.local, "form_dict", None) or {}
	job = getattr(frappe.local, "job", None) or {}
	sent = form.get("filters") or ((job.get("kwargs") or {}).get("form_params") or {}).get("filters")
	if isinstance(sent, str):
		if MARK not in sent:
			return []
		try:
			sent = json.loads(sent)
		except ValueError:
			return []  # not a list's filters: an argument of another call has the same name
	if isinstance(sent, dict):
		sent = [
			[name, *value] if isinstance(value, list) else [name, "=", value] for name, value in sent.items()
		]
	found = []
	for one in sent if isinstance(sent, list) else []:
		if not isinstance(one, list | tuple) or len(one) not in (3, 4, 5):
			continue
		if len(one) == 3:
			found.append(tuple(one))
		elif one[0] == doctype:
			found.append(tuple(one[1:4]))
	return found


def _check_readable(segment: str, user: str) -> None:
	if not frappe.db.exists("Relation Segment", segment) or not frappe.has_permission(
		"Relation Segment", "read", doc=segment, user=user
	):
		refuse(_("No segment {0} that you may read."), segment, exception=frappe.PermissionError)

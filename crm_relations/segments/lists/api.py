"""Serve the desk's calls that make segments of list rows. Rows, invoices and relations need the user's
permissions.
"""

from typing import Any

import frappe
from frappe import _

from crm_relations.segments.lists import collecting
from crm_relations.segments.members import membership


@frappe.whitelist(methods=["GET", "POST"])
def count_relations(
	doctype: str, names: str | list | None = None, filters: str | list | dict | None = None
) -> dict[str, int]:
	"""Return `{"rows", "relations"}`: rows of the list, and the relations behind them that the user may read."""
	frappe.has_permission("Relation", "read", throw=True)
	return collecting.count(doctype, _names(names), _filters(filters))


@frappe.whitelist(methods=["POST"])
def make_segment(
	segment_name: str,
	doctype: str,
	names: str | list | None = None,
	filters: str | list | dict | None = None,
) -> dict[str, Any]:
	"""Create a manual segment of the relations behind a list's rows; return `{"segment", "entered"}`."""
	frappe.has_permission("Relation Segment", "create", throw=True)
	relations = collecting.relations_of(doctype, collecting.rows(doctype, _names(names), _filters(filters)))
	segment = frappe.get_doc(
		{
			"doctype": "Relation Segment",
			"segment_name": segment_name,
			"kind": "Manual",
			"description": _("Created from the list {0}").format(_(doctype)),
		}
	).insert()
	return {"segment": segment.name, "entered": membership.add_found(segment.name, relations).entered}


@frappe.whitelist(methods=["POST"])
def add_to_segment(
	segment: str,
	doctype: str,
	names: str | list | None = None,
	filters: str | list | dict | None = None,
) -> dict[str, Any]:
	"""Add the relations behind a list's rows to a manual segment; return `{"segment", "entered"}`."""
	frappe.has_permission("Relation Segment", "write", doc=segment, throw=True)
	relations = collecting.relations_of(doctype, collecting.rows(doctype, _names(names), _filters(filters)))
	return {"segment": segment, "entered": membership.add_found(segment, relations).entered}


def _names(names: str | list | None) -> list[str] | None:
	"""Return the checked rows; None if none is checked."""
	found = frappe.parse_json(names) if names else None
	if found is not None and not isinstance(found, list):
		frappe.throw(_("names: pass a list of names, or nothing for all rows of the list."))
	return [str(name) for name in found] if found else None


def _filters(filters: str | list | dict | None) -> list | dict:
	found = frappe.parse_json(filters) if filters else []
	if not isinstance(found, list | dict):
		frappe.throw(_("filters: pass the filters of the list."))
	return found

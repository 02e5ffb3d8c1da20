"""Incomplete Customers: `relations.incomplete` as a report of the desk; computes nothing of its own."""

from typing import Any

import frappe
from frappe import _
from frappe.utils import flt

from crm_relations.relations.profiles import incomplete
from crm_relations.segments.members import membership


def execute(filters: dict | None = None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
	"""Columns and rows; amounts in the company's currency."""
	wanted = frappe._dict(filters or {})
	company = wanted.company or frappe.defaults.get_user_default("Company")
	if not company:
		frappe.throw(_("Company: choose the company of the revenue."))
	frappe.has_permission("Company", "read", doc=company, throw=True)
	among = None
	if wanted.segment:
		frappe.has_permission("Relation Segment", "read", doc=wanted.segment, throw=True)
		among = membership.current(wanted.segment)
	return columns(), incomplete.customers(company, flt(wanted.below) or 100, among=among)


def columns() -> list[dict[str, Any]]:
	return [
		{
			"fieldname": "relation",
			"label": _("Relation"),
			"fieldtype": "Link",
			"options": "Relation",
			"width": 230,
		},
		{
			"fieldname": "completeness",
			"label": _("Completeness"),
			"fieldtype": "Percent",
			"precision": "0",
			"width": 120,
		},
		{
			"fieldname": "revenue_12_months",
			"label": _("Revenue of the Last 12 Months"),
			"fieldtype": "Currency",
			"options": "currency",
			"width": 150,
		},
		{"fieldname": "missing", "label": _("Missing"), "fieldtype": "Data", "width": 380},
		{
			"fieldname": "responsible",
			"label": _("Responsible User"),
			"fieldtype": "Link",
			"options": "User",
			"width": 180,
		},
	]

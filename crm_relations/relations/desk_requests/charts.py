"""Draw dashboard charts over our doctypes for their reader. Writes nothing.

Frappe draws a chart once and keeps the picture for all users, and it draws heat maps without checking
permissions. Here each reader gets a picture of the rows that they may read, without fields that they may not
read.
"""

import inspect
from collections.abc import Callable
from typing import Any

import frappe
from frappe import _

from crm_relations.relations import list_requests
from crm_relations.shared.access.own_doctypes import is_ours
from crm_relations.shared.access.permissions import reads_only_part_of

#: charts that Frappe makes from rows of a doctype
OF_ROWS = ("Count", "Sum", "Average", "Group By")
FIELDS = ("value_based_on", "based_on", "group_by_based_on", "aggregate_function_based_on", "filters_json")


def requested(arguments: dict[str, Any]) -> frappe._dict:
	"""Read the chart that a request names or contains."""
	if arguments.get("chart_name"):
		return frappe.get_doc("Dashboard Chart", arguments["chart_name"]).as_dict()
	return frappe._dict(frappe.parse_json(arguments.get("chart")) or {})


def concerns_us(chart: frappe._dict) -> bool:
	"""Tell whether the chart is made from rows of one of our doctypes."""
	return is_ours(chart.document_type) and (chart.type == "Heatmap" or chart.chart_type in OF_ROWS)


def draw(chart: frappe._dict, arguments: dict[str, Any], frappes: Callable) -> dict[str, Any] | None:
	"""Draw a chart of rows of our doctype for the session's user, with Frappe's own drawing but not its
	cache.

	:param arguments: those of Frappe's function
	:param frappes: that function
	:raises frappe.PermissionError: the user may read no row, or not a field of the chart
	"""
	doctype = chart.document_type
	if not frappe.has_permission(doctype, "read"):
		frappe.throw(_("You may not read the documents of this chart."), frappe.PermissionError)
	list_requests.check_fields(doctype, [chart.get(field) for field in FIELDS])
	asked = {key: value for key, value in arguments.items() if key not in ("no_cache", "refresh")}
	if chart.type == "Heatmap" and reads_only_part_of(doctype):
		filters = frappe.parse_json(asked.get("filters")) or frappe.parse_json(chart.filters_json) or []
		names = frappe.get_list(doctype, pluck="name", limit=0, order_by="name asc")
		asked["filters"] = [*filters, [doctype, "name", "in", names or [""]]]
	return inspect.unwrap(frappes)(**asked)

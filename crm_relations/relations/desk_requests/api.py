"""Answer requests of the desk that Frappe answers without checking the permissions on rows.

Frappe calls these in place of its own functions (hook `override_whitelisted_methods`). Documents of other
apps are left to Frappe. Answers about our documents contain only what the user may read.
"""

from typing import Any

import frappe
from frappe import _
from frappe.desk import listview
from frappe.desk import search as link_search
from frappe.desk.doctype.dashboard_chart import dashboard_chart
from frappe.desk.doctype.tag import tag as tags
from frappe.desk.form import load
from frappe.desk.form import utils as form_utils
from frappe.utils import cint, global_search

from crm_relations.relations import permissions
from crm_relations.relations.desk_requests import charts, rows
from crm_relations.shared.access.own_doctypes import is_ours


@frappe.whitelist(methods=["GET", "POST"])
def chart_data(
	chart_name: str | None = None,
	chart: str | dict | None = None,
	no_cache: str | int | None = None,
	filters: str | list | dict | None = None,
	from_date: str | None = None,
	to_date: str | None = None,
	timespan: str | None = None,
	time_interval: str | None = None,
	heatmap_year: str | int | None = None,
	refresh: str | int | None = None,
) -> dict[str, Any] | None:
	"""Answer for a dashboard chart: `labels` and `datasets`, for a heat map `dataPoints`. The arguments are
	Frappe's.
	"""
	frappe.has_permission("Dashboard Chart", "read", throw=True)
	asked = {
		"chart_name": chart_name,
		"chart": chart,
		"filters": filters,
		"from_date": from_date,
		"to_date": to_date,
		"timespan": timespan,
		"time_interval": time_interval,
		"heatmap_year": heatmap_year,
	}
	found = charts.requested(asked)
	if not charts.concerns_us(found):
		return dashboard_chart.get(**asked, no_cache=no_cache, refresh=refresh)
	return charts.draw(found, asked, dashboard_chart.get)


@frappe.whitelist(methods=["GET", "POST"])
def group_by_count(doctype: str, current_filters: str | list | dict, field: str) -> list[dict[str, Any]]:
	"""Count the rows of a list by the values of a field, or by the user with a task on them: `name`, `count`."""
	ours = is_ours(doctype) and frappe.has_permission(doctype, "read", throw=True)
	if ours and field == "assigned_to":
		return rows.by_assignee(doctype, frappe.parse_json(current_filters) or [])
	return listview.get_group_by_count(doctype, current_filters, field)


@frappe.whitelist(methods=["GET", "POST"])
def next_document(
	doctype: str,
	value: str,
	prev: str | int,
	filters: str | list | dict | None = None,
	sort_order: str = "desc",
	sort_field: str = "modified",
) -> str | None:
	"""Find the document after or, with `prev`, before another one in a list; None with a message if there is
	none.
	"""
	ours = is_ours(doctype) and frappe.has_permission(doctype, "read", doc=value, throw=True)
	if not ours:
		return form_utils.get_next(doctype, value, prev, filters, sort_order, sort_field)
	ascending = (sort_order.lower() == "asc") != bool(cint(prev))
	found = rows.neighbour(doctype, value, frappe.parse_json(filters) or [], sort_field, ascending)
	if not found:
		frappe.msgprint(_("No further document in this list."))
	return found


@frappe.whitelist(methods=["GET", "POST"])
def link_title(doctype: str, docname: str) -> str | None:
	"""Return the title of a linked document; if the user may not read it, its name."""
	may_read = not is_ours(doctype) or frappe.has_permission(doctype, "read", doc=docname)
	return link_search.get_link_title(doctype, docname) if may_read else docname


@frappe.whitelist(methods=["GET", "POST"])
def tagged_documents(doctype: str, tag: str) -> list[tuple[str]] | tuple[tuple[str]]:
	"""List the names of the documents that have a tag, each in a tuple."""
	frappe.has_permission(doctype, "read", throw=True)
	found = tags.get_tagged_docs(doctype, tag)
	if not is_ours(doctype):
		return found
	readable = rows.readable_names(doctype, (name for (name,) in found))
	return [(name,) for (name,) in found if name in readable]


@frappe.whitelist(methods=["GET", "POST"])
def search_everywhere(
	text: str, start: int | str = 0, limit: int | str = 20, doctype: str = ""
) -> list[dict[str, Any]]:
	"""Search the index of all doctypes: rows with `doctype`, `name`, `content`.

	Documents that the user may not read are left out. A page can therefore be shorter than `limit`.
	"""
	ours = is_ours(doctype) and frappe.has_permission(doctype, "read", throw=True)
	found = global_search.search(text, cint(start), cint(limit), doctype)
	concerned = {row.doctype for row in found if ours or is_ours(row.doctype)}
	readable = {
		(one, name)
		for one in concerned
		for name in rows.readable_names(one, (row.name for row in found if row.doctype == one))
	}
	return [row for row in found if row.doctype not in concerned or (row.doctype, row.name) in readable]


@frappe.whitelist(methods=["GET", "POST"])
def open_document(doctype: str, name: str) -> list | None:
	"""Load a document for its form, as Frappe does, without the titles of linked documents that the user may not read."""
	restricted = not (frappe.has_permission("Relation", "read") and permissions.sees_all())
	answer = load.getdoc(doctype, name)
	titles = frappe.local.response.get("_link_titles") or {}
	for key in list(titles) if restricted else ():
		linked, _separator, title_of = key.partition("::")
		if is_ours(linked) and not frappe.has_permission(linked, "read", doc=title_of):
			titles[key] = title_of
	return answer

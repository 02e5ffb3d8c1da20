"""Export the members of a segment as csv, with the permissions of the session's user.

`Relation Export` records the user. This module writes nothing itself. Fields on a permlevel that the user
lacks are left out, and so are relations that the user may not read. Figures need permission to read invoices.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import frappe
from frappe import _
from frappe.utils import formatdate
from markupsafe import Markup

from crm_relations.relations.exchange import exporting
from crm_relations.segments import queries
from crm_relations.segments.members import membership
from crm_relations.shared.refusals import filled

FACTS = "Relation Facts"
PAGE = 500
TIMEOUT = 60 * 60
FIGURES = ("revenue_12_months", "open_amount", "overdue_amount")


def start(segment: str) -> dict[str, Any]:
	"""Export at once, or in a job if there are many: `file_url` or None, `rows`, and a `message` for the
	user.
	"""
	if queries.counts([segment])[segment] <= exporting.AT_ONCE:
		log = export(segment)
		return {
			"file_url": log.file_url,
			"rows": log.rows,
			"message": _("{0} relations exported.").format(log.rows),
		}
	frappe.enqueue(export_job, queue="long", timeout=TIMEOUT, segment=segment)
	return {
		"file_url": None,
		"rows": 0,
		"message": _("The export has been started. You will be notified when it is done."),
	}


def export_job(segment: str) -> None:
	"""Run the queued export; the user finds the file in the log."""
	log = export(segment)
	frappe.db.commit()
	message = filled(
		_("{0} relations exported: {1}"),
		log.rows,
		Markup(frappe.utils.get_link_to_form(exporting.DOCTYPE, log.name)),
	)
	frappe.publish_realtime("msgprint", {"message": message, "alert": True}, user=frappe.session.user)


def export(segment: str) -> Any:
	"""Write the file and its entry in the log; return the entry."""
	columns = {_("Member since"): lambda names: _entered(segment, names), **_figures()}
	more = ("entered", *(FIGURES if len(columns) > 1 else ()))
	return exporting.export_pages(_pages(segment), {"segment": segment}, columns, more)


def _pages(segment: str) -> Iterator[list[str]]:
	"""Yield names of the members, page by page along the index."""
	member, after = frappe.qb.DocType(membership.MEMBER), ""
	while True:
		query = membership.current(segment).where(member.relation > after).orderby(member.relation)
		names = query.limit(PAGE).run(pluck=True)
		if not names:
			return
		yield names
		after = names[-1]


def _entered(segment: str, names: list[str]) -> dict[str, str]:
	member = frappe.qb.DocType(membership.MEMBER)
	rows = (
		frappe.qb.from_(member)
		.select(member.relation, member.entered)
		.where((member.segment == segment) & member.left_on.isnull() & member.relation.isin(names))
		.run()
	)
	return {relation: formatdate(entered) for relation, entered in rows}


def _figures() -> dict[str, exporting.Further]:
	"""Return heading → figures of a page, one amount per company with its currency; empty without permission
	to read invoices.
	"""
	if not (frappe.has_permission(FACTS, "read") and frappe.has_permission("Sales Invoice", "read")):
		return {}
	meta = frappe.get_meta(FACTS)
	return {_(meta.get_label(field)): _amounts_of(field) for field in FIGURES}


def _amounts_of(field: str) -> exporting.Further:
	def amounts(names: list[str]) -> dict[str, str]:
		found = defaultdict(list)
		for row in frappe.get_list(
			FACTS,
			filters={"relation": ["in", names], field: ["!=", 0]},
			fields=["relation", "currency", field],
			order_by="company asc",
			limit=0,
		):
			found[row.relation].append(f"{row[field]:.2f} {row.currency}")
		return {relation: "; ".join(values) for relation, values in found.items()}

	return amounts

"""Run the scheduler's jobs for the facts. Writes the queue through `queue`."""

import frappe
from frappe.utils import add_days, getdate, nowdate

from crm_relations.relations.facts import build, queue
from crm_relations.relations.facts.sources import FACTS, Scope

#: days that the daily job looks back for revalued stock: the job may have been late
LOOKS_BACK = 2
#: relations marked at once by the daily job
CHUNK = 10_000


def refresh_changed() -> None:
	"""Refresh the facts of changed documents every few minutes. Another run may be doing it already.

	A rebuild takes longer than the scheduler lets this job run, so it gets its own job.
	"""
	if build.is_rebuild_quicker():
		start_rebuild()
		return
	try:
		build.refresh_changed()
	except build.FactsBusyError:
		frappe.db.rollback()
		frappe.clear_messages()


def refresh_stale() -> None:
	"""Refresh daily what changes without a document: windows move on, due dates pass, quotations expire.

	Each row stores the day of its next change. Then the borders of the classes are determined for the day.
	"""
	if frappe.db.count(FACTS):
		mark_stale()
		mark_revalued()
		refresh_changed()
		build.determine_classes()
	else:
		start_rebuild()


def start_rebuild() -> None:
	"""Queue a rebuild, unless one is queued."""
	frappe.enqueue(
		build.rebuild, queue="long", timeout=4 * 60 * 60, job_id="crm_relations_facts", deduplicate=True
	)


def mark_stale() -> int:
	"""Queue relations with a figure that changes today or should have changed before; return their number."""
	fact = frappe.qb.DocType(FACTS)
	aged = frappe.qb.from_(fact).select(fact.relation).distinct().where(fact.stale_on <= nowdate())
	relations = aged.run(pluck=True)
	for start in range(0, len(relations), CHUNK):
		queue.mark_all((queue.RELATION, name) for name in relations[start : start + CHUNK])
	return len(relations)


def mark_revalued() -> int:
	"""Queue relations that bought an item in the last 12 months with stock that ERPNext has revalued; return
	their number.

	ERPNext writes the new cost into the lines without an event.
	"""
	repost, entry = frappe.qb.DocType("Repost Item Valuation"), frappe.qb.DocType("Stock Ledger Entry")
	lately = (repost.status == "Completed") & (repost.modified >= str(add_days(nowdate(), -LOOKS_BACK)))
	named = frappe.qb.from_(repost).select(repost.item_code).distinct().where(lately)
	moved = (
		frappe.qb.from_(repost)
		.join(entry)
		.on((entry.voucher_type == repost.voucher_type) & (entry.voucher_no == repost.voucher_no))
		.select(entry.item_code)
		.distinct()
		.where(lately)
	)
	items = {code for query in (named, moved) for code in query.run(pluck=True) if code}
	if not items:
		return 0
	invoice, line = frappe.qb.DocType("Sales Invoice"), frappe.qb.DocType("Sales Invoice Item")
	customers = (
		frappe.qb.from_(line)
		.join(invoice)
		.on(invoice.name == line.parent)
		.select(invoice.customer)
		.distinct()
		.where(line.item_code.isin(sorted(items)) & (invoice.docstatus == 1))
		.where(invoice.posting_date > Scope(getdate(nowdate())).start_12)
	).run(pluck=True)
	queue.mark_all(("Customer", name) for name in customers)
	return len(customers)

"""Run side effects of ERPNext's documents so that they never block an invoice or a payment.

Sole writer of `Relation Deferred Step`. A step that fails is undone to its savepoint, logged, and tried again
every hour. Its document is saved as if the step had not existed.
"""

from collections.abc import Callable
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.utils import now_datetime
from rq.timeouts import JobTimeoutException

from crm_relations.shared.access.system_fields import trusted

MAX_ATTEMPTS = 24

Step = Callable[[Document], Any]


def run_steps(doc: Document, *steps: Step) -> None:
	"""Run each step on `doc` in its own savepoint; log and defer those that fail.

	A deadlock is raised again: the database has already undone the whole transaction, and Frappe repeats the
	request. So is the time-out of a background job: its alarm goes off only once.

	A step may save documents that run steps themselves, so each depth has its own savepoint. It is set again
	before each step, which replaces the earlier one, and the commit discards it: releasing it would cost one
	more query per invoice. A step marked by `one_statement` needs none.
	"""
	depth = frappe.flags.relation_step_depth = (frappe.flags.relation_step_depth or 0) + 1
	name = f"relation_step_{depth}"
	try:
		for step in steps:
			undone_by_itself = getattr(step, "one_statement", False) and frappe.db.db_type != "postgres"
			if not undone_by_itself:
				frappe.db.savepoint(name)
			messages = len(frappe.local.message_log)
			try:
				step(doc)
			except (frappe.QueryDeadlockError, JobTimeoutException):
				raise
			except Exception:
				if not undone_by_itself:
					frappe.db.rollback(save_point=name)
				del frappe.local.message_log[messages:]
				defer(step, doc, frappe.get_traceback())
	finally:
		frappe.flags.relation_step_depth = depth - 1


def one_statement(step: Step) -> Step:
	"""Mark a step that writes with one query at most, as the last thing it does, or not at all.

	MariaDB undoes a query that fails, so that nothing else must be undone. With PostgreSQL a failed query
	spoils the transaction, so the step gets its savepoint there.
	"""
	step.one_statement = True
	return deferrable(step)


def deferrable(step: Step) -> Step:
	"""Mark a function as a step: `retry_deferred` runs only marked functions."""
	step.deferrable = True
	return step


def _step_named(path: str) -> Step:
	"""Return the marked function of this path.

	:raises ValueError: it is not a step of the app
	"""
	step = frappe.get_attr(path) if path.startswith("crm_relations.") else None
	if not getattr(step, "deferrable", False):
		raise ValueError(f"{path} is no step of crm_relations")
	return step


def dotted_path(step: Step) -> str:
	"""Return the path of a function, such as `crm_relations.ledger.attributions.attribution.attribute`."""
	return f"{step.__module__}.{step.__qualname__}"


def defer(step: Step, doc: Document, error: str) -> None:
	"""Store a failed step for `retry_deferred`; one open row per step and document."""
	frappe.log_error(title=f"Deferred: {dotted_path(step)} {doc.doctype} {doc.name}", message=error)
	key = {
		"step": dotted_path(step),
		"document_type": doc.doctype,
		"document_name": doc.name,
		"status": "Open",
	}
	if existing := frappe.db.get_value("Relation Deferred Step", key):
		frappe.db.set_value("Relation Deferred Step", existing, "error", error)
		return
	row = trusted(frappe.get_doc({"doctype": "Relation Deferred Step", **key, "error": error}))
	row.flags.ignore_links = True
	row.insert(ignore_permissions=True)


def retry_deferred() -> dict[str, int]:
	"""Try all open deferred steps again, those with the fewest attempts first; commits after each.

	:return: counts `done`, `open`, `given_up`. A step of a deleted document counts as done.
	"""
	counts = {"done": 0, "open": 0, "given_up": 0}
	names = frappe.get_all(
		"Relation Deferred Step",
		filters={"status": "Open"},
		pluck="name",
		order_by="attempts asc, creation asc",
	)
	for name in names:
		row = trusted(frappe.get_doc("Relation Deferred Step", name))
		row.flags.ignore_links = True
		row.attempts += 1
		row.last_try = now_datetime()
		if row.attempts > MAX_ATTEMPTS:  # its last attempt ended together with the whole job
			row.status = "Given Up"
			counts["given_up"] += 1
		# The attempt counts even if the step ends the whole job: it must not block the others every hour.
		row.save(ignore_permissions=True)
		frappe.db.commit()
		if row.status == "Given Up":
			continue
		try:
			if frappe.db.exists(row.document_type, row.document_name):
				step = _step_named(row.step)
				step(frappe.get_doc(row.document_type, row.document_name))
			row.status = "Done"
			counts["done"] += 1
		except JobTimeoutException:
			raise
		except Exception:
			frappe.db.rollback()
			row.error = frappe.get_traceback()
			row.status = "Given Up" if row.attempts >= MAX_ATTEMPTS else "Open"
			counts["given_up" if row.status == "Given Up" else "open"] += 1
		row.save(ignore_permissions=True)
		frappe.db.commit()
	return counts

"""What the scheduler runs for the facts."""

import frappe
from frappe.utils import nowdate

from crm_relations.relations.facts import build, classes, queue
from crm_relations.relations.facts.sources import FACTS

#: relations marked at once by the daily job
CHUNK = 10_000


def refresh_changed() -> None:
	"""Every few minutes: the facts of whose documents changed. Another run that is under way does it, too."""
	try:
		build.refresh_changed()
	except build.FactsBusyError:
		frappe.db.rollback()
		frappe.clear_messages()


def age() -> None:
	"""Daily: what changes although no document does. Windows move on, due dates pass, quotations expire; each row
	knows by itself when that is. Then the borders of the classes are determined for the day."""
	if frappe.db.count(FACTS):
		mark_aged()
		build.refresh_changed()
		with build.reading_what_is_committed():
			build.lock()
			classes.determine()
			frappe.db.commit()
	else:
		build.rebuild()


def mark_aged() -> int:
	"""Put those in the queue of whom a figure changes today or should have before; returns their number."""
	fact = frappe.qb.DocType(FACTS)
	aged = frappe.qb.from_(fact).select(fact.relation).distinct().where(fact.ages_on <= nowdate())
	relations = aged.run(pluck=True)
	for start in range(0, len(relations), CHUNK):
		queue.mark_all((queue.RELATION, name) for name in relations[start : start + CHUNK])
	return len(relations)

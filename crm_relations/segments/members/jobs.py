"""Run the background jobs of segments: changed relations, the daily refresh, and one segment on demand.

Writes the times of its last runs; members are written by `membership`.
"""

from datetime import datetime, timedelta

import frappe
from frappe import _
from frappe.utils import cint, get_datetime, now_datetime, nowdate

from crm_relations.relations import changes
from crm_relations.relations.facts import build as facts
from crm_relations.segments.members import dependencies, health, membership, queue
from crm_relations.segments.members.membership import RefreshResult
from crm_relations.segments.members.queue import Waiting

SEGMENT = "Relation Segment"
EVENT = "relation_segment_refresh"
#: key in the cache: time of the last run for changes
TAKEN = "relation_segments_taken_at"
MINUTES = 5
#: global default: start of the last run that asked for unannounced changes
READ_UNTIL = "relation_segments_read_until"
LOOKS_BACK = timedelta(minutes=10)
#: seconds that a job may take
TIMEOUT = 4 * 60 * 60
#: above this share of all relations, a whole refresh is faster than checking each of them
REFRESH_ABOVE = 0.05
FOLLOWING, DAILY = "As Relations Change", "Daily"


def take_changes() -> None:
	"""Queue a job for changed relations every few minutes, as often as the settings say."""
	minutes = _minutes()
	taken = frappe.cache.get_value(TAKEN)
	if not minutes or (taken and _minutes_since(get_datetime(taken)) < minutes):
		return
	waits = frappe.db.exists(queue.QUEUE, {}) or frappe.db.exists(facts.queue.QUEUE, {})
	if waits or changes.since(_read_until(), limit=1):
		frappe.cache.set_value(TAKEN, str(now_datetime()))
		frappe.enqueue(
			refresh_changed,
			queue="long",
			timeout=TIMEOUT,
			job_id="crm_relations_segments",
			deduplicate=True,
		)


def refresh_changed() -> list[RefreshResult]:
	"""Refresh segments by the relations in the queue, each segment after those that it depends on.

	Commits after each segment. If the job is killed, the next run starts over, because the queue is settled
	only at the end.
	"""
	bring_facts_up_to_date()
	began = now_datetime()
	many = int(max(membership.CHUNK, REFRESH_ABOVE * frappe.db.count("Relation")))
	waiting = queue.take()
	waiting |= Waiting([], changes.since(_read_until(), limit=many + 1), set())
	if not (waiting.rows or waiting.relations):
		return []
	results, busy = [], []
	for name in dependencies.in_order(_names(FOLLOWING)):
		whole = waiting.whole(name) or len(waiting.relations) > many
		try:
			result = membership.refresh_and_commit(name, relations=None if whole else waiting.relations)
		except membership.SegmentBusyError:
			frappe.clear_messages()
			busy.append(name)
		except membership.SegmentBrokenError:
			frappe.clear_messages()  # it is recorded with the segment, and logged
		else:
			results.append(result)
			waiting |= result.announced
	queue.settle(waiting.rows)
	queue.add_segments(busy)
	frappe.db.set_global(READ_UNTIL, str(began))
	frappe.db.commit()
	return results


def refresh_daily() -> None:
	"""Refresh all relations daily, for changes by time alone. Segments that are refreshed by hand are left
	out.
	"""
	bring_facts_up_to_date()
	for name in dependencies.in_order([*_names(FOLLOWING), *_names(DAILY)]):
		try:
			membership.refresh_and_commit(name)
		except (membership.SegmentBusyError, membership.SegmentBrokenError):
			frappe.clear_messages()
	health.note_all()


def _read_until() -> datetime:
	"""Return the moment since which unannounced changes are asked for.

	It is a little before the last run began: a transaction that was open then may have written an earlier
	time. Before the first run, it is one day ago.
	"""
	known = frappe.db.get_global(READ_UNTIL)
	return get_datetime(known) - LOOKS_BACK if known else get_datetime(nowdate())


def start(segment: str, retake: bool = False) -> None:
	"""Queue the refresh of one segment for the session's user, unless it is already queued."""
	frappe.enqueue(
		refresh_one,
		queue="long",
		timeout=TIMEOUT,
		job_id=f"crm_relations_segment::{segment}",
		deduplicate=True,
		segment=segment,
		retake=retake,
	)


def refresh_one(segment: str, retake: bool = False) -> None:
	"""Run the queued refresh. Sends the form its progress, and at the end the result or the error."""
	steps = ("Figures", *membership.STEPS)

	def tell(step: str) -> None:
		_publish(segment, {"step": steps.index(step) + 1, "steps": len(steps), "text": _step_label(step)})

	tell(steps[0])
	bring_facts_up_to_date()
	try:
		membership.refresh_and_commit(segment, retake, on_progress=tell)
	except (membership.SegmentBusyError, membership.SegmentBrokenError) as error:
		_publish(segment, {"done": True, "error": str(error)})
	else:
		_publish(segment, {"done": True})


def bring_facts_up_to_date() -> None:
	"""Process waiting changes of figures, since rules ask for figures. Another run may be doing it already."""
	try:
		facts.refresh_changed()
	except facts.FactsBusyError:
		frappe.db.rollback()
		frappe.clear_messages()


def _publish(segment: str, message: dict) -> None:
	frappe.publish_realtime(
		EVENT, {"segment": segment, **message}, user=frappe.session.user, after_commit=False
	)


def _step_label(step: str) -> str:
	return {
		"Figures": _("Updating figures"),
		membership.SELECTING: _("Searching for matching relations"),
		membership.LEAVING: _("Removing members"),
		membership.ENTERING: _("Adding new members"),
		membership.COUNTING: _("Counting"),
	}[step]


def _names(mode: str) -> list[str]:
	return frappe.get_all(
		SEGMENT,
		filters={"kind": "Dynamic", "disabled": 0, "refresh_mode": mode},
		pluck="name",
		order_by="name asc",
	)


def _minutes() -> int:
	"""Return the minutes between two refreshes; 0 for only the daily one."""
	value = frappe.db.get_single_value("Relation Settings", "segment_minutes")
	return MINUTES if value is None else cint(value)


def _minutes_since(moment: datetime) -> float:
	return (now_datetime() - moment).total_seconds() / 60

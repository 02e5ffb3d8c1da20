"""What the scheduler and the form run for segments, in jobs: changed relations, the day, and one segment on demand."""

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
#: key in the cache: when the changes were last taken
TAKEN = "relation_segments_taken_at"
MINUTES = 5
#: global default: when the last run began that asked for what nobody announces
READ_UNTIL = "relation_segments_read_until"
LOOKS_BACK = timedelta(minutes=10)
#: seconds that a job may take
TIMEOUT = 4 * 60 * 60
#: this part of all relations, and to look at all of them is quicker than at each
REFRESH_ABOVE = 0.05
FOLLOWING, DAILY = "As Relations Change", "Daily"


def take_changes() -> None:
	"""Every few minutes: queue a job for what has changed, as often as the settings say."""
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
	"""Take the queue: refresh the segments that follow changes, each after those that it asks for, by the relations
	that have changed. Commits after each segment; killed, it is begun again by the next run, as the queue is only
	settled at the end."""
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
			frappe.clear_messages()  # it is kept with the segment, and logged
		else:
			results.append(result)
			waiting |= result.told
	queue.settle(waiting.rows)
	queue.add_segments(busy)
	frappe.db.set_global(READ_UNTIL, str(began))
	frappe.db.commit()
	return results


def refresh_daily() -> None:
	"""Daily: look at all relations, for what changes by time alone. Segments that are refreshed by hand are left out."""
	bring_facts_up_to_date()
	for name in dependencies.in_order([*_names(FOLLOWING), *_names(DAILY)]):
		try:
			membership.refresh_and_commit(name)
		except (membership.SegmentBusyError, membership.SegmentBrokenError):
			frappe.clear_messages()
	health.note_all()


def _read_until() -> datetime:
	"""Since when changes that nobody announces are asked for: a little before the last run began, as a transaction that
	was open then may have written an earlier time. Before the first run, the day."""
	known = frappe.db.get_global(READ_UNTIL)
	return get_datetime(known) - LOOKS_BACK if known else get_datetime(nowdate())


def start(segment: str, retake: bool = False) -> None:
	"""Queue the refresh of one segment for the session's user; a second one is not queued beside it."""
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
	"""The queued refresh. Tells the form how far it is, and at the end that it is done or what was wrong."""
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
	"""Rules ask for figures: take in what has changed of them. Another run that is under way does it, too."""
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
		"Figures": _("Bringing figures up to date"),
		membership.SELECTING: _("Looking for relations that fit"),
		membership.LEAVING: _("Letting others leave"),
		membership.ENTERING: _("Letting new ones enter"),
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
	"""Minutes between two refreshes; 0 for none but the daily one."""
	value = frappe.db.get_single_value("Relation Settings", "segment_minutes")
	return MINUTES if value is None else cint(value)


def _minutes_since(moment: datetime) -> float:
	return (now_datetime() - moment).total_seconds() / 60

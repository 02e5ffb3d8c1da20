"""Queue a background job unless one is waiting already. Writes nothing."""

import hashlib
from collections.abc import Callable
from typing import Any

import frappe
from frappe.utils.background_jobs import get_job_status
from rq.job import JobStatus


def enqueue_once(method: Callable[..., Any], key: str, *, slots: int, timeout: int, **arguments: Any) -> None:
	"""Queue `method` in the long queue unless one for `key` waits already. The job begins after this transaction.

	A job that has begun does not count: it may be handing over to the next one, or its worker may have been
	killed, which the queue notices late. Callers must allow more than one at work.

	:param key: what the job works on, such as the name of a document
	:param slots: jobs of this method and key that the queue may hold or believe to be running
	:param timeout: seconds that the job may run
	:param arguments: passed to `method`
	"""
	digest = hashlib.sha256(key.encode()).hexdigest()[:20]
	ids = [f"{method.__name__}_{digest}_{slot}" for slot in range(slots)]
	states = {job_id: get_job_status(job_id) for job_id in ids}
	if JobStatus.QUEUED in states.values():
		return
	frappe.enqueue(
		method,
		queue="long",
		timeout=timeout,
		job_id=next((job_id for job_id in ids if states[job_id] != JobStatus.STARTED), ids[0]),
		deduplicate=True,
		enqueue_after_commit=True,
		**arguments,
	)

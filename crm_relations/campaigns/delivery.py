"""Delivery: the send ledger and its states. Alone writes `Relation Campaign Send` once its rows are planned.

How a message goes out exactly once:

1. A worker claims a chunk of due rows: `worker` names the process; the rows stay Pending. Committed.
2. The row of one message becomes Sending, with its token, links, basis and Communication. Committed, and
   only then the message leaves. Every step on asks whether the row is still ours.
3. The server's answer (Sent, Failed, Pending again) is committed together with step 2 of the next message.

So of each worker at most one row is Sending at any time. If the worker dies, the rows it had claimed have
not been sent and are free again; the one that is Sending may have been: it becomes Uncertain, is shown, and
is never sent again unless a person says so.

Frappe's Email Queue is not used: it may send a row twice, forgets rows after 30 days, and shares its order
with the mails of the site. Where mails are muted, or the site's sending is suspended, nothing is claimed.
"""

import hashlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import frappe
import psutil
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count
from frappe.utils import add_to_date, cint, getdate, now_datetime
from frappe.utils.background_jobs import get_job_status
from rq.job import JobStatus

from crm_relations.campaigns import call_list, composing, mail, rules, sender
from crm_relations.campaigns.composing import Letter

SEND = "Relation Campaign Send"

#: seconds that one job works before it hands over to the next
_JOB_SECONDS = 20 * 60
#: jobs of one kind and campaign that the queue may hold or believe to be running
_SLOTS = 10
_PROGRESS_SECONDS = 1.0


class _Stop(Exception):
	"""Sending ends here, in good order; the text says why."""


@dataclass
class _Run:
	"""One worker at work on one campaign."""

	campaign: Document
	account: Document
	worker: str
	counts: dict[str, int]
	total: int
	on_progress: Callable[[int, int], None] | None
	until: float | None
	composer: composing.Composer
	last_progress: float = field(default_factory=time.monotonic)

	@property
	def done(self) -> int:
		return sum(self.counts[key] for key in ("sent", "failed", "suppressed", "uncertain", "retry"))


def send(
	campaign: str,
	on_progress: Callable[[int, int], None] | None = None,
	*,
	seconds: float | None = None,
) -> dict:
	"""Send what is due of a running campaign; commits. Any number of workers may do so at once.

	:param on_progress: called with (messages done, messages due at the beginning).
	:param seconds: stop after this time; what is left stays for the next call.
	:return: counts of this call: `sent`, `failed`, `suppressed`, `uncertain`, `retry` (put off by the
		server); `pending` still due; `stopped`: why it ended early, or an empty string.
	:raises frappe.ValidationError: the campaign is a draft, or has no account to send from.
	"""
	frappe.db.commit()
	doc = frappe.get_doc("Relation Campaign", campaign)
	if doc.status == "Draft":
		frappe.throw(_("Campaign {0} is a draft. Start it first").format(frappe.bold(doc.name)))
	counts = dict.fromkeys(("sent", "failed", "suppressed", "uncertain", "retry"), 0)
	counts["uncertain"] += settle(campaign)
	stopped = _hindrance(doc.status)
	if not stopped:
		counts["suppressed"] += call_list.suppress(doc)
		frappe.db.commit()
	due = count_due(campaign)
	if due and not stopped:
		stopped = _work(doc, counts, due, on_progress, seconds)
	return {"campaign": doc.name, **counts, "pending": count_due(campaign), "stopped": stopped}


def count_due(campaign: str) -> int:
	"""E-mails that could be sent now."""
	table = DocType(SEND)
	return frappe.qb.from_(table).select(Count("*")).where(_due(table, campaign)).run()[0][0]


def settle(campaign: str | None = None) -> int:
	"""Clear up after workers that died: claims are freed, rows in Sending become Uncertain. Commits.

	A worker of this machine is dead if its process is gone; one of another machine if it has been silent
	for rules.LOCK_SECONDS.

	:return: number of rows that became Uncertain.
	"""
	table = DocType(SEND)
	query = (
		frappe.qb.from_(table)
		.select(table.worker, table.claimed_at)
		.distinct()
		.where((table.state == "Sending") | ((table.state == "Pending") & table.worker.isnotnull()))
		.where(table.worker.isnotnull())
	)
	if campaign:
		query = query.where(table.campaign == campaign)
	uncertain = 0
	oldest = add_to_date(now_datetime(), seconds=-rules.LOCK_SECONDS)
	for worker, claimed_at in query.run():
		if _alive(worker) and claimed_at > oldest:
			continue
		rows = (table.worker == worker) & (table.claimed_at == claimed_at)
		uncertain += _update(
			rows & (table.state == "Sending"),
			state="Uncertain",
			reason=_("The worker ended while this message was on its way"),
		)
		_update(rows & (table.state == "Pending"), worker=None, claimed_at=None)
		frappe.db.commit()
	return uncertain


def requeue(send_name: str) -> None:
	"""A person has found that an uncertain or failed message did not arrive: it may be sent again."""
	_decide(send_name, ("Uncertain", "Failed"), state="Pending", attempts=0)


def confirm(send_name: str) -> None:
	"""A person has found that an uncertain message did arrive."""
	_decide(send_name, ("Uncertain",), state="Sent")


def suppress_withdrawn(consent_event: Document) -> None:
	"""A withdrawal takes effect at once on what is planned, also on rows that a worker has claimed."""
	if consent_event.event != "Withdrawn" or consent_event.channel not in ("E-mail", "Phone"):
		return
	table, campaign = DocType(SEND), DocType("Relation Campaign")
	rows = (
		frappe.qb.from_(table)
		.join(campaign)
		.on(campaign.name == table.campaign)
		.select(table.name, campaign.purpose)
		.where((table.recipient == consent_event.address_key) & (table.state == "Pending"))
		.where(table.step_type == ("E-mail" if consent_event.channel == "E-mail" else "Call"))
		.run()
	)
	names = [name for name, purpose in rows if rules.same_purpose(consent_event.purpose, purpose)]
	if names:
		_update(
			table.name.isin(names) & (table.state == "Pending"),
			state="Suppressed",
			reason=rules.WITHDRAWN,
			consent=consent_event.name,
		)


# --- jobs -----------------------------------------------------------------------------------------------


def send_due_campaigns() -> None:
	"""Scheduler: enqueue the sending of what is due in running campaigns, and clear up after dead workers."""
	settle()
	table, campaign = DocType(SEND), DocType("Relation Campaign")
	names = (
		frappe.qb.from_(table)
		.join(campaign)
		.on(campaign.name == table.campaign)
		.select(table.campaign)
		.distinct()
		.where((campaign.status == "Running") & (table.state == "Pending") & (table.due_on <= getdate()))
		.where(table.retry_at.isnull() | (table.retry_at <= now_datetime()))
		.where((table.step_type == "E-mail") | table.legal_basis.isnull())
		.run(pluck=True)
	)
	at_work = _campaigns_at_work()
	for name in names:
		if name not in at_work:
			enqueue(name)


def _campaigns_at_work() -> set[str]:
	"""Campaigns of which a worker holds rows; after `settle` these workers live."""
	table = DocType(SEND)
	held = table.worker.isnotnull() & table.state.isin(("Pending", "Sending"))
	return set(frappe.qb.from_(table).select(table.campaign).distinct().where(held).run(pluck=True))


def enqueue(campaign: str) -> None:
	"""Let a worker send what is due; a job that waits already is enough."""
	enqueue_once(send_job, campaign, _JOB_SECONDS + 10 * 60)


def enqueue_once(method: Callable, campaign: str, timeout: int, **kwargs) -> None:
	"""Queue a job for a campaign unless one waits already. The job begins after this transaction.

	A job that has begun does not count: it may be handing over to the next one, or its worker may have been
	killed, which the queue notices late. More than one at work does no harm.
	"""
	digest = hashlib.sha256(campaign.encode()).hexdigest()[:20]
	ids = [f"{method.__name__}_{digest}_{slot}" for slot in range(_SLOTS)]
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
		campaign=campaign,
		**kwargs,
	)


def send_job(campaign: str) -> dict:
	"""Background job: send for a while, show progress in the form, hand over to a next job if more is due."""
	result = send(campaign, _publish(campaign), seconds=_JOB_SECONDS)
	publish(campaign, done=True)
	if result["pending"] and not result["stopped"]:
		enqueue(campaign)
	return result


def publish(campaign: str, **message) -> None:
	"""Tell open forms of the campaign that figures have changed."""
	frappe.publish_realtime(
		"relation_campaign_progress",
		{"campaign": campaign, **message},
		doctype="Relation Campaign",
		docname=campaign,
	)


def _publish(campaign: str) -> Callable[[int, int], None]:
	return lambda done, total: publish(campaign, sent=done, total=total)


# --- one worker -----------------------------------------------------------------------------------------


def _hindrance(status: str) -> str:
	"""Why nothing may be sent now; empty if it may."""
	if status != "Running":
		return _("The campaign is {0}").format(_(status))
	if frappe.are_emails_muted():
		return _("E-mails are muted on this site (mute_emails)")
	if cint(frappe.db.get_default("suspend_email_queue")):
		return _("Sending is suspended in the Email Queue")
	return ""


def _work(doc: Document, counts: dict, due: int, on_progress, seconds: float | None) -> str:
	"""Claim and send chunk by chunk until nothing is due; returns why it stopped early."""
	if problems := sender.check(doc):
		frappe.throw("<br>".join(problems))
	account = sender.account_of(doc)
	run = _Run(
		campaign=doc,
		account=account,
		worker=_worker_name(),
		counts=counts,
		total=due,
		on_progress=on_progress,
		until=time.monotonic() + seconds if seconds else None,
		composer=composing.Composer(doc, account),
	)
	size = cint(frappe.get_cached_doc("Relation Settings").batch_size) or 100
	line = sender.Line(account)
	stopped = ""
	try:
		while names := _claim(run, size):
			_send_chunk(run, line, names)
	except _Stop as e:
		stopped = str(e)
	finally:
		line.close()
		frappe.db.commit()  # the outcome of the last message first, whatever ended the loop
		table = DocType(SEND)
		_update((table.worker == run.worker) & (table.state == "Pending"), worker=None, claimed_at=None)
		frappe.db.commit()
	_show_progress(run, force=True)
	return stopped


def _claim(run: _Run, size: int) -> list[str]:
	"""Take the next due rows that nobody holds, oldest first. Committed."""
	table = DocType(SEND)
	names = (
		frappe.qb.from_(table)
		.select(table.name)
		.where(_due(table, run.campaign.name) & table.worker.isnull())
		.orderby(table.due_on, table.name)
		.limit(size)
		.for_update(skip_locked=True)
		.run(pluck=True)
	)
	if names:
		_update(table.name.isin(names), worker=run.worker, claimed_at=now_datetime())
	frappe.db.commit()
	return names


def _send_chunk(run: _Run, line: sender.Line, names: list[str]) -> None:
	letters, refused = run.composer.compose(names)
	for name, outcome in refused.items():
		_close(run, name, "Suppressed" if outcome.suppressed else "Failed", outcome.reason, outcome.consent)
	frappe.db.commit()
	for letter in letters:
		_check_state(run)
		if not _begin(run, letter):
			continue  # suppressed, paused or taken over since the chunk was read
		frappe.db.commit()
		_finish(run, letter, line.hand_over(letter.recipient, letter.message))
		_show_progress(run)
	frappe.db.commit()


def _check_state(run: _Run) -> None:
	status = frappe.db.get_value("Relation Campaign", run.campaign.name, "status")
	if status != "Running":
		raise _Stop(_("The campaign is {0}").format(_(status)) if status else _("The campaign is gone"))
	if run.until and time.monotonic() > run.until:
		raise _Stop("")


def _begin(run: _Run, letter: Letter) -> bool:
	"""Mark the row as Sending, with all that it rests on. False: the row is not ours any more."""
	table = DocType(SEND)
	mine = (table.name == letter.send) & (table.state == "Pending") & (table.worker == run.worker)
	if not _update(
		mine,
		state="Sending",
		claimed_at=now_datetime(),
		token=letter.token,
		links=frappe.as_json(letter.links, indent=None),
		legal_basis=letter.decision.legal_basis,
		consent=letter.decision.consent or None,
		message_id=letter.message_id,
		communication=letter.communication,
		reason="",
	):
		return False
	composing.file_communication(letter, run.campaign, run.account)
	return True


def _finish(run: _Run, letter: Letter, outcome: mail.Outcome) -> None:
	"""Write what became of the message. The caller commits, before the next message leaves."""
	if outcome.result == "accepted":
		_close(run, letter.send, "Sent", sent_at=now_datetime(), retry_at=None)
		composing.mark_communication(letter.communication, "Sent")
	elif outcome.result == "lost":
		_close(run, letter.send, "Uncertain", outcome.reason)
	elif outcome.result == "permanent":
		_close(run, letter.send, "Failed", outcome.reason)
		composing.mark_communication(letter.communication, "Error")
	elif outcome.result == "unreachable":
		_put_back(run, letter, outcome.reason, count=False)
		frappe.db.commit()
		raise _Stop(_("The mail server cannot be reached: {0}").format(outcome.reason))
	else:
		_put_back(run, letter, outcome.reason, count=True)


def _put_back(run: _Run, letter: Letter, reason: str, *, count: bool) -> None:
	"""The message has certainly not been sent: try later, or give up after rules.MAX_ATTEMPTS refusals."""
	attempts = letter.attempts + (1 if count else 0)
	wait = rules.retry_minutes(attempts) if count else 0
	composing.delete_communication(letter.communication)
	if wait is None:
		_close(run, letter.send, "Failed", reason, attempts=attempts, communication=None)
		return
	table = DocType(SEND)
	_update(
		(table.name == letter.send) & (table.worker == run.worker),
		state="Pending",
		worker=None,
		claimed_at=None,
		attempts=attempts,
		reason=reason,
		communication=None,
		retry_at=add_to_date(now_datetime(), minutes=wait) if count else None,
	)
	run.counts["retry"] += 1 if count else 0


def _close(run: _Run, name: str, state: str, reason: str = "", consent: str = "", **values) -> None:
	"""End of a row that this worker holds. Sent also corrects what another took for uncertain."""
	table = DocType(SEND)
	if consent:
		values["consent"] = consent
	mine = (table.name == name) & (table.worker == run.worker)
	if _update(
		mine & table.state.isin(("Pending", "Sending", "Uncertain")), state=state, reason=reason, **values
	):
		run.counts[state.lower()] += 1


def _due(table, campaign: str):
	return (
		(table.campaign == campaign)
		& (table.state == "Pending")
		& (table.step_type == "E-mail")
		& (table.due_on <= getdate())
		& (table.retry_at.isnull() | (table.retry_at <= now_datetime()))
	)


def _decide(send_name: str, states: tuple[str, ...], **values) -> None:
	"""A person's decision on a row; its Communication goes where the message is to be sent anew."""
	row = frappe.db.get_value(SEND, send_name, ["state", "communication"], as_dict=True, for_update=True)
	if not row or row.state not in states:
		frappe.throw(
			_("State: {0} is {1}; only {2} can be decided").format(
				frappe.bold(send_name), _(row.state) if row else _("missing"), ", ".join(_(s) for s in states)
			)
		)
	if values["state"] == "Pending":
		if row.communication:
			composing.delete_communication(row.communication)
		values.update(worker=None, claimed_at=None, retry_at=None, communication=None)
	elif row.communication:
		composing.mark_communication(row.communication, "Sent")
	note = _("Decided by {0}").format(frappe.session.user)
	_update(DocType(SEND).name == send_name, reason=note, **values)


def _update(criterion, **values) -> int:
	"""UPDATE of send rows; returns how many were changed."""
	table = DocType(SEND)
	query = frappe.qb.update(table).where(criterion).set(table.modified, now_datetime())
	for key, value in values.items():
		query = query.set(table[key], value)
	query.run()
	return frappe.db._cursor.rowcount


def _show_progress(run: _Run, force: bool = False) -> None:
	if run.on_progress and (force or time.monotonic() - run.last_progress >= _PROGRESS_SECONDS):
		run.last_progress = time.monotonic()
		run.on_progress(run.done, run.total)


def _worker_name() -> str:
	"""`host/process/its start/random`: tells whether the process still lives, and is never used twice."""
	process = psutil.Process()
	return f"{socket.gethostname()[:60]}/{os.getpid()}/{process.create_time():.0f}/{frappe.generate_hash(length=8)}"


def _alive(worker: str) -> bool:
	"""May the worker still be at work? False only where its process on this machine is certainly gone."""
	host, _sep, rest = worker.partition("/")
	parts = rest.split("/")
	if host != socket.gethostname()[:60] or len(parts) != 3:
		return True
	try:
		return f"{psutil.Process(int(parts[0])).create_time():.0f}" == parts[1]
	except psutil.NoSuchProcess:
		return False

"""Send the due emails of campaigns, clear up after workers that died, and queue the jobs that do so.

Writes no record itself; `sends.store` changes the sends. `worker` explains how a message is sent exactly
once. If a worker dies, the rows that it had claimed were not sent and are free again. The row in Sending
may have been sent: it becomes Uncertain, is shown, and is sent again only if a user decides so.

Frappe's Email Queue is not used: it may send a row twice, forgets rows after 30 days, and shares its order
with the emails of the site. If emails are muted, or sending is suspended on the site, nothing is claimed.
"""

import os
import socket
import time
from collections.abc import Callable
from typing import Any

import frappe
import psutil
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import add_to_date, escape_html, getdate, now_datetime
from markupsafe import Markup

from crm_relations.campaigns import rules, working_hours
from crm_relations.campaigns.content import attachments
from crm_relations.campaigns.email.worker import Worker
from crm_relations.campaigns.manual import call_list
from crm_relations.campaigns.members import ab_test
from crm_relations.campaigns.sends import store
from crm_relations.campaigns.sends.store import count_due
from crm_relations.campaigns.sends.transitions import TRANSITIONS
from crm_relations.campaigns.states import (
	STEP_TYPES,
	CampaignStatus,
	ConsentEvent,
	SendState,
	StepType,
	Variant,
)
from crm_relations.campaigns.transport import account_pauses, accounts
from crm_relations.shared import live_site
from crm_relations.shared.jobs.single_job import enqueue_once
from crm_relations.shared.refusals import refuse, refuse_all

SEND = store.SEND

#: seconds that one job works before it hands over to the next
_JOB_SECONDS = 20 * 60
#: jobs of one kind and campaign that the queue may hold or believe to be running
_SLOTS = 10


def send(
	campaign: str,
	on_progress: Callable[[int, int], None] | None = None,
	*,
	seconds: float | None = None,
) -> dict:
	"""Send what is due of a running campaign; commits. Any number of workers may do so at once.

	:param on_progress: called with (messages done, messages due at the beginning).
	:param seconds: stop after this time; what is left stays for the next call.
	:return: counts of this call: `sent`, `failed`, `suppressed`, `uncertain`, `retry` (deferred by the
		server); `pending` still due; `stopped`: why it ended early, or an empty string.
	:raises frappe.ValidationError: the campaign is a draft, or has no account to send from.
	"""
	frappe.db.commit()
	doc = frappe.get_doc("Relation Campaign", campaign)
	if doc.status == CampaignStatus.DRAFT:
		refuse(_("Campaign {0} is a draft. Start it first"), doc.name)
	counts = dict.fromkeys(("sent", "failed", "suppressed", "uncertain", "retry"), 0)
	counts["uncertain"] += settle(campaign)
	stopped = _hindrance(doc)
	if not stopped:
		counts["suppressed"] += call_list.suppress(doc)
		ab_test.decide(doc)
		frappe.db.commit()
	due = count_due(campaign)
	if due and not stopped:
		stopped = _work(doc, counts, due, on_progress, seconds)
	return {"campaign": doc.name, **counts, "pending": count_due(campaign), "stopped": stopped}


def settle(campaign: str | None = None) -> int:
	"""Clear up after workers that died: free their claims, and make rows in Sending Uncertain. Commits.

	A worker of this machine is dead if its process is gone; one of another machine if it has been silent
	for rules.LOCK_SECONDS.

	:return: number of rows that became Uncertain.
	"""
	uncertain = 0
	oldest = add_to_date(now_datetime(), seconds=-rules.LOCK_SECONDS)
	for worker, last_seen in store.holders(campaign):
		if _alive(worker) and last_seen > oldest:
			continue
		uncertain += store.free(worker, dead=True)
		frappe.db.commit()
	return uncertain


def requeue(send_name: str) -> None:
	"""Plan an uncertain or failed message again: a user has found that it did not arrive."""
	store.requeue(send_name, _check_decidable(send_name, "requeue"))


def confirm(send_name: str) -> None:
	"""Mark an uncertain message as sent: a user has found that it did arrive."""
	store.confirm_sent(send_name, _check_decidable(send_name, "confirm_sent"))


def suppress_withdrawn(consent_event: Document) -> None:
	"""Suppress planned sends that a withdrawal forbids, also rows that a worker has claimed."""
	if consent_event.event != ConsentEvent.WITHDRAWN:
		return
	step_type = STEP_TYPES[consent_event.channel]
	table, campaign = DocType(SEND), DocType("Relation Campaign")
	rows = (
		frappe.qb.from_(table)
		.join(campaign)
		.on(campaign.name == table.campaign)
		.select(table.name, campaign.purpose)
		.where(
			table.relation == consent_event.relation
			if consent_event.address_key == rules.ALL_ADDRESSES
			else table.recipient == consent_event.address_key
		)
		.where((table.state == SendState.PENDING) & (table.step_type == step_type))
		.run()
	)
	names = [name for name, purpose in rows if rules.same_purpose(consent_event.purpose, purpose)]
	store.suppress(names, rules.WITHDRAWN, consent_event.name)


# --- jobs -----------------------------------------------------------------------------------------------


def send_due_campaigns() -> None:
	"""Queue the sending of what is due in running campaigns, and clear up after dead workers. Run by the
	scheduler.
	"""
	settle()
	table, campaign = DocType(SEND), DocType("Relation Campaign")
	names = (
		frappe.qb.from_(table)
		.join(campaign)
		.on(campaign.name == table.campaign)
		.select(table.campaign)
		.distinct()
		.where(
			(campaign.status == CampaignStatus.RUNNING)
			& (table.state == SendState.PENDING)
			& (table.due_on <= getdate())
		)
		.where(table.retry_at.isnull() | (table.retry_at <= now_datetime()))
		.where(
			(table.step_type == StepType.EMAIL)
			| ((table.step_type == StepType.CALL) & table.legal_basis.isnull())
		)
		.where(table.variant.isnull() | (table.variant != Variant.WAITING))
		.run(pluck=True)
	)
	at_work = _campaigns_at_work()
	paused = account_pauses.in_force()
	for name in names:
		campaign = frappe.get_cached_doc("Relation Campaign", name)
		account = accounts.account_of(campaign) if paused else None
		waits = bool(account) and account.name in paused
		if name not in at_work and not waits and not working_hours.closed(campaign):
			enqueue(name)


def _campaigns_at_work() -> set[str]:
	"""Return the campaigns with rows that a worker holds; after `settle` these workers are alive."""
	table = DocType(SEND)
	held = table.worker.isnotnull() & table.state.isin((SendState.PENDING, SendState.SENDING))
	return set(frappe.qb.from_(table).select(table.campaign).distinct().where(held).run(pluck=True))


def enqueue(campaign: str) -> None:
	"""Queue a job that sends what is due, unless one waits already."""
	enqueue_job(send_job, campaign, _JOB_SECONDS + 10 * 60)


def enqueue_job(method: Callable[..., Any], campaign: str, timeout: int, **arguments: Any) -> None:
	"""Queue a job of a campaign unless one waits already. More than one at work does no harm.

	:param timeout: seconds
	"""
	enqueue_once(method, campaign, slots=_SLOTS, timeout=timeout, campaign=campaign, **arguments)


def send_job(campaign: str) -> dict:
	"""Send for a while, show progress in the form, and queue another job if more is due. Runs in the
	background.
	"""
	result = send(campaign, _publish(campaign), seconds=_JOB_SECONDS)
	publish(campaign, done=True)
	if result["pending"] and not result["stopped"]:
		enqueue(campaign)
	return result


def publish(campaign: str, **message) -> None:
	"""Notify open forms of the campaign that figures have changed."""
	frappe.publish_realtime(
		"relation_campaign_progress",
		{"campaign": campaign, **message},
		doctype="Relation Campaign",
		docname=campaign,
	)


def _publish(campaign: str) -> Callable[[int, int], None]:
	return lambda done, total: publish(campaign, sent=done, total=total)


# --- details ---------------------------------------------------------------------------------------------


def _hindrance(campaign: Document) -> str:
	"""Return why nothing may be sent now; empty if sending is allowed."""
	if campaign.status != CampaignStatus.RUNNING:
		return _("The campaign is {0}").format(_(campaign.status))
	if reason := accounts.held_back():
		return reason
	account = accounts.account_of(campaign)
	if account and (reason := account_pauses.reason_for(account.name)):
		return reason
	return working_hours.closed(campaign)


def _work(doc: Document, counts: dict, due: int, on_progress, seconds: float | None) -> str:
	"""Send what is due with one worker; returns why it stopped early."""
	if problems := [*map(escape_html, accounts.check(doc)), *attachments.check_all(doc)]:
		refuse_all(map(Markup, problems))
	live_site.remember()
	frappe.db.commit()
	worker = Worker(
		campaign=doc,
		account=accounts.account_of(doc),
		name=_worker_name(),
		counts=counts,
		total=due,
		on_progress=on_progress,
		until=time.monotonic() + seconds if seconds else None,
	)
	return worker.run()


def _check_decidable(send_name: str, transition: str) -> str:
	"""Lock a row and refuse a decision that its state does not allow; returns the note of the decision."""
	allowed = TRANSITIONS[transition].sources
	state = frappe.db.get_value(SEND, send_name, "state", for_update=True)
	if state not in allowed:
		refuse(
			_("State: {0} is {1}; only {2} can be decided"),
			send_name,
			_(state) if state else _("missing"),
			", ".join(_(one) for one in SendState if one in allowed),
		)
	return f"Decided by {frappe.session.user}"


def _worker_name() -> str:
	"""Return `host/process/its start/random`: shows whether the process is alive, and is never used twice."""
	process = psutil.Process()
	return f"{socket.gethostname()[:60]}/{os.getpid()}/{process.create_time():.0f}/{frappe.generate_hash(length=8)}"


def _alive(worker: str) -> bool:
	"""Return whether the worker may still be at work. False only if its process on this machine is certainly gone.

	A zombie counts as gone: in a container, a killed process may stay one for good.
	"""
	host, _sep, rest = worker.partition("/")
	parts = rest.split("/")
	if host != socket.gethostname()[:60] or len(parts) != 3:
		return True
	try:
		process = psutil.Process(int(parts[0]))
		if process.status() == psutil.STATUS_ZOMBIE:
			return False
		return f"{process.create_time():.0f}" == parts[1]
	except psutil.NoSuchProcess:
		return False

"""Run the call list: users reserve the calls of a campaign and record their outcome.

Writes no record itself: `sends.store` changes the calls, `responses` and `decisions` add what was said. No
other user gets a reserved call until it is recorded, released, or the reservation has expired.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import Case, DocType
from frappe.query_builder.functions import Coalesce, Max
from frappe.utils import add_days, add_to_date, cint, format_datetime, get_datetime, getdate, now_datetime
from pypika import Order
from pypika.functions import NullIf
from pypika.queries import QueryBuilder
from pypika.terms import Criterion

from crm_relations.campaigns import rules, working_hours
from crm_relations.campaigns.consents import decisions as consent
from crm_relations.campaigns.content import composer, templates
from crm_relations.campaigns.eligibility import check
from crm_relations.campaigns.incoming import responses
from crm_relations.campaigns.sends import store
from crm_relations.campaigns.states import (
	CallAnswer,
	CampaignStatus,
	Channel,
	ConsentEvent,
	ResponseType,
	SendState,
	StepType,
)
from crm_relations.shared.access.permissions import readable
from crm_relations.shared.refusals import refuse

SEND = store.SEND
RESERVED_MINUTES = 15
#: the clock of the user may be behind, and a call takes its time
_GRACE_MINUTES = 5
_CHUNK = 1000
_LOOKED_AT = 20


def next_calls(campaign: str, limit: int = 20) -> list[dict]:
	"""Return the members to be called next: calls promised for this time, then by attempts and expected value.

	:return: rows with `send`, `member`, `relation`, `relation_name`, `city`, `phone`, `step_title`,
		`script` (HTML, merge fields filled in), `attempts`, `max_tries`, `due_on`, `legal_basis`, `points`,
		`last_response`, `assigned_to`, `reserved_by` (another user, for now). Members that may not be called are left out.
	"""
	doc = frappe.get_doc("Relation Campaign", campaign)
	if doc.status != CampaignStatus.RUNNING or working_hours.closed(doc):
		return []
	query = _open_rows(campaign)
	return _allowed(doc, query.limit(limit).run(as_dict=True)) if query else []


def reserve(campaign: str, skipped: Collection[str] = ()) -> tuple[dict | None, str]:
	"""Reserve the next call for the session's user, for RESERVED_MINUTES. The caller commits.

	Rows that the user may not read, that other users have reserved or that are locked at this moment are skipped.
	Members that the campaign leaves out by now are suppressed.

	:param skipped: rows that the user does not want now
	:return: the call as in `next_calls`, or None and the reason
	"""
	doc = frappe.get_doc("Relation Campaign", campaign)
	if doc.status != CampaignStatus.RUNNING:
		return None, _("The campaign is {0}").format(_(doc.status))
	if reason := working_hours.closed(doc):
		return None, reason
	send = DocType(SEND)
	query = _open_rows(campaign, skipped)
	while query and (names := query.limit(_LOOKED_AT).run(pluck=True)):
		for name in names:
			row = _lock(name)
			if not row or not _is_free(row):
				continue
			calls = _allowed(doc, _open_rows(campaign).where(send.name == name).run(as_dict=True), final=True)
			if calls:
				until = add_to_date(now_datetime(), minutes=RESERVED_MINUTES)
				store.reserve(name, frappe.session.user, until)
				return {**calls[0], "reserved_until": str(until)}, ""
		skipped = {*skipped, *names}
		query = _open_rows(campaign, skipped)
	return None, _("No calls are due.")


def release(send: str) -> None:
	"""Release a call that the session's user has reserved; one that another user has by now stays reserved."""
	store.release(send, frappe.session.user)


def suppress(campaign: Document) -> int:
	"""Look up consent for calls that have become due, once: store the basis, or suppress the call.

	A later withdrawal suppresses its calls itself (`dispatch.suppress_withdrawn`).

	:return: number of suppressed calls
	"""
	taken_off = 0
	while rows := _unchecked_rows(campaign.name):
		decisions = consent.decide_for(campaign, rows, Channel.PHONE)
		refused = check.evaluate(campaign, rows).refused
		taken_off += store.decide(
			{
				row.name: rules.Decision(False, reason=refused[row.name])
				if row.name in refused
				else decisions[row.recipient]
				for row in rows
			}
		)
	return taken_off


def complete(
	send: str,
	answer: str,
	note: str | None = None,
	call_again_at: datetime | str | None = None,
	do_not_call: bool = False,
) -> str:
	"""Record the outcome of a call; returns the name of the response. The caller has checked permission.

	A callback stays on the list until its day and time, which are required. A call that reached no person
	is repeated at `call_again_at`, or tomorrow, for as many attempts as the step allows.

	:param answer: one of rules.CALL_ANSWERS.
	:param do_not_call: the person objects to calls: recorded as a withdrawal, which holds for all campaigns
	"""
	if answer not in rules.CALL_ANSWERS:
		refuse(_("Answer: {0} is not known. Choose one of {1}"), answer, ", ".join(rules.CALL_ANSWERS))
	again = _moment_of_next_call(answer, call_again_at) if not do_not_call else None
	row = frappe.db.get_value(
		SEND,
		send,
		[
			"name",
			"campaign",
			"member",
			"relation",
			"step",
			"step_type",
			"state",
			"recipient",
			"attempts",
			"reserved_by",
			"reserved_until",
			"legal_basis",
		],
		as_dict=True,
		for_update=True,
	)
	if not row:
		refuse(_("Relation Campaign Send {0} does not exist"), send, exception=frappe.DoesNotExistError)
	if row.step_type != StepType.CALL or row.state != SendState.PENDING:
		frappe.throw(_("This call is no longer open; another user may have recorded it. Reload the list"))
	if not _is_free(row):
		refuse(_("This call is reserved by {0}"), row.reserved_by)
	if frappe.db.get_value("Relation Campaign", row.campaign, "status") not in (
		CampaignStatus.RUNNING,
		CampaignStatus.PAUSED,
	):
		refuse(_("Campaign {0} is not running"), row.campaign)
	if not row.legal_basis:
		store.note_basis(send, _decision(row))
	_close(row, answer, again, final=do_not_call)
	if do_not_call:
		consent.record(
			row.relation,
			row.recipient,
			Channel.PHONE,
			ConsentEvent.WITHDRAWN,
			source="Said on the telephone",
			proof=send,
		)
	return responses.record(row.member, ResponseType.CALL, answer, send=send, note=note)


def _close(row: frappe._dict, answer: str, again: datetime | None, final: bool) -> None:
	"""Complete a call that was made, or keep it on the list for another attempt.

	:param final: no other attempt, whatever the answer
	"""
	attempts = (row.attempts or 0) + 1
	most = cint(frappe.db.get_value("Relation Campaign Step", row.step, "max_tries")) or rules.MAX_ATTEMPTS
	if final or answer not in (CallAnswer.NOT_REACHED, CallAnswer.CALL_BACK):
		store.complete_call(row.name, attempts)
	elif answer == CallAnswer.NOT_REACHED and attempts >= most and not again:
		store.complete_call(row.name, attempts, "Not reached")
	else:
		store.postpone_call(row.name, attempts, getdate(again) if again else add_days(getdate(), 1), again)


def _moment_of_next_call(answer: str, said: datetime | str | None) -> datetime | None:
	"""Return when to call again; None if no time was agreed, or the answer leads to no further call."""
	if answer not in (CallAnswer.CALL_BACK, CallAnswer.NOT_REACHED):
		return None
	if not said:
		if answer == CallAnswer.CALL_BACK:
			frappe.throw(_("Call Again: enter the day and the time that were agreed."))
		return None
	try:
		moment = get_datetime(said)
	except ValueError:
		refuse(_("Call Again: {0} is not a date with a time."), said)
	if ":" not in str(said):
		frappe.throw(_("Call Again: enter a time of day with the date."))
	if moment < add_to_date(now_datetime(), minutes=-_GRACE_MINUTES):
		refuse(_("Call Again: {0} lies in the past."), format_datetime(moment))
	return moment


def _decision(row: frappe._dict) -> rules.Decision:
	"""Return the basis of a call that was made without a reservation, before the scheduler looked it up."""
	kinds = frappe.db.get_value(
		"Relation", row.relation, ["relation_kind", "market_orientation"], as_dict=True
	)
	campaign = frappe.get_doc("Relation Campaign", row.campaign)
	return consent.decide_for(campaign, [frappe._dict(row, **(kinds or {}))], Channel.PHONE)[row.recipient]


def _lock(name: str) -> frappe._dict | None:
	"""Lock a row until the transaction ends and return it; None if another transaction has locked it."""
	send = DocType(SEND)
	rows = (
		frappe.qb.from_(send)
		.select(send.name, send.state, send.reserved_by, send.reserved_until)
		.where((send.name == name) & (send.state == SendState.PENDING))
		.for_update(skip_locked=True)
		.run(as_dict=True)
	)
	return rows[0] if rows else None


def _is_free(row: frappe._dict) -> bool:
	"""Return whether a call is not reserved, reserved by the session's user, or its reservation has expired."""
	if not row.reserved_by or row.reserved_by == frappe.session.user:
		return True
	return not row.reserved_until or row.reserved_until <= now_datetime()


def _open_rows(campaign: str, skipped: Collection[str] = ()) -> QueryBuilder | None:
	"""Return a query of the due calls that the session's user may read, in the order of calling.

	Promised calls come first, then calls of the user, then calls without a user, then calls of other users.

	The expected value of a call is the points of the member by its average order of 24 months (Relation Facts);
	without orders, the points.
	"""
	send, member, relation = (DocType(name) for name in (SEND, "Relation Campaign Member", "Relation"))
	facts = DocType("Relation Facts")
	query = readable(frappe.qb.from_(send), SEND)
	if query is None:
		return None
	average = Max(facts.revenue_24_months / NullIf(facts.orders_24_months, 0))
	orders = (
		frappe.qb.from_(facts).select(facts.relation, average.as_("average")).groupby(facts.relation)
	).as_("orders")
	now = now_datetime()
	promised = send.retry_at.isnotnull() & (send.attempts > 0)
	mine, of_another = send.assigned_to == frappe.session.user, send.assigned_to != frappe.session.user
	query = (
		query.join(member)
		.on(member.name == send.member)
		.left_join(relation)
		.on(relation.name == send.relation)
		.left_join(orders)
		.on(orders.relation == send.relation)
		.select(
			send.name,
			send.member,
			send.relation,
			send.step,
			send.step_type,
			send.recipient,
			send.attempts,
			send.due_on,
			send.reserved_by,
			send.reserved_until,
			send.assigned_to,
			member.points,
			member.last_response,
			relation.relation_name,
			relation.relation_kind,
			relation.market_orientation,
			relation.first_name,
			relation.last_name,
			relation.salutation,
			relation.language,
			relation.city,
		)
		.where(_due(send, campaign) & (send.retry_at.isnull() | (send.retry_at <= now)))
		.orderby(Case().when(of_another, 3).when(promised, 0).when(mine, 1).else_(2))
		.orderby(send.attempts)
		.orderby((Coalesce(member.points, 0) + 1) * Coalesce(orders.average, 1), order=Order.desc)
		.orderby(send.due_on, send.name)
	)
	return query.where(send.name.notin(sorted(skipped))) if skipped else query


def _allowed(campaign: Document, rows: list[frappe._dict], final: bool = False) -> list[dict]:
	"""Return the calls of members that may be called, as the desk shows them.

	:param final: they are called now: store the basis, and suppress the others with the reason
	"""
	decisions = consent.decide_for(campaign, rows, Channel.PHONE)
	verdict = check.evaluate(campaign, rows) if final else check.Verdict()
	if final:
		store.decide(
			{row.name: decisions[row.recipient].unless(verdict.refused.get(row.name, "")) for row in rows}
		)
	steps = {step.name: step for step in campaign.steps}
	return [
		_shown(row, steps.get(row.step), decisions[row.recipient])
		for row in rows
		if decisions[row.recipient].allowed
		and row.name not in verdict.refused
		and row.name not in verdict.later
	]


def _due(send: Any, campaign: str) -> Criterion:
	"""Return the criterion of calls on the list of today."""
	return (
		(send.campaign == campaign)
		& (send.state == SendState.PENDING)
		& (send.step_type == StepType.CALL)
		& (send.due_on <= getdate())
	)


def _unchecked_rows(campaign: str) -> list[frappe._dict]:
	send, relation = DocType(SEND), DocType("Relation")
	return (
		frappe.qb.from_(send)
		.left_join(relation)
		.on(relation.name == send.relation)
		.select(
			send.name,
			send.member,
			send.step,
			send.step_type,
			send.recipient,
			send.relation,
			relation.relation_kind,
			relation.market_orientation,
		)
		.where(_due(send, campaign) & send.legal_basis.isnull())
		.limit(_CHUNK)
		.run(as_dict=True)
	)


def _shown(row: frappe._dict, step: Document | None, decision: rules.Decision) -> dict:
	try:
		script = templates.render_html((step and step.call_script) or "", composer.merge_fields(row))
	except templates.TemplateError as e:
		script = frappe.utils.escape_html(_("The script cannot be shown: {0}").format(e))
	return {
		"send": row.name,
		"member": row.member,
		"relation": row.relation,
		"relation_name": row.relation_name,
		"city": row.city,
		"phone": row.recipient,
		"step_title": step.title if step else "",
		"script": script,
		"attempts": row.attempts or 0,
		"max_tries": cint(step.max_tries if step else 0) or rules.MAX_ATTEMPTS,
		"reserved_by": "" if _is_free(row) else row.reserved_by,
		"assigned_to": row.assigned_to or "",
		"due_on": str(row.due_on),
		"legal_basis": decision.legal_basis,
		"points": row.points or 0,
		"last_response": str(row.last_response or ""),
	}

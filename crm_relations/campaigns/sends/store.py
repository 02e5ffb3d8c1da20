"""Carry out the transitions of sends: plan, claim, begin, mark as sent, suppress, reserve, complete and more.

Sole writer of `Relation Campaign Send`. Also writes the status of Communications, and deletes those of
emails that did not leave.

Each transition changes only rows in a state that allows it (`transitions`), sets `modified`, and returns
the number of changed rows. A transition of one row by name raises `IllegalTransition` if the state does not
allow it. Transitions in the hands of a worker do not raise: another process may have taken the row over,
and each of them may be repeated.

SQL that runs for each message is constant: building it costs more than running it.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from typing import Any

import frappe
from frappe.query_builder import Case, DocType
from frappe.query_builder.functions import Count, Max
from frappe.query_builder.terms import ParameterizedValueWrapper as Value
from frappe.utils import create_batch, getdate, now_datetime
from pypika.terms import Criterion, Term

from crm_relations.campaigns.rules import Decision
from crm_relations.campaigns.sends.transitions import TRANSITIONS
from crm_relations.campaigns.states import CampaignStatus, SendState, StepType, Variant
from crm_relations.shared import table_rows
from crm_relations.shared.states import transitions
from crm_relations.shared.states.transitions import IllegalTransition
from crm_relations.shared.text.outside_text import plain_values

SEND = "Relation Campaign Send"

#: what a message rests on, stored before the first message of a chunk leaves
PREPARED_FIELDS = frozenset(
	{"token", "links", "legal_basis", "consent", "basis_proof", "message_id", "communication"}
)
_CHUNK = 1000
#: states of a row that a worker holds
_HELD = (SendState.PENDING, SendState.SENDING)


# --- planning -------------------------------------------------------------------------------------------


def plan(
	source: Callable[[Any], Any],
	*,
	campaign: str,
	step: str,
	step_type: str,
	member: Term,
	relation: Term,
	address: Term,
	recipient: Term | str,
	no_address: str,
	due_on: str,
	not_before: str | None,
) -> int:
	"""Insert a row for each row of a query; returns the number of new rows.

	A row without an address is suppressed at once.

	:param source: adds FROM, JOIN and WHERE to the INSERT … SELECT
	:param no_address: the reason of a row without an address
	"""
	empty = address == ""
	return table_rows.insert_select(
		SEND,
		relation,
		{
			"campaign": campaign,
			"member": member,
			"relation": relation,
			"step": step,
			"step_type": step_type,
			"state": Case().when(empty, SendState.SUPPRESSED).else_(SendState.PENDING),
			"due_on": due_on,
			"retry_at": not_before,
			"recipient": recipient,
			"reason": Case().when(empty, no_address).else_(""),
			"attempts": 0,
		},
		source,
	)


def readdress(addresses: Mapping[str, str]) -> int:
	"""Set new addresses of planned rows. Consent is looked up again, for the new address.

	:param addresses: name of a row → its address; a row that was suppressed for want of one is planned again
	"""
	empty = {"reason": "", "legal_basis": None, "consent": None}
	return _write_each("readdress", {name: {"recipient": to, **empty} for name, to in addresses.items()})


def remove_address(names: Collection[str], reason: str) -> int:
	"""Suppress rows that no longer have an address."""
	return _write_named("remove_address", names, recipient="", reason=reason)


def draw_variant(names: Collection[str], variant: str) -> int:
	"""Give planned emails of an A/B test their variant, or let them wait for the winner."""
	return _write_named("draw_variant", names, variant=variant)


def settle_variant(step: str, winner: str) -> int:
	"""Give the winner of an A/B test to the emails of a step that waited for it."""
	send = DocType(SEND)
	return _write(
		"settle_variant", (send.step == step) & (send.variant == Variant.WAITING), variant=str(winner)
	)


# --- left out by rule or by law ---------------------------------------------------------------------------


def suppress(names: Collection[str], reason: str, consent: str | None = None) -> int:
	"""Suppress pending rows, also rows that a worker has claimed.

	:param consent: the consent event that forbids them
	"""
	values = {"reason": reason} if consent is None else {"reason": reason, "consent": consent}
	return _write_named("suppress", names, **values)


def suppress_members(members: Collection[str], reason: str) -> int:
	"""Suppress the pending rows of members, except rows that a worker has claimed."""
	send = DocType(SEND)
	return sum(
		_write("suppress", send.member.isin(chunk) & send.worker.isnull(), reason=reason)
		for chunk in create_batch(list(members), _CHUNK)
	)


def suppress_campaign(campaign: str, reason: str) -> dict[str, int]:
	"""Suppress the pending rows of a campaign, except printed letters; returns their number by step type."""
	send = DocType(SEND)
	rows = (send.campaign == campaign) & send.print_run.isnull()
	found = dict(
		frappe.qb.from_(send)
		.select(send.step_type, Count("*"))
		.where(rows & (send.state == SendState.PENDING))
		.groupby(send.step_type)
		.run()
	)
	if found:
		_write("suppress", rows, reason=reason)
	return found


def decide(decisions: Mapping[str, Decision]) -> int:
	"""Store what pending calls and letters rest on, and suppress those that are not allowed.

	:param decisions: name of a row → the decision on its address
	:return: number of suppressed rows
	"""
	basis = {
		name: {
			"legal_basis": decision.legal_basis,
			"consent": decision.consent or None,
			"reason": "" if decision.allowed else decision.reason,
		}
		for name, decision in decisions.items()
	}
	_write_each("allow", {name: basis[name] for name, one in decisions.items() if one.allowed})
	return _write_each("refuse", {name: basis[name] for name, one in decisions.items() if not one.allowed})


# --- emails in the hands of a worker ------------------------------------------------------------------------


def due(table: Any, campaign: str) -> Criterion:
	"""Return the criterion of emails that could be sent now."""
	return (
		(table.campaign == campaign)
		& (table.state == SendState.PENDING)
		& (table.step_type == StepType.EMAIL)
		& (table.due_on <= getdate())
		& (table.retry_at.isnull() | (table.retry_at <= now_datetime()))
		& (table.variant.isnull() | (table.variant != Variant.WAITING))
	)


def count_due(campaign: str) -> int:
	"""Count the emails that could be sent now."""
	table = DocType(SEND)
	return frappe.qb.from_(table).select(Count("*")).where(due(table, campaign)).run()[0][0]


def count_claimable(campaign: str) -> int:
	"""Count the emails that could be sent now and that no worker holds."""
	table = DocType(SEND)
	free_rows = due(table, campaign) & table.worker.isnull()
	return frappe.qb.from_(table).select(Count("*")).where(free_rows).run()[0][0]


def claim(campaign: str, worker: str, size: int, full_domains: Collection[str] = ()) -> list[str]:
	"""Claim the next due emails that no worker holds, oldest first; returns their names. The caller commits.

	:param full_domains: domains that get no more messages at this time
	"""
	table = DocType(SEND)
	query = (
		frappe.qb.from_(table)
		.select(table.name)
		.where(due(table, campaign) & table.worker.isnull())
		.orderby(table.due_on, table.name)
		.limit(size)
		.for_update(skip_locked=True)
	)
	for domain in sorted(full_domains):
		query = query.where(table.recipient.not_like(f"%@{domain}"))
	names = query.run(pluck=True)
	_write_named("claim", names, worker=worker, claimed_at=now_datetime())
	return names


def prepare(rows: Mapping[str, Mapping[str, Any]]) -> int:
	"""Store what claimed rows rest on, before the first of them leaves.

	:param rows: name of a row → values of PREPARED_FIELDS
	"""
	if unknown := {column for values in rows.values() for column in values} - PREPARED_FIELDS:
		raise IllegalTransition(f"prepare: it may not write {', '.join(sorted(unknown))}")
	return _write_each("prepare", rows)


def begin(name: str, worker: str, campaign: str, again: bool = False) -> bool:
	"""Mark a row as Sending. False: the worker does not hold it any more, or the campaign does not run.

	:param again: the commit of the same call may have succeeded before the connection was lost
	"""
	now = str(now_datetime())
	frappe.db.sql(
		"""UPDATE `tabRelation Campaign Send` SET `state` = %s, `claimed_at` = %s, `modified` = %s, `reason` = ''
		WHERE `name` = %s AND `worker` = %s AND `state` IN %s
		AND EXISTS (SELECT 1 FROM `tabRelation Campaign` WHERE `name` = %s AND `status` = %s)""",
		(
			SendState.SENDING.value,
			now,
			now,
			name,
			worker,
			_sources("begin_again" if again else "begin"),
			campaign,
			CampaignStatus.RUNNING.value,
		),
	)
	return frappe.db._cursor.rowcount > 0


def mark_sent(name: str, worker: str, sent_at: str, identity: str = "") -> int:
	"""Mark a row as Sent: the server has accepted the message. Also corrects a row that another process made Uncertain.

	:param identity: the server's name for the message
	"""
	frappe.db.sql(
		"""UPDATE `tabRelation Campaign Send` SET `state` = %s, `reason` = '', `sent_at` = %s, `modified` = %s,
		`retry_at` = NULL, `service_id` = %s
		WHERE `name` = %s AND `worker` = %s AND `state` IN %s""",
		(SendState.SENT.value, sent_at, sent_at, identity or None, name, worker, _sources("mark_sent")),
	)
	return frappe.db._cursor.rowcount


def mark_failed(name: str, worker: str, reason: str, attempts: int | None = None) -> int:
	"""Mark a row of the worker as Failed: the server refuses the message, or it cannot be composed.

	:param attempts: times that the server has refused it for now; None: not changed
	"""
	values = {} if attempts is None else {"attempts": attempts}
	return _write("mark_failed", _held_by(worker, name), reason=reason, **values)


def mark_uncertain(name: str, worker: str, reason: str) -> int:
	"""Mark a row of the worker as Uncertain: the connection was lost before the server answered."""
	return _write("mark_uncertain", _held_by(worker, name), reason=reason)


def leave_out(name: str, worker: str, reason: str, consent: str | None = None) -> int:
	"""Suppress a row that the worker holds."""
	return _write(
		"leave_out", _held_by(worker, name), reason=reason, **({"consent": consent} if consent else {})
	)


def put_back(
	names: Collection[str],
	worker: str,
	*,
	reason: str | None = None,
	retry_at: datetime | None = None,
	attempts: int | None = None,
) -> int:
	"""Make rows of the worker Pending and free, as they were certainly not sent, and delete their Communications.

	:param reason: why they wait; None: not changed, as with the other two
	"""
	if not names:
		return 0
	table = DocType(SEND)
	rows = table.name.isin(list(names)) & (table.worker == worker)
	_forget_communications(rows & table.state.isin(_HELD))
	values = {"reason": reason, "retry_at": retry_at, "attempts": attempts}
	values = {column: value for column, value in values.items() if value is not None}
	return _write("put_back", rows, worker=None, claimed_at=None, **values)


def free(worker: str, dead: bool = False) -> int:
	"""Free all rows of a worker that has ended; returns how many of them became Uncertain.

	:param dead: its process was killed: the row in Sending may have left
	"""
	table = DocType(SEND)
	mine = table.worker == worker
	# Two processes may clear up after one worker. The second one must see what the first has done, and not
	# what its own transaction has read before: all reads here lock.
	uncertain = 0
	if dead:
		uncertain = _lose(mine)
	names = (
		frappe.qb.from_(table)
		.select(table.name)
		.where(mine & table.state.isin(_HELD))
		.for_update()
		.run(pluck=True)
	)
	put_back(names, worker)
	# a withdrawal has suppressed rows that were held: their Communications are deleted as well
	_forget_communications(mine & (table.state == SendState.SUPPRESSED))
	_write("release_suppressed", mine, worker=None, communication=None)
	return uncertain


def holders(campaign: str | None = None) -> list[tuple[str, datetime]]:
	"""Return the workers that hold rows, and the time of the last claim or message of each."""
	table = DocType(SEND)
	query = (
		frappe.qb.from_(table)
		.select(table.worker, Max(table.claimed_at))
		.where(table.state.isin(_HELD) & table.worker.isnotnull())
		.groupby(table.worker)
	)
	if campaign:
		query = query.where(table.campaign == campaign)
	return query.run()


# --- a user decides -----------------------------------------------------------------------------------------


def requeue(name: str, note: str) -> None:
	"""Plan an uncertain or failed row again, as the message did not arrive.

	:raises IllegalTransition: the row is neither
	"""
	communication = frappe.db.get_value(SEND, name, "communication", for_update=True)
	_write_one(
		"requeue",
		name,
		attempts=0,
		worker=None,
		claimed_at=None,
		retry_at=None,
		communication=None,
		reason=note,
	)
	delete_communications([communication] if communication else [])


def confirm_sent(name: str, note: str) -> None:
	"""Mark an uncertain row as Sent, as the message did arrive.

	:raises IllegalTransition: the row is not Uncertain
	"""
	_write_one("confirm_sent", name, reason=note)
	communication = frappe.db.get_value(SEND, name, "communication")
	mark_communications([communication] if communication else [], "Sent")


# --- calls, letters and tasks ---------------------------------------------------------------------------------


def assign(users: Mapping[str, str]) -> int:
	"""Assign pending calls to users: name of a row → user."""
	return _write_each("assign", {name: {"assigned_to": user} for name, user in users.items()})


def note_basis(name: str, decision: Decision) -> None:
	"""Store the basis of a call that was made before its consent was looked up.

	:raises IllegalTransition: the call is not pending
	"""
	_write_one("allow", name, legal_basis=decision.legal_basis or None, consent=decision.consent or None)


def reserve(name: str, user: str, until: datetime) -> None:
	"""Reserve a call for a user.

	:raises IllegalTransition: the call is not pending
	"""
	_write_one("reserve", name, reserved_by=user, reserved_until=until)


def release(name: str, user: str) -> int:
	"""Release a call that the user has reserved. Returns 0 if it is not reserved by the user."""
	send = DocType(SEND)
	rows = (send.name == name) & (send.reserved_by == user)
	return _write("release", rows, reserved_by=None, reserved_until=None)


def postpone_call(name: str, attempts: int, due_on: date | str, again_at: datetime | None) -> None:
	"""Keep a call on the list for another attempt, and end its reservation.

	:param again_at: time that was agreed; None: at any time of the day `due_on`
	:raises IllegalTransition: the call is not pending
	"""
	_write_one(
		"postpone_call",
		name,
		attempts=attempts,
		due_on=due_on,
		retry_at=again_at,
		sent_at=now_datetime(),
		reserved_by=None,
		reserved_until=None,
	)


def complete_call(name: str, attempts: int, reason: str | None = None) -> None:
	"""Close a call that was made, and end its reservation.

	:raises IllegalTransition: the call is not pending
	"""
	values = {} if reason is None else {"reason": reason}
	_write_one(
		"complete",
		name,
		attempts=attempts,
		sent_at=now_datetime(),
		reserved_by=None,
		reserved_until=None,
		**values,
	)


def complete_task(name: str, todo: str, user: str) -> None:
	"""Close a task row: the ToDo of the user exists.

	:raises IllegalTransition: the row is not pending
	"""
	_write_one("complete", name, todo=todo, assigned_to=user, sent_at=now_datetime(), reason="")


def wait(name: str, reason: str) -> None:
	"""Note why a task cannot be made yet.

	:raises IllegalTransition: the row is not pending
	"""
	_write_one("wait", name, reason=reason)


def fail(name: str, reason: str) -> None:
	"""Mark a letter or task as Failed: it cannot be made.

	:raises IllegalTransition: the row is not pending
	"""
	_write_one("fail", name, reason=reason)


def print_letters(names: Collection[str], print_run: str) -> int:
	"""Add pending letters to a print run: no other run prints them."""
	return _write_named("print_letters", names, print_run=print_run)


def discard_print(names: Collection[str]) -> int:
	"""Remove pending letters from their print run: they are due again."""
	return _write_named("discard_print", names, print_run=None)


def post_letters(names: Collection[str]) -> int:
	"""Mark printed letters as Sent."""
	return _write_named("post_letters", names, sent_at=now_datetime(), reason="")


# --- Communications of emails ---------------------------------------------------------------------------------


def delete_communications(names: Collection[str]) -> None:
	"""Delete the Communications of emails that did not leave."""
	if names:
		frappe.db.delete("Communication Link", {"parent": ["in", list(names)]})
		frappe.db.delete("Communication", {"name": ["in", list(names)]})


def mark_communications(names: Collection[str], status: str) -> None:
	"""Set the delivery status of Communications."""
	if names:
		table = DocType("Communication")
		frappe.qb.update(table).set(table.delivery_status, status).where(table.name.isin(list(names))).run()


def _lose(rows: Criterion) -> int:
	"""Make rows in Sending uncertain; returns their number."""
	mark_communications(_communications(rows & (DocType(SEND).state == SendState.SENDING)), "Sending")
	return _write("lose", rows, reason="The worker ended while this message was on its way")


def _communications(rows: Criterion) -> list[str]:
	table = DocType(SEND)
	query = frappe.qb.from_(table).select(table.communication).where(rows & (table.communication > ""))
	return query.for_update().run(pluck=True)


def _forget_communications(rows: Criterion) -> None:
	names = _communications(rows)
	if names:
		delete_communications(names)
		_write("forget_communication", rows, communication=None)


# --- the one place that writes --------------------------------------------------------------------------------


def _write(transition: str, rows: Criterion, **values: Any) -> int:
	"""Carry out a transition for the rows in a state that allows it; returns their number."""
	table, target = DocType(SEND), TRANSITIONS[transition].target
	query = frappe.qb.update(table).where(rows & table.state.isin(_sources(transition)))
	query = query.set(table.modified, now_datetime()).set(table.modified_by, frappe.session.user)
	if target:
		query = query.set(table.state, target.value)
	for column, value in plain_values(SEND, values).items():
		query = query.set(table[column], value)
	query.run()
	return frappe.db._cursor.rowcount


def _write_named(transition: str, names: Collection[str], **values: Any) -> int:
	table = DocType(SEND)
	return sum(
		_write(transition, table.name.isin(chunk), **values) for chunk in create_batch(list(names), _CHUNK)
	)


def _write_one(transition: str, name: str, **values: Any) -> None:
	if not _write(transition, DocType(SEND).name == name, **values):
		transitions.check(TRANSITIONS, transition, frappe.db.get_value(SEND, name, "state"), f"{SEND} {name}")


def _write_each(transition: str, rows: Mapping[str, Mapping[str, Any]]) -> int:
	"""Carry out a transition with separate values for each row; returns the number of changed rows."""
	table, changed = DocType(SEND), 0
	for chunk in create_batch(list(rows), _CHUNK):
		cases: dict[str, Case] = {}
		for name in chunk:
			for column, value in plain_values(SEND, rows[name]).items():
				case = cases.setdefault(column, Case())
				cases[column] = case.when(table.name == name, Value(value))
		values = {column: case.else_(table[column]) for column, case in cases.items()}
		changed += _write(transition, table.name.isin(chunk), **values)
	return changed


def _held_by(worker: str, name: str) -> Criterion:
	table = DocType(SEND)
	return (table.name == name) & (table.worker == worker)


def _sources(transition: str) -> tuple[str, ...]:
	return tuple(sorted(state.value for state in TRANSITIONS[transition].sources))

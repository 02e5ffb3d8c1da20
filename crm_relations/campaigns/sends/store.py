"""The rows of the send ledger as workers hold them: claim, begin, close, put back, free.

Works on the e-mail rows of `Relation Campaign Send` for `delivery` and `worker`, and for nobody else. What runs
for each message is written out as a constant statement: building it anew would cost more than running it.
"""

from collections.abc import Collection, Mapping
from typing import Any

import frappe
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count
from frappe.utils import getdate, now_datetime
from pypika.terms import Criterion

from crm_relations.shared.text.outside_text import plain_values

SEND = "Relation Campaign Send"

#: variant of a row that waits for the winner of a test (see ab_test)
WAITING = "Waiting"

#: states of a row that a worker is at
_HELD = ("Pending", "Sending")


def due(table: Any, campaign: str) -> Criterion:
	"""Criterion of e-mail rows that could be sent now."""
	return (
		(table.campaign == campaign)
		& (table.state == "Pending")
		& (table.step_type == "Email")
		& (table.due_on <= getdate())
		& (table.retry_at.isnull() | (table.retry_at <= now_datetime()))
		& (table.variant.isnull() | (table.variant != WAITING))
	)


def count_due(campaign: str) -> int:
	"""E-mails that could be sent now."""
	table = DocType(SEND)
	return frappe.qb.from_(table).select(Count("*")).where(due(table, campaign)).run()[0][0]


def count_claimable(campaign: str) -> int:
	"""Of these, those that no worker holds."""
	table = DocType(SEND)
	free_rows = due(table, campaign) & table.worker.isnull()
	return frappe.qb.from_(table).select(Count("*")).where(free_rows).run()[0][0]


def claim(campaign: str, worker: str, size: int, full_domains: Collection[str] = ()) -> list[str]:
	"""Take the next due rows that nobody holds, oldest first. The caller commits.

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
	if names:
		update(table.name.isin(names), worker=worker, claimed_at=now_datetime())
	return names


def prepare(rows: Mapping[str, Mapping[str, Any]]) -> None:
	"""What claimed rows rest on (token, links, basis, Communication …), before the first of them leaves."""
	frappe.db.bulk_update(SEND, dict(rows), chunk_size=len(rows) or 1)


def begin(name: str, worker: str, campaign: str, again: bool = False) -> bool:
	"""Mark a row as Sending. False: it is not the worker's any more, or the campaign does not run.

	:param again: the commit of the same call may have succeeded before the connection was lost
	"""
	now = str(now_datetime())
	frappe.db.sql(
		"""UPDATE `tabRelation Campaign Send` SET `state` = 'Sending', `claimed_at` = %s, `modified` = %s, `reason` = ''
		WHERE `name` = %s AND `worker` = %s AND `state` IN ('Pending', %s)
		AND EXISTS (SELECT 1 FROM `tabRelation Campaign` WHERE `name` = %s AND `status` = 'Running')""",
		(now, now, name, worker, "Sending" if again else "Pending", campaign),
	)
	return frappe.db._cursor.rowcount > 0


def close_sent(name: str, worker: str, sent_at: str, identity: str = "") -> None:
	"""The server has taken the message. Also corrects what another took for uncertain.

	:param identity: what the server calls the message from now on
	"""
	frappe.db.sql(
		"""UPDATE `tabRelation Campaign Send` SET `state` = 'Sent', `reason` = '', `sent_at` = %s, `modified` = %s,
		`retry_at` = NULL, `service_id` = %s
		WHERE `name` = %s AND `worker` = %s AND `state` IN ('Pending', 'Sending', 'Uncertain')""",
		(sent_at, sent_at, identity or None, name, worker),
	)


def close(name: str, worker: str, state: str, **values: Any) -> None:
	"""End of a row that the worker holds."""
	table = DocType(SEND)
	mine = (table.name == name) & (table.worker == worker)
	update(mine & table.state.isin((*_HELD, "Uncertain")), state=state, **values)


def put_back(names: Collection[str], worker: str, **values: Any) -> None:
	"""Rows that have certainly not been sent become Pending and free; their Communications go."""
	if not names:
		return
	table = DocType(SEND)
	mine = table.name.isin(list(names)) & (table.worker == worker) & table.state.isin(_HELD)
	_forget_communications(mine)
	update(mine, state="Pending", worker=None, claimed_at=None, **values)


def free(worker: str, dead: bool = False) -> int:
	"""All rows of a worker that has ended are free again; returns how many of them became Uncertain.

	:param dead: nobody can say whether the one in Sending has left
	"""
	table = DocType(SEND)
	mine = table.worker == worker
	# Two may clear up after one worker. Who comes second must see what the first has done, and not what its
	# transaction has seen before: all reads here lock.
	uncertain = 0
	if dead:
		uncertain = _uncertain(mine & (table.state == "Sending"))
	names = (
		frappe.qb.from_(table)
		.select(table.name)
		.where(mine & table.state.isin(("Pending", "Sending")))
		.for_update()
		.run(pluck=True)
	)
	put_back(names, worker)
	# a withdrawal has reached rows that were held: nothing of them stays in the file either
	_forget_communications(mine & (table.state == "Suppressed") & (table.communication > ""))
	update(mine & (table.state == "Suppressed"), worker=None, communication=None)
	return uncertain


def holders(campaign: str | None = None) -> list[tuple[str, Any]]:
	"""Workers that hold rows, and when each of them last did something."""
	table = DocType(SEND)
	query = (
		frappe.qb.from_(table)
		.select(table.worker, frappe.query_builder.functions.Max(table.claimed_at))
		.where(table.state.isin(_HELD) & table.worker.isnotnull())
		.groupby(table.worker)
	)
	if campaign:
		query = query.where(table.campaign == campaign)
	return query.run()


def update(criterion: Criterion, **values: Any) -> int:
	"""UPDATE of send rows; returns how many were changed."""
	table = DocType(SEND)
	query = frappe.qb.update(table).where(criterion).set(table.modified, now_datetime())
	for key, value in plain_values(SEND, values).items():
		query = query.set(table[key], value)
	query.run()
	return frappe.db._cursor.rowcount


def delete_communications(names: Collection[str]) -> None:
	"""The mails have not left: nothing of them stays in the file."""
	if names:
		frappe.db.delete("Communication Link", {"parent": ["in", list(names)]})
		frappe.db.delete("Communication", {"name": ["in", list(names)]})


def mark_communications(names: Collection[str], status: str) -> None:
	if names:
		table = DocType("Communication")
		frappe.qb.update(table).set(table.delivery_status, status).where(table.name.isin(list(names))).run()


def _uncertain(criterion: Criterion) -> int:
	names = _communications(criterion)
	mark_communications(names, "Sending")
	return update(
		criterion,
		state="Uncertain",
		reason="The worker ended while this message was on its way",
	)


def _communications(criterion: Criterion) -> list[str]:
	table = DocType(SEND)
	query = frappe.qb.from_(table).select(table.communication).where(criterion & (table.communication > ""))
	return query.for_update().run(pluck=True)


def _forget_communications(criterion: Criterion) -> None:
	names = _communications(criterion)
	if names:
		delete_communications(names)
		update(criterion, communication=None)

"""Divide the calls and tasks of a campaign evenly among its responsible users.

Writes no record itself; calls are assigned through `sends.store`. The next row goes to the user with the
fewest rows of the campaign, or to the first in the list among several. Users who are disabled, or away by
Relation Settings, get no rows, and their open calls go to the others.
"""

from collections.abc import Collection, Sequence
from datetime import date

import frappe
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count
from frappe.utils import getdate, now_datetime

from crm_relations.campaigns.sends import store
from crm_relations.campaigns.states import SendState, StepType

_CHUNK = 1000


def responsible(campaign: Document) -> list[str]:
	"""Return the responsible users of a campaign, each once, in their order."""
	named = [campaign.responsible, *(row.user for row in campaign.get("responsible_users") or ())]
	return list(dict.fromkeys(user for user in named if user))


def away(users: Collection[str], on: date | None = None) -> set[str]:
	"""Return the users who are away, by Relation Settings.

	:param on: the day; None: today
	"""
	on = on or getdate()
	return {
		row.user
		for row in frappe.get_cached_doc("Relation Settings").absences
		if row.user in users
		and (not row.from_date or getdate(row.from_date) <= on)
		and (not row.until_date or on <= getdate(row.until_date))
	}


def enabled(users: Collection[str]) -> set[str]:
	"""Return the users who can log in to the desk."""
	if not users:
		return set()
	user = DocType("User")
	return set(
		frappe.qb.from_(user)
		.select(user.name)
		.where(user.name.isin(list(users)) & (user.enabled == 1) & (user.user_type == "System User"))
		.run(pluck=True)
	)


def available(users: Sequence[str]) -> list[str]:
	"""Return the users who can be given work now, in their order."""
	here = enabled(users) - away(users)
	return [user for user in users if user in here]


def divide(campaign: Document, step_type: str, rows: Sequence[str], users: Sequence[str]) -> dict[str, str]:
	"""Return row → user, for rows in their order; empty without users."""
	if not users:
		return {}
	load = _load(campaign.name, step_type, users)
	shared = {}
	for row in rows:
		user = min(users, key=lambda one: (load[one], users.index(one)))
		load[user] += 1
		shared[row] = user
	return shared


def assign_calls(campaign: str) -> int:
	"""Assign due calls that have no available user; returns their number.

	The caller commits.
	"""
	doc = frappe.get_doc("Relation Campaign", campaign)
	users = available(responsible(doc))
	if not users:
		return 0
	send, given = DocType(store.SEND), 0
	while True:
		names = (
			frappe.qb.from_(send)
			.select(send.name)
			.where(
				(send.campaign == campaign)
				& (send.state == SendState.PENDING)
				& (send.step_type == StepType.CALL)
			)
			.where(send.due_on <= getdate())
			.where(send.retry_at.isnull() | (send.retry_at <= now_datetime()))
			.where(send.assigned_to.isnull() | send.assigned_to.notin(users))
			.orderby(send.due_on, send.name)
			.limit(_CHUNK)
			.for_update(skip_locked=True)
			.run(pluck=True)
		)
		if not names:
			return given
		store.assign(divide(doc, StepType.CALL, names, users))
		given += len(names)


def _load(campaign: str, step_type: str, users: Sequence[str]) -> dict[str, int]:
	"""Return user → number of rows of the campaign that they have so far."""
	send = DocType(store.SEND)
	counted = dict(
		frappe.qb.from_(send)
		.select(send.assigned_to, Count("*"))
		.where(
			(send.campaign == campaign) & (send.step_type == step_type) & (send.state != SendState.SUPPRESSED)
		)
		.where(send.assigned_to.isin(list(users)))
		.groupby(send.assigned_to)
		.run()
	)
	return {user: counted.get(user, 0) for user in users}

"""Who of those responsible for a campaign does its calls and tasks. Alone writes `assigned_to` of call rows; `tasks`
writes that of task rows.

The work is shared evenly: the next row goes to whom has the fewest of the campaign, of several to the first named. Who
is disabled, or away by Relation Settings, gets nothing, and calls that such a user has still open go to the others.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import frappe
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count
from frappe.utils import getdate, now_datetime

from crm_relations.campaigns.sends import store

_CHUNK = 1000


def responsible(campaign: Document) -> list[str]:
	"""Users who are responsible for a campaign, each once, in the order in which they are named."""
	named = [campaign.responsible, *(row.user for row in campaign.get("responsible_users") or ())]
	return list(dict.fromkeys(user for user in named if user))


def away(users: Collection[str], on: date | None = None) -> set[str]:
	"""Those of the users who are away today, by Relation Settings."""
	on = on or getdate()
	return {
		row.user
		for row in frappe.get_cached_doc("Relation Settings").absences
		if row.user in users
		and (not row.from_date or getdate(row.from_date) <= on)
		and (not row.until_date or on <= getdate(row.until_date))
	}


def enabled(users: Collection[str]) -> set[str]:
	"""Those of the users who can log in to the desk."""
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
	"""Those of the users who can be given something now, in their order."""
	here = enabled(users) - away(users)
	return [user for user in users if user in here]


def share(campaign: Document, step_type: str, rows: Sequence[str], users: Sequence[str]) -> dict[str, str]:
	"""Row → user, for rows in their order; empty where there is no user."""
	if not users:
		return {}
	load = _load(campaign.name, step_type, users)
	shared = {}
	for row in rows:
		user = min(users, key=lambda one: (load[one], users.index(one)))
		load[user] += 1
		shared[row] = user
	return shared


def share_calls(campaign: str) -> int:
	"""Give the calls that are due and that nobody has, or somebody who is not there, to those who are; returns how many.

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
			.where((send.campaign == campaign) & (send.state == "Pending") & (send.step_type == "Call"))
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
		_store(share(doc, "Call", names, users))
		given += len(names)


def _store(shared: Mapping[str, str]) -> None:
	frappe.db.bulk_update(
		store.SEND,
		{name: {"assigned_to": user} for name, user in shared.items()},
		update_modified=False,
	)


def _load(campaign: str, step_type: str, users: Sequence[str]) -> dict[str, int]:
	"""What each user has been given of the campaign so far."""
	send = DocType(store.SEND)
	counted = dict(
		frappe.qb.from_(send)
		.select(send.assigned_to, Count("*"))
		.where((send.campaign == campaign) & (send.step_type == step_type) & (send.state != "Suppressed"))
		.where(send.assigned_to.isin(list(users)))
		.groupby(send.assigned_to)
		.run()
	)
	return {user: counted.get(user, 0) for user in users}

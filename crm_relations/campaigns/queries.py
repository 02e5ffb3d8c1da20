"""Count how far campaigns have progressed. Reads only."""

from collections.abc import Sequence
from functools import lru_cache

import frappe
from frappe import _
from frappe.query_builder import Case, DocType
from frappe.query_builder.functions import Coalesce, Count, Sum
from frappe.utils import getdate, now_datetime
from pypika.terms import Parameter

from crm_relations.campaigns import rules
from crm_relations.campaigns.states import SendState
from crm_relations.shared.access.permissions import readable
from crm_relations.shared.refusals import refuse

_STATES = ("Sent", "Failed", "Uncertain", "Suppressed", "Pending", "Sending")
_MEMBER_STATES = ("Qualified", "Handed Over", "Won", "Declined")


def status(campaign: str) -> dict:
	"""Return the figures of a campaign, all counted now.

	Emails, by state: `sent`, `failed`, `uncertain`, `suppressed`, `pending`, `sending`; with one email step
	they add up to `enrollments`. Calls: `calls_open`, `calls_done`, `calls_suppressed`.

	Persons, each once: `members`, `answered` (replied, clicked, or reached by phone), `replied`, `clicked`,
	`opened`, `bounced`, `complained`, `out_of_office`, `unsubscribed`, `qualified`, `handed_over`, `won`,
	`declined`. `members` are those that are addressed; `control_group` counts those held out. `enrollments`
	is more than `members` if some were re-enrolled. Also `campaign` and `status`.
	"""
	state = frappe.db.get_value("Relation Campaign", campaign, "status")
	if not state:
		refuse(_("Relation Campaign {0} does not exist"), campaign, exception=frappe.DoesNotExistError)
	sends = _sends(campaign)
	persons, enrollments = _persons(campaign)
	members = _members(campaign)
	answers = _answers(campaign)
	return {
		"campaign": campaign,
		"status": state,
		"members": int(persons),
		"enrollments": enrollments,
		"control_group": frappe.db.count("Relation Campaign Member", {"campaign": campaign, "held_out": 1}),
		**{name.lower(): sends.get(("Email", name), 0) for name in _STATES},
		"calls_open": sends.get(("Call", "Pending"), 0),
		"calls_done": sends.get(("Call", "Done"), 0),
		"calls_suppressed": sends.get(("Call", "Suppressed"), 0),
		**answers,
		**{frappe.scrub(name): members.get(name, 0) for name in _MEMBER_STATES},
	}


def uncertain(campaign: str, limit: int = 20) -> list[dict]:
	"""Return the messages that may or may not have been sent, oldest first, as far as the user may read
	them.
	"""
	send, relation = DocType("Relation Campaign Send"), DocType("Relation")
	query = readable(frappe.qb.from_(send), "Relation Campaign Send")
	if query is None:
		return []
	return (
		query.left_join(relation)
		.on(relation.name == send.relation)
		.select(send.name, send.recipient, send.reason, send.relation, relation.relation_name)
		.where((send.campaign == campaign) & (send.state == SendState.UNCERTAIN))
		.orderby(send.modified, send.name)
		.limit(limit)
		.run(as_dict=True)
	)


def _sends(campaign: str) -> dict[tuple[str, str], int]:
	table = DocType("Relation Campaign Send")
	rows = (
		frappe.qb.from_(table)
		.select(table.step_type, table.state, Count("*"))
		.where(table.campaign == campaign)
		.groupby(table.step_type, table.state)
		.run()
	)
	return {(step_type, state): number for step_type, state, number in rows}


def _persons(campaign: str) -> tuple[int, int]:
	"""Return the number of relations that are addressed, and the number of their enrollments."""
	table = DocType("Relation Campaign Member")
	return (
		frappe.qb.from_(table)
		.select(Coalesce(Sum(Case().when(table.enrollment_no == 1, 1).else_(0)), 0), Count("*"))
		.where((table.campaign == campaign) & (table.held_out == 0))
		.run()[0]
	)


def _members(campaign: str) -> dict[str, int]:
	"""Return the number of relations by the status that one of their enrollments has."""
	table = DocType("Relation Campaign Member")
	rows = (
		frappe.qb.from_(table)
		.select(table.status, Count(table.relation).distinct())
		.where((table.campaign == campaign) & (table.held_out == 0))
		.groupby(table.status)
		.run()
	)
	return dict(rows)


def _answers(campaign: str) -> dict[str, int]:
	"""Return the number of relations by what they did, each counted once in each figure."""
	table = DocType("Relation Campaign Response")
	rows = (
		frappe.qb.from_(table)
		.select(table.relation, table.response_type, table.answer)
		.distinct()
		.where((table.campaign == campaign) & (table.bot == 0))
		.run()
	)
	by_type = {
		name: {member for member, kind, _a in rows if kind == name}
		for name in ("Reply", "Click", "Unsubscribe", "Opened", "Bounce", "Complaint", "Out of Office")
	}
	return {
		"answered": len({member for member, kind, answer in rows if rules.is_answer(kind, answer or "")}),
		"replied": len(by_type["Reply"]),
		"clicked": len(by_type["Click"]),
		"unsubscribed": len(by_type["Unsubscribe"]),
		"opened": len(by_type["Opened"]),
		"bounced": len(by_type["Bounce"]),
		"complained": len(by_type["Complaint"]),
		"out_of_office": len(by_type["Out of Office"]),
	}


def due_by_hand(campaign: str, step_type: str) -> int:
	"""Return the number of calls (or letters) that could be made today."""
	table = DocType("Relation Campaign Send")
	return (
		frappe.qb.from_(table)
		.select(Count("*"))
		.where(
			(table.campaign == campaign) & (table.state == SendState.PENDING) & (table.step_type == step_type)
		)
		.where((table.due_on <= getdate()) & table.print_run.isnull())
		.where(table.retry_at.isnull() | (table.retry_at <= now_datetime()))
		.run()[0][0]
	)


def exit_counts(campaign: str) -> dict[str, int]:
	"""Return the number of enrollments that ended early, by reason."""
	table = DocType("Relation Campaign Member")
	return dict(
		frappe.qb.from_(table)
		.select(table.left_reason, Count("*"))
		.where((table.campaign == campaign) & table.left_on.isnotnull())
		.groupby(table.left_reason)
		.run()
	)


def currency(campaign: str) -> str:
	"""Return the currency of the campaign's amounts."""
	company = frappe.db.get_value("Relation Campaign", campaign, "company") or frappe.db.get_single_value(
		"Relation Settings", "default_company"
	)
	if company:
		return frappe.get_cached_value("Company", company, "default_currency")
	return frappe.db.get_default("currency") or ""


def last_passages(relation: str, campaigns: Sequence[str]) -> dict[str, str]:
	"""Return campaign → the relation's member row in it; of several enrollments, the last."""
	return dict(frappe.db.sql(_last_passages(len(campaigns), frappe.db.db_type), [relation, *campaigns]))


@lru_cache(maxsize=16)
def _last_passages(campaigns: int, db_type: str) -> str:
	"""Return the SQL for this number of campaigns. It is cached, because building it takes longer than
	running it, and it runs in the submit of every invoice with a campaign.
	"""
	member = frappe.qb.DocType("Relation Campaign Member")
	query = frappe.qb.from_(member).select(member.campaign, member.name)
	query = query.where(member.relation == Parameter("%s"))
	query = query.where(member.campaign.isin([Parameter("%s")] * campaigns))
	return query.orderby(member.enrollment_no).get_sql()

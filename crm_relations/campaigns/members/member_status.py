"""Change the status and points of campaign members.

Sole writer of `status`, `held_out`, `points` and `last_response` of `Relation Campaign Member` once a
member is enrolled. Each write sets `modified`. A transition that the present status does not allow raises
`IllegalTransition`.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import create_batch, now_datetime

from crm_relations.campaigns import rules
from crm_relations.campaigns.members.status_transitions import TRANSITIONS, UNCHANGED
from crm_relations.campaigns.states import MemberStatus
from crm_relations.shared.refusals import refuse
from crm_relations.shared.states import transitions

MEMBER = "Relation Campaign Member"
_CHUNK = 1000
#: status that a response leads to → its transition
_BY_RESPONSE = {MemberStatus.ANSWERED: "answer", MemberStatus.DECLINED: "decline"}


def hold_out(members: Collection[str]) -> int:
	"""Move addressed members to the control group; returns their number."""
	member, transition, changed = DocType(MEMBER), TRANSITIONS["hold_out"], 0
	for names in create_batch(list(members), _CHUNK):
		(
			frappe.qb.update(member)
			.set(member.held_out, 1)
			.set(member.status, transition.target.value)
			.set(member.modified, now_datetime())
			.set(member.modified_by, frappe.session.user)
			.where(member.name.isin(names))
			.where(member.status.isin(sorted(transition.sources)))
			.run()
		)
		changed += frappe.db._cursor.rowcount
	return changed


def qualify(member: str, points: int) -> None:
	"""Mark a member as qualified and set its points. A later status stays."""
	_move("qualify", member, points=points)


def hand_over(member: str) -> None:
	"""Mark a member as handed over to sales. A member that has won stays won."""
	_move("hand_over", member)


def return_from_sales(member: str) -> None:
	"""Mark a member as answered: sales has returned it to marketing. A member that has won stays won."""
	_move("return_from_sales", member)


def win(member: str) -> None:
	"""Mark a member as won: it has bought."""
	_move("win", member)


def set_points(member: str, points: int) -> None:
	"""Set the points of a member and leave its status."""
	_set(member, {"points": points})


def note_response(member: str, response_type: str, answer: str, received_at: datetime) -> None:
	"""Change the status of a member as a response requires (`rules.member_status`); `last_response` never
	moves to an earlier time.
	"""
	row = _locked(member)
	values: dict[str, Any] = {}
	status = rules.member_status(row.status, response_type, answer)
	if status != row.status:
		values["status"] = _target(_BY_RESPONSE[MemberStatus(status)], member, row.status)
	if not row.last_response or row.last_response < received_at:
		values["last_response"] = received_at
	if values:
		_set(member, values)


def forget_response(member: str) -> None:
	"""Undo the effect of a click that was a bot's. A member without any other response has not answered.

	What a user or another event has made of the member since stays.
	"""
	rows = frappe.get_all(
		"Relation Campaign Response",
		filters={"member": member, "bot": 0, "response_type": ["not in", sorted(rules.NO_REACTION)]},
		fields=["response_type", "answer", "received_at"],
		order_by="received_at asc",
	)
	values = {"last_response": rows[-1].received_at if rows else None}
	current = _locked(member).status
	answered = any(rules.is_answer(row.response_type, row.answer or "") for row in rows)
	if current == MemberStatus.ANSWERED and not answered:
		values["status"] = _target("forget_answer", member, current)
	_set(member, values)


def _move(transition: str, member: str, **values: Any) -> None:
	"""Carry out a transition, unless the member has that status or a later one; `values` are set in any
	case.
	"""
	current = _locked(member).status
	if current not in UNCHANGED[transition]:
		values["status"] = _target(transition, member, current)
	if values:
		_set(member, values)


def _target(transition: str, member: str, current: str) -> str:
	transitions.check(TRANSITIONS, transition, current, f"{MEMBER} {member}")
	return str(TRANSITIONS[transition].target)


def _locked(member: str) -> frappe._dict:
	row = frappe.db.get_value(MEMBER, member, ["status", "last_response"], as_dict=True, for_update=True)
	if not row:
		refuse(_("Relation Campaign Member {0} does not exist"), member, exception=frappe.DoesNotExistError)
	return row


def _set(member: str, values: dict[str, Any]) -> None:
	frappe.db.set_value(MEMBER, member, values)

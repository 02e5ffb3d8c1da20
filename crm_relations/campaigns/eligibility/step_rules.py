"""Decide which members leave a campaign, and which members a step is for. Pure Python, imports no frappe.
Writes nothing.

Texts in here are English source strings; the code that shows them translates them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm_relations.campaigns.states import StepType

ANSWERED = "Answered"
CLICKED = "Clicked"
BOUGHT = "Bought"
COMPLAINED = "Complained"
UNSUBSCRIBED = "Unsubscribed"
LEFT_SEGMENT = "Left the segment"
ROLE_CHANGED = "Role changed"

#: what ends the campaign for a member, whatever its settings say
ALWAYS_EXITS = frozenset({UNSUBSCRIBED})

#: members that left for one of these reasons are never enrolled again
FINAL_EXITS = frozenset({UNSUBSCRIBED, COMPLAINED})

#: field of the campaign → what ends it for a member
EXITS = {
	"exit_on_answer": ANSWERED,
	"exit_on_purchase": BOUGHT,
	"exit_on_complaint": COMPLAINED,
	"exit_on_segment_left": LEFT_SEGMENT,
	"exit_on_role_change": ROLE_CHANGED,
}

CONDITION_NOT_MET = "The condition of the step is not met"
CONTACT_LIMIT = "The address has had as many emails as Relation Settings allow"
#: channel of a step, or "" for all of them → why the contact limit of a person is reached
CONTACT_LIMITS = {
	StepType.EMAIL: CONTACT_LIMIT,
	StepType.CALL: "The relation has been called as often as Relation Settings allow",
	StepType.LETTER: "The relation has had as many letters as Relation Settings allow",
	"": "The relation has been addressed as often as Relation Settings allow, on all channels together",
}
OVERDUE = "Overdue invoices"
OPEN_COMPLAINT = "Open complaint"


@dataclass(frozen=True)
class MemberEvent:
	"""Something that a member did after its enrollment."""

	what: str
	at: datetime


def exit_reason(happenings: Iterable[MemberEvent], exits: Iterable[str]) -> str:
	"""Return what ended the campaign for a member: the first event that did; empty if none has."""
	ending = {*exits, *ALWAYS_EXITS}
	found = sorted((one for one in happenings if one.what in ending), key=lambda one: (one.at, one.what))
	return found[0].what if found else ""


def condition_met(
	only_if: str | None, within_days: int | None, happenings: Iterable[MemberEvent], now: datetime
) -> bool:
	"""Tell whether a step is for a member with these events.

	:param only_if: Answered, Not Answered, Clicked, Not Clicked, Bought, Not Bought, or empty: for all
	:param within_days: only events of the last days count; 0: all since the enrollment
	"""
	if not only_if:
		return True
	negative = only_if.startswith("Not ")
	what = only_if.removeprefix("Not ")
	since = now - timedelta(days=within_days) if within_days else None
	did = any(one.what == what and (since is None or one.at >= since) for one in happenings)
	return did != negative


def conflicts(steps: Iterable[tuple[str, str, int, str]]) -> list[tuple[int, int, str]]:
	"""Return steps that conflict with each other: (number, number, why), counted from 1.

	:param steps: (type, title, hours after the start, condition) in their order
	"""
	known = list(steps)
	found = []
	for j, (kind, _title, hours, condition) in enumerate(known):
		for i in range(j):
			other_kind, _other, other_hours, other_condition = known[i]
			if kind == other_kind == StepType.EMAIL and hours == other_hours and condition == other_condition:
				found.append((i + 1, j + 1, "two emails to the same members at the same time"))
		needs = condition.removeprefix("Not ")
		if needs == CLICKED and not any(
			known[i][0] == StepType.EMAIL and known[i][2] < hours for i in range(len(known))
		):
			found.append((j + 1, j + 1, "no member can have clicked yet: no email is sent before this step"))
		if needs == ANSWERED and hours == 0:
			found.append((j + 1, j + 1, "at the start no member can have answered yet"))
	return found

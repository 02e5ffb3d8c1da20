"""Offer the whitelisted functions of interactions. Writes no record itself."""

import frappe
from frappe import _
from frappe.utils import cint, cstr

from crm_relations.campaigns import rights
from crm_relations.campaigns.manual import call_list, letters
from crm_relations.interactions import log
from crm_relations.interactions import timeline as timelines

#: entries of the timeline that are shown next to a call
_HISTORY = 5
#: answer of a call → outcome in the log
_OUTCOMES = {
	"Interested": "Successful",
	"Not Interested": "Refused",
	"Call Back": "Call Back",
	"Not Reached": "No Answer",
	"Unknown": "Open",
}


@frappe.whitelist(methods=["GET", "POST"])
def get_timeline(relation: str, before: str | None = None, limit: int = 30, group: str | None = None) -> dict:
	"""Return a page of a relation's timeline, newest first.

	:return: `entries` as `interactions.timeline.timeline` gives them; `next`, the cursor to pass as
		`before` for the page after, or None at the end
	"""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	limit = max(1, min(limit, timelines.MAX_PAGE - 1))
	entries = timelines.timeline(relation, limit=limit + 1, before=before, group=group)
	more = len(entries) > limit
	entries = entries[:limit]
	return {"entries": entries, "next": entries[-1]["cursor"] if more else None}


@frappe.whitelist(methods=["POST"])
def reserve_call(campaign: str, skipped: list | str | None = None) -> dict:
	"""Reserve the next call of a campaign for the user.

	Returns `call` (campaigns.call_list.reserve; None if there is none), the `reason` for that, and
	`history`: the last entries of the relation's timeline.
	"""
	frappe.has_permission("Relation Campaign", "read", doc=campaign, throw=True)
	frappe.has_permission("Relation Campaign Send", "read", throw=True)
	rights.check(campaign, "record_calls")
	call, reason = call_list.reserve(campaign, [str(name) for name in frappe.parse_json(skipped or [])])
	history = timelines.timeline(call["relation"], limit=_HISTORY) if call else []
	return {"call": call, "reason": reason, "history": history}


@frappe.whitelist(methods=["POST"])
def confirm_letters(campaign: str, print_run: str) -> int:
	"""Mark the letters of a print run as posted: they count as sent and appear in the files. Returns their
	number.
	"""
	frappe.has_permission("Relation Campaign", "write", doc=campaign, throw=True)
	frappe.has_permission("Relation Interaction", "create", throw=True)
	rights.check(campaign, "print_letters")
	rows = letters.confirm(campaign, print_run)
	for row in rows:
		log.record(
			row.relation,
			"Letter",
			_("Letter of the campaign {0}").format(campaign)[:140],
			direction="Outgoing",
			campaign=campaign,
			reference_type="Relation Campaign Send",
			reference_name=row.name,
		)
	return len(rows)


@frappe.whitelist(methods=["POST"])
def release_call(send: str) -> None:
	"""Release a call that the user has reserved. Returns nothing."""
	frappe.has_permission("Relation Campaign Send", "read", doc=send, throw=True)
	call_list.release(send)


@frappe.whitelist(methods=["POST"])
def record_call(
	send: str,
	answer: str,
	note: str | None = None,
	next_step: str | None = None,
	next_step_on: str | None = None,
	next_step_for: str | None = None,
	call_again_at: str | None = None,
	do_not_call: bool = False,
) -> dict:
	"""Record a call of a campaign: the answer, an interaction and, with a next step, a task.

	:param send: row of the call list
	:param answer: Interested, Not Interested, Call Back, Not Reached or Unknown
	:param call_again_at: day and time of the next call; required for Call Back, optional for Not Reached
	:param do_not_call: the person wants no more calls
	:return: `response`, `interaction` and `todo` (None without a next step), as names
	"""
	frappe.has_permission("Relation Interaction", "create", throw=True)
	frappe.has_permission("Relation Campaign Send", "read", doc=send, throw=True)
	rights.check(frappe.db.get_value("Relation Campaign Send", send, "campaign"), "record_calls")
	next_step = cstr(next_step).strip() or None
	response = call_list.complete(
		send, answer, note, call_again_at=call_again_at, do_not_call=bool(cint(do_not_call))
	)
	campaign, relation = frappe.db.get_value("Relation Campaign Response", response, ["campaign", "relation"])
	interaction = log.record(
		relation,
		"Call",
		_("Call of the campaign {0}: {1}").format(campaign, _(answer))[:140],
		direction="Outgoing",
		notes=frappe.utils.escape_html(note) if note else None,
		outcome=_OUTCOMES[answer],
		campaign=campaign,
		response=response,
		next_step=next_step,
		next_step_on=next_step_on if next_step else None,
		next_step_for=(next_step_for or frappe.session.user) if next_step else None,
	)
	return {
		"response": response,
		"interaction": interaction,
		"todo": frappe.db.get_value("Relation Interaction", interaction, "todo"),
	}

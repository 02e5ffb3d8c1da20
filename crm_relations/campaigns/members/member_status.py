"""Status and points of campaign members.

Sole writer of `status`, `points` and `last_response` of `Relation Campaign Member` once a member is enrolled.
"""

import frappe
from frappe import _

from crm_relations.campaigns import rules
from crm_relations.shared.refusals import refuse


def advance(member: str, status: str, points: int | None = None) -> None:
	"""Move a member on (rules.may_become; anything else is left as it is), and keep its points."""
	current = frappe.db.get_value("Relation Campaign Member", member, "status", for_update=True)
	if not current:
		refuse(_("Relation Campaign Member {0} does not exist"), member, exception=frappe.DoesNotExistError)
	values = {"status": status} if rules.may_become(current, status) else {}
	if points is not None:
		values["points"] = points
	if values:
		frappe.db.set_value("Relation Campaign Member", member, values)


def set_points(member: str, points: int) -> None:
	"""Keep the points of a member and leave its status."""
	frappe.db.set_value("Relation Campaign Member", member, "points", points)


def note_response(member: str, response_type: str, answer: str, received_at) -> None:
	"""What a response means for the status of its member; `last_response` never goes back."""
	row = frappe.db.get_value(
		"Relation Campaign Member", member, ["status", "last_response"], as_dict=True, for_update=True
	)
	values = {"status": rules.member_status(row.status, response_type, answer)}
	if not row.last_response or row.last_response < received_at:
		values["last_response"] = received_at
	frappe.db.set_value("Relation Campaign Member", member, values)


def forget_response(member: str) -> None:
	"""A click has turned out to be a program's: who did nothing else has not answered. What came of it stays."""
	rows = frappe.get_all(
		"Relation Campaign Response",
		filters={"member": member, "bot": 0, "response_type": ["not in", sorted(rules.NO_REACTION)]},
		fields=["response_type", "answer", "received_at"],
		order_by="received_at asc",
	)
	values = {"last_response": rows[-1].received_at if rows else None}
	current = frappe.db.get_value("Relation Campaign Member", member, "status", for_update=True)
	if current == "Answered" and not any(rules.is_answer(r.response_type, r.answer or "") for r in rows):
		values["status"] = "Addressed"
	frappe.db.set_value("Relation Campaign Member", member, values)

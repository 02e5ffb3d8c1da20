"""Create the responses to the demo's campaign: clicks, replies and calls.

A member that has responded is not asked again.
"""

import frappe
from frappe.utils import add_days, nowdate

from crm_relations.campaigns.incoming import clicks as tracking
from crm_relations.campaigns.manual import call_list
from crm_relations.interactions import api as interactions

#: calls that stay on the list, for users that try the demo
CALLS_LEFT = 2


def clicks(campaign: str) -> int:
	"""Click the link in three of four emails."""
	for index, row in enumerate(_mails(campaign)):
		links = frappe.parse_json(row.links or "[]")
		if index % 4 != 3 and links and not _has(row.member, "Click"):
			tracking.record_click(row, links[0])
	return _count(campaign, "Click")


def replies(campaign: str) -> int:
	"""Reply to every second email that was sent, as a reply arrives through an incoming account."""
	for index, row in enumerate(_mails(campaign)):
		if index % 2 == 0 and not _has(row.member, "Reply"):
			frappe.get_doc(
				{
					"doctype": "Communication",
					"communication_type": "Communication",
					"communication_medium": "Email",
					"sent_or_received": "Received",
					"subject": "AW: Wartung vor dem Winter",
					"content": "<p>Bitte rufen Sie uns wegen eines Termins an.</p>",
					"sender": row.recipient,
					"in_reply_to": row.communication,
					"reference_doctype": "Relation",
					"reference_name": row.relation,
				}
			).insert(ignore_permissions=True)
	return _count(campaign, "Reply")


def calls(campaign: str) -> int:
	"""Work off the call list except for a few calls; the answers take turns."""
	done = frappe.db.count("Relation Campaign Response", {"campaign": campaign, "response_type": "Call"})
	if not done:
		rows = call_list.next_calls(campaign, limit=1000)
		said = ("Interested", "Interested", "Not Reached", "Interested", "Not Interested", "Call Back")
		for index, row in enumerate(rows[: len(rows) - CALLS_LEFT]):
			answer = said[index % len(said)]
			again = f"{add_days(nowdate(), 1)} 10:00:00" if answer == "Call Back" else None
			interactions.record_call(
				send=row["send"], answer=answer, note=f"Demo: {answer}", call_again_at=again
			)
	return _count(campaign, "Call")


def _mails(campaign: str) -> list[frappe._dict]:
	return frappe.get_all(
		"Relation Campaign Send",
		filters={"campaign": campaign, "step_type": "Email", "state": "Sent"},
		fields=["*"],
		order_by="recipient asc",
	)


def _has(member: str, response_type: str) -> bool:
	return bool(
		frappe.db.exists("Relation Campaign Response", {"member": member, "response_type": response_type})
	)


def _count(campaign: str, response_type: str) -> int:
	return frappe.db.count(
		"Relation Campaign Response", {"campaign": campaign, "response_type": response_type}
	)

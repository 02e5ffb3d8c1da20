"""Record responses. Sole writer of `Relation Campaign Response`.

Rows are only ever added, and marked if a click was a bot's.
"""

from collections.abc import Iterable
from datetime import datetime

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import get_datetime, now_datetime

from crm_relations.campaigns import rules
from crm_relations.campaigns.members import member_status
from crm_relations.campaigns.states import ResponseType
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.refusals import refuse
from crm_relations.shared.text.markup import plain


def record(
	member: str,
	response_type: str,
	answer: str = "",
	*,
	send: str | None = None,
	note: str | None = None,
	received_at: datetime | str | None = None,
	url: str | None = None,
	reference: tuple[str, str] | None = None,
	recorded_by: str | None = None,
	bot: str = "",
) -> str:
	"""Add a response and update the status of its member; returns the response's name.

	:param response_type: Reply, Click, Call, Letter, Unsubscribe, Opened, Out of Office, Bounce or
		Complaint.
	:param answer: one of rules.CALL_ANSWERS, or empty.
	:param bot: why it is a bot's; the response is kept, and changes no status.
	:param reference: (doctype, name) of the document that is the response. If it was recorded before, the
		existing response is returned and nothing is added.
	"""
	if reference and (existing := _by_reference(*reference)):
		return existing
	row = frappe.db.get_value("Relation Campaign Member", member, ["campaign", "relation"], as_dict=True)
	if not row:
		refuse(_("Relation Campaign Member {0} does not exist"), member, exception=frappe.DoesNotExistError)
	received = get_datetime(received_at) if received_at else now_datetime()
	# the member first: what follows from the new response (points, handover) needs the status that results
	if not bot and response_type not in rules.NO_REACTION:
		member_status.note_response(member, response_type, answer, received)
	doc = trusted(
		frappe.get_doc(
			{
				"doctype": "Relation Campaign Response",
				"campaign": row.campaign,
				"member": member,
				"relation": row.relation,
				"send": send,
				"response_type": response_type,
				"answer": answer,
				"received_at": received,
				"recorded_by": recorded_by
				or (frappe.session.user if response_type == ResponseType.CALL else None),
				"note": note,
				"url": url,
				"bot": 1 if bot else 0,
				"bot_reason": bot or None,
				"reference_type": reference[0] if reference else None,
				"reference_name": reference[1] if reference else None,
			}
		)
	)
	return doc.insert(ignore_permissions=True).name


def mark_bot(names: Iterable[str], reason: str) -> None:
	"""Mark clicks that were a bot's. They are kept, but no longer count. A member without other responses
	returns to its earlier status; what a user has done with it since stays.
	"""
	rows = frappe.get_all(
		"Relation Campaign Response",
		filters={"name": ["in", list(names)], "bot": 0},
		fields=["name", "member"],
		order_by="name asc",
	)
	for row in rows:
		frappe.db.set_value(
			"Relation Campaign Response",
			row.name,
			{"bot": 1, "bot_reason": plain(reason)},
			update_modified=False,
		)
	for member in sorted({row.member for row in rows}):
		member_status.forget_response(member)


def _by_reference(doctype: str, name: str) -> str | None:
	response = DocType("Relation Campaign Response")
	rows = (
		frappe.qb.from_(response)
		.select(response.name)
		.where((response.reference_type == doctype) & (response.reference_name == name))
		.limit(1)
		.run()
	)
	return rows[0][0] if rows else None

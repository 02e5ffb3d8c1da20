"""Pause email accounts while their provider accepts no more messages. Sole writer of `Relation Account Pause`.

A provider with an exhausted quota, or one that refuses the sender as such, would refuse every further
message as well. The account waits, its messages stay pending, and other accounts continue. After the pause
the next message tries again.
"""

from datetime import datetime

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import add_to_date, format_datetime, now_datetime

from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.text.outside_text import plain_values

DOCTYPE = "Relation Account Pause"

#: cause → minutes until the next attempt
MINUTES = {"Quota": 60, "Refused": 240}


def pause(account: str, cause: str, reason: str) -> datetime:
	"""Pause an account and return the end of the pause.

	:param cause: `Quota` or `Refused`
	:param reason: what the server answered
	"""
	until = add_to_date(now_datetime(), minutes=MINUTES[cause])
	values = {
		"paused_until": until,
		"paused_at": now_datetime(),
		"cause": cause,
		"reason": reason[:500],
	}
	if existing := frappe.db.get_value(DOCTYPE, {"account": account}):
		frappe.db.set_value(DOCTYPE, existing, plain_values(DOCTYPE, values))
	else:
		doc = frappe.get_doc({"doctype": DOCTYPE, "account": account, **values})
		trusted(doc).insert(ignore_permissions=True, ignore_if_duplicate=True)
	return until


def lift(account: str) -> None:
	"""End the pause of an account, as the provider accepts messages again, or a user wants to try."""
	frappe.db.delete(DOCTYPE, {"account": account})


def in_force() -> dict[str, frappe._dict]:
	"""Return account → its pause (`paused_until`, `cause`, `reason`), of those that are paused now."""
	table = DocType(DOCTYPE)
	rows = (
		frappe.qb.from_(table)
		.select(table.account, table.paused_until, table.cause, table.reason)
		.where(table.paused_until > now_datetime())
		.run(as_dict=True)
	)
	return {row.account: row for row in rows}


def reason_for(account: str) -> str:
	"""Return why an account is paused, as plain text; empty if it is not."""
	row = in_force().get(account)
	if not row:
		return ""
	if row.cause == "Quota":
		text = _("The provider of the account {0} accepts no messages until about {1}: {2}")
	else:
		text = _("The provider of the account {0} refuses the sender; next attempt at {1}: {2}")
	return text.format(account, format_datetime(row.paused_until), row.reason or "")

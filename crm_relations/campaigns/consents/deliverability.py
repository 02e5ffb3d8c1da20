"""Keep track of email addresses at which messages do not arrive. Sole writer of `Relation Mail Address`.

A hard bounce makes an address undeliverable at once; soft bounces do so after the number in a row that
Relation Settings name. Whatever comes from the address (a reply, a click, a confirmed opt-in) proves that
it is deliverable.
"""

from datetime import datetime

import frappe
from frappe.query_builder import DocType
from frappe.utils import add_days, cint, get_datetime, now_datetime
from pypika.terms import ExistsCriterion

from crm_relations.campaigns.states import MailAddressState, ResponseType, SendState
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.text.outside_text import plain_values

DOCTYPE = "Relation Mail Address"
#: days after which a soft bounce is forgotten
SOFT_BOUNCE_DAYS = 60
DEAD = "Emails to the address are undeliverable"


def undeliverable(keys: set[str]) -> dict[str, str]:
	"""Return the email keys that are undeliverable → why."""
	if not keys:
		return {}
	table = DocType(DOCTYPE)
	names = (
		frappe.qb.from_(table)
		.select(table.address_key)
		.where(table.address_key.isin(sorted(keys)) & (table.state == MailAddressState.UNDELIVERABLE))
		.run(pluck=True)
	)
	return dict.fromkeys(names, DEAD)


def note_bounce(key: str, *, permanent: bool, code: str = "", reason: str = "", send: str = "") -> str:
	"""Count a bounce; returns the state of the address, Usable or Dead.

	Soft bounces add up only while no message arrives. A message that was sent since the last bounce and did
	not come back has arrived, and an old bounce says nothing about today.

	:param send: the message that came back
	"""
	fields = ["state", "soft_bounces", "last_bounce"]
	row = frappe.db.get_value(DOCTYPE, key, fields, as_dict=True, for_update=True)
	soft = cint(row.soft_bounces if row else 0)
	if soft and (_is_long_ago(row.last_bounce) or _arrived_since(key, row.last_bounce, send)):
		soft = 0
	soft += 0 if permanent else 1
	limit = cint(frappe.get_cached_doc("Relation Settings").soft_bounce_limit)
	gone = permanent or (row and row.state == MailAddressState.UNDELIVERABLE) or (limit > 0 and soft >= limit)
	values = {
		"state": MailAddressState.UNDELIVERABLE if gone else MailAddressState.DELIVERABLE,
		"soft_bounces": soft,
		"last_bounce": now_datetime(),
		"status_code": code[:140],
		"reason": reason[:1000],
	}
	if row:
		frappe.db.set_value(DOCTYPE, key, plain_values(DOCTYPE, values))
	else:
		trusted(frappe.get_doc({"doctype": DOCTYPE, "address_key": key, **values})).insert(
			ignore_permissions=True
		)
	return values["state"]


def note_dead(key: str, *, at: datetime, reason: str) -> None:
	"""Mark an address as undeliverable, as another system reports it. What has come from the address since
	then counts more.
	"""
	row = frappe.db.get_value(DOCTYPE, key, ["state", "last_bounce"], as_dict=True, for_update=True)
	if row and (row.state == MailAddressState.UNDELIVERABLE or (row.last_bounce and row.last_bounce >= at)):
		return
	values = {"state": MailAddressState.UNDELIVERABLE, "last_bounce": at, "reason": reason[:1000]}
	if row:
		frappe.db.set_value(DOCTYPE, key, plain_values(DOCTYPE, values))
	else:
		trusted(frappe.get_doc({"doctype": DOCTYPE, "address_key": key, **values})).insert(
			ignore_permissions=True
		)


def _is_long_ago(moment: datetime | None) -> bool:
	return not moment or get_datetime(moment) < add_days(now_datetime(), -SOFT_BOUNCE_DAYS)


def _arrived_since(key: str, moment: datetime, send: str) -> bool:
	"""Tell whether another message was sent to the address since then and has not bounced."""
	table, response = DocType("Relation Campaign Send"), DocType("Relation Campaign Response")
	came_back = (
		frappe.qb.from_(response)
		.select(response.name)
		.where((response.send == table.name) & (response.response_type == ResponseType.BOUNCE))
	)
	return bool(
		frappe.qb.from_(table)
		.select(table.name)
		.where((table.recipient == key) & (table.state == SendState.SENT) & (table.sent_at > moment))
		.where((table.name != send) & ExistsCriterion(came_back).negate())
		.limit(1)
		.run()
	)


def mark_deliverable(key: str) -> None:
	"""Mark an address as deliverable, as something came from it. Earlier bounces are forgotten."""
	table = DocType(DOCTYPE)
	(
		frappe.qb.update(table)
		.set(table.state, MailAddressState.DELIVERABLE)
		.set(table.soft_bounces, 0)
		.set(table.modified, now_datetime())
		.where(
			(table.address_key == key)
			& ((table.state == MailAddressState.UNDELIVERABLE) | (table.soft_bounces > 0))
		)
		.run()
	)

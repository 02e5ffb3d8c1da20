"""Enroll members, set their addresses, and end their enrollment.

Sole writer of new rows of `Relation Campaign Member`, and of `email`, `phone`, `left_on` and `left_reason`;
the status is written in `member_status`. Each write sets `modified`.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import frappe
from frappe.query_builder import DocType
from frappe.utils import now_datetime
from pypika.terms import Term

from crm_relations.campaigns.states import MemberStatus
from crm_relations.shared import table_rows

MEMBER = "Relation Campaign Member"


def enroll(
	source: Callable[[Any], Any],
	*,
	campaign: str,
	relation: Term,
	enrollment_no: Term | int,
	email: Term,
	phone: Term,
) -> int:
	"""Insert a member for each row of a query; returns the number of new members.

	:param source: adds FROM, JOIN and WHERE to the INSERT … SELECT
	"""
	return table_rows.insert_select(
		MEMBER,
		relation,
		{
			"campaign": campaign,
			"relation": relation,
			"enrollment_no": enrollment_no,
			"status": MemberStatus.ADDRESSED,
			"email": email,
			"phone": phone,
			"entered": str(now_datetime()),
			"points": 0,
			"held_out": 0,
		},
		source,
	)


def set_addresses(addresses: Mapping[str, tuple[str, str]]) -> None:
	"""Set the addresses of members: name of a member → (email, phone), both normalized."""
	frappe.db.bulk_update(
		MEMBER, {name: {"email": email, "phone": phone} for name, (email, phone) in addresses.items()}
	)


def leave(members: Collection[str], reason: str) -> int:
	"""End the enrollment of members; returns the number of those that had not left before.

	:param reason: a constant of `step_rules`
	"""
	member = DocType(MEMBER)
	(
		frappe.qb.update(member)
		.set(member.left_on, now_datetime())
		.set(member.left_reason, reason)
		.set(member.modified, now_datetime())
		.set(member.modified_by, frappe.session.user)
		.where(member.name.isin(list(members)) & member.left_on.isnull())
		.run()
	)
	return frappe.db._cursor.rowcount

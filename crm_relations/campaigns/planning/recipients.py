"""Update planned sends after a relation's address was corrected. Writes no record itself; `sends.store`
changes the recipients, `member_rows` the addresses of the members.

Consent is looked up for the address when a message leaves, so that a new address needs its own consent.
"""

from collections.abc import Collection
from typing import Any

import frappe
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce
from frappe.utils import create_batch, getdate
from pypika.terms import Criterion

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.members import member_rows
from crm_relations.campaigns.planning import enrollment
from crm_relations.campaigns.sends import store
from crm_relations.campaigns.states import CHANNELS, STEP_TYPES, CampaignStatus, SendState, StepType
from crm_relations.shared.contact_keys import email_key, phone_key
from crm_relations.shared.in_lists import one_of_many

_FIELDS = ("email_id", "mobile_no", "phone", "address_line", "pincode", "city")
_CHUNK = 1000
_LENGTH = 140


def follow(relations: Collection[str]) -> int:
	"""Update planned messages, calls and letters of these relations to their present addresses.

	A message that was suppressed for lack of an address is planned again until its day is over. Messages
	that were sent, are being sent or are printed stay unchanged. The function of the hook
	`relation_changes`.

	:return: number of rows that were changed
	"""
	return sum(map(_follow, create_batch(sorted(relations), _CHUNK)))


def _follow(relations: list[str]) -> int:
	rows = _planned(relations)
	if not rows:
		return 0
	addresses = _addresses({row.relation for row in rows})
	changes = {
		row.name: addresses[row.relation][row.step_type]
		for row in rows
		if row.relation in addresses and addresses[row.relation][row.step_type] != (row.recipient or "")
	}
	if not changes:
		return 0
	store.readdress({name: address for name, address in changes.items() if address})
	for kind, reason in rules.NO_ADDRESS.items():
		names = [
			row.name for row in rows if row.step_type == STEP_TYPES[kind] and changes.get(row.name) == ""
		]
		store.remove_address(names, reason)
	concerned = [row for row in rows if row.name in changes]
	member_rows.set_addresses(
		{
			row.member: (addresses[row.relation][StepType.EMAIL], addresses[row.relation][StepType.CALL])
			for row in concerned
		}
	)
	for step in sorted({row.step for row in concerned if row.step_type == StepType.EMAIL}):
		enrollment.suppress_shared_addresses(step)
	return len(changes)


def _planned(relations: list[str]) -> list[frappe._dict]:
	"""Return rows that may still change, locked, without rows that a worker holds."""
	send, campaign = DocType(store.SEND), DocType("Relation Campaign")
	no_address = (
		(send.state == SendState.SUPPRESSED)
		& send.reason.isin(list(rules.NO_ADDRESS.values()))
		& (send.due_on >= getdate())
	)
	running: Criterion = send.campaign.isin(
		frappe.qb.from_(campaign)
		.select(campaign.name)
		.where(campaign.status.isin((CampaignStatus.RUNNING, CampaignStatus.PAUSED)))
	)
	return (
		frappe.qb.from_(send)
		.select(send.name, send.member, send.relation, send.step, send.step_type, send.state, send.recipient)
		.where(one_of_many(send.relation, relations) & send.step_type.isin(list(CHANNELS)))
		.where((send.state == SendState.PENDING) | no_address)
		.where(send.worker.isnull() & (Coalesce(send.print_run, "") == "") & running)
		.for_update(skip_locked=True)
		.run(as_dict=True)
	)


def _addresses(relations: set[str]) -> dict[str, dict[str, str]]:
	"""Return relation → step type → its address in the form that a send row stores."""
	table = DocType("Relation")
	region = decisions.region()
	query = frappe.qb.from_(table).select(table.name, *(table[field] for field in _FIELDS))
	return {
		row.name: _by_step_type(row, region)
		for row in query.where(one_of_many(table.name, relations)).run(as_dict=True)
	}


def _by_step_type(row: Any, region: str) -> dict[str, str]:
	lines = " ".join(row[field] or "" for field in ("address_line", "pincode", "city")).strip()
	number = (row.mobile_no or row.phone or "").strip()
	return {
		StepType.EMAIL: email_key(row.email_id) if row.email_id else "",
		StepType.CALL: phone_key(number, region) if number else "",
		StepType.LETTER: lines[:_LENGTH],
	}

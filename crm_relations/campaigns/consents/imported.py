"""Record the opt-outs of an imported file: objections by channel, and addresses at which emails bounce.

Hook `relation_import_objections`. Writes no record itself; `decisions` and `deliverability` do. A file can
only restrict: nothing here gives consent.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import get_datetime, now_datetime

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions, deliverability
from crm_relations.campaigns.states import ConsentEvent, SendState
from crm_relations.relations.exchange.files.opt_outs import DEAD, EMAIL, LETTER, Objection
from crm_relations.shared import document_extensions

#: length of the field
SOURCE = 140


def record(objections: Sequence[Objection], source: str) -> None:
	"""Record what is not known yet, so that an import can be repeated. Does not commit.

	:param source: name of the import and of its file, for the proof
	"""
	known = _recorded(objections)
	new: list[dict[str, Any]] = []
	for objection in objections:
		if objection.channel == DEAD:
			_mark_dead(objection)
			continue
		for address in _addresses(objection):
			key = _key(objection, address)
			if key in known or (*key, objection.on) in known:
				continue
			known.add(key)
			new.append(
				{
					"relation": objection.relation,
					"address": address,
					"channel": objection.channel,
					"source": f"Old system: {objection.source}"[:SOURCE],
					"given_at": _moment(objection.on),
					"proof": _("Import {0}").format(source),
				}
			)
	_add(new)


def _add(withdrawals: Sequence[Mapping[str, Any]]) -> None:
	"""Add objections set-based, unless messages are planned for one of them or an app needs to see each
	event.
	"""
	if not withdrawals:
		return
	keys = {decisions.address_key(one["address"], one["channel"]) for one in withdrawals}
	relations = {one["relation"] for one in withdrawals} - {None}
	if _is_planned(keys, relations) or document_extensions.find([decisions.DOCTYPE]):
		for one in withdrawals:
			decisions.record(event=ConsentEvent.WITHDRAWN, **one)
	else:
		decisions.record_withdrawals(withdrawals)


def _is_planned(keys: Iterable[str], relations: Iterable[str]) -> bool:
	"""Tell whether a message or a call is planned for one of the addresses or relations."""
	table = DocType("Relation Campaign Send")
	query = frappe.qb.from_(table).select(table.name).where(table.state == SendState.PENDING).limit(1)
	return any(
		query.where(column.isin(sorted(values))).run()
		for column, values in ((table.recipient, keys), (table.relation, relations))
		if values
	)


def _addresses(objection: Objection) -> list[str]:
	"""Return the addresses that an objection holds for: those of the row, and all of the relation, also
	later ones. An objection belongs to a person.
	"""
	found = [] if objection.channel == LETTER else list(objection.addresses)
	keys = {decisions.address_key(address, objection.channel): address for address in found}
	usable = [address for key, address in keys.items() if key]
	return [*usable, rules.ALL_ADDRESSES] if objection.relation else usable


def _key(objection: Objection, address: str) -> tuple[str, str, str]:
	"""Return what makes two events the same: channel, address, and the relation if the event is for all
	addresses.
	"""
	key = decisions.address_key(address, objection.channel)
	return objection.channel, key, (objection.relation or "") if key == rules.ALL_ADDRESSES else ""


def _recorded(objections: Iterable[Objection]) -> set[tuple]:
	"""Return objections that are recorded already, in two queries: those in force, and with their day those
	that once were.
	"""
	keys: set[str] = set()
	relations: set[str] = set()
	for objection in objections:
		if objection.channel != DEAD:
			keys |= {decisions.address_key(one, objection.channel) for one in objection.addresses} - {""}
			relations |= {objection.relation} - {None}
	table = DocType("Relation Consent")
	query = (
		frappe.qb.from_(table)
		.select(table.channel, table.address_key, table.relation, table.event, table.given_at)
		.where(table.purpose == rules.GENERAL_PURPOSE)
		.orderby(table.given_at)
		.orderby(table.creation)
	)
	rows = list(query.where(table.address_key.isin(sorted(keys))).run()) if keys else []
	if relations:
		of_persons = (table.address_key == rules.ALL_ADDRESSES) & table.relation.isin(sorted(relations))
		rows += query.where(of_persons).run()
	last, dated = {}, set()
	for channel, address, relation, event, given_at in rows:
		key = (channel, address, (relation or "") if address == rules.ALL_ADDRESSES else "")
		last[key] = event
		if event == ConsentEvent.WITHDRAWN:
			dated.add((*key, given_at.date()))
	return dated | {key for key, event in last.items() if event == ConsentEvent.WITHDRAWN}


def _moment(on: date | None) -> datetime:
	"""Return the day from the old system, or the present time."""
	now = now_datetime()
	moment = get_datetime(datetime.combine(on, time())) if on else now
	return min(moment, now)


def _mark_dead(objection: Objection) -> None:
	keys = {decisions.address_key(address, EMAIL) for address in objection.addresses} - {""}
	for key in sorted(keys - set(deliverability.undeliverable(keys))):
		deliverability.note_dead(key, at=_moment(objection.on), reason=objection.source)

"""Declare the fields of campaigns that segments may use: members, sends, opens, clicks, answers and
consent. Writes nothing.
"""

from collections.abc import Callable
from typing import Any

import frappe
from frappe import _lt
from frappe.utils import now_datetime
from pypika.terms import Criterion, ExistsCriterion

from crm_relations.campaigns.rules import (
	ALL_ADDRESSES,
	BASES,
	CONSENT,
	GENERAL_PURPOSE,
	TRACKING_PURPOSE,
)
from crm_relations.campaigns.states import (
	CallAnswer,
	Channel,
	ConsentEvent,
	MemberStatus,
	ResponseType,
	SendState,
	StepType,
)
from crm_relations.segments.fields.catalogue import Cell, Event, Field, Rows, Scope

CAMPAIGNS = _lt("Campaigns and Consent")
MEMBER, SEND, RESPONSE = "Relation Campaign Member", "Relation Campaign Send", "Relation Campaign Response"
CONSENTS = "Relation Consent"
#: states of a send that has left
LEFT = (SendState.SENT, SendState.DONE)
CHANNELS = tuple(Channel)
ANSWERS = tuple(CallAnswer)
#: types of response that are an answer in words
IN_WORDS = (ResponseType.REPLY, ResponseType.CALL, ResponseType.LETTER)
NOT_REACHED = (CallAnswer.NOT_REACHED, CallAnswer.UNKNOWN)


def _rows(doctype: str, which: Callable[[Any], Criterion] | None = None) -> Callable[[Scope], Rows]:
	def rows(scope: Scope) -> Rows:
		table = frappe.qb.DocType(doctype)
		query = frappe.qb.from_(table).where(table.relation.isnotnull())
		return Rows(query if which is None else query.where(which(table)), table.relation, table.name)

	return rows


def _by_a_person(*types: str) -> Callable[[Any], Criterion]:
	return lambda table: table.response_type.isin(list(types)) & (table.bot == 0)


def _is_answer(table: Any) -> Criterion:
	"""Return the criterion of answers; a call that reached no person is not an answer."""
	reached = (table.response_type != ResponseType.CALL) | table.answer.notin(list(NOT_REACHED))
	return _by_a_person(*IN_WORDS)(table) & reached


def _given(table: Any) -> Criterion:
	"""Return the criterion of consent that was given, on a basis that the channel allows, and not objected
	to since, as `rules.decide` requires.

	An objection to the purpose, or to all, counts for the address, for its mailbox, and for all addresses
	of the relation if it says so. Only a declaration of consent lifts an earlier objection (§ 7 (3) UWG).
	"""
	objection = frappe.qb.DocType(CONSENTS).as_("objection")
	objected = (
		frappe.qb.from_(objection)
		.select(objection.name)
		.where((objection.event == ConsentEvent.WITHDRAWN) & (objection.channel == table.channel))
		.where((objection.purpose == table.purpose) | (objection.purpose == GENERAL_PURPOSE))
		.where(objection.given_at <= str(now_datetime()))
		.where((objection.given_at >= table.given_at) | (table.legal_basis != CONSENT))
	)
	bases = [(table.channel == channel) & table.legal_basis.isin(sorted(BASES[channel])) for channel in BASES]
	return Criterion.all(
		[
			table.event == ConsentEvent.GIVEN,
			table.given_at <= str(now_datetime()),
			Criterion.any(bases),
			*(
				ExistsCriterion(objected.where(same)).negate()
				for same in (
					objection.address_key == table.address_key,
					(objection.mailbox_key == table.mailbox_key) & (table.mailbox_key > ""),
					(objection.relation == table.relation) & (objection.address_key == ALL_ADDRESSES),
				)
			),
		]
	)


def _objected(table: Any) -> Criterion:
	"""Return the criterion of objections to an address, or to all of the relation's, that no declaration of
	consent has lifted since.
	"""
	consent = frappe.qb.DocType(CONSENTS).as_("consent")
	to_all = (consent.purpose == GENERAL_PURPOSE) & (table.purpose != TRACKING_PURPOSE)
	lifted = (
		frappe.qb.from_(consent)
		.select(consent.name)
		.where((consent.address_key == table.address_key) & (consent.channel == table.channel))
		.where((consent.purpose == table.purpose) | to_all)
		.where((consent.event == ConsentEvent.GIVEN) & (consent.legal_basis == CONSENT))
		.where((consent.given_at > table.given_at) & (consent.given_at <= str(now_datetime())))
	)
	return Criterion.all(
		[
			table.event == ConsentEvent.WITHDRAWN,
			table.given_at <= str(now_datetime()),
			ExistsCriterion(lifted).negate(),
		]
	)


def _campaign(doctype: str) -> Field:
	return Field(
		"campaign",
		_lt("Campaign"),
		CAMPAIGNS,
		"option",
		Cell(doctype, "campaign"),
		"Relation Campaign",
		can_be_empty=False,
	)


def _date(doctype: str, column: str) -> Field:
	return Field(
		"date", _lt("Date"), CAMPAIGNS, "date", Cell(doctype, column, is_datetime=True), can_be_empty=False
	)


def _choice(doctype: str, column: str, label: Any, choices: tuple[str, ...], key: str = "") -> Field:
	return Field(key or column, label, CAMPAIGNS, "option", Cell(doctype, column), choices=choices)


_RESPONSE = (_date(RESPONSE, "received_at"), _campaign(RESPONSE))
_CONSENT = (
	_date(CONSENTS, "given_at"),
	_choice(CONSENTS, "channel", _lt("Channel"), CHANNELS),
	Field("purpose", _lt("Purpose"), CAMPAIGNS, "text", Cell(CONSENTS, "purpose")),
)

FIELDS = (
	Event(
		"in_campaign",
		_lt("Member of a Campaign"),
		CAMPAIGNS,
		_lt("was in a campaign {0}"),
		_lt("was never in a campaign"),
		_rows(MEMBER),
		(
			_date(MEMBER, "entered"),
			_campaign(MEMBER),
			_choice(MEMBER, "status", _lt("Status"), tuple(MemberStatus)),
			Field(
				"held_out",
				_lt("Control Group"),
				CAMPAIGNS,
				"check",
				Cell(MEMBER, "held_out"),
				can_be_empty=False,
			),
		),
		document=MEMBER,
		needs=MEMBER,
	),
	Event(
		"was_sent",
		_lt("Was Sent a Campaign"),
		CAMPAIGNS,
		_lt("was sent something by a campaign {0}"),
		_lt("was never sent anything by a campaign"),
		_rows(SEND, lambda table: table.state.isin(list(LEFT))),
		(
			_date(SEND, "sent_at"),
			_campaign(SEND),
			_choice(SEND, "step_type", _lt("Type"), tuple(StepType), key="type"),
		),
		document=SEND,
		needs=SEND,
	),
	Event(
		"opened",
		_lt("Opened a Campaign's Email"),
		CAMPAIGNS,
		_lt("has opened an email of a campaign {0}"),
		_lt("has never opened an email of a campaign"),
		_rows(RESPONSE, _by_a_person(ResponseType.OPENED)),
		_RESPONSE,
		document=RESPONSE,
		needs=RESPONSE,
	),
	Event(
		"clicked",
		_lt("Clicked in a Campaign"),
		CAMPAIGNS,
		_lt("has clicked in a campaign {0}"),
		_lt("has never clicked in a campaign"),
		_rows(RESPONSE, _by_a_person(ResponseType.CLICK)),
		_RESPONSE,
		document=RESPONSE,
		needs=RESPONSE,
	),
	Event(
		"answered",
		_lt("Answered a Campaign"),
		CAMPAIGNS,
		_lt("has answered a campaign {0}"),
		_lt("has never answered a campaign"),
		_rows(RESPONSE, _is_answer),
		(
			*_RESPONSE,
			_choice(RESPONSE, "answer", _lt("Answer"), ANSWERS),
			_choice(RESPONSE, "response_type", _lt("Type"), IN_WORDS, key="type"),
		),
		document=RESPONSE,
		needs=RESPONSE,
	),
	Event(
		"consent",
		_lt("Consent in Force"),
		CAMPAIGNS,
		_lt("has a consent in force {0}"),
		_lt("has no consent in force"),
		_rows(CONSENTS, _given),
		(
			*_CONSENT,
			Field("legal_basis", _lt("Legal Basis"), CAMPAIGNS, "text", Cell(CONSENTS, "legal_basis")),
		),
		document=CONSENTS,
		needs=CONSENTS,
	),
	Event(
		"objection",
		_lt("Objection in Force"),
		CAMPAIGNS,
		_lt("has an objection in force {0}"),
		_lt("has no objection in force"),
		_rows(CONSENTS, _objected),
		_CONSENT,
		document=CONSENTS,
		needs=CONSENTS,
	),
)

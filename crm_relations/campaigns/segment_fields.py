"""What a segment may ask of campaigns: who was in one, what was sent, opened, clicked and answered, and consent."""

from collections.abc import Callable
from typing import Any

import frappe
from frappe import _lt
from frappe.utils import now_datetime
from pypika.terms import Criterion, ExistsCriterion

from crm_relations.campaigns.rules import CONSENT, GENERAL_PURPOSE
from crm_relations.segments.catalogue import Cell, Event, Field, Rows, Scope

CAMPAIGNS = _lt("Campaigns and Consent")
MEMBER, SEND, RESPONSE = "Relation Campaign Member", "Relation Campaign Send", "Relation Campaign Response"
CONSENTS = "Relation Consent"
#: states of a send in which the message has left
LEFT = ("Sent", "Done")
CHANNELS = ("E-mail", "Phone", "Letter")
ANSWERS = ("Interested", "Not Interested", "Call Back", "Not Reached", "Unknown")
#: kinds of response that are an answer in words
IN_WORDS = ("Reply", "Call", "Letter")
NOT_REACHED = ("Not Reached", "Unknown")


def _rows(doctype: str, which: Callable[[Any], Criterion] | None = None) -> Callable[[Scope], Rows]:
	def rows(scope: Scope) -> Rows:
		table = frappe.qb.DocType(doctype)
		query = frappe.qb.from_(table).where(table.relation.isnotnull())
		return Rows(query if which is None else query.where(which(table)), table.relation, table.name)

	return rows


def _by_a_person(*types: str) -> Callable[[Any], Criterion]:
	return lambda table: table.response_type.isin(list(types)) & (table.robot == 0)


def _is_answer(table: Any) -> Criterion:
	"""A call that reached nobody is none."""
	reached = (table.response_type != "Call") | table.answer.notin(list(NOT_REACHED))
	return _by_a_person(*IN_WORDS)(table) & reached


def _in_force(event: str) -> Callable[[Any], Criterion]:
	"""Consent that is given, or an objection that was raised, and not overtaken since.

	A later objection to the same purpose, or to all, ends a consent; an objection ends with a later declaration
	of consent only, not with a sale (§ 7 (3) UWG). Events belong to an address.
	"""

	def which(table: Any) -> Criterion:
		later = frappe.qb.DocType(CONSENTS).as_("later")
		overtaken = (
			frappe.qb.from_(later)
			.select(later.name)
			.where((later.address_key == table.address_key) & (later.channel == table.channel))
			.where((later.purpose == table.purpose) | (later.purpose == GENERAL_PURPOSE))
			.where(later.given_at <= str(now_datetime()))
		)
		if event == "Given":
			since = (later.given_at >= table.given_at) | (table.legal_basis != CONSENT)
			overtaken = overtaken.where((later.event == "Withdrawn") & since)
		else:
			overtaken = overtaken.where((later.event == "Given") & (later.legal_basis == CONSENT)).where(
				later.given_at > table.given_at
			)
		return (
			(table.event == event)
			& (table.given_at <= str(now_datetime()))
			& ExistsCriterion(overtaken).negate()
		)

	return which


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
			_choice(
				MEMBER,
				"status",
				_lt("Status"),
				("Addressed", "Answered", "Qualified", "Handed Over", "Won", "Declined"),
			),
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
			_choice(SEND, "step_type", _lt("Type"), ("E-mail", "Call"), key="type"),
		),
		document=SEND,
	),
	Event(
		"opened",
		_lt("Opened a Campaign's E-mail"),
		CAMPAIGNS,
		_lt("has opened an e-mail of a campaign {0}"),
		_lt("has never opened an e-mail of a campaign"),
		_rows(RESPONSE, _by_a_person("Opened")),
		_RESPONSE,
		document=RESPONSE,
	),
	Event(
		"clicked",
		_lt("Clicked in a Campaign"),
		CAMPAIGNS,
		_lt("has clicked in a campaign {0}"),
		_lt("has never clicked in a campaign"),
		_rows(RESPONSE, _by_a_person("Click")),
		_RESPONSE,
		document=RESPONSE,
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
	),
	Event(
		"consent",
		_lt("Consent in Force"),
		CAMPAIGNS,
		_lt("has a consent in force {0}"),
		_lt("has no consent in force"),
		_rows(CONSENTS, _in_force("Given")),
		(
			*_CONSENT,
			Field("legal_basis", _lt("Legal Basis"), CAMPAIGNS, "text", Cell(CONSENTS, "legal_basis")),
		),
		document=CONSENTS,
	),
	Event(
		"objection",
		_lt("Objection in Force"),
		CAMPAIGNS,
		_lt("has an objection in force {0}"),
		_lt("has no objection in force"),
		_rows(CONSENTS, _in_force("Withdrawn")),
		_CONSENT,
		document=CONSENTS,
	),
)

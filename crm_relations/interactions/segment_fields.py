"""Declare the fields of contacts that segments may use: interactions, emails and telephone calls, counted
as the facts count them. Writes nothing.
"""

from collections.abc import Callable
from typing import Any

import frappe
from frappe import _lt
from frappe.query_builder import Case
from frappe.query_builder.functions import Coalesce
from pypika.terms import NullValue
from pypika.terms import ValueWrapper as Value

from crm_relations.interactions.fact_sources import ANSWERED, MAIL_TYPES
from crm_relations.segments.fields.catalogue import Cell, Event, Field, Rows, Scope

CONTACTS = _lt("Contact and Responses")
INTERACTION, MAIL, CALL = "Relation Interaction", "Communication", "Call Log"
KINDS = ("Call", "Email", "Letter", "Meeting", "Visit", "Complaint", "Wish", "Observation")
OUTCOMES = ("Successful", "No Answer", "Call Back", "Refused", "Open", "Solved")
DIRECTIONS = ("Incoming", "Outgoing")
#: columns that the rows of every source have
COLUMNS = ("type", "direction", "outcome", "date", "handled_by", "item", "campaign")


def _part(query: Any, relation: Any, document: Any, doctype: str, **columns: Any) -> Rows:
	"""Return the rows of one source under the names that the fields know."""
	given = [columns.get(name, NullValue()).as_(name) for name in COLUMNS]
	table = query.select(relation.as_("relation"), document.as_("document"), *given).as_("contact")
	return Rows(frappe.qb.from_(table), table.relation, table.document, doctype=doctype)


def _interactions(kinds: tuple[str, ...], scope: Scope) -> Rows:
	table = frappe.qb.DocType(INTERACTION)
	query = frappe.qb.from_(table).where(table.relation.isnotnull() & table.kind.isin(list(kinds)))
	return _part(
		query,
		table.relation,
		table.name,
		INTERACTION,
		type=table.kind,
		direction=table.direction,
		outcome=table.outcome,
		date=table.happened_on,
		handled_by=table.handled_by,
		item=table.item,
		campaign=table.campaign,
	)


def _mails() -> list[Rows]:
	"""Return emails that name the relation, or one of its party documents, by reference or by link."""
	mail, link = frappe.qb.DocType(MAIL), frappe.qb.DocType("Communication Link")
	party = frappe.qb.DocType("Relation Party")
	ours = (party.parenttype == "Relation") & party.parent.isnotnull()
	is_mail = mail.communication_type.isin(MAIL_TYPES) & Coalesce(mail.communication_medium, "").isin(
		["", "Email"]
	)
	of_relation = frappe.qb.from_(mail).where(
		(mail.reference_doctype == "Relation") & (mail.reference_name > "")
	)
	referring = (
		frappe.qb.from_(party)
		.join(mail)
		.on((mail.reference_doctype == party.party_type) & (mail.reference_name == party.party))
		.where(ours)
	)
	linked = (
		frappe.qb.from_(party)
		.join(link)
		.on((link.link_doctype == party.party_type) & (link.link_name == party.party))
		.join(mail)
		.on(mail.name == link.parent)
		.where(ours)
	)
	said = {
		"type": Value("Email"),
		"direction": Case().when(mail.sent_or_received == "Received", "Incoming").else_("Outgoing"),
		"date": Coalesce(mail.communication_date, mail.creation),
	}
	return [
		_part(query.where(is_mail), relation, mail.name, MAIL, **said)
		for query, relation in (
			(of_relation, mail.reference_name),
			(referring, party.parent),
			(linked, party.parent),
		)
	]


def _calls() -> Rows:
	"""Return calls of a telephone system in which two people spoke."""
	log, link = frappe.qb.DocType(CALL), frappe.qb.DocType("Dynamic Link")
	party = frappe.qb.DocType("Relation Party")
	query = (
		frappe.qb.from_(party)
		.join(link)
		.on((link.link_doctype == party.party_type) & (link.link_name == party.party))
		.join(log)
		.on(log.name == link.parent)
		.where((party.parenttype == "Relation") & party.parent.isnotnull())
		.where((link.parenttype == CALL) & log.status.isin(ANSWERED))
	)
	return _part(
		query,
		party.parent,
		log.name,
		CALL,
		type=Value("Call"),
		direction=log.type,
		outcome=Value("Successful"),
		date=Coalesce(log.start_time, log.creation),
	)


def _contacts(*kinds: str) -> Callable[[Scope], list[Rows]]:
	def rows(scope: Scope) -> list[Rows]:
		logged = tuple(kind for kind in kinds if kind != "Email")
		parts = [_interactions(logged, scope)] if logged else []
		if "Email" in kinds:
			parts += _mails()
		if "Call" in kinds:
			parts.append(_calls())
		return parts

	return rows


def _cell(name: str, is_datetime: bool = False) -> Cell:
	return Cell(INTERACTION, name, alias="contact", is_datetime=is_datetime)


_DATE = Field("date", _lt("Date"), CONTACTS, "date", _cell("date", is_datetime=True), can_be_empty=False)
_DIRECTION = Field("direction", _lt("Direction"), CONTACTS, "option", _cell("direction"), choices=DIRECTIONS)
_OUTCOME = Field("outcome", _lt("Outcome"), CONTACTS, "option", _cell("outcome"), choices=OUTCOMES)
_REST = (
	Field("handled_by", _lt("Handled By"), CONTACTS, "option", _cell("handled_by"), "User"),
	Field("item", _lt("Item"), CONTACTS, "option", _cell("item"), "Item"),
	Field("campaign", _lt("Campaign"), CONTACTS, "option", _cell("campaign"), "Relation Campaign"),
)


def _type(*kinds: str) -> Field:
	return Field("type", _lt("Type"), CONTACTS, "option", _cell("type"), choices=kinds, can_be_empty=False)


FIELDS = (
	Event(
		"contact",
		_lt("Contact of Any Kind"),
		CONTACTS,
		_lt("was in contact with us {0}"),
		_lt("was never in contact with us"),
		_contacts(*KINDS),
		(_DATE, _type(*KINDS), _DIRECTION, _OUTCOME, *_REST),
		document=INTERACTION,
		needs=INTERACTION,
	),
	Event(
		"called",
		_lt("Telephone Call"),
		CONTACTS,
		_lt("was on the telephone with us {0}"),
		_lt("was never on the telephone with us"),
		_contacts("Call"),
		(_DATE, _DIRECTION, _OUTCOME, *_REST),
		document=INTERACTION,
		needs=INTERACTION,
	),
	Event(
		"met",
		_lt("Meeting or Visit"),
		CONTACTS,
		_lt("has met us {0}"),
		_lt("has never met us"),
		_contacts("Meeting", "Visit"),
		(_DATE, _type("Meeting", "Visit"), _OUTCOME, *_REST),
		document=INTERACTION,
		needs=INTERACTION,
	),
	Event(
		"wrote",
		_lt("Letter or Email"),
		CONTACTS,
		_lt("has exchanged letters or emails with us {0}"),
		_lt("has never exchanged letters or emails with us"),
		_contacts("Letter", "Email"),
		(_DATE, _type("Letter", "Email"), _DIRECTION, *_REST),
		document=INTERACTION,
		needs=INTERACTION,
	),
	Event(
		"complained",
		_lt("Complaint"),
		CONTACTS,
		_lt("has complained {0}"),
		_lt("has never complained"),
		_contacts("Complaint"),
		(_DATE, _OUTCOME, *_REST),
		document=INTERACTION,
		needs=INTERACTION,
	),
)

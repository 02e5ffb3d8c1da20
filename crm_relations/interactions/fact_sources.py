"""Declare the figures that interactions, emails and telephone calls add to a relation: complaints, last
contact by channel. Writes nothing.
"""

from typing import Any

import frappe
from frappe.query_builder import Case
from frappe.query_builder.functions import Coalesce, Max
from pypika.functions import Date
from pypika.queries import QueryBuilder
from pypika.terms import Term

from crm_relations.relations.facts.sources import CONTACTS, FactSource, Fold, Listing, Scope, count_if

#: kinds of interaction that are a contact; an observation is not one
CONTACT_KINDS = ("Call", "Letter", "Meeting", "Visit", "Complaint", "Wish")
#: statuses of ERPNext's Call Log for calls in which two people spoke
ANSWERED = ("Completed",)
MAIL_TYPES = ("Communication", "Automated Message")


def interactions(scope: Scope) -> QueryBuilder:
	"""Return a column for each kind that is a channel; an interaction that reached no person is not a
	contact.
	"""
	table = frappe.qb.DocType("Relation Interaction")
	day = Date(table.happened_on)
	outcome = Coalesce(table.outcome, "")
	reached = outcome != "No Answer"

	def last(*kinds: str) -> Term:
		return Max(Case().when(table.kind.isin(kinds) & reached, day))

	complaint = table.kind == "Complaint"
	query = (
		frappe.qb.from_(table)
		.where(table.relation > "")
		.groupby(table.relation)
		.select(
			table.relation,
			last(*CONTACT_KINDS).as_("last_contact"),
			last("Call").as_("last_call"),
			last("Letter").as_("last_letter"),
			last("Meeting").as_("last_meeting"),
			last("Visit").as_("last_visit"),
			count_if(complaint).as_("complaints"),
			count_if(complaint & (outcome != "Solved")).as_("open_complaints"),
			Max(Case().when(complaint, day)).as_("last_complaint"),
		)
	)
	return scope.of_relations(query, table.relation)


def mails_of_parties(scope: Scope) -> QueryBuilder:
	"""Return emails that refer to a party document or are linked to one, as Frappe's own forms show them."""
	mail, link = frappe.qb.DocType("Communication"), frappe.qb.DocType("Communication Link")
	referring = scope.of_parties(
		frappe.qb.from_(mail)
		.where(mail.reference_name > "")
		.select(mail.reference_doctype.as_("party_type"), mail.reference_name.as_("party"), _mail_day(mail)),
		mail.reference_doctype,
		mail.reference_name,
	)
	linked = scope.of_parties(
		frappe.qb.from_(link)
		.join(mail)
		.on(mail.name == link.parent)
		.select(link.link_doctype.as_("party_type"), link.link_name.as_("party"), _mail_day(mail)),
		link.link_doctype,
		link.link_name,
	)
	both = (_only_mails(referring, mail) * _only_mails(linked, mail)).as_("mail")
	return (
		frappe.qb.from_(both)
		.groupby(both.party_type, both.party)
		.select(
			both.party_type, both.party, Max(both.day).as_("last_contact"), Max(both.day).as_("last_email")
		)
	)


def mails_of_relations(scope: Scope) -> QueryBuilder:
	"""Return emails that refer to the relation itself, as those of campaigns do."""
	mail = frappe.qb.DocType("Communication")
	day = Max(_mail_day(mail, None))
	query = (
		frappe.qb.from_(mail)
		.where(mail.reference_doctype == "Relation")
		.groupby(mail.reference_name)
		.select(mail.reference_name.as_("relation"), day.as_("last_contact"), day.as_("last_email"))
	)
	return scope.of_relations(_only_mails(query, mail), mail.reference_name)


def calls(scope: Scope) -> QueryBuilder:
	"""Return calls of a telephone system that were answered."""
	log, link = frappe.qb.DocType("Call Log"), frappe.qb.DocType("Dynamic Link")
	day = Max(Date(Coalesce(log.start_time, log.creation)))
	query = (
		frappe.qb.from_(link)
		.join(log)
		.on(log.name == link.parent)
		.where((link.parenttype == "Call Log") & log.status.isin(ANSWERED))
		.groupby(link.link_doctype, link.link_name)
		.select(
			link.link_doctype.as_("party_type"),
			link.link_name.as_("party"),
			day.as_("last_contact"),
			day.as_("last_call"),
		)
	)
	return scope.of_parties(query, link.link_doctype, link.link_name)


def _mail_day(mail: Any, alias: str | None = "day") -> Term:
	return Date(Coalesce(mail.communication_date, mail.creation), alias=alias)


def _only_mails(query: QueryBuilder, mail: Any) -> QueryBuilder:
	"""Limit the query to emails that were sent or received, without chats, comments or other notes."""
	return query.where(mail.communication_type.isin(MAIL_TYPES)).where(
		Coalesce(mail.communication_medium, "").isin(["", "Email"])
	)


def _interactions(scope: Scope, company: str) -> dict[str, list[Listing]]:
	log = "Relation Interaction"
	mine = {"relation": ["in", list(scope.relations or ())]}
	complaints = {**mine, "kind": "Complaint"}
	channels = {
		"last_call": "Call",
		"last_letter": "Letter",
		"last_meeting": "Meeting",
		"last_visit": "Visit",
	}
	return {
		**{figure: [Listing(log, {**mine, "kind": kind})] for figure, kind in channels.items()},
		"last_contact": [Listing(log, {**mine, "kind": ["in", list(CONTACT_KINDS)]})],
		"complaints": [Listing(log, complaints, "name")],
		"open_complaints": [Listing(log, {**complaints, "outcome": ["!=", "Solved"]}, "name")],
		"last_complaint": [Listing(log, complaints)],
	}


def _mails(scope: Scope, company: str) -> dict[str, list[Listing]]:
	filters = {"reference_doctype": "Relation", "reference_name": ["in", list(scope.relations or ())]}
	return {"last_email": [Listing("Communication", filters)]}


_INTERACTIONS: dict[str, Fold] = {
	"last_contact": "max",
	"last_call": "max",
	"last_letter": "max",
	"last_meeting": "max",
	"last_visit": "max",
	"complaints": "sum",
	"open_complaints": "sum",
	"last_complaint": "max",
}
_MAILS: dict[str, Fold] = {"last_contact": "max", "last_email": "max"}

SOURCES: list[FactSource] = [
	FactSource(CONTACTS, _INTERACTIONS, interactions, opens=_interactions),
	FactSource(CONTACTS, _MAILS, mails_of_parties, by="party"),
	FactSource(CONTACTS, _MAILS, mails_of_relations, opens=_mails),
	FactSource(CONTACTS, {"last_contact": "max", "last_call": "max"}, calls, by="party"),
]

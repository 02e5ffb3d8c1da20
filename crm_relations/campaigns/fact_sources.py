"""Declare the figures that campaigns add to a relation: its responses. Writes nothing."""

import frappe
from frappe.query_builder.functions import Count, Max
from pypika.functions import Date
from pypika.queries import QueryBuilder

from crm_relations.campaigns.states import CallAnswer, ResponseType
from crm_relations.relations.facts.sources import CONTACTS, FactSource, Listing, Scope, count_if

POSITIVE = (CallAnswer.INTERESTED, CallAnswer.CALL_BACK)
#: an unsubscription or complaint is not an answer, nor is what a mailbox or a picture reports
NO_ANSWER = (
	ResponseType.BOUNCE,
	ResponseType.COMPLAINT,
	ResponseType.OPENED,
	ResponseType.OUT_OF_OFFICE,
	ResponseType.UNSUBSCRIBE,
)


def responses(scope: Scope) -> QueryBuilder:
	"""Return the answers of every campaign, clicks included. Answers of people who want to hear more are
	positive.
	"""
	table = frappe.qb.DocType("Relation Campaign Response")
	answers = table.response_type.notin(NO_ANSWER) & (table.bot == 0)
	query = (
		frappe.qb.from_(table)
		.where((table.relation > "") & answers)
		.groupby(table.relation)
		.select(
			table.relation,
			Count("*").as_("campaign_responses"),
			count_if(table.answer.isin(POSITIVE)).as_("positive_responses"),
			Max(Date(table.received_at)).as_("last_response"),
		)
	)
	return scope.of_relations(query, table.relation)


def _opens(scope: Scope, company: str) -> dict[str, list[Listing]]:
	filters = {
		"relation": ["in", list(scope.relations or ())],
		"response_type": ["not in", list(NO_ANSWER)],
		"bot": 0,
	}
	answers = Listing("Relation Campaign Response", filters, "name")
	positive = Listing("Relation Campaign Response", {**filters, "answer": ["in", list(POSITIVE)]}, "name")
	return {
		"campaign_responses": [answers],
		"positive_responses": [positive],
		"last_response": [Listing("Relation Campaign Response", filters)],
	}


SOURCES: list[FactSource] = [
	FactSource(
		CONTACTS,
		{"campaign_responses": "sum", "positive_responses": "sum", "last_response": "max"},
		responses,
		opens=_opens,
	),
]

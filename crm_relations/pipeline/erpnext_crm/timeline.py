"""Declare ERPNext's Opportunity as a source of the timeline. Writes nothing."""

from pypika.terms import Criterion, Term

from crm_relations.interactions.timeline import CustomerFile, Source, Table, moment


def _party(file: CustomerFile, table: Table) -> Criterion | None:
	return file.points_at_party(table.opportunity_from, table.party_name)


def _columns(table: Table) -> dict[str, Term]:
	return {
		"title": table.title,
		"status": table.status,
		"amount": table.opportunity_amount,
		"currency": table.currency,
		"person": table.opportunity_owner,
		"campaign": table.relation_campaign,
	}


SOURCES: list[Source] = [
	Source(
		"Opportunity",
		"documents",
		"Opportunity",
		_party,
		lambda table: moment(table.transaction_date, table.creation),
		_columns,
	),
]

"""Compare campaigns by members, responses, revenue, cost and lift. Writes nothing."""

from dataclasses import dataclass
from typing import Any

import frappe

from crm_relations.campaigns.reporting import comparison, lift
from crm_relations.ledger.statements.figures import CampaignFigures, Statement
from crm_relations.shared.in_lists import one_of


@dataclass
class Row:
	"""A campaign: persons by stage, its line of the statement, and its lift in the statement's company."""

	campaign: str
	status: str
	segment: str | None
	stages: dict[str, int]
	figures: CampaignFigures
	effect: lift.Effect | None


def compare(result: Statement) -> list[Row]:
	"""Return a row for each campaign of the statement, and for each campaign of its company that has members.

	Rows are sorted by margin, highest first.
	"""
	figures = {row.campaign: row for row in result.campaigns}
	campaigns = {row.name: row for row in _campaigns(result.company, list(figures))}
	effects = lift.effects(list(campaigns))
	stages = comparison.stages(list(campaigns), effects)
	rows = [
		Row(
			campaign=name,
			status=row.status,
			segment=row.segment,
			stages=stages[name],
			figures=figures.get(name) or CampaignFigures(name),
			effect=effects[name] if effects[name].company == result.company else None,
		)
		for name, row in campaigns.items()
		if name in figures or stages[name]["members"]
	]
	return sorted(rows, key=lambda row: (-row.figures.margin, row.campaign))


def _campaigns(company: str, named: list[str]) -> list[Any]:
	"""Return the campaigns of the statement, and those of the company or without a company."""
	campaign = frappe.qb.DocType("Relation Campaign")
	of_company = (campaign.company == company) | campaign.company.isnull() | (campaign.company == "")
	where = of_company | one_of(campaign.name, named) if named else of_company
	return (
		frappe.qb.from_(campaign)
		.select(campaign.name, campaign.status, campaign.segment)
		.where(where)
		.orderby(campaign.name)
		.run(as_dict=True)
	)

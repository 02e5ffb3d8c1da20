"""Declare the actions of campaigns on the form of a relation. Writes nothing."""

from crm_relations.campaigns.states import CampaignStatus
from crm_relations.relations import rules
from crm_relations.relations.actions import RELATION, Action

ACTIONS: list[Action] = [
	Action(
		"Add to Campaign",
		(rules.LEAD,),
		"call",
		"crm_relations.campaigns.api.add_relation",
		needs=(("Relation Campaign", "write"),),
		values={"relation": RELATION},
		asks=(
			{
				"fieldname": "campaign",
				"fieldtype": "Link",
				"options": "Relation Campaign",
				"label": "Campaign",
				"reqd": 1,
				"filters": {
					"status": ["in", [CampaignStatus.DRAFT, CampaignStatus.RUNNING, CampaignStatus.PAUSED]]
				},
			},
		),
	),
]

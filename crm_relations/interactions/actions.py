"""Declare the actions of interactions on the form of a relation. Writes nothing."""

from crm_relations.relations import rules
from crm_relations.relations.actions import RELATION, Action

ACTIONS: list[Action] = [
	Action(
		"New Complaint",
		(rules.CUSTOMER,),
		"new",
		"Relation Interaction",
		needs=(("Relation Interaction", "create"),),
		values={"relation": RELATION, "kind": "Complaint"},
	),
]

"""Compute the points of a campaign member, with reasons. Reads only."""

import frappe

from crm_relations.qualification import queries
from crm_relations.qualification.rules import Reason, Score, first_match
from crm_relations.segments.compilation import compiler


def score(member: str) -> Score:
	"""Return the points of a campaign member by the scheme of its campaign.

	A criterion counts once, however many responses meet it. Without a scheme, or with a disabled one, there
	are no points.
	"""
	campaign, relation = frappe.db.get_value("Relation Campaign Member", member, ["campaign", "relation"])
	scheme = queries.scheme_of_campaign(campaign)
	if not scheme:
		return Score()
	answers = queries.answers_of(member)
	reasons = []
	for criterion in frappe.get_cached_doc("Relation Qualification Scheme", scheme).criteria:
		if criterion.basis == "Relation":
			met = compiler.matches(criterion.condition, relation)
			evidence = ("Relation", relation) if met else None
		else:
			found = first_match(criterion.response_type, criterion.answer, answers)
			evidence = ("Relation Campaign Response", found.name) if found else None
		if evidence:
			reasons.append(Reason(criterion.description, criterion.points, *evidence))
	return Score.of(reasons)

"""Compare the progress of several campaigns by the stages of `reporting.funnel`, without the control group.
Reads only; the number of queries does not depend on the number of campaigns.
"""

from collections.abc import Sequence
from typing import Any

import frappe
from frappe.query_builder import Case, DocType
from frappe.query_builder.functions import Count

from crm_relations.campaigns import rules
from crm_relations.campaigns.reporting import lift
from crm_relations.campaigns.reporting.funnel import _QUALIFIED, DONE, MEMBER, RESPONSE, SEND
from crm_relations.campaigns.states import MemberStatus

STAGES = ("members", "sent", "answered", "qualified", "won", "invoiced")


def stages(
	campaigns: Sequence[str], effects: dict[str, lift.Effect] | None = None
) -> dict[str, dict[str, int]]:
	"""Return campaign → STAGES as numbers of persons, each once per stage; invoiced up to the campaign's
	last day.

	:param effects: of these campaigns, if the caller has them
	"""
	names = list(campaigns)
	found = {name: dict.fromkeys(STAGES, 0) for name in names}
	if not names:
		return found
	for name, *counts in _members(names):
		found[name].update(zip(("members", "qualified", "won"), counts, strict=True))
	for name, number in _sent(names):
		found[name]["sent"] = number
	for name, persons in _answered(names).items():
		found[name]["answered"] = len(persons)
	for name, one in (effects or lift.effects(names)).items():
		found[name]["invoiced"] = one.groups["addressed"].buyers
	return found


def _members(names: list[str]) -> list[tuple]:
	member = DocType(MEMBER)
	return (
		frappe.qb.from_(member)
		.select(
			member.campaign,
			Count(member.relation).distinct(),
			Count(Case().when(member.status.isin(_QUALIFIED), member.relation)).distinct(),
			Count(Case().when(member.status == MemberStatus.WON, member.relation)).distinct(),
		)
		.where(member.campaign.isin(names) & (member.held_out == 0))
		.groupby(member.campaign)
		.run()
	)


def _sent(names: list[str]) -> list[tuple]:
	send = DocType(SEND)
	query = frappe.qb.from_(send).select(send.campaign, Count(send.relation).distinct())
	return query.where(send.campaign.isin(names) & send.state.isin(DONE)).groupby(send.campaign).run()


def _answered(names: list[str]) -> dict[str, set[Any]]:
	response = DocType(RESPONSE)
	rows = (
		frappe.qb.from_(response)
		.select(response.campaign, response.relation, response.response_type, response.answer)
		.distinct()
		.where(response.campaign.isin(names) & (response.bot == 0))
		.run()
	)
	found: dict[str, set[Any]] = {}
	for name, relation, kind, answer in rows:
		if rules.is_answer(kind, answer or ""):
			found.setdefault(name, set()).add(relation)
	return found

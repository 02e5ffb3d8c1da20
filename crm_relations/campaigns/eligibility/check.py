"""Check whether members are eligible for a step that is due: exit conditions, the step's condition, overdue
invoices, open complaints, contact limits, and incoming emails that a user has not reviewed yet.

Writes no record itself; members that meet an exit condition leave through `exits`. No rule of a segment
overrides these checks. Consent is looked up separately, in `composer`, `call_list` and `letters`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import frappe
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce
from frappe.utils import cint, now_datetime

from crm_relations.campaigns.eligibility import contact_limits, exits, member_events, step_rules
from crm_relations.campaigns.incoming import mail_reviews
from crm_relations.campaigns.members import member_rows
from crm_relations.campaigns.states import StepType


@dataclass
class Verdict:
	"""The result of the check: rows that are left out → why, and rows that must wait as it is not certain
	yet.
	"""

	refused: dict[str, str] = field(default_factory=dict)
	later: set[str] = field(default_factory=set)


def evaluate(campaign: Document, rows: Sequence[frappe._dict], worker: str = "") -> Verdict:
	"""Check the members of these sends. Members that meet an exit condition leave the campaign.

	:param rows: with `name`, `step`, `step_type`, `member`, `relation` and `recipient`
	:param worker: the worker that holds the rows; rows of other workers count for the contact limit
	"""
	verdict = Verdict()
	if not rows:
		return verdict
	members = [row.member for row in rows]
	done = member_events.of_campaign(campaign, members)
	left = _left_before(members)
	leaving = {m: why for m, why in exits.reasons(campaign, done).items() if m not in left}
	excluded = _excluded(campaign, [row.relation for row in rows])
	steps = {step.name: step for step in campaign.steps}
	now = now_datetime()
	for row in rows:
		step = steps.get(row.step)
		reason = left.get(row.member) or leaving.get(row.member) or excluded.get(row.relation, "")
		if not reason and step:
			met = step_rules.condition_met(step.only_if, cint(step.within_days), done[row.member], now)
			reason = "" if met else step_rules.CONDITION_NOT_MET
		if reason:
			verdict.refused[row.name] = reason
	often, verdict.later = contact_limits.check([r for r in rows if r.name not in verdict.refused], worker)
	verdict.refused.update(often)
	unread = mail_reviews.held([row.recipient for row in rows if row.step_type == StepType.EMAIL])
	verdict.later |= {
		row.name
		for row in rows
		if row.recipient in unread and row.step_type == StepType.EMAIL and row.name not in verdict.refused
	}
	exits.leave(leaving)
	return verdict


def _left_before(members: Sequence[str]) -> dict[str, str]:
	table = DocType(member_rows.MEMBER)
	return dict(
		frappe.qb.from_(table)
		.select(table.name, table.left_reason)
		.where(table.name.isin(list(members)) & table.left_on.isnotnull())
		.run()
	)


def _excluded(campaign: Document, relations: Sequence[str]) -> dict[str, str]:
	"""Return the relations that the campaign leaves out for now → why."""
	found: dict[str, str] = {}
	if campaign.exclude_overdue:
		facts = DocType("Relation Facts")
		query = (
			frappe.qb.from_(facts)
			.select(facts.relation)
			.where(facts.relation.isin(list(relations)) & (facts.overdue_amount > 0))
		)
		if campaign.company:
			query = query.where(facts.company == campaign.company)
		found.update(dict.fromkeys(query.run(pluck=True), step_rules.OVERDUE))
	if campaign.exclude_complaints:
		complaint = DocType("Relation Interaction")
		query = (
			frappe.qb.from_(complaint)
			.select(complaint.relation)
			.where(complaint.relation.isin(list(relations)) & (complaint.kind == "Complaint"))
			.where(Coalesce(complaint.outcome, "") != "Solved")
		)
		found.update(dict.fromkeys(query.run(pluck=True), step_rules.OPEN_COMPLAINT))
	return found

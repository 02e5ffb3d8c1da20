"""Count the funnel of a campaign: members, sent, delivered, answered, qualified, won, invoiced; by step and
variant, and against the control group. Reads only; everything is counted now.

The responses do not show what a control group did. To compare the two, `invoiced` counts the same for both.
It counts members with a relation that has a submitted sales invoice dated after the first enrollment
(`purchases`), for any goods. The funnel counts persons, however often they were enrolled; the steps count
what was carried out, once per enrollment. `reporting.lift` decides whether the difference is statistically
significant.
"""

from typing import Any

import frappe
from frappe.query_builder import Case, DocType
from frappe.query_builder.functions import Count, Sum
from frappe.utils import flt
from pypika.queries import QueryBuilder
from pypika.terms import Criterion

from crm_relations.campaigns import rules
from crm_relations.campaigns.eligibility import purchases
from crm_relations.campaigns.states import MemberStatus, ResponseType, StepType
from crm_relations.relations.facts.sources import is_sale, is_sold
from crm_relations.shared.access.permissions import may_see_amounts_of

SEND, MEMBER, RESPONSE = (
	"Relation Campaign Send",
	"Relation Campaign Member",
	"Relation Campaign Response",
)
#: a step that has been carried out: an email or letter sent, a call or task done
DONE = ("Sent", "Done")
_QUALIFIED = ("Qualified", "Handed Over", "Won")
STAGES = ("members", "sent", "delivered", "answered", "qualified", "won", "invoiced")


def funnel(campaign: str) -> dict[str, dict[str, Any]]:
	"""Return the funnel of the `addressed` members and of the `control` group.

	Each has the STAGES as numbers of persons (each once per stage), `enrollments`, and `amount`: the net
	sum of these invoices in the company's currency, less credit notes. `amount` is None for users who may
	not see these sums. For the control group, sent to answered are 0. `delivered` counts emails only. It is
	None if no email was sent, because nothing shows whether a letter arrived.
	"""
	member = DocType(MEMBER)
	counted = {
		held_out: {"members": number, "enrollments": enrollments, "qualified": qualified, "won": won}
		for held_out, number, enrollments, qualified, won in (
			frappe.qb.from_(member)
			.select(
				member.held_out,
				Count(member.relation).distinct(),
				Count("*"),
				Count(Case().when(member.status.isin(_QUALIFIED), member.relation)).distinct(),
				Count(Case().when(member.status == MemberStatus.WON, member.relation)).distinct(),
			)
			.where(member.campaign == campaign)
			.groupby(member.held_out)
			.run()
		)
	}
	sales = _invoiced(campaign)
	found = {}
	for name, held_out in (("addressed", 0), ("control", 1)):
		figures = dict.fromkeys((*STAGES, "enrollments"), 0) | counted.get(held_out, {})
		figures["invoiced"], figures["amount"] = sales.get(held_out, (0, 0.0))
		found[name] = figures
	found["addressed"]["sent"] = _members_of(_done(campaign))
	found["addressed"]["delivered"] = _members_of(_delivered(campaign)) if _emailed(campaign) else None
	found["addressed"]["answered"] = len(_answers(campaign)["answered"])
	if not may_see_amounts(campaign):
		for figures in found.values():
			figures["amount"] = None
	return found


def may_see_amounts(campaign: str) -> bool:
	"""Tell whether the session's user may see what the members of a campaign were invoiced."""
	return bool(frappe.has_permission("Sales Invoice", "read")) and may_see_amounts_of(_company(campaign))


def by_step(campaign: str) -> list[dict[str, Any]]:
	"""Return a row per step and variant, in order.

	`step`, `title`, `step_type`, `variant`, `delay_days`, `delay_hours`, `winner`, `result`, `states`
	(number by state), `sent`, `delivered` (None unless the step is an email), `clicked`, `answered`,
	`qualified`, `won` (members).
	"""
	step = DocType("Relation Campaign Step")
	steps = (
		frappe.qb.from_(step)
		.select(
			step.name.as_("step"),
			step.title,
			step.step_type,
			step.delay_days,
			step.delay_hours,
			step.ab_winner.as_("winner"),
			step.ab_result.as_("result"),
		)
		.where((step.parent == campaign) & (step.parenttype == "Relation Campaign"))
		.orderby(step.idx)
		.run(as_dict=True)
	)
	states = _states(campaign)
	delivered = _delivered_by_step(campaign)
	answers = _answers(campaign)
	reached = _reached(campaign)
	rows = []
	for one in steps:
		variants = sorted({variant for name, variant in states if name == one.step}) or [""]
		for variant in variants:
			key = (one.step, variant)
			by_state = states.get(key, {})
			qualified, won = reached.get(key, (0, 0))
			rows.append(
				{
					**one,
					"variant": variant,
					"states": by_state,
					"sent": sum(by_state.get(state, 0) for state in DONE),
					"delivered": delivered.get(key, 0) if one.step_type == StepType.EMAIL else None,
					"clicked": len(answers["clicked_by_step"].get(key, ())),
					"answered": len(answers["answered_by_step"].get(key, ())),
					"qualified": qualified,
					"won": won,
				}
			)
	return rows


def _done(campaign: str) -> tuple[Any, Criterion]:
	send = DocType(SEND)
	return send, (send.campaign == campaign) & send.state.isin(DONE)


def _emailed(campaign: str) -> bool:
	"""Return whether an email of the campaign was sent."""
	return bool(
		frappe.db.exists(SEND, {"campaign": campaign, "step_type": StepType.EMAIL, "state": ["in", DONE]})
	)


def _delivered(campaign: str) -> tuple[Any, Criterion]:
	"""Return the emails that were sent and did not bounce."""
	send, done = _done(campaign)
	done &= send.step_type == StepType.EMAIL
	response = DocType(RESPONSE)
	bounced = (
		frappe.qb.from_(response)
		.select(response.send)
		.where(
			(response.campaign == campaign)
			& (response.response_type == ResponseType.BOUNCE)
			& (response.send > "")
		)
	)
	return send, done & send.name.notin(bounced)


def _members_of(rows: tuple[Any, Criterion]) -> int:
	send, criterion = rows
	return frappe.qb.from_(send).select(Count(send.relation).distinct()).where(criterion).run()[0][0]


def _states(campaign: str) -> dict[tuple[str, str], dict[str, int]]:
	send = DocType(SEND)
	found: dict[tuple[str, str], dict[str, int]] = {}
	for step, variant, state, number in (
		frappe.qb.from_(send)
		.select(send.step, send.variant, send.state, Count("*"))
		.where(send.campaign == campaign)
		.groupby(send.step, send.variant, send.state)
		.run()
	):
		found.setdefault((step, variant or ""), {})[state] = number
	return found


def _delivered_by_step(campaign: str) -> dict[tuple[str, str], int]:
	send, criterion = _delivered(campaign)
	rows = (
		frappe.qb.from_(send)
		.select(send.step, send.variant, Count("*"))
		.where(criterion)
		.groupby(send.step, send.variant)
		.run()
	)
	return {(step, variant or ""): number for step, variant, number in rows}


def _reached(campaign: str) -> dict[tuple[str, str], tuple[int, int]]:
	"""Return the numbers of members that got a step and are qualified, or won."""
	send, done = _done(campaign)
	member = DocType(MEMBER)
	rows = (
		frappe.qb.from_(send)
		.join(member)
		.on(member.name == send.member)
		.select(
			send.step,
			send.variant,
			Sum(Case().when(member.status.isin(_QUALIFIED), 1).else_(0)),
			Sum(Case().when(member.status == MemberStatus.WON, 1).else_(0)),
		)
		.where(done)
		.groupby(send.step, send.variant)
		.run()
	)
	return {
		(step, variant or ""): (int(qualified or 0), int(won or 0)) for step, variant, qualified, won in rows
	}


def _answers(campaign: str) -> dict[str, Any]:
	"""Return the persons that answered; by step and variant, the enrollments that answered or clicked
	because of it.
	"""
	response, send = DocType(RESPONSE), DocType(SEND)
	found: dict[str, Any] = {"answered": set(), "answered_by_step": {}, "clicked_by_step": {}}
	for relation, member, kind, answer, step, variant in (
		frappe.qb.from_(response)
		.left_join(send)
		.on(send.name == response.send)
		.select(
			response.relation,
			response.member,
			response.response_type,
			response.answer,
			send.step,
			send.variant,
		)
		.distinct()
		.where((response.campaign == campaign) & (response.bot == 0))
		.run()
	):
		key = (step, variant or "")
		if rules.is_answer(kind, answer or ""):
			found["answered"].add(relation)
			if step:
				found["answered_by_step"].setdefault(key, set()).add(member)
		if kind == "Click" and step:
			found["clicked_by_step"].setdefault(key, set()).add(member)
	return found


def _invoiced(campaign: str) -> dict[int, tuple[int, float]]:
	"""Return held_out → members with an invoice, and the net amount."""
	member, invoice = DocType(MEMBER), DocType("Sales Invoice")
	query: QueryBuilder = (
		frappe.qb.from_(member)
		.join(invoice)
		.on((invoice.relation == member.relation) & purchases.since(invoice, "Sales Invoice", member.entered))
		.select(
			member.held_out,
			Count(Case().when(is_sale(invoice), member.name)).distinct(),
			Sum(invoice.base_net_total),
		)
		.where((member.campaign == campaign) & (member.enrollment_no == 1) & is_sold(invoice))
		.groupby(member.held_out)
	)
	if company := _company(campaign):
		query = query.where(invoice.company == company)
	members = frappe.qb.from_(member).join(invoice).on(invoice.relation == member.relation)
	members = members.where((member.campaign == campaign) & (member.enrollment_no == 1))
	if earlier := purchases.earlier_amendments(members, invoice, "Sales Invoice", member.entered):
		query = query.where(invoice.name.notin([name for (name,) in earlier]))
	return {held_out: (number, flt(amount, 2)) for held_out, number, amount in query.run()}


def _company(campaign: str) -> str | None:
	"""Return the company of a campaign's invoices; None: of all companies."""
	return frappe.db.get_value("Relation Campaign", campaign, "company") or frappe.db.get_single_value(
		"Relation Settings", "default_company"
	)

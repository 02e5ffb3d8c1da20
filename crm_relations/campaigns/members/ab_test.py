"""Test two variants of an email: a share of the members gets A or B, the rest waits for the winner.

Sole writer of `ab_winner` and `ab_result` of a step. The winner is the variant with the higher share of
members that clicked or answered, as the step measures; with equal shares, A.
"""

from decimal import ROUND_HALF_UP, Decimal

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import Case, DocType
from frappe.query_builder.functions import Count, Max
from frappe.utils import add_to_date, cint, flt, now_datetime

from crm_relations.campaigns import rules
from crm_relations.campaigns.sends import store
from crm_relations.campaigns.states import ResponseType, SendState, StepType, Variant, WinnerMeasure
from crm_relations.segments.compilation.selection import drawing_order
from crm_relations.shared.text.markup import plain

STEP = "Relation Campaign Step"


def check(step: Document) -> str:
	"""Return what is wrong with the test of a step, in words; empty if nothing is."""
	share = flt(step.ab_share)
	if not share:
		return ""
	if not 1 <= share <= 100:
		return _("Test Group (%): enter a share from 1 to 100 percent")
	if not (step.subject_b or "").strip() and not frappe.utils.strip_html(step.message_b or "").strip():
		return _("Variant B: enter its own subject or message")
	return ""


def draw(step: Document) -> None:
	"""Draw a variant for the rows of a step that have none yet, by a digest of step and relation.

	Once there is a winner, members that are enrolled later get it.
	"""
	if not flt(step.ab_share):
		return
	send = DocType(store.SEND)
	rows = (send.step == step.name) & (send.state == SendState.PENDING) & send.variant.isnull()
	names = (
		frappe.qb.from_(send)
		.select(send.name)
		.where(rows)
		.orderby(drawing_order(step.name, send.relation))
		.orderby(send.name)
		.run(pluck=True)
	)
	if winner := frappe.db.get_value(STEP, step.name, "ab_winner"):
		store.draw_variant(names, winner)
		return
	share = Decimal(str(step.ab_share)) / 100
	tested = int((len(names) * share).quantize(Decimal(1), ROUND_HALF_UP))
	store.draw_variant(names[0:tested:2], Variant.A)
	store.draw_variant(names[1:tested:2], Variant.B)
	store.draw_variant(names[tested:], Variant.WAITING)


def decide(campaign: Document) -> list[str]:
	"""Choose the winners of tests that are over, and release the emails that waited; returns the names of the steps.

	A test is over `ab_wait_hours` after its last message was sent. Runs with the campaign locked, so that two workers do
	not choose two winners.
	"""
	decided = []
	for step in campaign.steps:
		if step.step_type != StepType.EMAIL or not flt(step.ab_share):
			continue
		frappe.db.get_value("Relation Campaign", campaign.name, "name", for_update=True)
		if frappe.db.get_value(STEP, step.name, "ab_winner") or not _over(step):
			continue
		sent, good = _figures(step)
		winner = "B" if good["B"] * sent["A"] > good["A"] * sent["B"] else "A"
		result = _("A: {0} of {1}, B: {2} of {3} ({4})").format(
			good["A"], sent["A"], good["B"], sent["B"], _(step.ab_measure or WinnerMeasure.CLICKED)
		)
		frappe.db.set_value(
			STEP, step.name, {"ab_winner": winner, "ab_result": plain(result)}, update_modified=False
		)
		store.settle_variant(step.name, winner)
		decided.append(step.name)
	if decided:
		frappe.clear_document_cache("Relation Campaign", campaign.name)
	return decided


def _over(step: Document) -> bool:
	"""Return whether all messages of the test were sent long enough ago. A test without a message is over
	at once.
	"""
	send = DocType(store.SEND)
	open_rows = Case().when(send.state.isin((SendState.PENDING, SendState.SENDING)), 1)
	still_open, last = (
		frappe.qb.from_(send)
		.select(Count(open_rows), Max(send.sent_at))
		.where((send.step == step.name) & send.variant.isin((Variant.A, Variant.B)))
		.run()[0]
	)
	if still_open:
		return False
	return not last or add_to_date(last, hours=cint(step.ab_wait_hours)) <= now_datetime()


def _figures(step: Document) -> tuple[dict[str, int], dict[str, int]]:
	"""Return the sent messages, and the members that did what is measured, by variant."""
	send, response = DocType(store.SEND), DocType("Relation Campaign Response")
	sent = {"A": 0, "B": 0} | dict(
		frappe.qb.from_(send)
		.select(send.variant, Count("*"))
		.where(
			(send.step == step.name)
			& (send.state == SendState.SENT)
			& send.variant.isin((Variant.A, Variant.B))
		)
		.groupby(send.variant)
		.run()
	)
	query = (
		frappe.qb.from_(send)
		.join(response)
		.on(response.send == send.name)
		.select(send.variant, send.member, response.response_type, response.answer)
		.distinct()
		.where((send.step == step.name) & send.variant.isin((Variant.A, Variant.B)) & (response.bot == 0))
	)
	wanted: dict[str, set[str]] = {"A": set(), "B": set()}
	for variant, member, kind, answer in query.run():
		clicked = kind == ResponseType.CLICK
		if (
			clicked
			if step.ab_measure != WinnerMeasure.ANSWERED
			else (not clicked and rules.is_answer(kind, answer or ""))
		):
			wanted[variant].add(member)
	return sent, {variant: len(members) for variant, members in wanted.items()}

"""The test of two variants of an e-mail: a share of the members gets A or B, the rest waits for the winner.

Alone writes `variant` of Relation Campaign Send, and `ab_winner` and `ab_result` of a step. The winner is the variant
with more members a sent message that clicked or answered, whatever the step measures; with as many, A.
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
from crm_relations.segments.compilation.selection import drawing_order
from crm_relations.shared.text.markup import plain

STEP = "Relation Campaign Step"
_CHUNK = 1000


def check(step: Document) -> str:
	"""What is wrong with the test of a step, in words; empty if nothing is."""
	share = flt(step.ab_share)
	if not share:
		return ""
	if not 1 <= share <= 100:
		return _("Test Group (%): enter a share from 1 to 100 percent")
	if not (step.subject_b or "").strip() and not frappe.utils.strip_html(step.message_b or "").strip():
		return _("Variant B: enter its own subject or message")
	return ""


def draw(step: Document) -> None:
	"""Divide the rows of a step that have no variant yet. Drawn by a digest of step and relation.

	Once there is a winner, it goes to all who come later.
	"""
	if not flt(step.ab_share):
		return
	send = DocType(store.SEND)
	rows = (send.step == step.name) & (send.state == "Pending") & send.variant.isnull()
	if winner := frappe.db.get_value(STEP, step.name, "ab_winner"):
		store.update(rows, variant=winner)
		return
	names = (
		frappe.qb.from_(send)
		.select(send.name)
		.where(rows)
		.orderby(drawing_order(step.name, send.relation))
		.orderby(send.name)
		.run(pluck=True)
	)
	share = Decimal(str(step.ab_share)) / 100
	tested = int((len(names) * share).quantize(Decimal(1), ROUND_HALF_UP))
	for variant, part in (
		("A", names[0:tested:2]),
		("B", names[1:tested:2]),
		(store.WAITING, names[tested:]),
	):
		for start in range(0, len(part), _CHUNK):
			store.update(send.name.isin(part[start : start + _CHUNK]), variant=variant)


def decide(campaign: Document) -> list[str]:
	"""Name the winners of tests whose time has come, and let what waited for them go; returns the steps' names.

	The time is `ab_wait_hours` after the last message of the test has left. Runs with the campaign locked: two
	workers do not name two winners.
	"""
	decided = []
	for step in campaign.steps:
		if step.step_type != "Email" or not flt(step.ab_share):
			continue
		frappe.db.get_value("Relation Campaign", campaign.name, "name", for_update=True)
		if frappe.db.get_value(STEP, step.name, "ab_winner") or not _over(step):
			continue
		sent, good = _figures(step)
		winner = "B" if good["B"] * sent["A"] > good["A"] * sent["B"] else "A"
		result = _("A: {0} of {1}, B: {2} of {3} ({4})").format(
			good["A"], sent["A"], good["B"], sent["B"], _(step.ab_measure or "Clicked")
		)
		frappe.db.set_value(
			STEP, step.name, {"ab_winner": winner, "ab_result": plain(result)}, update_modified=False
		)
		send = DocType(store.SEND)
		store.update((send.step == step.name) & (send.variant == store.WAITING), variant=winner)
		decided.append(step.name)
	if decided:
		frappe.clear_document_cache("Relation Campaign", campaign.name)
	return decided


def _over(step: Document) -> bool:
	"""Have all messages of the test left, long enough ago? A test without a message is over at once."""
	send = DocType(store.SEND)
	open_rows = Case().when(send.state.isin(("Pending", "Sending")), 1)
	still_open, last = (
		frappe.qb.from_(send)
		.select(Count(open_rows), Max(send.sent_at))
		.where((send.step == step.name) & send.variant.isin(("A", "B")))
		.run()[0]
	)
	if still_open:
		return False
	return not last or add_to_date(last, hours=cint(step.ab_wait_hours)) <= now_datetime()


def _figures(step: Document) -> tuple[dict[str, int], dict[str, int]]:
	"""Sent messages, and members who did what is measured, by variant."""
	send, response = DocType(store.SEND), DocType("Relation Campaign Response")
	sent = {"A": 0, "B": 0} | dict(
		frappe.qb.from_(send)
		.select(send.variant, Count("*"))
		.where((send.step == step.name) & (send.state == "Sent") & send.variant.isin(("A", "B")))
		.groupby(send.variant)
		.run()
	)
	query = (
		frappe.qb.from_(send)
		.join(response)
		.on(response.send == send.name)
		.select(send.variant, send.member, response.response_type, response.answer)
		.distinct()
		.where((send.step == step.name) & send.variant.isin(("A", "B")) & (response.bot == 0))
	)
	wanted: dict[str, set[str]] = {"A": set(), "B": set()}
	for variant, member, kind, answer in query.run():
		clicked = kind == "Click"
		if (
			clicked
			if step.ab_measure != "Answered"
			else (not clicked and rules.is_answer(kind, answer or ""))
		):
			wanted[variant].add(member)
	return sent, {variant: len(members) for variant, members in wanted.items()}

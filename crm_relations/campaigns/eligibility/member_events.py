"""Collect what members of a campaign did since their enrollment: responses, clicks, purchases, complaints
and more. Reads only.

Each source is asked once for many members.
"""

from collections.abc import Sequence
from datetime import datetime

import frappe
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.query_builder.functions import Max
from frappe.utils import get_datetime
from pypika.functions import Date

from crm_relations.campaigns import rules
from crm_relations.campaigns.eligibility import purchases, step_rules
from crm_relations.campaigns.eligibility.step_rules import MemberEvent

#: documents by which a relation buys, and the field that marks a credit note
_SALES = (("Sales Order", None), ("Sales Invoice", "is_return"))


def of_campaign(campaign: Document, members: Sequence[str]) -> dict[str, list[MemberEvent]]:
	"""Return the events of members of a campaign that its steps and exit conditions may ask for."""
	return of_members(campaign.segment, members, with_role_changes=bool(campaign.exit_on_role_change))


def of_members(
	segment: str | None, members: Sequence[str], *, with_role_changes: bool = False
) -> dict[str, list[MemberEvent]]:
	"""Return all events of members since their enrollment, in a fixed number of queries.

	:param segment: the segment of the campaign, for members that have left it; None: not looked up
	:param with_role_changes: look up role changes as well
	"""
	found: dict[str, list[MemberEvent]] = {member: [] for member in members}
	if not members:
		return found
	for member, kind, answer, at in _responses(members):
		for what in _meaning(kind, answer or ""):
			found[member].append(MemberEvent(what, at))
	for doctype, returns in _SALES:
		for member, at in _purchases(doctype, returns, members):
			found[member].append(MemberEvent(step_rules.BOUGHT, at))
	for member, at in _complaints(members):
		found[member].append(MemberEvent(step_rules.COMPLAINED, at))
	for member, at in _gone(segment, members) if segment else ():
		found[member].append(MemberEvent(step_rules.LEFT_SEGMENT, at))
	for member, at in _role_changes(members) if with_role_changes else ():
		found[member].append(MemberEvent(step_rules.ROLE_CHANGED, at))
	return found


def _meaning(kind: str, answer: str) -> list[str]:
	"""Return what a response says about its member; a click is not an answer here."""
	if kind == "Click":
		return [step_rules.CLICKED]
	if kind == "Unsubscribe":
		return [step_rules.UNSUBSCRIBED]
	if kind == "Complaint":
		return [step_rules.COMPLAINED]
	return [step_rules.ANSWERED] if rules.is_answer(kind, answer) else []


def _responses(members: Sequence[str]) -> list[tuple[str, str, str, datetime]]:
	"""Return the responses of the enrollment, and those to an earlier enrollment that came since this one
	began.
	"""
	table, member = DocType("Relation Campaign Response"), DocType("Relation Campaign Member")
	own = (
		frappe.qb.from_(table)
		.select(table.member, table.response_type, table.answer, table.received_at)
		.where(table.member.isin(list(members)) & (table.bot == 0))
		.run()
	)
	to_an_earlier = (
		frappe.qb.from_(member)
		.join(table)
		.on((table.relation == member.relation) & (table.campaign == member.campaign))
		.select(member.name, table.response_type, table.answer, table.received_at)
		.where(member.name.isin(list(members)) & (member.enrollment_no > 1) & (table.member != member.name))
		.where((table.bot == 0) & (table.received_at >= member.entered))
		.run()
	)
	return [*own, *to_an_earlier]


def _purchases(doctype: str, returns: str | None, members: Sequence[str]) -> list[tuple[str, datetime]]:
	"""Return (member, time) of purchases since the enrollment. The time is that of the entry, or the start
	of the document's day, if that is later.
	"""
	sale, member = DocType(doctype), DocType("Relation Campaign Member")
	query = (
		frappe.qb.from_(member)
		.join(sale)
		.on(sale.relation == member.relation)
		.select(
			member.name,
			member.entered,
			sale.name,
			sale.amended_from,
			sale[purchases.DATE_FIELDS[doctype]],
			sale.creation,
		)
		.where(member.name.isin(list(members)) & (sale.docstatus == 1))
		.where(purchases.since(sale, doctype, member.entered))
	)
	if returns:
		query = query.where(sale[returns] == 0)
	rows = query.run()
	earlier = purchases.amended_from_earlier(doctype, ((row[2], row[1]) for row in rows if row[3]))
	return [
		(name, max(creation, get_datetime(day)))
		for name, entered, document, _amended_from, day, creation in rows
		if (document, entered) not in earlier
	]


def _complaints(members: Sequence[str]) -> list[tuple[str, datetime]]:
	complaint, member = DocType("Relation Interaction"), DocType("Relation Campaign Member")
	return (
		frappe.qb.from_(member)
		.join(complaint)
		.on((complaint.relation == member.relation) & (complaint.creation >= member.entered))
		.select(member.name, complaint.creation)
		.where(member.name.isin(list(members)) & (complaint.kind == "Complaint"))
		.run()
	)


def _role_changes(members: Sequence[str]) -> list[tuple[str, datetime]]:
	"""Return members with a stage (lead, prospect, customer …) that began on the day of their enrollment or
	later, and was logged after it. A stage of an earlier time that is only discovered now is not a change.
	"""
	told, relation, member = (
		DocType(name) for name in ("Relation Stage Log", "Relation", "Relation Campaign Member")
	)
	return (
		frappe.qb.from_(member)
		.join(relation)
		.on(relation.name == member.relation)
		.join(told)
		.on((told.relation == member.relation) & (told.stage == relation.stage))
		.select(member.name, Max(told.creation))
		.where(member.name.isin(list(members)) & (told.since == relation.stage_since))
		.where((told.creation >= member.entered) & (told.since >= Date(member.entered)))
		.groupby(member.name)
		.run()
	)


def _gone(segment: str, members: Sequence[str]) -> list[tuple[str, datetime]]:
	"""Return members that have left the segment since. A member that was added by hand and was never in it
	has not left it.
	"""
	row, member, still = (
		DocType("Relation Segment Member"),
		DocType("Relation Campaign Member"),
		DocType("Relation Segment Member").as_("still"),
	)
	inside = (
		frappe.qb.from_(still)
		.select(still.relation)
		.where((still.segment == segment) & still.left_on.isnull() & (still.relation == member.relation))
	)
	return (
		frappe.qb.from_(member)
		.join(row)
		.on((row.relation == member.relation) & (row.segment == segment) & (row.left_on >= member.entered))
		.select(member.name, Max(row.left_on))
		# repeated here, so that the database reads only the members that have left, and not all of a large
		# segment
		.where(row.left_on.isnotnull())
		.where(member.name.isin(list(members)) & member.relation.notin(inside))
		.groupby(member.name)
		.run()
	)

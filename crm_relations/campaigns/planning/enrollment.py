"""Enroll members in a campaign and plan their sends. Writes no record itself; `member_rows`, `sends.store`
and `lifecycle` do.

Everything is set-based and runs in one transaction with the start. A start that is killed has not happened;
a start that is repeated finds its rows and adds none.

A member is one enrollment of a relation in a campaign: unique by campaign, relation and number. A relation
that is re-enrolled gets another member, with its own steps, answers and points; the first enrollment stays
unchanged. What belongs to the person is not repeated: the control group is drawn once, and a person who
has unsubscribed or complained stays out. Consent and contact limits are looked up by address and relation.
"""

from collections.abc import Callable
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce, Count, Lower, Min
from frappe.utils import add_days, add_to_date, cint, getdate, now_datetime
from markupsafe import Markup
from pypika.functions import Concat, NullIf, Substring, Trim
from pypika.terms import Criterion, ExistsCriterion, Term

from crm_relations.campaigns import lifecycle, rules, working_hours
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.eligibility import step_rules
from crm_relations.campaigns.members import ab_test, control_group, member_rows
from crm_relations.campaigns.planning import readiness
from crm_relations.campaigns.sends import store
from crm_relations.campaigns.states import CHANNELS, CampaignStatus, SendState, StepType
from crm_relations.segments.members import membership
from crm_relations.shared.contact_keys import email_key, phone_key
from crm_relations.shared.refusals import refuse, refuse_all

#: addresses that are normalized as they stand, as the database finds
_PLAIN_EMAIL = "^[a-z0-9._%+'-]+@[a-z0-9-]+([.][a-z0-9-]+)+$"
_PLAIN_PHONE = r"^[+][1-9][0-9]{6,14}$"
_PAGE = 5_000


def start(campaign: str, user: str | None = None) -> dict:
	"""Enroll the members of the segment, plan their messages and calls, and set the campaign running.

	Checks first, and names everything that is missing in one error. A second start of a running campaign
	changes nothing. The caller commits.

	:return: `campaign`, `status`, `members`, and `new_members`, `new_sends` of this call.
	"""
	doc = lifecycle.locked(campaign)
	new_members = new_sends = 0
	if doc.status != CampaignStatus.RUNNING:
		if doc.status not in (CampaignStatus.DRAFT, CampaignStatus.APPROVED):
			refuse(
				_("Campaign {0} is {1}; only a draft or an approved campaign can be started"),
				doc.name,
				_(doc.status),
			)
		if missing := readiness.missing(doc):
			refuse_all(map(Markup, missing), title=_("The campaign cannot start yet"))
		membership.refresh(doc.segment)
		new_members = _take_in(doc, DocType("Relation").name.isin(membership.current(doc.segment)))
		if not new_members and not _count("Relation Campaign Member", doc.name):
			refuse(_("Segment: {0} has no members. Check its rule in the preview"), doc.segment)
		control_group.hold_out(doc)
		new_sends = _plan(doc)
		lifecycle.change(doc, CampaignStatus.RUNNING, user)
	return {
		"campaign": doc.name,
		"status": CampaignStatus.RUNNING,
		"members": _count("Relation Campaign Member", doc.name),
		"new_members": new_members,
		"new_sends": new_sends,
	}


def enroll_new(campaign: str) -> int:
	"""Enroll the relations that have entered the segment of a running campaign since, if its settings say
	so, and plan their steps. No relation is enrolled after the campaign's end date. The caller commits.

	:return: number of new members
	"""
	doc = lifecycle.locked(campaign)
	return _take_in_later(doc, again=False) if doc.take_in_new else 0


def re_enroll(campaign: str) -> int:
	"""Re-enroll the relations of the segment that are allowed to return, and plan their steps. The caller
	commits.

	:return: number of new members
	"""
	return _take_in_later(lifecycle.locked(campaign), first=False)


def _take_in_later(doc: Document, **which: bool) -> int:
	if doc.status != CampaignStatus.RUNNING or working_hours.is_over(doc):
		return 0
	new = _take_in(doc, DocType("Relation").name.isin(membership.current(doc.segment)), **which)
	if new:
		control_group.hold_out(doc)
		_plan(doc)
	return new


def add(campaign: str, relation: str) -> str:
	"""Enroll one relation independently of the segment, and plan its messages and calls if the campaign has
	started.

	A relation that is a member already is not changed, unless its enrollment has ended and it may be
	re-enrolled. Consent is looked up when a message is due, as for all members.

	:return: name of the member
	:raises frappe.ValidationError: the campaign is over, or the relation is disabled
	"""
	doc = lifecycle.locked(campaign)
	if doc.status == CampaignStatus.DONE or working_hours.is_over(doc):
		refuse(_("Campaign {0} is {1}; no more members can be added"), doc.name, _(doc.status))
	_take_in(doc, DocType("Relation").name == relation)
	member = last_enrollment(doc.name, relation)
	if not member:
		frappe.throw(_("The relation is disabled and cannot be addressed."))
	if frappe.db.get_value("Relation Campaign Member", member, "held_out"):
		frappe.throw(_("The relation is in the control group of the campaign, which is not addressed."))
	if doc.status not in (CampaignStatus.DRAFT, CampaignStatus.APPROVED):
		_plan(doc)
	return member


def _count(doctype: str, campaign: str) -> int:
	table = DocType(doctype)
	return frappe.qb.from_(table).select(Count("*")).where(table.campaign == campaign).run()[0][0]


def last_enrollment(campaign: str, relation: str) -> str | None:
	"""Return the member of a relation's newest enrollment in a campaign; None if it was never enrolled."""
	return frappe.db.get_value(
		"Relation Campaign Member",
		{"campaign": campaign, "relation": relation},
		"name",
		order_by="enrollment_no desc",
	)


def _take_in(campaign: Document, who: Criterion, *, first: bool = True, again: bool = True) -> int:
	"""Add one row for each of these relations that has none yet, and another for each that may be
	re-enrolled; returns the number of new rows.

	:param first: enroll relations that have no row yet
	:param again: re-enroll relations that may return
	"""
	relation, member = DocType("Relation"), DocType("Relation Campaign Member")
	empty = not frappe.db.exists("Relation Campaign Member", {"campaign": campaign.name})

	def never_in(query: Any) -> Any:
		query = query.from_(relation).where(who).where(relation.disabled == 0)
		if empty:
			return query
		return (
			query.left_join(member)
			.on((member.relation == relation.name) & (member.campaign == campaign.name))
			.where(member.name.isnull())
		)

	def once_more(query: Any) -> Any:
		query = query.from_(relation).join(member).on(member.relation == relation.name)
		return query.where(who).where((relation.disabled == 0) & _may_come_again(campaign, member))

	new = _insert_members(campaign, 1, never_in) if first else 0
	if again and cint(campaign.re_entry_days) > 0 and not empty:
		new += _insert_members(campaign, member.enrollment_no + 1, once_more)
	if new:
		_normalise(campaign.name)
	return new


def _insert_members(campaign: Document, enrollment: Any, source: Callable[[Any], Any]) -> int:
	relation = DocType("Relation")
	return member_rows.enroll(
		source,
		campaign=campaign.name,
		relation=relation.name,
		enrollment_no=enrollment,
		email=Lower(Trim(Coalesce(relation.email_id, ""))),
		phone=Trim(Coalesce(NullIf(relation.mobile_no, ""), relation.phone, "")),
	)


def _may_come_again(campaign: Document, member: Any) -> Criterion:
	"""Return the criterion of members that may be re-enrolled. Their enrollment is the last of the relation
	and ended before the days that the campaign waits: they left, but not for good, or all their steps are
	closed.
	"""
	before = str(add_days(now_datetime(), -cint(campaign.re_entry_days)))
	later, send = DocType("Relation Campaign Member").as_("later"), DocType("Relation Campaign Send")
	newer = (
		frappe.qb.from_(later)
		.select(later.name)
		.where((later.campaign == member.campaign) & (later.relation == member.relation))
		.where(later.enrollment_no > member.enrollment_no)
	)
	open_or_recent = (
		frappe.qb.from_(send)
		.select(send.name)
		.where(send.member == member.name)
		.where(
			send.state.isin((SendState.PENDING, SendState.SENDING))
			| (Coalesce(send.sent_at, send.modified) > before)
		)
	)
	gone = (member.left_on <= before) & Coalesce(member.left_reason, "").notin(sorted(step_rules.FINAL_EXITS))
	through = member.left_on.isnull() & ExistsCriterion(open_or_recent).negate()
	return Criterion.all(
		[
			member.campaign == campaign.name,
			member.held_out == 0,
			member.entered <= before,
			gone | through,
			ExistsCriterion(newer).negate(),
		]
	)


def _normalise(campaign: str) -> None:
	"""Normalize addresses that are not normalized; a value that is not an address becomes empty."""
	member = DocType("Relation Campaign Member")
	region = decisions.region()
	last = ""
	odd = ((member.email != "") & member.email.rlike(_PLAIN_EMAIL).negate()) | (
		(member.phone != "") & member.phone.rlike(_PLAIN_PHONE).negate()
	)
	while True:
		rows = (
			frappe.qb.from_(member)
			.select(member.name, member.email, member.phone)
			.where((member.campaign == campaign) & (member.name > last) & odd)
			.orderby(member.name)
			.limit(_PAGE)
			.run()
		)
		if not rows:
			return
		member_rows.set_addresses(
			{
				name: (email_key(email) if email else "", phone_key(phone, region) if phone else "")
				for name, email, phone in rows
			}
		)
		last = rows[-1][0]


def _plan(campaign: Document) -> int:
	"""Add one send for each member and step that has none; returns the number of new sends."""
	new = 0
	begun = frappe.db.exists("Relation Campaign Send", {"campaign": campaign.name})
	for step in campaign.steps:
		new += _plan_step(campaign, step)
		if step.step_type == StepType.EMAIL:
			_suppress_duplicates(step.name)
			if begun:
				_suppress_served(step.name)
			ab_test.draw(step)
	return new


def _plan_step(campaign: Document, step: Document) -> int:
	member, send = DocType("Relation Campaign Member"), DocType("Relation Campaign Send")
	relation = DocType("Relation")
	first = not frappe.db.exists("Relation Campaign Send", {"step": step.name})
	kind = step.step_type
	address: Term = Coalesce(member.email if kind == StepType.EMAIL else member.phone, "")
	if kind == StepType.LETTER:
		address = Trim(
			Concat(
				Coalesce(relation.address_line, ""),
				" ",
				Coalesce(relation.pincode, ""),
				" ",
				Coalesce(relation.city, ""),
			)
		)
	elif kind == StepType.TASK:
		address = member.relation

	def source(query: Any) -> Any:
		query = query.from_(member).where(
			(member.campaign == campaign.name) & (member.held_out == 0) & member.left_on.isnull()
		)
		if kind == StepType.LETTER:
			query = query.left_join(relation).on(relation.name == member.relation)
		if first:
			return query
		return (
			query.left_join(send)
			.on((send.member == member.name) & (send.step == step.name))
			.where(send.name.isnull())
		)

	recipient = "" if kind == StepType.TASK else Substring(address, 1, 140)
	due_on, not_before = _due(step)
	return store.plan(
		source,
		campaign=campaign.name,
		step=step.name,
		step_type=kind,
		member=member.name,
		relation=member.relation,
		address=address,
		recipient=recipient,
		no_address=rules.NO_ADDRESS[CHANNELS[kind]] if kind in CHANNELS else "",
		due_on=due_on,
		not_before=not_before,
	)


def _due(step: Document) -> tuple[str, str | None]:
	"""Return the day on which a step is due for members enrolled now, and the time; without hours, from
	midnight on.
	"""
	hours = cint(step.delay_hours)
	if not hours:
		return str(add_days(getdate(), cint(step.delay_days))), None
	at = add_to_date(now_datetime(), days=cint(step.delay_days), hours=hours)
	return str(getdate(at)), str(at)


def suppress_shared_addresses(step: str) -> None:
	"""Suppress sends of an email step to an address that another member's send of the step has."""
	_suppress_duplicates(step)
	_suppress_served(step)


def _suppress_served(step: str) -> None:
	"""Suppress sends of later members to an address that has got another member's message of the step."""
	send, other = DocType("Relation Campaign Send"), DocType("Relation Campaign Send").as_("other")
	names = (
		frappe.qb.from_(send)
		.join(other)
		.on((other.recipient == send.recipient) & (other.step == send.step))
		.select(send.name)
		.distinct()
		.where((send.step == step) & (send.state == SendState.PENDING) & send.worker.isnull())
		.where(
			other.state.isin((SendState.SENDING, SendState.SENT, SendState.UNCERTAIN))
			& (other.relation != send.relation)
		)
		.run(pluck=True)
	)
	store.suppress(names, rules.DUPLICATE_ADDRESS)


def _suppress_duplicates(step: str) -> None:
	"""Suppress duplicates: an address gets one message of a step, however many members share it."""
	send = DocType("Relation Campaign Send")
	open_rows = (send.step == step) & (send.state == SendState.PENDING)
	number, addresses = (
		frappe.qb.from_(send).select(Count("*"), Count(send.recipient).distinct()).where(open_rows).run()[0]
	)
	if number == addresses:
		return
	shared = (
		frappe.qb.from_(send)
		.select(send.recipient, Min(send.name).as_("kept"))
		.where((send.step == step) & (send.state == SendState.PENDING))
		.groupby(send.recipient)
		.having(Count("*") > 1)
	)
	other = DocType("Relation Campaign Send").as_("other")
	names = (
		frappe.qb.from_(other)
		.join(shared)
		.on(other.recipient == shared.recipient)
		.select(other.name)
		.where((other.step == step) & (other.state == SendState.PENDING) & (other.name != shared.kept))
		.run(pluck=True)
	)
	store.suppress(names, rules.DUPLICATE_ADDRESS)

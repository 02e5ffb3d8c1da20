"""Check a campaign before its start: what is missing, and what a user should know. Reads only.

`missing` keeps the campaign from starting; `notes` are shown as well, with the names of the members
concerned.
"""

from collections.abc import Iterator
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce, Count
from frappe.utils import cint, escape_html, format_date, get_url
from pypika.terms import Criterion

from crm_relations.campaigns import working_hours
from crm_relations.campaigns.consents import decisions as consent
from crm_relations.campaigns.consents import soft_opt_in, unused_consents
from crm_relations.campaigns.content import attachments, templates
from crm_relations.campaigns.eligibility import step_rules
from crm_relations.campaigns.members import ab_test, assignment
from crm_relations.campaigns.planning import link_check
from crm_relations.campaigns.states import CampaignStatus, StepType
from crm_relations.campaigns.transport import accounts
from crm_relations.segments.members import membership
from crm_relations.shared import live_site
from crm_relations.shared.access.permissions import readable

#: step → fields with the texts that it needs
_TEXTS = {
	"Email": ("subject", "message"),
	"Call": (),
	"Letter": ("letter_text",),
	"Task": ("task_text",),
}
_OPTIONAL_TEXTS = {"Email": ("subject_b", "message_b"), "Call": ("call_script",)}
_CHANNELS = {"Email": "Email", "Call": "Phone", "Letter": "Letter"}
#: members that a note names
_NAMED = 5
#: members with consent looked up for the note
_SAMPLE = 1000


def missing(campaign: Document) -> list[str]:
	"""Return what is missing for a start, as HTML texts; empty if nothing is."""
	found = missing_for_approval(campaign)
	needs_approval = cint(frappe.get_cached_doc("Relation Settings").campaigns_need_approval)
	if needs_approval and campaign.status == CampaignStatus.DRAFT:
		found.append(_("Approval: a Relation Manager has to approve the campaign first"))
	return found


def missing_for_approval(campaign: Document) -> list[str]:
	"""Return what `missing` returns, without the approval itself."""
	found = []
	if held_back := live_site.hindrance():
		found.append(escape_html(held_back))
	if not campaign.segment:
		found.append(_("Segment: choose the audience"))
	elif frappe.db.get_value("Relation Segment", campaign.segment, "disabled"):
		found.append(_("Segment: {0} is disabled").format(escape_html(campaign.segment)))
	if working_hours.is_over(campaign):
		found.append(_("End Date: {0} has passed").format(format_date(campaign.end_date)))
	if not campaign.steps:
		found.append(_("Steps: add at least one email, call, letter or task"))
	for step in campaign.steps:
		found.extend(_check_step(campaign, step))
	found.extend(_conflicts(campaign))
	if any(step.step_type == StepType.EMAIL for step in campaign.steps):
		found.extend(map(escape_html, accounts.check(campaign)))
	return found


def readiness(campaign: Document, ask_links: bool = False) -> dict[str, Any]:
	"""Return what the Start dialog and the form show.

	`missing` (texts), `members` (of the segment, without refreshing it), `notes` (texts, HTML): members
	without address, consent or a value of a merge field, and broken links; and `files`: the files that are
	sent with emails (attachments.leaving).

	:param ask_links: ask the web servers behind the links, which may take some seconds
	"""
	found = missing(campaign)
	if not campaign.segment:
		return {"missing": found, "members": 0, "notes": [], "files": []}
	relation = DocType("Relation")
	members = frappe.qb.from_(relation).select(Count("*")).where(_audience(campaign, relation)).run()[0][0]
	return {
		"missing": found,
		"members": members,
		"notes": [] if found else [*soft_opt_in.missing(campaign), *_notes(campaign, ask_links)],
		"files": attachments.leaving(campaign),
	}


def _check_step(campaign: Document, step: Document) -> Iterator[str]:
	label = _("Step {0} ({1})").format(step.idx, escape_html(step.title or "") or _(step.step_type))
	if (step.delay_days or 0) < 0 or cint(step.delay_hours) < 0:
		yield _("{0}: Days after Start must not be negative").format(label)
	for field in _TEXTS[step.step_type]:
		if not frappe.utils.strip_html(step.get(field) or "").strip():
			yield _("{0}: {1} is missing").format(label, _label(field))
	for field in (*_TEXTS[step.step_type], *_OPTIONAL_TEXTS.get(step.step_type, ())):
		if problem := _check_text(step, field):
			yield f"{label}: {problem}"
	if step.step_type == StepType.EMAIL:
		if problem := ab_test.check(step):
			yield f"{label}: {problem}"
		for problem in attachments.check(campaign, step):
			yield f"{label}: {problem}"
	if step.step_type == StepType.TASK:
		users = [user for user in (step.task_for, *assignment.responsible(campaign)) if user]
		if not users:
			yield _("{0}: Task for is missing, and the campaign has no Responsible User").format(label)
		elif not assignment.enabled(users):
			yield _("{0}: no responsible user can log in: {1}").format(label, ", ".join(users))


def _check_text(step: Document, field: str) -> str:
	text = step.get(field) or ""
	try:
		unknown = templates.used_fields(text) - set(templates.MERGE_FIELDS)
		if unknown:
			return _("{0} uses unknown merge fields: {1}. Known are: {2}").format(
				_label(field), escape_html(", ".join(sorted(unknown))), ", ".join(templates.MERGE_FIELDS)
			)
		if field in ("message", "message_b"):
			templates.MailTemplate(step.subject or "", text)
	except templates.TemplateError as e:
		return _("{0} cannot be read: {1}").format(_label(field), escape_html(str(e)))
	return ""


def _label(field: str) -> str:
	return _(frappe.get_meta("Relation Campaign Step").get_label(field))


def _conflicts(campaign: Document) -> Iterator[str]:
	steps = [
		(s.step_type, s.title or "", 24 * cint(s.delay_days) + cint(s.delay_hours), s.only_if or "")
		for s in campaign.steps
	]
	for first, second, why in step_rules.conflicts(steps):
		numbers = str(first) if first == second else f"{first}, {second}"
		yield _("Steps {0}: {1}").format(numbers, _(why))


def _audience(campaign: Document, relation: Any) -> Criterion:
	return relation.name.isin(membership.current(campaign.segment)) & (relation.disabled == 0)


def _notes(campaign: Document, ask_links: bool) -> Iterator[str]:
	relation = DocType("Relation")
	kinds = {step.step_type for step in campaign.steps}
	used = templates.used_fields(
		" ".join(
			step.get(field) or ""
			for step in campaign.steps
			for field in (*_TEXTS[step.step_type], *_OPTIONAL_TEXTS.get(step.step_type, ()))
		)
	)
	person = relation.relation_kind == "Person"
	empty = {
		"email_id": (StepType.EMAIL in kinds, Coalesce(relation.email_id, "") == ""),
		"phone": (
			StepType.CALL in kinds,
			(Coalesce(relation.mobile_no, "") == "") & (Coalesce(relation.phone, "") == ""),
		),
		"address_line": (StepType.LETTER in kinds, Coalesce(relation.address_line, "") == ""),
		"first_name": ("first_name" in used, Coalesce(relation.first_name, "") == ""),
		"last_name": ("last_name" in used, Coalesce(relation.last_name, "") == ""),
		"salutation": ("salutation" in used, Coalesce(relation.salutation, "") == ""),
		"organisation": ("organisation" in used, person),
	}
	for field, (needed, criterion) in empty.items():
		if needed and (note := _note_empty(campaign, field, criterion)):
			yield note
	for kind, channel in _CHANNELS.items():
		if kind in kinds:
			yield from _note_consent(campaign, channel)
	yield from _people(campaign, kinds)
	for step in campaign.steps:
		if step.step_type == StepType.EMAIL:
			for text in (step.message, step.message_b):
				for url, why in link_check.broken(text or "", get_url(), ask_links):
					yield _("Step {0}: the link {1} is broken: {2}").format(
						step.idx, escape_html(url), escape_html(why)
					)
	if StepType.EMAIL in kinds and not frappe.get_cached_doc("Relation Settings").legal_notice:
		yield _("Relation Settings: the legal notice below campaign emails is empty")


def _people(campaign: Document, kinds: set[str]) -> Iterator[str]:
	"""Yield the responsible users who cannot make calls or do tasks."""
	if not kinds & {"Call", "Task"}:
		return
	users = assignment.responsible(campaign)
	users += [s.task_for for s in campaign.steps if s.step_type == StepType.TASK and s.task_for]
	users = list(dict.fromkeys(users))
	able, absent = assignment.enabled(users), assignment.away(users)
	for user in users:
		if user not in able:
			yield _("{0} cannot log in and gets no calls and tasks").format(escape_html(user))
		elif user in absent:
			yield _("{0} is absent and gets no calls and tasks").format(escape_html(user))
		elif StepType.CALL in kinds and not frappe.has_permission(
			"Relation Campaign Send", "read", user=user
		):
			yield _("{0} has no right to see the call list").format(escape_html(user))


def _note_empty(campaign: Document, field: str, criterion: Criterion) -> str:
	"""Return a note with the number of members without a value, and the names of the first."""
	relation = DocType("Relation")
	here = _audience(campaign, relation) & criterion
	number = frappe.qb.from_(relation).select(Count("*")).where(here).run()[0][0]
	if not number:
		return ""
	label = _("Organisation") if field == "organisation" else _(frappe.get_meta("Relation").get_label(field))
	return _("{0} is empty for {1} members").format(label, number) + _named(here, number)


def _named(criterion: Criterion, number: int) -> str:
	relation = DocType("Relation")
	query = readable(
		frappe.qb.from_(relation).select(relation.name, relation.relation_name).where(criterion), "Relation"
	)
	if query is None:
		return ""
	rows = query.orderby(relation.relation_name, relation.name).limit(_NAMED).run()
	links = [frappe.utils.get_link_to_form("Relation", name, escape_html(title)) for name, title in rows]
	return ": " + ", ".join(links) + (" …" if number > len(links) else "")


def _note_consent(campaign: Document, channel: str) -> Iterator[str]:
	"""Yield notes on members of a sample that may not be addressed on the channel now, and on old consents
	that were never used.
	"""
	relation = DocType("Relation")
	fields = {
		"Email": relation.email_id,
		"Phone": Coalesce(relation.mobile_no, relation.phone),
		"Letter": relation.address_line,
	}
	rows = (
		frappe.qb.from_(relation)
		.select(
			relation.name.as_("relation"),
			relation.relation_kind,
			relation.market_orientation,
			fields[channel].as_("address"),
		)
		.where(_audience(campaign, relation) & (Coalesce(fields[channel], "") != ""))
		.orderby(relation.name)
		.limit(_SAMPLE)
		.run(as_dict=True)
	)
	for row in rows:
		row.recipient = consent.address_key(row.address, channel)
	rows = [row for row in rows if row.recipient]
	decisions = consent.decide_for(campaign, rows, channel)
	if barred := [row.relation for row in rows if not decisions[row.recipient].allowed]:
		text = _("{0}: {1} of {2} members may not be addressed, for want of consent or because they objected")
		yield text.format(_(channel), len(barred), len(rows)) + _named(
			relation.name.isin(barred), len(barred)
		)
	years = cint(frappe.get_cached_doc("Relation Settings").unused_consent_years)
	given = {row.recipient: decisions[row.recipient].consent for row in rows}
	if unused := unused_consents.find(given, channel, years):
		behind = [row.relation for row in rows if row.recipient in unused]
		text = _(
			"{0}: the consent of {1} of {2} members was given more than {3} years ago and has not been used since. Ask them again before you rely on it"
		)
		named = _named(relation.name.isin(behind), len(behind))
		yield text.format(_(channel), len(behind), len(rows), years) + named

"""Who is in a campaign. Alone writes `Relation Campaign Member` and plans the rows of the send ledger.

Everything is set-based and stands in one transaction with the start: a start that is killed has not
happened, one that is repeated finds its rows and adds none.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import Case, DocType
from frappe.query_builder.functions import Coalesce, Count, Lower, Min
from frappe.query_builder.terms import ParameterizedValueWrapper as Value
from frappe.utils import add_days, escape_html, getdate, now_datetime
from pypika.functions import Concat, NullIf, Trim
from pypika.terms import Criterion, Term

from crm_relations.campaigns import consent, control_group, lifecycle, rules, sender, templates
from crm_relations.segments import membership
from crm_relations.shared.contact_keys import email_key, phone_key

#: addresses that are in normal form as they stand, to be told without parsing
_PLAIN_EMAIL = re.compile(r"[a-z0-9._%+'-]+@[a-z0-9-]+(\.[a-z0-9-]+)+")
_PLAIN_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_PAGE = 10_000


def check(campaign: Document) -> list[str]:
	"""All that is missing for a start, in words; empty if nothing is."""
	missing = []
	if not campaign.segment:
		missing.append(_("Segment: choose whom to address"))
	elif frappe.db.get_value("Relation Segment", campaign.segment, "disabled"):
		missing.append(_("Segment: {0} is disabled").format(frappe.bold(campaign.segment)))
	if not campaign.steps:
		missing.append(_("Steps: add at least one e-mail or call"))
	for step in campaign.steps:
		missing.extend(_check_step(step))
	if any(step.step_type == "E-mail" for step in campaign.steps):
		missing.extend(sender.check(campaign))
	return missing


def start(campaign: str, user: str | None = None) -> dict:
	"""Take in the members of the segment, plan their messages and calls, and set the campaign running.

	Checks first, and names in one error all that is missing. A second start of a running campaign changes
	nothing. The caller commits.

	:return: `campaign`, `status`, `members`, and `new_members`, `new_sends` of this call.
	"""
	doc = lifecycle.locked(campaign)
	new_members = new_sends = 0
	if doc.status != "Running":
		if doc.status != "Draft":
			frappe.throw(
				_("Campaign {0} is {1}; only a draft can be started").format(
					frappe.bold(doc.name), _(doc.status)
				)
			)
		if missing := check(doc):
			frappe.throw("<br>".join(missing), title=_("The campaign cannot start yet"))
		membership.refresh(doc.segment)
		new_members = _take_in(doc, DocType("Relation").name.isin(membership.current(doc.segment)))
		if not _count("Relation Campaign Member", doc.name):
			frappe.throw(
				_("Segment: {0} has no members. Check its rule in the preview").format(
					frappe.bold(doc.segment)
				)
			)
		control_group.hold_out(doc)
		new_sends = _plan(doc)
		lifecycle.change(doc, "Running", user)
	return {
		"campaign": doc.name,
		"status": "Running",
		"members": _count("Relation Campaign Member", doc.name),
		"new_members": new_members,
		"new_sends": new_sends,
	}


def add(campaign: str, relation: str) -> str:
	"""Take one relation into a campaign beside its segment, and plan its messages and calls if it has started.

	Nothing happens to one that is a member already. Consent is looked up when a message is due, as for all.

	:return: name of the member
	:raises frappe.ValidationError: the campaign is over, or the relation is disabled
	"""
	doc = lifecycle.locked(campaign)
	if doc.status not in ("Draft", "Running", "Paused"):
		frappe.throw(
			_("Campaign {0} is {1}; nobody can be added any more").format(
				frappe.bold(doc.name), _(doc.status)
			)
		)
	_take_in(doc, DocType("Relation").name == relation)
	member = frappe.db.get_value("Relation Campaign Member", {"campaign": doc.name, "relation": relation})
	if not member:
		frappe.throw(_("The relation is disabled and cannot be addressed."))
	if frappe.db.get_value("Relation Campaign Member", member, "held_out"):
		frappe.throw(_("The relation is in the control group of the campaign, which is not addressed."))
	if doc.status != "Draft":
		_plan(doc)
	return member


def set_member_status(member: str, status: str, points: int | None = None) -> None:
	"""Move a member on (rules.may_become; anything else is left as it is), and keep its points."""
	current = frappe.db.get_value("Relation Campaign Member", member, "status", for_update=True)
	if not current:
		frappe.throw(
			_("Relation Campaign Member {0} does not exist").format(frappe.bold(member)),
			frappe.DoesNotExistError,
		)
	values = {"status": status} if rules.may_become(current, status) else {}
	if points is not None:
		values["points"] = points
	if values:
		frappe.db.set_value("Relation Campaign Member", member, values)


def note_response(member: str, response_type: str, answer: str, received_at) -> None:
	"""What a response means for the status of its member; `last_response` never goes back."""
	row = frappe.db.get_value(
		"Relation Campaign Member", member, ["status", "last_response"], as_dict=True, for_update=True
	)
	values = {"status": rules.member_status(row.status, response_type, answer)}
	if not row.last_response or row.last_response < received_at:
		values["last_response"] = received_at
	frappe.db.set_value("Relation Campaign Member", member, values)


def _check_step(step: Document) -> Iterator[str]:
	label = _("Step {0} ({1})").format(step.idx, escape_html(step.title or "") or _(step.step_type))
	if (step.delay_days or 0) < 0:
		yield _("{0}: Days after Start must not be negative").format(label)
	if step.step_type != "E-mail":
		texts = {"Call Script": step.call_script}
	else:
		texts = {"Subject": step.subject, "Message": step.message}
		for field, text in texts.items():
			if not frappe.utils.strip_html(text or "").strip():
				yield _("{0}: {1} is missing").format(label, _(field))
	for field, text in texts.items():
		try:
			unknown = templates.used_fields(text or "") - set(templates.MERGE_FIELDS)
			if unknown:
				yield _("{0}: {1} uses unknown merge fields: {2}. Known are: {3}").format(
					label,
					_(field),
					escape_html(", ".join(sorted(unknown))),
					", ".join(templates.MERGE_FIELDS),
				)
			elif field == "Message":
				templates.MailTemplate(step.subject or "", text or "")
		except templates.TemplateError as e:
			yield _("{0}: {1} cannot be read: {2}").format(label, _(field), escape_html(str(e)))


def _count(doctype: str, campaign: str) -> int:
	table = DocType(doctype)
	return frappe.qb.from_(table).select(Count("*")).where(table.campaign == campaign).run()[0][0]


def _insert_select(doctype: str, key: Term, values: dict[str, Any], source: Callable[[Any], Any]) -> None:
	"""INSERT INTO doctype (standard fields and `values`) SELECT … FROM source, in one statement.

	:param key: what is unique in a row of the source; a row's name is a random head and this key.
	"""
	now, user = str(now_datetime()), frappe.session.user
	row = {
		"name": Concat(f"{frappe.generate_hash(length=10)}-", key),
		"creation": now,
		"modified": now,
		"owner": user,
		"modified_by": user,
		"docstatus": 0,
		"idx": 0,
		**values,
	}
	terms = [value if isinstance(value, Term) else Value(value) for value in row.values()]
	source(frappe.qb.into(DocType(doctype)).columns(*row)).select(*terms).run()


def _take_in(campaign: Document, who: Criterion) -> int:
	"""One row for each of these relations that has none yet; returns how many are new."""
	before = _count("Relation Campaign Member", campaign.name)
	relation, member = DocType("Relation"), DocType("Relation Campaign Member")
	_insert_select(
		"Relation Campaign Member",
		relation.name,
		{
			"campaign": campaign.name,
			"relation": relation.name,
			"status": "Addressed",
			"email": Lower(Trim(Coalesce(relation.email_id, ""))),
			"phone": Trim(Coalesce(NullIf(relation.mobile_no, ""), relation.phone, "")),
			"entered": str(now_datetime()),
			"points": 0,
			"held_out": 0,
		},
		lambda query: (
			query.from_(relation)
			.left_join(member)
			.on((member.relation == relation.name) & (member.campaign == campaign.name))
			.where(who)
			.where((relation.disabled == 0) & member.name.isnull())
		),
	)
	_normalise(campaign.name)
	return _count("Relation Campaign Member", campaign.name) - before


def _normalise(campaign: str) -> None:
	"""Bring addresses into their normal form that are not in it; what is no address becomes empty."""
	member = DocType("Relation Campaign Member")
	region = consent.region()
	last = ""
	while True:
		rows = (
			frappe.qb.from_(member)
			.select(member.name, member.email, member.phone)
			.where((member.campaign == campaign) & (member.name > last))
			.orderby(member.name)
			.limit(_PAGE)
			.run()
		)
		if not rows:
			return
		changes = {}
		for name, email, phone in rows:
			change = {}
			if email and not _PLAIN_EMAIL.fullmatch(email):
				change["email"] = email_key(email)
			if phone and not _PLAIN_PHONE.fullmatch(phone):
				change["phone"] = phone_key(phone, region)
			if change:
				changes[name] = {"email": email, "phone": phone, **change}
		if changes:
			frappe.db.bulk_update("Relation Campaign Member", changes, update_modified=False)
		last = rows[-1][0]


def _plan(campaign: Document) -> int:
	"""One row of the send ledger for each member and step that has none; returns how many are new."""
	before = _count("Relation Campaign Send", campaign.name)
	for step in campaign.steps:
		_plan_step(campaign, step)
		if step.step_type == "E-mail":
			_suppress_duplicates(step.name)
	return _count("Relation Campaign Send", campaign.name) - before


def _plan_step(campaign: Document, step: Document) -> None:
	member, send = DocType("Relation Campaign Member"), DocType("Relation Campaign Send")
	email = step.step_type == "E-mail"
	address = Coalesce(member.email if email else member.phone, "")
	_insert_select(
		"Relation Campaign Send",
		member.name,
		{
			"campaign": campaign.name,
			"member": member.name,
			"relation": member.relation,
			"step": step.name,
			"step_type": step.step_type,
			"state": Case().when(address == "", "Suppressed").else_("Pending"),
			"due_on": str(add_days(getdate(), step.delay_days or 0)),
			"recipient": address,
			"reason": Case().when(address == "", rules.NO_ADDRESS["E-mail" if email else "Phone"]).else_(""),
			"attempts": 0,
		},
		lambda query: (
			query.from_(member)
			.left_join(send)
			.on((send.member == member.name) & (send.step == step.name))
			.where((member.campaign == campaign.name) & (member.held_out == 0) & send.name.isnull())
		),
	)


def _suppress_duplicates(step: str) -> None:
	"""An address gets one message of a step, however many members share it."""
	send = DocType("Relation Campaign Send")
	shared = (
		frappe.qb.from_(send)
		.select(send.recipient, Min(send.name).as_("kept"))
		.where((send.step == step) & (send.state == "Pending"))
		.groupby(send.recipient)
		.having(Count("*") > 1)
	)
	other = DocType("Relation Campaign Send").as_("other")
	names = (
		frappe.qb.from_(other)
		.join(shared)
		.on(other.recipient == shared.recipient)
		.select(other.name)
		.where((other.step == step) & (other.state == "Pending") & (other.name != shared.kept))
		.run(pluck=True)
	)
	for start in range(0, len(names), 1000):
		(
			frappe.qb.update(send)
			.set(send.state, "Suppressed")
			.set(send.reason, rules.DUPLICATE_ADDRESS)
			.where(send.name.isin(names[start : start + 1000]))
			.run()
		)

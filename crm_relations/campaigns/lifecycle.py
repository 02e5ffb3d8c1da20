"""Change the status of a campaign. Sole writer of `Relation Campaign`."""

import frappe
from frappe import _
from frappe.desk.doctype.notification_log.notification_log import enqueue_create_notification
from frappe.model.document import Document
from frappe.utils import format_date, getdate, now_datetime
from markupsafe import Markup

from crm_relations.campaigns import rights, rules
from crm_relations.campaigns.members import assignment
from crm_relations.campaigns.sends import store
from crm_relations.campaigns.states import CampaignStatus
from crm_relations.shared import live_site
from crm_relations.shared.refusals import filled, refuse
from crm_relations.shared.text.outside_text import plain_values

#: fields that must not change after members have been enrolled: the sends rest on them
_FROZEN_STEP_FIELDS = ("name", "step_type", "delay_days", "delay_hours", "ab_share")


def locked(campaign: str) -> Document:
	"""Return the campaign, locked until the transaction ends. Two clicks at once wait for each other.

	Its values are the current ones, even if the transaction has read it before.
	"""
	if not frappe.db.get_value("Relation Campaign", campaign, "name", for_update=True):
		refuse(_("Relation Campaign {0} does not exist"), campaign, exception=frappe.DoesNotExistError)
	return frappe.get_doc("Relation Campaign", campaign, for_update=True)


def change(doc: Document, status: str, user: str | None = None) -> None:
	"""Change the status of a campaign; refuse a transition that its rules do not allow."""
	if status not in rules.TRANSITIONS[doc.status]:
		refuse(_("Campaign {0} is {1}; it cannot become {2}"), doc.name, _(doc.status), _(status))
	values = {"status": status, "pause_reason": None}
	if status in (CampaignStatus.APPROVED, CampaignStatus.RUNNING):
		live_site.remember()
	if status == CampaignStatus.RUNNING and not doc.started_at:
		values.update(started_at=now_datetime(), started_by=user or frappe.session.user)
	if status == CampaignStatus.APPROVED:
		values.update(approved_by=frappe.session.user)
	doc.add_comment("Info", filled(_("changed the status from {0} to {1}"), _(doc.status), _(status)))
	doc.db_set(values, notify=True)


def approve(campaign: str) -> None:
	"""Approve a draft. It starts by itself on its start date, or by the button if it has none.

	:raises frappe.PermissionError: the user is not a Relation Manager
	"""
	doc = locked(campaign)
	rights.check(doc, "approve")
	change(doc, "Approved")


def pause(campaign: str) -> None:
	"""Stop sending at once: workers read the status before each message."""
	change(locked(campaign), "Paused")


def resume(campaign: str) -> None:
	change(locked(campaign), "Running")


def finish(campaign: str) -> dict[str, int]:
	"""End the campaign for good. Pending sends are suppressed with that reason, and a comment names them.

	Letters that are printed may still be confirmed.

	:return: number of steps that were not carried out, by type
	"""
	doc = locked(campaign)
	change(doc, "Done")
	unsent = store.suppress_campaign(doc.name, rules.CAMPAIGN_OVER)
	if unsent:
		doc.add_comment("Info", _in_words(unsent))
	return unsent


def finish_by_itself(campaign: str) -> None:
	"""End a campaign for the scheduler, and notify the responsible users of what was not sent."""
	doc = locked(campaign)
	unsent = finish(campaign)
	subject = filled(_("Campaign {0} has ended."), Markup("<b>{0}</b>").format(doc.name))
	if unsent:
		subject += " " + _in_words(unsent)
	enqueue_create_notification(
		assignment.responsible(doc) or [doc.owner],
		{
			"type": "Alert",
			"document_type": doc.doctype,
			"document_name": doc.name,
			"subject": subject,
			"from_user": "Administrator",
		},
	)


def pause_by_itself(campaign: str, reason: str) -> None:
	"""Pause a running campaign, as sending fails as such. The campaign shows why, and the responsible users
	are notified.

	:param reason: in words, as plain text
	"""
	doc = locked(campaign)
	if doc.status != CampaignStatus.RUNNING:
		return
	change(doc, "Paused")
	doc.add_comment("Info", filled("{0}", reason))
	doc.db_set(plain_values(doc.doctype, {"pause_reason": reason[:1000]}))
	enqueue_create_notification(
		assignment.responsible(doc) or [doc.owner],
		{
			"type": "Alert",
			"document_type": doc.doctype,
			"document_name": doc.name,
			"subject": filled(_("Campaign {0} is paused. {1}"), doc.name, reason),
			"from_user": "Administrator",
		},
	)


def _in_words(unsent: dict[str, int]) -> str:
	parts = [f"{_(kind)} {unsent[kind]}" for kind in ("Email", "Call", "Letter", "Task") if kind in unsent]
	return filled(_("Not carried out: {0}"), ", ".join(parts))


def check_changes(doc: Document) -> None:
	"""Refuse an end before the start, and changes that the sends of a started campaign forbid."""
	if doc.start_date and doc.end_date and getdate(doc.end_date) < getdate(doc.start_date):
		refuse(_("End Date: {0} lies before Start Date. Correct one of them"), format_date(doc.end_date))
	before = doc.get_doc_before_save()
	if not before:
		return
	if before.status == CampaignStatus.APPROVED:
		doc.status, doc.approved_by = "Draft", None  # what was approved has been changed
	if doc.status == CampaignStatus.DRAFT:
		return
	if doc.segment != before.segment:
		frappe.throw(_("Segment cannot change after the start. Create a new campaign"))
	if (doc.control_group_percent or 0) != (before.control_group_percent or 0) or (
		doc.control_group_seed or ""
	) != (before.control_group_seed or ""):
		frappe.throw(_("Control Group cannot change after the start. Create a new campaign"))
	if _frozen(doc) != _frozen(before):
		frappe.throw(
			_(
				"Steps: after the start steps cannot be added, removed or moved; only their texts can be edited"
			)
		)


def check_delete(doc: Document) -> None:
	"""Refuse to delete a started campaign: it is evidence of what was sent, and of what it earned."""
	if doc.status not in (CampaignStatus.DRAFT, CampaignStatus.APPROVED) or frappe.db.exists(
		"Relation Campaign Member", {"campaign": doc.name}
	):
		refuse(_("Campaign {0} has been started and cannot be deleted. Finish it instead"), doc.name)


def _frozen(doc: Document) -> list[tuple]:
	return [tuple(step.get(field) for field in _FROZEN_STEP_FIELDS) for step in doc.steps]

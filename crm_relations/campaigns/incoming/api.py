"""Offer the whitelisted functions of responses. Writes no record itself."""

import frappe
from frappe import _

from crm_relations.campaigns import queries, rights, rules
from crm_relations.campaigns.consents import deliverability
from crm_relations.campaigns.incoming import csv_import, mail_reviews, responses
from crm_relations.campaigns.sends import campaign_files
from crm_relations.campaigns.states import MailReviewState, ResponseType
from crm_relations.shared.refusals import refuse


@frappe.whitelist(methods=["POST"])
def preview_answers(campaign: str, file_url: str) -> dict:
	"""Return what an import of answers from csv would do: `new`, `known`, `rejected` (counts), and the
	first `rows` with their problems.
	"""
	frappe.has_permission("Relation Campaign", "write", doc=campaign, throw=True)
	rights.check(campaign, "record_answers")
	return csv_import.shown(csv_import.plan(campaign, _content(file_url)))


@frappe.whitelist(methods=["POST"])
def import_answers(campaign: str, file_url: str) -> dict:
	"""Record the answers of a csv file. Returns `recorded`, `known`, `rejected` (counts), the URL of the
	file of `rejects` (None if there are none) and the campaign's `status` (figures).
	"""
	frappe.has_permission("Relation Campaign", "write", doc=campaign, throw=True)
	rights.check(campaign, "record_answers")
	result = csv_import.record(campaign, _content(file_url))
	if result["rejects"]:
		result["rejects"] = campaign_files.keep(
			campaign,
			campaign_files.REJECTED_ANSWERS,
			f"{_('Rejected responses')}.csv",
			result["rejects"].encode(),
			result["rejected"],
		)
	return {**result, "status": queries.status(campaign)}


@frappe.whitelist(methods=["POST"])
def revive_address(address: str) -> dict:
	"""Mark an address as deliverable again, as a user has found out. Returns its `state`."""
	frappe.has_permission(deliverability.DOCTYPE, "write", doc=address, throw=True)
	deliverability.mark_deliverable(address)
	return {"state": frappe.db.get_value(deliverability.DOCTYPE, address, "state")}


@frappe.whitelist(methods=["POST"])
def record_answer(
	member: str, response_type: str, answer: str, note: str | None = None, received_at: str | None = None
) -> dict:
	"""Record an answer to a call or a letter by hand. Returns the `response` and the campaign's `status`."""
	frappe.has_permission("Relation Campaign", "write", doc=_campaign_of(member), throw=True)
	frappe.has_permission("Relation Campaign Member", "read", doc=member, throw=True)
	rights.check(_campaign_of(member), "record_answers")
	if response_type not in (ResponseType.CALL, ResponseType.LETTER):
		refuse(_("Type: {0} is neither a call nor a letter"), response_type)
	if answer not in rules.CALL_ANSWERS:
		refuse(_("Answer: {0} is not known. Choose one of {1}"), answer, ", ".join(rules.CALL_ANSWERS))
	response = responses.record(
		member,
		response_type,
		answer,
		note=note,
		received_at=received_at,
		recorded_by=frappe.session.user,
	)
	return {"response": response, "status": queries.status(_campaign_of(member))}


@frappe.whitelist(methods=["POST"])
def decide_mail(review: str, decision: str) -> dict:
	"""Record the decision of a user on an incoming email (mail_reviews.DECISIONS). Returns the `state` of
	the review.
	"""
	frappe.has_permission(mail_reviews.DOCTYPE, "write", doc=review, throw=True)
	mail_reviews.decide(review, decision)
	return {"state": MailReviewState.DONE}


def _content(file_url: str) -> bytes | str:
	"""Return the content of an uploaded file that the user may read."""
	name = frappe.db.get_value("File", {"file_url": file_url})
	if not name:
		refuse(_("File: {0} does not exist"), file_url, exception=frappe.DoesNotExistError)
	file = frappe.get_doc("File", name)
	file.check_permission("read")
	return file.get_content()


def _campaign_of(member: str) -> str:
	campaign = frappe.db.get_value("Relation Campaign Member", member, "campaign")
	if not campaign:
		refuse(_("Relation Campaign Member {0} does not exist"), member, exception=frappe.DoesNotExistError)
	return campaign

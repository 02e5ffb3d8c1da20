"""Score existing responses again, after a scheme was chosen for a running campaign, or its criteria
changed. Writes no record itself; `scheme` does the scoring.

Works in the background, member by member: a handover is proposed as after a new response. Points never undo
what sales has taken over.
"""

import frappe
from frappe.model.document import Document
from frappe.query_builder import DocType

from crm_relations.campaigns.members import member_status
from crm_relations.campaigns.states import CampaignStatus
from crm_relations.qualification import queries, scheme
from crm_relations.shared.side_effects import deferrable

#: states of a campaign in which responses still count
_OPEN = (CampaignStatus.RUNNING, CampaignStatus.PAUSED)
_CHUNK = 200
#: fields of a scheme and of its criteria that decide about points
_SCHEME_FIELDS = ("disabled", "threshold")
_CRITERION_FIELDS = ("description", "basis", "condition", "response_type", "answer", "points")


@deferrable
def after_campaign_change(doc: Document) -> None:
	"""Score the responses of a campaign again if another scheme was chosen. Event step."""
	if doc.status in _OPEN and doc.has_value_changed("qualification_scheme"):
		_enqueue(doc.name)


@deferrable
def after_scheme_change(doc: Document) -> None:
	"""Score the responses of all open campaigns with this scheme again if its criteria changed. Event step."""
	before = doc.get_doc_before_save()
	if before and _scored_by(before) == _scored_by(doc):
		return
	filters = {"qualification_scheme": doc.name, "status": ["in", _OPEN]}
	for campaign in frappe.get_all("Relation Campaign", filters, pluck="name", order_by="name asc"):
		_enqueue(campaign)


def rescore(campaign: str) -> int:
	"""Score each member of the campaign that has responded; returns their number.

	Commits after each chunk. A run that is repeated gives the same points and proposes no member twice.
	"""
	response = DocType("Relation Campaign Response")
	has_scheme = bool(queries.scheme_of_campaign(campaign))
	last, scored = "", 0
	while True:
		members = (
			frappe.qb.from_(response)
			.select(response.member)
			.distinct()
			.where((response.campaign == campaign) & (response.member > last))
			.orderby(response.member)
			.limit(_CHUNK)
			.run(pluck=True)
		)
		if not members:
			return scored
		for member in members:
			if has_scheme:
				scheme.qualify(campaign, member)
			else:
				member_status.set_points(member, 0)
		scored += len(members)
		last = members[-1]
		frappe.db.commit()


def _scored_by(doc: Document) -> tuple:
	return (
		*(doc.get(field) for field in _SCHEME_FIELDS),
		*(tuple(row.get(field) for field in _CRITERION_FIELDS) for row in doc.criteria),
	)


def _enqueue(campaign: str) -> None:
	frappe.enqueue(
		rescore,
		queue="long",
		timeout=60 * 60,
		job_id=f"crm_relations_rescore_{campaign}",
		deduplicate=True,
		enqueue_after_commit=True,
		campaign=campaign,
	)

"""Validate schemes, and score members after a response. Writes no record itself; `member_status` and
`handover` do.
"""

import frappe
from frappe import _
from frappe.model.document import Document

from crm_relations.campaigns.members import member_status
from crm_relations.campaigns.states import CallAnswer, MemberStatus, ResponseType
from crm_relations.qualification import handover, queries
from crm_relations.qualification.scoring import score
from crm_relations.segments import confidential
from crm_relations.segments.compilation import compiler
from crm_relations.segments.language.rules import RuleError
from crm_relations.shared.refusals import refuse
from crm_relations.shared.side_effects import deferrable

__all__ = ["qualify", "qualify_response", "score", "validate"]

#: status of a member that has answered, until it has enough points
_BEFORE_QUALIFIED = (MemberStatus.ADDRESSED, MemberStatus.ANSWERED)


@deferrable
def qualify_response(doc: Document) -> None:
	"""Score the member of a new response and propose a handover above the threshold.

	A response that says no changes the points and proposes nothing.
	"""
	says_no = doc.answer == CallAnswer.NOT_INTERESTED or doc.response_type == ResponseType.UNSUBSCRIBE
	qualify(doc.campaign, doc.member, says_no)


def qualify(campaign: str, member: str, says_no: bool = False) -> None:
	"""Score a member by the scheme of its campaign and propose a handover above the threshold, unless it declined.

	:param says_no: the newest response declines, whatever the status of the member is by now
	"""
	scheme = queries.scheme_of_campaign(campaign)
	if not scheme:
		return
	result = score(member)
	threshold = frappe.get_cached_value("Relation Qualification Scheme", scheme, "threshold")
	status = frappe.db.get_value("Relation Campaign Member", member, "status")
	qualified = result.points >= threshold and not says_no and status != MemberStatus.DECLINED
	if qualified and status in _BEFORE_QUALIFIED:
		member_status.qualify(member, result.points)
	else:
		member_status.set_points(member, result.points)
	if qualified:
		handover.propose(member)


def validate(doc: Document) -> None:
	"""Check that a scheme can propose a handover, and that each criterion names what it looks at.

	:raises frappe.ValidationError: names the row, the field and the remedy
	"""
	if doc.threshold <= 0:
		frappe.throw(_("Points for a Handover: enter a number above 0."))
	if doc.task_days < 0:
		frappe.throw(_("Days until the Task is Due: enter 0 or more."))
	for row in doc.criteria:
		_validate_criterion(row)
	reachable = sum(row.points for row in doc.criteria if row.points > 0)
	if reachable < doc.threshold:
		refuse(
			_("Points for a Handover: the criteria give at most {0}. Lower it or give more points."),
			reachable,
		)


def _validate_criterion(row: Document) -> None:
	if row.basis == "Relation":
		row.response_type = row.answer = None
		if not row.condition:
			refuse(_("Row {0}: enter a Condition, as in the rule of a segment."), row.idx)
		try:
			tree = compiler.parse(row.condition)
		except RuleError as error:
			refuse(_("Row {0}, Condition: {1}"), row.idx, error.message(_))
		if row.has_value_changed("condition"):
			confidential.check_saved(tree)
	else:
		row.condition = None
		if not row.response_type and not row.answer:
			refuse(_("Row {0}: choose a Response Type, an Answer, or both."), row.idx)
	if not row.points:
		refuse(_("Row {0}: enter Points other than 0; less than 0 takes points away."), row.idx)

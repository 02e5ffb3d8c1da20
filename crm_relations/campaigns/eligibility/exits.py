"""Find the members that leave a campaign early, and why.

Writes no record itself: `member_rows` ends the enrollment, and `sends.store` suppresses planned sends.
Exits are looked up when a step of the member is due (`check`), and at once when the member responds.
"""

from collections.abc import Mapping, Sequence

import frappe
from frappe.model.document import Document

from crm_relations.campaigns.eligibility import member_events, step_rules
from crm_relations.campaigns.eligibility.step_rules import MemberEvent
from crm_relations.campaigns.members import member_rows
from crm_relations.campaigns.sends import store
from crm_relations.shared.side_effects import deferrable


def apply(campaign: str, members: Sequence[str]) -> None:
	"""End the enrollment of those members that meet an exit condition of the campaign."""
	doc = frappe.get_cached_doc("Relation Campaign", campaign)
	leave(reasons(doc, member_events.of_campaign(doc, members)))


@deferrable
def after_response(response: Document) -> None:
	"""Apply the exit conditions after a response. A response to an earlier enrollment counts for the
	present one as well.
	"""
	key = {"campaign": response.campaign, "relation": response.relation}
	last = frappe.db.get_value(member_rows.MEMBER, key, "name", order_by="enrollment_no desc")
	apply(response.campaign, sorted({response.member, last or response.member}))


def reasons(campaign: Document, done: Mapping[str, Sequence[MemberEvent]]) -> dict[str, str]:
	"""Return the members that meet an exit condition of the campaign → the condition."""
	exits = [what for field, what in step_rules.EXITS.items() if campaign.get(field)]
	found = {member: step_rules.exit_reason(what, exits) for member, what in done.items()}
	return {member: reason for member, reason in found.items() if reason}


def leave(members: Mapping[str, str]) -> None:
	"""End the enrollment of members (member → why), and suppress their planned sends. Members that left
	before stay.
	"""
	for reason in sorted(set(members.values())):
		names = [name for name, why in members.items() if why == reason]
		member_rows.leave(names, reason)
		store.suppress_members(names, reason)

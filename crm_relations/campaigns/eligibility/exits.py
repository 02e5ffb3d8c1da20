"""Who leaves a campaign before its end. Alone writes `left_on` and `left_reason` of Relation Campaign Member.

Looked up when one of the member's steps is due (`gate`), and at once when it answers: nothing more is sent, called
or written to who has left.
"""

from collections.abc import Mapping, Sequence

import frappe
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import now_datetime

from crm_relations.campaigns import step_rules
from crm_relations.campaigns.eligibility import member_events
from crm_relations.campaigns.sends import store
from crm_relations.campaigns.step_rules import MemberEvent
from crm_relations.shared.side_effects import deferrable

MEMBER = "Relation Campaign Member"


def apply(campaign: str, members: Sequence[str]) -> None:
	"""Let those of these members leave for whom the campaign has ended."""
	doc = frappe.get_cached_doc("Relation Campaign", campaign)
	leave(reasons(doc, member_events.of_members(doc.segment, members, roles=bool(doc.exit_on_role_change))))


@deferrable
def after_response(response: Document) -> None:
	"""A member has answered: does the campaign end for it? An answer to an earlier enrollment counts for the one that runs."""
	key = {"campaign": response.campaign, "relation": response.relation}
	last = frappe.db.get_value(MEMBER, key, "name", order_by="enrollment_no desc")
	apply(response.campaign, sorted({response.member, last or response.member}))


def reasons(campaign: Document, done: Mapping[str, Sequence[MemberEvent]]) -> dict[str, str]:
	"""Members for whom the campaign has ended → why."""
	exits = [what for field, what in step_rules.EXITS.items() if campaign.get(field)]
	found = {member: step_rules.exit_reason(what, exits) for member, what in done.items()}
	return {member: reason for member, reason in found.items() if reason}


def leave(members: Mapping[str, str]) -> None:
	"""Members leave; what was planned for them is suppressed with the reason. Who has left before stays as it is."""
	member, send = DocType(MEMBER), DocType(store.SEND)
	for reason in sorted(set(members.values())):
		names = [name for name, why in members.items() if why == reason]
		(
			frappe.qb.update(member)
			.set(member.left_on, now_datetime())
			.set(member.left_reason, reason)
			.where(member.name.isin(names) & member.left_on.isnull())
			.run()
		)
		store.update(
			send.member.isin(names) & (send.state == "Pending") & send.worker.isnull(),
			state="Suppressed",
			reason=reason,
		)

"""Decide which users may carry out which action on a campaign, beyond the permissions of the document
itself. Reads only.

Relation User may write campaigns, and so may call-center agents, who are Relation Users. Only users who
are responsible for a campaign may start its messages or end it. `docs/campaigns.md` shows the same table.
"""

import frappe
from frappe import _
from frappe.model.document import Document

from crm_relations.campaigns.members import assignment
from crm_relations.campaigns.states import CampaignStatus
from crm_relations.shared.refusals import refuse

MANAGERS = frozenset({"Relation Manager", "System Manager"})

#: Manager: a role of MANAGERS. Leader: the responsible user and the creator of the campaign. Team: users
#: that share its work. Everyone: all users with permission for the documents
MANAGER, LEADER, TEAM, EVERYONE = "Manager", "Leader", "Team", "Everyone"

#: action → users who may carry it out
TABLE: dict[str, frozenset[str]] = {
	"start": frozenset({MANAGER, LEADER}),
	"approve": frozenset({MANAGER}),
	"send_now": frozenset({MANAGER, LEADER}),
	"pause": frozenset({MANAGER, LEADER}),
	"resume": frozenset({MANAGER, LEADER}),
	"finish": frozenset({MANAGER, LEADER}),
	"decide_uncertain": frozenset({MANAGER, LEADER}),
	"add_relation": frozenset({MANAGER, LEADER}),
	"edit_after_start": frozenset({MANAGER, LEADER}),
	"choose_responsible": frozenset({MANAGER, LEADER}),
	"choose_account": frozenset({MANAGER}),
	"print_letters": frozenset({MANAGER, LEADER, TEAM}),
	"record_answers": frozenset({MANAGER, LEADER, TEAM}),
	"record_calls": frozenset({EVERYONE}),
}


def may(campaign: Document, action: str, user: str | None = None) -> bool:
	"""Tell whether the user, by default the session's, may do this with the campaign. Permissions of the
	document come first.
	"""
	return bool(TABLE[action] & _standing(campaign, user or frappe.session.user))


def allowed(campaign: Document, user: str | None = None) -> list[str]:
	"""Return the actions that the user may carry out, for the form."""
	standing = _standing(campaign, user or frappe.session.user)
	return [action for action, who in TABLE.items() if who & standing]


def check(campaign: Document | str, action: str) -> None:
	"""Refuse an action that the session's user may not carry out.

	:raises frappe.PermissionError: names the users who may
	"""
	doc = frappe.get_doc("Relation Campaign", campaign) if isinstance(campaign, str) else campaign
	if not may(doc, action):
		refuse(_remedy(action), doc.name, exception=frappe.PermissionError)


def check_changes(campaign: Document) -> None:
	"""Refuse changes on the form, over REST and in imports that not every user with write permission may make.

	:raises frappe.PermissionError: names what was changed and the users who may
	"""
	before = campaign.get_doc_before_save()
	if campaign.flags.ignore_permissions:
		return
	chosen = campaign.email_account
	if chosen and chosen != (before and before.email_account) and not may(campaign, "choose_account"):
		refuse(
			_(
				"Email Account: only a Relation Manager or a System Manager chooses the account of a campaign. Leave it empty for the site's own."
			),
			exception=frappe.PermissionError,
		)
	if not before:
		return
	if (campaign.responsible or "") != (before.responsible or "") and not may(before, "choose_responsible"):
		refuse(
			_(
				"Responsible User: only the creator, the responsible user or a Relation Manager can change it."
			),
			exception=frappe.PermissionError,
		)
	if before.status not in (CampaignStatus.DRAFT, CampaignStatus.APPROVED):
		check(before, "edit_after_start")


def _standing(campaign: Document, user: str) -> set[str]:
	standing = {EVERYONE}
	if MANAGERS & set(frappe.get_roles(user)):
		standing.add(MANAGER)
	if user in (campaign.responsible, campaign.owner) or campaign.is_new():
		standing.add(LEADER)
	if user in assignment.responsible(campaign):
		standing.add(TEAM)
	return standing


def _remedy(action: str) -> str:
	who = TABLE[action]
	if LEADER not in who:
		return _("Campaign {0}: only a Relation Manager or a System Manager may do this.")
	if TEAM not in who:
		return _("Campaign {0}: only its creator, its responsible user or a Relation Manager may do this.")
	return _("Campaign {0}: only its creator, its responsible users or a Relation Manager may do this.")

"""Check consent and the mailbox for `relations check`: what would be lost or unlawful without being
noticed. Reads only.
"""

import frappe
from frappe import _
from frappe.utils import add_to_date, now_datetime

from crm_relations.campaigns.consents import law, opt_in
from crm_relations.campaigns.states import OptInState
from crm_relations.campaigns.transport import accounts
from crm_relations.shared.findings import Finding


def findings() -> list[Finding]:
	"""Report replies that are not processed, confirmations that were not sent, and a sign-up page without a
	privacy notice.
	"""
	found = [*_mailbox(), *_opt_in()]
	settings = frappe.get_cached_doc("Relation Settings")
	if settings.public_sign_up and not settings.privacy_url:
		message = (
			_("The sign-up page links to no privacy notice (Art. 13 GDPR)")
			if law.has_gdpr()
			else _("The sign-up page links to no privacy notice")
		)
		found.append(
			Finding("warning", "no-privacy-notice", message, _("Enter its address in Relation Settings"))
		)
	return found


def _mailbox() -> list[Finding]:
	account = accounts.account_of(frappe._dict(email_account=None))
	if not account or account.get("enable_incoming"):
		return []
	return [
		Finding(
			"warning",
			"no-incoming-mail",
			_("Emails to {0} are not fetched: replies, bounces and complaints are not recognized").format(
				account.name
			),
			_("Tick Enable Incoming in the email account"),
		)
	]


def _opt_in() -> list[Finding]:
	hour_ago = add_to_date(now_datetime(), hours=-1)
	waiting = frappe.db.count(
		opt_in.DOCTYPE,
		{"state": OptInState.WAITING, "mailed_at": ["is", "not set"], "requested_at": ["<", hour_ago]},
	)
	if not waiting:
		return []
	return [
		Finding(
			"warning",
			"opt-in-not-mailed",
			_("{0} confirmation emails have not been sent").format(waiting),
			_("The reason is in the rows of Relation Opt-in Request"),
		)
	]

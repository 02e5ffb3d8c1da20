"""Choose the account that sends a campaign's emails, and keep a connection to its server. Writes nothing."""

import contextlib
import smtplib

import frappe
from frappe import _
from frappe.email.doctype.email_account.email_account import EmailAccount
from frappe.model.document import Document
from frappe.utils import cint

from crm_relations.campaigns.transport import smtp
from crm_relations.shared import live_site


def account_of(campaign: Document) -> Document | None:
	"""Return the campaign's own email account, else that of Relation Settings, else the site's default; or
	None.
	"""
	name = campaign.email_account or frappe.get_cached_doc("Relation Settings").default_email_account
	if name:
		return frappe.get_doc("Email Account", name) if frappe.db.exists("Email Account", name) else None
	return EmailAccount.find_default_outgoing() or None


def check(campaign: Document) -> list[str]:
	"""Return why emails could not be sent, as texts; empty if they can."""
	account = account_of(campaign)
	if not account:
		return [_("Outgoing Email Account: none is set, here, in Relation Settings or as the site's default")]
	if not account.get("enable_outgoing") and not account.get("from_site_config"):
		return [_("Outgoing Email Account: {0} does not have Enable Outgoing ticked").format(account.name)]
	if not account.get("smtp_server"):
		return [_("Outgoing Email Account: {0} has no SMTP server").format(account.name)]
	return []


def held_back() -> str:
	"""Return why no email of this app may leave this site, whatever the account; empty if it may."""
	if frappe.are_emails_muted():
		return _("Emails are muted on this site (mute_emails)")
	if cint(frappe.db.get_default("suspend_email_queue")):
		return _("Sending is suspended in the Email Queue")
	return live_site.hindrance()


class SmtpConnection:
	"""A connection to a mail server: one session for many messages, replaced when it breaks."""

	def __init__(self, account: Document) -> None:
		self.account = account
		self.session: smtplib.SMTP | None = None

	def hand_over(self, recipient: str, message: bytes) -> smtp.Outcome:
		"""Give a message to the server; `unreachable` means that no connection is available.

		A session that has died since the last message is replaced once. If the new one also breaks over
		this message, before its text was sent, the message counts as deferred.
		"""
		outcome = smtp.Outcome("unreachable")
		for _attempt in range(2):
			if not self.session:
				try:
					self.session = self._connect()
				except (OSError, frappe.ValidationError, frappe.OutgoingEmailError) as e:
					return smtp.Outcome("unreachable", frappe.utils.strip_html(str(e)))
			outcome = smtp.hand_over(self.session, self.account.email_id, recipient, message)
			if self.session.sock is None:
				self.session = None
			if outcome.result != "unreachable":
				return outcome
		return smtp.Outcome("temporary", outcome.reason)

	def close(self) -> None:
		"""Say goodbye; a server that is no longer there does not matter."""
		if self.session:
			with contextlib.suppress(OSError, smtplib.SMTPException):
				self.session.quit()
			self.session = None

	def _connect(self) -> smtplib.SMTP:
		"""Open Frappe's own connection: TLS, login and OAuth are the account's. Its messages to a user are
		dropped.
		"""
		messages = len(frappe.local.message_log)
		try:
			return self.account.get_smtp_server().session
		finally:
			del frappe.local.message_log[messages:]

"""Restrict stored and emailed report results to the user on behalf of which they were made.

Frappe opens a stored result to every user with access to the report, and sends a scheduled report as
Administrator. For a report that is narrowed to its reader, or refused to some readers, that would disclose
rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe import _
from frappe.core.doctype.prepared_report import prepared_report
from frappe.email.doctype.auto_email_report.auto_email_report import AutoEmailReport
from frappe.model.document import Document

from crm_relations.shared.access.own_doctypes import MODULE, is_ours

ADMINISTRATOR = "Administrator"


def is_about_ours(report: str | None) -> bool:
	"""Tell whether a report is about one of our doctypes, including reports that users save."""
	doctype = report and frappe.get_cached_value("Report", report, "ref_doctype")
	return is_ours(doctype)


def condition(user: str | None = None, doctype: str | None = None) -> str:
	"""Return SQL that narrows the list of stored results of our reports to the user's own; empty if nothing
	is narrowed.
	"""
	user = user or frappe.session.user
	if user == ADMINISTRATOR:
		return ""
	return (
		f"(`tabPrepared Report`.owner = {frappe.db.escape(user, percent=False)}"
		" or `tabPrepared Report`.report_name not in (select report.name from `tabReport` report"
		" join `tabDocType` about on about.name = report.ref_doctype"
		f" where about.module = {frappe.db.escape(MODULE)}))"
	)


def may_read(doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False) -> bool:
	"""Tell whether the user may read a stored result: by Frappe's rule, and for our reports only the user's
	own.
	"""
	user = user or frappe.session.user
	own = user in (doc.owner, ADMINISTRATOR) or not is_about_ours(doc.report_name)
	return own and bool(prepared_report.has_permission(doc, user))


class StoredReport(prepared_report.PreparedReport):
	"""A stored result. Frappe reads it by name without a permission check when a report is run."""

	def get_prepared_data(self, with_file_name: bool = False) -> bytes | tuple[bytes, str] | None:
		"""Return the result as Frappe does.

		:raises frappe.PermissionError: it was made with the permissions of another user
		"""
		if not may_read(self):
			frappe.throw(
				_("This result was made with the permissions of another user. Run the report yourself."),
				frappe.PermissionError,
			)
		return super().get_prepared_data(with_file_name)


class MailedReport(AutoEmailReport):
	"""A report that is sent regularly. Ours are made with the permissions of the user named in it."""

	def validate(self) -> None:
		"""Check the entry as Frappe does, and that its author may pass on what the named user can read."""
		super().validate()
		if is_about_ours(self.report):
			self._check_writer()

	def get_report_content(self) -> str | bytes | None:
		"""Make the report; return None if it has no rows, or in a job if its user may not run it."""
		if not is_about_ours(self.report):
			return super().get_report_content()
		self._check_writer()
		try:
			if not frappe.db.get_value("User", self.user, "enabled"):
				frappe.throw(_("The user of this report is disabled."), frappe.PermissionError)
			with _acting_as(self.user):
				return super().get_report_content()
		except frappe.PermissionError:
			if frappe.session.user != ADMINISTRATOR:
				raise
			# Frappe sends the reports of a month in one loop: one failure must not stop the others
			self.log_error(f"Auto Email Report {self.name}: {self.user} may not run {self.report}")
			return None

	def _check_writer(self) -> None:
		if (
			frappe.session.user not in (self.user, ADMINISTRATOR)
			and "System Manager" not in frappe.get_roles()
		):
			frappe.throw(
				_(
					"Based on Permissions For User: choose yourself. Only a System Manager can send this report with the permissions of another user."
				),
				frappe.PermissionError,
			)


@contextmanager
def _acting_as(user: str) -> Iterator[None]:
	"""Act as another user; the session of the request is restored afterwards."""
	session, before = frappe.session, frappe.session.user
	if user == before:
		yield
		return
	kept = (session.sid, session.data, frappe.local.form_dict)
	frappe.set_user(user)
	try:
		yield
	finally:
		frappe.set_user(before)
		session.sid, session.data, frappe.local.form_dict = kept

"""Keep the files with personal data that a campaign produces: letters, their addresses, rejected answers.
Sole writer of `Relation Campaign File`; also writes File.

The files are not attached to the campaign, which sales and accounting may read, but to an entry of
`Relation Campaign File`. The readers of an entry are users who call and print. A file holds many
relations, so only its author and users who may read every relation can read it. Files are deleted after a
week, letters and addresses only once the run is posted or discarded.
"""

import frappe
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import add_days, nowdate

from crm_relations.campaigns.sends import store
from crm_relations.campaigns.states import CampaignFileKind, SendState
from crm_relations.relations import permissions
from crm_relations.shared.access.system_fields import trusted

DOCTYPE = "Relation Campaign File"
LETTERS, ADDRESSES, REJECTED_ANSWERS = CampaignFileKind
KEPT_DAYS = 7


def keep(
	campaign: str, kind: str, file_name: str, content: bytes, rows: int, print_run: str | None = None
) -> str:
	"""Store a private file and its entry; returns the URL of the file.

	:param kind: LETTERS, ADDRESSES or REJECTED_ANSWERS
	:param rows: number of relations or lines in the file
	"""
	entry = trusted(
		frappe.get_doc(
			{"doctype": DOCTYPE, "campaign": campaign, "kind": kind, "rows": rows, "print_run": print_run}
		)
	).insert(ignore_permissions=True)
	file = frappe.get_doc(
		{
			"doctype": "File",
			"file_name": file_name,
			"attached_to_doctype": DOCTYPE,
			"attached_to_name": entry.name,
			"content": content,
			"is_private": 1,
		}
	).insert(ignore_permissions=True)
	entry.db_set("file_url", file.file_url)
	return file.file_url


def of_run(print_run: str) -> list[frappe._dict]:
	"""List `file_name` and `file_url` of a print run, as far as the session's user may read them."""
	entries = frappe.get_list(
		DOCTYPE, filters={"print_run": print_run}, pluck="name", order_by="name asc", limit=0
	)
	return frappe.get_all(
		"File",
		filters={"attached_to_doctype": DOCTYPE, "attached_to_name": ["in", entries or [""]]},
		fields=["file_name", "file_url"],
		order_by="file_name asc",
	)


def condition(user: str | None = None, doctype: str | None = None) -> str:
	"""Build the SQL that narrows a list of files to those the user may read; empty for no narrowing."""
	user = user or frappe.session.user
	if permissions.sees_all(user):
		return ""
	return f"`tab{DOCTYPE}`.owner = {frappe.db.escape(user, percent=False)}"


def may_read(doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False) -> bool:
	"""Tell whether the user may read a file: its author, or a user who may read every relation; can only
	deny.
	"""
	user = user or frappe.session.user
	return doc.owner == user or permissions.sees_all(user)


def delete_old() -> None:
	"""Delete files older than KEPT_DAYS, except those of print runs that are not posted yet; the entries
	stay.
	"""
	file, entry, send = DocType("File"), DocType(DOCTYPE), DocType(store.SEND)
	open_runs = (
		frappe.qb.from_(send)
		.select(send.print_run)
		.where((send.state == SendState.PENDING) & (send.print_run > ""))
	)
	names = (
		frappe.qb.from_(file)
		.join(entry)
		.on(entry.name == file.attached_to_name)
		.select(file.name)
		.where((file.attached_to_doctype == DOCTYPE) & (file.creation < add_days(nowdate(), -KEPT_DAYS)))
		.where(entry.print_run.isnull() | entry.print_run.notin(open_runs))
		.orderby(file.creation)
		.run(pluck=True)
	)
	for name in names:
		frappe.delete_doc("File", name, ignore_permissions=True)


def delete_of(campaign: str) -> None:
	"""Delete the files of a campaign that is deleted, and their entries."""
	for name in frappe.get_all(DOCTYPE, filters={"campaign": campaign}, pluck="name", order_by="name asc"):
		frappe.delete_doc(DOCTYPE, name, ignore_permissions=True)

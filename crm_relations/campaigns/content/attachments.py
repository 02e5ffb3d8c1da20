"""Manage the files that are sent with an email step: only those in the campaign's table of files. Writes
nothing but fields of the campaign that is being saved.

Other attachments of a campaign (responses, print runs, emails of colleagues) are never sent. A user who
may read a file adds it to the table. A digest of its content is kept, so that no other content is sent
under its name.
"""

import hashlib
import math
import mimetypes

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import escape_html

from crm_relations.campaigns.states import StepType
from crm_relations.campaigns.transport import smtp
from crm_relations.shared.refusals import refuse

#: bytes in all; the encoding adds a third. Many mail servers refuse messages above 10 MB.
MAX_BYTES = 7_000_000


class ChangedFileError(ValueError):
	"""A file has changed since the campaign named it."""


def take_in(campaign: Document) -> None:
	"""Note name, size and content of the files that a campaign names, and check those that were added.

	:raises frappe.ValidationError: a file is named twice, or belongs to another document
	:raises frappe.PermissionError: the user may not read an added file
	"""
	before = campaign.get_doc_before_save()
	known = {row.file: row for row in before.files} if before else {}
	named = set()
	for row in campaign.files:
		if row.file in named:
			refuse(_("Files for Emails, row {0}: this file is in the table already."), row.idx)
		named.add(row.file)
		if row.file in known:
			continue
		file = frappe.get_doc("File", row.file)
		if (file.attached_to_doctype, file.attached_to_name) != (campaign.doctype, campaign.name):
			refuse(
				_("Files for Emails, row {0}: {1} is not attached to this campaign. Attach it first."),
				row.idx,
				file.file_name,
			)
		file.check_permission("read")
		if file.is_remote_file:
			refuse(_("Files for Emails, row {0}: a link cannot be sent. Upload the file itself."), row.idx)
		content = _content(file)
		row.update({"file_name": file.file_name, "file_size": len(content), "content_hash": _hash(content)})


def parts(campaign: Document, step: Document) -> list[bytes]:
	"""Return the attachments of a step, encoded.

	:raises OSError: a file cannot be read
	:raises ChangedFileError: a file was changed after it was named
	"""
	if not step.attach_files:
		return []
	found = []
	for row in campaign.files:
		content = _content(frappe.get_doc("File", row.file))
		if _hash(content) != row.content_hash:
			raise ChangedFileError(_changed(row))
		content_type = mimetypes.guess_type(row.file_name)[0] or "application/octet-stream"
		found.append(smtp.attachment(row.file_name, content_type, content))
	return found


def check(campaign: Document, step: Document) -> list[str]:
	"""Return the problems of the files of a step, as HTML texts."""
	if not step.attach_files:
		return []
	if not campaign.files:
		return [_("Attach the Campaign's Files is ticked, but the table Files for Emails is empty")]
	if sum(row.file_size or 0 for row in campaign.files) > MAX_BYTES:
		return [_("the attached files are larger than {0} MB in all").format(MAX_BYTES // 1_000_000)]
	return [escape_html(_changed(row)) for row in campaign.files if not _is_as_named(row)]


def check_all(campaign: Document) -> list[str]:
	"""Return the problems of the files of any email step, as HTML texts, each once."""
	steps = [step for step in campaign.steps if step.step_type == StepType.EMAIL]
	return list(dict.fromkeys(problem for step in steps for problem in check(campaign, step)))


def leaving(campaign: Document) -> list[dict[str, str]]:
	"""Return what is sent with emails, for the Start dialog: `file` (name and size) and `steps` (titles)."""
	steps = [
		step.title or _(step.step_type)
		for step in campaign.steps
		if step.step_type == StepType.EMAIL and step.attach_files
	]
	if not steps:
		return []
	return [
		{"file": f"{row.file_name} ({math.ceil((row.file_size or 0) / 1024)} KB)", "steps": ", ".join(steps)}
		for row in campaign.files
	]


def _is_as_named(row: Document) -> bool:
	try:
		return _hash(_content(frappe.get_doc("File", row.file))) == row.content_hash
	except (frappe.DoesNotExistError, OSError):
		return False


def _content(file: Document) -> bytes:
	content = file.get_content()
	return content.encode() if isinstance(content, str) else content


def _hash(content: bytes) -> str:
	return hashlib.sha256(content).hexdigest()


def _changed(row: Document) -> str:
	return _(
		"{0} was changed or deleted after it was named. Remove it from Files for Emails and add it again."
	).format(row.file_name)

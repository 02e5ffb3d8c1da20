"""The files that go with an e-mail step: those attached to the campaign. Reads them once for many messages."""

import mimetypes

import frappe
from frappe import _
from frappe.model.document import Document

from crm_relations.campaigns import mail

#: bytes in all; with the encoding a third more. Many mail servers refuse messages above 10 MB.
MAX_BYTES = 7_000_000


def files_of(campaign: str) -> list[frappe._dict]:
	"""Files that people attached to the campaign, by name; not those of print runs, which hold addresses."""
	return frappe.get_all(
		"File",
		filters={
			"attached_to_doctype": "Relation Campaign",
			"attached_to_name": campaign,
			"attached_to_field": ["is", "not set"],
			"is_folder": 0,
		},
		fields=["name", "file_name", "file_size"],
		order_by="file_name asc, name asc",
	)


def parts(campaign: Document, step: Document) -> list[bytes]:
	"""The step's attachments, encoded.

	:raises OSError: a file cannot be read
	"""
	if not step.attach_files:
		return []
	found = []
	for row in files_of(campaign.name):
		content = frappe.get_doc("File", row.name).get_content()
		content_type = mimetypes.guess_type(row.file_name)[0] or "application/octet-stream"
		content = content.encode() if isinstance(content, str) else content
		found.append(mail.attachment(row.file_name, content_type, content))
	return found


def check(campaign: Document, step: Document) -> list[str]:
	"""What is wrong with the files of a step, in words."""
	if not step.attach_files:
		return []
	files = files_of(campaign.name)
	if not files:
		return [_("Attach the Campaign's Files is ticked, but no file is attached to the campaign")]
	if sum(row.file_size or 0 for row in files) > MAX_BYTES:
		return [_("the attached files are larger than {0} MB in all").format(MAX_BYTES // 1_000_000)]
	return []

# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument
from crm_relations.shared.text.stored_texts import shown


class RelationOptinRequest(RelationDocument):
	"""A consent by email that was requested and not yet confirmed."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		address: DF.Data
		address_key: DF.Data | None
		confirmed_at: DF.Datetime | None
		confirmed_from: DF.Data | None
		declaration: DF.SmallText | None
		domain: DF.Data | None
		expires_at: DF.Datetime | None
		language: DF.Link | None
		mail_error: DF.SmallText | None
		mailbox_key: DF.Data | None
		mailed_at: DF.Datetime | None
		purposes: DF.SmallText | None
		relation: DF.Link | None
		requested_at: DF.Datetime | None
		requested_by: DF.Link | None
		requested_from: DF.Data | None
		source: DF.Data | None
		state: DF.Literal["Waiting", "Confirmed", "Expired"]
		text_version: DF.Data | None
		token_hash: DF.Data | None
	# end: auto-generated types

	def onload(self) -> None:
		"""Show the stored texts in the language of the reader."""
		self.source = shown(self.source)

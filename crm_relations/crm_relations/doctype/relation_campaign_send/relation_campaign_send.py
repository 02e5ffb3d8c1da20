# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument
from crm_relations.shared.text.stored_texts import shown


class RelationCampaignSend(RelationDocument):
	"""One message, call, letter or task for each step and member."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		assigned_to: DF.Link | None
		attempts: DF.Int
		basis_proof: DF.SmallText | None
		campaign: DF.Link
		claimed_at: DF.Datetime | None
		communication: DF.Link | None
		consent: DF.Link | None
		due_on: DF.Date | None
		legal_basis: DF.Data | None
		links: DF.JSON | None
		member: DF.Link
		message_id: DF.Data | None
		print_run: DF.Data | None
		reason: DF.SmallText | None
		recipient: DF.Data | None
		relation: DF.Link | None
		reserved_by: DF.Link | None
		reserved_until: DF.Datetime | None
		retry_at: DF.Datetime | None
		sent_at: DF.Datetime | None
		service_id: DF.Data | None
		state: DF.Literal["Pending", "Sending", "Sent", "Failed", "Uncertain", "Suppressed", "Done"]
		step: DF.Data
		step_type: DF.Literal["Email", "Call", "Letter", "Task"]
		todo: DF.Link | None
		token: DF.Data | None
		variant: DF.Data | None
		worker: DF.Data | None
	# end: auto-generated types

	def onload(self) -> None:
		"""Show the stored texts in the language of the reader."""
		self.reason = shown(self.reason)

# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access import append_only
from crm_relations.shared.access.documents import RelationDocument


class RelationCampaignResponse(RelationDocument):
	"""A response of a member. Append-only."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		answer: DF.Literal["", "Interested", "Not Interested", "Call Back", "Not Reached", "Unknown"]
		campaign: DF.Link
		member: DF.Link
		note: DF.SmallText | None
		received_at: DF.Datetime | None
		recorded_by: DF.Link | None
		reference_name: DF.DynamicLink | None
		reference_type: DF.Link | None
		relation: DF.Link | None
		response_type: DF.Literal[
			"Reply",
			"Click",
			"Call",
			"Letter",
			"Unsubscribe",
			"Opened",
			"Out of Office",
			"Bounce",
			"Complaint",
		]
		bot: DF.Check
		bot_reason: DF.Data | None
		send: DF.Link | None
		url: DF.Data | None
	# end: auto-generated types

	def validate(self) -> None:
		append_only.refuse_change(self)

	def on_trash(self) -> None:
		append_only.refuse_deletion(self)

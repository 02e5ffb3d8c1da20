# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationCampaignMember(RelationDocument):
	"""The enrollment of a relation in a campaign, and its status."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		campaign: DF.Link
		email: DF.Data | None
		entered: DF.Datetime | None
		held_out: DF.Check
		last_response: DF.Datetime | None
		left_on: DF.Datetime | None
		left_reason: DF.Data | None
		enrollment_no: DF.Int
		phone: DF.Data | None
		points: DF.Int
		relation: DF.Link
		status: DF.Literal[
			"Addressed", "Control Group", "Answered", "Qualified", "Handed Over", "Won", "Declined"
		]
	# end: auto-generated types

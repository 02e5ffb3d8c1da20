# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationCampaignStep(RelationDocument):
	"""One step of a campaign."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		ab_measure: DF.Literal["Clicked", "Answered"]
		ab_result: DF.SmallText | None
		ab_share: DF.Percent
		ab_wait_hours: DF.Int
		ab_winner: DF.Data | None
		attach_files: DF.Check
		call_script: DF.TextEditor | None
		delay_days: DF.Int
		delay_hours: DF.Int
		letter_text: DF.TextEditor | None
		max_tries: DF.Int
		message: DF.TextEditor | None
		message_b: DF.TextEditor | None
		only_if: DF.Literal["", "Answered", "Not Answered", "Clicked", "Not Clicked", "Bought", "Not Bought"]
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		step_type: DF.Literal["Email", "Call", "Letter", "Task"]
		subject: DF.Data | None
		subject_b: DF.Data | None
		task_for: DF.Link | None
		task_text: DF.SmallText | None
		title: DF.Data
		within_days: DF.Int
	# end: auto-generated types

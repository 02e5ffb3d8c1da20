# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from frappe.model.document import Document


class RelationCampaignStep(Document):
	"""One step of a campaign."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		call_script: DF.TextEditor | None
		delay_days: DF.Int
		message: DF.TextEditor | None
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		step_type: DF.Literal["E-mail", "Call"]
		subject: DF.Data | None
		title: DF.Data
	# end: auto-generated types

# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from frappe.model.document import Document


class RelationSegment(Document):
	"""Whom to address: a rule tree or a manual list."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		description: DF.SmallText | None
		disabled: DF.Check
		kind: DF.Literal["Dynamic", "Manual"]
		last_refreshed: DF.Datetime | None
		member_count: DF.Int
		rule: DF.JSON | None
		rule_version: DF.Int
		segment_name: DF.Data
	# end: auto-generated types

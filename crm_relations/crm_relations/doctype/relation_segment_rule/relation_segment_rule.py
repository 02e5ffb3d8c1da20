# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access import append_only
from crm_relations.shared.access.documents import RelationDocument


class RelationSegmentRule(RelationDocument):
	"""The versions of a segment's rule. Written once and never changed."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		changed_at: DF.Datetime | None
		changed_by: DF.Link | None
		rule: DF.JSON | None
		segment: DF.Link
		version: DF.Int
		words: DF.Text | None
	# end: auto-generated types

	def validate(self) -> None:
		append_only.refuse_change(self)

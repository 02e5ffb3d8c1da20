# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationSegmentMember(RelationDocument):
	"""Dated membership of a relation in a segment."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		entered: DF.Datetime | None
		left_on: DF.Datetime | None
		relation: DF.Link
		rule_version: DF.Int
		segment: DF.Link
	# end: auto-generated types

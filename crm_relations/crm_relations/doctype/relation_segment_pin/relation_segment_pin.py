# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationSegmentPin(RelationDocument):
	"""A relation that is always or never in a segment, regardless of its rule."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		pin: DF.Literal["Always In", "Never In"]
		reason: DF.Data | None
		relation: DF.Link
	# end: auto-generated types

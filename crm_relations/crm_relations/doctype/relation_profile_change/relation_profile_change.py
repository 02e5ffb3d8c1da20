# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationProfileChange(RelationDocument):
	"""A change of a confidential profile value, with its user, old and new value."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		changed_at: DF.Datetime | None
		changed_by: DF.Link | None
		new_value: DF.SmallText | None
		old_value: DF.SmallText | None
		profile_field: DF.Data
		relation: DF.Link
	# end: auto-generated types

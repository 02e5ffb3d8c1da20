# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationBlockingKey(RelationDocument):
	"""A normalized value that brings possible duplicates together for comparison."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		relation: DF.Data
		value: DF.Data
	# end: auto-generated types

# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationContactPoint(RelationDocument):
	"""A further email address, number, website or address of a relation."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		label: DF.Data | None
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		point_type: DF.Literal["Email", "Phone", "Mobile", "Fax", "Website", "Address"]
		value: DF.Data
	# end: auto-generated types

# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationRole(RelationDocument):
	"""A role of a relation with its dates and the ERPNext document it is derived from."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		derived: DF.Check
		document_name: DF.DynamicLink | None
		document_type: DF.Link | None
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		role: DF.Link
		since: DF.Date | None
		until: DF.Date | None
	# end: auto-generated types

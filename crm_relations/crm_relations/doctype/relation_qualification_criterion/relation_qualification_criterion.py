# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationQualificationCriterion(RelationDocument):
	"""A criterion that awards points."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		answer: DF.Literal["", "Interested", "Not Interested", "Call Back", "Not Reached", "Unknown"]
		basis: DF.Literal["Response", "Relation"]
		condition: DF.JSON | None
		description: DF.Data
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		points: DF.Int
		response_type: DF.Literal["", "Reply", "Click", "Call"]
	# end: auto-generated types

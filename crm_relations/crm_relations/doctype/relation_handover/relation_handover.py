# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.qualification import handover
from crm_relations.shared.access.documents import RelationDocument


class RelationHandover(RelationDocument):
	"""A member that marketing hands to sales: proposed, accepted or returned."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		campaign: DF.Link | None
		decided_at: DF.Datetime | None
		decided_by: DF.Link | None
		document_name: DF.DynamicLink | None
		document_type: DF.Link | None
		member: DF.Link | None
		points: DF.Int
		proposed_at: DF.Datetime | None
		reasons: DF.JSON | None
		relation: DF.Link
		relation_name: DF.Data | None
		return_reason: DF.SmallText | None
		salesperson: DF.Link | None
		scheme: DF.Link | None
		status: DF.Literal["Proposed", "Accepted", "Returned"]
		todo: DF.Link | None
	# end: auto-generated types

	def validate(self) -> None:
		handover.check_salesperson(self)

# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access import append_only
from crm_relations.shared.access.documents import RelationDocument


class RelationStageLog(RelationDocument):
	"""The stages of a relation over time. Append-only. Sole writer: relations/roles_and_stages/stages.py."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		document_name: DF.DynamicLink | None
		document_type: DF.Link | None
		position: DF.Int
		relation: DF.Link
		since: DF.Date | None
		stage: DF.Link | None
	# end: auto-generated types

	def validate(self) -> None:
		append_only.refuse_change(self)

	def on_trash(self) -> None:
		append_only.refuse_deletion(self)

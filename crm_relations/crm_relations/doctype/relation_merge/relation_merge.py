# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationMerge(RelationDocument):
	"""Two merged relations, with the data needed to undo the merge."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		folded: DF.Data
		folded_name: DF.Data | None
		kept: DF.Link
		left_after_undo: DF.SmallText | None
		merged_by: DF.Link | None
		merged_on: DF.Datetime | None
		moved: DF.SmallText | None
		record: DF.LongText | None
		state: DF.Literal["Merged", "Undone"]
		undone_by: DF.Link | None
		undone_on: DF.Datetime | None
	# end: auto-generated types

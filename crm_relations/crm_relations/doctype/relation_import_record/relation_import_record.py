# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationImportRecord(RelationDocument):
	"""The result of one imported row, so that importing it again creates no duplicates."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		amount: DF.Currency
		document_name: DF.DynamicLink | None
		document_type: DF.Link | None
		file_name: DF.Data | None
		invoice: DF.Link | None
		reason: DF.SmallText | None
		row_key: DF.Data
		row_number: DF.Int
		source: DF.Data
		state: DF.Literal["Imported", "Rejected"]
	# end: auto-generated types

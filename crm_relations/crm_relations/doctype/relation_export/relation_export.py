# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationExport(RelationDocument):
	"""An export of relations, with its user and filters."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		exported_at: DF.Datetime | None
		exported_by: DF.Link | None
		exported_fields: DF.SmallText | None
		file_format: DF.Data | None
		file_url: DF.Data | None
		filters: DF.Code | None
		rows: DF.Int
	# end: auto-generated types

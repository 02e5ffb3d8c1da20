# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationDeferredStep(RelationDocument):
	"""A side effect of an ERPNext document that failed and will be retried."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		attempts: DF.Int
		document_name: DF.DynamicLink | None
		document_type: DF.Link | None
		error: DF.Code | None
		last_try: DF.Datetime | None
		status: DF.Literal["Open", "Done", "Given Up"]
		step: DF.Data
	# end: auto-generated types

# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationFactsClasses(RelationDocument):
	"""The lower bounds of the classes of recency, frequency and monetary value. Written by the system only."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		borders: DF.JSON | None
		company: DF.Link
		currency: DF.Link | None
		determined_on: DF.Date | None
		population: DF.Int
	# end: auto-generated types

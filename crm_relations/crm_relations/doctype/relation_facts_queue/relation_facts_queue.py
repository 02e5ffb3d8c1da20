# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationFactsQueue(RelationDocument):
	"""A party with changed documents: its figures will be recomputed. Written by the system only."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		party: DF.Data
		party_type: DF.Data
	# end: auto-generated types

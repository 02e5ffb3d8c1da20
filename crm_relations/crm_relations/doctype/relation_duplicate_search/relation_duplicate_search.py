# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationDuplicateSearch(RelationDocument):
	"""The search for duplicates over all relations: where it stands, and what it has found."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		finished_on: DF.Datetime | None
		found: DF.Int
		phase: DF.Literal["", "Keys", "Pairs"]
		position: DF.Data | None
		relations: DF.Int
		started_on: DF.Datetime | None
		state: DF.Literal["", "Running", "Done"]
	# end: auto-generated types

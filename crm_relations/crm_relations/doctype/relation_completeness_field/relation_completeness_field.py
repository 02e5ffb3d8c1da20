# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationCompletenessField(RelationDocument):
	"""A field that counts when the completeness of a relation is measured."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		alternative: DF.Autocomplete | None
		applies_to: DF.Literal["Both", "Person", "Organisation"]
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		profile_field: DF.Autocomplete
		weight: DF.Int
	# end: auto-generated types

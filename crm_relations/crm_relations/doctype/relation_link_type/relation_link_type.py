# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.relations.network import link_types
from crm_relations.shared.access.documents import RelationDocument


class RelationLinkType(RelationDocument):
	"""A kind of relationship, named in both directions."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		disabled: DF.Check
		from_kind: DF.Literal["Both", "Person", "Organisation"]
		is_standard: DF.Check
		link_type: DF.Data
		no_circles: DF.Check
		reverse_label: DF.Data
		to_kind: DF.Literal["Both", "Person", "Organisation"]
	# end: auto-generated types

	def validate(self) -> None:
		link_types.check_labels(self)
		link_types.check_standard(self)
		link_types.check_no_circles(self)

	def on_update(self) -> None:
		link_types.forget_cached()

	def on_trash(self) -> None:
		link_types.check_deletable(self)
		link_types.forget_cached()

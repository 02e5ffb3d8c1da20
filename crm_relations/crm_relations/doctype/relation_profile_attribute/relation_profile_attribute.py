# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.relations.profiles import attributes
from crm_relations.shared.access.documents import RelationDocument


class RelationProfileAttribute(RelationDocument):
	"""An attribute in the profile of a relation."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		applies_to: DF.Literal["Both", "Person", "Organisation"]
		confidential: DF.Check
		description: DF.SmallText | None
		disabled: DF.Check
		fieldname: DF.Data | None
		in_list_filter: DF.Check
		is_standard: DF.Check
		label: DF.Data
		sort_order: DF.Int
		value_type: DF.Literal["Option", "Text", "Number", "Date", "Yes/No"]
	# end: auto-generated types

	def validate(self) -> None:
		attributes.make_key(self)
		attributes.check_kept(self)

	def on_update(self) -> None:
		attributes.apply(self)

	def on_trash(self) -> None:
		attributes.check_deletable(self)
		attributes.remove(self)

# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.relations.profiles import profile
from crm_relations.shared.access.documents import RelationDocument


class RelationProfileOption(RelationDocument):
	"""A value that a profile attribute may take, ordered and editable by the admin."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		attribute: DF.Link
		disabled: DF.Check
		option_value: DF.Data
		sort_order: DF.Int
	# end: auto-generated types

	def validate(self) -> None:
		profile.check_attribute(self)
		profile.check_offered_once(self)

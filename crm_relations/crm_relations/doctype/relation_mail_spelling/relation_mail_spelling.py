# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationMailSpelling(RelationDocument):
	"""A spelling of an email address on this site that differs from its normalized form."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		address_key: DF.Data
		spelling: DF.Data
	# end: auto-generated types

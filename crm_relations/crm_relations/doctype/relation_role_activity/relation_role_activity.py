# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationRoleActivity(RelationDocument):
	"""An activity of the playbook of a role type."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		again: DF.Check
		assign_to: DF.Literal["Responsible User", "User", "Role in Turn", "Role with Fewest Tasks"]
		disabled: DF.Check
		due_in_days: DF.Int
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		role: DF.Link | None
		subject: DF.Data
		user: DF.Link | None
	# end: auto-generated types

# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from frappe import _

from crm_relations.relations import actions, queries
from crm_relations.relations.roles_and_stages import playbook
from crm_relations.shared.access.documents import RelationDocument
from crm_relations.shared.refusals import refuse


class RelationRoleType(RelationDocument):
	"""A role that a relation can hold."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from crm_relations.crm_relations.doctype.relation_role_action.relation_role_action import (
			RelationRoleAction,
		)
		from crm_relations.crm_relations.doctype.relation_role_activity.relation_role_activity import (
			RelationRoleActivity,
		)

		actions: DF.Table[RelationRoleAction]
		activities: DF.Table[RelationRoleActivity]
		color: DF.Data | None
		description: DF.SmallText | None
		is_stage: DF.Check
		is_standard: DF.Check
		role_name: DF.Data
		stage_order: DF.Int
	# end: auto-generated types

	def validate(self) -> None:
		playbook.check(self)
		actions.check(self)

	def on_update(self) -> None:
		queries.forget_role_types()

	def on_trash(self) -> None:
		if self.is_standard:
			refuse(_("{0} is derived from ERPNext's documents and cannot be deleted."), self.name)
		queries.forget_role_types()

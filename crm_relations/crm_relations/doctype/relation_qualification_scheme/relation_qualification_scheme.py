# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.qualification import scheme
from crm_relations.shared.access.documents import RelationDocument


class RelationQualificationScheme(RelationDocument):
	"""Criteria that award points with reasons."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from crm_relations.crm_relations.doctype.relation_qualification_criterion.relation_qualification_criterion import (
			RelationQualificationCriterion,
		)

		criteria: DF.Table[RelationQualificationCriterion]
		disabled: DF.Check
		salesperson: DF.Link | None
		scheme_name: DF.Data
		task_days: DF.Int
		threshold: DF.Int
	# end: auto-generated types

	def validate(self) -> None:
		scheme.validate(self)

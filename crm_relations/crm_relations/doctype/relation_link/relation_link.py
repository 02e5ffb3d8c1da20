# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.relations.network import links
from crm_relations.shared.access.documents import RelationDocument


class RelationLink(RelationDocument):
	"""A typed, dated relationship between two relations."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		link_type: DF.Link
		notes: DF.SmallText | None
		related_relation: DF.Link
		relation: DF.Link
		since: DF.Date | None
		until: DF.Date | None
	# end: auto-generated types

	def validate(self) -> None:
		links.check_ends(self)
		links.check_dates(self)
		links.check_offered(self)
		links.check_kinds(self)
		links.check_twice(self)
		links.check_circle(self)

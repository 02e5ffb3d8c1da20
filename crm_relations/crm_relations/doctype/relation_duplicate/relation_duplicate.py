# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationDuplicate(RelationDocument):
	"""Two relations that may be one, and the decision of a user."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		decided_by: DF.Link | None
		decided_on: DF.Datetime | None
		found_on: DF.Datetime | None
		other: DF.Link
		probability: DF.Percent
		reasons: DF.SmallText | None
		relation: DF.Link
		state: DF.Literal["Open", "Same", "Different", "Later"]
		title: DF.Data | None
	# end: auto-generated types

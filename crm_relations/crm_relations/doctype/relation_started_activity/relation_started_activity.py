# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationStartedActivity(RelationDocument):
	"""An activity of a playbook that started for a relation. Sole writer: relations/roles_and_stages/playbook.py."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		activity: DF.Data
		assigned_to: DF.Link | None
		entered_on: DF.Date | None
		occasion: DF.Data | None
		reason: DF.SmallText | None
		relation: DF.Link
		role_type: DF.Link
		start_key: DF.Data | None
		started_at: DF.Datetime | None
		state: DF.Literal["Planned", "Started", "Dropped"]
		subject: DF.Data | None
		todo: DF.Link | None
	# end: auto-generated types

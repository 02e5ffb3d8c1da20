# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationMailAddress(RelationDocument):
	"""Bounces of an email address, and whether it is deliverable."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		address_key: DF.Data
		last_bounce: DF.Datetime | None
		reason: DF.SmallText | None
		soft_bounces: DF.Int
		state: DF.Literal["Deliverable", "Undeliverable"]
		status_code: DF.Data | None
	# end: auto-generated types

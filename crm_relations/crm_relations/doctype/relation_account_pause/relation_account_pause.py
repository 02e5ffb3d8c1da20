# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationAccountPause(RelationDocument):
	"""An email account that is paused."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		account: DF.Data
		cause: DF.Literal["Quota", "Refused"]
		paused_at: DF.Datetime | None
		paused_until: DF.Datetime | None
		reason: DF.SmallText | None
	# end: auto-generated types

# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationObjectionNotice(RelationDocument):
	"""The period in which invoices and order confirmations carried the notice of the right to object, § 7 (3) No. 4 UWG."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		company: DF.Link
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		text_version: DF.Data
		valid_from: DF.Date
		valid_until: DF.Date | None
		wording: DF.SmallText
	# end: auto-generated types

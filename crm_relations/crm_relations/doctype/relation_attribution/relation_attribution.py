# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt


from crm_relations.shared.access.documents import RelationDocument


class RelationAttribution(RelationDocument):
	"""The share of a voucher line that a campaign earned, with rule and evidence."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		account: DF.Link | None
		amount: DF.Currency
		campaign: DF.Link
		company: DF.Link | None
		evidence: DF.JSON | None
		is_return: DF.Check
		item_code: DF.Link | None
		posting_date: DF.Date | None
		relation: DF.Link | None
		reversed_on: DF.Date | None
		rule: DF.Literal["Document Flow", "Last Touch", "First Touch", "Linear", "Time Decay"]
		share: DF.Float
		voucher_detail_no: DF.Data | None
		voucher_no: DF.DynamicLink | None
		voucher_type: DF.Link | None
	# end: auto-generated types

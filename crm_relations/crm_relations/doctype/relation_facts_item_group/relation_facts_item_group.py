# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationFactsItemGroup(RelationDocument):
	"""What a relation bought of an item group from a company, derived from submitted invoices. Written by the system only."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		amount: DF.Currency
		amount_12_months: DF.Currency
		company: DF.Link
		currency: DF.Link | None
		item_group: DF.Link | None
		last_bought: DF.Date | None
		margin_12_months: DF.Currency
		margin_base_12_months: DF.Currency
		relation: DF.Link
	# end: auto-generated types

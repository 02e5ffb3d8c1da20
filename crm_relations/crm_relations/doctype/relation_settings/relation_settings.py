# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from frappe.model.document import Document

from crm_relations.ledger import dimension


class RelationSettings(Document):
	"""Switches and defaults."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		attribute_invoices: DF.Check
		batch_size: DF.Int
		calls_need_consent: DF.Check
		campaign_dimension: DF.Check
		default_company: DF.Link | None
		default_country: DF.Link | None
		default_email_account: DF.Link | None
		legal_notice: DF.SmallText | None
	# end: auto-generated types

	def on_update(self) -> None:
		if self.has_value_changed("campaign_dimension"):
			if self.campaign_dimension:
				dimension.switch_on()
			else:
				dimension.switch_off()

# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationFacts(RelationDocument):
	"""Figures of a relation with a company, derived from submitted documents. Written by the system only."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		stale_on: DF.Date | None
		billed_12_months: DF.Currency
		company: DF.Link
		credit_notes_12_months: DF.Currency
		currency: DF.Link | None
		days_sales_outstanding: DF.Float
		first_order: DF.Date | None
		frequency_class: DF.Int
		last_invoice: DF.Date | None
		last_order: DF.Date | None
		margin_12_months: DF.Currency
		margin_base_12_months: DF.Currency
		monetary_class: DF.Int
		open_amount: DF.Currency
		open_opportunities: DF.Int
		open_opportunities_amount: DF.Currency
		open_quotations: DF.Int
		open_quotations_amount: DF.Currency
		order_days: DF.Int
		orders: DF.Int
		orders_24_months: DF.Int
		overdue_amount: DF.Currency
		overdue_since: DF.Date | None
		recency_class: DF.Int
		relation: DF.Link
		returns: DF.Int
		revenue_12_months: DF.Currency
		revenue_24_months: DF.Currency
		revenue_total: DF.Currency
		rhythm_days: DF.Float
	# end: auto-generated types

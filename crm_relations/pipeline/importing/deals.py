"""Create the documents of a deal.

Writes Opportunity and, for a won deal, Quotation, Sales Order, Sales Invoice and Payment Entry. ERPNext's own
mapper functions create the documents, so all links between them are as in the desk. The export has two dates
for a deal: the opportunity gets the first, all later documents the closing date.
"""

from dataclasses import dataclass
from decimal import Decimal

import frappe
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from erpnext.controllers.accounts_controller import get_taxes_and_charges
from erpnext.crm.doctype.opportunity.opportunity import make_quotation
from erpnext.selling.doctype.quotation.quotation import make_sales_order
from erpnext.selling.doctype.sales_order.sales_order import make_sales_invoice
from frappe import _
from frappe.model.document import Document

from crm_relations.pipeline.importing.reader import Deal
from crm_relations.shared.money import to_decimal
from crm_relations.shared.refusals import refuse

TAX_TEMPLATE = "Sales Taxes and Charges Template"


@dataclass(frozen=True)
class Names:
	"""The names of the documents that a deal refers to."""

	customer: str
	relation: str | None
	item: str | None
	list_price: Decimal | None
	sales_person: str | None


class Booking:
	"""Create the documents of one company's deals."""

	def __init__(self, company: str, tax: str, campaign: str | None = None):
		self.company, self.campaign = company, campaign
		self.currency = frappe.get_cached_value("Company", company, "default_currency")
		self.tax = tax
		if tax not in ("default", "none") and not frappe.db.exists(TAX_TEMPLATE, tax):
			refuse(
				_("tax: {0} {1} does not exist. Use default, none or an existing name."), TAX_TEMPLATE, tax
			)

	def book(self, deal: Deal, names: Names, lost_reason: str) -> tuple[str, str | None]:
		"""Create the documents of a deal; nothing is committed.

		:return: names of the opportunity and, for a won deal, of the invoice
		:raises frappe.ValidationError: ERPNext refuses one of the documents
		"""
		opportunity = self._opportunity(deal, names)
		if deal.outcome == "lost":
			opportunity.declare_enquiry_lost([{"lost_reason": lost_reason}], [])
		if deal.outcome != "won":
			return opportunity.name, None
		invoice = self._invoice(deal, self._order(deal, names, self._quotation(deal, opportunity)))
		self._payment(deal, invoice)
		return opportunity.name, invoice.name

	def _opportunity(self, deal: Deal, names: Names) -> Document:
		# such an export has no value for an open or lost deal: the list price was the amount asked
		value = float(deal.value if deal.outcome == "won" else deal.value or names.list_price or 0)
		doc = frappe.get_doc(
			{
				"doctype": "Opportunity",
				"opportunity_from": "Customer",
				"party_name": names.customer,
				"company": self.company,
				"currency": self.currency,
				"conversion_rate": 1,
				"transaction_date": deal.opened_on,
				"expected_closing": deal.closed_on,
				"sales_stage": deal.sales_stage or None,
				"title": " ".join(filter(None, (names.item, deal.key))),
				"opportunity_amount": value,
				"base_opportunity_amount": value,
				"relation": names.relation,
				"relation_campaign": self.campaign,
				"items": [{"item_code": names.item, "qty": 1, "rate": value}] if names.item else [],
			}
		)
		if names.sales_person:
			# the opportunity has no field for a salesperson without a login
			doc.append(
				"notes",
				{"note": _("Sales person: {0}").format(names.sales_person), "added_on": deal.opened_on},
			)
		return doc.insert(ignore_permissions=True)

	def _quotation(self, deal: Deal, opportunity: Document) -> Document:
		doc = make_quotation(opportunity.name)
		doc.update({"transaction_date": deal.closed_on, "valid_till": None, "disable_rounded_total": 1})
		self._set_tax(doc)
		return _submit(doc, deal)

	def _order(self, deal: Deal, names: Names, quotation: Document) -> Document:
		doc = make_sales_order(quotation.name)
		doc.update(
			{"transaction_date": deal.closed_on, "delivery_date": deal.closed_on, "disable_rounded_total": 1}
		)
		# history: nothing is left to deliver
		doc.update({"payment_terms_template": None, "payment_schedule": [], "skip_delivery_note": 1})
		for row in doc.items:
			row.delivery_date = deal.closed_on
		if names.sales_person:
			doc.set("sales_team", [{"sales_person": names.sales_person, "allocated_percentage": 100}])
		return _submit(doc, deal)

	def _invoice(self, deal: Deal, order: Document) -> Document:
		doc = make_sales_invoice(order.name)
		doc.update(
			{
				"set_posting_time": 1,
				"posting_date": deal.closed_on,
				"due_date": deal.closed_on,
				"payment_terms_template": None,
				"payment_schedule": [],
				"disable_rounded_total": 1,
			}
		)
		return _submit(doc, deal)

	def _payment(self, deal: Deal, invoice: Document) -> Document:
		doc = get_payment_entry("Sales Invoice", invoice.name, reference_date=deal.closed_on)
		doc.update(
			{"posting_date": deal.closed_on, "reference_date": deal.closed_on, "reference_no": deal.key}
		)
		doc.flags.ignore_permissions = True
		doc.submit()
		return doc

	def _set_tax(self, doc: Document) -> None:
		"""Replace ERPNext's default tax template on the quotation; the later documents copy its taxes."""
		if self.tax == "default":
			return
		doc.update({"taxes_and_charges": None, "taxes": []})
		if self.tax != "none":
			doc.taxes_and_charges = self.tax
			doc.set("taxes", get_taxes_and_charges(TAX_TEMPLATE, self.tax))


def _submit(doc: Document, deal: Deal) -> Document:
	"""Save and submit with exactly the deal's value as net total.

	Today's price lists and pricing rules are ignored.
	"""
	doc.ignore_pricing_rule = 1
	for row in doc.items:
		row.update({"rate": float(deal.value), "price_list_rate": float(deal.value)})
		row.update(
			{"discount_percentage": 0, "discount_amount": 0, "margin_type": None, "margin_rate_or_amount": 0}
		)
	doc.flags.ignore_permissions = True
	doc.submit()  # saved and submitted at once: every document is validated once
	if to_decimal(doc.base_net_total) != deal.value:
		refuse(
			_("{0}: the net total is {1} instead of {2}. Are prices of the tax template gross prices?"),
			doc.doctype,
			doc.base_net_total,
			deal.value,
		)
	return doc

"""Run a POS: its invoices of a day, and the closing that posts them in the ledger."""

from collections.abc import Callable

import frappe
from erpnext.accounts.doctype.pos_closing_entry.pos_closing_entry import make_closing_entry_from_opening
from erpnext.accounts.doctype.pos_invoice.pos_invoice import make_sales_return
from frappe.model.document import Document
from frappe.utils import now_datetime, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine.commits import held_back


class Till:
	"""An open POS of the company, and its closing at the end of the day."""

	def __init__(self) -> None:
		if frappe.get_meta("POS Settings").has_field("invoice_type"):  # version 16: what a POS posts
			frappe.db.set_single_value("POS Settings", "invoice_type", "POS Invoice")
		self.mode = factories.insert(
			"Mode of Payment",
			mode_of_payment=factories.unique("Kasse"),
			type="Cash",
			accounts=[{"company": COMPANY, "default_account": account(COMPANY, "1600")}],
		).name
		cost_center = frappe.get_cached_value("Company", COMPANY, "cost_center")
		self.profile = factories.insert(
			"POS Profile",
			name=factories.unique("Kasse"),
			company=COMPANY,
			currency="EUR",
			warehouse=frappe.db.get_value("Warehouse", {"company": COMPANY, "is_group": 0}),
			write_off_account=account(COMPANY, "6930"),
			write_off_cost_center=cost_center,
			cost_center=cost_center,
			income_account=account(COMPANY, "4400"),
			selling_price_list=frappe.db.get_value("Price List", {"selling": 1}),
			payments=[{"mode_of_payment": self.mode, "default": 1}],
		).name
		self.opening = factories.insert(
			"POS Opening Entry",
			company=COMPANY,
			pos_profile=self.profile,
			user="Administrator",
			period_start_date=now_datetime(),
			posting_date=nowdate(),
			balance_details=[{"mode_of_payment": self.mode, "opening_amount": 0}],
		)
		self.opening.submit()
		self.item = factories.item().name

	def sell(
		self,
		customer: str,
		lines: list[tuple[str | None, float]],
		header: str | None = None,
		accounts: Callable[[Document], str | None] = lambda _row: None,
	) -> Document:
		"""Submit a paid POS invoice of (campaign, rate) lines; `accounts` sets the accounts of the lines."""
		doc = self.draft(customer, lines, header, accounts)
		doc.insert(ignore_permissions=True)
		doc.submit()
		return doc

	def draft(
		self,
		customer: str,
		lines: list[tuple[str | None, float]],
		header: str | None = None,
		accounts: Callable[[Document], str | None] = lambda _row: None,
	) -> Document:
		doc = frappe.get_doc(
			{
				"doctype": "POS Invoice",
				"company": COMPANY,
				"customer": customer,
				"is_pos": 1,
				"pos_profile": self.profile,
				"relation_campaign": header,
				"items": [
					{**factories.line(self.item, 1, rate), "relation_campaign": name} for name, rate in lines
				],
			}
		)
		doc.set_missing_values()
		for row in doc.items:
			row.income_account = accounts(row) or row.income_account
		factories.add_vat(doc)
		return self._paid(doc)

	def take_back(self, invoice: Document) -> Document:
		"""Return a POS invoice, and pay it out."""
		doc = self._paid(make_sales_return(invoice.name))
		doc.insert(ignore_permissions=True)
		doc.submit()
		return doc

	def _paid(self, doc: Document) -> Document:
		doc.calculate_taxes_and_totals()
		doc.set("payments", [{"mode_of_payment": self.mode, "amount": doc.rounded_total or doc.grand_total}])
		return doc

	def close(self) -> list[Document]:
		"""Close the day, and return the Sales Invoices that the closing posted."""
		with held_back():
			closing = make_closing_entry_from_opening(self.opening)
			closing.insert(ignore_permissions=True)
			closing.submit()
		logs = frappe.get_all(
			"POS Invoice Merge Log",
			{"pos_closing_entry": closing.name},
			["consolidated_invoice", "consolidated_credit_note"],
			order_by="creation asc",
		)
		names = [name for log in logs for name in log.values() if name]
		return [frappe.get_doc("Sales Invoice", name) for name in dict.fromkeys(names)]

"""Add steps to a chain of vouchers: deliveries, returns, POS, subscriptions, reconciliations, old invoices.

Old invoices are those from before the app was installed. `chains.Chain` reads the sums from GL Entry.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import frappe
from erpnext.controllers.sales_and_purchase_return import make_return_doc
from erpnext.selling.doctype.sales_order.sales_order import make_delivery_note
from erpnext.stock.doctype.delivery_note.delivery_note import make_sales_invoice as invoice_of_delivery
from frappe.model.document import Document
from frappe.utils import flt, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger.attributions import attribution
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.chains import (
	CASH,
	GOODS,
	INCOME,
	LOST,
	NO_DISCOUNT,
	Chain,
	Discount,
	Line,
	center,
	places,
)
from crm_relations.tests.support.books.till import Till
from crm_relations.tests.support.machine.commits import held_back

#: cost of one piece of each of the two goods
COST_OF_A_PIECE = (7.77, 0.345)
IN_STOCK = 10_000


class LongChain(Chain):
	"""A chain with everything that a company can do with an invoice."""

	may_be_refused = (*Chain.may_be_refused, "take_back_goods")

	# Goods -----------------------------------------------------------------------------------------

	def deliver_in_parts(self, lines: Sequence[Line], first: int, discount: Discount = NO_DISCOUNT) -> None:
		"""Deliver an order in two parts, and bill each of them."""
		with self._goods():
			order = self._order(lines, discount)
			for pieces in (first, None):
				if frappe.db.get_value("Sales Order", order.name, "per_delivered") >= 100:
					return
				delivery = make_delivery_note(order.name)
				for row in delivery.items:
					row.qty = min(pieces or row.qty, row.qty)
				self._post(delivery)
				invoice = invoice_of_delivery(delivery.name)
				invoice.update(self.values)
				self._post(invoice)

	def sell_from_stock(self, lines: Sequence[Line], discount: Discount = NO_DISCOUNT) -> None:
		"""Submit an invoice that moves the goods."""
		with self._goods():
			self._post(self._invoice(lines, discount, update_stock=1))

	def take_back_goods(self, number: int, lines: int) -> None:
		"""Return goods of a delivery and credit them.

		ERPNext refuses goods that were returned or credited before.
		"""
		deliveries = [doc for doc in self.posted if doc.doctype == "Delivery Note" and not doc.is_return]
		if not deliveries:
			return
		back = make_return_doc("Delivery Note", deliveries[number % len(deliveries)].name)
		if lines:
			back.items = back.items[:lines]
		self._post(back)
		note = invoice_of_delivery(back.name)
		note.update(self.values)
		self._post(note)

	@contextmanager
	def _goods(self) -> Iterator[None]:
		"""Use the two goods in turn as lines of the documents written inside the block."""
		if not getattr(self, "goods", None):
			self.goods = [goods(cost) for cost in COST_OF_A_PIECE]
			for number in GOODS:
				frappe.db.set_value("Account", account(COMPANY, number), "account_type", "Cost of Goods Sold")
		service, self.item = self.item, None
		try:
			yield
		finally:
			self.item = service

	def _item(self, number: int) -> str:
		return self.item or self.goods[number % len(self.goods)]

	# Tills -----------------------------------------------------------------------------------------

	def till_day(self, lines: Sequence[Line], back: bool, closed: bool) -> None:
		"""Run a day of the POS: two sales, perhaps one return, and perhaps the closing that posts them."""
		if self.foreign:
			return
		if not getattr(self, "till", None) or self.till_is_closed:
			self.till, self.till_is_closed = Till(), False
		campaigns = [(self.campaign_of(line.whose), line.rate) for line in lines]
		first = self._at_till(campaigns)
		self._at_till(campaigns[:1])
		if back:
			self.till.take_back(first)
		if closed:
			self.till_is_closed = True
			self.posted += self.till.close()

	def _at_till(self, lines: list[tuple[str | None, float]]) -> Document:
		return self.till.sell(
			self.customer, lines, accounts=lambda row: account(COMPANY, INCOME[self._whose(row)])
		)

	def _cancel(self, doc: Document) -> None:
		"""Cancel with the closing's log the invoice and the credit note that the closing has posted."""
		logs = frappe.get_all(
			"POS Invoice Merge Log",
			{"docstatus": 1},
			or_filters={"consolidated_invoice": doc.name, "consolidated_credit_note": doc.name},
			pluck="name",
			order_by="name asc",
		)
		if not logs:
			return super()._cancel(doc)
		with held_back():
			for name in logs:
				frappe.get_doc("POS Invoice Merge Log", name).cancel()
		self.posted = [other for other in self.posted if other.reload().docstatus == 1]

	def sell_at_once(self, lines: Sequence[Line], paid: float) -> None:
		"""Sell on a POS that posts at once, and write off what is not paid."""
		if self.foreign:
			return
		if not getattr(self, "mode", None):
			self.mode = factories.insert(
				"Mode of Payment",
				mode_of_payment=factories.unique("Kasse"),
				type="Cash",
				accounts=[{"company": COMPANY, "default_account": account(COMPANY, CASH)}],
			).name
		doc = self._invoice(lines, is_pos=1)
		doc.set_missing_values()
		doc.calculate_taxes_and_totals()
		due = doc.rounded_total or doc.grand_total
		amount = flt(due * paid, places())
		doc.set(
			"payments", [{"mode_of_payment": self.mode, "account": account(COMPANY, CASH), "amount": amount}]
		)
		doc.write_off_account, doc.write_off_cost_center = account(COMPANY, LOST), center()
		doc.write_off_amount = flt(due - amount, places())
		self._post(doc)

	# Further steps ---------------------------------------------------------------------------------

	def subscribe(self, whose: int, pieces: int, rate: float, off: float) -> None:
		"""Start a subscription today, so that ERPNext writes its invoice."""
		if self.foreign:
			return
		item = factories.item(
			item_defaults=[{"company": COMPANY, "income_account": account(COMPANY, INCOME[whose])}]
		).name
		plan = factories.insert(
			"Subscription Plan",
			plan_name=factories.unique("Wartung"),
			item=item,
			currency="EUR",
			price_determination="Fixed Rate",
			cost=rate,
			billing_interval="Month",
			billing_interval_count=1,
		).name
		subscription = factories.insert(
			"Subscription",
			party_type="Customer",
			party=self.customer,
			company=COMPANY,
			start_date=nowdate(),
			generate_invoice_at="Beginning of the current subscription period",
			submit_invoice=1,
			apply_additional_discount="Net Total",
			additional_discount_percentage=off,
			plans=[{"plan": plan, "qty": pieces}],
			relation_campaign=self.campaign_of(whose),
		)
		subscription.process(posting_date=nowdate())
		(invoice,) = subscription.invoices if isinstance(subscription.invoices, list) else []
		self.posted.append(frappe.get_doc("Sales Invoice", invoice.get("name") or invoice.get("invoice")))

	def reconcile(self) -> None:
		"""Reconcile unused payments and credit notes with open vouchers."""
		if self.foreign:
			return
		tool = frappe.get_doc("Payment Reconciliation")
		tool.company, tool.party_type, tool.party = COMPANY, "Customer", self.customer
		tool.receivable_payable_account = frappe.get_cached_value(
			"Company", COMPANY, "default_receivable_account"
		)
		tool.get_unreconciled_entries()
		if not (tool.invoices and tool.payments):
			return
		tool.allocate_entries(
			frappe._dict(
				invoices=[row.as_dict() for row in tool.invoices],
				payments=[row.as_dict() for row in tool.payments],
			)
		)
		tool.reconcile()

	def from_before(self, lines: Sequence[Line]) -> None:
		"""Submit an invoice without relation and campaign, as if before the app was installed."""
		doc = self._invoice(lines)
		for row in doc.items:
			row.relation_campaign = None
		with without_the_app():
			self._post(doc)

	def rebuild(self) -> None:
		"""Rebuild the attribution, which must not change."""
		with held_back():
			attribution.rebuild(COMPANY)


def goods(cost: float) -> str:
	"""Return an item with plenty of stock at this cost."""
	item = factories.insert(
		"Item", item_code=factories.unique("WARE"), item_group="Products", stock_uom="Nos", is_stock_item=1
	).name
	warehouse = frappe.db.get_value(
		"Warehouse", {"company": COMPANY, "is_group": 0, "warehouse_name": "Stores"}
	)
	entry = factories.insert(
		"Stock Entry",
		stock_entry_type="Material Receipt",
		purpose="Material Receipt",
		company=COMPANY,
		items=[{"item_code": item, "qty": IN_STOCK, "basic_rate": cost, "t_warehouse": warehouse}],
	)
	entry.submit()
	return item


@contextmanager
def without_the_app() -> Iterator[None]:
	"""Disable our document events inside the block."""
	everything = frappe.get_doc_hooks()
	frappe.local.doc_events_hooks = {
		doctype: {
			event: [path for path in paths if not path.startswith("crm_relations.")]
			for event, paths in events.items()
		}
		for doctype, events in everything.items()
	}
	try:
		yield
	finally:
		frappe.local.doc_events_hooks = everything

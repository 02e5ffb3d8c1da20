"""Add steps to a chain of vouchers that change what is posted, or that are posted alongside the sales.

They cover services delivered without a row in the ledger, an immutable ledger, changed accounts, unreconciled
payments, purchases with input tax, sister companies and currencies with three decimals. `chains.Chain` reads
the sums from GL Entry.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

import frappe
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from erpnext.selling.doctype.sales_order.sales_order import make_delivery_note
from erpnext.stock.doctype.delivery_note.delivery_note import make_sales_invoice as invoice_of_delivery
from frappe.model.document import Document
from frappe.utils import add_days, flt, getdate, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger.statements.statement import statement
from crm_relations.shared import money
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import cents
from crm_relations.tests.support.books.chain_steps import LongChain
from crm_relations.tests.support.books.chains import INCOME, Line, places
from crm_relations.tests.support.books.sister import SISTER

#: income accounts to which a campaign's revenue is moved
MOVED = ("4315", "4310", "4320")
INPUT_TAX, ADVERTISING = "1406", "6600"  # ERPNext rounds on 6300


class ChangingChain(LongChain):
	"""A long chain with vouchers that change after they are posted."""

	may_be_refused = (*LongChain.may_be_refused, "change_account", "set_free")

	def __post_init__(self) -> None:
		super().__post_init__()
		#: cancelled vouchers of an immutable ledger: their rows and reversals stay
		self.kept: list[Document] = []
		#: purchase invoices and their payments, which are not part of the sales
		self.bought: list[Document] = []

	def deliver_services(self, lines: Sequence[Line]) -> None:
		"""Deliver an order of services without a row in the ledger, and bill it."""
		order = self._order(lines)
		delivery = make_delivery_note(order.name)
		delivery.insert()
		delivery.submit()
		assert not frappe.db.exists("GL Entry", {"voucher_no": delivery.name})
		invoice = invoice_of_delivery(delivery.name)
		invoice.update(self.values)
		self._post(invoice)

	def reverse_later(self, lines: Sequence[Line], paid: bool) -> None:
		"""Cancel an invoice of an earlier day, perhaps paid then, today while the ledger is immutable."""
		day = str(max(getdate(add_days(nowdate(), -9)), getdate(f"{nowdate()[:4]}-01-01")))
		if self.foreign or day == nowdate():
			return
		invoice = self._invoice(lines, posting_date=day, set_posting_time=1)
		self._post(invoice)
		paying = self.posted
		if paid and invoice.outstanding_amount > 0:
			entry = get_payment_entry("Sales Invoice", invoice.name)
			entry.posting_date = day
			self._post_payment(entry)
		with immutable_ledger():
			while self.posted and self.posted[-1] is not invoice:
				self.kept.append(paying.pop().reload())
				self.kept[-1].cancel()
			self.kept.append(self.posted.pop().reload())
			self.kept[-1].cancel()
		for first, last in ((None, day), (add_days(day, 1), nowdate())):
			result = statement(COMPANY, self.campaigns, first, last)
			assert not result.difference and not result.problems
		assert any(row.voucher_no == invoice.name for row in result.reversals) == any(
			line.whose < len(self.campaigns) for line in lines
		)

	def change_account(self, number: int) -> None:
		"""Move the income of an invoice's first line to another account of its campaign by a repost."""
		found = [doc for doc in self._invoices() if not (doc.is_return or doc.is_pos or doc.is_consolidated)]
		if not found:
			return
		allow_posting_anew()
		doc = found[number % len(found)]
		whose = self._whose(doc.items[0])
		doc.items[0].income_account = account(COMPANY, MOVED[whose])
		doc.save()

	def set_free(self, number: int) -> None:
		"""Unreconcile a payment, which may settle another voucher later."""
		found = [
			doc
			for doc in self.posted
			if doc.doctype == "Payment Entry" and doc.reload().docstatus == 1 and doc.references
		]
		found = [
			doc for doc in found if all(row.reference_doctype == "Sales Invoice" for row in doc.references)
		]
		if not found or self.foreign:
			return
		payment = found[number % len(found)]
		tool = frappe.get_doc(
			{
				"doctype": "Unreconcile Payment",
				"company": COMPANY,
				"voucher_type": payment.doctype,
				"voucher_no": payment.name,
			}
		)
		tool.add_references()
		if tool.allocations:
			tool.insert()
			tool.submit()

	def buy(self, lines: Sequence[Line], paid: float) -> None:
		"""Buy advertising for the campaigns with input tax, and pay a share of it."""
		supplier = factories.insert(
			"Supplier",
			supplier_name=factories.unique("Agentur"),
			supplier_group=frappe.db.get_value("Supplier Group", {"is_group": 0}),
		).name
		doc = frappe.get_doc(
			{
				"doctype": "Purchase Invoice",
				"company": COMPANY,
				"supplier": supplier,
				"bill_no": factories.unique("R"),
				"items": [
					{
						"item_name": "Anzeige",
						"qty": line.qty,
						"uom": "Nos",
						"conversion_factor": 1,
						"rate": line.rate,
						"expense_account": account(COMPANY, ADVERTISING),
						"cost_center": frappe.get_cached_value("Company", COMPANY, "cost_center"),
						"relation_campaign": self.campaign_of(line.whose),
					}
					for line in lines
				],
				"taxes": [
					{
						"charge_type": "On Net Total",
						"account_head": account(COMPANY, INPUT_TAX),
						"rate": 19,
						"description": "Vorsteuer",
						"category": "Total",
						"add_deduct_tax": "Add",
					}
				],
			}
		)
		doc.set_missing_values()
		doc.insert()
		doc.submit()
		self.bought.append(doc)
		amount = flt(doc.outstanding_amount * paid, places())
		if amount > 0:
			entry = get_payment_entry("Purchase Invoice", doc.name, party_amount=amount)
			entry.reference_no, entry.reference_date = "Test", nowdate()
			entry.insert()
			entry.submit()
			self.bought.append(entry)

	def sell_in_sister(self, lines: Sequence[Line]) -> None:
		"""Sell in the sister company for the campaigns.

		Its rows lose the foreign campaign, and our statement does not change.
		"""
		foreign = factories.campaign(company=COMPANY).name
		doc = frappe.get_doc(
			{
				"doctype": "Sales Invoice",
				"company": SISTER,
				"customer": self.customer,
				"due_date": add_days(nowdate(), 14),
				"items": [
					{
						**factories.line(factories.item().name, line.qty, line.rate),
						"relation_campaign": self.campaign_of(line.whose) or foreign,
					}
					for line in lines
				],
			}
		)
		doc.insert()
		doc.submit()
		assert foreign not in {row.relation_campaign for row in doc.items}
		result = statement(SISTER)
		assert not result.difference and not result.problems

	def income(self, whose: int) -> Decimal:
		return -self.on_accounts(INCOME[whose], MOVED[whose])

	def spent(self, whose: int) -> Decimal:
		"""Return the net amount of the campaign's lines on purchase invoices."""
		lines = (row for doc in self.bought if doc.doctype == "Purchase Invoice" for row in doc.items)
		return sum(
			(cents(row.base_net_amount) for row in lines if self._whose(row) == whose), Decimal("0.00")
		)

	def of_purchases(self, *accounts: str) -> Decimal:
		"""Return debit − credit of purchase invoices and their payments on accounts."""
		names = [doc.name for doc in self.bought]
		rows = frappe.get_all(
			"GL Entry",
			{"is_cancelled": 0, "voucher_no": ["in", names or [""]], "account": ["in", accounts]},
			["debit", "credit"],
			order_by="name asc",
			limit=0,
		)
		return sum((cents(row.debit) - cents(row.credit) for row in rows), Decimal("0.00"))

	def _vouchers(self) -> list[str]:
		return [*super()._vouchers(), *(doc.name for doc in self.kept)]


def allow_posting_anew() -> None:
	settings = frappe.get_doc("Repost Accounting Ledger Settings")
	if "Sales Invoice" not in {row.document_type for row in settings.allowed_types}:
		settings.append("allowed_types", {"document_type": "Sales Invoice", "allowed": 1})
		settings.save()


@contextmanager
def immutable_ledger() -> Iterator[None]:
	frappe.db.set_single_value("Accounts Settings", "enable_immutable_ledger", 1)
	try:
		yield
	finally:
		frappe.db.set_single_value("Accounts Settings", "enable_immutable_ledger", 0)


@contextmanager
def ledger_with(places: int) -> Iterator[None]:
	"""Make ERPNext and the sums of the tests round to this number of decimals inside the block."""
	if places == 2:
		yield
		return
	frappe.db.set_default("currency_precision", places)
	try:
		with money.decimals(places):
			yield
	finally:
		frappe.db.set_default("currency_precision", "")

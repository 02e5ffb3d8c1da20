"""Random chains of vouchers, made with ERPNext's own functions, and what GL Entry says of them.

The sums here read GL Entry and nothing of the app: every campaign of a chain has an income account of its own, so
that the ledger itself tells whose a row is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import frappe
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from erpnext.controllers.sales_and_purchase_return import make_return_doc
from erpnext.selling.doctype.sales_order.sales_order import make_sales_invoice
from frappe.model.document import Document
from frappe.utils import add_days, flt, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.tests.site import factories
from crm_relations.tests.site.books import campaign, cents, journal

ZERO = Decimal("0.00")
USD_RATE_OF_INVOICE, USD_RATE_OF_PAYMENT = 0.9137, 0.9254
#: income account of the campaign 0, of the campaign 1, of no campaign
INCOME = ("4400", "4300", "4200")
#: tables of taxes: (account, percent)
TAXES = ((), (("3806", 19),), (("3806", 19), ("3801", 7)))
COSTS = "6300"


@dataclass(frozen=True)
class Line:
	"""A line of an order or invoice; `whose` is the campaign's number, 2 for none."""

	whose: int
	qty: int
	rate: float


@dataclass
class Chain:
	"""The vouchers of one customer, in the order in which they were posted."""

	foreign: bool = False
	taxes: int = 1
	campaigns: list[str] = field(default_factory=list)
	posted: list[Document] = field(default_factory=list)

	def __post_init__(self) -> None:
		self.campaigns = [campaign("Frühling"), campaign("Herbst")]
		self.customer = factories.customer().name
		self.item = factories.item().name
		self.currency = {}
		if self.foreign:
			self.currency = {
				"currency": "USD",
				"conversion_rate": USD_RATE_OF_INVOICE,
				"debit_to": receivable_in_usd(),
			}

	# Steps: each does nothing where there is nothing to do it with ---------------------------------

	def invoice(self, lines: Sequence[Line], discount: int = 0) -> None:
		"""An invoice without an order; `discount` in percent of its net total."""
		doc = self._document("Sales Invoice", lines, due_date=add_days(nowdate(), 14), **self.currency)
		doc.apply_discount_on, doc.additional_discount_percentage = "Net Total", discount
		self._post(doc)

	def bill_in_parts(self, lines: Sequence[Line], first: int) -> None:
		"""An order, an invoice of a part of each line, and one of the rest."""
		order = self._order(lines)
		part = self._invoice_of(order)
		for row in part.items:
			row.qty = min(first, row.qty)
		self._post(part)
		if frappe.db.get_value("Sales Order", order.name, "per_billed") < 100:
			self._post(self._invoice_of(order))

	def bill_together(self, one: Sequence[Line], other: Sequence[Line]) -> None:
		"""Two orders on one invoice."""
		invoice = self._invoice_of(self._order(one))
		invoice = make_sales_invoice(self._order(other).name, target_doc=invoice)
		invoice.update(
			self.currency
		)  # ERPNext asks earlier vouchers for the account; they may all be cancelled
		self._post(invoice)

	def pay(self, number: int, share: float, deduction: bool) -> None:
		"""A payment of a share of what is open, perhaps with a deduction that is booked as a cost."""
		if not (invoice := self._open(number)):
			return
		amount = max(flt(invoice.outstanding_amount * share, 2), 0.01)
		entry = get_payment_entry("Sales Invoice", invoice.name, party_amount=amount)
		if deduction and entry.paid_amount > 2 and not self.foreign:
			entry.paid_amount = entry.received_amount = flt(entry.paid_amount - 1.01, 2)
			entry.append(
				"deductions", {"account": account(COMPANY, COSTS), "cost_center": center(), "amount": 1.01}
			)
		self._post_payment(entry)

	def pay_together(self, number: int) -> None:
		"""One payment of two invoices."""
		first = self._open(number)
		others = [doc for doc in self._all_open() if first and doc.name != first.name]
		if not others or self.foreign:
			return
		second = others[number % len(others)]
		entry = get_payment_entry("Sales Invoice", first.name)
		entry.append(
			"references",
			{
				"reference_doctype": "Sales Invoice",
				"reference_name": second.name,
				"allocated_amount": second.outstanding_amount,
			},
		)
		entry.paid_amount = entry.received_amount = flt(
			first.outstanding_amount + second.outstanding_amount, 2
		)
		self._post_payment(entry)

	def write_off(self, number: int, share: float) -> None:
		"""A journal entry takes a share of what is open as a cost."""
		if self.foreign or not (invoice := self._open(number)):
			return
		amount = max(flt(invoice.outstanding_amount * share, 2), 0.01)
		party = {
			"party_type": "Customer",
			"party": self.customer,
			"reference_type": "Sales Invoice",
			"reference_name": invoice.name,
		}
		self.posted.append(
			journal([(account(COMPANY, COSTS), amount, 0), (invoice.debit_to, 0, amount, party)])
		)

	def credit(self, number: int, lines: int, own: bool) -> None:
		"""A credit note on an unpaid invoice, on all lines or on the first; against it or open by itself."""
		credited = {doc.get("return_against") for doc in self.posted}
		candidates = [doc for doc in self._all_open() if doc.name not in credited and _unpaid(doc)]
		if not candidates:
			return
		note = make_return_doc("Sales Invoice", candidates[number % len(candidates)].name)
		if lines:
			note.items = note.items[:lines]
		note.update_outstanding_for_self = int(own)
		self._post(note)

	def advance(self, lines: Sequence[Line], percent: int) -> None:
		"""A payment before the invoice that it is then used for."""
		if self.foreign:
			return
		entry = frappe.get_doc(
			{
				"doctype": "Payment Entry",
				"payment_type": "Receive",
				"company": COMPANY,
				"party_type": "Customer",
				"party": self.customer,
				"paid_from": frappe.get_cached_value("Company", COMPANY, "default_receivable_account"),
				"paid_to": account(COMPANY, "1800"),
				"paid_amount": max(flt(lines[0].rate * percent / 100, 2), 0.01),
				"received_amount": max(flt(lines[0].rate * percent / 100, 2), 0.01),
				"source_exchange_rate": 1,
				"target_exchange_rate": 1,
			}
		)
		self._post_payment(entry)
		invoice = self._document("Sales Invoice", lines, due_date=add_days(nowdate(), 14))
		invoice.allocate_advances_automatically = 1
		self._post(invoice)

	def cancel(self) -> None:
		"""The last voucher never was."""
		if self.posted:
			self.posted.pop().reload().cancel()

	def amend(self, share: float) -> None:
		"""The last voucher, if it is an invoice, is written anew with a lower rate on its first line."""
		if not self.posted or self.posted[-1].doctype != "Sales Invoice" or self.posted[-1].is_return:
			return
		doc = self.posted.pop().reload()
		doc.cancel()
		amended = frappe.copy_doc(doc)
		amended.docstatus, amended.amended_from = 0, doc.name
		amended.set("advances", [])
		first = amended.items[0]
		first.rate = first.price_list_rate = max(flt(first.rate * share, 2), 0.01)
		self._post(amended)

	# What GL Entry says ----------------------------------------------------------------------------

	def income(self, whose: int) -> Decimal:
		"""Credit − debit of the campaign's income account."""
		return -self._sum(lambda row: row.account == account(COMPANY, INCOME[whose]))

	def on(self, root_type: str, account_type: tuple[str, ...]) -> Decimal:
		"""Debit − credit on accounts of a kind."""
		kinds = {
			row.name: row
			for row in frappe.get_all(
				"Account",
				{"company": COMPANY},
				["name", "root_type", "account_type"],
				order_by="name asc",
				limit=0,
			)
		}
		return self._sum(
			lambda row: (
				kinds[row.account].root_type == root_type and kinds[row.account].account_type in account_type
			)
		)

	def unused_advances(self) -> Decimal:
		"""What payments hold that no invoice has used yet: it belongs to no campaign. GL Entry does not say it, for
		ERPNext leaves the row of an advance as it was posted; the payment does."""
		payments = [doc.reload() for doc in self.posted if doc.doctype == "Payment Entry"]
		return sum((cents(doc.unallocated_amount) for doc in payments), ZERO)

	def _sum(self, wanted: Callable) -> Decimal:
		rows = frappe.get_all(
			"GL Entry",
			{"is_cancelled": 0, "voucher_no": ["in", self._vouchers() or [""]]},
			["account", "debit", "credit"],
			order_by="name asc",
			limit=0,
		)
		return sum((cents(row.debit) - cents(row.credit) for row in rows if wanted(row)), ZERO)

	def _vouchers(self) -> list[str]:
		"""Ours, and the exchange differences that ERPNext books by itself."""
		names = [doc.name for doc in self.posted]
		return names + frappe.get_all(
			"Journal Entry Account",
			{"reference_name": ["in", names or [""]], "docstatus": 1, "parent": ["not in", names or [""]]},
			pluck="parent",
			distinct=True,
			order_by="parent asc",
		)

	# ------------------------------------------------------------------------------------------------

	def _document(self, doctype: str, lines: Sequence[Line], **values) -> Document:
		campaigns = [*self.campaigns, None]
		items = [
			{**factories.line(self.item, line.qty, line.rate), "relation_campaign": campaigns[line.whose]}
			for line in lines
		]
		doc = frappe.get_doc(
			{"doctype": doctype, "company": COMPANY, "customer": self.customer, "items": items, **values}
		)
		for head, percent in TAXES[self.taxes]:
			tax = {"charge_type": "On Net Total", "account_head": account(COMPANY, head), "description": head}
			doc.append("taxes", {**tax, "rate": percent})
		return doc

	def _order(self, lines: Sequence[Line]) -> Document:
		currency = {name: value for name, value in self.currency.items() if name != "debit_to"}
		order = self._document("Sales Order", lines, delivery_date=add_days(nowdate(), 7), **currency)
		order.insert()
		order.submit()
		return order

	def _invoice_of(self, order: Document) -> Document:
		invoice = make_sales_invoice(order.name)
		invoice.update(self.currency)
		return invoice

	def _post(self, doc: Document) -> None:
		"""Each line books on the account of its campaign."""
		doc.set_missing_values()
		for row in doc.items:
			whose = self.campaigns.index(row.relation_campaign) if row.relation_campaign else 2
			row.income_account = account(COMPANY, INCOME[whose])
		doc.insert()
		doc.submit()
		self.posted.append(doc)

	def _post_payment(self, entry: Document) -> None:
		entry.reference_no, entry.reference_date = "Test", nowdate()
		entry.insert()
		entry.submit()
		self.posted.append(entry)

	def _invoices(self) -> list[Document]:
		return [doc.reload() for doc in self.posted if doc.doctype == "Sales Invoice"]

	def _all_open(self) -> list[Document]:
		return [doc for doc in self._invoices() if not doc.is_return and doc.outstanding_amount > 0]

	def _open(self, number: int) -> Document | None:
		found = self._all_open()
		return found[number % len(found)] if found else None


def _unpaid(invoice: Document) -> bool:
	return cents(invoice.outstanding_amount) == cents(invoice.rounded_total or invoice.grand_total)


def center() -> str:
	return frappe.get_cached_value("Company", COMPANY, "cost_center")


def receivable_in_usd() -> str:
	"""A receivable account in US dollars, and today's rate for the payments."""
	values = {"from_currency": "USD", "to_currency": "EUR", "date": nowdate()}
	if not frappe.db.exists("Currency Exchange", values):
		factories.insert(
			"Currency Exchange", exchange_rate=USD_RATE_OF_PAYMENT, for_buying=1, for_selling=1, **values
		)
	name = {"company": COMPANY, "account_name": "Forderungen USD"}
	if found := frappe.db.get_value("Account", name):
		return found
	default = frappe.get_cached_value("Company", COMPANY, "default_receivable_account")
	return factories.insert(
		"Account",
		parent_account=frappe.get_cached_value("Account", default, "parent_account"),
		account_type="Receivable",
		account_currency="USD",
		**name,
	).name

"""Make random chains of vouchers with ERPNext's own functions, and sum up their rows in GL Entry.

The sums read GL Entry and nothing of the app. Every campaign of a chain has its own income account and its
own account for the goods that it sold, so that the account of a row identifies the campaign. Steps with
goods, POS and subscriptions are in `chain_steps.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import frappe
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from erpnext.controllers.sales_and_purchase_return import make_return_doc
from erpnext.selling.doctype.sales_order.sales_order import make_sales_invoice
from frappe.model.document import Document
from frappe.utils import add_days, flt, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.shared.money import smallest_unit
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, cents, journal

ZERO = Decimal("0.00")
USD_RATE_OF_INVOICE, USD_RATE_OF_PAYMENT = 0.9137, 0.9254
#: ledger in euros; invoices and receivables in dollars; invoices in dollars with receivables in euros
EURO, DOLLAR, DOLLAR_IN_EUROS = CURRENCIES = ("EUR", "USD", "USD in EUR")
#: income account of campaign 0, of campaign 1, of no campaign
INCOME = ("4400", "4300", "4200")
#: accounts for the cost of their goods
GOODS = ("5400", "5300", "5200")
FULL, REDUCED = "3806", "3801"
#: tables of taxes: a row is account, percent and further fields
TAXES: tuple[tuple[tuple[str, float, dict], ...], ...] = (
	(),
	((FULL, 19, {}),),
	((FULL, 19, {}), (REDUCED, 7, {})),
	((FULL, 19, {"included_in_print_rate": 1}),),
	((REDUCED, 7, {"included_in_print_rate": 1}), (FULL, 19, {"included_in_print_rate": 1})),
	((FULL, 19, {}), (REDUCED, 3.5, {"charge_type": "On Previous Row Total", "row_id": 1})),
	((REDUCED, 0, {"charge_type": "On Item Quantity", "rate": 0.37}), (FULL, 19, {})),
)
#: accounts for bank charges, losses and exchange differences
COSTS, LOST, EXCHANGE = "6855", "6930", "6880"
#: the income account that payments reduce
REDUCED_INCOME = "4840"
BANK, CASH = "1800", "1600"
#: (what the discount applies to, percent)
NO_DISCOUNT = ("Net Total", 0)
Discount = tuple[str, float]


class OutOfBalance(frappe.ValidationError):
	"""The ledger rows of a voucher do not add up.

	ERPNext loses a unit of an invoice in a foreign currency that has both a rounding adjustment and a
	rounding loss.
	"""


@dataclass(frozen=True)
class Line:
	"""An order or invoice line; `whose` is the campaign's number, 2 for none; `off` the discount in %."""

	whose: int
	qty: int
	rate: float
	off: float = 0


@dataclass
class Chain:
	"""The vouchers of one customer in the order in which they were posted."""

	currency: str = EURO
	taxes: int = 1
	campaigns: list[str] = field(default_factory=list)
	posted: list[Document] = field(default_factory=list)

	def __post_init__(self) -> None:
		self.campaigns = [campaign("Frühling"), campaign("Herbst")]
		frappe.db.set_value("Company", COMPANY, "write_off_account", account(COMPANY, LOST))
		self.customer = factories.customer().name
		self.item = factories.item().name
		self.foreign = self.currency != EURO
		self.values: dict[str, Any] = {}
		if self.foreign:
			rate_of_today()
			self.values = {"currency": "USD", "conversion_rate": USD_RATE_OF_INVOICE}
		if self.currency == DOLLAR_IN_EUROS:
			allowed = "allow_multi_currency_invoices_against_single_party_account"
			frappe.db.set_single_value("Accounts Settings", allowed, 1)
		if self.currency == DOLLAR:
			self.values["debit_to"] = receivable_in_usd()

	def do(self, step: str, *arguments: Any) -> None:
		"""Run one step, and undo it if ERPNext refuses it or posts it out of balance."""
		posted = list(self.posted)
		frappe.db.savepoint("step")
		try:
			getattr(self, step)(*arguments)
		except frappe.ValidationError as refusal:
			if step not in self.may_be_refused and not isinstance(refusal, OutOfBalance):
				raise
			frappe.db.rollback(save_point="step")
			self.posted = posted

	#: other vouchers may depend on a voucher in the middle of the chain
	may_be_refused = ("cancel_any",)

	# Steps: each does nothing if the vouchers that it needs are missing ----------------------------

	def invoice(self, lines: Sequence[Line], discount: Discount = NO_DISCOUNT) -> None:
		"""Submit an invoice without an order; `discount` applies to the whole document."""
		self._post(self._invoice(lines, discount))

	def bill_in_parts(self, lines: Sequence[Line], first: int, discount: Discount = NO_DISCOUNT) -> None:
		"""Submit an order, an invoice of a part of each line, and an invoice of the rest."""
		order = self._order(lines, discount)
		part = self._invoice_of(order)
		for row in part.items:
			row.qty = min(first, row.qty)
		self._post(part)
		if frappe.db.get_value("Sales Order", order.name, "per_billed") < 100:
			self._post(self._invoice_of(order))

	def bill_together(self, one: Sequence[Line], other: Sequence[Line]) -> None:
		"""Bill two orders on one invoice."""
		invoice = self._invoice_of(self._order(one))
		invoice = make_sales_invoice(self._order(other).name, target_doc=invoice)
		invoice.update(
			self.values
		)  # ERPNext asks earlier vouchers for the account, and all of them may be cancelled
		self._post(invoice)

	def pay(self, number: int, share: float, deducted_on: str | None) -> None:
		"""Pay a share of what is open, perhaps with a deduction that is a cost or reduces income."""
		if not (invoice := self._open(number)):
			return
		amount = part_of(invoice.outstanding_amount, share)
		entry = get_payment_entry("Sales Invoice", invoice.name, party_amount=amount)
		if deducted_on and entry.paid_amount > 2 and self.currency != DOLLAR:
			entry.paid_amount = entry.received_amount = flt(entry.paid_amount - 1.01, places())
			entry.append(
				"deductions",
				{"account": account(COMPANY, deducted_on), "cost_center": center(), "amount": 1.01},
			)
		self._post_payment(entry)

	def pay_together(self, number: int) -> None:
		"""Pay two invoices with one payment."""
		first = self._open(number)
		others = [doc for doc in self._all_open() if first and doc.name != first.name]
		if not others or self.currency == DOLLAR:
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
			first.outstanding_amount + second.outstanding_amount, places()
		)
		self._post_payment(entry)

	def pay_by_journal(self, number: int, share: float) -> None:
		"""Pay a share of what is open by a journal entry of the bank statement."""
		self._journal(number, share, BANK)

	def write_off(self, number: int, share: float) -> None:
		"""Write off a share of what is open by a journal entry."""
		self._journal(number, share, LOST)

	def _journal(self, number: int, share: float, against: str) -> None:
		if not (invoice := self._open(number)):
			return
		amount = part_of(invoice.outstanding_amount, share)
		party = {
			"party_type": "Customer",
			"party": self.customer,
			"reference_type": "Sales Invoice",
			"reference_name": invoice.name,
		}
		values, booked = {}, amount
		if self.currency == DOLLAR:  # ERPNext uses the rate of the invoice for its receivable
			values, booked = {"multi_currency": 1}, flt(amount * USD_RATE_OF_INVOICE, places())
		if not booked:
			return
		rows = [(account(COMPANY, against), booked, 0), (invoice.debit_to, 0, amount, party)]
		if self.currency == DOLLAR and against == BANK:
			paid = flt(amount * USD_RATE_OF_PAYMENT, places())
			rows[0] = (rows[0][0], paid, 0)
			if gain := flt(paid - booked, places()):
				rows.append((account(COMPANY, EXCHANGE), 0, gain))
		self.posted.append(journal(rows, **values))

	def credit(self, number: int, lines: int, own: bool) -> None:
		"""Submit a credit note on all lines or on the first.

		On an unpaid invoice it reduces the invoice, or stays open by itself.
		"""
		credited = {doc.get("return_against") for doc in self.posted}
		candidates = [doc for doc in self._invoices() if not doc.is_return and doc.name not in credited]
		candidates = [doc for doc in candidates if own or _unpaid(doc)]
		candidates = [doc for doc in candidates if not (doc.is_pos or doc.is_consolidated)]
		if not candidates:
			return
		note = make_return_doc("Sales Invoice", candidates[number % len(candidates)].name)
		if lines:
			note.items = note.items[:lines]
		note.update_outstanding_for_self = int(own)
		note.set("advances", [])  # ERPNext copies those of the invoice
		self._post(note)

	def advance(self, lines: Sequence[Line], percent: int) -> None:
		"""Pay before the invoice, and use the payment for the invoice."""
		if self.foreign:
			return
		amount = max(flt(lines[0].rate * percent / 100, 2), 0.01)
		entry = frappe.get_doc(
			{
				"doctype": "Payment Entry",
				"payment_type": "Receive",
				"company": COMPANY,
				"party_type": "Customer",
				"party": self.customer,
				"paid_from": frappe.get_cached_value("Company", COMPANY, "default_receivable_account"),
				"paid_to": account(COMPANY, BANK),
				"paid_amount": amount,
				"received_amount": amount,
				"source_exchange_rate": 1,
				"target_exchange_rate": 1,
			}
		)
		self._post_payment(entry)
		invoice = self._invoice(lines)
		invoice.allocate_advances_automatically = 1
		self._post(invoice)

	def advance_on_order(self, lines: Sequence[Line], share: float) -> None:
		"""Pay on the order, and use the payment for its invoice."""
		order = self._order(lines)
		due = order.rounded_total or order.grand_total
		if self.currency == DOLLAR or not due:
			return
		entry = get_payment_entry("Sales Order", order.name)
		part = entry.references[0].allocated_amount = part_of(entry.paid_amount, share)
		entry.paid_amount = entry.received_amount = part
		self._post_payment(entry)
		invoice = self._invoice_of(order)
		invoice.allocate_advances_automatically = 1
		self._post(invoice)

	def cancel(self) -> None:
		"""Cancel the last voucher."""
		if self.posted:
			self._cancel(self.posted.pop())

	def cancel_any(self, number: int) -> None:
		"""Cancel any voucher; payments of it become unallocated.

		ERPNext refuses a voucher that others depend on.
		"""
		if self.posted and not self.foreign:
			self._cancel(self.posted.pop(number % len(self.posted)))

	def _cancel(self, doc: Document) -> None:
		doc.reload().cancel()

	def amend(self, share: float) -> None:
		"""Cancel the last voucher if it is an invoice, and amend it with a lower rate on its first line."""
		last = self.posted[-1] if self.posted else None
		if (
			not last
			or last.doctype != "Sales Invoice"
			or last.is_return
			or last.is_pos
			or last.is_consolidated
		):
			return
		doc = self.posted.pop().reload()
		doc.cancel()
		amended = frappe.copy_doc(doc)
		amended.docstatus, amended.amended_from = 0, doc.name
		amended.set("advances", [])
		first = amended.items[0]
		first.discount_percentage = first.discount_amount = 0
		first.rate = first.price_list_rate = max(flt(first.rate * share, 2), 0.01)
		self._post(amended)

	# Sums of GL Entry ------------------------------------------------------------------------------

	def income(self, whose: int) -> Decimal:
		"""Return credit − debit of the campaign's income account."""
		return -self.on_accounts(INCOME[whose])

	def cost_of_goods(self, whose: int) -> Decimal:
		"""Return debit − credit of the account for the campaign's goods."""
		return self.on_accounts(GOODS[whose])

	def on_accounts(self, *numbers: str) -> Decimal:
		"""Return debit − credit on accounts."""
		names = {account(COMPANY, number) for number in numbers}
		return self._sum(lambda row: row.account in names)

	def on(self, root_type: str, account_type: tuple[str, ...]) -> Decimal:
		"""Return debit − credit on accounts of a type."""
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

	def unused(self) -> dict[str, Decimal]:
		"""Return the unallocated amounts of payments and journals, which belong to no campaign.

		They cover the receivable and each account on the other side. GL Entry does not show them because
		ERPNext leaves the rows as they were posted. The payment shows them.
		"""
		found: dict[str, Decimal] = {"": ZERO}
		for doc in self.posted:
			if doc.doctype == "Payment Entry":
				self._add_unused(found, *_unused_of_payment(doc.reload()))
			elif doc.doctype == "Journal Entry":
				self._add_unused(found, *_unused_of_journal(doc.reload()))
		return found

	@staticmethod
	def _add_unused(found: dict[str, Decimal], amount: Decimal, legs: dict[str, Decimal]) -> None:
		found[""] += amount
		for name, value in legs.items():
			found[name] = found.get(name, ZERO) + value

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
		"""Return our vouchers and the exchange differences and reconciliations that ERPNext posts itself."""
		names = [doc.name for doc in self.posted]
		return names + frappe.get_all(
			"Journal Entry Account",
			{"reference_name": ["in", names or [""]], "docstatus": 1, "parent": ["not in", names or [""]]},
			pluck="parent",
			distinct=True,
			order_by="parent asc",
		)

	# ------------------------------------------------------------------------------------------------

	def _document(
		self, doctype: str, lines: Sequence[Line], discount: Discount = NO_DISCOUNT, **values
	) -> Document:
		items = [
			{
				**factories.line(self._item(number), line.qty, line.rate),
				"rate": flt(line.rate * (100 - line.off) / 100, 2),
				"discount_percentage": line.off,
				"relation_campaign": self.campaign_of(line.whose),
			}
			for number, line in enumerate(lines)
		]
		doc = frappe.get_doc(
			{"doctype": doctype, "company": COMPANY, "customer": self.customer, "items": items, **values}
		)
		for head, percent, more in TAXES[self.taxes]:
			tax = {"charge_type": "On Net Total", "account_head": account(COMPANY, head), "description": head}
			doc.append("taxes", {**tax, "rate": percent, **more})
		doc.apply_discount_on, doc.additional_discount_percentage = discount
		return doc

	def _item(self, _number: int) -> str:
		return self.item

	def campaign_of(self, whose: int) -> str | None:
		return [*self.campaigns, None][whose]

	def _invoice(self, lines: Sequence[Line], discount: Discount = NO_DISCOUNT, **values) -> Document:
		values = {"due_date": add_days(nowdate(), 14), **self.values, **values}
		return self._document("Sales Invoice", lines, discount, **values)

	def _order(self, lines: Sequence[Line], discount: Discount = NO_DISCOUNT) -> Document:
		values = {name: value for name, value in self.values.items() if name != "debit_to"}
		order = self._document("Sales Order", lines, discount, delivery_date=add_days(nowdate(), 7), **values)
		order.insert()
		order.submit()
		return order

	def _invoice_of(self, order: Document) -> Document:
		invoice = make_sales_invoice(order.name)
		invoice.update(self.values)
		return invoice

	def _whose(self, row: Document) -> int:
		return self.campaigns.index(row.relation_campaign) if row.relation_campaign else len(self.campaigns)

	def _post(self, doc: Document) -> None:
		"""Post each line on the accounts of its campaign."""
		doc.set_missing_values()
		for row in doc.items:
			if doc.doctype == "Sales Invoice":
				row.income_account = account(COMPANY, INCOME[self._whose(row)])
			row.expense_account = account(COMPANY, GOODS[self._whose(row)])
		doc.insert()
		doc.submit()
		if self.foreign and _out_of_balance(doc):
			raise OutOfBalance
		self.posted.append(doc)

	def _post_payment(self, entry: Document) -> None:
		entry.reference_no, entry.reference_date = "Test", nowdate()
		entry.insert()
		entry.submit()
		self.posted.append(entry)

	def _invoices(self) -> list[Document]:
		invoices = (doc.reload() for doc in self.posted if doc.doctype == "Sales Invoice")
		return [doc for doc in invoices if doc.docstatus == 1]

	def _all_open(self) -> list[Document]:
		return [doc for doc in self._invoices() if not doc.is_return and doc.outstanding_amount > 0]

	def _open(self, number: int) -> Document | None:
		found = self._all_open()
		return found[number % len(found)] if found else None


def _out_of_balance(doc: Document) -> bool:
	rows = frappe.get_all(
		"GL Entry",
		{"voucher_no": doc.name, "is_cancelled": 0},
		["debit", "credit"],
		order_by="name asc",
		limit=0,
	)
	return bool(sum((cents(row.debit) - cents(row.credit) for row in rows), ZERO))


def _unused_of_payment(doc: Document) -> tuple[Decimal, dict[str, Decimal]]:
	"""Return the unallocated amount of a payment and its part on the other side.

	The other side counts where it is only the bank, or where all of the payment is unallocated.
	"""
	left = cents(doc.unallocated_amount)
	deductions = {row.account: cents(row.amount) for row in doc.deductions}
	if not left:
		return ZERO, {}
	if not deductions:
		return left, {doc.paid_to: left}
	whole = cents(doc.received_amount) + sum(deductions.values(), ZERO)
	return left, {doc.paid_to: cents(doc.received_amount), **deductions} if left == whole else {"part": left}


def _unused_of_journal(doc: Document) -> tuple[Decimal, dict[str, Decimal]]:
	"""Return the receivable row of a journal if it no longer names a voucher."""
	left = sum(
		(
			cents(row.credit) - cents(row.debit)
			for row in doc.accounts
			if row.party and not row.reference_name
		),
		ZERO,
	)
	others = {row.account: cents(row.debit) - cents(row.credit) for row in doc.accounts if not row.party}
	whole = sum(others.values(), ZERO)
	if not left:
		return ZERO, {}
	return left, dict.fromkeys(others, left) if len(others) == 1 or left == whole else {"part": left}


def _unpaid(invoice: Document) -> bool:
	return cents(invoice.outstanding_amount) == cents(invoice.rounded_total or invoice.grand_total)


def places() -> int:
	"""Return the number of decimals with which ERPNext posts an amount in dollars."""
	return -smallest_unit().as_tuple().exponent


def part_of(amount: float, share: float) -> float:
	"""Return a share of an amount in the ledger's unit: at least one unit, at most the amount."""
	return min(max(flt(amount * share, places()), 10 ** -places()), amount)


def center() -> str:
	return frappe.get_cached_value("Company", COMPANY, "cost_center")


def rate_of_today() -> None:
	"""Set today's exchange rate of the dollar for the payments."""
	values = {"from_currency": "USD", "to_currency": "EUR", "date": nowdate()}
	if not frappe.db.exists("Currency Exchange", values):
		factories.insert(
			"Currency Exchange", exchange_rate=USD_RATE_OF_PAYMENT, for_buying=1, for_selling=1, **values
		)


def receivable_in_usd() -> str:
	"""Return a receivable account in US dollars."""
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

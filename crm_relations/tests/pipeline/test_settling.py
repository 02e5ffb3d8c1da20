"""Test that payments and journals get the campaign of what they settle, if there is only one.

The cases are entry by hand, bank reconciliation and later allocation, all by ERPNext's own functions. The
dimension is on, because without it rows of a journal have no field for a campaign.
"""

import frappe
import pytest
from erpnext.accounts.doctype.bank_reconciliation_tool import bank_reconciliation_tool as tool
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from frappe.utils import nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger.balance_sheets import repair
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.balance import (  # noqa: F401
	balances,
	campaigns_in_the_ledger,
	carried,
	codes,
	posting_anew_allowed,
	sheet_of,
)
from crm_relations.tests.support.books.books import campaign, draft, journal, sell

pytestmark = pytest.mark.site


@pytest.fixture
def customer():
	return factories.customer().name


@pytest.fixture
def spring():
	return campaign("Frühling")


@pytest.fixture
def autumn():
	return campaign("Herbst")


def against(invoice, **more) -> dict:
	"""Return the fields of a journal row that settles an invoice."""
	return {
		"party_type": "Customer",
		"party": invoice.customer,
		"reference_type": invoice.doctype,
		"reference_name": invoice.name,
		**more,
	}


def rows(doc) -> set[str | None]:
	return {row.relation_campaign or None for row in frappe.get_doc(doc.doctype, doc.name).accounts}


def header(doc) -> str | None:
	return frappe.db.get_value(doc.doctype, doc.name, "relation_campaign") or None


@pytest.fixture
def arrives(customer):
	"""Submit and return a Bank Transaction with money of the customer."""
	bank = factories.insert("Bank", bank_name=factories.unique("Bank")).name
	bank_account = factories.insert(
		"Bank Account",
		account_name=factories.unique("Konto"),
		bank=bank,
		is_company_account=1,
		company=COMPANY,
		account=account(COMPANY, "1800"),
	).name

	def deposit(amount: float):
		transaction = factories.insert(
			"Bank Transaction",
			date=nowdate(),
			company=COMPANY,
			bank_account=bank_account,
			deposit=amount,
			currency="EUR",
			description="Test",
		)
		transaction.submit()
		return transaction

	return deposit


def reconcile(customer: str, invoices: list, receivable: str) -> None:
	"""Reconcile all open payments of the customer with these invoices by ERPNext's Payment Reconciliation."""
	doc = frappe.get_doc("Payment Reconciliation")
	doc.company, doc.party_type, doc.party = COMPANY, "Customer", customer
	doc.receivable_payable_account = receivable
	doc.get_unreconciled_entries()
	names = [invoice.name for invoice in invoices]
	found = [row.as_dict() for row in doc.invoices if row.invoice_number in names]
	doc.allocate_entries({"invoices": found, "payments": [row.as_dict() for row in doc.payments]})
	doc.reconcile()


# Journals by hand -----------------------------------------------------------------------------------


def test_all_rows_of_a_journal_get_the_campaign_of_the_invoices_that_it_settles(customer, spring):
	first, second = sell(customer, [(spring, 100)]), sell(customer, [(spring, 200)])
	paid = journal(
		[
			(account(COMPANY, "1800"), 337, 0),
			(account(COMPANY, "6300"), 20, 0),
			(first.debit_to, 0, 119, against(first)),
			(second.debit_to, 0, 238, against(second)),
		]
	)
	assert rows(paid) == carried(paid) == {spring}
	sheet = sheet_of(spring)
	assert not sheet.reasons and sheet.their_profit == 280


@pytest.mark.parametrize("other", ["another campaign", "no campaign", "on account"])
def test_a_journal_for_several_gets_no_campaign_and_each_has_its_part(customer, spring, autumn, other):
	invoice = sell(customer, [(spring, 100)])
	lines = {"another campaign": [(autumn, 50)], "no campaign": [(None, 50)]}.get(other)
	row = against(sell(customer, lines)) if lines else {"party_type": "Customer", "party": customer}
	paid = journal(
		[
			(account(COMPANY, "1800"), 178.5, 0),
			(invoice.debit_to, 0, 119, against(invoice)),
			(invoice.debit_to, 0, 59.5, row),
		]
	)
	assert rows(paid) == carried(paid) == {None}
	sheet = sheet_of(spring)
	assert codes(sheet) == {paid.name: "journal-several"} and not sheet.repairable()


def test_what_a_user_typed_into_a_journal_is_not_changed(customer, spring, autumn):
	invoice = sell(customer, [(spring, 100)])
	paid = journal(
		[
			(account(COMPANY, "1800"), 119, 0, {"relation_campaign": autumn}),
			(invoice.debit_to, 0, 119, against(invoice)),
		]
	)
	assert rows(paid) == {autumn, None}


def test_a_journal_that_settles_nothing_gets_no_campaign(spring):
	moved = journal([(account(COMPANY, "1800"), 80, 0), (account(COMPANY, "1600"), 0, 80)])
	assert rows(moved) == {None}


def test_a_fault_in_the_filling_never_keeps_a_journal_from_being_posted(customer, spring, monkeypatch):
	from crm_relations.pipeline import payment_allocation

	def broken(*_arguments):
		raise ValueError("broken")

	invoice = sell(customer, [(spring, 100)])
	monkeypatch.setattr(payment_allocation, "campaigns_of", broken)
	paid = journal([(account(COMPANY, "1800"), 119, 0), (invoice.debit_to, 0, 119, against(invoice))])
	assert paid.docstatus == 1 and rows(paid) == {None}
	monkeypatch.undo()
	step = frappe.get_last_doc("Relation Deferred Step", {"document_name": paid.name})
	frappe.get_attr(step.step)(frappe.get_doc("Journal Entry", paid.name))
	assert rows(paid) == {spring}


# Bank reconciliation ----------------------------------------------------------------------------------


def test_a_payment_made_from_a_bank_transaction_gets_the_campaign_of_its_references(
	customer, spring, arrives
):
	invoice = sell(customer, [(spring, 100)])
	transaction = arrives(119)
	payment = tool.create_payment_entry_bts(
		transaction.name, "1", nowdate(), "Customer", customer, nowdate(), allow_edit=True
	)
	payment.append(
		"references",
		{
			"reference_doctype": "Sales Invoice",
			"reference_name": invoice.name,
			"allocated_amount": 119,
			"total_amount": 119,
			"outstanding_amount": 119,
		},
	)
	payment.insert()
	payment.submit()
	assert header(payment) == spring and carried(payment) == {spring}
	assert not sheet_of(spring).reasons


def test_a_payment_posted_from_a_bank_transaction_gets_the_campaign_when_it_is_allocated(
	customer, spring, arrives, allowed
):
	invoice = sell(customer, [(spring, 100)])
	transaction = arrives(119)
	tool.create_payment_entry_bts(transaction.name, "1", nowdate(), "Customer", customer, nowdate())
	payment = frappe.get_last_doc("Payment Entry", {"party": customer})
	assert payment.docstatus == 1 and header(payment) is None
	reconcile(customer, [invoice], invoice.debit_to)
	assert frappe.db.get_value("Sales Invoice", invoice.name, "outstanding_amount") == 0
	assert header(payment) == spring and carried(payment) == {None}  # posted rows stay as they are
	sheet = sheet_of(spring)
	assert codes(sheet) == {payment.name: "posted-before"}
	before = balances()
	(row,) = repair.repair(sheet)
	assert not row["error"] and carried(payment) == {spring} and balances() == before
	assert not sheet_of(spring).reasons


def test_a_journal_posted_from_a_bank_transaction_gets_the_campaign_when_it_is_allocated(
	customer, spring, arrives, allowed
):
	invoice = sell(customer, [(spring, 100)])
	transaction = arrives(119)
	tool.create_journal_entry_bts(
		transaction.name,
		"1",
		nowdate(),
		nowdate(),
		"Bank Entry",
		invoice.debit_to,
		party_type="Customer",
		party=customer,
	)
	name = frappe.db.get_value("Journal Entry Account", {"party": customer, "docstatus": 1}, "parent")
	paid = frappe.get_doc("Journal Entry", name)
	assert rows(paid) == {None}
	reconcile(customer, [invoice], invoice.debit_to)
	assert frappe.db.get_value("Sales Invoice", invoice.name, "outstanding_amount") == 0
	assert rows(paid) == {spring} and carried(paid) == {None}
	sheet = sheet_of(spring)
	assert codes(sheet) == {paid.name: "posted-before"}
	before = balances()
	(row,) = repair.repair(sheet)
	assert not row["error"] and carried(paid) == {spring} and balances() == before
	assert not sheet_of(spring).reasons


# Advances -------------------------------------------------------------------------------------------


def advance(customer: str, amount: float):
	doc = frappe.get_doc(
		{
			"doctype": "Payment Entry",
			"payment_type": "Receive",
			"company": COMPANY,
			"party_type": "Customer",
			"party": customer,
			"posting_date": nowdate(),
			"paid_from": frappe.get_cached_value("Company", COMPANY, "default_receivable_account"),
			"paid_to": account(COMPANY, "1800"),
			"paid_amount": amount,
			"received_amount": amount,
			"reference_no": "1",
			"reference_date": nowdate(),
		}
	)
	doc.insert()
	doc.submit()
	return doc


def test_an_advance_that_an_invoice_takes_gets_its_campaign_with_the_submit(customer, spring):
	payment = advance(customer, 50)
	assert header(payment) is None
	invoice = draft(customer, [(spring, 100)])
	invoice.set_advances()
	invoice.advances[0].allocated_amount = 50
	invoice.save()
	invoice.submit()
	assert header(payment) == spring
	assert codes(sheet_of(spring)) == {payment.name: "posted-before"}


def test_an_advance_that_invoices_of_two_campaigns_take_stays_without(customer, spring, autumn):
	payment = advance(customer, 357)
	first, second = sell(customer, [(spring, 100)]), sell(customer, [(autumn, 200)])
	reconcile(customer, [first, second], first.debit_to)
	assert header(payment) is None
	assert codes(sheet_of(spring)) == {payment.name: "payment-several"}


def test_what_an_advance_has_over_is_said(customer, spring):
	invoice = sell(customer, [(spring, 100)])
	payment = get_payment_entry("Sales Invoice", invoice.name)
	payment.reference_no, payment.reference_date = "1", nowdate()
	payment.paid_amount = payment.received_amount = 150
	payment.insert()
	payment.submit()
	assert header(payment) == spring
	sheet = sheet_of(spring)
	assert codes(sheet) == {payment.name: "payment-more"} and not sheet.repairable()

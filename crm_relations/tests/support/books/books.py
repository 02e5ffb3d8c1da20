"""Create vouchers and compute independent sums for the tests of the ledger."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.utils import nowdate

from crm_relations.demo.company import COMPANY
from crm_relations.ledger.statements.figures import Statement
from crm_relations.shared.money import smallest_unit
from crm_relations.tests.support import factories


def cents(value: Any) -> Decimal:
	"""Return the exact amount in the smallest unit of the ledger."""
	return Decimal(str(value or 0)).quantize(smallest_unit())


def campaign(name: str) -> str:
	"""Create a campaign on an empty manual segment."""
	segment = factories.insert("Relation Segment", segment_name=factories.unique("Segment"), kind="Manual")
	return factories.insert(
		"Relation Campaign", campaign_name=factories.unique(name), segment=segment.name
	).name


def draft(
	customer: str, lines: list[tuple[str | None, float]], header: str | None = None, **values
) -> Document:
	"""Create a draft invoice of (campaign, rate) lines with 19 % VAT."""
	item = factories.item().name
	doc = factories.invoice(
		customer, [(item, 1, rate) for _name, rate in lines], submit=False, relation_campaign=header, **values
	)
	for row, (name, _rate) in zip(doc.items, lines, strict=True):
		row.relation_campaign = name
	doc.relation_campaign = header
	doc.save()
	assert [row.relation_campaign for row in doc.items] == [name for name, _rate in lines]
	return doc


def sell(
	customer: str, lines: list[tuple[str | None, float]], header: str | None = None, **values
) -> Document:
	"""Submit an invoice of (campaign, rate) lines."""
	doc = draft(customer, lines, header, **values)
	doc.submit()
	return doc


def credit_note(invoice: Document, lines: Callable[[Document], bool] | None = None) -> Document:
	"""Submit a credit note on all lines of an invoice, or on those that `lines` selects."""
	from erpnext.controllers.sales_and_purchase_return import make_return_doc

	note = make_return_doc("Sales Invoice", invoice.name)
	if lines:
		note.items = [row for row in note.items if lines(row)]
	note.update_outstanding_for_self = 0
	note.insert()
	note.submit()
	return note


def journal(rows: list[tuple], submit: bool = True, **values) -> Document:
	"""Submit a journal entry of (account, debit, credit[, more fields]) rows; `submit=False` saves a draft."""
	doc = frappe.get_doc(
		{
			"doctype": "Journal Entry",
			"company": COMPANY,
			"posting_date": nowdate(),
			"cheque_no": "Test",
			"cheque_date": nowdate(),
			"accounts": [
				{
					"account": row[0],
					"debit_in_account_currency": row[1],
					"credit_in_account_currency": row[2],
					**(row[3] if len(row) > 3 else {}),
				}
				for row in rows
			],
			**values,
		}
	)
	if submit:
		doc.insert(ignore_permissions=True)
		doc.submit()
	return doc


def assert_adds_up(result: Statement) -> None:
	"""Check the statement against the ledger by account, and each campaign's debits against its credits."""
	assert result.difference == 0, result.as_dict()["problems"]
	assert not result.problems
	assert result.ledger_income == ledger_income()
	assert {row.account: row.ledger for row in result.ledger if row.ledger} == ledger_by_account()
	assert not [row for row in result.ledger if row.difference]
	assert not sum((row.campaigns for row in result.ledger), Decimal("0.00"))
	for figures in result.campaigns:
		rows = [row for row in result.accounts if row.campaign == figures.campaign]
		assert sum(row.debit for row in rows) == sum(row.credit for row in rows)
		income = sum((row.credit - row.debit for row in rows if row.root_type == "Income"), Decimal("0.00"))
		assert income == figures.income


def ledger_by_account(company: str = COMPANY) -> dict[str, Decimal]:
	"""Return debit − credit of every account with a balance, as an independent sum over GL Entry."""
	return {account: amount for account, amount in _by_account(_posted(company)).items() if amount}


def ledger_income() -> Decimal:
	"""Return all income of the company, as an independent sum over GL Entry."""
	return _credit(_posted(COMPANY), "Income")


def own_rows(vouchers: list[str], root_type: str) -> Decimal:
	"""Return credit − debit of vouchers on accounts of a root type, from GL Entry."""
	return _credit({"voucher_no": ["in", vouchers], "is_cancelled": 0}, root_type)


def _posted(company: str) -> dict:
	return {"company": company, "is_cancelled": 0, "voucher_type": ["!=", "Period Closing Voucher"]}


def _by_account(filters: dict) -> dict[str, Decimal]:
	"""Return debit − credit by account."""
	found: dict[str, Decimal] = {}
	for row in frappe.get_all(
		"GL Entry", filters=filters, fields=["account", "debit", "credit"], limit=0, order_by="name asc"
	):
		found[row.account] = found.get(row.account, Decimal("0.00")) + cents(row.debit) - cents(row.credit)
	return found


def _credit(filters: dict, root_type: str) -> Decimal:
	accounts = set(
		frappe.get_all(
			"Account", {"company": COMPANY, "root_type": root_type}, pluck="name", order_by="name asc"
		)
	)
	found = (-amount for account, amount in _by_account(filters).items() if account in accounts)
	return sum(found, Decimal("0.00"))

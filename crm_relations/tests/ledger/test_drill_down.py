"""Test that every row of the statement leads to its vouchers, which add up to the row."""

from decimal import Decimal

import frappe
import pytest
from frappe.utils import add_days, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger import api
from crm_relations.ledger.reports import drill_down
from crm_relations.ledger.statements.statement import scope_of, statement
from crm_relations.relations.identities import identity
from crm_relations.segments.members import membership
from crm_relations.tests.ledger.test_statement_details import delivery, goods
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, credit_note, journal, sell

pytestmark = pytest.mark.site


@pytest.fixture
def books() -> tuple[str, str, str]:
	"""Create two campaigns and their customer.

	They have shared and own invoices, a credit note, payments, a write-off and a delivery.
	"""
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	customer = factories.customer().name
	person = factories.insert("Sales Person", sales_person_name=factories.unique("Greta Vertrieb")).name
	shared = sell(
		customer,
		[(spring, 100.01), (autumn, 33.33), (None, 7)],
		sales_team=[{"sales_person": person, "allocated_percentage": 100}],
	)
	own = sell(customer, [(spring, 250)], posting_date=add_days(nowdate(), -20))
	factories.pay(own)
	factories.pay(shared, 60)
	credit_note(shared, lambda row: row.relation_campaign == autumn)
	party = {"party_type": "Customer", "party": customer}
	party |= {"reference_type": "Sales Invoice", "reference_name": shared.name}
	journal([(account(COMPANY, "6300"), 3, 0), (shared.debit_to, 0, 3, party)])
	delivery(customer, [(goods(40), 2, 100, spring), (goods(5), 1, 20, autumn)])
	return spring, customer, person


def assert_rows_lead_to_their_vouchers(name: str, **asked) -> int:
	rows = statement(COMPANY, [name], **asked).accounts
	scope = scope_of(COMPANY, **asked)
	for row in rows:
		parts = drill_down.vouchers(scope, name, row.account)
		assert sum((part.amount for part in parts), Decimal(0)) == row.debit - row.credit, row
		for part in parts:
			posted = frappe.get_all(
				"GL Entry",
				{"voucher_no": part.voucher_no, "account": row.account, "is_cancelled": 0},
				["posting_date"],
				order_by="name asc",
			)
			assert posted and str(posted[0].posting_date) == part.date
	return len(rows)


def test_the_vouchers_of_each_row_add_up_to_it(books):
	spring, _customer, _person = books
	assert assert_rows_lead_to_their_vouchers(spring) >= 6


def test_so_they_do_in_a_period_and_for_a_selection(books):
	spring, customer, person = books
	assert assert_rows_lead_to_their_vouchers(spring, from_date=add_days(nowdate(), -5))
	assert assert_rows_lead_to_their_vouchers(spring, to_date=add_days(nowdate(), -5))
	assert assert_rows_lead_to_their_vouchers(spring, salesperson=person)
	segment = factories.segment().name
	membership.add_members(segment, [identity.relation_of("Customer", customer)])
	assert assert_rows_lead_to_their_vouchers(spring, segment=segment)
	other = factories.segment().name
	assert statement(COMPANY, [spring], segment=other).accounts == []
	assert drill_down.vouchers(scope_of(COMPANY, segment=other), spring, account(COMPANY, "4400")) == []


def test_the_vouchers_without_a_campaign_add_up_to_what_is_not_attributed(books):
	_spring, _customer, person = books
	journal([(account(COMPANY, "1800"), 80, 0), (account(COMPANY, "4400"), 0, 80)])
	sell(factories.customer().name, [(None, 11)])
	for asked in ({}, {"from_date": add_days(nowdate(), -5)}, {"salesperson": person}):
		result = statement(COMPANY, **asked)
		for outside, expected in ((False, result.not_attributed), (True, result.not_in_selection)):
			found = api.vouchers_of_row(COMPANY, outside=outside, **asked)
			assert Decimal(found["sum"]) == expected
			assert found["number"] >= len(found["vouchers"])
	assert {row["voucher_type"] for row in api.vouchers_of_row(COMPANY)["vouchers"]} >= {
		"Sales Invoice",
		"Journal Entry",
	}
	(part,) = api.vouchers_of_row(COMPANY, salesperson=person)["vouchers"]
	assert part["amount"] == "7.00"


def test_a_user_of_another_company_is_refused(books):
	user = factories.user(None, "Accounts User")
	other = factories.unique("Andere GmbH")
	frappe.get_doc({"doctype": "Company", "name": other, "company_name": other, "abbr": other}).db_insert()
	factories.insert("User Permission", user=user, allow="Company", for_value=other)
	frappe.set_user(user)
	with pytest.raises(frappe.PermissionError):
		api.vouchers_of_row(COMPANY, books[0], account(COMPANY, "4400"))

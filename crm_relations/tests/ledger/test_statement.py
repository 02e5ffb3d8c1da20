"""Test that the statement adds up to the ledger, whatever happens to the vouchers."""

from decimal import Decimal

import frappe
import pytest
from frappe.utils import add_days, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger.statements import statement as module
from crm_relations.ledger.statements.statement import statement
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import (
	assert_adds_up,
	campaign,
	cents,
	credit_note,
	draft,
	journal,
	own_rows,
	sell,
)
from crm_relations.tests.support.books.statements import sent_statements

pytestmark = pytest.mark.site


def figures_of(name: str, **period):
	result = statement(COMPANY, [name], **period)
	assert_adds_up(result)
	return result.campaigns[0]


@pytest.fixture
def customer():
	return factories.customer().name


def test_an_invoice_of_a_campaign_is_its_revenue_tax_and_open_receivable(customer):
	spring = campaign("Frühling")
	sell(customer, [(spring, 500), (spring, 100)])
	figures = figures_of(spring)
	assert (figures.revenue, figures.tax, figures.receivable_open) == (600, 114, 714)
	assert (figures.credit_notes, figures.cash_received) == (0, 0)


def test_an_invoice_without_a_campaign_is_not_attributed(customer):
	before = statement(COMPANY)
	sell(customer, [(None, 250)])
	after = statement(COMPANY)
	assert after.not_attributed - before.not_attributed == 250
	assert after.attributed == before.attributed
	assert_adds_up(after)


def test_a_journal_entry_on_income_is_not_attributed():
	before = statement(COMPANY)
	journal([(account(COMPANY, "1800"), 80, 0), (account(COMPANY, "4400"), 0, 80)])
	after = statement(COMPANY)
	assert after.not_attributed - before.not_attributed == 80
	assert_adds_up(after)


def test_a_combined_invoice_is_split_by_line_and_its_tax_to_the_cent(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	doc = sell(customer, [(spring, 33.33), (autumn, 66.68), (None, 0.05)])
	one, two = figures_of(spring), figures_of(autumn)
	assert (one.revenue, two.revenue) == (Decimal("33.33"), Decimal("66.68"))
	tax = own_rows([doc.name], "Liability")
	assert Decimal("0.00") <= tax - one.tax - two.tax <= Decimal("0.02")
	assert one.receivable_open == one.revenue + one.tax
	assert two.receivable_open == two.revenue + two.tax


def test_a_combined_invoice_paid_in_two_parts_leaves_nothing_open(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	doc = sell(customer, [(spring, 33.33), (autumn, 66.68)])
	factories.pay(doc, 20.01)
	one, two = figures_of(spring), figures_of(autumn)
	assert one.cash_received + two.cash_received == Decimal("20.01")
	total = cents(doc.grand_total)
	assert one.receivable_open + two.receivable_open == total - Decimal("20.01")
	doc.reload()
	factories.pay(doc)
	one, two = figures_of(spring), figures_of(autumn)
	assert (one.receivable_open, two.receivable_open) == (0, 0)
	assert one.cash_received + two.cash_received == total


def test_a_partial_payment_is_cash_and_the_rest_stays_open(customer):
	spring = campaign("Frühling")
	doc = sell(customer, [(spring, 100)])
	factories.pay(doc, 50)
	figures = figures_of(spring)
	assert (figures.cash_received, figures.receivable_open) == (50, 69)


def test_a_credit_note_is_an_own_negative_figure(customer):
	spring = campaign("Frühling")
	doc = sell(customer, [(spring, 100), (spring, 50)])
	note = credit_note(doc, lambda row: row.rate == 50)
	figures = figures_of(spring)
	assert (figures.revenue, figures.credit_notes) == (150, -50)
	assert (figures.tax, figures.receivable_open) == (19, 119)
	rows = frappe.get_all("Relation Attribution", {"voucher_no": note.name}, ["amount", "is_return"])
	assert [(row.amount, row.is_return) for row in rows] == [(-50, 1)]


def test_a_credit_note_on_one_campaign_of_a_combined_invoice_leaves_the_other_open(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	doc = sell(customer, [(spring, 100), (autumn, 200)])
	credit_note(doc, lambda row: row.relation_campaign == spring)
	doc.reload()
	factories.pay(doc)
	one, two = figures_of(spring), figures_of(autumn)
	assert (one.receivable_open, one.cash_received) == (0, 0)
	assert (two.receivable_open, two.cash_received) == (0, 238)


def test_a_cancelled_invoice_leaves_nothing_behind(customer):
	spring = campaign("Frühling")
	doc = sell(customer, [(spring, 100)])
	doc.cancel()
	figures = figures_of(spring)
	assert (figures.revenue, figures.tax, figures.receivable_open) == (0, 0, 0)
	assert not frappe.db.exists("Relation Attribution", {"voucher_no": doc.name})


def test_an_amended_invoice_counts_once_with_its_new_amount(customer):
	spring = campaign("Frühling")
	doc = sell(customer, [(spring, 100)])
	doc.cancel()
	amended = frappe.copy_doc(doc)
	amended.docstatus = 0
	amended.amended_from = doc.name
	amended.items[0].rate = amended.items[0].price_list_rate = 80
	amended.insert()
	amended.submit()
	assert figures_of(spring).revenue == 80
	evidence = frappe.db.get_value("Relation Attribution", {"voucher_no": amended.name}, "evidence")
	assert frappe.parse_json(evidence)["amended_from"] == doc.name


def test_a_cash_discount_is_no_cash(customer):
	from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry

	spring = campaign("Frühling")
	doc = sell(customer, [(spring, 100)])
	entry = get_payment_entry("Sales Invoice", doc.name)
	entry.reference_no, entry.reference_date = "Test", nowdate()
	entry.paid_amount = entry.received_amount = 116.62
	entry.append(
		"deductions",
		{
			"account": account(COMPANY, "6300"),
			"cost_center": frappe.get_cached_value("Company", COMPANY, "cost_center"),
			"amount": 2.38,
		},
	)
	entry.insert()
	entry.submit()
	figures = figures_of(spring)
	assert (figures.cash_received, figures.receivable_open) == (Decimal("116.62"), 0)


def test_one_payment_for_two_invoices_with_a_deduction_is_split_to_the_cent(customer):
	from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry

	spring, autumn = campaign("Frühling"), campaign("Herbst")
	first, second = sell(customer, [(spring, 100)]), sell(customer, [(autumn, 33.33)])
	entry = get_payment_entry("Sales Invoice", first.name)
	total = cents(first.grand_total) + cents(second.grand_total)
	entry.append(
		"references",
		{
			"reference_doctype": "Sales Invoice",
			"reference_name": second.name,
			"allocated_amount": second.grand_total,
		},
	)
	entry.reference_no, entry.reference_date = "Test", nowdate()
	entry.paid_amount = entry.received_amount = float(total) - 1.01
	entry.append(
		"deductions",
		{
			"account": account(COMPANY, "6300"),
			"cost_center": frappe.get_cached_value("Company", COMPANY, "cost_center"),
			"amount": 1.01,
		},
	)
	entry.insert()
	entry.submit()
	one, two = figures_of(spring), figures_of(autumn)
	assert (one.receivable_open, two.receivable_open) == (0, 0)
	assert one.cash_received + two.cash_received == total - Decimal("1.01")


def test_a_journal_entry_on_the_bank_is_cash_and_a_write_off_is_not(customer):
	spring = campaign("Frühling")
	doc = sell(customer, [(spring, 100)])
	party = {
		"party_type": "Customer",
		"party": customer,
		"reference_type": "Sales Invoice",
		"reference_name": doc.name,
	}
	journal([(account(COMPANY, "1800"), 60, 0), (doc.debit_to, 0, 60, party)])
	journal([(account(COMPANY, "6300"), 59, 0), (doc.debit_to, 0, 59, party)])
	figures = figures_of(spring)
	assert (figures.cash_received, figures.receivable_open) == (60, 0)


def test_the_period_bounds_flows_and_the_receivable_is_the_balance_at_its_end(customer):
	spring = campaign("Frühling")
	earlier = add_days(nowdate(), -60)
	doc = sell(customer, [(spring, 100)], posting_date=earlier)
	factories.pay(doc, 19, date=nowdate())
	figures = figures_of_period(spring, add_days(nowdate(), -10), nowdate())
	assert (figures.revenue, figures.tax, figures.cash_received, figures.receivable_open) == (0, 0, 19, 100)
	figures = figures_of_period(spring, earlier, add_days(nowdate(), -10))
	assert (figures.revenue, figures.cash_received, figures.receivable_open) == (100, 0, 119)


def figures_of_period(name, from_date, to_date):
	result = statement(COMPANY, [name], from_date, to_date)
	assert str(result.difference) == "0.00"
	return result.campaigns[0]


def test_campaigns_not_asked_for_are_summed_so_that_the_identity_holds(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	sell(customer, [(spring, 100)])
	sell(customer, [(autumn, 70)])
	result = statement(COMPANY, spring)
	assert [row.campaign for row in result.campaigns] == [spring]
	assert result.other_campaigns >= 70
	assert_adds_up(result)


@pytest.mark.parametrize("lines", [[100], [100, 50]])
def test_a_changed_attribution_shows_as_difference_and_names_the_voucher(customer, lines):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	doc = sell(customer, list(zip([spring, autumn], lines, strict=False)))
	row = frappe.db.get_value("Relation Attribution", {"voucher_no": doc.name, "campaign": spring})
	frappe.db.set_value("Relation Attribution", row, "amount", 101)
	result = statement(COMPANY)
	assert result.difference == -1
	assert [(problem.voucher_no, problem.difference) for problem in result.problems] == [(doc.name, -1)]


def test_freight_on_the_income_account_of_a_line_is_not_attributed(customer):
	spring = campaign("Frühling")
	before = statement(COMPANY).not_attributed
	doc = draft(customer, [(spring, 100)])
	doc.append(
		"taxes",
		{
			"charge_type": "Actual",
			"account_head": account(COMPANY, "4400"),
			"description": "Fracht",
			"tax_amount": 7.5,
		},
	)
	doc.save()
	doc.submit()
	assert statement(COMPANY).not_attributed - before == Decimal("7.50")
	result = statement(COMPANY, spring)
	assert str(result.difference) == "0.00" and not result.problems
	assert result.campaigns[0].revenue == 100


def test_income_booked_before_discount_is_explained(customer):
	frappe.db.set_single_value("Selling Settings", "enable_discount_accounting", 1)
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	doc = draft(customer, [(spring, 100), (autumn, 200)])
	doc.apply_discount_on = "Net Total"
	doc.discount_amount = 10
	doc.additional_discount_account = account(COMPANY, "6300")
	doc.save()
	doc.submit()
	result = statement(COMPANY, [spring, autumn])
	assert str(result.difference) == "0.00", result.as_dict()
	assert not result.problems
	assert sum(row.revenue for row in result.campaigns) == own_rows([doc.name], "Income") == 300


def test_an_invoice_in_foreign_currency_counts_in_the_companys(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	if not frappe.db.exists("Account", {"company": COMPANY, "account_name": "Forderungen USD"}):
		parent = frappe.get_cached_value(
			"Account",
			frappe.get_cached_value("Company", COMPANY, "default_receivable_account"),
			"parent_account",
		)
		factories.insert(
			"Account",
			company=COMPANY,
			account_name="Forderungen USD",
			parent_account=parent,
			account_type="Receivable",
			account_currency="USD",
		)
	debit_to = frappe.db.get_value("Account", {"company": COMPANY, "account_name": "Forderungen USD"})
	sell(
		customer,
		[(spring, 33.33), (autumn, 11.11)],
		currency="USD",
		conversion_rate=0.9137,
		debit_to=debit_to,
	)
	assert figures_of(spring).revenue == Decimal("30.45")
	assert figures_of(autumn).revenue == Decimal("10.15")


def test_a_till_invoice_is_cash_at_once(customer):
	spring = campaign("Frühling")
	doc = draft(customer, [(spring, 100)])
	mode = frappe.db.get_value("Mode of Payment", {"type": "Bank"})
	doc.is_pos = 1
	doc.append("payments", {"mode_of_payment": mode, "account": account(COMPANY, "1800"), "amount": 119})
	doc.save()
	doc.submit()
	figures = figures_of(spring)
	assert (figures.cash_received, figures.receivable_open) == (119, 0)


def test_deferred_revenue_counts_when_the_ledger_releases_it(customer):
	from erpnext.accounts.general_ledger import make_gl_entries

	spring = campaign("Frühling")
	deferred = account(COMPANY, "3900")
	assert deferred
	doc = draft(customer, [(spring, 120)])
	doc.items[0].enable_deferred_revenue = 1
	doc.items[0].deferred_revenue_account = deferred
	doc.items[0].service_start_date = nowdate()
	doc.items[0].service_end_date = add_days(nowdate(), 359)
	doc.save()
	doc.submit()
	figures = figures_of(spring)
	assert (figures.revenue, figures.tax, figures.receivable_open) == (0, Decimal("22.80"), Decimal("142.80"))
	rows = [
		doc.get_gl_dict(
			{
				"account": deferred,
				"debit": 10,
				"debit_in_account_currency": 10,
				"voucher_detail_no": doc.items[0].name,
			}
		),
		doc.get_gl_dict(
			{
				"account": doc.items[0].income_account,
				"credit": 10,
				"credit_in_account_currency": 10,
				"voucher_detail_no": doc.items[0].name,
				"cost_center": doc.items[0].cost_center,
			}
		),
	]
	make_gl_entries(rows)
	assert figures_of(spring).revenue == 10


def test_the_json_has_the_agreed_keys_and_decimal_strings(customer):
	spring = campaign("Frühling")
	sell(customer, [(spring, 100)])
	answer = statement(COMPANY, spring).as_dict()
	assert answer["campaigns"] == [
		{
			"campaign": spring,
			"revenue": "100.00",
			"credit_notes": "0.00",
			"tax": "19.00",
			"receivable_open": "119.00",
			"cash_received": "0.00",
		}
	]
	assert answer["difference"] == "0.00"
	assert {"company", "currency", "not_attributed", "ledger_income", "accounts", "problems"} <= answer.keys()


def test_bad_input_is_refused_in_words():
	with pytest.raises(frappe.ValidationError, match="does not exist"):
		statement("No Such Company")
	with pytest.raises(frappe.ValidationError, match="does not exist"):
		statement(COMPANY, ["No Such Campaign"])
	with pytest.raises(frappe.ValidationError, match="after"):
		statement(COMPANY, None, "2026-02-01", "2026-01-01")


def test_several_companies_without_a_default_are_listed():
	name = factories.unique("Andere GmbH")
	frappe.get_doc(
		{"doctype": "Company", "name": name, "company_name": name, "abbr": name, "default_currency": "EUR"}
	).db_insert()
	frappe.db.set_single_value("Relation Settings", "default_company", None)
	with pytest.raises(frappe.ValidationError, match=f"{name}.*{COMPANY}"):
		module.company_or_default()
	frappe.db.set_single_value("Relation Settings", "default_company", COMPANY)
	assert module.company_or_default() == COMPANY


def test_the_number_of_queries_does_not_grow_with_the_vouchers(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")

	def mixed_and_paid(count):
		for _number in range(count):
			factories.pay(sell(customer, [(spring, 10), (autumn, 20)]), 5)

	def queries_of_a_statement():
		with sent_statements() as sent:
			statement(COMPANY)
		return len(sent)

	mixed_and_paid(1)
	queries_of_a_statement()
	few = queries_of_a_statement()
	mixed_and_paid(3)
	assert queries_of_a_statement() == few

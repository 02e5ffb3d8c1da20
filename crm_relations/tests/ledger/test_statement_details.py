"""Test the statement's figures in addition to revenue, and its filters.

The figures are discounts, cost of goods, overdue amounts, write-offs and exchange differences.
"""

from decimal import Decimal

import frappe
import pytest
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from erpnext.stock.doctype.delivery_note.delivery_note import make_sales_invoice as invoice_of_delivery
from frappe.utils import add_days, nowdate

from crm_relations.crm_relations.report.campaign_statement.campaign_statement import execute
from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger import api
from crm_relations.ledger.statements.statement import statement
from crm_relations.relations.identities import identity
from crm_relations.segments.members import membership
from crm_relations.tests.pipeline.test_provenance import submit
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import (
	assert_adds_up,
	campaign,
	cents,
	credit_note,
	draft,
	journal,
	ledger_income,
	sell,
)
from crm_relations.tests.support.books.chains import DOLLAR, LOST, USD_RATE_OF_PAYMENT, Chain, Line

pytestmark = pytest.mark.site


@pytest.fixture
def customer():
	return factories.customer().name


def figures_of(name: str, **more):
	result = statement(COMPANY, [name], **more)
	assert_adds_up(result)
	return result.campaigns[0]


def goods(cost: float) -> str:
	"""Create an item with 100 pieces in stock at this cost per piece."""
	item = factories.insert(
		"Item",
		item_code=(code := factories.unique("WARE")),
		item_group="Products",
		stock_uom="Nos",
		is_stock_item=1,
	).name
	assert item == code
	warehouse = frappe.db.get_value(
		"Warehouse", {"company": COMPANY, "is_group": 0, "warehouse_name": "Stores"}
	)
	submit(
		frappe.get_doc(
			{
				"doctype": "Stock Entry",
				"stock_entry_type": "Material Receipt",
				"purpose": "Material Receipt",
				"company": COMPANY,
				"items": [{"item_code": item, "qty": 100, "basic_rate": cost, "t_warehouse": warehouse}],
			}
		)
	)
	return item


def cost_in_the_ledger(voucher: str) -> Decimal:
	"""Return debit − credit on expense accounts, summed over GL Entry."""
	rows = frappe.get_all(
		"GL Entry",
		{"voucher_no": voucher, "is_cancelled": 0},
		["account", "debit", "credit"],
		order_by="name asc",
	)
	expenses = set(frappe.get_all("Account", {"root_type": "Expense", "company": COMPANY}, pluck="name"))
	return sum((cents(row.debit) - cents(row.credit) for row in rows if row.account in expenses), Decimal(0))


def delivery(customer: str, lines: list[tuple[str, float, float, str | None]]):
	"""Submit a delivery of (item, quantity, rate, campaign)."""
	items = [
		{**factories.line(item, qty, rate), "relation_campaign": name} for item, qty, rate, name in lines
	]
	return submit(
		frappe.get_doc({"doctype": "Delivery Note", "company": COMPANY, "customer": customer, "items": items})
	)


def test_discounts_of_lines_and_of_the_invoice_are_what_was_given_away(customer):
	spring = campaign("Frühling")
	doc = draft(customer, [(spring, 100), (spring, 200)])
	doc.items[0].price_list_rate, doc.items[0].discount_amount, doc.items[0].rate = 120, 20, 100
	doc.apply_discount_on, doc.additional_discount_percentage = "Net Total", 10
	doc.save()
	doc.submit()
	figures = figures_of(spring)
	assert figures.revenue == 270
	in_header = 30 if doc.items[0].meta.has_field("distributed_discount_amount") else 0
	assert figures.discounts == 20 + in_header


def test_the_cost_of_goods_of_an_invoice_that_moves_stock_is_that_of_the_ledger(customer):
	spring = campaign("Frühling")
	doc = factories.invoice(
		customer, [(goods(40), 3, 100)], submit=False, relation_campaign=spring, update_stock=1
	)
	doc.submit()
	figures = figures_of(spring)
	assert figures.cost_of_goods == cost_in_the_ledger(doc.name) == 120
	assert figures.margin == 180


def test_a_delivery_costs_the_campaigns_of_its_lines_what_the_ledger_says(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	note = delivery(
		customer,
		[(goods(40), 2, 100, spring), (goods(33.33), 1, 90, autumn), (goods(10), 1, 20, None)],
	)
	result = statement(COMPANY, [spring, autumn])
	assert_adds_up(result)
	assert [figures.cost_of_goods for figures in result.campaigns] == [80, Decimal("33.33")]
	assert cost_in_the_ledger(note.name) == Decimal("123.33")
	submit(invoice_of_delivery(note.name))
	result = statement(COMPANY, [spring, autumn])
	assert_adds_up(result)
	assert [figures.margin for figures in result.campaigns] == [120, Decimal("56.67")]


def test_an_overdue_invoice_is_overdue_as_a_whole_and_less_what_was_paid(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	late = sell(customer, [(spring, 100), (autumn, 300)], posting_date=add_days(nowdate(), -40))
	sell(customer, [(spring, 1000)])
	result = statement(COMPANY, [spring, autumn])
	assert [figures.receivable_overdue for figures in result.campaigns] == [119, 357]
	factories.pay(late, 238)
	result = statement(COMPANY, [spring, autumn])
	assert [figures.receivable_overdue for figures in result.campaigns] == [
		Decimal("59.50"),
		Decimal("178.50"),
	]
	alone = sell(customer, [(spring, 50)], posting_date=add_days(nowdate(), -30))
	assert figures_of(spring).receivable_overdue == Decimal("119.00")
	credit_note(alone)
	earlier = statement(COMPANY, [spring], to_date=add_days(nowdate(), -35))
	assert earlier.campaigns[0].receivable_overdue == 0


def test_a_write_off_is_the_campaigns_and_no_cost_of_goods(customer):
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100)])
	party = {"party_type": "Customer", "party": customer}
	party |= {"reference_type": "Sales Invoice", "reference_name": invoice.name}
	written_off = frappe.get_cached_value("Company", COMPANY, "write_off_account")
	journal([(written_off, 19, 0), (invoice.debit_to, 0, 19, party)])
	journal([(account(COMPANY, LOST), 5, 0), (invoice.debit_to, 0, 5, party)])
	figures = figures_of(spring)
	assert (figures.write_offs, figures.receivable_open, figures.cost_of_goods) == (24, 95, 0)


def test_an_exchange_difference_is_the_one_that_the_ledger_booked():
	chain = Chain(currency=DOLLAR)
	chain.invoice([Line(0, 1, 1000)])
	entry = get_payment_entry("Sales Invoice", chain.posted[0].name)
	entry.source_exchange_rate = USD_RATE_OF_PAYMENT
	entry.received_amount = round(entry.paid_amount * USD_RATE_OF_PAYMENT, 2)
	chain._post_payment(entry)
	exchange = frappe.get_cached_value("Company", COMPANY, "exchange_gain_loss_account")
	booked = -chain._sum(lambda row: row.account == exchange)
	assert booked
	figures = figures_of(chain.campaigns[0])
	assert figures.exchange_difference == booked
	assert figures.write_offs == 0


def test_a_salesperson_sees_his_own_invoices_and_the_rest_is_not_in_the_selection(customer):
	spring = campaign("Frühling")
	person = factories.insert("Sales Person", sales_person_name=factories.unique("Greta Vertrieb")).name
	team = [{"sales_person": person, "allocated_percentage": 100}]
	sell(customer, [(spring, 100), (None, 9)], sales_team=team)
	sell(customer, [(None, 3)], sales_team=team)
	sell(customer, [(spring, 40)])
	result = statement(COMPANY, salesperson=person)
	assert (result.attributed, result.not_attributed) == (100, 12)
	assert result.not_in_selection == ledger_income() - 112
	figures = figures_of(spring, salesperson=person)
	assert (figures.revenue, figures.tax, figures.receivable_open) == (100, 19, 119)
	assert figures_of(spring).revenue == 140


def test_a_segment_sees_the_invoices_of_its_members(customer):
	spring = campaign("Frühling")
	other = factories.customer().name
	sell(customer, [(spring, 100)])
	sell(other, [(spring, 40), (None, 7)])
	segment = factories.segment().name
	membership.add_members(segment, [identity.relation_of("Customer", other)])
	figures = figures_of(spring, segment=segment)
	assert (figures.revenue, figures.receivable_open) == (40, Decimal("47.60"))
	result = statement(COMPANY, segment=segment)
	assert (result.not_attributed, result.not_in_selection) == (7, ledger_income() - 47)
	assert statement(COMPANY).not_in_selection == 0


def test_the_report_has_the_further_figures_and_both_filters(customer):
	spring = campaign("Frühling")
	person = factories.insert("Sales Person", sales_person_name=factories.unique("Greta Vertrieb")).name
	sell(customer, [(spring, 100)], sales_team=[{"sales_person": person, "allocated_percentage": 100}])
	sell(customer, [(spring, 40)])
	segment = factories.segment().name
	membership.add_members(segment, [identity.relation_of("Customer", customer)])
	for filters, expected in (({"salesperson": person}, 100), ({"members_of": segment}, 140)):
		columns, rows, *_rest = execute({"company": COMPANY, "campaigns": [spring], **filters})
		assert {"margin", "cost_of_goods", "by_rule"} <= {column["fieldname"] for column in columns}
		(row,) = (row for row in rows if row.get("is_campaign"))
		assert (row["revenue"], row["margin"], row["return_percent"]) == (expected, expected, None)
		assert rows[-1]["is_difference"] and rows[-1]["revenue"] == 0


def test_unknown_filters_are_refused_by_name():
	with pytest.raises(frappe.ValidationError, match="Nobody"):
		api.statement(COMPANY, salesperson="Nobody")
	with pytest.raises(frappe.ValidationError, match="No such"):
		api.statement(COMPANY, segment="No such")


def test_whose_segment_one_may_not_read_one_may_not_filter_by():
	segment = factories.segment().name
	frappe.set_user(factories.user(None, "Accounts User"))
	with pytest.raises(frappe.PermissionError):
		api.statement(COMPANY, segment=segment)


def test_details_are_decimal_strings_and_null_where_not_known(customer):
	spring = campaign("Frühling")
	sell(customer, [(spring, 100)])
	(details,) = api.statement(COMPANY, [spring])["details"]
	assert details["campaign"] == spring
	assert (details["direct"], details["by_rule"], details["margin"]) == ("100.00", "0.00", "100.00")
	assert details["return_percent"] is None

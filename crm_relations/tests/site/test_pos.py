"""The till: relation and campaign of till invoices reach the books with the day's closing, once and by line."""

from decimal import Decimal

import frappe
import pytest
from erpnext.accounts.doctype.pos_closing_entry.pos_closing_entry import make_closing_entry_from_opening
from erpnext.accounts.doctype.pos_invoice.pos_invoice import make_sales_return
from frappe.utils import now_datetime, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger import checks
from crm_relations.ledger.statement import statement
from crm_relations.relations import identity
from crm_relations.tests.site import factories
from crm_relations.tests.site.books import campaign, cents, ledger_income
from crm_relations.tests.site.commits import held_back

pytestmark = pytest.mark.site


class Till:
	"""A till of the company that is open, and its closing at the end of the day."""

	def __init__(self) -> None:
		if frappe.get_meta("POS Settings").has_field("invoice_type"):  # version 16: what a till posts
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

	def sell(self, customer: str, lines: list[tuple[str | None, float]], header: str | None = None):
		"""A submitted till invoice of (campaign, rate) lines, paid in full."""
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
		factories.add_vat(doc)
		return self._pay(doc)

	def take_back(self, invoice):
		"""The return of a till invoice, paid out."""
		return self._pay(make_sales_return(invoice.name))

	def _pay(self, doc):
		doc.calculate_taxes_and_totals()
		doc.set("payments", [{"mode_of_payment": self.mode, "amount": doc.rounded_total or doc.grand_total}])
		doc.insert(ignore_permissions=True)
		doc.submit()
		return doc

	def close(self) -> list:
		"""Close the day; returns the Sales Invoices that it posted."""
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


@pytest.fixture
def till():
	return Till()


@pytest.fixture
def customer():
	return factories.customer().name


def figures_of(name: str):
	result = statement(COMPANY, [name])
	assert str(result.difference) == "0.00", result.as_dict()["problems"]
	assert not result.problems
	assert result.ledger_income == ledger_income()
	return result.campaigns[0]


def rows(doc) -> list[tuple[str | None, float]]:
	return [(row.relation_campaign or None, row.net_rate) for row in doc.items]


def attributed(*names: str) -> list[tuple[str, float]]:
	return [
		(row.campaign, row.amount)
		for row in frappe.get_all(
			"Relation Attribution",
			{"voucher_no": ["in", names]},
			["campaign", "amount"],
			order_by="amount asc",
		)
	]


def test_a_till_invoice_gets_relation_and_campaign_and_is_not_in_the_books(till, customer):
	spring = campaign("Frühling")
	sold = till.sell(customer, [(None, 100), (None, 50)], header=spring)
	assert rows(sold) == [(spring, 100), (spring, 50)]
	assert sold.relation == identity.relation_of("Customer", customer)
	assert attributed(sold.name) == []
	assert figures_of(spring).revenue == 0


def test_the_closing_brings_each_line_into_the_books_once(till, customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	first = till.sell(customer, [(spring, 100), (autumn, 50)])
	second = till.sell(customer, [(autumn, 30)])
	(posted,) = till.close()
	assert posted.is_consolidated
	assert posted.relation == identity.relation_of("Customer", customer)
	assert rows(posted) == [(spring, 100), (autumn, 50), (autumn, 30)]
	assert not posted.relation_campaign
	assert attributed(posted.name) == [(autumn, 30), (autumn, 50), (spring, 100)]
	assert attributed(first.name, second.name) == []
	one, two = figures_of(spring), figures_of(autumn)
	assert (one.revenue, two.revenue) == (100, 80)
	assert one.cash_received + two.cash_received == cents(posted.grand_total)
	assert (one.receivable_open, two.receivable_open) == (0, 0)
	evidence = frappe.get_all(
		"Relation Attribution", {"voucher_no": posted.name}, pluck="evidence", order_by="name asc"
	)
	assert {frappe.parse_json(text)["pos_invoice"] for text in evidence} == {first.name, second.name}


@pytest.mark.parametrize("last", ["with a campaign", "without"])
def test_a_line_without_a_campaign_stays_without_when_the_day_is_combined(till, customer, last):
	spring = campaign("Frühling")
	sales = [(spring, 100), (None, 40)]
	for line in sales if last == "without" else reversed(sales):
		till.sell(customer, [line])
	(posted,) = till.close()
	assert sorted(rows(posted), key=lambda row: row[1]) == [(None, 40), (spring, 100)]
	assert not posted.relation_campaign
	assert attributed(posted.name) == [(spring, 100)]
	assert figures_of(spring).revenue == 100
	assert not [finding for finding in checks.findings() if finding.level == "error"]


def test_a_return_at_the_till_is_a_credit_note_of_the_campaign(till, customer):
	spring = campaign("Frühling")
	sold = till.sell(customer, [(None, 100), (None, 60)], header=spring)
	back = till.take_back(sold)
	assert [name for name, _rate in rows(back)] == [spring, spring]
	assert back.relation == sold.relation
	posted = till.close()
	assert [doc.is_return for doc in posted] == [0, 1]
	figures = figures_of(spring)
	assert (figures.revenue, figures.credit_notes) == (160, -160)
	assert (figures.tax, figures.receivable_open) == (0, 0)
	assert figures.cash_received == Decimal("0.00")


def test_customers_of_one_day_have_their_own_invoices_and_relations(till, customer):
	spring = campaign("Frühling")
	other = factories.customer().name
	till.sell(customer, [(spring, 100)])
	till.sell(other, [(spring, 70)])
	posted = till.close()
	assert {doc.customer: doc.relation for doc in posted} == {
		name: identity.relation_of("Customer", name) for name in (customer, other)
	}
	assert figures_of(spring).revenue == 170


def test_a_cancelled_closing_takes_the_day_out_of_the_books(till, customer):
	spring = campaign("Frühling")
	till.sell(customer, [(spring, 100)])
	(posted,) = till.close()
	log = frappe.get_last_doc("POS Invoice Merge Log", {"consolidated_invoice": posted.name})
	with held_back():
		log.cancel()
	assert frappe.db.get_value("Sales Invoice", posted.name, "docstatus") == 2
	assert attributed(posted.name) == []
	assert figures_of(spring).revenue == 0


def test_a_till_that_posts_at_once_is_a_sales_invoice_like_any_other(till, customer):
	spring = campaign("Frühling")
	doc = factories.invoice(customer, [(till.item, 1, 100)], submit=False, relation_campaign=spring)
	doc.is_pos = 1
	doc.pos_profile = till.profile
	doc.set("payments", [{"mode_of_payment": till.mode, "amount": 119}])
	doc.save()
	doc.submit()
	assert attributed(doc.name) == [(spring, 100)]
	figures = figures_of(spring)
	assert (figures.revenue, figures.cash_received, figures.receivable_open) == (100, 119, 0)

"""Test the statement of several companies in one currency, on the command line and at the desk."""

from decimal import Decimal

import frappe
import pytest
from click.testing import CliRunner
from erpnext.setup.utils import get_exchange_rate
from frappe.utils import add_days, nowdate

from crm_relations.commands import actions, relations, text
from crm_relations.demo.company import COMPANY
from crm_relations.ledger import api
from crm_relations.ledger.statements.consolidation import consolidated
from crm_relations.ledger.statements.cost_queries import carries_campaigns
from crm_relations.ledger.statements.statement import statement
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, cents, sell

pytestmark = pytest.mark.site

RATE = 1.0842  # dollars per euro


@pytest.fixture(scope="module")
def daughter():
	"""Create a company in dollars with its own accounts. It takes seconds, and stays until the module ends."""
	name = "Rhineland Incorporated"
	doc = frappe.get_doc(
		{
			"doctype": "Company",
			"company_name": name,
			"abbr": "RINC",
			"default_currency": "USD",
			"country": "United States",
			"create_chart_of_accounts_based_on": "Standard Template",
			"chart_of_accounts": "Standard",
		}
	).insert(ignore_permissions=True)
	frappe.db.commit()
	yield doc.name
	frappe.set_user("Administrator")
	frappe.delete_doc("Company", name, force=True)
	frappe.db.commit()


@pytest.fixture
def rate():
	insert_rate(add_days(nowdate(), -10), 1.05)
	insert_rate(nowdate(), RATE)


def insert_rate(date: str, exchange_rate: float) -> None:
	factories.insert(
		"Currency Exchange",
		date=date,
		from_currency="EUR",
		to_currency="USD",
		exchange_rate=exchange_rate,
		for_buying=1,
		for_selling=1,
	)


def of_no_company(name: str) -> str:
	"""Create a campaign for all companies.

	In version 16 a campaign that names a company may only be on documents of that company.
	"""
	name = campaign(name)
	frappe.db.set_value("Relation Campaign", name, "company", None)
	return name


def sell_in_dollars(daughter: str, name: str | None, amount: float) -> None:
	customer = factories.customer(default_currency="USD").name
	doc = factories.invoice(
		customer,
		[(factories.item().name, 1, amount)],
		submit=False,
		taxed=False,
		company=daughter,
		currency="USD",
		conversion_rate=1,
		relation_campaign=name,
	)
	doc.submit()


def ledger_income(company: str) -> Decimal:
	"""Return all income as an independent sum over GL Entry."""
	accounts = frappe.get_all("Account", {"company": company, "root_type": "Income"}, pluck="name")
	filters = {"company": company, "is_cancelled": 0, "account": ["in", accounts]}
	rows = frappe.get_all("GL Entry", filters, ["debit", "credit"], limit=0, order_by="name asc")
	return sum((cents(row.credit) - cents(row.debit) for row in rows), Decimal("0.00"))


def test_a_campaign_of_two_companies_is_summed_at_the_rate_of_the_last_day(daughter, rate):
	spring = of_no_company("Frühling")
	sell(factories.customer().name, [(spring, 100), (None, 11)])
	sell_in_dollars(daughter, spring, 333.33)
	sell_in_dollars(daughter, None, 50)
	assert get_exchange_rate("EUR", "USD", nowdate()) == RATE
	result = consolidated(None, [spring], currency="EUR")
	(figures,) = result.campaigns
	assert figures.revenue == 100 + cents(333.33 / RATE)
	assert result.ledger_income == ledger_income(COMPANY) + cents(float(ledger_income(daughter)) / RATE)
	assert (str(result.difference), abs(result.rounding) <= Decimal("0.02")) == ("0.00", True)
	explained = result.attributed + result.other_campaigns + result.not_attributed + result.rounding
	assert explained == result.ledger_income
	for part in result.parts:  # each part reconciles by itself, in its own currency
		assert str(part.statement.difference) == "0.00"
		assert part.statement.ledger_income == ledger_income(part.statement.company)
	assert any("USD" in line and "closing date" in line for line in result.basis)
	earlier = consolidated(None, [spring], to_date=add_days(nowdate(), -5), currency="EUR")
	assert earlier.as_dict()["rates"][1]["rate"] == "1.05" and earlier.campaigns[0].revenue == 0


def test_a_difference_of_one_company_is_one_of_the_group_however_small(daughter, rate):
	sell_in_dollars(daughter, (spring := of_no_company("Frühling")), 100)
	row = frappe.get_all("Relation Attribution", {"campaign": spring}, pluck="name")[0]
	frappe.db.set_value("Relation Attribution", row, "amount", 99.99)
	result = consolidated(None, [spring], currency="EUR")
	assert result.difference == Decimal("0.01") and result.problems[0].voucher_type == "Sales Invoice"


def test_differences_of_two_companies_never_cancel_each_other(daughter, rate):
	sell_in_dollars(daughter, (spring := of_no_company("Frühling")), 100)
	sell(factories.customer().name, [(spring, 100)])
	for company, wrong in ((daughter, 100 - RATE), (COMPANY, 101)):
		key = {"campaign": spring, "company": company}
		(row,) = frappe.get_all("Relation Attribution", key, pluck="name")
		frappe.db.set_value("Relation Attribution", row, "amount", wrong)
	result = consolidated(None, [spring], currency="EUR")
	assert abs(result.difference) >= 1 and len(result.problems) == 2


def test_without_a_rate_nothing_is_converted_and_the_remedy_is_named(daughter):
	frappe.db.set_single_value("Currency Exchange Settings", "disabled", 1)
	frappe.clear_document_cache("Currency Exchange Settings", "Currency Exchange Settings")
	frappe.db.delete("Currency Exchange", {"from_currency": "EUR"})
	with pytest.raises(frappe.ValidationError, match="Enter it as Currency Exchange"):
		consolidated(None, currency="EUR")
	frappe.clear_document_cache("Currency Exchange Settings", "Currency Exchange Settings")


def test_a_company_is_consolidated_with_those_below_it_only(daughter, rate):
	assert [part.statement.company for part in consolidated(COMPANY).parts] == [COMPANY]
	assert consolidated(daughter).currency == "USD"
	with pytest.raises(frappe.ValidationError, match="XYZ"):
		consolidated(daughter, currency="XYZ")


def test_who_may_read_one_company_may_not_read_the_sum_of_all(daughter, rate):
	user = factories.user(None, "Accounts User")
	factories.insert("User Permission", user=user, allow="Company", for_value=COMPANY)
	frappe.set_user(user)
	with pytest.raises(frappe.PermissionError):
		api.statement(consolidated=True, currency="EUR")
	assert api.statement(COMPANY, consolidated=True)["consolidated"]


def test_the_command_line_has_filters_and_consolidation(daughter, rate):
	spring = of_no_company("Frühling")
	person = factories.insert("Sales Person", sales_person_name=factories.unique("Greta Vertrieb")).name
	team = [{"sales_person": person, "allocated_percentage": 100}]
	customer = factories.customer().name
	sell(customer, [(spring, 100)], sales_team=team)
	sell(customer, [(spring, 40)])
	asked = {"campaigns": [], "from_date": None, "to_date": None, "company": None}
	data, well = actions.statement(None, **{**asked, "company": COMPANY}, salesperson=person)
	assert well and data["campaigns"][0]["revenue"] == "100.00"
	assert data["not_in_selection"] == str(ledger_income(COMPANY) - 100)
	shown = text.statement(data)
	assert f"salesperson {person}" in shown and "not in selection" in shown
	cost = "0.00" if carries_campaigns() else "–"
	for label, value in (("margin", "100.00"), ("write offs", "0.00"), ("campaign cost", cost)):
		assert any(label in line and line.endswith(value) for line in shown.splitlines()), label
	data, well = actions.statement(None, **asked, consolidated=True, currency="EUR")
	shown = text.statement(data)
	assert well and f"1 EUR = {RATE} USD" in shown and daughter in shown
	with pytest.raises(frappe.ValidationError, match="--consolidated"):
		actions.statement(None, **asked, currency="EUR")
	shown = CliRunner().invoke(relations, ["statement", "--help"]).output
	assert {"--segment", "--salesperson", "--consolidated"} <= set(shown.split())


def test_one_company_consolidated_is_its_own_statement():
	own, sum_of_one = statement(COMPANY).as_dict(), consolidated(COMPANY).as_dict()
	same = ("campaigns", "details", "not_attributed", "ledger_income", "difference", "currency")
	assert [own[key] for key in same] == [sum_of_one[key] for key in same]
	assert (sum_of_one["rounding"], sum_of_one["companies"]) == ("0.00", [own])

"""Test that every whitelisted function of accounting and pipeline refuses a user without the role."""

import inspect

import frappe
import pytest

from crm_relations.crm_relations.report.campaign_statement.campaign_statement import execute
from crm_relations.demo.company import COMPANY
from crm_relations.ledger import api as ledger
from crm_relations.pipeline import api as pipeline
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, sell

pytestmark = pytest.mark.site


@pytest.fixture
def invoice():
	return sell(factories.customer().name, [(campaign("Frühling"), 100)])


@pytest.fixture
def handover():
	member = factories.insert(
		"Relation Campaign Member", campaign=factories.campaign().name, relation=factories.relation().name
	)
	return factories.insert(
		"Relation Handover", member=member.name, relation=member.relation, campaign=member.campaign
	)


@pytest.fixture
def as_in_a_request(monkeypatch):
	"""Leave test mode, in which version 15 lets every user pass `only_for`."""

	def log_in(user: str) -> None:
		frappe.set_user(user)
		monkeypatch.setitem(frappe.flags, "in_test", False)

	return log_in


def whitelisted(module) -> dict:
	"""Return the functions that the module itself defines and the desk may call, by name."""
	return {
		name: function
		for name, function in inspect.getmembers(module, inspect.isfunction)
		if function.__module__ == module.__name__ and function in frappe.whitelisted
	}


FUNCTIONS = {**whitelisted(ledger), **whitelisted(pipeline)}
#: functions for which the role Relation User exists
OF_RELATION_USER = {"accept_handover", "qualify"}


@pytest.fixture
def arguments(invoice, handover) -> dict:
	"""Return arguments by function, with which a permitted user would get an answer."""
	return {
		"statement": {"company": COMPANY},
		"statement_pdf": {"company": COMPANY},
		"vouchers_of_row": {"company": COMPANY},
		"campaigns_of_invoice": {"invoice": invoice.name},
		"explain_attribution": {"invoice": invoice.name},
		"rebuild_attribution": {"company": COMPANY},
		"balance_sheet": {"campaign": invoice.items[0].relation_campaign, "company": COMPANY},
		"balance_sheet_pdf": {"campaign": invoice.items[0].relation_campaign, "company": COMPANY},
		"balance_sheet_csv": {"campaign": invoice.items[0].relation_campaign, "company": COMPANY},
		"preview_repair": {"campaign": invoice.items[0].relation_campaign, "company": COMPANY},
		"repair_vouchers": {"campaign": invoice.items[0].relation_campaign, "company": COMPANY},
		"accept_handover": {"handover": handover.name, "salesperson": "Administrator"},
		"qualify": {"relation": handover.relation},
		"process_chain": {"doctype": "Sales Invoice", "name": invoice.name},
	}


def test_every_function_of_the_books_and_the_pipeline_is_tried_here(arguments):
	assert set(FUNCTIONS) <= set(arguments)


@pytest.mark.parametrize("roles", [(), ("Relation User",), ("Stock User",)])
def test_without_the_role_every_function_refuses(arguments, roles, as_in_a_request):
	as_in_a_request(factories.user(None, *roles))
	for name, function in FUNCTIONS.items():
		if "Relation User" in roles and name in OF_RELATION_USER:
			continue
		with pytest.raises(frappe.PermissionError):
			function(**arguments[name])


def test_a_guest_is_refused(arguments, as_in_a_request):
	as_in_a_request("Guest")
	for name, function in FUNCTIONS.items():
		assert function not in frappe.guest_methods
		with pytest.raises(frappe.PermissionError):
			function(**arguments[name])


def test_writes_are_refused_by_get():
	for function in (ledger.rebuild_attribution, ledger.repair_vouchers, pipeline.accept_handover):
		assert list(frappe.allowed_http_methods_for_whitelisted_func[function]) == ["POST"]


@pytest.mark.parametrize("role", ["Accounts User", "Accounts Manager", "Relation Manager", "Sales Manager"])
def test_with_the_role_the_statement_and_its_report_are_there(invoice, role, as_in_a_request):
	as_in_a_request(factories.user(None, role))
	assert ledger.statement(COMPANY)["difference"] == "0.00"
	assert execute({"company": COMPANY})[1]


def test_only_who_may_change_the_settings_may_rebuild(monkeypatch):
	monkeypatch.setattr(frappe, "enqueue", lambda *_arguments, **_options: object())
	frappe.set_user(factories.user(None, "Accounts Manager"))
	with pytest.raises(frappe.PermissionError):
		ledger.rebuild_attribution()
	frappe.set_user(factories.user(None, "Relation Manager"))
	assert ledger.rebuild_attribution()["message"]


def test_the_campaigns_of_an_invoice_are_for_who_may_read_the_invoice(invoice):
	frappe.set_user(factories.user(None, "Accounts User"))
	assert [row["amount"] for row in ledger.campaigns_of_invoice(invoice.name)] == ["100.00"]


def test_a_user_of_one_company_does_not_see_the_books_of_another(invoice):
	other = factories.unique("Andere GmbH")
	frappe.get_doc({"doctype": "Company", "name": other, "company_name": other, "abbr": other}).db_insert()
	user = factories.user(None, "Accounts User", "Relation Manager")
	factories.insert("User Permission", user=user, allow="Company", for_value=other)
	frappe.set_user(user)
	for refused in (
		lambda: ledger.statement(COMPANY),
		lambda: execute({"company": COMPANY}),
		lambda: ledger.balance_sheet(invoice.items[0].relation_campaign, COMPANY),
		lambda: ledger.repair_vouchers(invoice.items[0].relation_campaign, COMPANY),
		lambda: ledger.rebuild_attribution(COMPANY),
		lambda: ledger.rebuild_attribution(),  # all companies, also those that the user may not read
	):
		with pytest.raises(frappe.PermissionError):
			refused()

"""Test the campaign as ERPNext's Accounting Dimension: switched on and off, and in the balance sheet.

Changing fields commits, so that these tests cannot be rolled back. The switch is restored after them.
"""

import frappe
import pytest
from erpnext.accounts.doctype.accounting_dimension.accounting_dimension import toggle_disabling
from erpnext.accounts.report.balance_sheet.balance_sheet import execute as balance_sheet
from erpnext.accounts.report.profit_and_loss_statement.profit_and_loss_statement import (
	execute as profit_and_loss,
)
from frappe.desk.search import search_widget
from frappe.utils import add_days, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger import api, checks, dimension
from crm_relations.ledger.statements.statement import statement
from crm_relations.setup import custom_fields
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import (
	campaign,
	cents,
	credit_note,
	draft,
	journal,
	own_rows,
	sell,
)

pytestmark = pytest.mark.site


def switch(on: bool) -> None:
	settings = frappe.get_doc("Relation Settings")
	settings.campaign_dimension = int(on)
	settings.save()
	frappe.db.commit()


@pytest.fixture(autouse=True, scope="module")
def as_before(connection):
	before = frappe.db.get_single_value("Relation Settings", "campaign_dimension")
	yield
	frappe.db.rollback()
	switch(bool(before))


@pytest.fixture
def dimension_on():
	switch(True)


@pytest.fixture
def dimension_off():
	switch(False)


@pytest.fixture
def customer():
	return factories.customer().name


def fields_of_dimension() -> dict[str, frappe._dict]:
	rows = frappe.get_all(
		"Custom Field",
		filters={"fieldname": "relation_campaign", "dt": ["in", dimension.get_doctypes_with_dimensions()]},
		fields=["dt", "print_hide", "ignore_user_permissions", "search_index", "module"],
		order_by="dt asc",
	)
	return {row.dt: row for row in rows}


def our_doctypes() -> set[str]:
	return set(custom_fields.custom_fields())


def has_index() -> bool:
	return bool(frappe.db.get_column_index("tabGL Entry", "relation_campaign", unique=False))


def codes() -> set[str]:
	return {finding.code for finding in checks._dimension()}


# On and off -----------------------------------------------------------------------------------------


def test_switched_on_every_accounting_doctype_has_the_field_at_once(dimension_on):
	found = fields_of_dimension()
	assert set(found) == set(dimension.get_doctypes_with_dimensions())
	assert all(field.print_hide and field.ignore_user_permissions for field in found.values())
	assert found["GL Entry"].search_index and has_index()
	assert frappe.db.has_column("GL Entry", "relation_campaign")
	assert frappe.db.has_column("Payment Ledger Entry", "relation_campaign")
	assert not codes()


def test_switched_on_it_is_never_mandatory_and_has_a_line_for_each_company(dimension_on):
	rows = dimension.current().dimension_defaults
	assert {row.company for row in rows} == set(frappe.get_all("Company", pluck="name", order_by="name asc"))
	for row in rows:
		assert not (row.mandatory_for_bs or row.mandatory_for_pl or row.default_dimension)
		assert not row.automatically_post_balancing_accounting_entry


def test_switched_on_our_own_fields_stay_ours(dimension_on):
	found = fields_of_dimension()
	ours = our_doctypes() & set(found)
	assert ours and all(found[doctype].module == "CRM Relations" for doctype in ours)


def test_no_background_job_is_left_that_could_change_fields_later(dimension_off, monkeypatch):
	queued = []
	monkeypatch.setattr(frappe, "enqueue", lambda method, *args, **kwargs: queued.append(method))
	frappe.flags.in_test = False
	try:
		dimension.switch_on()
		dimension.switch_off()
	finally:
		frappe.flags.in_test = True
	jobs = [getattr(method, "__name__", method) for method in queued]
	assert not [job for job in jobs if "dimension" in job]  # Frappe's own job on deletion may be there


def test_off_only_our_own_fields_are_left_and_on_again_the_old_ledger_rows_are_found(dimension_on, customer):
	spring = campaign("Frühling")
	doc, other = sell(customer, [(spring, 100)], header=spring), sell(customer, [(spring, 70)], header=spring)
	frappe.db.commit()
	switch(False)
	assert set(fields_of_dimension()) == our_doctypes() & set(dimension.get_doctypes_with_dimensions())
	assert not frappe.db.exists("Accounting Dimension", {"document_type": "Relation Campaign"})
	assert not frappe.db.exists("Property Setter", {"value": ["like", "%Relation Campaign%"]})
	assert not frappe.db.exists("Property Setter", "Budget-budget_against-options")
	assert not has_index()
	for doctype in custom_fields.custom_fields():
		assert frappe.get_meta(doctype).has_field("relation_campaign")
	doc.reload()
	doc.cancel()
	assert doc.docstatus == 2
	switch(True)
	rows = frappe.get_all(
		"GL Entry", {"voucher_no": other.name}, pluck="relation_campaign", order_by="name asc"
	)
	assert rows == [spring] * 3
	other.reload()
	other.cancel()
	frappe.db.commit()


def test_the_entry_of_another_dimension_in_the_budget_stays(dimension_on):
	options = "\nCost Center\nProject\nRelation Campaign\nBranch"
	frappe.db.set_value("Property Setter", dimension.BUDGET_OPTIONS, "value", options)
	switch(False)
	value = frappe.db.get_value("Property Setter", dimension.BUDGET_OPTIONS, "value")
	frappe.db.delete("Property Setter", {"name": dimension.BUDGET_OPTIONS})
	frappe.db.commit()
	assert value == "\nCost Center\nProject\nBranch"


def test_migrating_changes_nothing_where_the_switch_and_the_site_agree(dimension_on):
	def state():
		return frappe.get_all("Custom Field", fields=["name", "modified"], order_by="name asc")

	before, row = state(), dimension.current().modified
	dimension.ensure()
	assert state() == before
	assert dimension.current().modified == row


def test_a_field_that_was_deleted_comes_back_with_the_next_migrate(dimension_on):
	frappe.db.delete("Custom Field", {"name": "Journal Entry Account-relation_campaign"})
	frappe.clear_cache(doctype="Journal Entry Account")
	dimension.ensure()
	assert fields_of_dimension()["Journal Entry Account"].print_hide


def test_a_dimension_deleted_in_erpnext_is_found_and_comes_back(dimension_on):
	frappe.delete_doc("Accounting Dimension", dimension.current().name)  # also deletes our own fields
	assert "dimension-missing" in codes()
	custom_fields.create()
	dimension.ensure()
	frappe.db.commit()
	assert not codes()
	assert all(frappe.get_meta(doctype).has_field("relation_campaign") for doctype in our_doctypes())


def test_a_disabled_dimension_is_found_and_stays_disabled_until_the_switch_is_used(dimension_on):
	frappe.db.set_value("Accounting Dimension", dimension.current().name, "disabled", 1)
	dimension.ensure()
	assert "dimension-disabled" in codes()
	switch(False)
	switch(True)
	assert not codes()


def test_disabled_in_erpnext_an_invoice_is_posted_without_and_told_and_on_again_the_fields_are_open(
	dimension_on, customer
):
	spring = campaign("Frühling")
	doc = dimension.current()
	doc.disabled = 1
	doc.save()
	toggle_disabling(frappe.as_json(doc))
	assert dimension.state() == "disabled" and "dimension-disabled" in codes()
	assert frappe.get_meta("Sales Invoice").get_field("relation_campaign").read_only
	invoice = sell(customer, [(spring, 100)], header=spring)
	carried = frappe.get_all(
		"GL Entry", {"voucher_no": invoice.name}, pluck="relation_campaign", order_by="name asc"
	)
	assert set(carried) == {None}
	result = statement(COMPANY, spring)
	assert result.campaigns[0].revenue == 100 and str(result.difference) == "0.00"
	frappe.db.rollback()
	switch(False)
	assert not frappe.get_meta("Sales Invoice").get_field("relation_campaign").read_only
	switch(True)
	assert dimension.state() == "on" and not codes()


def test_a_campaign_renamed_while_it_was_off_is_found_in_the_old_rows_when_it_is_on_again(
	dimension_on, customer
):
	spring = campaign("Frühling")
	doc = sell(customer, [(spring, 100)], header=spring)
	frappe.db.commit()
	switch(False)
	new = frappe.rename_doc("Relation Campaign", spring, f"{spring} neu", force=True, show_alert=False)
	frappe.db.commit()
	switch(True)
	rows = frappe.get_all(
		"GL Entry", {"voucher_no": doc.name}, pluck="relation_campaign", order_by="name asc"
	)
	doc.reload()
	doc.cancel()
	frappe.db.commit()
	assert rows == [new] * 3


def test_a_campaign_that_the_ledger_carries_cannot_be_deleted_while_it_is_off(dimension_on):
	spring = campaign("Frühling")
	spent = journal(
		[(account(COMPANY, "6300"), 25, 0, {"relation_campaign": spring}), (account(COMPANY, "1800"), 0, 25)]
	)
	frappe.db.commit()
	switch(False)
	try:
		with pytest.raises(frappe.LinkExistsError, match=spent.name):
			frappe.delete_doc("Relation Campaign", spring)
	finally:
		frappe.db.rollback()
		frappe.get_doc("Journal Entry", spent.name).cancel()
		frappe.db.commit()


@pytest.mark.parametrize("role", ["Accounts User", "Accounts Manager", "Sales User", "Sales Manager"])
def test_accounting_and_sales_roles_choose_campaigns_in_filters_and_documents(dimension_on, role):
	name = campaign("Frühling")
	frappe.set_user(factories.user(None, role))
	assert frappe.has_permission("Relation Campaign", "select")
	assert name in {row[0] for row in search_widget("Relation Campaign", name)}
	assert frappe.has_permission("Relation Campaign", "read", doc=name)


def test_a_company_made_while_it_is_on_gets_its_line_at_once_and_is_not_kept_from_being_deleted(dimension_on):
	name = factories.unique("Neue GmbH")
	factories.insert(
		"Company",
		company_name=name,
		abbr=name[-6:],
		default_currency="EUR",
		country="Germany",
		chart_of_accounts="Standard",
	)
	assert "dimension-company" not in codes()
	(row,) = (row for row in dimension.current().dimension_defaults if row.company == name)
	assert not (row.mandatory_for_bs or row.mandatory_for_pl or row.default_dimension)
	frappe.delete_doc("Company", name)
	assert name not in {row.company for row in dimension.current().dimension_defaults}


def test_a_new_company_is_found_and_gets_its_line(dimension_on):
	name = factories.unique("Neue GmbH")
	frappe.get_doc({"doctype": "Company", "name": name, "company_name": name, "abbr": name}).db_insert()
	assert "dimension-company" in codes()
	dimension.ensure()
	assert "dimension-company" not in codes()
	frappe.db.delete("Company", {"name": name})
	frappe.db.delete("Accounting Dimension Detail", {"company": name})
	frappe.db.commit()


def test_who_may_not_make_dimensions_may_not_use_the_switch(dimension_off):
	frappe.set_user(factories.user(None, "Relation Manager"))
	settings = frappe.get_doc("Relation Settings")
	settings.campaign_dimension = 1
	with pytest.raises(frappe.PermissionError):
		settings.save()
	settings.reload()
	settings.batch_size = 50
	settings.save()
	assert frappe.db.get_single_value("Relation Settings", "batch_size") == 50


def finding(code: str):
	"""Return the finding with this code among those of the dimension."""
	return next(found for found in checks._dimension() if found.code == code)


def test_campaigns_without_the_dimension_are_told_and_the_switch_is_the_remedy(dimension_off, customer):
	sell(customer, [(campaign("Frühling"), 100)])
	told = finding("dimension_off")
	assert told.level == "info" and "Report Campaigns in the Ledger" in told.remedy
	frappe.db.rollback()
	switch(True)
	assert "dimension_off" not in codes()


@pytest.mark.parametrize("mend", ["switch on", "delete"])
def test_a_dimension_made_by_hand_is_told_and_both_remedies_help(dimension_off, mend):
	factories.insert(
		"Accounting Dimension",
		label=dimension.LABEL,
		document_type=dimension.DOCUMENT_TYPE,
		fieldname=dimension.FIELDNAME,
	)
	told = finding("dimension-by-hand")
	assert told.level == "warning" and "or delete the dimension" in told.remedy
	if mend == "switch on":
		switch(True)
	else:
		frappe.delete_doc("Accounting Dimension", dimension.current().name)
		custom_fields.create()
		frappe.db.commit()
	assert not codes() - {"dimension_off"}


def test_leftovers_of_a_dimension_are_told_and_go_with_the_next_migrate(dimension_off):
	field = frappe.get_doc(
		{
			"doctype": "Custom Field",
			"dt": "Journal Entry Account",
			"fieldname": "relation_campaign",
			"label": "Relation Campaign",
			"fieldtype": "Link",
			"options": "Relation Campaign",
		}
	)
	field.name = "Journal Entry Account-relation_campaign"
	field.db_insert()
	assert "migrate" in finding("dimension-leftovers").remedy
	dimension.ensure()
	assert "dimension-leftovers" not in codes()
	assert not frappe.db.exists("Custom Field", field.name)


def test_a_ledger_without_the_field_is_told_and_mended_by_the_next_migrate(dimension_on):
	frappe.db.delete("Custom Field", {"name": "GL Entry-relation_campaign"})
	frappe.clear_cache(doctype="GL Entry")
	told = finding("dimension-fields")
	assert told.level == "error" and "migrate" in told.remedy
	dimension.ensure()
	assert not codes()


@pytest.mark.parametrize("box", ["mandatory_for_bs", "mandatory_for_pl"])
def test_a_mandatory_campaign_is_told_and_mended_in_the_dimension(dimension_on, box):
	doc = dimension.current()
	doc.dimension_defaults[0].set(box, 1)
	doc.save()
	told = finding("dimension-mandatory")
	assert told.level == "warning" and "clear the check boxes Mandatory" in told.remedy
	doc.dimension_defaults[0].set(box, 0)
	doc.save()
	assert not codes()


# ERPNext's own reports, filtered by the campaign ------------------------------------------------------


def report_filters(name: str) -> frappe._dict:
	year = frappe.db.get_value(
		"Fiscal Year", {"year_start_date": ["<=", nowdate()], "year_end_date": [">=", nowdate()]}
	)
	return frappe._dict(
		company=COMPANY,
		filter_based_on="Fiscal Year",
		from_fiscal_year=year,
		to_fiscal_year=year,
		periodicity="Yearly",
		accumulated_values=1,
		include_default_book_entries=1,
		relation_campaign=[name],
	)


def totals(name: str) -> dict[str, float]:
	"""Return the totals of the balance sheet: assets, liabilities, equity, provisional profit."""
	data = balance_sheet(report_filters(name))[1]
	found = {}
	for key, label in (
		("assets", "Total Asset (Debit)"),
		("liabilities", "Total Liability (Credit)"),
		("equity", "Total Equity (Credit)"),
		("profit", "Provisional Profit / Loss (Credit)"),
	):
		row = next((row for row in data if label in (row.get("account_name") or "")), {})
		found[key] = cents(row.get("total"))
	return found


def income_of(name: str):
	"""Return the total income in ERPNext's Profit and Loss, filtered by the campaign."""
	data = profit_and_loss(report_filters(name))[1]
	return next(cents(row["total"]) for row in data if "Total Income" in (row.get("account_name") or ""))


def assert_balances(name: str) -> dict:
	found = totals(name)
	assert found["assets"] == found["liabilities"] + found["equity"] + found["profit"], found
	return found


def test_the_balance_sheet_of_a_campaign_balances_after_the_invoice(dimension_on, customer):
	spring = campaign("Frühling")
	doc = sell(customer, [(spring, 100), (spring, 33.33)], header=spring)
	found = assert_balances(spring)
	assert found["assets"] == -own_rows([doc.name], "Asset")
	assert found["liabilities"] == own_rows([doc.name], "Liability")
	assert found["profit"] == own_rows([doc.name], "Income")


def test_it_balances_after_a_partial_and_the_last_payment(dimension_on, customer):
	spring = campaign("Frühling")
	doc = sell(customer, [(spring, 100)], header=spring)
	first = factories.pay(doc, 50)
	assert first.relation_campaign == spring
	assert assert_balances(spring)["assets"] == 119
	doc.reload()
	factories.pay(doc)
	assert assert_balances(spring)["assets"] == 119
	rows = frappe.get_all(
		"GL Entry",
		{"relation_campaign": spring, "account": doc.debit_to, "is_cancelled": 0},
		["debit", "credit"],
		order_by="name asc",
	)
	assert sum(cents(row.debit) - cents(row.credit) for row in rows) == 0


def test_it_balances_after_a_credit_note_and_a_cancelled_invoice(dimension_on, customer):
	spring = campaign("Frühling")
	doc = sell(customer, [(spring, 100), (spring, 50)], header=spring)
	credit_note(doc, lambda row: row.rate == 50)
	found = assert_balances(spring)
	assert (found["assets"], found["profit"]) == (119, 100)
	other = sell(customer, [(spring, 70)], header=spring)
	other.cancel()
	assert assert_balances(spring) == found


def test_it_balances_after_a_payment_with_a_cash_discount(dimension_on, customer):
	from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry

	spring = campaign("Frühling")
	doc = sell(customer, [(spring, 100)], header=spring)
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
	found = assert_balances(spring)
	assert found["assets"] == cents(116.62)
	assert found["profit"] == cents(97.62)


def test_an_invoice_of_another_campaign_or_none_is_not_in_it(dimension_on, customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	sell(customer, [(spring, 100)], header=spring)
	found = assert_balances(spring)
	sell(customer, [(autumn, 70)], header=autumn)
	sell(customer, [(None, 70)])
	journal([(account(COMPANY, "1800"), 80, 0), (account(COMPANY, "4400"), 0, 80)])
	assert assert_balances(spring) == found
	assert income_of(autumn) == 70


def test_of_a_combined_invoice_it_has_nothing_although_the_profit_and_loss_and_the_statement_have_it(
	dimension_on, customer
):
	"""ERPNext posts receivable and tax with the header's campaign, and two campaigns have no common header."""
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	doc = sell(customer, [(spring, 100), (autumn, 200)])
	factories.pay(doc, 119)
	assert income_of(spring) == 100
	assert set(totals(spring).values()) == {0}
	result = statement(COMPANY, spring)
	moved = {root_type: cents(0) for root_type in ("Asset", "Liability", "Income")}
	for row in result.accounts:
		moved[row.root_type] += row.debit - row.credit
	assert moved == {"Asset": 119, "Liability": -19, "Income": -100}


def test_an_amended_invoice_is_in_it_once(dimension_on, customer):
	spring = campaign("Frühling")
	doc = sell(customer, [(spring, 100)], header=spring)
	doc.cancel()
	amended = frappe.copy_doc(doc)
	amended.docstatus, amended.amended_from = 0, doc.name
	amended.items[0].rate = amended.items[0].price_list_rate = 80
	amended.insert()
	amended.submit()
	assert assert_balances(spring)["profit"] == 80


def test_a_draft_is_not_in_it(dimension_on, customer):
	spring = campaign("Frühling")
	draft(customer, [(spring, 100)], header=spring)
	assert assert_balances(spring)["assets"] == 0


def test_expenses_that_carry_a_campaign_are_its_cost_and_the_return_is_reckoned_on_it(dimension_on, customer):
	spring = campaign("Frühling")
	sell(customer, [(spring, 1000)])
	assert statement(COMPANY, spring).campaigns[0].return_percent is None
	carried = {"relation_campaign": spring}
	journal([(account(COMPANY, "6300"), 250, 0, carried), (account(COMPANY, "1800"), 0, 250)])
	result = statement(COMPANY, spring)
	figures = result.campaigns[0]
	assert (figures.campaign_cost, figures.margin, figures.return_percent) == (250, 1000, 300)
	assert figures.write_offs == 0 and str(result.difference) == "0.00"
	(spent,) = (row for row in result.ledger if row.account == account(COMPANY, "6300"))
	assert spent.campaigns == 250 and not any(row.difference for row in result.ledger)


def test_a_write_off_that_carries_the_campaign_is_no_cost_of_the_campaign(dimension_on, customer):
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100)])
	party = {"party_type": "Customer", "party": customer}
	party |= {"reference_type": "Sales Invoice", "reference_name": invoice.name}
	journal(
		[
			(account(COMPANY, "6300"), 19, 0, {"relation_campaign": spring}),
			(invoice.debit_to, 0, 19, {**party, "relation_campaign": spring}),
		]
	)
	figures = statement(COMPANY, spring).campaigns[0]
	assert (figures.campaign_cost, figures.write_offs) == (0, 19)


def test_without_the_dimension_the_cost_of_a_campaign_is_not_known_and_not_zero(dimension_off, customer):
	spring = campaign("Frühling")
	sell(customer, [(spring, 100)])
	assert statement(COMPANY, spring).as_dict()["details"][0]["campaign_cost"] is None


def test_a_campaign_for_which_nothing_is_booked_has_cost_nothing(dimension_on):
	assert statement(COMPANY, campaign("Frühling")).as_dict()["details"][0]["campaign_cost"] == "0.00"


def test_what_was_spent_on_a_campaign_leads_to_its_vouchers(dimension_on):
	spring, costs, bank = campaign("Frühling"), account(COMPANY, "6300"), account(COMPANY, "1800")
	early = add_days(nowdate(), -20)
	journal([(costs, 40, 0, {"relation_campaign": spring}), (bank, 0, 40)])
	journal([(costs, 2.5, 0, {"relation_campaign": spring}), (bank, 0, 2.5)], posting_date=early)
	for since, expected in ((None, ["2.50", "40.00"]), (add_days(nowdate(), -5), ["40.00"])):
		found = api.vouchers_of_row(COMPANY, spring, from_date=since)["vouchers"]
		assert [part["amount"] for part in found] == expected
		(figures,) = statement(COMPANY, [spring], since).campaigns
		assert figures.campaign_cost == sum(cents(part["amount"]) for part in found)

"""Test the ledger with bad input: a clear message or a correct figure, and never a blocked invoice."""

import frappe
import pytest
from erpnext.accounts.doctype.repost_payment_ledger.repost_payment_ledger import start_payment_ledger_repost
from frappe.utils import add_days, get_first_day, get_last_day, nowdate

from crm_relations.demo.company import COMPANY
from crm_relations.ledger import api, checks
from crm_relations.ledger.attributions import attribution, queries
from crm_relations.ledger.balance_sheets import repair
from crm_relations.ledger.balance_sheets.balance_sheet import balance_sheet
from crm_relations.ledger.statements.statement import statement
from crm_relations.tests.ledger.test_attribution_by_rule import answer, attribute, rule
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import assert_adds_up, campaign, draft, sell
from crm_relations.tests.support.books.statements import sent_statements
from crm_relations.tests.support.machine.commits import held_back

pytestmark = pytest.mark.site


@pytest.fixture
def customer():
	return factories.customer().name


def revenue(name: str, company: str = COMPANY):
	result = statement(company, [name])
	assert str(result.difference) == "0.00" and not result.problems
	return result.campaigns[0].revenue


def rows_of(invoice) -> list[tuple]:
	rows = frappe.get_all(
		"Relation Attribution",
		{"voucher_no": invoice if isinstance(invoice, str) else invoice.name},
		["campaign", "amount"],
		order_by="campaign asc",
	)
	return [(row.campaign, row.amount) for row in rows]


def rebuild() -> None:
	with held_back():
		attribution.rebuild(COMPANY)


# The campaign ---------------------------------------------------------------------------------------


def test_a_campaign_that_earned_something_cannot_be_deleted(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	sell(customer, [(spring, 100)])
	answer(customer, autumn, 1)
	rule("Last Touch")
	sell(customer, [(None, 50)])
	attribute()
	for name in (spring, autumn):
		with pytest.raises(frappe.ValidationError):  # LinkExistsError, or it has been started
			frappe.delete_doc("Relation Campaign", name)
	assert (revenue(spring), revenue(autumn)) == (100, 50)


def test_a_campaign_deleted_by_force_leaves_the_sum_right_and_is_refused_by_name(customer):
	spring = campaign("Frühling")
	sell(customer, [(spring, 100)])
	frappe.delete_doc("Relation Campaign", spring, force=True)
	result = statement(COMPANY)
	assert_adds_up(result)
	assert spring in {figures.campaign for figures in result.campaigns}
	with pytest.raises(frappe.ValidationError, match=spring):
		statement(COMPANY, [spring])


def test_a_renamed_campaign_takes_its_figures_along(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	invoice = sell(customer, [(spring, 100)])
	answer(customer, autumn, 1)
	rule("Last Touch")
	by_rule = sell(customer, [(None, 50)])
	attribute()
	for old in (spring, autumn):
		frappe.rename_doc("Relation Campaign", old, f"{old} neu", force=True, show_alert=False)
	assert (revenue(f"{spring} neu"), revenue(f"{autumn} neu")) == (100, 50)
	rebuild()
	assert rows_of(invoice) == [(f"{spring} neu", 100)] and rows_of(by_rule) == [(f"{autumn} neu", 50)]


def test_an_invoice_that_names_no_campaign_of_the_site_says_so(customer):
	doc = draft(customer, [(None, 100)])
	doc.items[0].relation_campaign = "No such campaign"
	with pytest.raises(frappe.LinkValidationError, match="No such campaign"):
		doc.save()


# Periods and accounts -------------------------------------------------------------------------------


def test_invoices_of_a_closed_period_are_attributed_all_the_same(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	day = add_days(nowdate(), -45)
	answer(customer, autumn, 50)
	direct = sell(customer, [(spring, 100)], posting_date=day)
	by_rule = sell(customer, [(None, 50)], posting_date=day)
	frappe.db.delete("Relation Attribution", {"voucher_no": ["in", [direct.name, by_rule.name]]})
	period = frappe.new_doc("Accounting Period")
	period.update(
		{
			"company": COMPANY,
			"period_name": factories.unique("Monat"),
			"start_date": get_first_day(day),
			"end_date": get_last_day(day),
			"closed_documents": [
				{"document_type": doctype, "closed": 1} for doctype in ("Sales Invoice", "Journal Entry")
			],
		}
	)
	period.insert(ignore_permissions=True)
	rule("Last Touch")
	rebuild()
	assert rows_of(direct) == [(spring, 100)] and rows_of(by_rule) == [(autumn, 50)]
	assert (revenue(spring), revenue(autumn)) == (100, 50)


def test_frozen_accounts_do_not_keep_the_attribution_from_being_written(customer):
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100)], posting_date=add_days(nowdate(), -20))
	frappe.db.delete("Relation Attribution", {"voucher_no": invoice.name})
	frappe.db.set_value("Account", invoice.items[0].income_account, "freeze_account", "Yes")
	if frappe.get_meta("Accounts Settings").has_field("acc_frozen_upto"):
		frappe.db.set_single_value("Accounts Settings", "acc_frozen_upto", nowdate())
	rebuild()
	assert rows_of(invoice) == [(spring, 100)] and revenue(spring) == 100


# Changes during a run -------------------------------------------------------------------------------


def test_an_invoice_submitted_while_a_rebuild_runs_has_its_rows_once(customer, monkeypatch):
	spring = campaign("Frühling")
	sell(customer, [(spring, 100)])
	found, made = queries.invoices_after, []

	def and_one_more(*arguments):
		names = found(*arguments)
		if not made:
			made.append(sell(customer, [(spring, 40)]))
		return names

	monkeypatch.setattr(queries, "invoices_after", and_one_more)
	rebuild()
	assert rows_of(made[0]) == [(spring, 40)]
	assert revenue(spring) == 140


def test_an_invoice_cancelled_while_a_rebuild_runs_gets_no_rows(customer, monkeypatch):
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100)])
	found = queries.invoices_after

	def then_cancelled(*arguments):
		names = found(*arguments)
		if invoice.name in names:
			invoice.reload().cancel()
		return names

	monkeypatch.setattr(queries, "invoices_after", then_cancelled)
	rebuild()
	assert not rows_of(invoice)
	assert revenue(spring) == 0


def test_the_job_locks_the_invoices_that_it_writes_for(customer):
	invoice = sell(customer, [(None, 100)])
	with sent_statements() as sent:
		queries.locked([invoice.name])
	assert sent[0].rstrip().endswith("FOR UPDATE")


# Permissions ----------------------------------------------------------------------------------------


def test_a_user_without_rights_on_the_books_posts_an_invoice_that_is_attributed(customer):
	spring = campaign("Frühling")
	doc = draft(customer, [(spring, 100)])
	user = factories.user(None, "Accounts User")
	frappe.set_user(user)
	assert not frappe.has_permission("Relation Attribution", "create")
	frappe.get_doc("Sales Invoice", doc.name).submit()
	frappe.set_user("Administrator")
	assert rows_of(doc) == [(spring, 100)]


def test_a_user_without_ledger_rights_is_refused_and_not_shown_zeros(customer, monkeypatch):
	frappe.set_user(factories.user(None, "Sales User"))
	monkeypatch.setitem(frappe.flags, "in_test", False)
	with pytest.raises(frappe.PermissionError):
		api.statement(COMPANY)


# Two companies --------------------------------------------------------------------------------------


def test_two_companies_with_the_same_campaign_each_have_their_own_figures(customer):
	spring = campaign("Frühling")
	sell(customer, [(spring, 100)])
	other = factories.unique("Andere GmbH")
	stored("Company", name=other, company_name=other, abbr=other, default_currency="EUR")
	income, receivable = (
		stored(
			"Account",
			name=f"{name} - {other}",
			account_name=name,
			company=other,
			root_type=root,
			account_type=kind,
			is_group=0,
		).name
		for name, root, kind in (("Erlöse", "Income", ""), ("Forderungen", "Asset", "Receivable"))
	)
	name = factories.unique("INV")
	line = {"item_code": factories.item().name, "base_net_amount": 70, "income_account": income}
	voucher = {"company": other, "posting_date": nowdate()}
	stored("Sales Invoice", name=name, docstatus=1, customer=customer, relation_campaign=spring, **voucher)
	stored(
		"Sales Invoice Item",
		name=f"{name}-1",
		parent=name,
		parenttype="Sales Invoice",
		parentfield="items",
		docstatus=1,
		relation_campaign=spring,
		**line,
	)
	for number, (account_, debit, credit) in enumerate(((receivable, 70, 0), (income, 0, 70))):
		stored(
			"GL Entry",
			name=f"{name}-{number}",
			docstatus=1,
			voucher_type="Sales Invoice",
			voucher_no=name,
			account=account_,
			debit=debit,
			credit=credit,
			**voucher,
		)
	with held_back():
		attribution.rebuild(other)
	assert rows_of(name) == [(spring, 70)]
	assert (revenue(spring), revenue(spring, other)) == (100, 70)
	assert str(statement(other).ledger_income) == "70.00"
	assert (sheet_of(spring).profit, sheet_of(spring, other).profit) == (100, 70)


def stored(doctype: str, **values):
	"""Insert a row as it is in the database, without any of ERPNext's processing."""
	doc = frappe.get_doc({"doctype": doctype, **values})
	doc.db_insert()
	return doc


# Check ----------------------------------------------------------------------------------------------


def codes() -> dict[str, object]:
	return {finding.code: finding for finding in checks.findings() if COMPANY in finding.message}


def test_receivables_on_an_account_that_is_no_asset_are_found(customer):
	invoice = sell(customer, [(None, 100)])
	assert "receivable-not-asset" not in codes()
	frappe.db.set_value("Account", invoice.debit_to, "root_type", "Liability")
	finding = codes()["receivable-not-asset"]
	assert finding.level == "error" and invoice.debit_to in finding.message
	assert finding.remedy.startswith("Give the customers a receivable account of root type Asset")
	frappe.db.set_value("Account", invoice.debit_to, "root_type", "Asset")
	assert "receivable-not-asset" not in codes()


def test_a_receivable_of_which_the_payment_ledger_knows_nothing_is_found(customer):
	invoice = sell(customer, [(None, 100)])
	assert "receivable-difference" not in codes()
	frappe.db.delete("Payment Ledger Entry", {"voucher_no": invoice.name})
	finding = codes()["receivable-difference"]
	assert "119.00" in finding.message and invoice.debit_to in finding.message
	assert "General and Payment Ledger Comparison" in finding.remedy
	repost = frappe.new_doc("Repost Payment Ledger")
	repost.update({"company": COMPANY, "posting_date": nowdate()})
	repost.append("repost_vouchers", {"voucher_type": "Sales Invoice", "voucher_no": invoice.name})
	repost.insert()
	repost.db_set("docstatus", 1)
	with held_back():
		start_payment_ledger_repost(repost.name)
	assert "receivable-difference" not in codes()


def test_a_rule_whose_job_has_not_run_for_a_day_is_found():
	doc = rule("Linear")
	assert "attribution-rule-late" not in codes()
	frappe.db.set_value(
		"Relation Attribution Rule", doc.name, {"creation": add_days(nowdate(), -3), "attributed_until": None}
	)
	assert codes()["attribution-rule-late"].level == "warning"
	attribute()
	assert "attribution-rule-late" not in codes()


# The balance sheet of a campaign ----------------------------------------------------------------------


def sheet_of(name: str, company: str = COMPANY):
	"""Return a sheet that balances, has no problem, and has the statement's revenue as profit."""
	sheet = balance_sheet(name, company)
	assert str(sheet.difference) == "0.00" and not sheet.problems
	assert sheet.profit == statement(company, [name]).campaigns[0].margin
	return sheet


def test_the_sheet_of_a_campaign_that_is_gone_says_so_and_that_of_a_renamed_one_is_right(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	sell(customer, [(spring, 100)])
	sell(customer, [(autumn, 50)])
	frappe.rename_doc("Relation Campaign", spring, f"{spring} neu", force=True, show_alert=False)
	frappe.delete_doc("Relation Campaign", autumn, force=True)
	assert sheet_of(f"{spring} neu").profit == 100
	for gone in (spring, autumn, "", "No such campaign"):
		for refused in (balance_sheet, api.balance_sheet, api.repair_vouchers):
			with pytest.raises(frappe.ValidationError, match=gone or "does not exist"):
				refused(gone, COMPANY)


def test_the_sheet_of_a_company_that_is_not_there_or_of_a_day_that_is_none_says_so(customer):
	spring = campaign("Frühling")
	with pytest.raises(frappe.ValidationError, match="No such company"):
		api.balance_sheet(spring, "No such company")
	with pytest.raises(frappe.ValidationError):
		api.balance_sheet(spring, COMPANY, "no date")


def test_the_sheet_is_there_in_closed_periods_and_with_frozen_accounts(customer):
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100)], posting_date=add_days(nowdate(), -20))
	frappe.db.set_value("Account", invoice.items[0].income_account, "freeze_account", "Yes")
	if frappe.get_meta("Accounts Settings").has_field("acc_frozen_upto"):
		frappe.db.set_single_value("Accounts Settings", "acc_frozen_upto", nowdate())
	assert sheet_of(spring).profit == 100


@pytest.mark.parametrize("state", ["off", "disabled"])
def test_without_the_dimension_the_sheet_is_right_and_says_that_there_is_nothing_beside_it(
	customer, monkeypatch, state
):
	spring = campaign("Frühling")
	sell(customer, [(spring, 100)])
	monkeypatch.setattr("crm_relations.ledger.dimension.state", lambda: state)

	def never(*_arguments):
		raise AssertionError("a disabled dimension is no filter: the report would show the whole company")

	monkeypatch.setattr("crm_relations.ledger.balance_sheets.balance_sheet.erpnext_report", never)
	sheet = sheet_of(spring)
	shown = sheet.as_dict()
	assert shown["state"] == state and shown["profit"]["theirs"] is None
	assert not sheet.repairable() and not api.repair_vouchers(spring, COMPANY)["rows"]


def test_a_user_without_rights_on_the_ledger_sees_the_sheet_of_his_role_and_nothing_of_erpnexts(
	customer, monkeypatch
):
	spring = campaign("Frühling")
	sell(customer, [(spring, 100)])
	frappe.set_user(factories.user(None, "Relation Manager"))
	monkeypatch.setitem(frappe.flags, "in_test", False)
	shown = api.balance_sheet(spring, COMPANY)
	assert (shown["state"], shown["profit"]["ours"], shown["may_repair"]) == ("closed", "100.00", False)
	assert shown["profit"]["theirs"] is None
	frappe.set_user(factories.user(None, "Sales User"))
	for refused in (api.balance_sheet, api.preview_repair, api.repair_vouchers):
		with pytest.raises(frappe.PermissionError):
			refused(spring, COMPANY)


def test_an_invoice_cancelled_between_preview_and_repair_is_left_alone(customer, monkeypatch):
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100)])
	voucher = ("Sales Invoice", invoice.name)
	sheet = balance_sheet(spring, COMPANY)
	sheet.reasons, sheet.dates = {voucher: "posted-before"}, {voucher: nowdate()}
	monkeypatch.setattr(repair._Blocks, "why", lambda *_arguments: None)
	invoice.reload().cancel()
	(row,) = repair.repair(sheet)
	assert row["repost"] is None and "cancelled" in row["error"].lower()
	assert not frappe.db.exists("GL Entry", {"voucher_no": invoice.name, "is_cancelled": 0})

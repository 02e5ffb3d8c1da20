"""Test the repost of vouchers with their campaign: what is repaired, what is not and why, unchanged amounts."""

import os
from urllib.parse import quote

import frappe
import pytest
from frappe.utils import add_days, get_first_day, get_last_day, nowdate
from hypothesis import note

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger import api
from crm_relations.ledger.balance_sheets import repair
from crm_relations.ledger.balance_sheets.balance_sheet import balance_sheet
from crm_relations.ledger.statements.statement import statement
from crm_relations.tests.ledger.test_chains import NIGHTLY, SEED, over_random_chains
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.balance import (  # noqa: F401
	balances,
	campaigns_in_the_ledger,
	carried,
	codes,
	posting_anew_allowed,
	sheet_of,
	without_campaign,
)
from crm_relations.tests.support.books.books import campaign, journal, sell
from crm_relations.tests.support.books.chain_changes import ChangingChain
from crm_relations.tests.support.books.sister import sister_company  # noqa: F401
from crm_relations.tests.support.machine.browser import administrators_page, desk_test  # noqa: F401
from crm_relations.tests.support.machine.commits import held_back

pytestmark = pytest.mark.site

CHAINS = int(os.environ.get("CRM_RELATIONS_CHAINS") or (100 if NIGHTLY else 3))


@pytest.fixture
def customer():
	return factories.customer().name


@pytest.fixture
def spring():
	return campaign("Frühling")


def forget(doc) -> None:
	"""Remove the campaign from the posted rows and from the document."""
	without_campaign(doc)
	doc.db_set("relation_campaign", None, update_modified=False)


def one(rows: list[dict], doc) -> dict:
	return next(row for row in rows if row["voucher_no"] == doc.name)


def test_invoice_and_payment_are_posted_anew_with_the_campaign_and_without_another_amount(
	customer, spring, allowed
):
	invoice = sell(customer, [(spring, 100)])
	payment = factories.pay(invoice, 50)
	without_campaign(invoice)
	forget(payment)
	sheet = sheet_of(spring)
	assert codes(sheet) == {invoice.name: "posted-before", payment.name: "payment-without"}
	before = balances()
	plans = repair.plan(sheet)
	assert [row.blocked for row in plans] == [None, None]
	assert carried(invoice) == carried(payment) == {None}  # a preview
	rows = repair.repair(sheet)
	assert [row["error"] for row in rows] == [None, None]
	assert carried(invoice) == carried(payment) == {spring}
	assert frappe.db.get_value("Payment Entry", payment.name, "relation_campaign") == spring
	assert frappe.db.get_value("Sales Invoice", invoice.name, "outstanding_amount") == 69
	assert balances() == before
	after = sheet_of(spring)
	assert not after.reasons and after.their_profit == 100


def test_who_repaired_what_is_kept_in_three_places(customer, spring, allowed):
	invoice = sell(customer, [(spring, 100)])
	without_campaign(invoice)
	user = factories.user(None, "System Manager", "Accounts Manager")
	frappe.set_user(user)
	(row,) = repair.repair(balance_sheet(spring, COMPANY))
	frappe.set_user("Administrator")
	repost = frappe.get_doc("Repost Accounting Ledger", row["repost"])
	assert (repost.owner, repost.docstatus, repost.vouchers[0].voucher_no) == (user, 1, invoice.name)
	for doctype, name in (("Sales Invoice", invoice.name), ("Relation Campaign", spring)):
		comment = frappe.get_last_doc("Comment", {"reference_doctype": doctype, "reference_name": name})
		assert comment.comment_email == user and repost.name in comment.content
	cancelled = frappe.get_all(
		"GL Entry", {"voucher_no": invoice.name, "is_cancelled": 1}, order_by="name asc"
	)
	assert len(cancelled) == 6  # the original rows and their reversals


def test_a_journal_that_settles_invoices_of_the_campaign_is_repaired_with_all_its_rows(
	customer, spring, allowed
):
	invoice = sell(customer, [(spring, 100)])
	party = {"party_type": "Customer", "party": customer}
	party |= {"reference_type": "Sales Invoice", "reference_name": invoice.name}
	paid = journal([(account(COMPANY, "1800"), 119, 0), (invoice.debit_to, 0, 119, party)])
	frappe.db.set_value("Journal Entry Account", {"parent": paid.name}, "relation_campaign", None)
	without_campaign(paid)
	sheet = sheet_of(spring)
	assert codes(sheet) == {paid.name: "journal-without"}
	(row,) = repair.repair(sheet)
	assert not row["error"] and carried(paid) == {spring}
	assert not sheet_of(spring).reasons


def test_a_journal_whose_expense_alone_carries_the_campaign_gets_it_on_the_other_side(spring, allowed):
	spent = journal(
		[
			(account(COMPANY, "6300"), 250, 0, {"relation_campaign": spring}),
			(account(COMPANY, "1800"), 0, 250),
		]
	)
	sheet = sheet_of(spring)
	assert (sheet.total("Asset"), sheet.profit) == (-250, -250)
	assert codes(sheet) == {spent.name: "journal-part"}
	assert sheet.their_profit == 0
	repair.repair(sheet)
	assert carried(spent) == {spring}
	after = sheet_of(spring)
	assert not after.reasons and after.their_profit == -250


def test_a_voucher_of_which_erpnext_would_make_other_amounts_is_left_as_it_was(
	customer, spring, allowed, monkeypatch
):
	invoice, other = sell(customer, [(spring, 100)]), sell(customer, [(spring, 70)])
	without_campaign(invoice)
	without_campaign(other)
	before = balances()
	frappe.db.set_value("Sales Invoice Item", {"parent": invoice.name}, "base_net_amount", 90)
	frappe.db.set_value("Sales Invoice Item", {"parent": invoice.name}, "base_amount", 90)
	frappe.db.set_value("Sales Invoice", invoice.name, "base_grand_total", 109)
	sheet = balance_sheet(spring, COMPANY)
	rows = repair.repair(sheet)
	assert one(rows, invoice)["repost"] is None and one(rows, invoice)["error"]
	assert one(rows, other)["repost"]
	assert carried(invoice) == {None} and carried(other) == {spring}
	assert balances() == before
	assert not frappe.db.exists("GL Entry", {"voucher_no": invoice.name, "is_cancelled": 1})


def closed_year():
	voucher = frappe.get_doc(
		{"doctype": "Period Closing Voucher", "company": COMPANY, "period_end_date": add_days(nowdate(), -10)}
	)
	voucher.name, voucher.docstatus = factories.unique("PCV"), 1
	voucher.db_insert()


def closed_period():
	day = add_days(nowdate(), -20)
	factories.insert(
		"Accounting Period",
		company=COMPANY,
		period_name=factories.unique("Monat"),
		start_date=get_first_day(day),
		end_date=get_last_day(day),
		closed_documents=[{"document_type": "Sales Invoice", "closed": 1}],
	)


def frozen_until():
	if frappe.get_meta("Accounts Settings").has_field("acc_frozen_upto"):
		frappe.db.set_single_value("Accounts Settings", "acc_frozen_upto", add_days(nowdate(), -5))
	else:
		frappe.db.set_value("Company", COMPANY, "accounts_frozen_till_date", add_days(nowdate(), -5))


def frozen_account():
	frappe.db.set_value("Account", account(COMPANY, "4400"), "freeze_account", "Yes")


def disabled_account():
	frappe.db.set_value("Account", account(COMPANY, "4400"), "disabled", 1)


def immutable():
	frappe.db.set_single_value("Accounts Settings", "enable_immutable_ledger", 1)


def not_allowed():
	frappe.db.delete("Repost Allowed Types", {"document_type": "Sales Invoice"})


BLOCKS = {
	closed_year: "The period is closed",
	closed_period: "is closed",
	frozen_until: "Accounts are frozen",
	frozen_account: "is frozen or disabled",
	disabled_account: "is frozen or disabled",
	immutable: "immutable",
	not_allowed: "Repost Accounting Ledger Settings",
}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
def test_what_is_closed_frozen_or_not_allowed_is_left_alone_and_said(customer, spring, allowed, block):
	invoice = sell(customer, [(spring, 100)], posting_date=add_days(nowdate(), -20))
	without_campaign(invoice)
	block()
	sheet = balance_sheet(spring, COMPANY)
	(plan,) = repair.plan(sheet)
	assert BLOCKS[block] in plan.blocked
	(row,) = repair.repair(sheet)
	assert row["blocked"] == plan.blocked and row["repost"] is None
	assert carried(invoice) == {None}
	assert not frappe.db.exists("Repost Accounting Ledger Items", {"voucher_no": invoice.name})


def test_an_invoice_with_deferred_revenue_is_left_alone(customer, spring, allowed):
	invoice = sell(customer, [(spring, 100)])
	voucher = ("Sales Invoice", invoice.name)
	assert repair._Blocks(COMPANY, [voucher], {voucher: nowdate()}).why(voucher) is None
	frappe.db.set_value("Sales Invoice Item", {"parent": invoice.name}, "enable_deferred_revenue", 1)
	assert "defers revenue" in repair._Blocks(COMPANY, [voucher], {voucher: nowdate()}).why(voucher)


def test_who_may_not_post_anew_is_told_nothing_of_repairs_and_refused(customer, spring, allowed, monkeypatch):
	invoice = sell(customer, [(spring, 100)])
	without_campaign(invoice)
	frappe.set_user(factories.user(None, "Accounts Manager"))
	monkeypatch.setitem(frappe.flags, "in_test", False)
	assert api.balance_sheet(spring, COMPANY)["may_repair"] is False
	for refused in (api.preview_repair, api.repair_vouchers):
		with pytest.raises(frappe.PermissionError):
			refused(spring, COMPANY)
	assert carried(invoice) == {None}


def test_who_may_not_submit_the_voucher_leaves_it_alone(customer, spring, allowed):
	invoice = sell(customer, [(spring, 100)])
	without_campaign(invoice)
	frappe.set_user(factories.user(None, "System Manager", "Auditor"))
	(plan,) = repair.plan(balance_sheet(spring, COMPANY))
	assert "You may not submit" in plan.blocked


def test_with_the_right_the_button_previews_and_repairs(customer, spring, allowed):
	invoice = sell(customer, [(spring, 100)])
	without_campaign(invoice)
	frappe.set_user(factories.user(None, "System Manager", "Accounts Manager"))
	assert api.balance_sheet(spring, COMPANY)["may_repair"] is True
	(row,) = api.preview_repair(spring, COMPANY)
	assert (row["voucher_no"], row["blocked"]) == (invoice.name, None)
	(row,) = api.repair_vouchers(spring, COMPANY)["rows"]
	assert row["repost"] and carried(invoice) == {spring}


def test_many_vouchers_are_posted_anew_by_a_job(customer, spring, allowed, monkeypatch):
	invoice = sell(customer, [(spring, 100)])
	without_campaign(invoice)
	queued = []
	monkeypatch.setattr(repair, "AT_ONCE", 0)
	monkeypatch.setattr(frappe, "enqueue", lambda method, **options: queued.append((method, options)) or True)
	assert "1 vouchers are being reposted" in api.repair_vouchers(spring, COMPANY)["message"]
	((method, options),) = queued
	assert carried(invoice) == {None}
	with held_back():
		method(**{name: options[name] for name in ("campaign", "company", "to_date", "user")})
	assert carried(invoice) == {spring}


@pytest.mark.slow
def test_random_chains_posted_before_the_switch_are_repaired_without_another_amount(allowed, sister):
	outcome = {"repaired": 0, "left": 0}

	@over_random_chains(CHAINS)
	def repaired(currency, taxes, _everybody, course):
		chain = ChangingChain(currency=currency, taxes=taxes)
		chain.campaigns[1] = chain.campaigns[0]  # of several campaigns, few vouchers could be repaired
		for name, *arguments in course:
			note(f"{name}{tuple(arguments)}")
			chain.do(name, *arguments)
		posted_without(chain)
		before = balances()
		for name in chain.campaigns[:1]:
			figures = statement(COMPANY, [name]).as_dict()
			for row in repair.repair(sheet_of(name)):
				outcome["repaired" if row["repost"] else "left"] += 1
				note(row)
			assert balances() == before
			assert statement(COMPANY, [name]).as_dict() == figures
			sheet_of(name)

	repaired()
	print(f"seed {SEED}: {outcome}")
	assert outcome["repaired"]


def posted_without(chain) -> None:
	"""Remove the campaigns, as if the chain was posted before campaigns were reported in the ledger."""
	names = [doc.name for doc in chain.posted]
	for doctype in ("GL Entry", "Payment Ledger Entry"):
		frappe.db.set_value(doctype, {"voucher_no": ["in", names]}, "relation_campaign", None)


# In the browser -------------------------------------------------------------------------------------


@pytest.fixture
def committed(customer, spring, allowed):
	"""Commit an invoice of the campaign and a payment without it; cancel them afterwards."""
	invoice = sell(customer, [(spring, 100)])
	payment = factories.pay(invoice)
	forget(payment)
	frappe.db.commit()
	yield payment
	frappe.db.rollback()
	for doc in (payment, invoice):
		doc.reload().cancel()
	frappe.db.delete("Repost Allowed Types")
	frappe.db.commit()


@desk_test
def test_from_the_campaign_to_its_balance_sheet_and_by_the_button_to_one_that_equals_erpnexts(
	page, committed, spring
):
	page.goto(f"/app/relation-campaign/{spring}")
	page.click(".inner-group-button:has-text('View') button", timeout=60_000)
	page.click(".dropdown-item:has-text('Balance Sheet'):visible")
	page.wait_for_selector("[data-balanced='1']", timeout=60_000)
	assert page.url.endswith(quote(f"campaign-balance-sheet/{spring}"))
	page.wait_for_selector("[data-reason='payment-without']")
	assert page.is_visible(f"[data-reason='payment-without'] a:has-text('{committed.name}')")
	page.click(".primary-action:has-text('Repair (1)')")
	page.wait_for_selector(".modal.show td:has-text('To be reposted')")
	frappe.db.rollback()
	assert carried(committed) == {None}
	page.click(".modal.show .btn-primary:has-text('Repost 1')")
	page.wait_for_selector(".modal.show .msgprint a[href*='repost-accounting-ledger']", timeout=60_000)
	page.wait_for_selector("[data-reason]", state="detached")
	assert not page.is_visible(".primary-action:has-text('Repair')")
	frappe.db.rollback()
	assert carried(committed) == {spring}
	assert not page.errors


@desk_test
def test_the_sheet_shows_totals_of_both_sides_and_is_printed_and_exported_without_repair(
	page, committed, spring
):
	page.goto(f"/app/campaign-balance-sheet/{quote(spring)}")
	page.wait_for_selector("[data-balanced='1']", timeout=60_000)
	sides = [
		page.inner_text(f"[data-line='{name}'] td:nth-child(2)") for name in ("total-assets", "total-others")
	]
	assert sides[0] == sides[1] and "119" in sides[0]
	assert spring in page.inner_text("h4")
	address = "/api/method/crm_relations.ledger.api.balance_sheet_"
	asked = f"?campaign={quote(spring)}&company={quote(COMPANY)}&language=de"
	fetch = "address => fetch(address).then((answer) => answer.text())"
	table = page.evaluate(fetch, f"{address}csv?campaign={quote(spring)}&company={quote(COMPANY)}")
	assert "Total Assets;119.00" in table and "Repair" not in table
	assert page.evaluate(fetch, f"{address}pdf{asked}").startswith("%PDF")
	page.goto(f"/app/query-report/Campaign Statement?company={quote(COMPANY)}")
	page.wait_for_selector(".dt-row >> text=Difference", timeout=60_000)
	assert page.evaluate("frappe.query_report.get_filter_value('from_date')") == f"{nowdate()[:4]}-01-01"
	assert not page.errors

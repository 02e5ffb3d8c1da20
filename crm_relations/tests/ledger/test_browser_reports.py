"""Test the accounting reports at the desk in German: rows, charts, drill-down and print."""

import frappe
import pytest

from crm_relations.demo.company import COMPANY
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, sell
from crm_relations.tests.support.machine.browser import MARKS, administrators_page  # noqa: F401
from crm_relations.tests.support.printed import Printed

pytestmark = MARKS


@pytest.fixture
def books():
	"""Commit an invoice of a campaign, paid in part, and a reader with a German desk; cancel it afterwards."""
	language = frappe.db.get_value("User", "Administrator", "language")
	frappe.db.set_value("User", "Administrator", "language", "de")
	invoice = sell(factories.customer().name, [(campaign("Frühling"), 2345.67), (None, 10)])
	payment = factories.pay(invoice, 1000)
	paid = sell(invoice.customer, [(invoice.items[0].relation_campaign, 5)])
	payment_of_paid = factories.pay(paid)
	frappe.db.commit()
	frappe.clear_cache(user="Administrator")
	yield invoice
	frappe.db.rollback()
	for doc in (payment, payment_of_paid, invoice, paid):
		doc.reload()
		doc.cancel()
	frappe.db.set_value("User", "Administrator", "language", language)
	frappe.db.commit()
	frappe.clear_cache(user="Administrator")


def open_report(page, name: str, filters: str = "", chart: bool = True) -> str:
	page.goto(f"/app/query-report/{name}?company={COMPANY}{filters}")
	page.wait_for_selector(".dt-row-0 .dt-cell", timeout=60_000)
	if chart:
		page.wait_for_selector("svg.frappe-chart", timeout=30_000)
	page.wait_for_selector(".report-summary .summary-value", timeout=30_000)
	return page.inner_text(".layout-main-section")


def test_the_reports_show_their_rows_and_lead_down_to_the_vouchers(page, books):
	name = books.items[0].relation_campaign
	only = f'&campaigns=["{name}"]'
	shown = open_report(page, "Campaign Comparison", only)
	assert name in shown and "Rohertrag" in shown and "2.350,67" in shown
	shown = open_report(page, "Quote to Cash", only)
	assert books.name in shown and "Rechnungssumme" in shown
	shown = open_report(page, "Receivables by Campaign and Segment", "&vouchers=1")
	assert "Keine Kampagne" in shown and "Nicht fällig" in shown
	shown = open_report(page, "Campaign Statement", only)
	assert "2.350,67" in shown and "Hauptbuch" in shown
	page.click("[data-drill] >> text=Forderungen", timeout=30_000)
	page.wait_for_selector("[data-vouchers]", timeout=30_000)
	vouchers = page.inner_text("[data-vouchers]")
	assert books.name in vouchers and "2.791,35" in vouchers and "Summe" in vouchers
	page.click(".modal.show .btn-modal-close")
	page.wait_for_selector("[data-vouchers]", state="hidden", timeout=30_000)
	page.evaluate("window.open = (address) => (window.asked = address)")
	page.click(
		"button:has-text('Als PDF drucken'):visible, .inner-group-button:has-text('Als PDF drucken') button"
	)
	page.click("text=auf Deutsch")
	content = page.evaluate(
		"fetch(window.asked).then((answer) => answer.arrayBuffer()).then((all) => [...new Uint8Array(all)])"
	)
	text = Printed(bytes(content))
	assert "Kampagnenabrechnung" in text and "2.350,67" in text and name in text
	shown = open_report(page, "Campaign Statement", f"{only}&by_account=1", chart=False)
	assert "Nicht zugerechnet" in shown and "-2.350,67" in shown and "Erlöse im Hauptbuch" in shown
	assert not page.errors

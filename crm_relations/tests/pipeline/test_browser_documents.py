"""Test what the desk adds to ERPNext's documents: campaigns, document flow and the link to a customer file."""

from collections.abc import Iterator
from urllib.parse import quote

import frappe
import pytest
from frappe.model.document import Document

from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, sell
from crm_relations.tests.support.machine.browser import MARKS, administrators_page  # noqa: F401

pytestmark = MARKS


@pytest.fixture
def invoice() -> Iterator[Document]:
	"""Commit a paid invoice of a campaign; cancel it afterwards."""
	sold = sell(factories.customer().name, [(campaign("Frühling"), 1234.5)])
	payment = factories.pay(sold)
	frappe.db.commit()
	yield sold
	frappe.db.rollback()
	for doc in (payment, sold):
		doc.reload().cancel()
	frappe.db.commit()


def test_an_invoice_names_its_campaigns_and_says_why(page, invoice):
	name = invoice.items[0].relation_campaign
	page.goto(f"/app/sales-invoice/{invoice.name}")
	link = page.wait_for_selector(f".form-message a:has-text('{name}')", timeout=60_000)
	assert link.get_attribute("href").endswith(f"/relation-campaign/{quote(name)}")
	assert "1.234,50" in page.inner_text(".form-message:visible")
	page.click(".inner-group-button:has-text('View') button")
	page.click(".dropdown-item:has-text('Why This Campaign?'):visible")
	page.wait_for_selector(f".modal.show td a:has-text('{name}')", timeout=30_000)
	assert "The document carries it." in page.inner_text(".modal.show")
	assert not page.errors


def test_the_process_chain_is_walked_with_the_arrow_keys(page, invoice):
	page.goto(f"/app/process-chain/Sales Invoice/{invoice.name}")
	start = page.wait_for_selector(".chain-box[aria-current=true]", timeout=60_000)
	assert invoice.name in start.inner_text() and "1.469,06" in start.get_attribute("aria-label")
	focused = "document.activeElement.dataset.key"
	first = page.evaluate(focused)
	assert first == start.get_attribute("data-key")
	page.keyboard.press("ArrowRight")
	second = page.evaluate(focused)
	assert second not in (None, first)
	assert page.query_selector(f"path.chain-near[data-to='{second}']")
	page.keyboard.press("ArrowLeft")
	page.keyboard.press("Home")
	assert "purple" in page.evaluate("document.activeElement.style.borderLeft")
	ledger = page.query_selector(".chain-box[href*='General%20Ledger']")
	assert "Dr." in ledger.inner_text() and "voucher_no=" in ledger.get_attribute("href")
	assert not page.errors

"""Test the printed statement in German and English: every figure, letter head and page numbers."""

from decimal import Decimal

import frappe
import pytest

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger import api
from crm_relations.ledger.reports import statement_print
from crm_relations.ledger.statements.figures import DETAILS
from crm_relations.ledger.statements.statement import statement
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, journal, sell
from crm_relations.tests.support.printed import Printed

pytestmark = pytest.mark.site

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def books() -> str:
	"""Create a campaign with revenue in thousands, a payment and a write-off."""
	spring = campaign("Frühlingsgrüße")
	invoice = sell(factories.customer().name, [(spring, 12345.67), (None, 10)])
	sell(factories.customer().name, [(spring, 1000)])
	factories.pay(invoice, 5000)
	party = {"party_type": "Customer", "party": invoice.customer}
	party |= {"reference_type": "Sales Invoice", "reference_name": invoice.name}
	journal([(account(COMPANY, "6300"), 5, 0), (invoice.debit_to, 0, 5, party)])
	return spring


def written(value: Decimal | None, language: str) -> str:
	if value is None:
		return "–"
	text = f"{value:,.2f}"
	return text.translate(str.maketrans(",.", ".,")) if language == "de" else text


WORDS = {
	"de": (
		"Kampagnenabrechnung",
		"Beträge in EUR",
		"Wareneinsatz",
		"Erlöse im Hauptbuch",
		"Seite 1 von",
		"Soll",
	),
	"en": (
		"Campaign Statement",
		"Amounts in EUR",
		"Cost of Goods",
		"Income in the ledger",
		"Page 1 of",
		"Debit",
	),
}


@pytest.mark.parametrize("font", [None, "DejaVu Sans"], ids=["our font", "another font"])
@pytest.mark.parametrize("language", ["de", "en"])
def test_the_printed_statement_has_every_figure_and_account_as_the_language_writes_them(
	books, language, font, monkeypatch
):
	if font:
		monkeypatch.setattr(statement_print.pdf, "FONT_FAMILIES", f"'{font}', sans-serif")
	result = statement(COMPANY, [books])
	text = Printed(statement_print.as_pdf(result, language))
	(figures,) = result.campaigns
	assert figures.revenue == Decimal("13345.67")
	with statement_print.print_language(language):
		labels = statement_print.figure_labels()
	assert set(labels) >= set(figures.as_dict()) - {"campaign"} and set(labels) | {"direct"} >= set(DETAILS)
	for name, label in labels.items():
		value = written(getattr(figures, name), language)
		assert f"{label} {value}" in text, (name, value)
	for row in result.accounts:
		assert row.account.split(" - ")[0] in text
		for amount in (row.debit, row.credit):
			assert written(amount, language) in text
	for amount in (result.not_attributed, result.other_campaigns, result.ledger_income):
		assert written(amount, language) in text
	assert all(word in text for word in WORDS[language]), text.text
	assert books in text and COMPANY in text and text.pages >= 1


def test_the_letter_head_of_the_company_is_on_it_with_its_picture_and_nothing_from_elsewhere(books):
	file = factories.insert(
		"File", file_name=factories.unique("logo") + ".png", content=PICTURE, decode=True, is_private=0
	)
	head = factories.insert(
		"Letter Head",
		letter_head_name=factories.unique("Kopf"),
		source="HTML",
		content=f"<b>Domstraße 7, Köln</b><img src='{file.file_url}'><img src='http://127.0.0.1:1/x.png'>"
		"<img src='/private/files/../../site_config.json'>",
	)
	frappe.db.set_value("Company", COMPANY, "default_letter_head", head.name)
	frappe.clear_document_cache("Company", COMPANY)
	page = statement_print.as_html(statement(COMPANY, [books]), "de")
	assert page.count("<img") == 1 and "data:image/png;base64," in page
	assert "Domstraße 7, Köln" in Printed(statement_print.as_pdf(statement(COMPANY, [books]), "de"))
	frappe.clear_document_cache("Company", COMPANY)


def test_several_campaigns_have_an_overview_and_a_name_is_text_not_html(books):
	other = campaign("Herbst & Co")
	sell(factories.customer().name, [(other, 50)])
	page = statement_print.as_html(statement(COMPANY, [books, other]), "en")
	assert "Overview" in page and "Herbst &amp; Co" in page and "Herbst & Co" not in page


def test_a_difference_is_printed_with_its_vouchers(books):
	row = frappe.get_all(
		"Relation Attribution", {"campaign": books}, ["name", "voucher_no"], order_by="amount desc"
	)[0]
	frappe.db.set_value("Relation Attribution", row.name, "amount", 1)
	text = Printed(statement_print.as_pdf(statement(COMPANY, [books]), "de"))
	assert row.voucher_no in text and "12.344,67" in text


def test_the_file_comes_by_the_api_to_who_may_read_the_books(books):
	api.statement_pdf(COMPANY, [books], language="de")
	assert frappe.response.type == "pdf" and frappe.response.filename.endswith(".pdf")
	assert "13.345,67" in Printed(frappe.response.filecontent)
	with pytest.raises(frappe.ValidationError, match="Language xx does not exist"):
		api.statement_pdf(COMPANY, language="xx")
	frappe.set_user(factories.user(None, "Stock User"))
	frappe.flags.in_test = False
	try:
		with pytest.raises(frappe.PermissionError):
			api.statement_pdf(COMPANY)
	finally:
		frappe.flags.in_test = True


def test_without_a_pdf_engine_that_is_said(books, monkeypatch):
	def broken(_html):
		raise OSError("cannot load library 'libpango-1.0-0'")

	monkeypatch.setattr(statement_print.pdf, "from_html", broken)
	with pytest.raises(frappe.ValidationError, match="libpango"):
		statement_print.as_pdf(statement(COMPANY, [books]), "de")

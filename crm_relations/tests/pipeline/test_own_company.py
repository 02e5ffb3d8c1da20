"""Test that a campaign of one company never blocks a document of another, with and without the dimension.

Changing the dimension commits, so that these tests cannot be rolled back. The switch is restored after them.
"""

from collections.abc import Callable

import frappe
import pytest
from erpnext.accounts.doctype.accounting_dimension.accounting_dimension import (
	get_doctypes_with_dimensions,
	toggle_disabling,
)
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from erpnext.accounts.doctype.sales_invoice.sales_invoice import make_inter_company_purchase_invoice
from erpnext.controllers.accounts_controller import AccountsController
from frappe.model.base_document import get_controller
from frappe.model.document import Document
from frappe.utils import add_days, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger import dimension
from crm_relations.pipeline import own_company
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.balance import switch
from crm_relations.tests.support.books.books import journal
from crm_relations.tests.support.books.sister import SISTER, leaf, sister_company  # noqa: F401
from crm_relations.tests.support.books.till import Till

pytestmark = pytest.mark.site

STATES = ("on", "disabled", "off")


@pytest.fixture(scope="module", params=STATES, name="state", autouse=True)
def state_of_the_dimension(request, sister):
	"""Switch the dimension on, disable it in ERPNext, or switch it off."""
	before = frappe.db.get_single_value("Relation Settings", "campaign_dimension")
	switch(request.param != "off")
	if request.param == "disabled":
		doc = dimension.current()
		doc.disabled = 1
		doc.save()
		toggle_disabling(frappe.as_json(doc))
		frappe.db.commit()
	yield request.param
	frappe.db.rollback()
	switch(bool(before))


def campaign_of(company: str | None) -> str:
	doc = factories.campaign(company=company)
	assert doc.company == company
	return doc.name


@pytest.fixture
def party(sister):
	"""Create a customer and a supplier of both companies, a service, and goods in stock."""
	goods = factories.insert(
		"Item", item_code=factories.unique("WARE"), item_group="Products", stock_uom="Nos", is_stock_item=1
	).name
	return frappe._dict(
		customer=factories.customer().name,
		supplier=factories.insert(
			"Supplier",
			supplier_name=factories.unique("Lieferant"),
			supplier_group=frappe.db.get_value("Supplier Group", {"is_group": 0}),
		).name,
		service=factories.item().name,
		goods=goods,
	)


# One draft of each type, with company, party, and a campaign in header and rows where the field exists -----------------


def with_campaign(doc: Document, campaign: str | None) -> Document:
	for part in (doc, *doc.get_all_children()):
		if part.meta.has_field("relation_campaign"):
			part.set("relation_campaign", campaign)
	return doc


def lines(party: frappe._dict, warehouse: str | None = None, **values) -> list[dict]:
	return [
		{**factories.line(party.service, 1, rate), "uom": "Nos", "conversion_factor": 1, **values}
		for rate in (100, 50)
	]


def warehouse(company: str) -> str:
	return frappe.db.get_value("Warehouse", {"company": company, "is_group": 0, "warehouse_name": "Stores"})


def sold(doctype: str, dated: str | None = None, **values) -> Callable[[str, frappe._dict], Document]:
	def draft(company: str, party: frappe._dict) -> Document:
		customer = {"party_name": party.customer} if doctype == "Quotation" else {"customer": party.customer}
		return frappe.get_doc(
			{
				"doctype": doctype,
				"company": company,
				"items": lines(party),
				**customer,
				**in_a_week(dated),
				**values,
			}
		)

	return draft


def bought(doctype: str, dated: str | None = None) -> Callable[[str, frappe._dict], Document]:
	def draft(company: str, party: frappe._dict) -> Document:
		expense = leaf(company, root_type="Expense", account_type="Cost of Goods Sold") or leaf(
			company, root_type="Expense"
		)
		of_lines = {"expense_account": expense} if doctype != "Supplier Quotation" else {}
		return frappe.get_doc(
			{
				"doctype": doctype,
				"company": company,
				"supplier": party.supplier,
				"items": lines(party, schedule_date=add_days(nowdate(), 7), **of_lines),
				**({"credit_to": payable(company)} if doctype == "Purchase Invoice" else {}),
				**in_a_week(dated),
			}
		)

	return draft


def in_a_week(field: str | None) -> dict:
	return {field: add_days(nowdate(), 7)} if field else {}


def payable(company: str) -> str:
	return leaf(company, root_type="Liability", account_type="Payable")


def till(company: str, party: frappe._dict) -> Document:
	doc = Till().draft(party.customer, [(None, 100), (None, 50)])
	assert doc.company == company
	return doc


def payment(company: str, party: frappe._dict) -> Document:
	invoice = factories.invoice(party.customer, [(party.service, 1, 100)], company=company)
	entry = get_payment_entry("Sales Invoice", invoice.name)
	entry.paid_to = account(company, "1800")
	entry.update({"reference_no": "Test", "reference_date": nowdate()})
	return entry


def booking(company: str, _party: frappe._dict) -> Document:
	return journal(
		[(account(company, "1800"), 10, 0), (account(company, "1600"), 0, 10)], submit=False, company=company
	)


def receipt(company: str, party: frappe._dict) -> Document:
	return frappe.get_doc(
		{
			"doctype": "Stock Entry",
			"stock_entry_type": "Material Receipt",
			"purpose": "Material Receipt",
			"company": company,
			"items": [
				{"item_code": party.goods, "qty": 2, "basic_rate": 5, "t_warehouse": warehouse(company)}
			],
		}
	)


def stocktaking(company: str, party: frappe._dict) -> Document:
	return frappe.get_doc(
		{
			"doctype": "Stock Reconciliation",
			"company": company,
			"purpose": "Stock Reconciliation",
			"expense_account": leaf(company, root_type="Liability", account_type=""),
			"items": [
				{
					"item_code": party.goods,
					"warehouse": warehouse(company),
					"qty": 3 + frappe.db.count("Stock Reconciliation"),
					"valuation_rate": 5,
				}
			],
		}
	)


def request(company: str, party: frappe._dict) -> Document:
	return frappe.get_doc(
		{
			"doctype": "Material Request",
			"company": company,
			"material_request_type": "Purchase",
			"schedule_date": add_days(nowdate(), 7),
			"items": lines(party, schedule_date=add_days(nowdate(), 7)),
		}
	)


DRAFTS: dict[str, Callable[[str, frappe._dict], Document]] = {
	"Quotation": sold("Quotation", quotation_to="Customer"),
	"Sales Order": sold("Sales Order", "delivery_date"),
	"Delivery Note": sold("Delivery Note"),
	"Sales Invoice": sold("Sales Invoice", "due_date"),
	"POS Invoice": till,
	"Payment Entry": payment,
	"Journal Entry": booking,
	"Supplier Quotation": bought("Supplier Quotation"),
	"Purchase Order": bought("Purchase Order", "schedule_date"),
	"Purchase Receipt": bought("Purchase Receipt"),
	"Purchase Invoice": bought("Purchase Invoice"),
	"Material Request": request,
	"Stock Entry": receipt,
	"Stock Reconciliation": stocktaking,
}


@pytest.mark.parametrize("doctype", DRAFTS)
def test_a_document_is_submitted_and_keeps_only_a_campaign_of_its_company_or_of_none(doctype, party, state):
	for company in (COMPANY,) if doctype == "POS Invoice" else (COMPANY, SISTER):
		for of_campaign in (None, COMPANY, SISTER):
			campaign = campaign_of(of_campaign)
			doc = with_campaign(DRAFTS[doctype](company, party), campaign)
			doc.insert(ignore_permissions=True)
			# as another app, or a user through the database, may have left it
			stored(doc, campaign)
			doc = frappe.get_doc(doctype, doc.name)
			doc.submit()
			expected = campaign if of_campaign in (None, company) else None
			for part in (doc, *doc.get_all_children()):
				if part.meta.has_field("relation_campaign") and part.get("parentfield") != "payments":
					kept = part.get("relation_campaign") or None
					assert kept == expected, (state, company, of_campaign, part.doctype)


def stored(doc: Document, campaign: str) -> None:
	for part in (doc, *doc.get_all_children()):
		if part.meta.has_field("relation_campaign"):
			frappe.db.set_value(part.doctype, part.name, "relation_campaign", campaign, update_modified=False)


@pytest.mark.parametrize("state", ["on"], indirect=True, scope="module")
def test_every_document_whose_dimensions_erpnext_checks_loses_the_campaign_of_another_company(state, sister):
	foreign, known = campaign_of(SISTER), []
	for doctype in get_doctypes_with_dimensions():
		if not issubclass(get_controller(doctype), AccountsController):
			continue
		meta = frappe.get_meta(doctype)
		doc = frappe.get_doc({"doctype": doctype, "company": COMPANY})
		if not meta.has_field("company"):
			continue
		for table in meta.get_table_fields():
			if frappe.get_meta(table.options).has_field("relation_campaign"):
				doc.append(table.fieldname, {"relation_campaign": foreign})
		if meta.has_field("relation_campaign"):
			doc.relation_campaign = foreign
		if own_company.may_be_refused(doc):
			own_company.take_off_foreign(doc)
		doc.validate_company_in_accounting_dimension()
		known.append(doctype)
	assert {"Asset", "Purchase Order", "Subcontracting Receipt", "Sales Invoice"} <= set(known)


def test_a_quotation_typed_by_hand_for_a_lead_of_another_companys_campaign_is_submitted(party, state):
	lead = factories.lead(relation_campaign=campaign_of(SISTER)).name
	doc = frappe.get_doc(
		{
			"doctype": "Quotation",
			"quotation_to": "Lead",
			"party_name": lead,
			"company": COMPANY,
			"items": lines(party),
		}
	)
	doc.insert()
	doc.submit()
	assert not doc.relation_campaign and not any(row.relation_campaign for row in doc.items)
	assert frappe.db.get_value("Lead", lead, "relation_campaign")


def test_the_purchase_invoice_that_mirrors_a_sale_to_the_sister_is_submitted(party, state):
	customer = factories.customer(
		is_internal_customer=1, represents_company=SISTER, companies=[{"company": COMPANY}]
	).name
	supplier = factories.insert(
		"Supplier",
		supplier_name=factories.unique("Mutter"),
		supplier_group=frappe.db.get_value("Supplier Group", {"is_group": 0}),
		is_internal_supplier=1,
		represents_company=COMPANY,
		companies=[{"company": SISTER}],
	).name
	campaign = campaign_of(COMPANY)
	prices = frappe.db.get_value("Price List", {"selling": 1})
	frappe.db.set_value("Price List", prices, "buying", 1)
	sale = with_campaign(
		factories.invoice(customer, [(party.service, 1, 100)], taxed=False, submit=False), campaign
	)
	sale.selling_price_list = prices
	sale.unrealized_profit_loss_account = leaf(COMPANY, root_type="Liability", account_type="")
	sale.save()
	sale.submit()
	assert sale.items[0].relation_campaign == campaign
	bought = make_inter_company_purchase_invoice(sale.name)
	assert bought.company == SISTER and bought.supplier == supplier
	bought.bill_no = "Test"
	bought.credit_to = payable(SISTER)
	for row in bought.items:
		row.expense_account = leaf(SISTER, root_type="Expense")
		row.cost_center = frappe.get_cached_value("Company", SISTER, "cost_center")
	bought.insert()
	bought.submit()
	assert not [part for part in (bought, *bought.items) if part.get("relation_campaign")]


def test_a_campaign_without_a_company_is_not_saved_with_the_users_default():
	assert frappe.defaults.get_user_default("company")
	doc = factories.campaign()
	assert not doc.company and not frappe.db.get_value("Relation Campaign", doc.name, "company")


def test_the_user_is_told_that_a_campaign_was_taken_off(party):
	foreign = campaign_of(SISTER)
	doc = with_campaign(DRAFTS["Sales Invoice"](COMPANY, party), foreign)
	doc.insert()
	told = [str(message) for message in frappe.local.message_log]
	assert any(foreign in message for message in told)

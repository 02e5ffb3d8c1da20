"""Test that relation and campaign are passed on along ERPNext's documents, made with ERPNext's own functions."""

import frappe
import pytest
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from erpnext.accounts.doctype.sales_invoice.sales_invoice import make_sales_return
from erpnext.crm.doctype.lead.lead import make_opportunity
from erpnext.crm.doctype.lead.lead import make_quotation as make_quotation_from_lead
from erpnext.crm.doctype.opportunity.opportunity import make_quotation
from erpnext.selling.doctype.quotation.quotation import make_sales_order
from erpnext.selling.doctype.sales_order.sales_order import make_delivery_note, make_sales_invoice
from erpnext.stock.doctype.delivery_note.delivery_note import make_sales_invoice as make_invoice_from_delivery
from frappe.utils import add_days, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.pipeline import provenance
from crm_relations.relations.identities import identity
from crm_relations.tests.support import factories as make
from crm_relations.tests.support.books.chain_steps import LongChain
from crm_relations.tests.support.books.statements import sent_statements

pytestmark = pytest.mark.site


@pytest.fixture
def spring():
	return make.campaign("Frühling " + frappe.generate_hash(length=6)).name


@pytest.fixture
def autumn():
	return make.campaign("Herbst " + frappe.generate_hash(length=6)).name


@pytest.fixture
def product():
	return make.item()


def insert(doc):
	doc.insert(ignore_permissions=True)
	return doc


def submit(doc):
	insert(doc)
	doc.submit()
	return doc


def order(customer: str, product, qty: float = 1, campaign: str | None = None, lines: int = 1, **values):
	return submit(
		frappe.get_doc(
			{
				"doctype": "Sales Order",
				"company": COMPANY,
				"customer": customer,
				"transaction_date": nowdate(),
				"delivery_date": add_days(nowdate(), 7),
				"relation_campaign": campaign,
				"items": [make.line(product.name, qty, 100) for _ in range(lines)],
				**values,
			}
		)
	)


def rows(doc) -> list[str | None]:
	return [row.relation_campaign or None for row in doc.items]


def invoice_of(*orders):
	invoice = None
	for source in orders:
		invoice = make_sales_invoice(source.name, target_doc=invoice)
	return invoice


def test_campaign_and_relation_travel_from_the_lead_to_the_payment(spring, product):
	lead = make.lead(company_name=make.unique("Interessent GmbH"), relation_campaign=spring)
	relation = identity.relation_of("Lead", lead.name)
	assert relation

	opportunity = make_opportunity(lead.name)
	opportunity.append("items", {"item_code": product.name, "qty": 1, "rate": 100})
	insert(opportunity)
	quotation = submit(make_quotation(opportunity.name))
	sales_order = make_sales_order(quotation.name)
	sales_order.delivery_date = add_days(nowdate(), 7)
	submit(sales_order)
	delivery = submit(make_delivery_note(sales_order.name))
	invoice = submit(make_invoice_from_delivery(delivery.name))
	payment = get_payment_entry("Sales Invoice", invoice.name)
	payment.reference_no, payment.reference_date = "1", nowdate()
	submit(payment)

	for doc in (opportunity, quotation, sales_order, delivery, invoice, payment):
		assert doc.relation_campaign == spring, doc.doctype
		assert doc.relation == relation, doc.doctype
	for doc in (quotation, sales_order, delivery, invoice):
		assert rows(doc) == [spring], doc.doctype


def test_a_quotation_without_lines_from_the_opportunity_gets_its_campaign(spring, product):
	lead = make.lead(relation_campaign=spring)
	opportunity = insert(make_opportunity(lead.name))
	quotation = make_quotation(opportunity.name)
	quotation.append("items", make.line(product.name, 1, 100))
	insert(quotation)
	assert quotation.opportunity == opportunity.name
	assert (quotation.relation_campaign, rows(quotation)) == (spring, [spring])


def test_a_quotation_straight_from_the_lead_gets_the_campaign_of_the_lead(spring, product):
	lead = make.lead(relation_campaign=spring)
	quotation = make_quotation_from_lead(lead.name)
	quotation.append("items", make.line(product.name, 1, 100))
	insert(quotation)
	assert (quotation.relation_campaign, rows(quotation)) == (spring, [spring])


def test_an_opportunity_made_by_hand_gets_the_campaign_of_its_lead(spring):
	lead = make.lead(relation_campaign=spring)
	opportunity = make.insert("Opportunity", opportunity_from="Lead", party_name=lead.name, company=COMPANY)
	assert opportunity.relation_campaign == spring
	assert opportunity.relation == identity.relation_of("Lead", lead.name)


def test_a_campaign_typed_in_the_header_fills_the_rows(spring, product):
	sales_order = order(make.customer().name, product, campaign=spring, lines=3)
	assert rows(sales_order) == [spring] * 3


def test_a_typed_campaign_fills_empty_rows_only_and_the_header_is_emptied_when_rows_differ(
	spring, autumn, product
):
	sales_order = order(
		make.customer().name,
		product,
		campaign=spring,
		items=[
			make.line(product.name, 1, 100),
			make.line(product.name, 1, 100, relation_campaign=autumn),
		],
	)
	assert rows(sales_order) == [spring, autumn]
	assert not sales_order.relation_campaign


def test_rows_follow_when_the_user_retypes_the_header_of_a_draft(spring, autumn, product):
	invoice = make.invoice(
		make.customer().name, [(product.name, 1, 100)] * 2, submit=False, relation_campaign=spring
	)
	invoice.relation_campaign = autumn
	invoice.save()
	assert (invoice.relation_campaign, rows(invoice)) == (autumn, [autumn, autumn])
	invoice.relation_campaign = None
	invoice.save()
	assert not invoice.relation_campaign
	assert rows(invoice) == [None, None]


def test_a_line_from_an_order_keeps_the_campaign_of_the_order_when_the_header_is_retyped(
	spring, autumn, product
):
	invoice = insert(invoice_of(order(make.customer().name, product, campaign=spring)))
	invoice.relation_campaign = autumn
	invoice.save()
	assert (invoice.relation_campaign, rows(invoice)) == (spring, [spring])


def test_a_combined_invoice_of_two_campaigns_has_them_in_its_rows_and_none_in_its_header(
	spring, autumn, product
):
	customer = make.customer().name
	orders = [order(customer, product, campaign=campaign) for campaign in (spring, autumn)]
	invoice = submit(invoice_of(*orders))
	assert rows(invoice) == [spring, autumn]
	assert not invoice.relation_campaign


@pytest.mark.parametrize("with_campaign_first", [True, False])
def test_the_lines_of_an_order_without_campaign_stay_without_on_a_combined_invoice(
	spring, product, with_campaign_first
):
	customer = make.customer().name
	campaigns = [spring, None] if with_campaign_first else [None, spring]
	invoice = submit(invoice_of(*[order(customer, product, campaign=campaign) for campaign in campaigns]))
	assert rows(invoice) == campaigns
	assert not invoice.relation_campaign


def test_a_second_order_added_to_a_saved_draft_does_not_take_the_campaign_from_the_first(
	spring, autumn, product
):
	customer = make.customer().name
	draft = insert(invoice_of(order(customer, product, campaign=spring)))
	combined = make_sales_invoice(order(customer, product, campaign=autumn).name, target_doc=draft)
	combined.save()
	assert rows(combined) == [spring, autumn]
	assert not combined.relation_campaign


def test_partial_invoices_carry_the_campaign_each_time(spring, product):
	sales_order = order(make.customer().name, product, qty=4, campaign=spring)
	for _part in range(2):
		invoice = make_sales_invoice(sales_order.name)
		invoice.items[0].qty = 2
		submit(invoice)
		assert (invoice.relation_campaign, rows(invoice)) == (spring, [spring])


def test_a_credit_note_of_a_combined_invoice_returns_each_line_to_its_campaign(spring, autumn, product):
	customer = make.customer().name
	invoice = submit(invoice_of(*[order(customer, product, campaign=c) for c in (spring, autumn)]))
	credit = submit(make_sales_return(invoice.name))
	assert rows(credit) == [spring, autumn]
	assert not credit.relation_campaign
	assert credit.relation == invoice.relation == identity.relation_of("Customer", customer)


def test_a_credit_note_typed_by_hand_finds_the_campaign_of_the_line_it_returns(spring, product):
	invoice = make.invoice(make.customer().name, [(product.name, 2, 100)], relation_campaign=spring)
	credit = make.invoice(
		invoice.customer,
		[],
		submit=False,
		is_return=1,
		return_against=invoice.name,
		items=[make.line(product.name, -1, 100, sales_invoice_item=invoice.items[0].name)],
	)
	assert (credit.relation_campaign, rows(credit)) == (spring, [spring])


def test_an_amended_invoice_keeps_the_campaigns_of_its_rows(spring, autumn, product):
	customer = make.customer().name
	invoice = submit(invoice_of(*[order(customer, product, campaign=c) for c in (spring, autumn)]))
	invoice.cancel()
	amended = frappe.copy_doc(invoice)
	amended.docstatus = 0
	amended.amended_from = invoice.name
	submit(amended)
	assert rows(amended) == [spring, autumn]
	assert not amended.relation_campaign


def test_rows_given_by_reference_only_find_the_campaign_of_their_order(spring, product):
	"""Create them without ERPNext's mapper, as an import or another app does."""
	sales_order = order(make.customer().name, product, campaign=spring)
	invoice = make.invoice(
		sales_order.customer,
		[],
		items=[
			make.line(product.name, 1, 100, sales_order=sales_order.name, so_detail=sales_order.items[0].name)
		],
	)
	assert (invoice.relation_campaign, rows(invoice)) == (spring, [spring])


def test_the_relation_of_an_invoice_is_that_of_its_customer_and_follows_when_the_customer_changes(product):
	first, second = make.customer(), make.customer()
	invoice = make.invoice(first.name, [(product.name, 1, 100)], submit=False)
	assert invoice.relation == identity.relation_of("Customer", first.name)
	invoice.customer = second.name
	invoice.save()
	assert invoice.relation == identity.relation_of("Customer", second.name)
	assert identity.relation_of("Customer", first.name) != identity.relation_of("Customer", second.name)


def payment_by_hand(customer: str, references: list[tuple[str, str, float]], **values):
	return frappe.get_doc(
		{
			"doctype": "Payment Entry",
			"payment_type": "Receive",
			"company": COMPANY,
			"party_type": "Customer",
			"party": customer,
			"posting_date": nowdate(),
			"paid_from": account(COMPANY, "1200"),
			"paid_to": account(COMPANY, "1800"),
			"paid_amount": sum(amount for _doctype, _name, amount in references) or 10,
			"received_amount": sum(amount for _doctype, _name, amount in references) or 10,
			"source_exchange_rate": 1,
			"target_exchange_rate": 1,
			"reference_no": "1",
			"reference_date": nowdate(),
			"references": [
				{"reference_doctype": doctype, "reference_name": name, "allocated_amount": amount}
				for doctype, name, amount in references
			],
			**values,
		}
	)


def test_a_payment_made_by_hand_gets_the_campaign_that_its_references_agree_on(spring, product):
	customer = make.customer().name
	invoices = [make.invoice(customer, [(product.name, 1, 100)], relation_campaign=spring) for _ in range(2)]
	payment = submit(payment_by_hand(customer, [("Sales Invoice", i.name, 119) for i in invoices]))
	assert payment.relation_campaign == spring
	assert payment.relation == identity.relation_of("Customer", customer)


@pytest.mark.parametrize("other_has_campaign", [True, False])
def test_a_payment_of_invoices_that_do_not_agree_has_no_campaign(spring, autumn, product, other_has_campaign):
	customer = make.customer().name
	campaigns = [spring, autumn if other_has_campaign else None]
	invoices = [make.invoice(customer, [(product.name, 1, 100)], relation_campaign=c) for c in campaigns]
	payment = submit(payment_by_hand(customer, [("Sales Invoice", i.name, 119) for i in invoices]))
	assert not payment.relation_campaign


def test_a_campaign_typed_in_the_payment_stays(spring, autumn, product):
	customer = make.customer().name
	invoice = make.invoice(customer, [(product.name, 1, 100)], relation_campaign=spring)
	payment = submit(
		payment_by_hand(customer, [("Sales Invoice", invoice.name, 119)], relation_campaign=autumn)
	)
	assert payment.relation_campaign == autumn


def test_a_fill_that_failed_is_made_up_for_in_the_submitted_document(spring, product):
	sales_order = order(make.customer().name, product, campaign=spring)
	invoice = submit(invoice_of(sales_order))
	frappe.db.set_value("Sales Invoice", invoice.name, {"relation": None, "relation_campaign": None})
	frappe.db.set_value("Sales Invoice Item", {"parent": invoice.name}, "relation_campaign", None)
	modified = frappe.db.get_value("Sales Invoice", invoice.name, "modified")

	provenance.fill(frappe.get_doc("Sales Invoice", invoice.name))  # as the deferred step does

	late = frappe.get_doc("Sales Invoice", invoice.name)
	assert (late.relation_campaign, rows(late)) == (spring, [spring])
	assert late.relation == identity.relation_of("Customer", sales_order.customer)
	assert late.modified == modified


def queries_of(function, *args) -> int:
	"""Return the number of SQL statements that a call sends to the database."""
	with sent_statements() as sent:
		function(*args)
	return len(sent)


def test_the_cost_does_not_grow_with_the_rows_and_is_nothing_for_a_complete_document(spring, product):
	customer = make.customer().name

	def unfilled(lines: int):
		invoice = invoice_of(order(customer, product, campaign=spring, lines=lines))
		for row in invoice.items:
			row.relation_campaign = None
		invoice.relation = invoice.relation_campaign = None
		invoice.set("__islocal", True)
		return invoice

	small, large = queries_of(provenance.fill, unfilled(1)), queries_of(provenance.fill, unfilled(25))
	assert small == large <= 3

	saved = insert(invoice_of(order(customer, product, campaign=spring, lines=3)))
	saved.load_doc_before_save()
	assert queries_of(provenance.fill, saved) == 0


def test_the_invoices_of_a_subscription_get_its_campaign_and_name_it_as_evidence(spring):
	chain = LongChain()
	chain.campaigns[0] = spring
	chain.subscribe(0, 2, 50, 0)
	(invoice,) = chain.posted
	assert (invoice.relation_campaign, rows(invoice)) == (spring, [spring])
	assert invoice.relation
	(evidence,) = frappe.get_all("Relation Attribution", {"voucher_no": invoice.name}, pluck="evidence")
	assert frappe.parse_json(evidence)["subscription"] == invoice.subscription

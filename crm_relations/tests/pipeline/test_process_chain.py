"""Test the document flow from campaign to ledger: the same from each document, and only readable documents."""

import frappe
import pytest
from erpnext.crm.doctype.lead.lead import make_opportunity
from erpnext.crm.doctype.opportunity.opportunity import make_quotation
from erpnext.selling.doctype.quotation.quotation import make_sales_order
from erpnext.selling.doctype.sales_order.sales_order import make_delivery_note, make_sales_invoice
from erpnext.stock.doctype.delivery_note.delivery_note import make_sales_invoice as invoice_of_delivery
from frappe.utils import add_days, nowdate

from crm_relations.demo.company import COMPANY
from crm_relations.pipeline import api
from crm_relations.relations.identities import identity
from crm_relations.tests.pipeline.test_provenance import insert, queries_of, submit
from crm_relations.tests.support import factories as make
from crm_relations.tests.support.books.books import campaign, credit_note, journal, sell

pytestmark = pytest.mark.site

MOST_QUERIES = 30


def shape(chain: dict) -> set[tuple[str, str]]:
	"""Return the arrows as pairs of doctypes; "closed" for a closed box."""
	kinds = {box["key"]: box.get("doctype", "closed") for box in chain["boxes"]}
	return {(kinds[earlier], kinds[later]) for earlier, later in chain["arrows"]}


def boxes(chain: dict, doctype: str) -> list[dict]:
	return [box for box in chain["boxes"] if box.get("doctype") == doctype]


def answered(name: str, relation: str):
	"""Enroll the relation in the campaign, and record its response."""
	member = make.insert("Relation Campaign Member", campaign=name, relation=relation)
	return make.insert(
		"Relation Campaign Response",
		campaign=name,
		member=member.name,
		relation=relation,
		response_type="Reply",
		answer="Interested",
		received_at=add_days(nowdate(), -3),
	)


@pytest.fixture
def deal_of():
	"""Create a whole deal: response, lead, handover, opportunity … two invoices and a payment."""

	def build(lines: int = 1, parts: int = 1) -> frappe._dict:
		spring = campaign("Frühling")
		product = make.item()
		lead = make.lead(company_name=make.unique("Nordwind GmbH"), relation_campaign=spring)
		relation = identity.relation_of("Lead", lead.name)
		answer = answered(spring, relation)
		opportunity = insert(make_opportunity(lead.name))
		handover = make.insert(
			"Relation Handover",
			relation=relation,
			campaign=spring,
			member=answer.member,
			status="Accepted",
			document_type="Opportunity",
			document_name=opportunity.name,
		)
		quotation = make_quotation(opportunity.name)
		quotation.set("items", [])
		for _number in range(lines):
			quotation.append("items", make.line(product.name, parts, 100))
		submit(quotation)
		order = make_sales_order(quotation.name)
		order.delivery_date = nowdate()
		submit(order)
		invoices, payments, deliveries = [], [], []
		for _number in range(parts):
			delivery = make_delivery_note(order.name)
			for row in delivery.items:
				row.qty = 1
			deliveries.append(submit(delivery))
			invoices.append(submit(invoice_of_delivery(delivery.name)))
			payments.append(make.pay(invoices[-1]))
		return frappe._dict(
			campaign=spring,
			answer=answer,
			lead=lead,
			opportunity=opportunity,
			handover=handover,
			quotation=quotation,
			order=order,
			deliveries=deliveries,
			invoices=invoices,
			payments=payments,
		)

	return build


@pytest.fixture
def deal(deal_of):
	return deal_of()


def test_the_chain_of_an_invoice_goes_from_the_segment_to_the_ledger(deal):
	chain = api.process_chain("Sales Invoice", deal.invoices[0].name)
	assert shape(chain) == {
		("Relation Segment", "Relation Campaign"),
		("Relation Campaign", "Relation Campaign Response"),
		("Relation Campaign Response", "Lead"),
		("Lead", "Opportunity"),
		("Relation Campaign Response", "Relation Handover"),
		("Relation Handover", "Opportunity"),
		("Opportunity", "Quotation"),
		("Quotation", "Sales Order"),
		("Sales Order", "Delivery Note"),
		("Delivery Note", "Sales Invoice"),
		("Sales Invoice", "Payment Entry"),
		("Sales Invoice", "GL Entry"),
		("Payment Entry", "GL Entry"),
	}
	assert not chain["cut"]


def test_a_box_says_amount_date_state_and_who_is_responsible(deal):
	chain = api.process_chain("Sales Order", deal.order.name)
	box = boxes(chain, "Sales Invoice")[0]
	invoice = deal.invoices[0].reload()
	assert box["name"] == invoice.name and box["title"] == invoice.customer_name
	assert (box["amount"], box["currency"]) == ("119.00", "EUR")
	assert (box["date"], box["status"], box["docstatus"]) == (nowdate(), "Paid", 1)
	assert box["person"] == "Administrator"
	assert boxes(chain, "Lead")[0]["person"] == deal.lead.lead_owner
	assert boxes(chain, "Relation Campaign Response")[0]["status"] == "Interested"


def test_the_salesperson_of_the_sales_team_is_responsible():
	person = make.insert("Sales Person", sales_person_name=make.unique("Greta Vertrieb")).name
	team = [{"sales_person": person, "allocated_percentage": 100}]
	invoice = sell(make.customer().name, [(None, 100)], sales_team=team)
	assert boxes(api.process_chain("Sales Invoice", invoice.name), "Sales Invoice")[0]["person"] == person


def test_the_ledger_of_a_voucher_balances_in_its_box(deal):
	chain = api.process_chain("Sales Invoice", deal.invoices[0].name)
	for box in boxes(chain, "GL Entry"):
		assert sum(float(e["debit"]) for e in box["entries"]) == pytest.approx(
			sum(float(e["credit"]) for e in box["entries"])
		)
	ledger = next(box for box in boxes(chain, "GL Entry") if box["voucher_type"] == "Sales Invoice")
	posted = frappe.get_all(
		"GL Entry",
		{"voucher_no": deal.invoices[0].name, "is_cancelled": 0},
		["account", "debit", "credit"],
		order_by="account asc",
	)
	assert [(e["account"], float(e["debit"]), float(e["credit"])) for e in ledger["entries"]] == [
		(row.account, row.debit, row.credit) for row in posted
	]


def test_the_chain_is_the_same_from_every_document_of_the_deal(deal_of):
	deal = deal_of(parts=2)
	documents = [deal.opportunity, deal.quotation, deal.order, *deal.deliveries]
	documents += [*deal.invoices, *deal.payments]
	chains = [api.process_chain(doc.doctype, doc.name) for doc in documents]
	names = [{(box["doctype"], box["name"]) for box in chain["boxes"]} for chain in chains]
	assert all(found == names[0] for found in names[1:])
	assert len(names[0]) == 8 + 3 * 2 + 2 * 2
	for doc, chain in zip(documents, chains, strict=True):
		start = next(box for box in chain["boxes"] if box["key"] == chain["start"])
		assert (start["doctype"], start["name"]) == (doc.doctype, doc.name)
		assert {tuple(arrow) for arrow in chain["arrows"]} == {tuple(arrow) for arrow in chains[0]["arrows"]}


def test_from_what_was_before_the_deal_the_whole_deal_is_found(deal):
	segment = frappe.db.get_value("Relation Campaign", deal.campaign, "segment")
	for doctype, name in [
		("Relation Segment", segment),
		("Relation Campaign", deal.campaign),
		("Lead", deal.lead.name),
		("Relation Campaign Response", deal.answer.name),
		("Relation Handover", deal.handover.name),
	]:
		chain = api.process_chain(doctype, name)
		found = {(box["doctype"], box["name"]) for box in chain["boxes"]}
		for document in (deal.opportunity, deal.quotation, deal.order, *deal.invoices, *deal.payments):
			assert (document.doctype, document.name) in found, (doctype, document)
		assert ("Relation Campaign", deal.campaign) in found


def test_a_row_of_the_ledger_leads_to_its_voucher(deal):
	entry = frappe.get_all("GL Entry", {"voucher_no": deal.payments[0].name}, pluck="name", limit=1)[0]
	chain = api.process_chain("GL Entry", entry)
	start = next(box for box in chain["boxes"] if box["key"] == chain["start"])
	assert (start["doctype"], start["name"]) == ("GL Entry", deal.payments[0].name)
	assert boxes(chain, "Opportunity")[0]["name"] == deal.opportunity.name


def test_a_journal_entry_and_a_credit_note_come_after_the_invoice():
	customer = make.customer().name
	invoice = sell(customer, [(None, 100)])
	party = {"party_type": "Customer", "party": customer}
	party |= {"reference_type": "Sales Invoice", "reference_name": invoice.name}
	cost = frappe.get_cached_value("Company", invoice.company, "write_off_account")
	cost = (
		cost
		or frappe.get_all(
			"Account", {"root_type": "Expense", "is_group": 0, "company": invoice.company}, pluck="name"
		)[0]
	)
	written_off = journal([(cost, 19, 0), (invoice.debit_to, 0, 19, party)])
	note = credit_note(invoice)
	chain = api.process_chain("Sales Invoice", invoice.name)
	assert {("Sales Invoice", "Journal Entry"), ("Sales Invoice", "Sales Invoice")} <= shape(chain)
	assert {box["name"] for box in chain["boxes"]} >= {invoice.name, written_off.name, note.name}
	assert boxes(chain, "Journal Entry")[0]["amount"] == "19.00"


def test_other_deals_of_the_same_campaign_and_customer_stay_out(deal_of):
	deal = deal_of()
	other = sell(deal.invoices[0].customer, [(deal.campaign, 70)])
	names = {box["name"] for box in api.process_chain("Sales Invoice", deal.invoices[0].name)["boxes"]}
	assert other.name not in names
	assert deal.campaign in {box["name"] for box in api.process_chain("Sales Invoice", other.name)["boxes"]}


def test_an_advance_on_the_order_belongs_to_its_chain():
	from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry

	order = frappe.get_doc(
		{
			"doctype": "Sales Order",
			"company": COMPANY,
			"customer": make.customer().name,
			"delivery_date": nowdate(),
			"items": [make.line(make.item().name, 1, 100)],
		}
	)
	submit(order)
	advance = get_payment_entry("Sales Order", order.name)
	advance.reference_no, advance.reference_date = "Test", nowdate()
	submit(advance)
	assert ("Sales Order", "Payment Entry") in shape(api.process_chain("Payment Entry", advance.name))
	invoice = submit(make_sales_invoice(order.name))
	names = {box["name"] for box in api.process_chain("Sales Invoice", invoice.name)["boxes"]}
	assert advance.name in names


# Speed ----------------------------------------------------------------------------------------------


def test_a_long_chain_costs_no_more_queries_than_a_short_one_and_30_at_most(deal_of):
	short, long = deal_of(parts=2), deal_of(lines=3, parts=4)
	user = make.user(None, "Accounts User", "Sales User", "Relation User", "Stock User")
	frappe.set_user(user)
	counts = []
	for deal in (short, short, long):  # the first call fills Frappe's caches
		documents = (deal.opportunity, deal.order, deal.invoices[0], deal.payments[0], deal.lead, deal.answer)
		counts.append([queries_of(api.process_chain, doc.doctype, doc.name) for doc in documents])
	assert max(counts[1] + counts[2]) <= MOST_QUERIES, counts
	assert counts[2] == counts[1]


def test_more_documents_than_a_chain_shows_are_said_to_be_there(deal_of, monkeypatch):
	deal = deal_of(parts=3)
	monkeypatch.setattr("crm_relations.pipeline.document_flow.graph.AT_MOST", 2)
	chain = api.process_chain("Sales Order", deal.order.name)
	assert chain["cut"] and len(boxes(chain, "Delivery Note")) == 2


def test_a_chain_that_goes_on_behind_its_last_step_says_so(deal, monkeypatch):
	assert not api.process_chain("Lead", deal.lead.name)["cut"]
	monkeypatch.setattr("crm_relations.pipeline.document_flow.graph.STEPS_AT_MOST", 2)
	assert api.process_chain("Lead", deal.lead.name)["cut"]


# Permissions ----------------------------------------------------------------------------------------


def test_what_the_reader_may_not_read_is_a_closed_box_without_anything_in_it(deal):
	frappe.set_user(make.user(None, "Sales User"))
	chain = api.process_chain("Sales Order", deal.order.name)
	closed = [box for box in chain["boxes"] if box["closed"]]
	assert closed
	for box in closed:
		assert set(box) == {"key", "column", "row", "closed"}
	readable = {box["doctype"] for box in chain["boxes"] if not box["closed"]}
	assert "GL Entry" not in readable and "Sales Order" in readable
	assert deal.payments[0].name not in frappe.as_json(chain)
	assert deal.answer.name not in frappe.as_json(chain)


def test_user_permissions_close_boxes_too(deal):
	user = make.user(None, "Sales User", "Accounts User")
	make.insert("User Permission", user=user, allow="Quotation", for_value=make_other_quotation())
	frappe.set_user(user)
	chain = api.process_chain("Sales Order", deal.order.name)
	assert not boxes(chain, "Quotation")
	assert ("Opportunity", "closed") in shape(chain) and ("closed", "Sales Order") in shape(chain)


def make_other_quotation() -> str:
	return insert(
		frappe.get_doc(
			{
				"doctype": "Quotation",
				"quotation_to": "Customer",
				"party_name": make.customer().name,
				"items": [make.line(make.item().name, 1, 10)],
			}
		)
	).name


def test_nobody_sees_the_chain_of_a_document_that_is_closed_to_him(deal):
	frappe.set_user(make.user(None, "Relation User"))
	with pytest.raises(frappe.PermissionError):
		api.process_chain("Payment Entry", deal.payments[0].name)


def test_what_is_in_no_chain_or_does_not_exist_says_so(deal):
	with pytest.raises(frappe.ValidationError, match="has no document flow"):
		api.process_chain("ToDo", "x")
	with pytest.raises(frappe.DoesNotExistError, match="does not exist"):
		api.process_chain("Sales Invoice", "No such invoice")
	with pytest.raises(frappe.DoesNotExistError, match="does not exist"):
		api.process_chain("GL Entry", "No such row")

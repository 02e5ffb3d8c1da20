"""Test § 7 (3) UWG on real invoices: each of its conditions is needed, and the proof names its evidence."""

import frappe
import pytest
from frappe.utils import add_days, add_months, nowdate

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions, soft_opt_in
from crm_relations.campaigns.email import preview
from crm_relations.demo.company import COMPANY
from crm_relations.relations.identities import identity
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.statements import sent_statements
from crm_relations.tests.support.mailing import email_step

pytestmark = pytest.mark.site

ADDRESS = "einkauf@kunde.example"


@pytest.fixture
def pumps():
	"""Create an item group with a child group."""
	parent = factories.insert(
		"Item Group",
		item_group_name=factories.unique("Pumpen"),
		is_group=1,
		parent_item_group="All Item Groups",
	)
	child = factories.insert(
		"Item Group", item_group_name=factories.unique("Tauchpumpen"), parent_item_group=parent.name
	)
	return parent.name, child.name


@pytest.fixture
def notice():
	settings = frappe.get_doc("Relation Settings")
	settings.append(
		"objection_notices",
		{
			"company": COMPANY,
			"valid_from": add_months(nowdate(), -6),
			"text_version": "R1",
			"wording": "Sie können jederzeit widersprechen.",
		},
	)
	settings.save()
	frappe.clear_document_cache("Relation Settings", "Relation Settings")


@pytest.fixture
def customer():
	return factories.customer()


def sell(customer, group, address=ADDRESS, **values):
	item = factories.item()
	frappe.db.set_value("Item", item.name, "item_group", group)
	frappe.clear_document_cache("Item", item.name)
	doc = factories.invoice(customer.name, [(item.name, 1, 100)], submit=False, **values)
	doc.contact_email = address
	doc.submit()
	return doc


def campaign(*groups, **values):
	return factories.campaign(
		company=COMPANY, item_groups=[{"item_group": group} for group in groups], **values
	)


def decide(doc, customer, address=ADDRESS):
	row = frappe._dict(recipient=address, relation=identity.relation_of("Customer", customer.name))
	return decisions.decide_for(doc, [row], "Email")[address]


def test_a_customer_may_be_told_of_goods_like_those_it_bought(pumps, notice, customer):
	parent, child = pumps
	invoice = sell(customer, child, "Anna <Einkauf@Kunde.example>")
	decision = decide(campaign(parent), customer)
	assert decision.allowed and decision.legal_basis == rules.EXISTING_CUSTOMER and not decision.consent
	for part in (invoice.name, child, "R1", ADDRESS, customer.name):
		assert part in decision.proof


def test_the_newest_sale_is_the_proof(pumps, notice, customer):
	sell(customer, pumps[1], posting_date=add_days(nowdate(), -40))
	newest = sell(customer, pumps[1], posting_date=add_days(nowdate(), -2))
	sell(customer, pumps[1], posting_date=add_days(nowdate(), -20))
	assert newest.name in decide(campaign(pumps[1]), customer).proof


@pytest.mark.parametrize(
	"case", ["other goods", "other address", "draft", "no item group", "before the notice"]
)
def test_without_one_of_the_conditions_nobody_is_an_existing_customer(pumps, notice, customer, case):
	parent, child = pumps
	if case == "before the notice":
		sell(customer, child, posting_date=add_months(nowdate(), -7))
	elif case == "draft":
		factories.invoice(customer.name, [(factories.item().name, 1, 100)], submit=False)
	else:
		sell(customer, child, "anders@kunde.example" if case == "other address" else ADDRESS)
	doc = {"other goods": lambda: campaign("Services"), "no item group": campaign}.get(
		case, lambda: campaign(parent)
	)()
	decision = decide(doc, customer)
	assert not decision.allowed and decision.reason == rules.NO_CONSENT


def test_without_a_notice_on_the_invoices_there_is_no_basis(pumps, customer):
	sell(customer, pumps[1])
	doc = campaign(pumps[0])
	assert not decide(doc, customer).allowed
	assert "no notice" in soft_opt_in.missing(doc)[0]


def test_an_old_sale_is_none_and_the_limit_is_a_setting(pumps, notice, customer):
	sell(customer, pumps[1], posting_date=add_months(nowdate(), -4))
	doc = campaign(pumps[0])
	assert decide(doc, customer).allowed
	frappe.db.set_single_value("Relation Settings", "existing_customer_months", 3)
	frappe.clear_document_cache("Relation Settings", "Relation Settings")
	assert not decide(doc, customer).allowed


def test_a_sale_that_was_taken_back_is_none(pumps, notice, customer):
	from erpnext.controllers.sales_and_purchase_return import make_return_doc

	invoice = sell(customer, pumps[1])
	assert decide(campaign(pumps[0]), customer).allowed
	make_return_doc("Sales Invoice", invoice.name).insert().submit()
	assert not decide(campaign(pumps[0]), customer).allowed


def test_a_cancelled_sale_is_none(pumps, notice, customer):
	invoice = sell(customer, pumps[1])
	invoice.cancel()
	assert not decide(campaign(pumps[0]), customer).allowed


def test_another_companys_goods_are_not_our_own(pumps, notice, customer):
	sell(customer, pumps[1])
	doc = campaign(pumps[0])
	doc.company = "Another"
	assert not soft_opt_in.proofs(doc, {ADDRESS: identity.relation_of("Customer", customer.name)})


def test_an_objection_ends_it_whatever_the_spelling(pumps, notice, customer):
	sell(customer, pumps[1])
	decisions.record(None, "EINKAUF+werbung@Kunde.example", "Email", "Withdrawn", source="Mail")
	sell(customer, pumps[1])
	assert decide(campaign(pumps[0]), customer).reason == rules.WITHDRAWN


def test_the_contact_of_a_customer_is_found_by_the_address_on_its_invoice(pumps, notice, customer):
	contact = factories.contact("Eva", "Stein", ADDRESS, links=[("Customer", customer.name)])
	sell(customer, pumps[1])
	row = frappe._dict(recipient=ADDRESS, relation=identity.relation_of("Contact", contact.name))
	assert decisions.decide_for(campaign(pumps[0]), [row], "Email")[ADDRESS].allowed


def test_calls_are_no_matter_of_sales(pumps, notice, customer):
	sell(customer, pumps[1])
	row = frappe._dict(recipient="+49221123456", relation=identity.relation_of("Customer", customer.name))
	decision = decisions.decide_for(campaign(pumps[0]), [row], "Phone")["+49221123456"]
	assert decision.legal_basis != rules.EXISTING_CUSTOMER


def test_to_be_a_customer_cannot_be_declared():
	with pytest.raises(frappe.ValidationError, match="derived from sales"):
		decisions.record(None, ADDRESS, "Email", "Given", source="Liste", legal_basis=rules.EXISTING_CUSTOMER)


def test_the_preview_shows_the_sale_to_those_who_may_read_invoices(pumps, notice, customer):
	invoice = sell(customer, pumps[1])
	relation = identity.relation_of("Customer", customer.name)
	frappe.db.set_value("Relation", relation, "email_id", ADDRESS)
	doc = campaign(pumps[0], steps=[email_step()])
	membership.add_members(doc.segment, [relation])
	shown = preview.show(doc, doc.steps[0].name, relation)
	assert shown["allowed"] and shown["basis"] == rules.EXISTING_CUSTOMER and invoice.name in shown["proof"]
	frappe.set_user(factories.user(None, "Relation User"))
	shown = preview.show(doc, doc.steps[0].name, relation)
	assert shown["basis"] == rules.EXISTING_CUSTOMER and not shown["proof"]


def test_goods_that_are_like_everything_are_refused():
	with pytest.raises(frappe.ValidationError, match="holds everything"):
		campaign("All Item Groups")


def test_a_hundred_recipients_cost_no_more_queries_than_one(pumps, notice, customer):
	sell(customer, pumps[1])
	doc = campaign(pumps[0])
	relation = identity.relation_of("Customer", customer.name)
	people = {f"p{i}@kunde.example": relation for i in range(100)}
	soft_opt_in.proofs(doc, {ADDRESS: relation})
	with sent_statements() as for_one:
		assert soft_opt_in.proofs(doc, {ADDRESS: relation})
	with sent_statements() as for_many:
		assert set(soft_opt_in.proofs(doc, {**people, ADDRESS: relation})) == {ADDRESS}
	assert len(for_many) == len(for_one)

"""Test that ERPNext's own campaign field is filled from ours, so that ERPNext's reports count our campaigns.

Guard against a failure: in version 15 a quotation made from a lead has lost its campaign (platform facts 2).
"""

import frappe
import pytest
from erpnext.crm.doctype.lead.lead import make_opportunity
from erpnext.crm.doctype.lead.lead import make_quotation as make_quotation_from_lead
from erpnext.crm.report.campaign_efficiency.campaign_efficiency import execute
from erpnext.selling.doctype.quotation.quotation import make_sales_order
from frappe.utils import add_days, nowdate

from crm_relations.campaigns.planning import enrollment
from crm_relations.pipeline.erpnext_crm import own_campaign
from crm_relations.pipeline.erpnext_crm.opportunities import ErpnextCrm
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories as make
from crm_relations.tests.support.books.statements import sent_statements
from crm_relations.tests.support.mailing import call_step

pytestmark = pytest.mark.site


@pytest.fixture
def campaign():
	"""Create a running campaign of ours."""
	segment = make.segment().name
	membership.add_members(segment, [make.relation().name])
	name = make.campaign(make.unique("Frühjahr"), segment=segment, steps=[call_step()]).name
	enrollment.start(name)
	return name


def own(doc) -> str | None:
	return doc.get(own_campaign._field_of(doc).fieldname)


def entry(name: str) -> str:
	"""Create another entry of ERPNext's list, as a user does."""
	frappe.get_doc({"doctype": "Campaign", "campaign_name": name}).insert()
	return name


def insert(doc):
	doc.insert(ignore_permissions=True)
	return doc


def test_a_campaign_stands_in_erpnexts_list_from_its_start_on(campaign):
	assert frappe.db.exists("Campaign", {"campaign_name": campaign})
	draft = make.campaign(make.unique("Entwurf"))
	assert not frappe.db.exists("Campaign", {"campaign_name": draft.name})


def test_the_field_is_filled_along_the_whole_way_and_the_reports_count_it(campaign):
	lead = make.lead(company_name=make.unique("Werk"), relation_campaign=campaign)
	opportunity = insert(make_opportunity(lead.name))
	quotation = make_quotation_from_lead(lead.name)
	quotation.append("items", make.line(make.item().name, 1, 100))
	insert(quotation).submit()
	order = make_sales_order(quotation.name)
	order.delivery_date = add_days(nowdate(), 7)
	insert(order).submit()
	for doc in (lead, opportunity, quotation, order):
		doc.reload()
		assert own(doc) == campaign, doc.doctype
	(row,) = (row for row in execute(frappe._dict(from_date="2000-01-01"))[1] if campaign in row.values())
	assert (row["lead_count"], row["opp_count"], row["quot_count"], row["order_value"]) == (1, 1, 1, 100)


@pytest.mark.parametrize(
	"doctype",
	["Opportunity", "Quotation", "Sales Order", "Delivery Note", "Sales Invoice", "POS Invoice", "Lead"],
)
def test_each_document_that_can_carry_a_campaign_has_the_field(doctype):
	assert own_campaign._field_of(frappe.new_doc(doctype))


def test_an_invoice_made_by_hand_carries_it_too(campaign):
	party = make.customer()
	bill = make.invoice(party.name, [(make.item().name, 1, 50.0)], relation_campaign=campaign)
	bill.reload()
	assert own(bill) == campaign


def test_what_somebody_typed_stays_and_what_was_emptied_stays_empty(campaign):
	typed = entry(make.unique("Messe"))
	bill = make.invoice(make.customer().name, [(make.item().name, 1, 50.0)], submit=False)
	field = own_campaign._field_of(bill).fieldname
	bill.update({field: typed, "relation_campaign": campaign})
	bill.save()
	assert bill.get(field) == typed
	bill.set(field, None)
	bill.save()
	bill.save()
	assert not bill.get(field)


def test_what_came_from_us_follows_our_campaign(campaign):
	other = make.campaign(make.unique("Herbst"))
	entry(other.name)
	bill = make.invoice(
		make.customer().name, [(make.item().name, 1, 50.0)], submit=False, relation_campaign=campaign
	)
	assert own(bill) == campaign
	bill.relation_campaign = other.name
	bill.save()
	assert own(bill) == other.name


def test_lines_of_two_campaigns_leave_the_header_empty(campaign):
	other = make.campaign(make.unique("Herbst"))
	entry(other.name)
	item = make.item().name
	bill = frappe.get_doc(
		{
			"doctype": "Sales Invoice",
			"customer": make.customer().name,
			"due_date": add_days(nowdate(), 10),
			"items": [
				make.line(item, 1, 10, relation_campaign=campaign),
				make.line(item, 1, 10, relation_campaign=other.name),
			],
		}
	)
	insert(bill)
	assert not bill.relation_campaign and not own(bill)


def test_a_handover_names_it_on_lead_and_opportunity(campaign):
	relation = make.relation(kind="Person", first_name="Ute", last_name="Neu")
	doctype, name = ErpnextCrm().open_opportunity(
		relation.name, salesperson="Administrator", campaign=campaign
	)
	opportunity = frappe.get_doc(doctype, name)
	assert own(opportunity) == campaign
	assert own(frappe.get_doc("Lead", opportunity.party_name)) == campaign


def test_a_failing_side_effect_blocks_no_document(campaign, monkeypatch):
	monkeypatch.setattr(own_campaign, "_field_of", lambda doc: 1 / 0)
	bill = make.invoice(make.customer().name, [(make.item().name, 1, 50.0)], relation_campaign=campaign)
	assert bill.docstatus == 1


def test_a_list_with_a_naming_series_is_found_by_its_title(campaign):
	frappe.db.set_default("campaign_naming_by", "Naming Series")
	try:
		segment = make.segment().name
		membership.add_members(segment, [make.relation().name])
		name = make.campaign(make.unique("Serie"), segment=segment, steps=[call_step()]).name
		enrollment.start(name)
		bill = make.invoice(
			make.customer().name, [(make.item().name, 1, 50.0)], submit=False, relation_campaign=name
		)
		field = own_campaign._field_of(bill)
		assert own(bill) and own(bill) == own_campaign._entry(field.options, name)
		if field.options == "Campaign":
			assert own(bill) != name
	finally:
		frappe.db.set_default("campaign_naming_by", "Campaign Name")


def test_a_document_without_a_campaign_costs_nothing():
	bill = make.invoice(make.customer().name, [(make.item().name, 1, 50.0)], submit=False)
	own_campaign.fill(bill)
	with sent_statements() as sent:
		own_campaign.fill(bill)
	assert sent == []

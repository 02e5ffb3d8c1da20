"""Test what a Transaction Deletion Record keeps: campaigns, their members, and every way to object."""

import frappe
import pytest

from crm_relations.campaigns import checks as campaign_checks
from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.incoming import clicks
from crm_relations.ledger import checks as ledger_checks
from crm_relations.pipeline import checks as pipeline_checks
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import sell
from crm_relations.tests.support.books.sister import SISTER, sister_company  # noqa: F401
from crm_relations.tests.support.machine.commits import held_back

pytestmark = pytest.mark.site


@pytest.fixture
def world(sister):
	"""Create a campaign of the sister company with a message, an invoice, and a lead of the other company."""
	campaign = factories.campaign(company=SISTER).name
	relation = factories.relation().name
	member = factories.insert("Relation Campaign Member", campaign=campaign, relation=relation).name
	send = frappe.get_doc(
		{
			"doctype": "Relation Campaign Send",
			"campaign": campaign,
			"member": member,
			"relation": relation,
			"recipient": "anna@kunde.example",
			"token": clicks.new_token(),
			"state": "Sent",
			"step": "x",
			"step_type": "Email",
		}
	)
	send.name = frappe.generate_hash(length=10)
	send.db_insert()
	lead = factories.lead(relation_campaign=campaign).name
	factories.insert("Relation Attribution Rule", company=SISTER, rule="Last Touch")
	invoice = sell(factories.customer().name, [(campaign, 100)], company=SISTER, taxed=False)
	assert frappe.db.exists("Relation Attribution", {"voucher_no": invoice.name})
	return frappe._dict(campaign=campaign, member=member, token=send.token, lead=lead, invoice=invoice.name)


def delete_transactions(ignored: list[str] | None = None) -> None:
	doc = frappe.get_doc(
		{"doctype": "Transaction Deletion Record", "company": SISTER, "process_in_single_transaction": 1}
	)
	if ignored is not None:
		doc.extend("doctypes_to_be_ignored", [{"doctype_name": name} for name in ignored])
	doc.insert()
	doc.submit()
	with held_back():
		doc.start_deletion_tasks()
	assert doc.reload().status == "Completed", doc.error_log


def codes() -> set[str]:
	found = [*campaign_checks.findings(), *pipeline_checks.findings(), *ledger_checks.findings()]
	return {finding.code for finding in found}


ORPHANS = {"members-without-campaign", "campaign-missing", "attribution-unequal"}


def test_the_campaign_stays_and_what_hangs_on_it_goes_on(world):
	delete_transactions()
	assert not frappe.db.exists("Sales Invoice", world.invoice)
	assert frappe.db.exists("Relation Campaign", world.campaign)
	assert frappe.db.exists("Relation Attribution Rule", {"company": SISTER})
	assert not frappe.db.exists("Relation Attribution", {"voucher_no": world.invoice})
	frappe.get_doc("Lead", world.lead).save()
	assert not codes() & ORPHANS
	clicks.unsubscribe(clicks.find(world.token))
	assert objected()


def test_where_the_admin_lets_campaigns_be_deleted_it_is_told_and_the_link_still_works(world):
	from erpnext.setup.doctype.transaction_deletion_record.transaction_deletion_record import (
		get_doctypes_to_be_ignored,
	)

	ours = frappe.get_hooks("company_data_to_be_ignored", app_name="crm_relations")
	delete_transactions([name for name in get_doctypes_to_be_ignored() if name not in ours])
	assert not frappe.db.exists("Relation Campaign", world.campaign)
	assert {"members-without-campaign", "campaign-missing"} <= codes()
	clicks.unsubscribe(clicks.find(world.token))
	clicks.unsubscribe(clicks.find(world.token))
	assert objected()


def test_the_link_records_the_objection_when_relation_and_member_are_gone_too(world):
	row = clicks.find(world.token)
	for doctype, name in (("Relation Campaign Member", row.member), ("Relation", row.relation)):
		frappe.db.delete(doctype, {"name": name})
	clicks.unsubscribe(clicks.find(world.token))
	assert objected()


def test_attribution_of_a_voucher_that_is_gone_is_told(world):
	frappe.db.delete("Sales Invoice Item", {"parent": world.invoice})
	frappe.db.delete("Sales Invoice", {"name": world.invoice})
	assert "attribution-unequal" in codes()


def objected() -> bool:
	return decisions.lookup(None, "anna@kunde.example", "Email").reason == rules.WITHDRAWN

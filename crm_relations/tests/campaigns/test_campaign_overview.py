"""Test the funnel of a campaign: by step and variant, against the control group."""

import frappe
import pytest
from frappe.utils import add_to_date, now_datetime, nowdate

from crm_relations.campaigns.incoming import responses
from crm_relations.campaigns.manual import tasks
from crm_relations.campaigns.members import member_status
from crm_relations.campaigns.reporting import funnel
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import call_step, email_step

pytestmark = pytest.mark.site


def invoice(relation: str, amount: float, **values) -> str:
	"""Insert a row of a posted invoice, dated after the relation was enrolled."""
	name = factories.unique("SI-TEST")
	row = {
		"name": name,
		"creation": add_to_date(now_datetime(), seconds=5),
		"posting_date": nowdate(),
		"docstatus": 1,
		"relation": relation,
		"company": frappe.db.get_single_value("Relation Settings", "default_company")
		or frappe.get_all("Company", pluck="name", order_by="name asc")[0],
		"is_return": 0,
		"is_opening": "No",
		"base_net_total": amount,
		**values,
	}
	frappe.qb.into(frappe.qb.DocType("Sales Invoice")).columns(*row).insert(*row.values()).run()
	return name


def test_the_funnel_counts_each_member_once_a_stage(mailing, sink):
	mailing.people(6)
	sink.at_rcpt[mailing.address(5)] = ["550 no"]
	campaign = mailing.started(steps=[email_step(), call_step(delay_days=4)])
	mailing.send(campaign)
	rows = mailing.rows(campaign, step_type="Email")
	for row in rows[:3]:
		responses.record(row.member, "Click", url="u", send=row.name)
		responses.record(row.member, "Reply", send=row.name)
	responses.record(rows[3].member, "Bounce", send=rows[3].name)
	responses.record(rows[4].member, "Click", url="u", send=rows[4].name, bot="Scanner")
	member_status.qualify(rows[0].member, 0)
	member_status.win(rows[1].member)
	shown = funnel.funnel(campaign)["addressed"]
	assert [shown[key] for key in funnel.STAGES] == [6, 5, 4, 3, 2, 1, 0]
	email, call = funnel.by_step(campaign)
	assert email["states"] == {"Sent": 5, "Failed": 1}
	assert [email[key] for key in ("sent", "delivered", "clicked", "answered", "qualified", "won")] == [
		5,
		4,
		3,
		3,
		2,
		1,
	]
	assert call["sent"] == 0 and call["step_type"] == "Call" and call["delivered"] is None


def test_only_emails_are_delivered(mailing, sink):
	mailing.people(2)
	campaign = mailing.started(
		steps=[{"title": "Besuch", "step_type": "Task", "task_text": "Besuchen", "task_for": "Administrator"}]
	)
	tasks.make_due(campaign)
	shown = funnel.funnel(campaign)["addressed"]
	assert (shown["sent"], shown["delivered"]) == (2, None)
	assert funnel.by_step(campaign)[0]["delivered"] is None


def test_variants_stand_apart(mailing, sink):
	mailing.people(6)
	campaign = mailing.started(steps=[email_step(subject_b="B", ab_share=67, ab_wait_hours=1)])
	mailing.send(campaign)
	of_b = mailing.rows(campaign, variant="B")
	responses.record(of_b[0].member, "Click", url="u", send=of_b[0].name)
	found = {row["variant"]: (row["sent"], row["clicked"]) for row in funnel.by_step(campaign)}
	assert found == {"A": (2, 0), "B": (2, 1), "Waiting": (0, 0)}


def test_both_groups_are_measured_alike_by_their_invoices(mailing, sink):
	mailing.people(10)
	campaign = mailing.started(control_group_percent=40, control_group_seed="x")
	mailing.send(campaign)
	members = frappe.get_all(
		"Relation Campaign Member", {"campaign": campaign}, ["relation", "held_out"], order_by="name asc"
	)
	addressed = [row.relation for row in members if not row.held_out]
	control = [row.relation for row in members if row.held_out]
	made = [
		invoice(addressed[0], 100),
		invoice(addressed[0], 50),
		invoice(addressed[0], -30, is_return=1),
		invoice(addressed[1], 10),
		invoice(addressed[2], 999, posting_date="2020-01-01"),
		invoice(addressed[2], 999, docstatus=2),
		invoice(control[0], 7),
	]
	try:
		shown = funnel.funnel(campaign)
		assert (shown["addressed"]["invoiced"], shown["addressed"]["amount"]) == (2, 130.0)
		assert (shown["control"]["invoiced"], shown["control"]["amount"]) == (1, 7.0)
		assert shown["control"]["sent"] == 0 and shown["control"]["members"] == 4
		frappe.set_user(factories.user(None, "Relation User"))
		assert funnel.funnel(campaign)["addressed"]["amount"] is None
	finally:
		frappe.set_user("Administrator")
		frappe.db.delete("Sales Invoice", {"name": ["in", made]})
		frappe.db.commit()

"""Test the permission to start, pause, finish and change a campaign, in the app's functions and over REST."""

import frappe
import pytest

from crm_relations.campaigns import api, lifecycle, rights
from crm_relations.campaigns.planning import enrollment
from crm_relations.interactions import api as interactions
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site

CAMPAIGN = "Relation Campaign"
CALLS = {
	"start": lambda name: api.start(name),
	"approve": lambda name: api.approve(name),
	"send_now": lambda name: api.send_now(name),
	"pause": lambda name: api.pause(name),
	"resume": lambda name: api.resume(name),
	"finish": lambda name: api.finish(name),
	"add_relation": lambda name: api.add_relation(name, factories_relation()),
	"print_letters": lambda name: api.print_letters(name),
	"record_calls": lambda name: interactions.reserve_call(name),
}


def factories_relation() -> str:
	return frappe.get_all("Relation", limit=1, pluck="name", order_by="name asc")[0]


@pytest.fixture
def people():
	"""Return a user by position: all of them are Relation Users except the manager."""
	return {
		"manager": factories.user(None, "Relation Manager"),
		"responsible": factories.user(None, "Relation User"),
		"team": factories.user(None, "Relation User"),
		"other": factories.user(None, "Relation User"),
	}


@pytest.fixture
def campaign(people, monkeypatch):
	monkeypatch.setattr(frappe, "enqueue", lambda *args, **kwargs: None)
	segment = factories.segment()
	membership.add_members(segment.name, [factories.relation().name])
	return factories.campaign(
		segment=segment.name,
		responsible=people["responsible"],
		responsible_users=[{"user": people["team"]}],
		steps=[{"step_type": "Call", "title": "Anruf", "call_script": "<p>Hallo</p>"}],
	)


def outcome(user: str, action: str, campaign: str) -> str:
	frappe.set_user(user)
	frappe.db.savepoint("action")
	try:
		CALLS[action](campaign)
		return "done"
	except frappe.PermissionError:
		return "refused"
	finally:
		frappe.db.rollback(save_point="action")
		frappe.local.message_log = []
		frappe.set_user("Administrator")


@pytest.mark.parametrize("action", list(CALLS))
def test_each_action_is_for_those_of_its_row_in_the_table(people, campaign, action):
	if action not in ("start", "approve"):
		enrollment.start(campaign.name)
	if action == "resume":
		lifecycle.pause(campaign.name)
	standing = {
		"manager": {rights.MANAGER, rights.EVERYONE},
		"responsible": {rights.LEADER, rights.TEAM, rights.EVERYONE},
		"team": {rights.TEAM, rights.EVERYONE},
		"other": {rights.EVERYONE},
	}
	for person, user in people.items():
		expected = "done" if rights.TABLE[action] & standing[person] else "refused"
		assert outcome(user, action, campaign.name) == expected, person
	assert outcome(factories.user(None, "Sales User"), action, campaign.name) == "refused"


def test_a_call_centre_agent_neither_pauses_nor_finishes(people, campaign):
	enrollment.start(campaign.name)
	frappe.set_user(people["team"])
	for function in (api.pause, api.finish):
		with pytest.raises(frappe.PermissionError, match="only its creator, its responsible user"):
			function(campaign.name)
	assert frappe.db.get_value(CAMPAIGN, campaign.name, "status") == "Running"


def test_an_agent_does_not_make_himself_responsible_nor_change_a_running_campaign(people, campaign):
	frappe.set_user(people["team"])
	with pytest.raises(frappe.PermissionError, match="Responsible User"):
		frappe.client.set_value(CAMPAIGN, campaign.name, "responsible", people["team"])
	frappe.set_user("Administrator")
	enrollment.start(campaign.name)
	frappe.set_user(people["team"])
	with pytest.raises(frappe.PermissionError, match=campaign.name):
		frappe.client.set_value(CAMPAIGN, campaign.name, "goal", "Anderes")
	frappe.set_user(people["responsible"])
	frappe.client.set_value(CAMPAIGN, campaign.name, "goal", "Anderes")
	assert frappe.db.get_value(CAMPAIGN, campaign.name, "goal") == "Anderes"


def test_only_managers_choose_the_account_that_mails_leave_by(people, campaign):
	account = factories.insert(
		"Email Account",
		email_account_name=factories.unique("Chef"),
		email_id="chef@firma.example",
		enable_outgoing=0,
	).name
	for person in ("responsible", "other"):
		frappe.set_user(people[person])
		with pytest.raises(frappe.PermissionError, match="Email Account"):
			frappe.client.set_value(CAMPAIGN, campaign.name, "email_account", account)
		new = {"doctype": CAMPAIGN, "campaign_name": factories.unique("Neu"), "segment": campaign.segment}
		with pytest.raises(frappe.PermissionError, match="Email Account"):
			frappe.client.insert({**new, "email_account": account})
	frappe.set_user(people["manager"])
	frappe.client.set_value(CAMPAIGN, campaign.name, "email_account", account)
	frappe.set_user(people["responsible"])
	frappe.client.set_value(CAMPAIGN, campaign.name, "goal", "Anderes")  # leaves the account as it is
	assert frappe.db.get_value(CAMPAIGN, campaign.name, "email_account") == account


def test_the_form_is_told_which_buttons_to_show(people, campaign):
	shown = {}
	for person, user in people.items():
		frappe.set_user(user)
		doc = frappe.get_doc(CAMPAIGN, campaign.name)
		doc.run_method("onload")
		shown[person] = set(doc.get_onload("rights"))
	assert "finish" in shown["responsible"] and "approve" not in shown["responsible"]
	assert shown["other"] == {"record_calls"}
	assert shown["team"] == {"record_calls", "print_letters", "record_answers"}
	assert shown["manager"] == set(rights.TABLE)

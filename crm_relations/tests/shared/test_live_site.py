"""Test that a restored copy of a site sends nothing until an administrator confirms that it is the live site."""

import json
from pathlib import Path

import frappe
import pytest

from crm_relations.campaigns import api, checks, lifecycle
from crm_relations.campaigns.consents import opt_in
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.planning import enrollment, schedule
from crm_relations.commands import actions
from crm_relations.shared import live_site, tasks
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import Mailing, scripted_sink

pytestmark = pytest.mark.site


@pytest.fixture
def sink():
	with scripted_sink() as sink:
		yield sink


@pytest.fixture
def mailing(sink):
	mailing = Mailing()
	mailing.open_account(sink.port)
	yield mailing
	frappe.set_user("Administrator")
	mailing.remove()
	live_site.confirm()
	frappe.db.commit()


def restored_elsewhere(**other: str) -> None:
	"""Change what the database stores of the live site, so that this site differs."""
	live_site.confirm()
	known = json.loads(frappe.db.get_single_value("Relation Settings", "live_site", cache=False))
	frappe.db.set_single_value("Relation Settings", "live_site", json.dumps({**known, **other}))
	frappe.db.commit()


@pytest.mark.parametrize(
	"other",
	[
		{"database": "_of_production"},
		{"site": "erp.example"},
		{"address": "https://erp.example"},
		{"mark": "of another configuration file"},
	],
)
def test_a_copy_is_told_by_name_database_address_and_configuration(mailing, other):
	restored_elsewhere(**other)
	assert "copy of" in live_site.hindrance()
	live_site.confirm()
	assert live_site.hindrance() == ""


def test_a_restore_of_the_database_alone_is_a_copy_even_under_the_same_name(mailing):
	live_site.confirm()
	path = Path(frappe.get_site_path("site_config.json"))
	before = path.read_text(encoding="utf-8")
	configuration = json.loads(before)
	assert configuration.pop(live_site.MARK)
	try:
		path.write_text(json.dumps(configuration), encoding="utf-8")
		assert live_site.hindrance()
	finally:
		path.write_text(before, encoding="utf-8")
	assert not live_site.hindrance()


def test_the_site_is_remembered_with_the_first_message(mailing, sink):
	mailing.people(1)
	frappe.db.set_single_value("Relation Settings", "live_site", "")
	campaign = mailing.started()
	assert mailing.send(campaign)["sent"] == 1
	known = json.loads(frappe.db.get_single_value("Relation Settings", "live_site", cache=False))
	assert (known["site"], known["database"]) == (frappe.local.site, frappe.conf.db_name)


def test_a_copy_sends_no_campaign_and_an_administrator_lets_it_go_on(mailing, sink, monkeypatch):
	mailing.people(2)
	campaign = mailing.started()
	restored_elsewhere(database="_of_production")
	outcome = dispatch.send(campaign)
	assert outcome["sent"] == 0 and "_of_production" in outcome["stopped"]
	assert not sink.messages and set(mailing.states(campaign).values()) == {"Pending"}
	assert "_of_production" in api.progress(campaign)["held_back"]

	frappe.set_user(factories.user(None, "Relation Manager"))
	monkeypatch.setitem(frappe.flags, "in_test", False)  # Frappe checks no role in tests
	with pytest.raises(frappe.PermissionError):
		api.confirm_live_site()
	frappe.set_user(factories.user(None, "System Manager"))
	api.confirm_live_site()
	monkeypatch.undo()
	frappe.set_user("Administrator")
	assert dispatch.send(campaign)["sent"] == 2


def test_a_copy_starts_and_ends_nothing_by_itself(mailing, monkeypatch):
	mailing.people(1)
	approved = mailing.campaign(start_date=frappe.utils.nowdate())
	lifecycle.approve(approved.name)
	over = mailing.campaign()
	enrollment.start(over.name)
	frappe.db.set_value("Relation Campaign", over.name, "end_date", frappe.utils.add_days(None, -3))
	started = []
	monkeypatch.setattr(schedule.jobs, "enqueue_start", lambda campaign, user: started.append(campaign))
	restored_elsewhere(database="_of_production")
	schedule.run()
	assert not started
	assert frappe.db.get_value("Relation Campaign", over.name, "status") == "Running"
	assert "copy of" in " ".join(api.readiness(approved.name)["missing"])
	assert not api.start(approved.name)["queued"]


def test_a_copy_sends_no_test_no_sign_up_mail_and_no_notice(mailing, sink, monkeypatch):
	mailing.people(1)
	campaign = mailing.campaign()
	frappe.db.set_single_value("Relation Settings", "default_email_account", mailing.account)
	frappe.clear_document_cache("Relation Settings", "Relation Settings")
	request = opt_in.request(f"neu@{mailing.domain}", ["Marketing"], source="Formular")
	restored_elsewhere(database="_of_production")
	try:
		with pytest.raises(frappe.ValidationError, match="copy of"):
			api.send_test(campaign.name, campaign.steps[0].name, "Administrator")
		assert opt_in.deliver(request) == "waiting"
		assert "copy of" in frappe.db.get_value("Relation Opt-in Request", request, "mail_error")
		told = []
		monkeypatch.setattr(tasks, "notify_assignment", lambda *args, **kwargs: told.append(args))
		user = factories.user(None, "Relation User")
		tasks.assign(user, "Relation", mailing.relations[0], "Anrufen", frappe.utils.nowdate())
		assert not told and not sink.messages
		live_site.confirm()
		tasks.assign(user, "Relation", mailing.relations[0], "Anrufen", frappe.utils.nowdate())
		assert len(told) == 1
	finally:
		frappe.db.set_single_value("Relation Settings", "default_email_account", None)
		frappe.db.delete("Relation Opt-in Request", {"name": request})
		frappe.db.commit()


def test_the_check_reports_a_copy_and_the_command_ends_it(mailing):
	restored_elsewhere(site="erp.example")
	finding = next(found for found in checks.findings() if found.code == "copied-site")
	assert finding.level == "error" and "erp.example" in finding.message
	assert "confirm-live-site" in finding.remedy
	assert actions.confirm_live_site(lambda *_args: None) == ({"site": frappe.local.site}, True)
	assert not [found for found in checks.findings() if found.code == "copied-site"]

"""Test the preview of a campaign's message as one member would get it, on the screen and as a test email."""

from email import policy
from email.parser import BytesParser

import frappe
import pytest

from crm_relations.campaigns import api
from crm_relations.campaigns.consents import decisions
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import call_step, email_step

pytestmark = pytest.mark.site


def test_a_step_is_shown_as_one_relation_would_get_it(mailing):
	mailing.people(2)
	campaign = mailing.campaign([email_step(), call_step()])
	email, call = (row.name for row in campaign.steps)
	made = api.preview_step(campaign.name, email, mailing.relations[1])
	assert made["subject"] == "Für Anna" and made["recipient"] == mailing.address(1)
	assert made["allowed"] and not made["reason"]
	assert "Muster1" in made["html"] and "/rc/" not in made["html"]
	assert made["html"].count("/ru/" + "0" * 22) == 1
	script = api.preview_step(campaign.name, call, mailing.relations[1])
	assert script["html"] == "<p>Hallo Anna Muster1</p>" and script["subject"] == ""


def test_letter_task_and_variant_are_shown_as_the_relation_would_get_them(mailing):
	mailing.person(address_line="Weg 1", pincode="50667", city="Köln", country="Germany")
	letter = {"step_type": "Letter", "title": "Brief", "letter_text": "<p>Liebe {{ first_name }}</p>"}
	task = {
		"step_type": "Task",
		"title": "Besuch",
		"task_text": "{{ name }} besuchen",
		"task_for": "Administrator",
	}
	tested = email_step(subject_b="Zweite {{ last_name }}", ab_share=50)
	campaign = mailing.campaign([letter, task, tested])
	first, second, third = (row.name for row in campaign.steps)
	made = api.preview_step(campaign.name, first)
	assert made["allowed"] and made["recipient"] == "Weg 1 50667 Köln"
	assert "Liebe Anna" in made["html"] and "Weg 1<br>50667 Köln<br>" in made["html"]
	made = api.preview_step(campaign.name, second)
	assert made["allowed"] and made["html"] == "Anna Muster0 besuchen" and not made["recipient"]
	assert api.preview_step(campaign.name, third)["subject"] == "Für Anna"
	assert api.preview_step(campaign.name, third, second=True)["subject"] == "Zweite Muster0"


def test_without_a_choice_the_first_of_the_audience_is_shown(mailing):
	mailing.people(3)
	campaign = mailing.campaign()
	assert api.preview_step(campaign.name, campaign.steps[0].name)["relation"] == min(mailing.relations)


def test_the_preview_says_whom_consent_leaves_out(mailing):
	mailing.person(given=False)
	campaign = mailing.campaign()
	made = api.preview_step(campaign.name, campaign.steps[0].name)
	assert not made["allowed"] and made["reason"] == frappe._(decisions.rules.NO_CONSENT)


def test_an_empty_audience_asks_for_a_relation(mailing):
	campaign = mailing.campaign()
	with pytest.raises(frappe.ValidationError, match="Relation: choose one"):
		api.preview_step(campaign.name, campaign.steps[0].name)


def test_a_preview_shows_nobody_that_the_reader_may_not_read(mailing):
	mailing.person(country="Germany")
	campaign = mailing.campaign()
	user = factories.user(None, "Relation User")
	factories.insert(
		"User Permission", user=user, allow="Country", for_value="France", apply_to_all_doctypes=1
	)
	frappe.set_user(user)
	for relation in (None, mailing.relations[0]):
		with pytest.raises(frappe.ValidationError, match="Relation: choose one"):
			api.preview_step(campaign.name, campaign.steps[0].name, relation)


def test_a_test_message_goes_to_a_user_and_leaves_no_trace(mailing, sink):
	mailing.people(1)
	campaign = mailing.campaign()
	user = factories.user(None, "Relation Manager")
	message = api.send_test(campaign.name, campaign.steps[0].name, user)
	assert user in message
	((recipients, raw),) = sink.messages
	assert recipients == [user]
	mail = BytesParser(policy=policy.default).parsebytes(raw)
	assert mail["Subject"] == "[Test] Für Anna"
	assert "/rc/" not in mail.get_body(("html",)).get_content()
	assert not mailing.rows(campaign.name)
	assert not frappe.db.count("Communication", {"reference_name": mailing.relations[0]})


def test_a_test_is_no_way_round_consent(mailing, sink):
	mailing.people(1)
	campaign = mailing.campaign([email_step(), call_step()])
	email, call = (row.name for row in campaign.steps)
	with pytest.raises(frappe.ValidationError, match="Send to"):
		api.send_test(campaign.name, email, mailing.address(0))
	disabled = factories.user()
	frappe.db.set_value("User", disabled, "enabled", 0)
	with pytest.raises(frappe.ValidationError, match="Send to"):
		api.send_test(campaign.name, email, disabled)
	customer = factories.user()
	frappe.db.set_value("User", customer, "user_type", "Website User")
	for user in (customer, "Guest"):
		with pytest.raises(frappe.ValidationError, match="Send to"):
			api.send_test(campaign.name, email, user)
	with pytest.raises(frappe.ValidationError, match="Step: only an email"):
		api.send_test(campaign.name, call, "Administrator")
	assert not sink.messages


def test_a_test_message_is_held_back_like_any_other(mailing, sink, monkeypatch):
	mailing.people(1)
	campaign = mailing.campaign()
	user, step = factories.user(None, "Relation Manager"), campaign.steps[0].name
	monkeypatch.setitem(frappe.conf, "mute_emails", 1)
	with pytest.raises(frappe.ValidationError, match="muted"):
		api.send_test(campaign.name, step, user)
	monkeypatch.delitem(frappe.conf, "mute_emails")
	frappe.db.set_default("suspend_email_queue", 1)
	try:
		with pytest.raises(frappe.ValidationError, match="suspended"):
			api.send_test(campaign.name, step, user)
	finally:
		frappe.db.set_default("suspend_email_queue", 0)
	assert not sink.messages


def test_what_the_mail_server_says_to_a_test_is_told(mailing, sink):
	mailing.people(1)
	campaign = mailing.campaign()
	user = factories.user(None, "Relation Manager")
	sink.at_rcpt[user] = ["550 5.1.1 unknown"]
	with pytest.raises(frappe.ValidationError, match="unknown"):
		api.send_test(campaign.name, campaign.steps[0].name, user)


def test_who_may_not_write_the_campaign_sends_no_test(mailing):
	mailing.people(1)
	campaign = mailing.campaign()
	frappe.set_user(factories.user(None, "Sales User"))
	with pytest.raises(frappe.PermissionError):
		api.send_test(campaign.name, campaign.steps[0].name, "Administrator")

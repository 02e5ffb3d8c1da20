"""Test the dialogs of a campaign: calls one after the other, and the confirmation of what cannot be undone."""

from collections.abc import Iterator

import frappe
import pytest
from frappe.utils import add_days, get_datetime, nowdate
from frappe.utils.password import update_password

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.planning import enrollment
from crm_relations.tests.campaigns.test_browser_campaign import send_state
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine.browser import (  # noqa: F401
	MARKS,
	PASSWORD,
	administrators_page,
)
from crm_relations.tests.support.machine.servers import wait_for
from crm_relations.tests.support.mailing import Mailing, call_step, email_step

pytestmark = MARKS

DIALOG = ".modal.show:has([data-fieldname=next_step_for])"
SEND = "Relation Campaign Send"


@pytest.fixture
def mailing() -> Iterator[Mailing]:
	story = Mailing()
	story.open_account(25)
	for number in range(2):
		phone = f"+4915123456{number:03}"
		relation = story.person(mobile_no=phone, city="Köln")
		decisions.record(relation, phone, "Phone", "Given", source="Formular", legal_basis=rules.CONSENT)
	yield story
	frappe.db.rollback()
	for doctype in ("Relation Interaction", "ToDo"):
		key = "relation" if doctype == "Relation Interaction" else "reference_name"
		frappe.db.delete(doctype, {key: ["in", story.relations]})
	for name in story.campaigns:
		frappe.db.delete("Relation Campaign Attachment", {"parent": name})
		for file in frappe.get_all("File", {"attached_to_name": name}, pluck="name"):
			frappe.delete_doc("File", file, force=True, ignore_permissions=True)
	story.remove()


def started(mailing: Mailing) -> str:
	campaign = mailing.campaign(steps=[call_step()]).name
	enrollment.start(campaign)
	frappe.db.commit()
	return campaign


def value(page, fieldname: str, kind: str = "input") -> str:
	return page.input_value(f"{DIALOG} [data-fieldname={fieldname}] {kind}")


def set_date(page, fieldname: str, date: str) -> None:
	page.evaluate(
		"([field, date]) => cur_dialog.set_value(field, date)",
		[fieldname, date],
	)


def test_the_call_dialog_loses_nothing_and_carries_nothing_over(page, mailing):
	campaign = started(mailing)
	page.goto(f"/app/relation-campaign/{campaign}")
	page.click("button:has-text('Call List'):visible", timeout=60_000)
	page.wait_for_selector(f"{DIALOG} a[href^='tel:']", timeout=60_000)
	title = page.inner_text(f"{DIALOG} .modal-title")

	page.fill(f"{DIALOG} [data-fieldname=note] textarea", "Nur für den ersten Anruf")
	page.select_option(f"{DIALOG} [data-fieldname=answer] select", "Call Back")
	page.press(f"{DIALOG} [data-fieldname=note] textarea", "Enter")
	page.press(f"{DIALOG} [data-fieldname=next_step] input", "Enter")
	assert page.inner_text(f"{DIALOG} .modal-title") == title
	assert send_state(campaign) == {"Pending"}
	assert not frappe.db.count("Relation Campaign Response", {"campaign": campaign}), "Enter records no call"

	set_date(page, "call_again_on", add_days(nowdate(), -1))
	page.select_option(f"{DIALOG} [data-fieldname=call_again_time] select", "14:30")
	page.click(f"{DIALOG} .btn-modal-primary:visible")
	page.wait_for_function("() => frappe.msg_dialog && frappe.msg_dialog.display", timeout=30_000)
	assert "in the past" in page.inner_text(".msgprint:visible")
	page.keyboard.press("Escape")
	page.wait_for_selector(".msgprint:visible", state="detached", timeout=30_000)
	assert page.inner_text(f"{DIALOG} .modal-title") == title
	assert value(page, "note", "textarea").startswith("Nur für den ersten Anruf")
	assert value(page, "call_again_time", "select") == "14:30"

	page.mouse.click(5, 500)  # outside the dialog
	page.keyboard.press("Escape")
	page.wait_for_timeout(500)
	assert value(page, "note", "textarea").startswith("Nur für den ersten Anruf"), "what was typed stays"

	tomorrow = add_days(nowdate(), 1)
	set_date(page, "call_again_on", tomorrow)
	page.click(f"{DIALOG} .btn-modal-primary:visible")
	page.wait_for_function(
		"title => !$('.modal.show .modal-title').text().includes(title)", arg=title, timeout=30_000
	)
	page.wait_for_selector(f"{DIALOG} a[href^='tel:']", timeout=60_000)
	frappe.db.rollback()
	(first,) = frappe.get_all(SEND, {"campaign": campaign, "attempts": 1}, ["retry_at", "relation"])
	assert get_datetime(first.retry_at) == get_datetime(f"{tomorrow} 14:30:00")
	assert (value(page, "note", "textarea"), value(page, "answer", "select")) == ("", "")
	assert value(page, "next_step") == ""

	page.select_option(f"{DIALOG} [data-fieldname=answer] select", "Interested")
	page.click(f"{DIALOG} .btn-modal-primary:visible")
	wait_for(lambda: "Done" in send_state(campaign), 60, "the second call")
	notes = dict(
		frappe.get_all(
			"Relation Interaction",
			{"relation": ["in", mailing.relations]},
			["relation", "notes"],
			as_list=True,
		)
	)
	assert "ersten Anruf" in notes.pop(first.relation)
	assert [note for note in notes.values() if note] == []
	assert not page.errors


def test_pausing_and_finishing_ask_first_and_starting_lists_the_files(page, mailing):
	running, draft = started(mailing), mailing.campaign(steps=[email_step(attach_files=1)])
	file = factories.insert(
		"File",
		file_name="Preisliste.txt",
		content="Preise",
		attached_to_doctype="Relation Campaign",
		attached_to_name=draft.name,
		is_private=1,
	)
	draft.append("files", {"file": file.name})
	draft.save()
	frappe.db.commit()

	page.goto(f"/app/relation-campaign/{draft.name}")
	page.click("button:has-text('Start'):visible", timeout=60_000)
	page.wait_for_selector(".modal.show [data-files] li", timeout=60_000)
	assert file.file_name in page.inner_text(".modal.show [data-files]")
	page.keyboard.press("Escape")

	for action, status in (("Pause", "Paused"), ("Finish", "Done")):
		page.goto(f"/app/relation-campaign/{running}")
		for answer, expected in ((".btn-modal-secondary", None), (".btn-modal-primary", status)):
			before = frappe.db.get_value("Relation Campaign", running, "status")
			page.click(f".page-head button:has-text('{action}'):visible", timeout=60_000)
			page.wait_for_selector(".modal.show .btn-modal-primary:visible", timeout=60_000)
			assert "calls" in page.inner_text(".modal.show .modal-body:visible")
			page.click(f".modal.show {answer}:visible")
			page.wait_for_selector(".modal.show", state="hidden", timeout=30_000)
			wait_for(
				lambda expected=expected, before=before: frappe.db.rollback()
				or frappe.db.get_value("Relation Campaign", running, "status") == (expected or before),
				60,
				action,
			)
	assert not page.errors


def test_an_agent_is_offered_the_calls_but_not_to_pause_or_finish(page, administrators_browser, mailing):
	campaign = started(mailing)
	agent = factories.user(None, "Relation User")
	update_password(agent, PASSWORD)
	frappe.db.commit()
	page.goto("/login")
	origin = page.evaluate("location.origin")
	context = administrators_browser.browser.new_context(base_url=origin, viewport=page.viewport_size)
	try:
		desk = context.new_page()
		desk.goto("/login")
		desk.fill("#login_email", agent)
		desk.fill("#login_password", PASSWORD)
		desk.click(".btn-login")
		desk.wait_for_url("**/app/**", timeout=60_000)
		desk.goto(f"/app/relation-campaign/{campaign}")
		desk.wait_for_selector("button:has-text('Call List'):visible", timeout=60_000)
		buttons = desk.inner_text(".page-head")
		assert "Call List" in buttons
		assert not [action for action in ("Pause", "Finish", "Start", "Send Now") if action in buttons]
	finally:
		context.close()
		frappe.db.rollback()
		frappe.delete_doc("User", agent, force=True, ignore_permissions=True)
		frappe.db.commit()

"""Test a user's work at the desk with a headless Chromium, a web server, a worker and an SMTP sink."""

import os
from collections import Counter
from collections.abc import Iterator

import frappe
import pytest

from crm_relations.tests.support.machine.browser import MARKS, administrators_page  # noqa: F401
from crm_relations.tests.support.machine.servers import kill_with_children, smtp_sink, wait_for, worker
from crm_relations.tests.support.mailing import Mailing

pytestmark = MARKS


@pytest.fixture
def mailing() -> Iterator[Mailing]:
	story = Mailing()
	yield story
	story.remove()


def press_start(page, campaign: str) -> None:
	page.goto(f"/app/relation-campaign/{campaign}")
	page.click("button:has-text('Start'):visible", timeout=60_000)
	page.click(".modal.show .modal-footer .btn-primary", timeout=30_000)


def finished(campaign: str) -> bool:
	frappe.db.rollback()  # read what the worker has committed
	sends = frappe.get_all(
		"Relation Campaign Send", filters={"campaign": campaign}, pluck="state", order_by="name asc"
	)
	return bool(sends) and not set(sends) & {"Pending", "Sending"}


def test_the_start_button_sends_each_mail_once_also_when_the_job_is_killed_in_the_middle(page, mailing):
	with smtp_sink(delay=0.3) as sink:
		mailing.open_account(sink.port)
		mailing.people(12)
		campaign = mailing.campaign().name
		frappe.db.commit()
		with worker() as first:
			press_start(page, campaign)
			wait_for(lambda: len(sink.messages) >= 3, 90, "the first mails")
			kill_with_children(first)
		with worker():
			page.goto(f"/app/relation-campaign/{campaign}")
			page.click("button:has-text('Send Now'):visible", timeout=60_000)
			wait_for(lambda: finished(campaign), 120, "the rest of the mails")
	received = Counter(sink.recipients())
	states = mailing.states(campaign)
	assert set(received.values()) == {1}
	assert {address for address, state in states.items() if state == "Sent"} <= set(received)
	# one message was being sent when the worker died: its state is unknown, so it is shown and not sent again
	assert len([state for state in states.values() if state == "Uncertain"]) <= 1
	assert len(states) == 12 and mailing.balanced(campaign)
	assert not page.errors


def test_workspace_and_forms_open_without_script_errors(page, mailing):
	relation = mailing.person()
	frappe.db.commit()
	routes = (
		"/app/crm-relations",
		"/app/relation",
		f"/app/relation/{relation}",
		f"/app/relation-segment/{mailing.segment}",
		"/app/relation-campaign/new",
		"/app/relation-interaction/new",
		"/app/relation-handover",
		"/app/relation-settings",
		"/app/query-report/Campaign Statement",
	)
	shots = os.environ.get("CRM_RELATIONS_SCREENSHOTS")
	for number, route in enumerate(routes):
		page.goto(route)
		page.wait_for_selector(
			".page-head:visible .title-text, .page-head:visible .page-title", timeout=60_000
		)
		page.wait_for_timeout(1000)
		if shots:
			page.screenshot(path=os.path.join(shots, f"{number}.png"))
		assert not page.query_selector(
			".msgprint-dialog.show"
		), f"{route}: {page.inner_text('.msgprint-dialog')}"
		assert not page.errors, f"{route}: {page.errors}"

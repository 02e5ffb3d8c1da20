"""Test a campaign at the desk: readiness, the funnel, letters, and calls one after the other."""

from collections.abc import Iterator

import frappe
import pytest

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.planning import enrollment
from crm_relations.tests.support.machine.browser import MARKS, administrators_page  # noqa: F401
from crm_relations.tests.support.machine.servers import smtp_sink, wait_for
from crm_relations.tests.support.mailing import Mailing, call_step, email_step

pytestmark = MARKS


@pytest.fixture
def mailing() -> Iterator[Mailing]:
	story = Mailing()
	with smtp_sink() as sink:
		story.open_account(sink.port)
		yield story
	story.remove()


def open_progress(page, campaign: str) -> None:
	page.goto(f"/app/relation-campaign/{campaign}")
	page.click(".form-tabs .nav-link:visible >> nth=2", timeout=60_000)


def send_state(campaign: str, **filters) -> set[str]:
	frappe.db.rollback()  # read what the web server has committed
	return set(
		frappe.get_all(
			"Relation Campaign Send",
			filters={"campaign": campaign, **filters},
			pluck="state",
			order_by="name asc",
		)
	)


def test_the_form_leads_from_what_is_missing_to_calls_and_letters(page, mailing):
	for number in range(2):
		phone = f"+4915123456{number:03}"
		relation = mailing.person(mobile_no=phone, address_line="Domplatz 1", pincode="50667", city="Köln")
		decisions.record(relation, phone, "Phone", "Given", source="Formular", legal_basis=rules.CONSENT)
	draft = mailing.campaign(steps=[email_step(), email_step()])
	letter = {"step_type": "Letter", "title": "Brief", "letter_text": "<p>Guten Tag</p>"}
	running = mailing.campaign(steps=[call_step(), letter])
	enrollment.start(running.name)
	frappe.db.commit()

	open_progress(page, draft.name)
	page.wait_for_selector("[data-readiness] li", timeout=60_000)
	assert "1, 2" in page.inner_text("[data-readiness]")

	open_progress(page, running.name)
	page.wait_for_selector("[data-stage=members]", timeout=60_000)
	assert "2" in page.inner_text("[data-stage=members]")
	page.click("[data-letters=print]")
	page.click("[data-letters=posted]", timeout=60_000)
	wait_for(lambda: send_state(running.name, step_type="Letter") == {"Sent"}, 60, "posted letters")

	page.click("button:has-text('Call List'):visible")
	for _call in range(2):
		page.wait_for_selector(".modal.show a[href^='tel:']", timeout=60_000)
		page.select_option(".modal.show [data-fieldname=answer] select", "Interested")
		page.click(".modal.show .btn-modal-primary:visible")
		page.wait_for_timeout(1500)
	wait_for(lambda: send_state(running.name, step_type="Call") == {"Done"}, 60, "recorded calls")
	assert not page.errors
	frappe.db.delete("Relation Interaction", {"relation": ["in", mailing.relations]})
	frappe.db.commit()


def test_uncertain_messages_are_shown_and_a_person_decides_about_each(page, mailing):
	mailing.people(3)
	campaign = mailing.started()
	arrived, lost = (mailing.rows(campaign)[number].name for number in range(2))
	for send in (arrived, lost):
		values = {"state": "Uncertain", "reason": "The worker ended while this message was on its way"}
		frappe.db.set_value("Relation Campaign Send", send, values)
	frappe.db.commit()

	open_progress(page, campaign)
	for send, answer, state in ((arrived, 1, "Sent"), (lost, 0, "Pending")):
		button = f"[data-send='{send}'][data-arrived='{answer}']"
		page.wait_for_selector(button, timeout=60_000)
		assert "on its way" in page.inner_text(f"tr:has({button})")
		page.click(button)
		page.click(".modal.show .btn-modal-primary:visible")
		wait_for(lambda send=send, state=state: send_state(campaign, name=send) == {state}, 60, "decision")
		page.wait_for_selector(button, state="detached", timeout=60_000)
	assert not page.errors

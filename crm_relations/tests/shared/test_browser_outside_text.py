"""Test external texts in a real browser: wherever the desk shows them, their scripts do not run."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import frappe
import pytest

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions, deliverability
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.planning import enrollment
from crm_relations.shared.text.outside_text import insert_rows
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine.browser import MARKS, administrators_page  # noqa: F401
from crm_relations.tests.support.machine.servers import smtp_sink
from crm_relations.tests.support.mailing import Mailing, call_step, email_step

pytestmark = MARKS

#: without a closing bracket at the end: a filter that removes whole tags leaves it
OPEN = "<img src=x onerror=\"window.struck=1;alert('struck')\" "
IMAGE = f"{OPEN}>"


@pytest.fixture(name="quiet")
def page_without_scripts_of_others(page):
	"""Yield the page of the desk; `page.struck()` returns whether a payload ran."""
	dialogs = []
	page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
	page.struck = lambda: dialogs or page.evaluate("window.struck")
	return page


@pytest.fixture
def mailing() -> Iterator[Mailing]:
	story = Mailing()
	with smtp_sink() as sink:
		story.open_account(sink.port)
		yield story
	story.remove()


def look_at(page, route: str, shown: str = "") -> None:
	"""Open a page of the desk and wait until it shows a text, or an error of the server."""
	page.goto(route)
	page.wait_for_selector(".page-head:visible .title-text, .page-head:visible .page-title", timeout=60_000)
	if shown:
		page.wait_for_selector(shown, timeout=60_000)
	page.wait_for_load_state("networkidle", timeout=60_000)
	page.wait_for_timeout(500)


def test_the_payload_would_run(quiet):
	look_at(quiet, "/app/relation")
	quiet.evaluate(f"$('body').append({json.dumps(IMAGE)})")
	quiet.wait_for_function("window.struck", timeout=10_000)
	assert quiet.struck()


@pytest.mark.parametrize(
	"route",
	[
		"/app/customer?relation_segment={}",
		"/app/campaign-balance-sheet/{}",
		"/app/campaign-balance-sheet/X?company={}",
		"/app/process-chain/Sales%20Invoice/{}",
		"/app/process-chain/{}/X",
	],
)
@pytest.mark.parametrize("payload", [IMAGE, OPEN])
def test_values_of_the_address_run_nothing(quiet, route, payload):
	look_at(quiet, route.format(quote(payload, safe="")))
	assert not quiet.struck()


def test_call_script_and_name_run_nothing_in_the_call_list(quiet, mailing):
	phone = "+4915123456999"
	relation = mailing.person(mobile_no=phone)
	decisions.record(relation, phone, "Phone", "Given", source="Formular", legal_basis=rules.CONSENT)
	campaign = mailing.campaign(steps=[call_step()])
	script = f"<p>Guten Tag</p>{IMAGE}<script>parent.struck=1</script>"
	frappe.db.set_value("Relation Campaign Step", campaign.steps[0].name, "call_script", script)
	frappe.db.set_value(
		"Relation", relation, "relation_name", IMAGE
	)  # bypasses every filter: the desk escapes too
	enrollment.start(campaign.name)
	frappe.db.commit()
	look_at(quiet, f"/app/relation-campaign/{campaign.name}")
	quiet.click("button:has-text('Call List'):visible")
	quiet.wait_for_selector(".modal.show [data-script] iframe[sandbox='']", timeout=60_000)
	assert "onerror" in quiet.inner_text(".modal.show .modal-title")
	frame = quiet.frame_locator(".modal.show [data-script] iframe")
	assert frame.locator("p").inner_text(timeout=10_000) == "Guten Tag"
	assert not quiet.struck()


def test_a_sent_message_runs_nothing_in_the_timelines(quiet, mailing):
	relation = mailing.person(first_name=IMAGE)
	customer = factories.customer().name
	own = frappe.db.get_value("Relation Party", {"party_type": "Customer", "party": customer}, "parent")
	frappe.db.set_value("Relation Party", {"parent": own}, "parent", relation)
	frappe.db.delete("Relation", {"name": own})
	campaign = mailing.campaign(steps=[email_step()])
	frappe.db.set_value(
		"Relation Campaign Step",
		campaign.steps[0].name,
		{
			"subject": f"Angebot {IMAGE}",
			"message": f"<p>Guten Tag {{{{ first_name }}}}</p>{IMAGE}<script>struck=1</script>",
		},
	)
	enrollment.start(campaign.name)
	frappe.db.commit()
	assert dispatch.send(campaign.name)["sent"] == 1
	frappe.db.commit()
	look_at(quiet, f"/app/customer/{quote(customer)}", ".new-timeline :text('Guten Tag')")
	assert not quiet.struck()
	look_at(quiet, f"/app/relation/{relation}")
	quiet.wait_for_selector(
		"[data-part=entries] [data-doctype=Communication]", state="attached", timeout=60_000
	)
	assert not quiet.struck()
	frappe.delete_doc("Customer", customer, force=True)
	frappe.db.commit()


def test_a_bounce_runs_nothing_on_form_list_and_report(quiet):
	key = f"{frappe.generate_hash(length=8)}@kunde.example"
	for _time in range(2):
		deliverability.note_bounce(key, permanent=True, code=IMAGE, reason=f"550 {IMAGE}")
	frappe.db.commit()
	try:
		look_at(quiet, f"/app/relation-mail-address/{key}", ":text('550')")
		look_at(quiet, "/app/relation-mail-address")
		look_at(quiet, "/app/relation-mail-address/view/report?_fields=reason")
		assert not quiet.struck()
	finally:
		frappe.db.delete(deliverability.DOCTYPE, {"name": key})
		frappe.db.commit()


def test_an_import_runs_nothing_in_records_and_preview(quiet):
	name, stamp = frappe.generate_hash(length=10), frappe.utils.now()
	insert_rows(
		"Relation Import Record",
		["name", "creation", "modified", "source", "file_name", "row_key", "row_number", "state", "reason"],
		[(name, stamp, stamp, IMAGE, IMAGE, IMAGE, 1, "Rejected", f"Zeile 1: {IMAGE}")],
	)
	row = {
		"row": IMAGE,
		"action": "create",
		"title": IMAGE,
		"relation": IMAGE,
		"reason": IMAGE,
		"details": [IMAGE],
	}
	preview = frappe.get_doc(
		{
			"doctype": "Relation Import",
			"name": f"IMPORT-{frappe.generate_hash(length=6)}",
			"import_file": "/private/files/x.csv",
			"existing": "Update",
			"status": "Checked",
			"rows_total": 1,
			"preview": json.dumps([row]),  # written over REST, where our code does not check it
			"failure": "x",
		}
	)
	preview.db_insert()
	frappe.db.commit()
	try:
		look_at(quiet, "/app/relation-import-record", f"[data-name='{name}'], .list-row :text('Zeile 1')")
		look_at(quiet, f"/app/relation-import-record/{name}", ":text('Zeile 1')")
		look_at(quiet, f"/app/relation-import/{preview.name}", "[data-fieldname=preview_html] td")
		assert not quiet.struck()
	finally:
		frappe.db.delete("Relation Import Record", {"name": name})
		frappe.db.delete("Relation Import", {"name": preview.name})
		frappe.db.commit()

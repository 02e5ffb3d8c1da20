"""Test what users do in a campaign: calls from the list, letters that are printed and posted."""

import frappe
import pytest
from frappe.utils import add_to_date, now_datetime

from crm_relations.campaigns import api, rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.manual import call_list, letters
from crm_relations.campaigns.reporting import funnel
from crm_relations.interactions import api as interactions
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import Mailing, call_step
from crm_relations.tests.support.printed import Printed

pytestmark = pytest.mark.site
SEND = "Relation Campaign Send"


@pytest.fixture
def mailing():
	mailing = Mailing()
	yield mailing
	frappe.set_user("Administrator")
	mailing.remove()


@pytest.fixture
def agents():
	return [factories.user(None, "Relation User") for _number in range(2)]


def callable_people(mailing: Mailing, number: int) -> None:
	for i in range(number):
		relation = mailing.person(mobile_no=f"+4915123456{i:03}")
		phone = frappe.db.get_value("Relation", relation, "mobile_no")
		decisions.record(relation, phone, "Phone", "Given", source="Formular", legal_basis=rules.CONSENT)


@pytest.fixture
def calls(mailing):
	callable_people(mailing, 3)
	return mailing.started(steps=[call_step(max_tries=2)])


def test_two_agents_get_two_calls_and_a_third_waits_for_none(calls, agents):
	reserved = []
	for agent in (*agents, agents[0]):
		frappe.set_user(agent)
		reserved.append(interactions.reserve_call(calls)["call"]["send"])
	assert reserved[0] != reserved[1] and reserved[2] == reserved[0], "an agent gets its own again"
	frappe.set_user(agents[1])
	answer = interactions.reserve_call(calls, skipped=[reserved[1]])
	assert answer["call"]["send"] not in reserved
	assert interactions.reserve_call(calls, skipped=[reserved[1], answer["call"]["send"]])["call"] is None


def test_a_reservation_ends_by_itself_or_is_given_back(calls, agents):
	frappe.set_user(agents[0])
	mine = interactions.reserve_call(calls)["call"]["send"]
	frappe.set_user(agents[1])
	interactions.release_call(mine)
	assert frappe.db.get_value(SEND, mine, "reserved_by") == agents[0], "only one's own"
	with pytest.raises(frappe.ValidationError, match="reserved by"):
		interactions.record_call(mine, "Interested")
	frappe.db.set_value(SEND, mine, "reserved_until", add_to_date(now_datetime(), minutes=-1))
	assert interactions.reserve_call(calls)["call"]["send"] == mine
	interactions.release_call(mine)
	assert not frappe.db.get_value(SEND, mine, "reserved_by")


def test_a_call_comes_with_its_history(calls, mailing):
	call = interactions.reserve_call(calls)["call"]
	soon = add_to_date(now_datetime(), minutes=5)
	interactions.record_call(call["send"], "Not Reached", note="Mailbox", call_again_at=str(soon))
	frappe.db.set_value(SEND, call["send"], "retry_at", add_to_date(now_datetime(), minutes=-1))
	frappe.db.set_value(SEND, call["send"], "due_on", now_datetime().date())
	again = interactions.reserve_call(calls)
	assert again["call"]["send"] == call["send"], "who was promised a call comes first"
	assert any("Not Reached" in str(entry) for entry in again["history"])


def test_a_promised_time_is_kept_and_tries_are_limited(calls):
	send = interactions.reserve_call(calls)["call"]["send"]
	later = add_to_date(now_datetime(), minutes=30)
	interactions.record_call(send, "Call Back", call_again_at=str(later))
	row = frappe.get_doc(SEND, send)
	assert row.state == "Pending" and row.retry_at == frappe.utils.get_datetime(str(later))
	assert send not in [call["send"] for call in call_list.next_calls(calls)]
	frappe.db.set_value(SEND, send, "retry_at", add_to_date(now_datetime(), minutes=-1))
	frappe.db.set_value(SEND, send, "due_on", now_datetime().date())
	assert call_list.next_calls(calls)[0]["send"] == send
	interactions.record_call(send, "Not Reached")
	assert frappe.db.get_value(SEND, send, "state") == "Done", "the second of two tries"


def test_who_wants_no_calls_gets_none_from_any_campaign(calls, mailing):
	other = mailing.started(steps=[call_step()])
	call = interactions.reserve_call(calls)["call"]
	interactions.record_call(call["send"], "Not Interested", do_not_call=True)
	for campaign in (calls, other):
		assert call["relation"] not in [row["relation"] for row in call_list.next_calls(campaign, 10)]
	(row,) = mailing.rows(other, relation=call["relation"])
	assert row.state == "Suppressed"


def test_the_call_with_the_highest_expected_value_comes_first(calls, mailing):
	company = frappe.get_all("Company", pluck="name", order_by="name asc")[0]
	values = ((0, 5, 100.0, 1), (1, 1, 9000.0, 3), (2, 50, 0.0, 0))
	for number, points, revenue, orders in values:
		relation = mailing.relations[number]
		frappe.db.set_value("Relation Campaign Member", {"relation": relation}, "points", points)
		factories.insert(
			"Relation Facts",
			relation=relation,
			company=company,
			revenue_24_months=revenue,
			orders_24_months=orders,
		)
	try:
		order = [mailing.relations.index(call["relation"]) for call in call_list.next_calls(calls)]
		assert order == [1, 0, 2], "2 x 3000, 6 x 100, 51 x 1"
	finally:
		frappe.db.delete("Relation Facts", {"relation": ["in", mailing.relations]})


def test_outside_of_the_hours_nobody_is_called(calls):
	hour = (now_datetime().hour + 2) % 23
	frappe.db.set_value("Relation Campaign", calls, {"hours_from": hour, "hours_until": hour + 1})
	answer = interactions.reserve_call(calls)
	assert answer["call"] is None and "working hours" in answer["reason"]


def test_who_objected_since_is_taken_off_the_list_when_its_turn_comes(calls, mailing):
	first = call_list.next_calls(calls)[0]
	frappe.db.set_value(
		"Relation Campaign Member", first["member"], {"left_on": now_datetime(), "left_reason": "Bought"}
	)
	call = interactions.reserve_call(calls)["call"]
	assert call["send"] != first["send"]
	assert frappe.db.get_value(SEND, first["send"], ["state", "reason"]) == ("Suppressed", "Bought")


# --- letters --------------------------------------------------------------------------------------------

TEXT = "<p>Guten Tag {{ salutation }} {{ last_name }},</p><p>=Preise: siehe unten.</p>"


@pytest.fixture
def posted(mailing):
	mailing.person(address_line="Domplatz 1", pincode="50667", city="Köln")
	mailing.person(address_line="=HYPERLINK(1)", pincode="10115", city="Berlin")
	mailing.person()
	return mailing.started(steps=[{"step_type": "Letter", "title": "Brief", "letter_text": TEXT}])


def file_content(url: str) -> bytes:
	content = frappe.get_doc("File", {"file_url": url}).get_content()
	return content.encode() if isinstance(content, str) else content


def test_letters_are_printed_once_and_sent_when_somebody_says_so(posted, mailing):
	assert [row.reason for row in mailing.rows(posted, state="Suppressed")] == ["No postal address"]
	made = api.print_letters(posted)
	assert made["letters"] == 2 and not made["note"]
	letters_printed = Printed(file_content(made["file"]))
	assert letters_printed.pages == 2 and "50667 Köln" in letters_printed and "Guten Tag" in letters_printed
	csv = file_content(made["addresses"]).decode("utf-8-sig")
	assert "Domplatz 1;50667;Köln" in csv and "'=HYPERLINK" in csv, "no cell runs as a formula"
	assert api.print_letters(posted)["print_run"] is None, "printed once"
	(run,) = api.progress(posted)["print_runs"]
	assert run["letters"] == 2 and len(run["files"]) == 2
	assert interactions.confirm_letters(posted, made["print_run"]) == 2
	assert interactions.confirm_letters(posted, made["print_run"]) == 0
	assert {row.state for row in mailing.rows(posted, print_run=made["print_run"])} == {"Sent"}
	logged = frappe.get_all("Relation Interaction", {"relation": ["in", mailing.relations]}, pluck="kind")
	assert logged == ["Letter", "Letter"] and funnel.funnel(posted)["addressed"]["sent"] == 2
	frappe.db.delete("Relation Interaction", {"relation": ["in", mailing.relations]})


def test_a_run_that_is_thrown_away_is_printed_again(posted):
	made = api.print_letters(posted)
	assert api.discard_letters(posted, made["print_run"]) == 2
	again = api.print_letters(posted)
	assert again["letters"] == 2 and again["print_run"] != made["print_run"]


def test_who_objects_to_letters_gets_none(posted, mailing):
	address = mailing.rows(posted, relation=mailing.relations[0])[0].recipient
	decisions.record(mailing.relations[0], address.upper(), "Letter", "Withdrawn", source="Brief")
	made = api.print_letters(posted)
	assert made["letters"] == 1
	assert mailing.rows(posted, relation=mailing.relations[0])[0].reason == rules.WITHDRAWN


def test_without_a_pdf_engine_the_letters_are_html_and_that_is_said(posted, monkeypatch):
	def broken(_html):
		raise OSError("cannot load library 'libpango-1.0-0'")

	monkeypatch.setattr(letters.pdf, "from_html", broken)
	made = api.print_letters(posted)
	assert made["file"].endswith(".html") and "libpango" in made["note"]
	assert "Domplatz 1" in file_content(made["file"]).decode()


def test_a_letter_loads_nothing_from_the_net_or_the_disk():
	content, suffix, _note = letters.to_pdf("<img src='file:///etc/passwd'><img src='http://127.0.0.1:1/x'>x")
	assert suffix == "pdf" and b"root:" not in content

"""Test responses: replies, clicks, unsubscriptions on the guest pages, and calls."""

import threading
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import frappe
import pytest
from frappe.utils import add_days, add_to_date, getdate, now_datetime, nowdate

from crm_relations.campaigns import queries, rules
from crm_relations.campaigns.classification import classification as answer_rules
from crm_relations.campaigns.consents import decisions, deliverability, opt_in
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.incoming import clicks, inbox, responses
from crm_relations.campaigns.manual import call_list
from crm_relations.campaigns.recipient_pages import preferences
from crm_relations.campaigns.reporting import funnel
from crm_relations.tests.conftest import SITE
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.statements import sent_statements
from crm_relations.tests.support.machine import servers
from crm_relations.tests.support.machine.guests import asked_more, http, path_of
from crm_relations.tests.support.mailing import Mailing, call_step, email_step, scripted_sink

pytestmark = pytest.mark.site


@pytest.fixture
def mailing():
	mailing = Mailing()
	yield mailing
	mailing.remove()


@pytest.fixture
def sent(mailing):
	"""Send the two messages of a campaign, and return its name."""
	with scripted_sink() as sink:
		mailing.open_account(sink.port)
		mailing.people(2)
		campaign = mailing.started()
		dispatch.send(campaign)
	an_hour_ago(campaign)
	return campaign


def an_hour_ago(campaign):
	"""Set the time of sending to an hour ago, because a click within seconds counts as a bot's."""
	then = add_to_date(now_datetime(), hours=-1)
	frappe.db.set_value(
		"Relation Campaign Send", {"campaign": campaign}, {"sent_at": then, "claimed_at": then}
	)
	frappe.db.commit()


def member_of(row):
	return frappe.get_doc("Relation Campaign Member", row.member)


def incoming(in_reply_to, subject="AW: Einladung", **values):
	return factories.insert(
		"Communication",
		communication_type="Communication",
		communication_medium="Email",
		subject=subject,
		content="Gern!",
		in_reply_to=in_reply_to,
		**{
			"sent_or_received": "Received",
			"sender": "anna@kunde.example",
			"recipients": "marketing@rt.example",
			**values,
		},
	)


def answers(campaign):
	return frappe.get_all(
		"Relation Campaign Response",
		filters={"campaign": campaign},
		fields=[
			"name",
			"response_type",
			"answer",
			"member",
			"url",
			"send",
			"reference_name",
			"bot",
			"bot_reason",
		],
		order_by="creation asc",
	)


def test_a_reply_is_a_response_of_the_member_once(mailing, sent):
	row = mailing.rows(sent)[0]
	mail = incoming(row.communication)
	inbox.receive(mail)
	inbox.receive(mail)
	found = answers(sent)
	assert [(a.response_type, a.member, a.reference_name) for a in found] == [
		("Reply", row.member, mail.name)
	]
	member = member_of(row)
	assert member.status == "Answered" and member.last_response
	status = queries.status(sent)
	assert (status["answered"], status["replied"]) == (1, 1)


@pytest.mark.parametrize(
	"values",
	[
		{"subject": "Automatische Antwort: Einladung"},
		{"sender": "MAILER-DAEMON@mx.example"},
		{"sent_or_received": "Sent"},
	],
)
def test_an_out_of_office_note_a_bounce_and_our_own_mail_are_no_answers(mailing, sent, values):
	incoming(mailing.rows(sent)[0].communication, **values)
	assert not answers(sent)


def test_a_reply_to_another_mail_is_no_answer(mailing, sent):
	incoming(incoming(None).name)
	assert not answers(sent)


def test_an_inbound_mail_finds_its_member_by_the_message_id(mailing, sent):
	"""Use Frappe's complete inbox, starting from the raw email."""
	from frappe.email.receive import InboundMail

	row = mailing.rows(sent)[0]
	account = frappe.get_doc("Email Account", mailing.account)
	raw = (
		f"From: Anna <{row.recipient}>\nTo: {account.email_id}\nSubject: Re: Einladung\n"
		f"Message-ID: <{frappe.generate_hash()}@kunde.example>\nIn-Reply-To: <{row.message_id}>\n"
		"Content-Type: text/plain\n\nGern!\n"
	)
	communication = InboundMail(raw, account).process()
	assert communication.reference_doctype == "Relation" and communication.reference_name == row.relation
	assert [a.reference_name for a in answers(sent)] == [communication.name]


def test_a_response_can_neither_be_changed_nor_deleted(mailing, sent):
	name = responses.record(mailing.rows(sent)[0].member, "Reply")
	doc = frappe.get_doc("Relation Campaign Response", name)
	doc.note = "anders"
	with pytest.raises(frappe.ValidationError, match="cannot be changed"):
		doc.save()
	with pytest.raises(frappe.ValidationError, match="cannot be deleted"):
		doc.delete()


# --- guest pages, over HTTP -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk():
	with servers.desk() as address:
		yield address


def test_a_click_leads_to_the_stored_address_and_is_recorded_once(mailing, sent, desk):
	row = mailing.rows(sent)[0]
	path = path_of(clicks.click_url(row.token, 0))
	for _time in range(2):
		assert http(desk, path)[:2] == (302, "https://shop.example/herbst?id=1&x=2")
	assert [(a.response_type, a.url, a.send) for a in answers(sent)] == [
		("Click", "https://shop.example/herbst?id=1&x=2", row.name)
	]
	assert queries.status(sent)["clicked"] == 1 and member_of(row).status == "Answered"


def test_robots_are_led_on_marked_and_not_counted(mailing, sent, desk):
	"""mautic#9162, #9798: bots open and click. Their clicks are recorded and marked, and count nowhere."""
	row = mailing.rows(sent)[0]
	path = path_of(clicks.click_url(row.token, 0))
	assert http(desk, path, method="HEAD")[0] == 302
	assert http(desk, path, Sec_Purpose="prefetch")[0] == 302
	assert http(desk, path, User_Agent="Googlebot/2.1")[0] == 302
	assert [(a.response_type, a.bot) for a in answers(sent)] == [("Click", 1)], "one row, whoever comes"
	assert queries.status(sent)["clicked"] == 0 and queries.status(sent)["answered"] == 0
	assert member_of(row).status == "Addressed" and not member_of(row).last_response
	assert http(desk, path)[0] == 302
	assert queries.status(sent)["clicked"] == 1, "the person who follows counts"


def test_a_click_within_seconds_of_the_delivery_is_a_scanners(mailing, sent, desk):
	row = mailing.rows(sent)[0]
	frappe.db.set_value("Relation Campaign Send", row.name, "sent_at", now_datetime())
	frappe.db.commit()
	assert http(desk, path_of(clicks.click_url(row.token, 0)))[0] == 302
	assert [a.bot_reason for a in answers(sent)] == [answer_rules.TOO_EARLY]


def test_a_scanner_that_opens_every_link_is_told_by_it(mailing, sent, desk):
	"""mautic#16069: the first link, which looked like a person's, no longer counts either."""
	row = mailing.rows(sent)[0]
	for index in range(2):
		assert http(desk, path_of(clicks.click_url(row.token, index)))[0] == 302
	assert [(a.bot, a.bot_reason) for a in answers(sent)] == [(1, answer_rules.BURST)] * 2
	member = member_of(row)
	assert member.status == "Addressed" and not member.last_response
	assert queries.status(sent)["clicked"] == 0


def test_an_answer_stays_one_beside_the_clicks_of_a_scanner(mailing, sent, desk):
	row = mailing.rows(sent)[0]
	responses.record(row.member, "Reply", send=row.name)
	for index in range(2):
		clicks.click(
			clicks.find(row.token), f"https://shop.example/{index}", "GET", {"User-Agent": "Firefox"}
		)
	assert member_of(row).status == "Answered" and member_of(row).last_response


def test_a_forged_link_is_not_found(mailing, sent, desk):
	"""Count clicks without an open redirect, which others use; Frappe counts none (platform facts 3.3)."""
	first, second = mailing.rows(sent)
	good = path_of(clicks.click_url(first.token, 0)).rpartition("/")[2]
	token, index, signature = good.split(".")
	other = path_of(clicks.click_url(second.token, 0)).rpartition(".")[2]
	forged = [
		f"{token}.1.{signature}",
		f"{token}.{index}.{other}",
		f"{token}.{index}",
		path_of(clicks.click_url(first.token, 7)).rpartition("/")[2],
		path_of(clicks.click_url("x" * 22, 0)).rpartition("/")[2],
		good.swapcase(),
		"https:%2F%2Fevil.example",
	]
	for value in forged:
		status, location, _body = http(desk, f"/rc/{value}?url=https://evil.example")
		assert (status, location) == (404, None), value
	assert not answers(sent)


def test_only_web_addresses_are_led_to(mailing, sent):
	row = mailing.rows(sent)[0]
	frappe.db.set_value("Relation Campaign Send", row.name, "links", '["javascript:alert(1)"]')
	assert clicks.click_target(path_of(clicks.click_url(row.token, 0)).rpartition("/")[2]) is None


def test_opening_the_unsubscribe_page_does_nothing(mailing, sent, desk):
	"""Frappe's own link acts on a GET (platform facts 3.2)."""
	row = mailing.rows(sent)[0]
	status, _location, body = http(desk, f"/ru/{row.token}")
	assert status == 200 and "<form" in body and row.recipient in body
	assert http(desk, f"/ru/{row.token}", method="HEAD")[0] == 200
	assert decisions.lookup(row.relation, row.recipient, "Email").allowed and not answers(sent)


@pytest.mark.parametrize("data", [{"List-Unsubscribe": "One-Click"}, {"csrf_token": ""}])
def test_a_post_unsubscribes_without_session_and_can_be_repeated(mailing, sent, desk, data):
	"""Frappe's signed requests are GETs with an empty body: RFC 8058 posts (platform facts 3.2)."""
	row = mailing.rows(sent)[0]
	for _time in range(2):
		assert http(desk, f"/ru/{row.token}", method="POST", data=data)[0] == 200
	decision = decisions.lookup(row.relation, row.recipient.upper(), "Email")
	assert decision.reason == rules.WITHDRAWN
	assert frappe.db.count("Relation Consent", {"relation": row.relation, "event": "Withdrawn"}) == 1
	assert [a.response_type for a in answers(sent)] == ["Unsubscribe"]
	assert member_of(row).status == "Declined" and queries.status(sent)["unsubscribed"] == 1
	other = mailing.rows(sent)[1]
	assert decisions.lookup(other.relation, other.recipient, "Email").allowed, "one person, not the campaign"


def test_scanners_unsubscribe_nobody(mailing, sent, desk):
	"""mautic#9162: Frappe's own link unsubscribes on a GET, so that a mail scanner takes people off the list."""
	row = mailing.rows(sent)[0]
	for method in ("GET", "HEAD", "GET"):
		http(desk, f"/ru/{row.token}", method=method, User_Agent="BarracudaCentral")
		http(desk, f"/ru/{row.token}?List-Unsubscribe=One-Click", method=method)
	assert decisions.lookup(row.relation, row.recipient, "Email").allowed and not answers(sent)


def test_an_unsubscription_ends_nothing_for_others(mailing, sent, desk):
	"""erpnext#52448: one unsubscription set the whole Email Campaign to Unsubscribed."""
	first, second = mailing.rows(sent)
	http(desk, f"/ru/{first.token}", method="POST", data={"List-Unsubscribe": "One-Click"})
	assert decisions.lookup(second.relation, second.recipient, "Email").allowed
	assert frappe.db.get_value("Relation Campaign", sent, "status") == "Running"
	assert member_of(second).status == "Addressed"


def test_too_many_guesses_from_one_address_are_refused(desk):
	"""Every guest page counts requests by address; the one-click request of a mail program is not a guess."""
	ip, guess = f"2001:db8:{frappe.generate_hash(length=4)}::1", f"/rc/{'x' * 22}.0.{'y' * 12}"
	assert http(desk, guess, ip=ip)[0] == 404
	asked_more("rc", ip, 298)
	assert [http(desk, guess, ip=ip)[0] for _i in range(2)] == [404, 429]
	assert http(desk, guess)[0] == 404, "others may ask"
	assert http(desk, f"{guess}?cmd=x", ip=ip)[0] in (417, 429), "no parameter gives a counter of its own"


def test_what_a_scanner_opens_keeps_nobody_in_its_network_from_unsubscribing(mailing, sent, desk):
	"""Share one internet address between the people of a company and its scanner."""
	row, ip = mailing.rows(sent)[0], f"2001:db8:{frappe.generate_hash(length=4)}::1"
	for page, path in (
		("rc", path_of(clicks.click_url(row.token, 0))),
		("ri", path_of(clicks.open_url(row.token))),
		("ru", f"/ru/{'x' * 22}"),
		("rp", f"/rp/{'x' * 22}"),
	):
		http(desk, path, ip=ip)
		asked_more(page, ip, 400)
	assert http(desk, path_of(clicks.click_url(row.token, 0)), ip=ip)[0] == 429
	assert http(desk, f"/ru/{'x' * 22}", ip=ip)[0] == 429
	assert (
		http(desk, f"/ru/{row.token}", method="POST", data={"List-Unsubscribe": "One-Click"}, ip=ip)[0] == 200
	)
	assert http(desk, f"/rp/{row.token}", method="POST", data={"do": "refuse"}, ip=ip)[0] == 200
	assert decisions.lookup(row.relation, row.recipient, "Email").reason == rules.WITHDRAWN


@pytest.mark.parametrize("blocked", ["dead", "unsubscribed elsewhere"])
def test_a_repeated_unsubscription_adds_nothing_where_the_address_is_blocked_anyway(
	mailing, sent, desk, blocked
):
	"""Search the objections for the objection, and not the answer to whether an email may be sent."""
	row = mailing.rows(sent)[0]
	if blocked == "dead":
		deliverability.note_bounce(row.recipient, permanent=True)
	else:
		factories.insert("Email Unsubscribe", email=row.recipient, global_unsubscribe=1)
	frappe.db.commit()
	for _time in range(3):
		http(desk, f"/ru/{row.token}", method="POST", data={"List-Unsubscribe": "One-Click"})
		http(desk, f"/rp/{row.token}", method="POST", data={"do": "refuse"})
	frappe.db.delete("Email Unsubscribe", {"email": row.recipient})
	frappe.db.commit()
	withdrawn = {"relation": row.relation, "event": "Withdrawn", "channel": "Email"}
	assert frappe.db.count("Relation Consent", withdrawn) == 1
	assert [a.response_type for a in answers(sent)] == ["Unsubscribe"]


def test_unsubscriptions_at_once_are_one(mailing, sent, desk):
	row = mailing.rows(sent)[0]
	url = f"http://127.0.0.1:{desk.rpartition(':')[2]}/ru/{row.token}"
	barrier = threading.Barrier(8)

	def post():
		request = urllib.request.Request(
			url, data=b"List-Unsubscribe=One-Click", headers={"Host": SITE, "User-Agent": "x"}
		)
		barrier.wait(30)
		with urllib.request.urlopen(request, timeout=60) as answer:
			assert answer.status == 200

	with ThreadPoolExecutor(8) as pool:
		for future in [pool.submit(post) for _i in range(8)]:
			future.result(90)
	frappe.db.rollback()
	assert frappe.db.count("Relation Consent", {"relation": row.relation, "event": "Withdrawn"}) == 1
	assert [a.response_type for a in answers(sent)] == ["Unsubscribe"]


@pytest.mark.parametrize("page", ["ru", "rp", "rc", "ro"])
def test_a_page_costs_the_same_number_of_queries_however_much_there_is(mailing, sent, page):
	"""civicrm-core#21176: each unsubscribe link rebuilt caches until the site stopped responding."""
	row = mailing.rows(sent)[0]
	work = {
		"ru": lambda: clicks.find(row.token),
		"rp": lambda: preferences.read(preferences.visitor(row.token)),
		"rc": lambda: clicks.click_target(path_of(clicks.click_url(row.token, 0)).rpartition("/")[2]),
		"ro": lambda: opt_in.find("x.y"),
	}[page]

	def cost():
		work()
		with sent_statements() as queries_run:
			work()
		return len(queries_run)

	before = cost()
	for index in range(30):
		decisions.record(
			row.relation,
			row.recipient,
			"Email",
			"Given",
			source="x",
			legal_basis=rules.CONSENT,
			purpose=f"P{index}",
		)
	assert cost() == before


def test_an_unknown_unsubscribe_link_is_explained(desk):
	for token in ("x" * 22, "x", "../../etc/passwd"):
		for method, data in (("GET", None), ("POST", {"List-Unsubscribe": "One-Click"})):
			status, _location, body = http(
				desk, f"/ru/{urllib.parse.quote(token, safe='')}", method=method, data=data
			)
			assert status == 404 and "Traceback" not in body


def test_the_page_speaks_the_language_of_the_relation(mailing, sent, desk):
	row = mailing.rows(sent)[0]
	frappe.db.set_value("Relation", row.relation, "language", "de")
	frappe.db.commit()
	assert '<html lang="de"' in http(desk, f"/ru/{row.token}")[2]


# --- opens ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("measured", "agreed", "opens"), [(1, True, 1), (1, False, 0), (0, True, 0)])
def test_opens_are_measured_only_where_campaign_and_recipient_agree(
	mailing, sent, desk, measured, agreed, opens
):
	"""Open rates are unreliable and need consent (§ 25 TDDDG): off unless both say so."""
	row = mailing.rows(sent)[0]
	frappe.db.set_value("Relation Campaign", sent, "track_opens", measured)
	if agreed:
		decisions.record(
			row.relation,
			row.recipient,
			"Email",
			"Given",
			source="Seite",
			purpose=rules.TRACKING_PURPOSE,
			legal_basis=rules.CONSENT,
		)
	frappe.db.commit()
	for _time in range(2):
		status, _location, body = http(desk, path_of(clicks.open_url(row.token)))
		assert status == 200 and body.startswith("GIF89a")
	assert [a.response_type for a in answers(sent)] == ["Opened"] * opens
	assert member_of(row).status == "Addressed", "an open is no answer"
	assert queries.status(sent)["answered"] == 0


def test_the_picture_comes_whatever_is_asked_for(desk):
	for value in ("x", "x" * 22, f"{'x' * 22}.{'y' * 22}", "", "../../x"):
		assert http(desk, f"/ri/{urllib.parse.quote(value, safe='')}")[0] in (200, 404)
		assert http(desk, f"/ri/{value or 'x'}.gif")[0] == 200


# --- calls ----------------------------------------------------------------------------------------------


@pytest.fixture
def calls(mailing):
	mailing.person(phone="0221 123456", kind="Organisation")
	mailing.person(phone="(0221) 654321", first_name="Eva", last_name="Stein")
	mailing.person(phone="", kind="Organisation")
	campaign = mailing.started(steps=[call_step(call_script="<p>Guten Tag {{ last_name }}</p>")])
	dispatch.send(campaign)
	return campaign


def test_the_call_list_holds_who_may_be_called(mailing, calls):
	listed = call_list.next_calls(calls)
	assert [row["phone"] for row in listed] == ["+49221123456"]
	assert listed[0]["script"] == "<p>Guten Tag </p>"
	reasons = {row.recipient: row.reason for row in mailing.rows(calls, state="Suppressed")}
	assert reasons == {"": "No telephone number", "+49221654321": "No consent"}
	basis = mailing.rows(calls, state="Pending")[0].legal_basis
	assert basis == rules.PRESUMED_CONSENT
	status = queries.status(calls)
	assert (status["calls_open"], status["calls_done"], status["calls_suppressed"]) == (1, 0, 2)


def test_numbers_are_shown_only_to_those_who_may_read_them(mailing, calls):
	relation = mailing.rows(calls, state="Pending")[0].relation
	reads_campaigns, calls_others, calls_her = (
		factories.user(None, role) for role in ("Accounts User", "Relation User", "Relation User")
	)
	for user, permitted in ((calls_others, factories.relation().name), (calls_her, relation)):
		factories.insert("User Permission", user=user, allow="Relation", for_value=permitted)
	frappe.set_user(reads_campaigns)
	assert not call_list.next_calls(calls)
	frappe.set_user(calls_others)
	assert not call_list.next_calls(calls)
	frappe.set_user(calls_her)
	assert [row["relation"] for row in call_list.next_calls(calls)] == [relation]


def test_a_call_is_recorded_once(mailing, calls):
	send = call_list.next_calls(calls)[0]["send"]
	name = call_list.complete(send, "Interested", "Will ein Angebot")
	response = frappe.get_doc("Relation Campaign Response", name)
	assert (response.response_type, response.answer, response.recorded_by) == (
		"Call",
		"Interested",
		"Administrator",
	)
	assert queries.status(calls)["calls_done"] == 1 and queries.status(calls)["answered"] == 1
	with pytest.raises(frappe.ValidationError, match="no longer open"):
		call_list.complete(send, "Interested")


def test_who_is_not_reached_is_called_again_twice(mailing, calls):
	send = call_list.next_calls(calls)[0]["send"]
	for attempt in (1, 2):
		call_list.complete(send, "Not Reached")
		row = mailing.rows(calls, name=send)[0]
		assert (row.state, row.attempts, row.due_on) == ("Pending", attempt, add_days(getdate(), 1))
		assert not call_list.next_calls(calls)
		frappe.db.set_value("Relation Campaign Send", send, "due_on", nowdate())
	call_list.complete(send, "Not Reached")
	assert mailing.rows(calls, name=send)[0].state == "Done" and queries.status(calls)["answered"] == 0


def test_a_call_back_comes_on_the_day_that_was_agreed(mailing, calls):
	send = call_list.next_calls(calls)[0]["send"]
	call_list.complete(send, "Call Back", call_again_at=f"{add_days(nowdate(), 4)} 10:00:00")
	assert mailing.rows(calls, name=send)[0].due_on == add_days(getdate(), 4)


def test_an_objection_takes_a_number_off_the_list(mailing, calls):
	decisions.record(mailing.relations[0], "0221 12 34 56", "Phone", "Withdrawn", source="Anruf")
	assert not call_list.next_calls(calls)
	assert queries.status(calls)["calls_suppressed"] == 3


def test_an_unknown_answer_and_a_mail_row_are_refused(mailing, calls):
	send = call_list.next_calls(calls)[0]["send"]
	with pytest.raises(frappe.ValidationError, match="Answer"):
		call_list.complete(send, "Vielleicht")
	frappe.db.set_value("Relation Campaign Send", send, "step_type", "Email")
	with pytest.raises(frappe.ValidationError, match="no longer open"):
		call_list.complete(send, "Interested")


def test_a_merge_field_that_fails_shows_the_reason_instead_of_the_script(mailing, calls):
	step = frappe.get_doc("Relation Campaign", calls).steps[0].name
	frappe.db.set_value("Relation Campaign Step", step, "call_script", "{{ name.nothing.here }}")
	assert "cannot be shown" in call_list.next_calls(calls)[0]["script"]


def test_email_steps_and_call_steps_are_counted_apart(mailing):
	with scripted_sink() as sink:
		mailing.open_account(sink.port)
		mailing.people(2)
		campaign = mailing.started(steps=[email_step(), call_step(delay_days=3)])
		dispatch.send(campaign)
	assert mailing.balanced(campaign)
	kinds = [(step["step_type"], step["states"]) for step in funnel.by_step(campaign)]
	assert kinds == [("Email", {"Sent": 2}), ("Call", {"Suppressed": 2})]

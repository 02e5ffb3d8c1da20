"""Test the pages and functions that guests reach with random requests, against the real WSGI application.

A request without a valid link of ours changes nothing, reveals nothing and breaks nothing.
"""

import threading
import urllib.parse
from urllib.parse import quote, urlsplit

import frappe
import pytest
from frappe.utils import add_to_date, now_datetime
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from crm_relations.campaigns.consents import decisions, opt_in
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.incoming import clicks
from crm_relations.campaigns.recipient_pages import preferences
from crm_relations.campaigns.transport import signed_links
from crm_relations.tests.conftest import SITE
from crm_relations.tests.support.machine.guests import BROWSER
from crm_relations.tests.support.mailing import Mailing, scripted_sink

pytestmark = pytest.mark.site

PAGES = ("ru", "rc", "rp", "ro", "ri", "rs")
FUNCTIONS = (
	"campaigns.consents.api.object_to_advertising",
	"campaigns.consents.api.request_opt_in",
	"campaigns.consents.api.overview",
	"campaigns.answers.api.preview_answers",
	"campaigns.answers.api.import_answers",
)
#: what no request may change
WATCHED = (
	"Relation Consent",
	"Relation Campaign Response",
	"Relation Opt-in Request",
	"Relation Mail Address",
)
FUZZ = settings(
	max_examples=8,
	deadline=None,
	suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

values = st.one_of(
	st.text(max_size=60),
	st.from_regex(r"\A[A-Za-z0-9_-]{22}\Z"),
	st.from_regex(r"\A[A-Za-z0-9_-]{1,30}\.[A-Za-z0-9_-]{22}\Z"),
	st.from_regex(r"\A[A-Za-z0-9_-]{22}\.[0-9]{1,4}\.[A-Za-z0-9_-]{12}\Z"),
)
forms = st.dictionaries(
	st.sampled_from(
		["do", "token", "url", "calls", "lang", "email", "List-Unsubscribe", "purpose:Marketing"]
	),
	st.text(max_size=40),
	max_size=4,
)


def request(method, path, form=None, query=None):
	"""Return (status, Location, body), from a thread in which the application opens and closes a connection."""
	from frappe.app import application

	found = []

	def ask():
		answer = Client(application).open(
			path,
			method=method,
			data=form if method == "POST" else None,
			query_string=query or {},
			headers={
				"Host": SITE,
				"X-Frappe-Site-Name": SITE,
				"User-Agent": BROWSER,
				"X-Forwarded-For": f"2001:db8::{frappe.generate_hash(length=4)}",
			},
		)
		found.append(
			(answer.status_code, answer.headers.get("Location"), answer.get_data().decode("utf-8", "replace"))
		)

	thread = threading.Thread(target=ask)
	thread.start()
	thread.join(60)
	frappe.db.rollback()
	return found[0]


def counts():
	frappe.db.rollback()
	return {doctype: frappe.db.count(doctype) for doctype in WATCHED}


def check_harmless(answer, before):
	status, location, body = answer
	assert status in (200, 301, 302, 400, 401, 403, 404, 405, 414, 417, 429), (status, body[-2000:])
	if location:
		assert urlsplit(location).hostname in (None, SITE.partition(":")[0], "localhost"), location
	assert counts() == before


@FUZZ
@given(page=st.sampled_from(PAGES), value=values, method=st.sampled_from(["GET", "HEAD", "POST"]), form=forms)
@example(page="rc", value="https://evil.example", method="GET", form={"url": "https://evil.example"})
@example(page="ru", value="' OR 1=1 --", method="POST", form={"List-Unsubscribe": "One-Click"})
@example(page="rp", value="x" * 5000, method="POST", form={"do": "refuse"})
@example(page="ri", value="\x00\n", method="GET", form={})
@example(page="ro", value="../../../etc/passwd", method="GET", form={})
def test_what_is_no_link_of_ours_does_nothing(page, value, method, form):
	before = counts()
	path = f"/{page}/{quote(value, safe='', errors='surrogatepass')}" if page != "rs" else "/rs"
	answer = request(method, path, form, query=form)
	check_harmless(answer, before)
	assert "Traceback (most recent call last)" not in answer[2]


@FUZZ
@given(name=st.sampled_from(FUNCTIONS), method=st.sampled_from(["GET", "POST"]), form=forms)
def test_functions_of_the_desk_are_closed_to_guests(name, method, form):
	before = counts()
	form = {
		"relation": "x",
		"way": "By letter",
		"purposes": "[]",
		"source": "x",
		"campaign": "x",
		"file_url": "x",
	} | form
	answer = request(method, f"/api/method/crm_relations.{name}", form, query=form)
	assert answer[0] in (403, 405, 401, 417, 400), answer
	check_harmless(answer, before)


@pytest.fixture(scope="module")
def real():
	"""Return valid links by page."""
	mailing = Mailing()
	with scripted_sink() as sink:
		mailing.open_account(sink.port)
		mailing.people(1)
		campaign = mailing.started()
		dispatch.send(campaign)
	then = add_to_date(now_datetime(), hours=-1)
	frappe.db.set_value(
		"Relation Campaign Send", {"campaign": campaign}, {"sent_at": then, "claimed_at": then}
	)
	name = opt_in.request(mailing.address(0), ["Marketing"], source="x", relation=mailing.relations[0])
	frappe.db.commit()
	token = mailing.rows(campaign)[0].token
	yield {
		"ru": token,
		"rc": clicks.click_url(token, 0).rpartition("/")[2],
		"ri": clicks.open_url(token).rpartition("/")[2],
		"ro": opt_in.url(name).rpartition("/")[2],
		"rp": preferences.url(mailing.relations[0]).rpartition("/")[2],
	}
	frappe.db.rollback()
	frappe.db.delete("Relation Opt-in Request", {"name": name})
	mailing.remove()


@FUZZ
@given(
	page=st.sampled_from(["ru", "rc", "ri", "ro", "rp"]),
	place=st.integers(0, 200),
	letter=st.sampled_from("AZaz09_-."),
	method=st.sampled_from(["GET", "POST"]),
)
def test_a_link_with_one_letter_changed_is_a_guess(real, page, place, letter, method):
	good = real[page]
	place %= len(good)
	forged = good[:place] + letter + good[place + 1 :]
	if forged == good or (page == "rc" and "." in (letter, good[place])):
		return
	before = counts()
	answer = request(method, f"/{page}/{forged}", {"do": "refuse"})
	assert answer[0] == (200 if page == "ri" else 404), (good, forged)
	check_harmless(answer, before)


@pytest.mark.parametrize("page", ["ru", "rp", "ro"])
def test_a_get_on_a_good_link_shows_and_does_nothing(real, page):
	before = counts()
	for method in ("GET", "HEAD"):
		answer = request(
			method, f"/{page}/{real[page]}", query={"List-Unsubscribe": "One-Click", "do": "refuse"}
		)
		assert answer[0] == 200
		check_harmless(answer, before)


@pytest.mark.parametrize("kind", ["preferences", "opt-in", "open"])
def test_a_signature_is_compared_in_constant_time_and_before_the_database_is_asked(monkeypatch, kind):
	signed_links.seal(kind, "REL-0001")  # the key is read once per process
	compared, asked = [], []
	same = signed_links.hmac.compare_digest
	monkeypatch.setattr(
		signed_links.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or same(a, b)
	)
	monkeypatch.setattr(frappe.db, "sql", lambda *args, **kwargs: asked.append(args))
	assert signed_links.unseal(kind, f"REL-0001.{'A' * 22}") is None
	assert len(compared) == 1 and len(compared[0][0]) == len(compared[0][1]) == 22 and not asked
	sealed = signed_links.seal(kind, "REL-0001")
	assert signed_links.unseal(kind, sealed) == "REL-0001"
	assert signed_links.unseal("another", sealed) is None


def test_consent_stays_what_it_was_through_all_of_this(real):
	row = clicks.find(real["ru"])
	assert decisions.lookup(row.relation, row.recipient, "Email").allowed


def test_a_hostile_language_or_address_is_shown_as_text(real):
	frappe.db.set_single_value("Relation Settings", "public_sign_up", 1)
	frappe.db.commit()
	frappe.clear_document_cache("Relation Settings", "Relation Settings")
	try:
		evil = '"><script>alert(1)</script>'
		_status, _location, body = request("POST", "/rs", {"email": evil, "lang": evil}, query={"lang": evil})
		assert evil not in body and urllib.parse.quote(evil) not in body
	finally:
		frappe.db.set_single_value("Relation Settings", "public_sign_up", 0)
		frappe.db.commit()
		frappe.clear_document_cache("Relation Settings", "Relation Settings")

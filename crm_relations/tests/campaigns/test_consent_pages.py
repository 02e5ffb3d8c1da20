"""Test double opt-in, preferences and objections over HTTP, with emails that are really sent."""

import re
import threading
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from email.policy import default

import frappe
import pytest
from frappe.utils import add_days, add_to_date, now_datetime

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import checks, decisions, objections, opt_in, purposes
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.recipient_pages import api as consents_api
from crm_relations.campaigns.recipient_pages import preferences
from crm_relations.campaigns.transport import signed_links
from crm_relations.relations.identities import identity
from crm_relations.shared.access import guest_pages
from crm_relations.shared.access.system_fields import trusted
from crm_relations.tests.conftest import SITE
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine import servers
from crm_relations.tests.support.machine.guests import asked_more, http, path_of
from crm_relations.tests.support.mailing import Mailing, scripted_sink

pytestmark = pytest.mark.site

TRACKING = rules.TRACKING_PURPOSE


@pytest.fixture
def mailing():
	mailing = Mailing()
	yield mailing
	frappe.db.rollback()
	frappe.db.delete("Relation Opt-in Request", {"address": ["like", f"%{mailing.domain}"]})
	frappe.db.delete("Relation Consent", {"address_key": ["like", f"%{mailing.domain}"]})
	mailing.remove()
	frappe.clear_document_cache("Relation Settings", "Relation Settings")


@pytest.fixture
def settings(mailing):
	"""Change the settings and restore them after the test; they are committed for the web server."""
	doc = frappe.get_doc("Relation Settings")
	fields = ("default_email_account", "public_sign_up", "opt_in_days", "legal_notice", "privacy_url")
	before = {field: doc.get(field) for field in fields}

	def change(**values):
		for field, value in values.items():
			frappe.db.set_single_value("Relation Settings", field, value)
		frappe.db.commit()
		frappe.clear_document_cache("Relation Settings", "Relation Settings")

	yield change
	frappe.db.rollback()
	change(**before)


@pytest.fixture(scope="module")
def desk():
	with servers.desk() as address:
		yield address


@pytest.fixture
def asked(mailing, settings):
	"""Send an opt-in request by email, and return the request and the email as it arrived."""
	with scripted_sink() as sink:
		settings(default_email_account=mailing.open_account(sink.port), legal_notice="RT GmbH\nKöln")
		relation = mailing.person(given=False, language="de")
		name = opt_in.request(
			mailing.address(0),
			[rules.GENERAL_PURPOSE],
			source="Messe",
			relation=relation,
			language="de",
			ip="203.0.113.77",
		)
		frappe.db.commit()
		assert opt_in.deliver(name) == "accepted"
		assert opt_in.deliver(name) == "done", "one mail, whatever calls again"
		assert len(sink.messages) == 1
		frappe.db.commit()
	return name, message_from_bytes(sink.messages[0][1], policy=default)


def consents(mailing, **filters):
	return frappe.get_all(
		"Relation Consent",
		filters={"address_key": ["like", f"%{mailing.domain}"], **filters},
		fields=["*"],
		order_by="creation asc",
	)


# --- double opt-in --------------------------------------------------------------------------------------


def test_the_mail_asks_in_the_language_of_the_relation_and_advertises_nothing(asked, mailing):
	name, mail = asked
	assert mail["To"] == mailing.address(0) and mail["Auto-Submitted"] == "auto-generated"
	assert mail["Subject"] == "Bitte E-Mail-Adresse bestätigen"
	text = mail.get_body(("plain",)).get_content()
	assert opt_in.url(name) in text and "jederzeit" in text and "RT GmbH" in text
	html = mail.get_body(("html",)).get_content()
	assert opt_in.url(name) in html and 'lang="de"' in html


def test_opening_the_page_confirms_nothing(asked, mailing, desk):
	name, _mail = asked
	for method in ("GET", "HEAD", "GET"):
		status, _location, body = http(desk, path_of(opt_in.url(name)), method=method)
		assert status == 200
	assert '<html lang="de"' in body and "Bestätigen" in body and "<form" in body
	assert not consents(mailing) and frappe.db.get_value(opt_in.DOCTYPE, name, "state") == "Waiting"


def test_the_button_confirms_once_and_keeps_the_proof(asked, mailing, desk):
	name, _mail = asked
	for _time in range(2):
		status, _location, body = http(
			desk, path_of(opt_in.url(name)), method="POST", data={"csrf_token": ""}
		)
		assert status == 200 and "Vielen Dank" in body
	(event,) = consents(mailing)
	assert (event.event, event.purpose, event.legal_basis) == ("Given", rules.GENERAL_PURPOSE, rules.CONSENT)
	assert event.text_version == "Marketing de 1" and "jederzeit" in event.declaration
	assert "203.0.113.0/24" in event.proof and "203.0.113.77" not in event.proof
	assert "Messe" in event.source and event.relation == mailing.relations[0]
	assert decisions.lookup(None, mailing.address(0), "Email").allowed


def test_a_link_that_is_late_confirms_nothing(asked, mailing, desk):
	name, _mail = asked
	frappe.db.set_value(opt_in.DOCTYPE, name, "expires_at", add_to_date(now_datetime(), minutes=-1))
	frappe.db.commit()
	status, _location, body = http(desk, path_of(opt_in.url(name)), method="POST", data={})
	assert status == 200 and "nicht mehr gültig" in body and not consents(mailing)
	assert opt_in.confirm(name) == "Expired"


def test_a_guessed_link_is_not_found(asked, desk):
	name, _mail = asked
	for value in (
		name,
		f"{name}.{'A' * 22}",
		signed_links.seal("preferences", name),
		signed_links.seal("opt-in", "x"),
		"x" * 500,
	):
		for method in ("GET", "POST"):
			status = http(desk, f"/ro/{value}", method=method, data={} if method == "POST" else None)[0]
			assert status == 404, value


def test_what_expired_long_ago_is_deleted_and_what_was_confirmed_is_kept(asked, mailing):
	name, _mail = asked
	copies = [trusted(frappe.copy_doc(frappe.get_doc(opt_in.DOCTYPE, name))).insert().name for _i in range(2)]
	frappe.db.set_value(opt_in.DOCTYPE, name, "mailed_at", now_datetime())
	past = add_days(now_datetime(), -opt_in.KEPT_DAYS - 1)
	frappe.db.set_value(opt_in.DOCTYPE, copies[0], {"expires_at": past, "mailed_at": past})
	frappe.db.set_value(opt_in.DOCTYPE, copies[1], {"expires_at": past, "state": "Confirmed"})
	opt_in.process_pending()
	assert not frappe.db.exists(opt_in.DOCTYPE, copies[0])
	assert frappe.db.exists(opt_in.DOCTYPE, copies[1]) and frappe.db.exists(opt_in.DOCTYPE, name)


def test_an_address_gets_no_more_than_its_mails_of_the_day():
	address = f"{frappe.generate_hash(length=8)}@kunde.example"
	names = [
		opt_in.request(spelling, [rules.GENERAL_PURPOSE], source="x")
		for spelling in [address, address.upper(), f"Anna <{address}>", address]
	]
	assert all(names[: opt_in.MAILS_A_DAY]) and names[opt_in.MAILS_A_DAY] is None


def test_a_mailbox_gets_no_more_whatever_labels_are_put_into_its_address():
	"""Without a limit, each label after a plus and each dot of a Gmail address would get three emails."""
	name = frappe.generate_hash(length=8)
	plus = [f"{name}+{number}@kunde.example" for number in range(5)]
	dots = [
		f"{name[:n]}.{name[n:]}+{n}@{domain}" for n in (2, 3, 4) for domain in ("gmail.com", "googlemail.com")
	]
	for spellings in (plus, dots):
		names = [opt_in.request(spelling, [rules.GENERAL_PURPOSE], source="x") for spelling in spellings]
		assert sum(name is not None for name in names) == opt_in.MAILS_A_DAY


def test_a_domain_gets_no_flood_from_the_sign_up_page():
	domain = f"{frappe.generate_hash(length=8)}.example"
	asked = [
		opt_in.request(f"p{number}@{domain}", [rules.GENERAL_PURPOSE], source="x")
		for number in range(opt_in.MAILS_A_DAY_AND_DOMAIN + 2)
	]
	assert sum(name is not None for name in asked) == opt_in.MAILS_A_DAY_AND_DOMAIN
	user = "Administrator"
	assert opt_in.request(f"p@{domain}", [rules.GENERAL_PURPOSE], source="x", requested_by=user), "a user may"


def test_sign_ups_at_once_get_no_more_mails_than_one_after_the_other(mailing, settings, desk):
	"""Send eight sign-ups at the same moment, each of which could find too few earlier ones."""
	settings(public_sign_up=1)
	local, _at, domain = mailing.address(0).partition("@")
	url = f"http://127.0.0.1:{desk.rpartition(':')[2]}/rs"
	barrier = threading.Barrier(8)

	def sign_up(number):
		form = {"email": f"{local}+{number}@{domain}", "purpose:Marketing": "1", "website": ""}
		request = urllib.request.Request(
			url,
			data=urllib.parse.urlencode(form).encode(),
			headers={"Host": SITE, "User-Agent": "x", "X-Forwarded-For": f"2001:db8::{number + 1}"},
		)
		barrier.wait(30)
		with urllib.request.urlopen(request, timeout=60) as answer:
			assert answer.status == 200

	with ThreadPoolExecutor(8) as pool:
		for future in [pool.submit(sign_up, number) for number in range(8)]:
			future.result(90)
	frappe.db.rollback()
	assert frappe.db.count(opt_in.DOCTYPE, {"address": ["like", f"%{mailing.domain}"]}) == opt_in.MAILS_A_DAY


def test_without_an_account_the_request_waits_and_says_why(settings):
	settings(default_email_account=None)
	name = opt_in.request("anna@kunde.example", [rules.GENERAL_PURPOSE], source="x")
	if opt_in.accounts.check(frappe._dict(email_account=None)):
		assert opt_in.deliver(name) == "waiting"
		assert frappe.db.get_value(opt_in.DOCTYPE, name, "mail_error")


@pytest.mark.parametrize(("address", "wanted"), [("no address", ["Marketing"]), ("a@b.example", ["Nothing"])])
def test_a_request_needs_an_address_and_a_purpose(address, wanted):
	with pytest.raises(frappe.ValidationError):
		opt_in.request(address, wanted, source="x")


@pytest.mark.parametrize(
	("ip", "kept"),
	[
		("203.0.113.77", "203.0.113.0/24"),
		("2001:db8:1234:5678::1", "2001:db8:1234::/48"),
		("nonsense", ""),
		(None, ""),
	],
)
def test_of_an_ip_address_only_the_network_is_kept(ip, kept):
	assert opt_in.network(ip) == kept


def test_a_changed_declaration_needs_a_new_version():
	doc = frappe.get_doc("Relation Consent Purpose", rules.GENERAL_PURPOSE)
	doc.texts[0].declaration += " Mehr."
	with pytest.raises(frappe.ValidationError, match="new version"):
		doc.save()
	doc = frappe.get_doc("Relation Consent Purpose", rules.GENERAL_PURPOSE)
	doc.texts[0].declaration += " Mehr."
	doc.texts[0].version = "2"
	doc.save()
	assert "2" in {purpose.version for purpose in purposes.offered(doc.texts[0].language)}


# --- the sign-up page -----------------------------------------------------------------------------------


def test_the_sign_up_page_is_off_until_it_is_switched_on(settings, desk):
	settings(public_sign_up=0)
	assert http(desk, "/rs")[0] == 404
	assert http(desk, "/rs", method="POST", data={"email": "a@b.example", "purpose:Marketing": "1"})[0] == 404
	settings(public_sign_up=1)
	status, _location, body = http(desk, "/rs?lang=de")
	assert status == 200 and "Angebote und Neuigkeiten" in body and "checked" not in body


def test_signing_up_makes_a_request_and_tells_nobody_which_addresses_are_known(mailing, settings, desk):
	settings(public_sign_up=1)
	mailing.people(1)
	frappe.db.commit()
	answers = []
	for address in (mailing.address(0), mailing.address(7)):
		data = {"email": address, "purpose:Marketing": "1", "website": ""}
		answers.append(http(desk, "/rs?lang=de", method="POST", data=data))
	assert [status for status, _l, _b in answers] == [200, 200]
	assert len({re.sub(r"\s+", " ", body) for _s, _l, body in answers}) == 1
	assert frappe.db.count(opt_in.DOCTYPE, {"address": ["like", f"%{mailing.domain}"]}) == 2
	trapped = {"email": mailing.address(8), "purpose:Marketing": "1", "website": "http://spam.example"}
	assert http(desk, "/rs", method="POST", data=trapped)[0] == 200
	assert frappe.db.count(opt_in.DOCTYPE, {"address": mailing.address(8)}) == 0
	assert "Bitte eine E-Mail-Adresse" in http(desk, "/rs?lang=de", method="POST", data={"email": "x"})[2]


def test_many_sign_ups_from_one_network_are_refused_and_unsubscribing_is_not(mailing, settings, desk):
	settings(public_sign_up=1)
	ip = f"2001:db8:{frappe.generate_hash(length=4)}::1"
	data = {"email": mailing.address(0), "purpose:Marketing": "1", "page": "x"}
	assert http(desk, "/rs", method="POST", data=data, ip=ip)[0] == 200
	asked_more("rs", ip, 19)
	assert http(desk, "/rs", method="POST", data=data, ip=ip)[0] == 429
	assert http(desk, f"/ru/{'x' * 22}", method="POST", data={}, ip=ip)[0] == 404


def test_no_parameter_gives_a_guest_a_counter_of_its_own(monkeypatch):
	"""Frappe counts by `cmd`, which version 16 reads from the address of a page."""
	monkeypatch.setattr(
		frappe.local, "request_ip", f"2001:db8::{frappe.generate_hash(length=4)}", raising=False
	)
	for number in range(3):
		monkeypatch.setitem(frappe.local.form_dict, "cmd", f"x{number}")
		guest_pages.count_request("test", limit=3, seconds=60)
	monkeypatch.setitem(frappe.local.form_dict, "cmd", "another")
	with pytest.raises(frappe.RateLimitExceededError):
		guest_pages.count_request("test", limit=3, seconds=60)
	guest_pages.count_request("another page", limit=3, seconds=60)


# --- preferences ----------------------------------------------------------------------------------------


@pytest.fixture
def reader(mailing):
	"""Create a relation with consent, and return it with the path of its page."""
	name = mailing.person(phone="0221 123456", language="de")
	frappe.db.commit()
	return name, path_of(preferences.url(name))


def test_opening_the_preferences_changes_nothing(reader, mailing, desk):
	_name, path = reader
	before = len(consents(mailing))
	status, _location, body = http(desk, path)
	assert status == 200 and http(desk, path, method="HEAD")[0] == 200
	assert '<html lang="de"' in body and "Angebote und Neuigkeiten" in body and mailing.address(0) in body
	assert "123456" not in body, "a forwarded mail must not tell a number"
	assert len(consents(mailing)) == before


def test_what_is_unticked_holds_at_once(reader, mailing, desk):
	name, path = reader
	status, _location, body = http(desk, path, method="POST", data={"do": "save", "no_calls": "1"})
	assert status == 200 and "Anrufe" in body
	assert decisions.lookup(name, mailing.address(0), "Email").reason == rules.WITHDRAWN
	assert decisions.lookup(name, "0221 99 88 77", "Phone").reason == rules.WITHDRAWN
	assert decisions.lookup(name, "Musterweg 1", "Letter").allowed
	before = frappe.db.count("Relation Consent", {"relation": name})
	http(desk, path, method="POST", data={"do": "save", "no_calls": "1"})
	assert frappe.db.count("Relation Consent", {"relation": name}) == before, "twice is once"


def test_what_is_newly_ticked_is_confirmed_by_mail_before_it_counts(reader, mailing, desk):
	name, path = reader
	data = {"do": "save", "purpose:Marketing": "1", f"purpose:{TRACKING}": "1"}
	assert "Bitte dort bestätigen" in http(desk, path, method="POST", data=data)[2]
	assert decisions.agreed_to_tracking([mailing.address(0)]) == set()
	request = frappe.get_last_doc(opt_in.DOCTYPE, filters={"relation": name})
	assert request.purposes == TRACKING
	opt_in.confirm(request.name)
	assert decisions.agreed_to_tracking([mailing.address(0)]) == {mailing.address(0)}


def test_no_more_advertising_means_by_no_way(reader, mailing, desk):
	name, path = reader
	assert http(desk, path, method="POST", data={"do": "refuse"})[0] == 200
	for address, channel in ((mailing.address(0), "Email"), ("+49221123456", "Phone"), ("*", "Letter")):
		assert decisions.lookup(name, address, channel).reason == rules.WITHDRAWN


def test_only_a_customer_is_told_of_the_right_of_customers(mailing, desk):
	"""Show an existing customer (§ 7 (3) UWG), who has given no consent, how to object."""
	stranger = mailing.person(given=False, language="de")
	assert not preferences.read(preferences.visitor(signed_links.seal("preferences", stranger))).customer
	customer = factories.customer()
	relation = identity.relation_of("Customer", customer.name)
	frappe.db.set_value("Relation", relation, {"email_id": mailing.address(1), "language": "de"})
	who = preferences.visitor(signed_links.seal("preferences", relation))
	assert preferences.read(who).customer
	preferences.refuse_all(who)
	assert not preferences.read(who).customer


def test_a_guessed_page_of_preferences_is_not_found(reader, desk):
	name, path = reader
	good = path.rpartition("/")[2]
	for value in (name, good[:-1], good.swapcase(), signed_links.seal("opt-in", name), "x" * 22):
		assert http(desk, f"/rp/{value}")[0] == 404, value
		assert http(desk, f"/rp/{value}", method="POST", data={"do": "refuse"})[0] == 404


def test_the_link_in_a_mail_leads_to_the_preferences_of_its_recipient(mailing, desk):
	with scripted_sink() as sink:
		mailing.open_account(sink.port)
		mailing.people(2)
		campaign = mailing.started()
		dispatch.send(campaign)
	first, second = mailing.rows(campaign)
	http(desk, f"/rp/{first.token}", method="POST", data={"do": "refuse"})
	assert decisions.lookup(first.relation, first.recipient, "Email").reason == rules.WITHDRAWN
	assert decisions.lookup(second.relation, second.recipient, "Email").allowed


# --- objections -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", objections.WAYS)
def test_an_objection_by_any_way_holds_for_all_addresses_now_and_later(way):
	relation = factories.relation(kind="Person", email_id="anna@kunde.example", mobile_no="0171 1234567")
	decisions.record(
		relation.name, "anna@kunde.example", "Email", "Given", source="Formular", legal_basis=rules.CONSENT
	)
	consents_api.object_to_advertising(relation.name, way)
	assert not decisions.lookup(relation.name, "Anna@Kunde.example", "Email").allowed
	assert not decisions.lookup(
		None, "anna@kunde.example", "Email"
	).allowed, "also where the relation is not known"
	assert decisions.lookup(relation.name, "neu@kunde.example", "Email").reason == rules.WITHDRAWN
	assert decisions.lookup(relation.name, "0221 999999", "Phone").reason == rules.WITHDRAWN
	assert decisions.lookup(relation.name, "Musterweg 1", "Letter").reason == rules.WITHDRAWN


def test_an_objection_to_calls_leaves_mails_alone():
	relation = factories.relation(email_id="anna@kunde.example", phone="0221 123456")
	decisions.record(
		relation.name, "anna@kunde.example", "Email", "Given", source="Formular", legal_basis=rules.CONSENT
	)
	consents_api.object_to_advertising(relation.name, "By telephone", ["Phone"])
	assert decisions.lookup(relation.name, "anna@kunde.example", "Email").allowed
	assert not decisions.lookup(relation.name, "0221 123456", "Phone").allowed


def test_who_may_not_record_consent_records_no_objection():
	relation = factories.relation()
	frappe.set_user(factories.user(None, "Accounts User"))
	with pytest.raises(frappe.PermissionError):
		consents_api.object_to_advertising(relation.name, "By letter")
	with pytest.raises(frappe.PermissionError):
		consents_api.request_opt_in(relation.name, ["Marketing"], "Messe")


def test_the_form_shows_how_things_stand():
	relation = factories.relation(email_id="anna@kunde.example", phone="0221 123456")
	shown = {row["channel"]: row for row in consents_api.overview(relation.name)["channels"]}
	assert not shown["Email"]["allowed"] and shown["Phone"]["allowed"] and shown["Letter"]["allowed"]
	consents_api.object_to_advertising(relation.name, "By letter")
	overview = consents_api.overview(relation.name)
	assert not any(row["allowed"] for row in overview["channels"])
	assert overview["events"] and overview["preferences"].startswith("http")


def test_nobody_is_asked_for_consent_who_has_objected_or_did_not_ask():
	relation = factories.relation(email_id="anna@kunde.example")
	with pytest.raises(frappe.ValidationError, match="Source"):
		consents_api.request_opt_in(relation.name, ["Marketing"], " ")
	assert consents_api.request_opt_in(relation.name, ["Marketing"], "Messe")["request"]
	consents_api.object_to_advertising(relation.name, "By letter")
	with pytest.raises(frappe.ValidationError, match="objected"):
		consents_api.request_opt_in(relation.name, ["Marketing"], "Messe")


# --- findings of `relations check` ----------------------------------------------------------------------


def test_the_check_tells_what_would_go_unseen(mailing, settings):
	with scripted_sink() as sink:
		settings(default_email_account=mailing.open_account(sink.port), public_sign_up=1, privacy_url="")
	name = opt_in.request(mailing.address(0), ["Marketing"], source="x")
	frappe.db.set_value(opt_in.DOCTYPE, name, "requested_at", add_days(now_datetime(), -1))
	told = {finding.code for finding in checks.findings()}
	assert {"no-incoming-mail", "opt-in-not-mailed", "no-privacy-notice"} <= told
	frappe.db.set_value("Email Account", mailing.account, "enable_incoming", 1)
	frappe.db.set_value(opt_in.DOCTYPE, name, "mailed_at", now_datetime())
	settings(privacy_url="https://rt.example/datenschutz")
	told = {finding.code for finding in checks.findings()}
	assert not {"no-incoming-mail", "opt-in-not-mailed", "no-privacy-notice"} & told

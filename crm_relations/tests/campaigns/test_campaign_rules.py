"""Test the pure rules of campaigns for consent, repetition, responses and bots."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_relations.campaigns import rules
from crm_relations.campaigns.members.status_transitions import TRANSITIONS
from crm_relations.campaigns.rules import CONSENT, CONTRACT, EXISTING_CUSTOMER, PRESUMED_CONSENT, ConsentEvent

T0 = datetime(2026, 1, 1, 9, 0)


def events(*steps: tuple) -> list[ConsentEvent]:
	"""Return events of (event, legal basis, purpose), a day apart."""
	return [
		ConsentEvent(f"e{i}", event, purpose, T0 + timedelta(days=i), basis)
		for i, (event, basis, purpose) in enumerate(steps)
	]


GIVEN = ("Given", CONSENT, "Marketing")
CUSTOMER = ("Given", EXISTING_CUSTOMER, "Marketing")
WITHDRAWN = ("Withdrawn", "", "Marketing")
NEWS_GIVEN = ("Given", CONSENT, "Newsletter")
NEWS_WITHDRAWN = ("Withdrawn", "", "Newsletter")

EMAIL = [
	("nothing known", [], False, "", "No consent"),
	("consent", [GIVEN], True, CONSENT, ""),
	("that somebody is a customer cannot be declared", [CUSTOMER], False, "", "No consent"),
	("a contract is no basis for advertising", [("Given", CONTRACT, "Marketing")], False, "", "No consent"),
	("presumed consent will not do", [("Given", PRESUMED_CONSENT, "Marketing")], False, "", "No consent"),
	("withdrawn", [GIVEN, WITHDRAWN], False, "", "Consent withdrawn"),
	("given again", [GIVEN, WITHDRAWN, GIVEN], True, CONSENT, ""),
	("a later sale does not undo an objection", [GIVEN, WITHDRAWN, CUSTOMER], False, "", "Consent withdrawn"),
	("consent to another purpose", [NEWS_GIVEN], False, "", "No consent"),
	("objection to another purpose", [GIVEN, NEWS_WITHDRAWN], True, CONSENT, ""),
]


@pytest.mark.parametrize(
	("steps", "allowed", "basis", "reason"), [row[1:] for row in EMAIL], ids=[r[0] for r in EMAIL]
)
def test_email_advertising_needs_consent_or_an_existing_customer(steps, allowed, basis, reason):
	decision = rules.decide("Email", "Marketing", events(*steps), business=True)
	assert (decision.allowed, decision.legal_basis, decision.reason) == (allowed, basis, reason)


@pytest.mark.parametrize(
	("steps", "sale", "allowed", "basis"),
	[
		([], "SINV-1", True, EXISTING_CUSTOMER),
		([], "", False, ""),
		([WITHDRAWN], "SINV-1", False, ""),
		([NEWS_WITHDRAWN], "SINV-1", True, EXISTING_CUSTOMER),
		([GIVEN], "SINV-1", True, CONSENT),
	],
)
def test_a_sale_lets_an_existing_customer_be_written_to_until_it_objects(steps, sale, allowed, basis):
	decision = rules.decide("Email", "Marketing", events(*steps), sale=sale)
	assert (decision.allowed, decision.legal_basis) == (allowed, basis)
	assert decision.proof == (sale if basis == EXISTING_CUSTOMER else "")
	assert not rules.decide("Phone", "Marketing", events(*steps[:0]), sale=sale).allowed


def test_consent_to_be_watched_is_in_no_other_consent_and_ends_with_all():
	watching = ("Given", CONSENT, rules.TRACKING_PURPOSE)
	assert not rules.decide("Email", rules.TRACKING_PURPOSE, events(GIVEN)).allowed
	assert rules.decide("Email", rules.TRACKING_PURPOSE, events(watching)).allowed
	assert not rules.decide("Email", "Marketing", events(watching)).allowed
	assert not rules.decide("Email", rules.TRACKING_PURPOSE, events(watching, WITHDRAWN)).allowed


def test_a_purpose_is_covered_by_itself_and_by_the_general_one():
	assert rules.decide("Email", "Newsletter", events(GIVEN)).allowed
	assert rules.decide("Email", " newsletter", events(NEWS_GIVEN)).allowed
	assert not rules.decide("Email", "Newsletter", events(GIVEN, NEWS_WITHDRAWN)).allowed
	assert not rules.decide("Email", "Newsletter", events(NEWS_GIVEN, WITHDRAWN)).allowed


@pytest.mark.parametrize(
	("business", "setting", "steps", "allowed", "basis"),
	[
		(False, False, [], False, ""),
		(False, False, [GIVEN], True, CONSENT),
		(False, False, [CUSTOMER], False, ""),
		(True, False, [], True, PRESUMED_CONSENT),
		(True, True, [], False, ""),
		(True, True, [GIVEN], True, CONSENT),
		(True, False, [WITHDRAWN], False, ""),
	],
)
def test_calls_need_consent_from_consumers_and_no_objection_from_businesses(
	business, setting, steps, allowed, basis
):
	decision = rules.decide(
		"Phone", "Marketing", events(*steps), business=business, calls_need_consent=setting
	)
	assert (decision.allowed, decision.legal_basis) == (allowed, basis)


def test_letters_are_allowed_until_somebody_objects():
	assert rules.decide("Letter", "Marketing", []).allowed
	assert not rules.decide("Letter", "Marketing", events(WITHDRAWN)).allowed


def test_a_suppressed_address_stays_so_whatever_the_events_say():
	decision = rules.decide("Email", "Marketing", events(GIVEN), suppressed="Unsubscribed")
	assert not decision.allowed and decision.reason == "Unsubscribed"


def test_of_two_events_of_one_moment_the_withdrawal_counts():
	given_event, withdrawn = (ConsentEvent(n, n, "Marketing", T0, CONSENT) for n in ("Given", "Withdrawn"))
	assert not rules.decide("Email", "Marketing", [withdrawn, given_event]).allowed
	assert not rules.decide("Email", "Marketing", [given_event, withdrawn]).allowed


STEP = st.tuples(
	st.sampled_from(["Given", "Withdrawn"]),
	st.sampled_from([CONSENT, EXISTING_CUSTOMER, CONTRACT, PRESUMED_CONSENT]),
	st.sampled_from(["Marketing", "Newsletter", "Events"]),
)


@given(st.lists(STEP, max_size=8), st.sampled_from(["Email", "Phone", "Letter"]), st.booleans())
def test_after_a_general_withdrawal_nothing_is_allowed_on_any_channel(steps, channel, business):
	for purpose in ("Marketing", "Newsletter", "Events"):
		assert not rules.decide(channel, purpose, events(*steps, WITHDRAWN), business=business).allowed


@given(st.lists(STEP, max_size=8), st.randoms())
def test_the_order_in_which_events_are_read_does_not_matter(steps, random):
	listed = events(*steps)
	shuffled = random.sample(listed, len(listed))
	assert rules.decide("Email", "Newsletter", listed) == rules.decide("Email", "Newsletter", shuffled)


@pytest.mark.parametrize(
	("kind", "orientation", "business"),
	[
		("Organisation", None, True),
		("Organisation", "Market Orientation: B2C", True),
		("Person", None, False),
		("Person", "Market Orientation: B2B", True),
		("Person", "Market Orientation: B2B and B2C", False),
		(None, None, False),
	],
)
def test_a_person_is_a_consumer_unless_oriented_to_businesses_alone(kind, orientation, business):
	assert rules.is_business(kind, orientation) is business


def test_a_message_is_tried_three_times_in_all():
	assert [rules.retry_minutes(attempts) for attempts in (1, 2, 3)] == [5, 30, None]


@pytest.mark.parametrize(
	("current", "kind", "answer", "status"),
	[
		("Addressed", "Click", "", "Answered"),
		("Addressed", "Reply", "", "Answered"),
		("Addressed", "Call", "Not Reached", "Addressed"),
		("Addressed", "Call", "Interested", "Answered"),
		("Answered", "Call", "Not Interested", "Declined"),
		("Answered", "Unsubscribe", "", "Declined"),
		("Declined", "Click", "", "Declined"),
		("Declined", "Call", "Interested", "Answered"),
		("Handed Over", "Unsubscribe", "", "Handed Over"),
		("Won", "Call", "Not Interested", "Won"),
	],
)
def test_an_answer_moves_a_member_on(current, kind, answer, status):
	assert rules.member_status(current, kind, answer) == status


def test_a_member_does_not_fall_back_and_stays_won():
	assert "Answered" in TRANSITIONS["qualify"].sources
	assert "Handed Over" not in TRANSITIONS["qualify"].sources
	assert "Won" not in TRANSITIONS["decline"].sources
	assert "Handed Over" in TRANSITIONS["return_from_sales"].sources, "sales may give a member back"


@pytest.mark.parametrize(
	"subject",
	[
		"Automatic reply: Ihre Einladung",
		"Automatische Antwort: Einladung",
		"Abwesenheitsnotiz: Einladung",
		"AW: Out of Office",
		"Undelivered Mail Returned to Sender",
		"Unzustellbar: Einladung",
		"Gelesen: Einladung",
	],
)
def test_an_automatic_mail_is_told_by_its_subject(subject):
	assert rules.is_automatic(subject, "anna@kunde.example")


@pytest.mark.parametrize(
	"subject", ["AW: Einladung", "Re: Automatic doors", "Interesse", "Readiness of our plant", None]
)
def test_a_real_answer_is_none(subject):
	assert not rules.is_automatic(subject, "anna@kunde.example")


def test_an_automatic_sender_is_told():
	assert rules.is_automatic("Einladung", "MAILER-DAEMON@mx.example")


BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"}


@pytest.mark.parametrize(
	("method", "headers", "bot"),
	[
		("GET", BROWSER, False),
		("HEAD", BROWSER, True),
		("GET", {**BROWSER, "Sec-Purpose": "prefetch;prerender"}, True),
		("GET", {**BROWSER, "X-Moz": "prefetch"}, True),
		("GET", {"User-Agent": "facebookexternalhit/1.1"}, True),
		("GET", {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, True),
		("GET", {}, True),
	],
)
def test_robots_do_not_click(method, headers, bot):
	assert rules.is_robot(method, headers) is bot

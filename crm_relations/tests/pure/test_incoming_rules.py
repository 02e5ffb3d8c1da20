"""What an incoming mail is, told from its raw text, and which clicks are a program's."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_relations.campaigns.answers import rules
from crm_relations.shared.contact_keys import email_key, mailbox_key

REPLY = """From: Anna <anna@kunde.example>
To: marketing@rt.example
Subject: AW: Einladung
In-Reply-To: <one@rt.example>
References: <zero@rt.example> <one@rt.example>

Gern!
"""
#: as Postfix writes it: no In-Reply-To, the headers of the mail come back
POSTFIX = """Return-Path: <>
From: MAILER-DAEMON@mx.rt.example (Mail Delivery System)
To: marketing@rt.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.rt.example.
<{address}>: host mx.kunde.example said: {diagnosis}

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.rt.example

Final-Recipient: rfc822; {address}
Original-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnosis}

--B
Content-Type: text/rfc822-headers

From: marketing@rt.example
To: Anna <{address}>
Subject: Einladung
Message-ID: <one@rt.example>

--B--
"""
#: an Exchange server: In-Reply-To, the whole mail comes back
EXCHANGE = """From: <postmaster@kunde.example>
To: <marketing@rt.example>
Subject: Unzustellbar: Einladung
In-Reply-To: <one@rt.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

Ihre Nachricht wurde an die folgenden Empfänger nicht zugestellt.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns;mail.kunde.example

Final-recipient: RFC822; anna@kunde.example
Action: failed
Status: 5.1.10
Diagnostic-code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found

--B
Content-Type: message/rfc822

Message-ID: <one@rt.example>
From: marketing@rt.example
To: anna@kunde.example
Subject: Einladung

Guten Tag

--B--
"""
#: qmail knows no RFC 3464
QMAIL = """Return-Path: <>
From: MAILER-DAEMON@mx.example
To: marketing@rt.example
Subject: failure notice

Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<anna@kunde.example>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Message-ID: <one@rt.example>
"""
COMPLAINT = """From: <abuse@provider.example>
To: <marketing@rt.example>
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="B"

--B
Content-Type: text/plain

This is an email abuse report.

--B
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <anna@kunde.example>

--B
Content-Type: message/rfc822

Message-ID: <one@rt.example>
From: marketing@rt.example
To: anna@kunde.example
Subject: Einladung

Guten Tag
--B--
"""


def bounce(status="5.1.1", diagnosis="550 5.1.1 User unknown", action="failed"):
	return POSTFIX.format(address="anna@kunde.example", status=status, diagnosis=diagnosis, action=action)


def test_a_reply_names_what_it_answers_the_nearest_first():
	told = rules.read(REPLY)
	assert told.kind == "reply" and told.references == ("one@rt.example", "zero@rt.example")
	without = rules.read(REPLY.replace("In-Reply-To: <one@rt.example>\n", ""))
	assert without.references == ("one@rt.example", "zero@rt.example")


@pytest.mark.parametrize(
	("headers", "kind"),
	[
		("Auto-Submitted: auto-replied", "out of office"),
		("Auto-Submitted: auto-replied (vacation)", "out of office"),
		("Auto-Submitted: auto-generated; owner-email=x@y.example", "automatic"),
		("Auto-Submitted: no", "reply"),
		("X-Autoreply: yes", "out of office"),
		("X-Autorespond: Urlaub", "out of office"),
		("Precedence: auto_reply", "out of office"),
		("Precedence: bulk", "automatic"),
		("Precedence: list", "reply"),
		("X-Auto-Response-Suppress: All", "reply"),
		("Content-Type: multipart/report; report-type=disposition-notification; boundary=x", "automatic"),
	],
)
def test_automatic_answers_are_told_by_their_headers(headers, kind):
	"""RFC 3834, and what programs say that do not know it."""
	assert rules.read(f"{headers}\n{REPLY}").kind == kind


@pytest.mark.parametrize(
	("subject", "kind"),
	[
		("Abwesenheitsnotiz: Einladung", "out of office"),
		("=?utf-8?q?Automatische_Antwort=3A_Einladung?=", "out of office"),
		("Out of Office: Invitation", "out of office"),
		("AW: Urlaub im Herbst", "reply"),
	],
)
def test_notes_of_absence_without_headers_are_told_by_their_subject(subject, kind):
	assert rules.read(REPLY.replace("AW: Einladung", subject)).kind == kind


@pytest.mark.parametrize(
	("raw", "permanent", "code"),
	[
		(bounce(), True, "5.1.1"),
		(bounce("5.0.0", "550 5.1.1 No such user"), True, "5.1.1"),
		(bounce("5.0.0", "550 User unknown"), True, "5.0.0"),
		(bounce("5.2.2", "552 5.2.2 Mailbox full"), False, "5.2.2"),
		(bounce("5.7.1", "554 5.7.1 Message rejected as spam"), False, "5.7.1"),
		(bounce("4.4.1", "connect timed out"), False, "4.4.1"),
		(EXCHANGE, True, "5.1.10"),
	],
)
def test_bounces_are_hard_where_the_address_is_refused_and_soft_where_the_message_is(raw, permanent, code):
	told = rules.read(raw.encode())
	assert (told.kind, told.permanent, told.code) == ("bounce", permanent, code)
	assert told.recipients == ("anna@kunde.example",) and told.references == ("one@rt.example",)


def test_a_server_that_knows_no_report_is_read_by_the_library():
	told = rules.read(QMAIL)
	assert told.kind == "bounce" and told.recipients == ("anna@kunde.example",) and told.permanent


def test_a_mail_that_is_only_late_is_no_bounce():
	assert rules.read(bounce("4.4.1", "still trying", action="delayed")).kind != "bounce"


def test_a_person_who_quotes_a_bounce_has_not_bounced():
	quoted = "\n".join(f"> {line}" for line in QMAIL.splitlines())
	assert rules.read(REPLY + quoted).kind == "reply"


@pytest.mark.parametrize(
	("kind", "found"), [("abuse", "complaint"), ("fraud", "complaint"), ("not-spam", "automatic")]
)
def test_a_complaint_is_told_from_its_report(kind, found):
	"""RFC 5965."""
	told = rules.read(COMPLAINT.format(kind=kind))
	assert told.kind == found and told.references == ("one@rt.example",)
	if found == "complaint":
		assert told.recipients == ("anna@kunde.example",)


@pytest.mark.parametrize(
	("text", "found"),
	[
		("Abmelden", True),
		("bitte austragen!", True),
		("Bitte keine Werbung mehr, danke.", True),
		("Keine weiteren E-Mails.\n\n> Guten Tag …", True),
		("unsubscribe me", True),
		("STOP", True),
		("> abmelden\n\nGern, ich komme.", False),
		("Ich möchte mich nicht abmelden, sondern anmelden", False),
		("Stop, we are interested in the pump!", False),
		("", False),
	],
)
def test_a_reply_that_says_nothing_but_no_is_an_objection(text, found):
	assert rules.is_objection(text) is found


@given(st.text(max_size=400), st.sampled_from([REPLY, POSTFIX, EXCHANGE, QMAIL, COMPLAINT]), st.data())
def test_no_mail_breaks_the_reading(noise, base, data):
	cut = data.draw(st.integers(0, len(base)))
	for raw in (noise, base[:cut] + noise + base[cut:], noise.encode("utf-8", "surrogatepass")):
		assert rules.read(raw).kind in {"reply", "out of office", "automatic", "bounce", "complaint"}


# --- clicks ---------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 2, 9, 0)
BROWSER = {"User-Agent": "Mozilla/5.0 Firefox/120.0"}


@pytest.mark.parametrize(
	("method", "headers", "seconds", "sign"),
	[
		("GET", BROWSER, 3600, ""),
		("GET", BROWSER, 2, rules.TOO_EARLY),
		("HEAD", BROWSER, 3600, rules.BY_ITSELF),
		("GET", {**BROWSER, "Sec-Purpose": "prefetch"}, 3600, rules.BY_ITSELF),
		("GET", {"User-Agent": "BarracudaCentral"}, 3600, rules.BY_ITSELF),
	],
)
def test_a_program_is_told_by_itself_or_by_its_haste(method, headers, seconds, sign):
	assert rules.robot_sign(method, headers, NOW - timedelta(seconds=seconds), NOW) == sign


@pytest.mark.parametrize(
	("earlier", "links", "burst"),
	[
		([], 1, False),
		([("b", 1)], 2, True),
		([("b", 60)], 2, False),
		([("b", 1)], 5, False),
		([("b", 1), ("c", 2)], 5, True),
		([("a", 1), ("a", 2)], 3, False),
	],
)
def test_link_after_link_within_seconds_is_no_person(earlier, links, burst):
	clicks = [(url, NOW - timedelta(seconds=age)) for url, age in earlier]
	assert rules.is_burst("a", NOW, clicks, links) is burst


# --- spellings of an address ----------------------------------------------------------------------------


@pytest.mark.parametrize(
	("spelling", "key"),
	[
		("mailto:Anna@Kunde.de", "anna@kunde.de"),
		("Anna@Kunde.de.", "anna@kunde.de"),
		("anna\u200b@kunde.de", "anna@kunde.de"),
		("ａｎｎａ＠kunde.de", "anna@kunde.de"),
		('"anna"@kunde.de', "anna@kunde.de"),
		("anna@kunde.de (Anna)", "anna@kunde.de"),
		("a@MÜLLER.de", "a@xn--mller-kva.de"),
		("a@mu\u0308ller.de", "a@xn--mller-kva.de"),
		("a@straße.de", "a@xn--strae-oqa.de"),
		("a@strasse.de", "a@strasse.de"),
		("ju\u0308rgen@kunde.de", "j\u00fcrgen@kunde.de"),
		("anna+shop.de@kunde.de", "anna+shop.de@kunde.de"),
		("o'neil&co@kunde.de", "o'neil&co@kunde.de"),
		("a@b", ""),
		("a@b..de", ""),
		('"<img/src=x/onerror=alert(1)>"@k.de', ""),
		('"a b"@c.de', ""),
		("a b@c.de", ""),
		("a＜img＞@c.de", ""),
		("a@<img>.de", ""),
		('a"b@c.de', ""),
		("a\u2028b@c.de", ""),
	],
)
def test_an_address_has_one_form_whatever_its_spelling(spelling, key):
	assert email_key(spelling) == key
	assert email_key(key) == key


@pytest.mark.parametrize(
	("key", "box"),
	[
		("anna+shop@kunde.de", "anna@kunde.de"),
		("anna@kunde.de", "anna@kunde.de"),
		("+x@kunde.de", "+x@kunde.de"),
		("an.na+x@googlemail.com", "anna@gmail.com"),
		("an.na@kunde.de", "an.na@kunde.de"),
	],
)
def test_a_mailbox_has_one_key_whatever_its_owner_adds(key, box):
	assert mailbox_key(key) == box


@given(st.emails())
def test_the_form_of_an_address_is_its_own_form(address):
	key = email_key(address)
	assert email_key(key) == key and email_key(address.upper()) == email_key(address.upper().lower())
	assert mailbox_key(mailbox_key(key)) == mailbox_key(key)

"""Test how incoming emails are classified by their raw text, and which clicks are a bot's."""

import time
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_relations.campaigns.classification import (
	automatic_rules,
	bounce_rules,
	classification,
	objection_rules,
	reply_text,
)
from crm_relations.shared.contact_keys import email_key, mailbox_key

REPLY = """From: Anna <anna@kunde.example>
To: marketing@rt.example
Subject: AW: Einladung
In-Reply-To: <one@rt.example>
References: <zero@rt.example> <one@rt.example>

Gern!
"""
#: as Postfix writes it: no In-Reply-To, only the headers of the email are returned
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
#: an Exchange server: In-Reply-To, the whole email is returned
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
#: qmail does not follow RFC 3464
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
	told = classification.read(REPLY)
	assert told.kind == "reply" and told.references == ("one@rt.example", "zero@rt.example")
	without = classification.read(REPLY.replace("In-Reply-To: <one@rt.example>\n", ""))
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
	"""RFC 3834, and the headers of programs that do not follow it."""
	assert classification.read(f"{headers}\n{REPLY}").kind == kind


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
	assert classification.read(REPLY.replace("AW: Einladung", subject)).kind == kind


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
	told = classification.read(raw.encode())
	assert (told.kind, told.permanent, told.code) == ("bounce", permanent, code)
	assert told.recipients == ("anna@kunde.example",) and told.references == ("one@rt.example",)


def test_a_server_that_knows_no_report_is_read_by_the_library():
	told = classification.read(QMAIL)
	assert told.kind == "bounce" and told.recipients == ("anna@kunde.example",) and told.permanent


def test_a_mail_that_is_only_late_is_no_bounce():
	assert classification.read(bounce("4.4.1", "still trying", action="delayed")).kind != "bounce"


def test_a_person_who_quotes_a_bounce_has_not_bounced():
	quoted = "\n".join(f"> {line}" for line in QMAIL.splitlines())
	assert classification.read(REPLY + quoted).kind == "reply"


@pytest.mark.parametrize(
	("kind", "found"), [("abuse", "complaint"), ("fraud", "complaint"), ("not-spam", "automatic")]
)
def test_a_complaint_is_told_from_its_report(kind, found):
	"""RFC 5965."""
	told = classification.read(COMPLAINT.format(kind=kind))
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
	assert classification.is_objection(text) is found


@pytest.mark.parametrize(
	"text",
	[
		"Guten Tag,\n\nbitte streichen Sie mich aus Ihrem Verteiler, ich möchte keine Werbung mehr.\n\nAnna Berger",
		"Könnten Sie mich bitte von der Liste nehmen? Danke",
		"Bitte löschen Sie meine Daten.",
		"Ich widerspreche der Nutzung meiner Daten zu Werbezwecken.",
		"Wir möchten Sie höflich bitten, von weiteren Zusendungen abzusehen.",
		"Ich wäre Ihnen dankbar, wenn Sie mir keine weiteren Angebote zusenden würden.",
		"Wir haben kein Interesse, bitte schreiben Sie uns nicht mehr an.",
		"Bitte in Zukunft keine Mails mehr an diese Adresse",
		"Könnten Sie mich bitte aus dem News-\nletter nehmen",
		"Please take me off your mailing list",
		"I'd appreciate it if you could stop sending me these emails",
		"Could you kindly remove my email address from your database?",
		"I no longer wish to receive these",
		"Merci de me retirer de votre liste",
		"Je ne souhaite plus recevoir vos mails",
		"Gelieve mij uit te schrijven",
		"Wilt u mij van de lijst verwijderen",
		"Por favor, denme de baja de su lista",
		"Vi prego di cancellarmi dalla lista",
		"Non desidero più ricevere le vostre email",
	],
)
def test_an_objection_in_a_sentence_is_one(text):
	assert objection_rules.level(text) == "certain"


@pytest.mark.parametrize(
	"text",
	[
		"Ich möchte mich nicht abmelden, sondern anmelden",
		"Ich kann mich nicht abmelden!",
		"Woher haben Sie meine Adresse?",
		"Das ist Spam.",
		"Bitte nicht mehr anrufen",
		"Bitte schicken Sie mir das Angebot nicht mehr per Post, sondern per Mail",
		"Können Sie die Position aus der Liste löschen und die Rechnung neu senden",
		"Bitte aus dem Verteiler nehmen. " + "Ich habe dazu einiges zu sagen. " * 60,
	],
)
def test_what_may_be_an_objection_is_neither_recorded_nor_overlooked(text):
	assert objection_rules.level(text) == "possible"


@pytest.mark.parametrize(
	"text",
	[
		"Ja, gern. Bitte rufen Sie mich an.",
		"Kein Interesse.",
		"Ihr Angebot ist interessant, bitte einen Termin am Montag.",
		"Please remove the shipping costs from the offer",
		"Ich bestelle zwei Stück und melde mich dann ab Montag wieder.",
		"",
	],
)
def test_an_answer_is_no_objection(text):
	assert objection_rules.level(text) == ""


@pytest.mark.parametrize(
	("subject", "sent", "text", "level"),
	[
		("ABMELDEN", "Einladung", "--\nAnna Berger", "certain"),
		("AW: [EXTERN] Abmeldung vom Newsletter", "Einladung", "", "certain"),
		("AW: Einladung", "Einladung", "", ""),
		("AW: Nicht abmelden!", "Nicht abmelden!", "Gern!", ""),
		("Abmelden", "Einladung", "Sehr interessiert, bitte einen Termin!", "possible"),
	],
)
def test_a_subject_of_its_own_may_be_an_objection(subject, sent, text, level):
	assert objection_rules.level(reply_text.own_words(text), subject, sent) == level


@pytest.mark.parametrize(
	"unit",
	[
		"stop",
		"stop.",
		"keine ",
		"von liste ",
		"abmelden nicht ",
		"do not ",
		"a",
		"<",
		"(",
		"von meinen ",
		">\n",
		"widerspruch ",
	],
)
def test_reading_a_text_costs_no_more_than_its_length(unit):
	"""Compare each size with a smaller one; a reply of 20,000 characters once took seven seconds."""

	def cost(size):
		text = "stop" + unit * (size // len(unit)) + "x"
		best = float("inf")
		for _time in range(3):
			begun = time.process_time()
			objection_rules.is_objection(text)
			reply_text.from_html(text)
			classification.read(f"Subject: x\nReferences: {text}\nFrom: {text}\n\n{text}")
			best = min(best, time.process_time() - begun)
		return best

	cost(1000)
	assert cost(40_000) <= 8 * max(cost(10_000), 0.002)


@pytest.mark.parametrize(
	("subject", "text", "kind"),
	[
		("Absence du bureau : Einladung", "x", "out of office"),
		("Réponse automatique : Einladung", "x", "out of office"),
		("Respuesta automática: Einladung", "x", "out of office"),
		("Fuera de la oficina", "x", "out of office"),
		("Automatisch antwoord: Einladung", "x", "out of office"),
		("Afwezig: Einladung", "x", "out of office"),
		("Risposta automatica: Einladung", "x", "out of office"),
		("Fuori ufficio", "x", "out of office"),
		("AUTO: Anna Berger is out of the office (returning 03/20/2026)", "x", "out of office"),
		("Anna Berger ist außer Haus.", "x", "out of office"),
		(
			"AW: Einladung",
			"Vielen Dank für Ihre Nachricht. Ich bin bis zum 20. März nicht im Büro.",
			"out of office",
		),
		("AW: Einladung", "Thank you. I am currently out of the office until Monday.", "out of office"),
		("AW: Einladung", "Bonjour, je suis actuellement en congés jusqu'au 20 mars.", "out of office"),
		("AW: Einladung", "Me encuentro fuera de la oficina hasta el lunes.", "out of office"),
		("AW: Einladung", "Ik ben momenteel niet op kantoor.", "out of office"),
		("AW: Einladung", "Sono in ferie fino al 20 marzo.", "out of office"),
		("AW: Einladung", "Ich bin nicht mehr bei der Kunde GmbH beschäftigt.", "out of office"),
		("[Ticket#2026031012345] Einladung", "Ihre Nachricht ist bei uns eingegangen.", "automatic"),
		("Eingangsbestätigung Einladung", "x", "automatic"),
		("AW: Einladung", "Diese E-Mail wurde automatisch erstellt.", "automatic"),
		("AW: Einladung", "👍", "automatic"),
		("AW: Einladung", "Anna Berger hat auf Ihre Nachricht mit 👍 reagiert", "automatic"),
		("Re: Einladung", "👍 Anna reacted to your message:", "automatic"),
		("AW: Einladung", "Liked “Einladung”", "automatic"),
		("Zugesagt: Einladung", "", "automatic"),
		("Accepted: Einladung", "", "automatic"),
		("Gelesen: Einladung", "", "automatic"),
		("AW: Einladung", "Gern!", "reply"),
		("AW: Einladung", "Vielen Dank für Ihre Nachricht, wir kommen gern zu zweit.", "reply"),
		("AW: Automatisierung", "Ja", "reply"),
		("Re: Your order 12345", "Thanks", "reply"),
	],
)
def test_what_no_person_has_written_is_told_without_headers(subject, text, kind):
	raw = REPLY.replace("AW: Einladung", subject).replace("Gern!", text)
	raw = raw.replace("\n\n", "\nContent-Type: text/plain; charset=utf-8\n\n", 1)
	told = classification.read(raw.encode())
	assert (told.kind, told.doubt) == (kind, "")


@pytest.mark.parametrize(
	("subject", "text", "doubt"),
	[
		("AW: Einladung", "Ja gern, ich bin aber bis Montag im Urlaub.", automatic_rules.MAY_BE_ABSENCE),
		("AW: Einladung", "Your request (12345) has been received.", automatic_rules.MAY_BE_RECEIPT),
		("AW: [Ticket#2026031012345] Einladung", "Wir nehmen teil. Peter", automatic_rules.MAY_BE_RECEIPT),
	],
)
def test_what_may_be_a_person_is_told_as_a_doubt(subject, text, doubt):
	told = classification.read(REPLY.replace("AW: Einladung", subject).replace("Gern!", text))
	assert (told.kind, told.doubt) == ("reply", doubt)


@pytest.mark.parametrize(
	"part",
	[
		"Content-Type: text/calendar; charset=UTF-8; method=REPLY\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n",
		"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR\n",
		'Content-Type: text/vnd.google.email-reaction+json\n\n{"emoji": "x", "version": 1}\n',
	],
)
def test_calendar_answers_and_reactions_are_told_by_their_parts(part):
	raw = REPLY.replace(
		"\n\nGern!\n",
		f'\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary="B"\n\n--B\nContent-Type: text/plain\n\nGern!\n\n--B\n{part}\n--B--\n',
	)
	assert classification.read(raw).kind == "automatic"


@pytest.mark.parametrize(
	("answer", "cause"),
	[
		(
			"550 5.1.1 <a@k.example>: Recipient address rejected: User unknown in virtual alias table",
			"address",
		),
		(
			"host mx.k.example[192.0.2.1] said: 550 <a@k.example>: Recipient address rejected: User unknown",
			"address",
		),
		("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "address"),
		("550 Requested action not taken: mailbox unavailable", "address"),
		("Sorry, I couldn't find any host named k.example. (#5.1.2)", "address"),
		("User anna (anna@k.example) not listed in Domino Directory", "address"),
		("550 5.1.8 Access denied, bad outbound sender", "sender"),
		("550 5.1.7 Bad sender address", "sender"),
		("550 <m@rt.example>: Sender address rejected: User unknown in virtual mailbox table", "sender"),
		("554 5.7.1 Service unavailable; client host [192.0.2.7] blocked, see a blocklist", "sender"),
		("554 IP=192.0.2.7 - A problem occurred. Contact tosa@rx.t-online.de to clarify.", "sender"),
		("554-No SMTP service 554 IP address is block listed", "sender"),
		("550 5.7.23 The message was rejected because of Sender Policy Framework violation", "sender"),
		("550 5.7.60 SMTP; Client does not have permissions to send as this sender", "sender"),
		("525 5.7.13 User Account Disabled", "sender"),
		("554 Message rejected: Email address is not verified.", "sender"),
		("550 5.1.90 Your message can't be sent because you've reached your daily limit", "quota"),
		("550 5.4.5 Daily user sending limit exceeded", "quota"),
		("550 5.7.705 Access denied, tenant has exceeded threshold", "quota"),
		("552-5.2.2 The email account that you tried to reach is over quota", "passing"),
		("connect to mx.k.example[192.0.2.1]:25: Connection refused", "passing"),
		("550 5.7.520 Access denied, Your organization does not allow external forwarding", "message"),
		("550 5.4.14 Hop count exceeded - possible mail loop", "message"),
		("550 5.7.124 Sender not in allowed-senders list", "message"),
		("554 5.7.1 Message rejected as spam", "message"),
		("552 5.3.4 Message size exceeds fixed limit", "message"),
	],
)
def test_why_a_server_refuses_is_told_by_its_code_and_its_words(answer, cause):
	assert bounce_rules.cause_of(bounce_rules.code_in(answer), answer) == cause


def test_a_forwarding_that_fails_is_not_about_the_address_that_forwards():
	told = classification.read(
		bounce().replace("Final-Recipient: rfc822; anna@kunde", "Final-Recipient: rfc822; anna@else")
	)
	assert told.recipients == ("anna@else.example",) and not classification.is_about(
		told, "anna@kunde.example"
	)
	inside = classification.read(
		bounce().replace("Final-Recipient: rfc822; anna@", "Final-Recipient: rfc822; a.berger@")
	)
	assert classification.is_about(inside, "anna@kunde.example")


def test_links_of_ours_are_found_also_where_a_gateway_has_rewritten_them():
	token = "AbCdEfGhIjKlMnOpQrStU_"
	for link in (
		f"https://crm.example/ru/{token}",
		f"https://eur01.safelinks.example/?url=https%3A%2F%2Fcrm.example%2Frc%2F{token}.0.abcdefghijkl&data=05",
		f"https://urldefense.example/v3/__https://crm.example/rp/{token}__;!!",
	):
		assert classification.read(REPLY + f"> {link}\n").tokens == (token,)


@given(st.text(max_size=400), st.sampled_from([REPLY, POSTFIX, EXCHANGE, QMAIL, COMPLAINT]), st.data())
def test_no_mail_breaks_the_reading(noise, base, data):
	cut = data.draw(st.integers(0, len(base)))
	for raw in (noise, base[:cut] + noise + base[cut:], noise.encode("utf-8", "surrogatepass")):
		assert classification.read(raw).kind in {"reply", "out of office", "automatic", "bounce", "complaint"}


# --- clicks ---------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 2, 9, 0)
BROWSER = {"User-Agent": "Mozilla/5.0 Firefox/120.0"}


@pytest.mark.parametrize(
	("method", "headers", "seconds", "sign"),
	[
		("GET", BROWSER, 3600, ""),
		("GET", BROWSER, 2, classification.TOO_EARLY),
		("HEAD", BROWSER, 3600, classification.BY_ITSELF),
		("GET", {**BROWSER, "Sec-Purpose": "prefetch"}, 3600, classification.BY_ITSELF),
		("GET", {"User-Agent": "BarracudaCentral"}, 3600, classification.BY_ITSELF),
	],
)
def test_a_program_is_told_by_itself_or_by_its_haste(method, headers, seconds, sign):
	assert classification.bot_indicator(method, headers, NOW - timedelta(seconds=seconds), NOW) == sign


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
	assert classification.is_burst("a", NOW, clicks, links) is burst


# --- address variants -----------------------------------------------------------------------------------


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
		('"<img/src=x/onerror=alert(1)>"@kunde.de', ""),
		("a b@kunde.de", ""),
		('"a b"@kunde.de', ""),
		("o'neil&co@kunde.de", "o'neil&co@kunde.de"),
		("(" * 600 + "anna@kunde.de", ""),
		("a" * 2000 + "@kunde.de", ""),
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

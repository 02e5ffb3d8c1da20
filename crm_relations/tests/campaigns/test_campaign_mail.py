"""Test texts with merge fields, and the message that is composed of them."""

import re
import resource
import time
from contextlib import suppress
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.parser import BytesParser
from email.utils import parseaddr
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_relations.campaigns.content import templates
from crm_relations.campaigns.content.css_inlining import inline
from crm_relations.campaigns.content.templates import (
	MailTemplate,
	TemplateError,
	render_html,
	to_text,
	used_fields,
)
from crm_relations.campaigns.transport import smtp
from crm_relations.shared.text.sandbox import check_line

FIELDS = {
	"name": "Anna <b> Muster",
	"first_name": "Anna",
	"last_name": "Muster",
	"salutation": "Frau",
	"organisation": "",
	"unsubscribe_url": "https://crm.example/ru/x",
}


def link(index: int) -> str:
	return f"https://crm.example/rc/{index}"


def test_merge_fields_are_filled_in_and_escaped():
	rendered = MailTemplate("Für {{ name }}", "<p>{{ name }}</p>").render(FIELDS, link)
	assert rendered.subject == "Für Anna <b> Muster"
	assert "<p>Anna &lt;b&gt; Muster</p>" in rendered.html
	assert rendered.text.startswith("Anna <b> Muster")


def test_what_an_editor_does_to_merge_tags_is_undone():
	rendered = MailTemplate("", "<p>{{&nbsp;<b>first_name</b>&nbsp;}}</p>").render(FIELDS, link)
	assert "<p>Anna</p>" in rendered.html


def test_web_links_are_replaced_and_kept_in_order():
	source = (
		'<a href="https://a.example/?x=1&amp;y={{ last_name }}">A</a> <a class="b" href=\'http://b.example\'>B</a>'
		'<a href="mailto:x@y.example">Mail</a> <a href="{{ unsubscribe_url }}">Abmelden</a> <a href="/shop">Shop</a>'
	)
	rendered = MailTemplate("", source, "https://crm.example").render(FIELDS, link)
	assert rendered.links == [
		"https://a.example/?x=1&y=Muster",
		"http://b.example",
		"https://crm.example/shop",
	]
	assert 'href="mailto:x@y.example"' in rendered.html and 'href="https://crm.example/ru/x"' in rendered.html
	assert "a.example" not in rendered.html and "b.example" not in rendered.text
	assert "https://a.example/?x=1&amp;y=Muster" in rendered.content


def test_every_mail_ends_with_imprint_and_unsubscribe_link():
	rendered = MailTemplate("", "<p>Hallo</p>").render(
		FIELDS, link, imprint="Firma\nStraße 1", unsubscribe_label="Abmelden"
	)
	for part in (rendered.html, rendered.text):
		assert "Straße 1" in part and "Abmelden" in part and "https://crm.example/ru/x" in part
	assert "Straße" not in rendered.content


@pytest.mark.parametrize(
	("text", "message"),
	[
		("{{ firstname }}", "unknown merge field firstname"),
		("{{ frappe.db }}", "unknown merge field frappe"),
		("{% if name %}", "Unexpected end"),
		("{{ name", "line 1"),
		('<a href="http://[x">x</a>', "http://"),
	],
)
def test_a_text_that_cannot_work_is_refused_with_the_reason(text, message):
	with pytest.raises(TemplateError, match=message):
		MailTemplate("", text)


@pytest.mark.parametrize(
	"text",
	[
		"{{ name.__class__.__mro__ }}",
		"{{ name * 100000000 }}",
		"{{ ''.join.__globals__ }}",
		"{{ range(10) }}",
		"{{ name.nothing }}",
	],
)
def test_a_text_gets_out_of_the_sandbox_nowhere(text):
	with pytest.raises(TemplateError):
		render_html(text, FIELDS)


def test_used_merge_fields_are_known():
	assert used_fields("{{ name }} {% if last_name %}x{% endif %} {% set y = 1 %}{{ y }}") == {
		"name",
		"last_name",
	}


def test_plain_text_keeps_paragraphs_lists_and_link_targets():
	source = '<style>p{}</style><h1>Titel</h1><p>Eins<br>zwei</p><ul><li>a</li><li>b</li></ul><p><a href="u">hier</a></p>'
	assert to_text(source) == "Titel\n\nEins\nzwei\n\n- a\n- b\n\nhier <u>"


def message(**values) -> bytes:
	return smtp.build(
		**{
			"sender_name": "Rheinland Technik GmbH",
			"sender": "marketing@rt.example",
			"recipient_name": "Anna Müller",
			"recipient": "a@kunde.example",
			"subject": "Für Anna",
			"html": "<p>Grüße</p>",
			"text": "Grüße",
			"message_id": "1@rt.example",
			"unsubscribe_url": "https://a-rather-long-name.of-a-site.example.com/ru/" + "x" * 22,
			**values,
		}
	)


def test_a_message_has_both_parts_and_the_unsubscribe_address_on_one_line():
	raw = message()
	assert (
		b"\r\nList-Unsubscribe: <https://a-rather-long-name.of-a-site.example.com/ru/" + b"x" * 22 + b">\r\n"
		in raw
	)
	assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
	parsed = BytesParser(policy=policy.default).parsebytes(raw)
	assert parsed.get_body(("plain",)).get_content().strip() == "Grüße"
	assert parsed.get_body(("html",)).get_content().strip() == "<p>Grüße</p>"
	assert parsed["To"].addresses[0].display_name == "Anna Müller"


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_name_or_subject_brings_in_a_header(name, subject):
	raw = message(recipient_name=name + "\r\nBcc: x@y.example", subject=subject + "\nBcc: x@y.example")
	parsed = BytesParser(policy=policy.default).parsebytes(raw)
	assert parsed["Bcc"] is None and parsed["To"].addresses[0].addr_spec == "a@kunde.example"


class Server:
	"""A session that answers from a list; `None` closes the connection."""

	def __init__(self, *replies):
		self.replies = list(replies)
		self.sent = b""
		self.closed = False

	def _answer(self, *_args):
		reply = self.replies.pop(0)
		if reply is None:
			raise ConnectionResetError("gone")
		return reply, b"text"

	mail = rcpt = docmd = getreply = _answer

	def rset(self):
		if not self.replies:
			raise ConnectionResetError("gone")

	def ehlo_or_helo_if_needed(self):
		pass

	def has_extn(self, name):
		return False

	def send(self, data):
		self.sent += data

	def close(self):
		self.closed = True


@pytest.mark.parametrize(
	("replies", "result", "closed"),
	[
		((250, 250, 354, 250), "accepted", False),
		((250, 550, 250), "permanent", False),
		((250, 550), "permanent", True),
		((250, 451, 250), "temporary", False),
		((250, 250, 452, 250), "temporary", False),
		((250, 250, 354, 554, 250), "permanent", False),
		((250, 250, 354, 451, 250), "temporary", False),
		((None,), "unreachable", True),
		((250, 421), "unreachable", True),
		((250, 250, None), "unreachable", True),
		((250, 250, 354, None), "lost", True),
	],
)
def test_the_dialogue_tells_sent_from_not_sent_from_unknown(replies, result, closed):
	server = Server(*replies)
	assert smtp.hand_over(server, "x@y.example", "a@b.example", b"Hallo\n.Punkt\n").result == result
	assert server.closed is closed
	if result == "accepted":
		assert server.sent == b"Hallo\r\n..Punkt\r\n.\r\n"


def test_an_address_that_the_server_cannot_take_fails():
	assert smtp.hand_over(Server(250), "x@y.example", "jürgen@b.example", b"x").result == "permanent"


def parsed(raw: bytes):
	return BytesParser(policy=policy.default).parsebytes(raw)


@given(st.text(max_size=300), st.text(max_size=300))
def test_texts_arrive_as_they_were_written(html, text):
	got = parsed(message(html=html, text=text))
	assert all(len(line) <= 998 for line in message(html=html, text=text).split(b"\r\n"))
	for kind, written in (("html", html), ("plain", text)):
		content = got.get_body((kind,)).get_content()
		lines = [line.rstrip("\r") for line in content.split("\n")]
		expected = written.encode(errors="replace").decode().splitlines()
		assert "\n".join(lines).strip("\n").split("\n") == "\n".join(expected).strip("\n").split("\n")


@given(st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), max_size=120))
def test_names_and_subjects_arrive_as_they_were_written(text):
	# the header parser of Python < 3.13 puts a space between encoded words of a name, against RFC 2047, 6.2
	got = message_from_bytes(message(recipient_name=text, subject=text))
	assert str(make_header(decode_header(got["Subject"]))) == text
	name, address = parseaddr(got["To"])
	assert str(make_header(decode_header(name))) == text and address == "a@kunde.example"
	assert all(len(line) <= 998 for line in message(subject=text * 20).split(b"\r\n"))


def test_files_come_beside_the_text():
	parts = [smtp.attachment("Preise ä.pdf", "application/pdf", b"\x00\xff" * 100)]
	got = parsed(message(attachments=parts))
	(file,) = got.iter_attachments()
	assert file.get_content() == b"\x00\xff" * 100 and file.get_filename() == "Preise ä.pdf"
	assert got.get_body(("plain",)).get_content().strip() == "Grüße"


class Pipelining(Server):
	"""A server that accepts several commands in one packet, and answers each."""

	def has_extn(self, name):
		return name == "pipelining"


@pytest.mark.parametrize(
	("replies", "result", "sent"),
	[
		((250, 250, 354, 250), "accepted", b"Hallo\r\n.\r\n"),
		((250, 550, 554), "permanent", b""),
		((250, 450, 354, 554), "temporary", b".\r\n"),
		((451, 503, 503), "temporary", b""),
		((250, 421), "unreachable", b""),
		((250, None), "unreachable", b""),
		((250, 250, 354, None), "lost", b"Hallo\r\n.\r\n"),
		((250, 250, 354, 421), "temporary", b"Hallo\r\n.\r\n"),
	],
)
def test_commands_in_one_packet_tell_the_same(replies, result, sent):
	server = Pipelining(*replies, 250)
	assert smtp.hand_over(server, "x@y.example", "a@b.example", b"Hallo").result == result
	commands = b"MAIL FROM:<x@y.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n"
	assert server.sent == commands + sent


@pytest.mark.parametrize("address", ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@c.example", "<a@b.example"])
def test_no_address_smuggles_in_a_command(address):
	server = Pipelining(250, 250, 354, 250)
	assert smtp.hand_over(server, "x@y.example", address, b"x").result == "permanent" and not server.sent


STYLED = (
	"<style>p.box { color: #c00 } a { color: {{ last_name }} } h1 { margin: 0 }"
	" @media (max-width: 600px) { #top { font-size: 12px } } body { background: #eee }</style>"
	'<h1 id="top">Größe</h1><p class="box">{{ salutation }} {% if first_name %}<b>{{ first_name }}</b>{% endif %}'
	' <a href="https://a.example/?y={{ last_name }}&amp;x=1">A</a></p>'
)


def test_styles_stand_in_the_tags_and_merge_fields_go_through_untouched():
	rendered = MailTemplate("", STYLED).render(FIELDS, link)
	assert (
		'<p class="box" style="color:#c00">Frau <b>Anna</b> <a href="https://crm.example/rc/0"'
		in rendered.html
	)
	assert 'style="color:Muster">A</a>' in rendered.html and ">Größe</h1>" in rendered.html
	assert rendered.links == ["https://a.example/?y=Muster&x=1"]
	assert "Größe" in rendered.text and "color" not in rendered.text


def test_what_no_tag_can_hold_stays_in_the_head_of_the_mail_and_not_in_the_file():
	rendered = MailTemplate("", STYLED).render(FIELDS, link)
	head, _sign, body = rendered.html.partition("</head>")
	assert "@media (max-width: 600px)" in head and "#top" in head
	assert (
		"<style" not in body
		and "<style" not in rendered.content
		and "background: #eee" in body.replace("background:#eee", "background: #eee")
	)


def test_a_text_without_styles_stays_as_it_was_written():
	source = '<p class="a">{{ name }}<br>x &amp; y</p>'
	assert inline(source) == (source, "")


def test_styles_are_inlined_once_a_content_and_not_for_each_recipient(monkeypatch):
	calls = []
	monkeypatch.setattr(templates, "inline", lambda content: calls.append(1) or inline(content))
	template = MailTemplate("", STYLED)
	for _number in range(50):
		template.render(FIELDS, link)
	assert len(calls) == 1


@pytest.mark.parametrize(
	"css",
	[
		"@import url('https://evil.example/x.css');",
		"p { background: url(file:///etc/passwd) }",
		"}}",
	],
)
def test_odd_styles_break_no_mail_and_load_nothing(css, monkeypatch):
	monkeypatch.setattr("socket.socket.connect", None)
	rendered = MailTemplate("", f"<style>{css}</style><p>{{{{ first_name }}}}</p>").render(FIELDS, link)
	assert "Anna" in rendered.html


def test_a_brace_too_many_in_the_styles_is_told_and_swallows_no_text():
	with pytest.raises(TemplateError, match="not closed"):
		MailTemplate("", "<style>p{{color:red}</style><p>{{ first_name }}</p>")


PAYLOADS = (
	"""{{ "&lt;img src=x onerror=alert(1)&gt;" }}""",
	"""{{ "<img src=x onerror=alert(1)>" }}""",
	"<script>alert(1)</script>",
	"<img src=x onerror=alert(1)>",
	"""<{{ "img" }} src=x onerror=alert(1)>""",
	"""<a href="{{ 'java' }}script:alert(1)">x</a>""",
	"<a href=' java&#x09;script:alert(1)'>x</a>",
	"<svg onload=alert(1)><script>alert(1)</script></svg>",
	"<iframe srcdoc='&lt;script&gt;alert(1)&lt;/script&gt;'></iframe>",
	"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
	"<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
	"<p style='background:url(javascript:alert(1));width:expression(alert(1))'>x</p>",
	"<form action='javascript:alert(1)'><button formaction='javascript:alert(1)'>x</button></form>",
	"<scr<script>x</script>ipt>alert(1)</script>",
	"""<p {{ "onclick" }}="alert(1)">x</p>""",
	"{{ name }}",
)
HOSTILE = {**FIELDS, "name": "<img src=x onerror=alert(1)>"}


class Active(HTMLParser):
	"""Record everything in an HTML text that could run."""

	def __init__(self, source: str) -> None:
		super().__init__()
		self.found: list[str] = []
		self.feed(source)
		self.close()

	def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
		if tag in ("script", "iframe", "object", "embed", "svg", "math", "form", "base", "template"):
			self.found.append(tag)
		for name, value in attrs:
			address = re.sub(r"[\x00-\x20]", "", value or "").lower()
			if name.startswith("on") or name == "srcdoc" or "script:" in address or "expression(" in address:
				self.found.append(f"{tag} {name}={value}")


@pytest.mark.parametrize("text", PAYLOADS)
def test_nothing_in_a_rendered_text_can_run(text):
	rendered = MailTemplate("", text).render(HOSTILE, link)
	for made in (rendered.html, rendered.content, render_html(text, HOSTILE)):
		assert not Active(made).found
		assert "onerror=" not in re.sub(r"&lt;.*?&gt;|\"[^\"<>]*\"", "", made)


def test_the_test_for_active_markup_finds_it():
	assert Active("<img src=x onerror=alert(1)>").found and Active("<a href='java\tscript:x'>").found


@pytest.mark.parametrize(
	"text",
	[
		"""{{ "<b>"|safe }}""",
		"""{{ "x"|forceescape }}""",
		"""{{ {"onclick": "x"}|xmlattr }}""",
		"{{ name|tojson }}",
		"{{ name|pprint }}",
		"""{{ "x"|center(9999999999) }}""",
		"""{{ "x"|indent(9999999999) }}""",
		"""{{ "%9999999999d"|format(1) }}""",
		"""{{ "x"|wordwrap(1, wrapstring=name) }}""",
		"""{{ name|replace("a", "aaaaaaaaaaaaaaa") }}""",
		"""{{ [name, name]|join }}""",
		"{% autoescape false %}{{ name }}{% endautoescape %}",
		"{% filter upper %}x{% endfilter %}",
		"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
		"{% for a in 'xx' %}{% for b in 'xx' %}x{% endfor %}{% endfor %}",
		"{% for a in range(999999999) %}x{% endfor %}",
		"{% set a = name %}{% set a = a~a %}",
		"{% set a %}{{ name }}{{ name }}{% endset %}",
		"{% set a = [name, name] %}{% set a = [a, a] %}",
		"{% include 'x' %}",
		"{% import 'x' as y %}",
	],
)
def test_a_text_contains_only_what_is_allowed_and_says_what_is_not(text):
	with pytest.raises(TemplateError, match="not allowed in a text|unknown merge field|No filter"):
		MailTemplate("", text)
	with pytest.raises(TemplateError):
		MailTemplate(text, "")
	with pytest.raises(TemplateError):
		check_line(text, FIELDS)


@pytest.mark.parametrize(
	"text",
	[
		"""{{ "x".ljust(9999999999) }}""",
		"""{{ "x".zfill(9999999999) }}""",
		"""{{ "{:>9999999999}".format(1) }}""",
		"""{{ "%9999999999d" % 1 }}""",
		"""{{ "x" * 9999999999 }}""",
		"{{ 9 ** 9 ** 9 }}",
		"""{{ name + name }}""",
		"{{ name" + "|urlencode" * 40 + " }}",
		"{{ name" + "|upper" * 5000 + " }}",
		"{% set a = '" + "x" * 9_000 + "' %}" + "{{ a }}" * 1_000,
		"x" * 100_001,
		"{{" * 49_000,
		"<a" * 49_000,
		"<div>" * 19_000,
		"<i><p>" * 16_000,
		"<div></x>" * 11_000,
		"{{" + "<" * 99_000 + "}}",
	],
)
def test_no_text_takes_much_time_or_memory(text):
	began, peak = time.process_time(), memory()
	for make in (lambda: MailTemplate("", text).render(HOSTILE, link), lambda: render_html(text, HOSTILE)):
		with suppress(TemplateError):
			make()
	assert time.process_time() - began < 5
	assert memory() - peak < 100_000, "kB"


def memory() -> int:
	return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_what_a_mail_needs_comes_through():
	text = (
		'<h1 style="color: #c00; mso-line-height-rule: exactly">{{ first_name|upper }}</h1>'
		'<table role="presentation" cellpadding="0" width="100%" bgcolor="#fff" style="border-collapse: collapse">'
		'<tbody><tr><td align="center" class="wide"><img src="https://shop.example/a.png" alt="Bild" width="200">'
		'</td></tr></tbody></table><p><a href="tel:+49221123">Telefon</a> <a href="mailto:a@b.example">Mail</a>'
		' <a href="{{ unsubscribe_url }}" target="_blank">Abmelden</a> <b>{{ name.strip()[:4] }}</b>'
		'{% if last_name == "Muster" and 1 + 1 == 2 %} &amp; Co.{% endif %}</p><ul><li>a</li></ul><hr>'
	)
	rendered = MailTemplate("", text).render(FIELDS, link)
	assert rendered.content == (
		text.replace("{{ first_name|upper }}", "ANNA")
		.replace("{{ unsubscribe_url }}", FIELDS["unsubscribe_url"])
		.replace("{{ name.strip()[:4] }}", "Anna")
		.replace('{% if last_name == "Muster" and 1 + 1 == 2 %}', "")
		.replace("{% endif %}", "")
	)


def test_a_link_that_looks_like_our_own_placeholder_breaks_nothing():
	rendered = MailTemplate("", '<p>https://link-7.invalid/ <a href="https://a.example">A</a></p>').render(
		FIELDS, link
	)
	assert "https://link-7.invalid/" in rendered.html and "https://crm.example/rc/0" in rendered.html


def test_a_text_is_cleaned_once_for_each_form_and_not_for_each_recipient(monkeypatch):
	calls = []
	real = templates.clean_html
	monkeypatch.setattr(templates, "clean_html", lambda source: calls.append(1) or real(source))
	text = f"<p>{new_word()} {{{{ name }}}}{{% if first_name %}}!{{% endif %}} <a href='{{{{ unsubscribe_url }}}}'>x</a></p>"
	template = MailTemplate("", text)
	for number in range(50):
		fields = {**HOSTILE, "name": f"<b>{number}", "first_name": "A" if number % 2 else ""}
		rendered = template.render({**fields, "unsubscribe_url": f"https://crm.example/ru/{number}"}, link)
		assert (
			f"&lt;b&gt;{number}" in rendered.content
			and f'href="https://crm.example/ru/{number}"' in rendered.html
		)
	assert len(calls) == 2


def new_word() -> str:
	"""Return a text that no other test has cleaned."""
	return f"T{time.monotonic_ns()}"


@pytest.mark.parametrize(
	"value", ["javascript:alert(1)", "JaVa\tscript:alert(1)", "data:text/html,<script>x</script>"]
)
def test_a_value_is_no_way_to_an_active_address(value):
	text = '<a title=">" href="{{ name }}">x</a><img src="{{ name }}"><p style="color: {{ name }}">y</p>'
	rendered = MailTemplate("", text).render({**FIELDS, "name": value}, link)
	assert not Active(rendered.html).found and "data:" not in re.sub(r"<p.*", "", rendered.content)


def test_signs_for_private_use_stand_for_no_value():
	text = "<p>\ue0000\ue001 {{ last_name }}</p>"
	rendered = MailTemplate("", text).render({**FIELDS, "last_name": "\ue0000\ue001"}, link)
	assert rendered.content == "<p>0 \ue0000\ue001</p>"

"""Texts with merge fields, and the message that is made of them."""

from email import policy
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_relations.campaigns import mail
from crm_relations.campaigns.templates import MailTemplate, TemplateError, render_html, to_text, used_fields

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
	return mail.build(
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
	"""A session that answers from a list; `None` hangs up."""

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
	assert mail.hand_over(server, "x@y.example", "a@b.example", b"Hallo\n.Punkt\n").result == result
	assert server.closed is closed
	if result == "accepted":
		assert server.sent == b"Hallo\r\n..Punkt\r\n.\r\n"


def test_an_address_that_the_server_cannot_take_fails():
	assert mail.hand_over(Server(250), "x@y.example", "jürgen@b.example", b"x").result == "permanent"

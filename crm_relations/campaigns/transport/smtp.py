"""Build a campaign email as bytes, and pass it to the mail server. Pure Python: imports no frappe. Writes
nothing.

The SMTP dialogue is carried out command by command, because the moment at which it breaks matters. Before
the text has left, the message has certainly not been sent; after that, its state is unknown.
"""

import binascii
import re
import secrets
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from typing import Literal

#: Headers stay on one line: email programs must find the complete unsubscribe address (RFC 8058).
_POLICY = SMTP.clone(max_line_length=990)

#: what may stand in MAIL FROM and RCPT TO unchanged
_SAFE_ADDRESS = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]+@[\x21-\x3b\x3d\x3f-\x7e]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_MESSAGE_ID = re.compile(r"<([^<>\s@]{8,100}@[^<>\s@]{3,100})>")
#: shorter queue names could be guessed
_QUEUED = re.compile(r"\b(?:ok:?|as|id=?)\s+([A-Za-z0-9_.-]{20,140})(?=$|[\s>])", re.IGNORECASE)

Result = Literal["accepted", "temporary", "permanent", "lost", "unreachable"]


@dataclass(frozen=True)
class Outcome:
	"""The outcome of a message.

	accepted: the server has taken it. temporary, permanent: it refused, with 4xx or 5xx. lost: the
	connection broke after the text had left; it may have been sent. unreachable: the connection broke
	before; it has not been sent, and the message is not the cause.
	"""

	result: Result
	reason: str = ""
	#: the command that was refused: MAIL, RCPT or DATA; the text itself is `text`
	at: str = ""
	#: identity that the server gave the message; empty if none is long enough to be unique
	identity: str = ""


def new_message_id(sender_address: str) -> str:
	"""Return a Message-ID without angle brackets, in the sender's domain."""
	return make_msgid(domain=sender_address.rpartition("@")[2] or "localhost").strip("<>")


def attachment(name: str, content_type: str, content: bytes) -> bytes:
	"""Encode a file as a part of a message, once, as it is the same for all recipients."""
	maintype, _slash, subtype = (content_type or "application/octet-stream").partition("/")
	part = EmailMessage(policy=_POLICY)
	part.set_content(content, maintype=maintype, subtype=subtype or "octet-stream", filename=_line(name))
	del part["MIME-Version"]
	return part.as_bytes().strip()


def build(
	*,
	sender_name: str,
	sender: str,
	recipient_name: str,
	recipient: str,
	subject: str,
	html: str,
	text: str,
	message_id: str,
	unsubscribe_url: str,
	reference: str = "",
	attachments: Sequence[bytes] = (),
) -> bytes:
	"""Build the whole message, RFC 5322, with text and HTML part and one-click unsubscription (RFC 2369,
	RFC 8058).

	It is built by hand: Python's EmailMessage takes ten times as long, which would be most of the time that
	a campaign takes.

	:param reference: a second identity, in case a mail service replaces the Message-ID: answers and bounces
		repeat it
	:param attachments: parts made by `attachment`
	"""
	mark = secrets.token_hex(12)
	head = [
		f"Subject: {_encoded(subject, 9)}",
		f"From: {_address(sender_name, sender)}",
		f"To: {_address(recipient_name, recipient)}",
		f"Date: {formatdate(localtime=True)}",
		f"Message-ID: <{message_id}>",
		*((f"References: <{reference}>", f"X-Relation-Reference: <{reference}>") if reference else ()),
		f"List-Unsubscribe: <{unsubscribe_url}>",
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
		"Precedence: bulk",  # RFC 3834: asks out-of-office programs to stay silent
		"MIME-Version: 1.0",
	]
	body = [
		f'Content-Type: multipart/alternative; boundary="a{mark}"',
		"",
		f"--a{mark}",
		*_text_part("plain", text),
		f"--a{mark}",
		*_text_part("html", html),
		f"--a{mark}--",
		"",
	]
	if not attachments:
		return "\r\n".join(head + body).encode()
	head += [f'Content-Type: multipart/mixed; boundary="m{mark}"', "", f"--m{mark}"]
	between = f"\r\n--m{mark}\r\n".encode()
	parts = ["\r\n".join(head + body).encode(), *attachments]
	return between.join(parts) + f"\r\n--m{mark}--\r\n".encode()


def _text_part(subtype: str, content: str) -> tuple[str, ...]:
	"""Return headers and body of a part, quoted-printable (RFC 2045): no line is longer than 76 characters."""
	lines = "\n".join(content.splitlines())
	encoded = binascii.b2a_qp(lines.encode(errors="replace"), istext=True).decode("ascii")
	return (
		f'Content-Type: text/{subtype}; charset="utf-8"',
		"Content-Transfer-Encoding: quoted-printable",
		"",
		encoded.replace("\n", "\r\n"),
	)


def _encoded(text: str, used: int) -> str:
	"""Return the text of a header: unchanged, or in encoded words of at most 75 characters (RFC 2047).

	:param used: characters that stand before it on its first line
	"""
	text = _line(text)
	if text.isascii() and "=?" not in text and len(text) < 900:
		return text
	return Header(text, "utf-8", header_name=" " * max(used - 2, 0)).encode(linesep="\r\n")


def _address(name: str, address: str) -> str:
	name = _line(name)
	if not name:
		return address
	if name.isascii() and "=?" not in name and len(name) < 200:
		quoted = name.replace("\\", "\\\\").replace('"', '\\"')
		return f'"{quoted}" <{address}>'
	return f"{_encoded(name, 6)} <{address}>"


def hand_over(session: smtplib.SMTP, sender: str, recipient: str, message: bytes) -> Outcome:
	"""Give one message to the server on an open session, and return the outcome.

	The caller counts `unreachable` and `lost` as the end of the session.
	"""
	try:
		session.ehlo_or_helo_if_needed()
		options = []
		if not recipient.isascii():
			if not session.has_extn("smtputf8"):
				return Outcome("permanent", "The mail server takes no addresses with special characters")
			options = ["SMTPUTF8", "BODY=8BITMIME"]
			session.command_encoding = "utf-8"
		ask = _ask_at_once if session.has_extn("pipelining") and not options else _ask_in_turn
		if refusal := ask(session, sender, recipient, options):
			return refusal
	except UnicodeError as e:
		return Outcome("permanent", _error(e))
	except (OSError, smtplib.SMTPException) as e:
		session.close()
		return Outcome("unreachable", _error(e))
	try:
		session.send(_stuffed(message) + b".\r\n")
		code, text = session.getreply()
	except (OSError, smtplib.SMTPException) as e:
		session.close()
		return Outcome("lost", _error(e))
	if code == 250:
		return Outcome("accepted", identity=_identity(text))
	if code == 421:
		session.close()
		return Outcome("temporary", _reply(code, text), "text")
	return _refused(code, text, session, "text")


def _ask_in_turn(session: smtplib.SMTP, sender: str, recipient: str, options: list[str]) -> Outcome | None:
	"""Send MAIL, RCPT and DATA, each after the answer to the one before; None: the server waits for the
	text.
	"""
	for step in ("MAIL", "RCPT", "DATA"):
		if step == "MAIL":
			code, text = session.mail(sender, options)
		else:
			code, text = session.rcpt(recipient) if step == "RCPT" else session.docmd("DATA")
		if code == 421:
			session.close()
			return Outcome("unreachable", _reply(code, text))
		if code not in ((354,) if step == "DATA" else (250, 251)):
			return _refused(code, text, session, step)
	return None


def _ask_at_once(session: smtplib.SMTP, sender: str, recipient: str, _options: list[str]) -> Outcome | None:
	"""Send all three commands in one packet (RFC 2920): one round trip to the server and not three."""
	for address in (sender, recipient):
		if not _SAFE_ADDRESS.fullmatch(address):
			return Outcome("permanent", f"{_line(address)}: this address cannot be written in SMTP")
	session.send(f"MAIL FROM:<{sender}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode("ascii"))
	answers = []
	for _command in range(3):
		answers.append(session.getreply())
		if answers[-1][0] == 421:
			session.close()
			return Outcome("unreachable", _reply(*answers[-1]))
	steps = ("MAIL", "RCPT", "DATA")
	for step, (code, text), good in zip(steps, answers, ((250, 251), (250, 251), (354,)), strict=True):
		if code not in good:
			if answers[2][0] == 354:  # it waits for a text that has no recipient: RFC 2920, 3.1
				session.send(b".\r\n")
				session.getreply()
			return _refused(code, text, session, step)
	return None


def _refused(code: int, text: bytes, session: smtplib.SMTP, at: str) -> Outcome:
	try:
		session.rset()
	except (OSError, smtplib.SMTPException):
		session.close()  # a server may hang up after it has refused; the answer stands
	return Outcome("permanent" if 500 <= code < 600 else "temporary", _reply(code, text), at)


def _identity(answer: bytes | str) -> str:
	"""Return the name that a mail service gives a message: `Ok 0102019a…-000000` (SES), `<…@…>
	[Hostname=…]` (Exchange).
	"""
	text = _line(answer[:500].decode("utf-8", "replace") if isinstance(answer, bytes) else answer[:500])
	found = _MESSAGE_ID.search(text) or _QUEUED.search(text)
	return found[1][:140] if found else ""


def _reply(code: int, text: bytes | str) -> str:
	shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
	return f"{code} {_line(shown)}"[:500]


def _error(error: Exception) -> str:
	return f"{type(error).__name__}: {_line(str(error))}"[:500]


def _stuffed(message: bytes) -> bytes:
	"""Apply RFC 5321, 4.5.2: lines end with CRLF, a leading dot is repeated, and the text ends with a line
	end.
	"""
	lines = message
	if not message.count(b"\r") == message.count(b"\n") == message.count(b"\r\n"):
		lines = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
	if b"\n." in lines or lines.startswith(b"."):
		lines = re.sub(rb"(?m)^\.", b"..", lines)
	return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def _line(text: str | None) -> str:
	"""Return one line without control characters: a line break in a name must not break a header."""
	return " ".join(_CONTROL.sub(" ", text or "").split())

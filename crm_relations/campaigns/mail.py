"""A campaign mail as bytes, and its way to the mail server. Pure Python: imports no frappe.

The SMTP dialogue is spoken command by command, because it matters when it breaks: before the text has gone
out the message has certainly not been sent, after that nobody knows.
"""

import re
import smtplib
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from typing import Literal

#: Headers stay on one line: mail programs must find the unsubscribe address whole (RFC 8058).
_POLICY = SMTP.clone(max_line_length=990)

Result = Literal["accepted", "temporary", "permanent", "lost", "unreachable"]


@dataclass(frozen=True)
class Outcome:
	"""What became of a message.

	accepted: the server has taken it. temporary, permanent: it refused, with 4xx or 5xx. lost: the
	connection broke after the text had gone out; it may have been sent. unreachable: the connection broke
	before; it has not been sent, and the message is not to blame.
	"""

	result: Result
	reason: str = ""


def new_message_id(sender_address: str) -> str:
	"""A Message-ID without angle brackets, in the sender's domain."""
	return make_msgid(domain=sender_address.rpartition("@")[2] or "localhost").strip("<>")


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
) -> bytes:
	"""The whole message, RFC 5322, with text and HTML part and one-click unsubscription (RFC 2369, RFC 8058)."""
	message = EmailMessage(policy=_POLICY if recipient.isascii() else _POLICY.clone(utf8=True))
	message["Subject"] = _line(subject)
	message["From"] = Address(display_name=_line(sender_name), addr_spec=sender)
	message["To"] = Address(display_name=_line(recipient_name), addr_spec=recipient)
	message["Date"] = formatdate(localtime=True)
	message["Message-ID"] = f"<{message_id}>"
	message["List-Unsubscribe"] = f"<{unsubscribe_url}>"
	message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
	message["Precedence"] = "bulk"  # RFC 3834: asks out-of-office programs to stay silent
	message.set_content(text)
	message.add_alternative(html, subtype="html")
	return message.as_bytes()


def hand_over(session: smtplib.SMTP, sender: str, recipient: str, message: bytes) -> Outcome:
	"""Give one message to the server on an open session, and say what became of it.

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
		for step in ("MAIL", "RCPT"):
			code, text = session.mail(sender, options) if step == "MAIL" else session.rcpt(recipient)
			if code == 421:
				session.close()
				return Outcome("unreachable", _reply(code, text))
			if code not in (250, 251):
				return _refused(code, text, session)
		code, text = session.docmd("DATA")
		if code != 354:
			if code == 421:
				session.close()
				return Outcome("unreachable", _reply(code, text))
			return _refused(code, text, session)
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
		return Outcome("accepted")
	if code == 421:
		session.close()
		return Outcome("temporary", _reply(code, text))
	return _refused(code, text, session)


def _refused(code: int, text: bytes, session: smtplib.SMTP) -> Outcome:
	try:
		session.rset()
	except (OSError, smtplib.SMTPException):
		session.close()  # a server may hang up after it has refused; the answer stands
	return Outcome("permanent" if 500 <= code < 600 else "temporary", _reply(code, text))


def _reply(code: int, text: bytes | str) -> str:
	shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
	return f"{code} {_line(shown)}"[:500]


def _error(error: Exception) -> str:
	return f"{type(error).__name__}: {_line(str(error))}"[:500]


def _stuffed(message: bytes) -> bytes:
	"""RFC 5321, 4.5.2: lines end with CRLF, a leading dot is doubled, the text ends with a line end."""
	lines = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
	lines = re.sub(rb"(?m)^\.", b"..", lines)
	return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def _line(text: str | None) -> str:
	"""One line: a header must not be broken by a name that holds a line break."""
	return " ".join((text or "").split())

"""What an incoming mail is, told from its raw text: a reply, an automatic note, a bounce, a complaint; and which clicks
are a program's. Pure Python, imports no frappe.

Bounces are read by flufl.bounce, the library of Mailman: it knows RFC 3464 and the many servers that do not. It tells
whom they are about; whether the address or only the message was refused, the status code says (RFC 3463).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, message_from_string
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from typing import Literal

from flufl.bounce import all_failures
from rq.timeouts import JobTimeoutException

from crm_relations.campaigns import rules
from crm_relations.shared.contact_keys import email_key

Kind = Literal["reply", "out of office", "automatic", "bounce", "complaint"]

_MESSAGE_ID = re.compile(r"<([^<>\s]{3,250})>")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
#: the address itself is refused: unknown, moved, its domain gone, its mailbox closed
_HARD = re.compile(r"5\.(1\.\d+|2\.1|4\.1|4\.4|7\.13)$")
_UNKNOWN_USER = re.compile(
	r"user unknown|unknown (user|recipient|mailbox|address)|no such (user|recipient|mailbox|address)|does not exist"
	r"|doesn'?t exist|recipient (address )?rejected|invalid (recipient|mailbox|address)|not a valid (recipient|mailbox)"
	r"|address not found|mailbox not found|account (is |has been )?(disabled|closed|deactivated)|nicht gefunden"
	r"|existiert nicht|unbekannter? empfänger|domain not found|host not found",
	re.IGNORECASE,
)
_MACHINE = re.compile(r"^(mailer-daemon|mail-daemon|postmaster|mdaemon|mailerdaemon)", re.IGNORECASE)
#: a reply whose first line says nothing but this is an objection
_OBJECTION = re.compile(
	r"(bitte )?((mich )?(abmelden|austragen|abbestellen|löschen)|keine (weitere[nr]? )?(werbung|mails?|e-mails?)( mehr)?"
	r"|ich widerspreche|widerspruch|unsubscribe( me)?|remove( me)?|stop|opt[- ]?out|no more (mails?|e-mails?|advertising))"
	r"[\s.!,]*(danke|thanks?|thank you)?[\s.!]*",
	re.IGNORECASE,
)


@dataclass(frozen=True)
class Incoming:
	"""What a mail is, and to what it belongs."""

	kind: Kind
	#: Message-IDs of what it answers or reports on, the likeliest first
	references: tuple[str, ...] = ()
	#: for bounces and complaints: addresses in normal form
	recipients: tuple[str, ...] = ()
	#: a bounce for good: the address is refused, and not this message
	permanent: bool = False
	code: str = ""
	reason: str = ""


def read(raw: bytes | str) -> Incoming:
	"""Tell a raw mail. Never fails: what cannot be told is a reply."""
	message = message_from_bytes(raw) if isinstance(raw, bytes) else message_from_string(raw)
	if complaint := _complaint(message):
		return complaint
	if bounce := _bounce(message):
		return bounce
	kind = _automatic(message)
	return Incoming(kind or "reply", _answered(message))


def guess(subject: str | None, sender: str | None) -> Incoming:
	"""The same where nothing is left of a mail but subject and sender."""
	return Incoming("automatic" if rules.is_automatic(subject, sender) else "reply")


def is_objection(text: str | None) -> bool:
	"""Does a reply say nothing but that its writer wants no more advertising? Quoted lines do not count."""
	lines = [line.strip() for line in (text or "").splitlines()]
	said = next((line for line in lines if line and not line.startswith(">")), "")
	return bool(_OBJECTION.fullmatch(said))


def _header(message: Message, name: str) -> str:
	return str(message.get(name) or "").strip()


def _answered(message: Message) -> tuple[str, ...]:
	"""In-Reply-To first, then References from the nearest to the farthest."""
	replied = _MESSAGE_ID.findall(_header(message, "In-Reply-To"))
	threaded = _MESSAGE_ID.findall(_header(message, "References"))[::-1]
	return tuple(dict.fromkeys([*replied, *threaded]))[:20]


def _original(message: Message) -> tuple[tuple[str, ...], str]:
	"""Message-ID and recipient of the mail that a report returns."""
	for part in message.walk():
		kind = part.get_content_type()
		if kind == "message/rfc822" and part.is_multipart():
			original = part.get_payload(0)
		elif kind in ("text/rfc822-headers", "message/rfc822-headers"):
			original = message_from_string(_text(part))
		else:
			continue
		found = tuple(_MESSAGE_ID.findall(_header(original, "Message-ID")))
		if found:
			return found, email_key(_header(original, "To"))
	return (), ""


def _text(part: Message) -> str:
	payload = part.get_payload(decode=True)
	if isinstance(payload, bytes):
		return payload.decode("utf-8", "replace")
	return str(part.get_payload() if not part.is_multipart() else "")


def _fields(part: Message) -> Message:
	"""The header block of a feedback report, however the parser has taken it."""
	inner = part.get_payload()
	if isinstance(inner, list) and inner:
		return inner[0]
	return message_from_string(_text(part))


def _complaint(message: Message) -> Incoming | None:
	"""RFC 5965: the recipient has pressed "this is spam"."""
	report = next((p for p in message.walk() if p.get_content_type() == "message/feedback-report"), None)
	if report is None:
		return None
	fields = _fields(report)
	kind = _header(fields, "Feedback-Type").lower()
	references, to = _original(message)
	who = email_key(_header(fields, "Original-Rcpt-To").strip("<>")) or to
	if kind == "not-spam":
		return Incoming("automatic", references)
	return Incoming(
		"complaint", references, (who,) if who else (), reason=f"Feedback-Type: {kind or 'abuse'}"
	)


def _is_report(message: Message) -> bool:
	"""Only what a mail server wrote is searched for bounces: people forward and quote them too."""
	if (message.get_param("report-type") or "") == "delivery-status":
		return True
	if any(part.get_content_type() == "message/delivery-status" for part in message.walk()):
		return True
	local = parseaddr(_header(message, "From"))[1]
	return bool(_MACHINE.match(local)) or _header(message, "Return-Path") == "<>"


def _bounce(message: Message) -> Incoming | None:
	if not _is_report(message):
		return None
	try:
		_delayed, failed = all_failures(message)
	except JobTimeoutException:
		raise
	except Exception:  # a bounce is foreign text, and one that breaks the library is none that we can use
		failed = frozenset()
	references, to = _original(message)
	recipients = tuple(sorted(filter(None, (email_key(a.decode("ascii", "replace")) for a in failed))))
	if not recipients and not _failed(message):
		return None
	code, reason = _diagnosis(message)
	return Incoming(
		"bounce",
		references or _answered(message),
		recipients or ((to,) if to else ()),
		permanent=_is_hard(code, reason),
		code=code,
		reason=reason,
	)


def _failed(message: Message) -> bool:
	return any("fail" in _header(block, "Action").lower() for block in _blocks(message))


def _blocks(message: Message) -> list[Message]:
	"""The blocks of RFC 3464, one for each recipient."""
	return [
		block
		for part in message.walk()
		if part.get_content_type() == "message/delivery-status" and part.is_multipart()
		for block in part.get_payload()
		if isinstance(block, Message)
	]


def _diagnosis(message: Message) -> tuple[str, str]:
	"""Status code and what the server said; from the text where there is no report."""
	code = reason = ""
	for block in _blocks(message):
		if "fail" not in _header(block, "Action").lower():
			continue
		reason = " ".join(_header(block, "Diagnostic-Code").split())
		inside = _STATUS.search(reason)
		code = inside.group() if inside else ""
		stated = _STATUS.search(_header(block, "Status"))
		# servers often state 5.0.0, and what it was only in the diagnosis
		if stated and (not code or not stated.group().endswith(".0.0")):
			code = stated.group()
		break
	if not reason:
		text = next((_text(p) for p in message.walk() if p.get_content_type() == "text/plain"), "")
		found = _STATUS.search(text)
		code = code or (found.group() if found else "")
		line = next((x for x in text.splitlines() if _STATUS.search(x) or _UNKNOWN_USER.search(x)), "")
		reason = " ".join((line or text[:200]).split())
	return code, reason[:500]


def _is_hard(code: str, reason: str) -> bool:
	"""Is the address refused, and not only this message, or for the time being?"""
	if code.startswith("4."):
		return False
	if _HARD.match(code):
		return True
	if not code or code.endswith(".0.0"):
		return bool(_UNKNOWN_USER.search(reason))
	return False


def _automatic(message: Message) -> Kind | None:
	"""RFC 3834 first, then what programs say that do not know it."""
	submitted = re.split(r"[;\s(]", _header(message, "Auto-Submitted").lower(), maxsplit=1)[0]
	if (message.get_param("report-type") or "") == "disposition-notification":
		return "automatic"  # a read receipt
	replied = submitted == "auto-replied" or any(
		_header(message, name) for name in ("X-Autoreply", "X-Autorespond", "X-Vacation", "X-AutoReply-From")
	)
	replied = replied or _header(message, "Precedence").lower() == "auto_reply"
	subject, sender = _decoded(message, "Subject"), parseaddr(_header(message, "From"))[1]
	if replied:
		return "out of office"
	if rules.is_automatic(subject, ""):
		return "out of office" if not rules.is_automatic("", sender) else "automatic"
	if submitted not in ("", "no") or rules.is_automatic("", sender):
		return "automatic"
	if _header(message, "Precedence").lower() in ("bulk", "junk") or _header(message, "X-Autogenerated"):
		return "automatic"
	return None


def _decoded(message: Message, name: str) -> str:
	try:
		return str(make_header(decode_header(_header(message, name))))
	except (LookupError, UnicodeError, ValueError):
		return _header(message, name)


# --- clicks of programs ---------------------------------------------------------------------------------

#: seconds after a mail has left in which no person has read it and clicked
SCAN_SECONDS = 10
#: seconds within which a program opens one link after the other
BURST_SECONDS = 5
#: so many different links in that time are enough, also where there are more
BURST_LINKS = 3

TOO_EARLY = "Within seconds of the delivery"
BURST = "Link after link within seconds"
BY_ITSELF = "The program says so"


def robot_sign(
	method: str,
	headers: Mapping[str, str],
	sent_at: datetime | None,
	now: datetime,
) -> str:
	"""Why a request on a link is no click of a person; empty if it may be one."""
	if rules.is_robot(method, headers):
		return BY_ITSELF
	if sent_at and (now - sent_at).total_seconds() < SCAN_SECONDS:
		return TOO_EARLY
	return ""


def is_burst(url: str, now: datetime, clicks: Sequence[tuple[str, datetime]], links: int) -> bool:
	"""Does a click belong to a program that opens all links of a mail?

	:param clicks: earlier clicks on the mail: url and time
	:param links: number of different links in the mail
	"""
	recent = {u for u, at in clicks if 0 <= (now - at).total_seconds() <= BURST_SECONDS} | {url}
	return len(recent) > 1 and len(recent) >= min(links, BURST_LINKS)

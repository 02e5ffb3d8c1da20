"""Classify an incoming email by its raw text as reply, automatic note, bounce or complaint, and recognize
clicks of bots. Pure Python, imports no frappe. Writes nothing.

flufl.bounce, the library of Mailman, reads bounces: it knows RFC 3464 and the many servers that do not
follow it. It returns the addresses of a bounce; `bounce_rules` finds the reason. `automatic_rules`
recognizes what no person has written, `objection_rules` an objection.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, message_from_string
from email.message import Message
from typing import Literal

from flufl.bounce import all_failures
from rq.timeouts import JobTimeoutException

from crm_relations.campaigns import rules
from crm_relations.campaigns.classification import automatic_rules, bounce_rules, objection_rules, reply_text
from crm_relations.campaigns.classification.bounce_rules import Cause
from crm_relations.shared.contact_keys import address_in, domain_key, email_key, mailbox_key

Kind = Literal["reply", "out of office", "automatic", "bounce", "complaint"]

#: a larger email is read up to here; the parts that identify it are at the top
_RAW_LIMIT = 5_000_000
_MESSAGE_ID = re.compile(r"<([^<>\s]{3,250})>")
#: our links, also after a gateway has rewritten them: only readers of the email know the token in them
_TOKEN = re.compile(r"(?:/|%2F|_)r[ucp](?:/|%2F|_)([A-Za-z0-9_-]{22})")
_MACHINE = re.compile(r"^(mailer-daemon|mail-daemon|postmaster|mdaemon|mailerdaemon)", re.IGNORECASE)

is_objection = objection_rules.is_objection


@dataclass(frozen=True)
class Incoming:
	"""The kind of an email, and what it belongs to."""

	kind: Kind
	#: Message-IDs of what it answers or reports on, the most likely first
	references: tuple[str, ...] = ()
	#: for bounces and complaints: normalized addresses
	recipients: tuple[str, ...] = ()
	#: a permanent bounce: the address is refused, and not this message
	permanent: bool = False
	code: str = ""
	reason: str = ""
	#: why an email bounced
	cause: Cause | Literal[""] = ""
	#: tokens of our links in the email or in the message that it returns
	tokens: tuple[str, ...] = ()
	#: normalized address of the sender; empty if it is not certain
	sender: str = ""
	subject: str = ""
	#: the writer's own words
	text: str = ""
	#: what a reply may be if that is not certain (see `automatic_rules`)
	doubt: str = ""


def read(raw: bytes | str) -> Incoming:
	"""Classify a raw email. Never fails: an email that cannot be classified is a reply."""
	raw = raw[:_RAW_LIMIT]
	message = message_from_bytes(raw) if isinstance(raw, bytes) else message_from_string(raw)
	if complaint := _complaint(message):
		return complaint
	if bounce := _bounce(message):
		return bounce
	subject, text = reply_text.header(message, "Subject"), reply_text.written(message)
	verdict = _automatic(message, subject, text)
	return Incoming(
		verdict.kind or "reply",
		_answered(message),
		tokens=_tokens(reply_text.everything(message)),
		sender=_sender(message),
		subject=subject,
		text=text,
		doubt=verdict.doubt,
	)


def guess(subject: str | None, sender: str | None, content: str | None = "") -> Incoming:
	"""Classify an email of which only subject, sender and content are left."""
	text = objection_rules.words_of(content)
	verdict = automatic_rules.of_subject(subject, sender)
	if not verdict.kind and not objection_rules.level(text, subject):
		verdict = automatic_rules.by_words(text, verdict)
	return Incoming(
		"automatic" if verdict.kind else "reply",
		tokens=_tokens((content or "")[: reply_text.PART_LIMIT]),
		sender=email_key(sender),
		subject=subject or "",
		text=text,
		doubt=verdict.doubt,
	)


def is_about(told: Incoming, recipient: str) -> bool:
	"""Tell whether a report is about this address. A forwarding that fails elsewhere does not concern the
	address that forwards.

	Within one organization, another address may stand behind an address.

	:param recipient: normalized address
	"""
	own = domain_key(recipient)
	return not told.recipients or any(
		mailbox_key(address) == mailbox_key(recipient) or (own and domain_key(address) == own)
		for address in told.recipients
	)


def _automatic(message: Message, subject: str, text: str) -> automatic_rules.Verdict:
	"""Classify by headers and subject, then by the words. An objection is never automatic, whatever else
	the email says.
	"""
	verdict = automatic_rules.by_headers(message)
	if verdict.kind or objection_rules.level(text, subject) == "certain":
		return verdict
	return automatic_rules.by_words(text, verdict)


def _header(message: Message, name: str) -> str:
	return str(message.get(name) or "")[: reply_text.HEADER_LIMIT].strip()


def _sender(message: Message) -> str:
	"""Return the address of From. An email with several addresses, or none, has no certain sender."""
	if len(message.get_all("From", [])) != 1:
		return ""
	return email_key(reply_text.header(message, "From"))


def _answered(message: Message) -> tuple[str, ...]:
	"""Return In-Reply-To first, then References from the nearest to the farthest."""
	replied = _MESSAGE_ID.findall(_header(message, "In-Reply-To"))
	threaded = _MESSAGE_ID.findall(str(message.get("References") or "")[-10_000:])[::-1]
	return tuple(dict.fromkeys([*replied, *threaded]))[:20]


def _tokens(text: str) -> tuple[str, ...]:
	return tuple(dict.fromkeys(_TOKEN.findall(text)))[:20]


def _original(message: Message) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
	"""Return Message-IDs, recipient and tokens of the email that a report returns."""
	for part in message.walk():
		kind = part.get_content_type()
		if kind == "message/rfc822" and part.is_multipart():
			original = _message_in(part)
		elif kind in ("text/rfc822-headers", "message/rfc822-headers", "text/rfc822"):
			original = message_from_string(reply_text.part_text(part))
		else:
			continue
		names = ("Message-ID", "X-Relation-Reference", "References", "X-Original-Message-ID")
		found = tuple(x for name in names for x in _MESSAGE_ID.findall(_header(original, name)))
		links = _header(original, "List-Unsubscribe") + "\n" + reply_text.everything(original)
		if found or links.strip():
			return tuple(dict.fromkeys(found))[:20], email_key(_header(original, "To")), _tokens(links)
	return (), "", ()


def _fields(part: Message) -> Message:
	"""Return the header block of a feedback report, however the parser has read it."""
	return _message_in(part)


def _message_in(part: Message) -> Message:
	"""Return the first message that a part holds, or else its text read as a message."""
	inner = part.get_payload()
	if isinstance(inner, list) and inner and isinstance(inner[0], Message):
		return inner[0]
	return message_from_string(reply_text.part_text(part))


def _complaint(message: Message) -> Incoming | None:
	"""Read a complaint, RFC 5965: the recipient has pressed "this is spam"."""
	report = next((p for p in message.walk() if p.get_content_type() == "message/feedback-report"), None)
	if report is None:
		return None
	fields = _fields(report)
	kind = _header(fields, "Feedback-Type").lower()[:40]
	references, to, tokens = _original(message)
	who = email_key(_header(fields, "Original-Rcpt-To").strip("<>")) or to
	if kind == "not-spam":
		return Incoming("automatic", references, tokens=tokens)
	return Incoming(
		"complaint",
		references,
		(who,) if who else (),
		reason=f"Feedback-Type: {kind or 'abuse'}",
		tokens=tokens,
		sender=_sender(message),
	)


def _is_report(message: Message) -> bool:
	"""Tell whether a mail server wrote the email. Only such emails are searched for bounces, as people
	forward and quote bounces too.
	"""
	if (message.get_param("report-type") or "") == "delivery-status":
		return True
	if any(part.get_content_type() == "message/delivery-status" for part in message.walk()):
		return True
	local = address_in(_header(message, "From"))
	return bool(_MACHINE.match(local)) or _header(message, "Return-Path") == "<>"


def _bounce(message: Message) -> Incoming | None:
	if not _is_report(message):
		return None
	try:
		_delayed, failed = all_failures(message)
	except JobTimeoutException:
		raise
	except Exception:  # a bounce is external text; one that breaks the library cannot be used
		failed = frozenset()
	references, to, tokens = _original(message)
	named = _final_recipients(message) or {email_key(a.decode("ascii", "replace")[:320]) for a in failed}
	recipients = tuple(sorted(filter(None, named)))
	if not recipients and not _failed(message):
		return None
	code, reason = _diagnosis(message)
	cause = bounce_rules.cause_of(code, reason)
	return Incoming(
		"bounce",
		tuple(dict.fromkeys([*references, *_answered(message)])),
		recipients or ((to,) if to else ()),
		permanent=cause == "address",
		code=code,
		reason=reason,
		cause=cause,
		tokens=tokens or _tokens(reply_text.everything(message)),
	)


def _final_recipients(message: Message) -> set[str]:
	"""Return addresses that failed according to a report. After a forwarding, they differ from the address
	of the message.
	"""
	failed = [block for block in _blocks(message) if "fail" in _header(block, "Action").lower()]
	found = {_header(block, "Final-Recipient").rpartition(";")[2].strip().strip("<>") for block in failed}
	return {email_key(address) for address in found} - {""}


def _failed(message: Message) -> bool:
	return any("fail" in _header(block, "Action").lower() for block in _blocks(message))


def _blocks(message: Message) -> list[Message]:
	"""Return the blocks of RFC 3464, one for each recipient."""
	return [
		block
		for part in message.walk()
		if part.get_content_type() == "message/delivery-status" and part.is_multipart()
		for block in part.get_payload()
		if isinstance(block, Message)
	][:100]


def _diagnosis(message: Message) -> tuple[str, str]:
	"""Return status code and diagnosis of the server; from the text if there is no report."""
	code = reason = ""
	for block in _blocks(message):
		if "fail" not in _header(block, "Action").lower():
			continue
		reason = " ".join(_header(block, "Diagnostic-Code").split())
		code = bounce_rules.code_in(reason)
		stated = bounce_rules.code_in(_header(block, "Status"))
		# servers often state 5.0.0, and give the real code only in the diagnosis
		if stated and (not code or not stated.endswith(".0.0")):
			code = stated
		break
	if not reason:
		text = next(
			(reply_text.part_text(p) for p in message.walk() if p.get_content_type() == "text/plain"), ""
		)
		lines = [line for line in text[:20_000].splitlines() if line.strip()]
		line = next((x for x in lines if bounce_rules.code_in(x) or bounce_rules.names_unknown(x)), "")
		code = code or bounce_rules.code_in(line)
		reason = " ".join((line or text[:200]).split())
	return code, reason[:500]


# --- clicks of bots -------------------------------------------------------------------------------------

#: seconds after an email was sent in which no person can have read it and clicked
SCAN_SECONDS = 10
#: seconds within which a bot opens one link after the other
BURST_SECONDS = 5
#: this number of different links in that time is enough, even if the email has more
BURST_LINKS = 3

TOO_EARLY = "Within seconds of the delivery"
BURST = "Several links within seconds"
BY_ITSELF = "The program identifies itself"


def bot_indicator(
	method: str,
	headers: Mapping[str, str],
	sent_at: datetime | None,
	now: datetime,
) -> str:
	"""Return why a request on a link is not a person's click; empty if it may be one."""
	if rules.is_robot(method, headers):
		return BY_ITSELF
	if sent_at and (now - sent_at).total_seconds() < SCAN_SECONDS:
		return TOO_EARLY
	return ""


def is_burst(url: str, now: datetime, clicks: Sequence[tuple[str, datetime]], links: int) -> bool:
	"""Tell whether a click belongs to a bot that opens all links of an email.

	:param clicks: earlier clicks on the email: url and time
	:param links: number of different links in the email
	"""
	recent = {u for u, at in clicks if 0 <= (now - at).total_seconds() <= BURST_SECONDS} | {url}
	return len(recent) > 1 and len(recent) >= min(links, BURST_LINKS)

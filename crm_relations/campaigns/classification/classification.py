"""What an incoming mail is, told from its raw text: a reply, an automatic note, a bounce, a complaint; and which clicks
are a program's. Pure Python, imports no frappe.

Bounces are read by flufl.bounce, the library of Mailman: it knows RFC 3464 and the many servers that do not. It tells
which addresses they are about; why, is read by `bounce_rules`. What no person has written is told by
`automatic_rules`, an objection by `objection_rules`.
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

#: a whole mail that is larger is read up to here; what says what it is stands at the top
_RAW_LIMIT = 5_000_000
_MESSAGE_ID = re.compile(r"<([^<>\s]{3,250})>")
#: links of ours, also where a gateway has rewritten them: the token behind them is known to readers of the mail alone
_TOKEN = re.compile(r"(?:/|%2F|_)r[ucp](?:/|%2F|_)([A-Za-z0-9_-]{22})")
_MACHINE = re.compile(r"^(mailer-daemon|mail-daemon|postmaster|mdaemon|mailerdaemon)", re.IGNORECASE)

is_objection = objection_rules.is_objection


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
	#: why a mail bounced
	cause: Cause | Literal[""] = ""
	#: of links of ours that stand in the mail or in what it returns
	tokens: tuple[str, ...] = ()
	#: address in normal form from which it comes; empty if that is not plain
	sender: str = ""
	subject: str = ""
	#: the writer's own words
	text: str = ""
	#: what a reply may be where that is not sure (see `automatic_rules`)
	doubt: str = ""


def read(raw: bytes | str) -> Incoming:
	"""Tell a raw mail. Never fails: what cannot be told is a reply."""
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
	"""The same where nothing is left of a mail but subject, sender and content."""
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
	"""Is a report about this address? A forwarding that fails elsewhere says nothing of the address that forwards.

	Within one organisation an address may have another name behind it.

	:param recipient: address in normal form
	"""
	own = domain_key(recipient)
	return not told.recipients or any(
		mailbox_key(address) == mailbox_key(recipient) or (own and domain_key(address) == own)
		for address in told.recipients
	)


def _automatic(message: Message, subject: str, text: str) -> automatic_rules.Verdict:
	"""Headers and subject, then the words; an objection is no program's, whatever else it says."""
	verdict = automatic_rules.by_headers(message)
	if verdict.kind or objection_rules.level(text, subject) == "certain":
		return verdict
	return automatic_rules.by_words(text, verdict)


def _header(message: Message, name: str) -> str:
	return str(message.get(name) or "")[: reply_text.HEADER_LIMIT].strip()


def _sender(message: Message) -> str:
	"""The address of From; a mail with several, or none, has no sender that is plain."""
	if len(message.get_all("From", [])) != 1:
		return ""
	return email_key(reply_text.header(message, "From"))


def _answered(message: Message) -> tuple[str, ...]:
	"""In-Reply-To first, then References from the nearest to the farthest."""
	replied = _MESSAGE_ID.findall(_header(message, "In-Reply-To"))
	threaded = _MESSAGE_ID.findall(str(message.get("References") or "")[-10_000:])[::-1]
	return tuple(dict.fromkeys([*replied, *threaded]))[:20]


def _tokens(text: str) -> tuple[str, ...]:
	return tuple(dict.fromkeys(_TOKEN.findall(text)))[:20]


def _original(message: Message) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
	"""Message-IDs, recipient, and tokens of the mail that a report returns."""
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
	"""The header block of a feedback report, however the parser has taken it."""
	return _message_in(part)


def _message_in(part: Message) -> Message:
	"""Return the first message that a part holds, or else its text read as a message."""
	inner = part.get_payload()
	if isinstance(inner, list) and inner and isinstance(inner[0], Message):
		return inner[0]
	return message_from_string(reply_text.part_text(part))


def _complaint(message: Message) -> Incoming | None:
	"""RFC 5965: the recipient has pressed "this is spam"."""
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
	"""Only what a mail server wrote is searched for bounces: people forward and quote them too."""
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
	except Exception:  # a bounce is foreign text, and one that breaks the library is none that we can use
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
	"""Addresses that a report says have failed. After a forwarding they are not those to which the mail was sent."""
	failed = [block for block in _blocks(message) if "fail" in _header(block, "Action").lower()]
	found = {_header(block, "Final-Recipient").rpartition(";")[2].strip().strip("<>") for block in failed}
	return {email_key(address) for address in found} - {""}


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
	][:100]


def _diagnosis(message: Message) -> tuple[str, str]:
	"""Status code and what the server said; from the text where there is no report."""
	code = reason = ""
	for block in _blocks(message):
		if "fail" not in _header(block, "Action").lower():
			continue
		reason = " ".join(_header(block, "Diagnostic-Code").split())
		code = bounce_rules.code_in(reason)
		stated = bounce_rules.code_in(_header(block, "Status"))
		# servers often state 5.0.0, and what it was only in the diagnosis
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


# --- clicks of programs ---------------------------------------------------------------------------------

#: seconds after a mail has left in which no person has read it and clicked
SCAN_SECONDS = 10
#: seconds within which a program opens one link after the other
BURST_SECONDS = 5
#: so many different links in that time are enough, also where there are more
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

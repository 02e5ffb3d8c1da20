"""Find out why a mail server refuses an email: the address, a temporary condition, the message, or the
sender. Pure Python, imports no frappe. Writes nothing.

The status code (RFC 3463, RFC 5248, and the codes of Exchange Online and Gmail) gives the reason only
roughly, and often wrongly. So the words of the server come first where they are plain.
"""

import re
from typing import Literal

#: address: it does not exist. passing: not now, or its mailbox is full. message: this message, or a rule of
#: the recipient's server or a forwarding. sender: our account, domain or server. quota: we have sent too
#: much
Cause = Literal["address", "passing", "message", "sender", "quota"]

STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,4})(?!\.?\d)")
#: characters of a diagnosis that are read
_LIMIT = 2_000

_FULL = re.compile(
	r"mailbox (is |was )?(over)?full|over ?quota|quota.{0,20}(mailbox|user|recipient)|(mailbox|user'?s?|recipient'?s?|inbox).{0,25}(full|quota|storage|size limit)"
	r"|insufficient (disk|storage|system storage)|speicherplatz|postfach.{0,25}(voll|ueberfuellt|überfüllt)|receiving mail (at a rate|too quickly)|recipient.{0,40}(can receive|receive limit|exceeded the)"
)
_SIZE = re.compile(r"\bsize\b|too (big|large)|oversize|zu gro(ß|ss)")
_QUOTA = re.compile(
	r"(exceed\w{0,4}|reached|over|hit) (the |your |its |our )?([\w-]{1,20} ){0,4}(quota|limit|rate)s?\b"
	r"|\b(sending|daily|hourly|message|recipient|rate|submission|user sending|outbound|mail) ?(quota|limit)s?\b.{0,40}(exceed|reach|hit)"
	r"|too many (messages|mails|e-?mails|recipients|requests)|submissionquota|rate[ -]?limit|throttl|maximum (number|sending|send) .{0,30}(messages|recipients|rate|reached|exceeded)"
	r"|limit (reached|exceeded)|quota (reached|exceeded|violation)|(versand|sende)\w{0,8}(limit|kontingent)"
)
_BLOCKED_SENDER = re.compile(
	r"sender('s)? (address |domain |e-?mail )?(is |was )?(rejected|denied|blocked|refused|not (allowed|authori[sz]ed|permitted|owned)|unknown|invalid|verif\w{1,7})"
	r"|sender verify|bad (outbound )?sender|not owned by (user|auth)|(black|block|deny) ?-?list|\brbl\b|\bdnsbl\b|spamhaus|spamcop|\bsorbs\b|uceprotect|mailspike|invaluement"
	r"|\b(client|client host|ip|ip address|connections?|network|sending mta|your (host|server|domain|ip))\b.{0,60}\b(blocked|blacklisted|banned|listed|denied|rejected|not be accepted)\b"
	r"|\b(host|server)\b.{0,40}\b(blacklisted|banned)\b|blocked using|banned sending|tosa@rx\.t-online"
	r"|\breputation\b|\bspf\b|\bdkim\b|\bdmarc\b|\bunauthenticated\b|(not|must) (be )?authenticat|authentication (is )?required|relay(ing)? (access )?(is )?(denied|not)|not permitted to relay|unable to relay"
	r"|sendas ?denied|send as denied|not allowed to send as|permissions? to send as|reverse dns|\bptr\b|no rdns|helo|access denied, (bad|traffic|tenant|banned)"
	r"|address is not verified|sending (is )?(paused|suspended)|account .{0,30}(suspended|blocked|disabled for sending|compromised)|outbound spam|low reputation|poor reputation"
	r"|traffic not accepted|tenant.{0,30}(exceeded|threshold|restricted)|(envelope|return path|from) .{0,30}(not allowed|rejected)|absender\w{0,12}.{0,20}(abgelehnt|gesperrt|blockiert)"
)
_FORWARDING = re.compile(
	r"external forwarding|forwarding (is )?(not allowed|disabled|denied)|\bloop\b|too many hops|hop count|maximum hop|forward(ed|ing)? .{0,40}(denied|disabled|not allowed)|weiterleitung"
)
_RESTRICTED = re.compile(
	r"(only|not) accept(s|ing)?( mail| messages?| e-?mails?)? from|not (allowed|permitted|authori[sz]ed) to (send|post|mail) to (this|the)|allowed ?-?senders?|resolver\.rst"
	r"|delivery restriction|restricted to|moderat(ed|ion|or)|members only|sender is not (a member|on)"
)
_UNKNOWN = re.compile(
	r"user unknown|unknown (user|recipient|mailbox|address|local part|account)|no such (user|recipient|mailbox|address|person|account)|does not exist|doesn'?t exist|not exist(ing)?\b"
	r"|invalid (recipient|mailbox|address|user)|not a valid (recipient|mailbox|user)|address (not found|unknown|does)|(mailbox|user|recipient|account|inbox) (was )?not found|recipientnotfound"
	r"|(mailbox|account|address|user|recipient)( \S{1,60})? (is |has been )?(disabled|closed|deactivated|inactive|discontinued|unavailable|suspended|no longer)|no mailbox|not our customer"
	r"|nicht gefunden|existiert nicht|unbekannte?r? (empf|benutzer|adress)|empf(ä|ae)nger.{0,20}(unbekannt|nicht)|domain (name )?(not found|does not)|host (or domain name )?not found|no (longer|such) (valid|domain)|nxdomain|null mx|unrouteable address|non-existent (host|domain)|not listed in|(mailbox|user|recipient|account) (for )?\S{1,80} (was )?not found"
	r"|utilisateur inconnu|usuario desconocido|utente sconosciuto|adresse inconnue|onbekende gebruiker"
)
#: codes that are plain, unless the words refer to the sender
_ADDRESS_CODES = frozenset({(1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1)})
_ABOUT_SENDER = re.compile(
	r"sender|absender|spamhaus|(black|block|deny) ?-?list|\brbl\b|\bspf\b|\bdkim\b|\bdmarc\b|reputation|relay|quota|limit"
)
_CONTENT = re.compile(
	r"spam|virus|malware|phish|content|attachment|message (was )?(rejected|refused|blocked|too)|too (big|large)|size (limit|exceed)|policy|unsolicited|\bbulk\b|\burl\b"
)


def code_in(text: str | None) -> str:
	"""Return the first enhanced status code in a text: `550 5.1.1 unknown` → `5.1.1`; empty if there is
	none.
	"""
	found = STATUS.search((text or "")[:_LIMIT])
	return found.group() if found else ""


def names_unknown(line: str) -> bool:
	"""Tell whether a line of a report without status codes says that an address is unknown."""
	return bool(_UNKNOWN.search(line[:_LIMIT].lower()))


def cause_of(code: str, text: str | None, refused: bool = True) -> Cause:
	"""Return why a server refused, by its status code and its words.

	:param code: enhanced status code, may be empty
	:param refused: False if the server has only deferred the message
	"""
	said = " ".join((text or "")[:_LIMIT].lower().split())
	_class, subject, detail = _numbers(code)
	if (subject, detail) in ((2, 2), (2, 121), (2, 122)) or _FULL.search(said):
		return "passing"
	if (subject, detail) in ((2, 3), (3, 4)) or _SIZE.search(said):
		return "message"
	known = (subject, detail) in _ADDRESS_CODES and _class == 5
	if known and not _ABOUT_SENDER.search(said):
		return "address"
	if (subject, detail) in ((1, 90), (4, 5), (7, 705)) or _QUOTA.search(said):
		return "quota"
	if _FORWARDING.search(said) or (subject, detail) in ((4, 6), (4, 14), (7, 520)):
		return "message"
	if (
		(subject, detail) in ((1, 7), (1, 8))
		or (subject == 7 and _is_ours(detail))
		or _BLOCKED_SENDER.search(said)
	):
		return "sender"
	if not refused or _class == 4:
		return "passing"
	if _RESTRICTED.search(said) or (subject == 7 and (detail == 12 or 100 <= detail < 200)):
		return "message"
	if known or (_class == 5 and (subject, detail) in ((4, 4), (4, 310))):
		return "address"
	if subject != 7 and _UNKNOWN.search(said):
		return "address"
	if (subject, detail) == (4, 1) and "recipient address rejected" in said:
		return "address"  # Exchange Online, where the directory of the recipient does not know the address
	if subject == 7 and _UNKNOWN.search(said) and not _CONTENT.search(said):
		return "address"
	if _CONTENT.search(said) or subject in (3, 5, 6) or (subject, detail) == (1, 9):
		return "message"
	return "sender" if subject == 7 else "passing"


def _is_ours(detail: int) -> bool:
	"""Tell whether a code 5.7.x concerns the account, the signatures or the address of the sending server."""
	return detail in (3, 8, 13, 14, 60, 64) or 20 <= detail < 30 or 500 <= detail < 520 or 600 <= detail < 800


def _numbers(code: str) -> tuple[int, int, int]:
	match = STATUS.fullmatch(code or "")
	return (int(match[1]), int(match[2]), int(match[3])) if match else (0, 0, 0)

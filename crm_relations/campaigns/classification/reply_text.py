"""Extract what the writer of an email wrote, without quotations, signatures and markup. Pure Python,
imports no frappe. Writes nothing.

Every step reads a limited number of characters, each of them once.
"""

import html
import re
import unicodedata
from email.header import decode_header, make_header
from email.message import Message

#: characters of a part, and of the text, that are read: a person writes what matters at the top
PART_LIMIT = 100_000
TEXT_LIMIT = 4_000
#: a longer header line was made to do harm
HEADER_LIMIT = 2_000

_TAG = re.compile(r"<([^<>]*)>")
_TAG_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9]*")
_HIDDEN = frozenset({"style", "script", "head", "title"})
_BLOCKS = frozenset({"p", "br", "div", "tr", "li", "table", "ul", "ol", "h1", "h2", "h3", "h4", "hr"})
#: what email programs put before the email that is answered
_QUOTE_MARK = re.compile(
	r"gmail_quote|gmail_attr|yahoo_quoted|moz-cite-prefix|protonmail_quote|outlookmessageheader|divrplyfwdmsg"
	r"|appendonsend|mail-editor-reference-message|name=\"?quote|zmail_extra|border-top:\s?solid #(e1e1e1|b5c4df)",
	re.IGNORECASE,
)
_WRITES = r"(schrieb|wrote|a écrit|escribió|ha scritto|schreef|skrev|escreveu|napisał)"
_ATTRIBUTION = re.compile(
	rf"(am|on|le|el|il|op|den|em|dnia|w dniu) .{{3,200}}\b{_WRITES}\b.{{0,120}}|.{{0,120}}\b{_WRITES}\s?:",
	re.IGNORECASE,
)
_SEPARATOR = re.compile(
	r"[-_ ]{2,}(original|ursprüngliche|weitergeleitete|forwarded|reply|message d'origine|mensaje original"
	r"|messaggio originale|oorspronkelijk).{0,60}|_{10,}",
	re.IGNORECASE,
)
_FROM_LINE = re.compile(r"\*?(von|from|de|van|da|från)\*?\s?:\*? .{1,300}", re.IGNORECASE)
_SENT_LINE = re.compile(
	r"\*?(gesendet|sent|envoyé|enviado|verzonden|inviato|datum|date|data|fecha|an|to|à|para|aan)\*?\s?:",
	re.IGNORECASE,
)
_DEVICE = re.compile(
	r"(von meinem|gesendet (von|mit)|sent (from|with|via)|envoyé (de|depuis)|enviado desde|inviato da|verzonden v)\b.{0,100}",
	re.IGNORECASE,
)


def header(message: Message, name: str) -> str:
	"""Return a header on one line, decoded, with limited length; empty if it is missing."""
	raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
	raw = " ".join(_unescaped(str(raw)[:HEADER_LIMIT]).split())
	try:
		return str(make_header(decode_header(raw)))
	except (LookupError, UnicodeError, ValueError):
		return raw


def _unescaped(raw: str) -> str:
	"""Restore bytes beyond ASCII that a program wrote into a header unencoded."""
	if raw.isascii():
		return raw
	octets = raw.encode("utf-8", "surrogateescape")
	try:
		return octets.decode("utf-8")
	except UnicodeError:
		return octets.decode("cp1252", "replace")


def part_text(part: Message) -> str:
	"""Return the beginning of a text part, decoded."""
	payload = part.get_payload(decode=True)
	if not isinstance(payload, bytes):
		return "" if part.is_multipart() else str(part.get_payload())[:PART_LIMIT]
	payload = payload[:PART_LIMIT]
	try:
		return payload.decode(part.get_content_charset() or "utf-8", "replace")
	except LookupError:  # an unknown character set
		return payload.decode("utf-8", "replace")


def written(message: Message) -> str:
	"""Return what the writer of an email says, from its plain text, or from its HTML if there is no plain
	text.
	"""
	plain = [part for part in message.walk() if part.get_content_type() == "text/plain"]
	for part in plain:
		if not part.get_filename() and (text := own_words(part_text(part))):
			return text
	for part in message.walk():
		if part.get_content_type() == "text/html" and (text := own_words(from_html(part_text(part)))):
			return text
	return ""


def everything(message: Message) -> str:
	"""Return the beginnings of all text parts as received, with quotations, which may contain our links."""
	parts = [p for p in message.walk() if p.get_content_type() in ("text/plain", "text/html")]
	return "\n".join(part_text(part) for part in parts[:10])


def from_html(source: str) -> str:
	"""Return the text of an HTML email up to the quotation; text in a quotation is left out."""
	out: list[str] = []
	hidden, quoted = "", 0
	pieces = _TAG.split(source[:PART_LIMIT])
	for place, piece in enumerate(pieces):
		if place % 2 == 0:
			if not hidden and not quoted:
				out.append(" ".join(html.unescape(piece).split()) + (" " if piece[-1:].isspace() else ""))
			continue
		match = _TAG_NAME.match(piece)
		name = match.group().lower() if match else ""
		bare = name.lstrip("/")
		if hidden:
			hidden = "" if name == f"/{hidden}" else hidden
		elif name in _HIDDEN:
			hidden = name
		elif bare == "blockquote":
			quoted = max(0, quoted + (-1 if name.startswith("/") else 1))
		elif _QUOTE_MARK.search(piece[:1000]):
			break
		elif bare in _BLOCKS:
			out.append("\n")
		else:
			out.append(" ")
	return "".join(out)


def own_words(text: str | None) -> str:
	"""Return a plain text without quotations, their introductions and the signature; at most TEXT_LIMIT
	characters.
	"""
	lines = [line.strip() for line in (text or "")[:TEXT_LIMIT].splitlines()]
	kept: list[str] = []
	for place, line in enumerate(lines):
		if line.startswith(">") or _DEVICE.fullmatch(line):
			continue
		if line in ("--", "—"):
			break
		if _SEPARATOR.fullmatch(line[:200]):
			break
		if _FROM_LINE.fullmatch(line[:400]) and any(
			_SENT_LINE.match(x) for x in lines[place + 1 : place + 4]
		):
			break
		if _ATTRIBUTION.fullmatch(line[:400]):
			following = next((x for x in lines[place + 1 : place + 20] if x), "")
			if following.startswith(">") or not any(kept):
				continue
			break
		kept.append(line)
	return "\n".join(kept).strip()


def folded(text: str | None) -> str:
	"""Normalize a text for comparison: lower case, `ä` as `ae`, no accents, one kind of apostrophe; lines
	stay lines.
	"""
	text = (text or "")[:TEXT_LIMIT].casefold()
	text = text.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("’", "'").replace("`", "'")
	plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
	return "\n".join(" ".join(line.split()) for line in plain[:TEXT_LIMIT].splitlines() if line.strip())


_PREFIX = re.compile(
	r"\s*(\[?(extern(al|e|o)?|extern mail|spam\??)\]?:?|(re|aw|antw|antwort|wg|fw|fwd|tr|rv|i|sv|vs|odp)(\[\d+\])?\s?:)\s*",
	re.IGNORECASE,
)


def bare_subject(subject: str | None) -> str:
	"""Return a subject without reply prefixes and marks of gateways: `AW: [EXTERN] Re: Termin` → `Termin`."""
	text = (subject or "")[:HEADER_LIMIT].strip()
	for _prefix in range(10):
		match = _PREFIX.match(text)
		if not match or not match.group():
			break
		text = text[match.end() :]
	return text

"""Parse the syntax of vCard 2.1, 3.0 and 4.0 in one pass: cards, lines, parameters, values. Imports no
frappe.

vobject's pattern for a line takes exponential time on crafted parameters, and a pattern for whole cards takes
quadratic time on cards that never end. A file comes from outside, so it is read character by character.
"""

import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from crm_relations.relations.exchange.files.unreadable import Unreadable, _

#: maximum size of one card without its pictures
MAX_LINES = 2_000
MAX_LINE = 100_000
MAX_PARAMETERS = 50
#: pictures, sounds and keys: a note cannot hold them
BINARY = frozenset({"PHOTO", "LOGO", "SOUND", "KEY"})
_ENCODINGS = frozenset({"QUOTED-PRINTABLE", "BASE64", "B", "8BIT", "7BIT"})


@dataclass
class Line:
	"""A property: `item1.TEL;TYPE=work:123`. The value is unchanged, with its escapes."""

	name: str
	value: str
	group: str = ""
	#: parameters by name in capitals; those without a name are types, as in version 2.1
	params: dict[str, list[str]] = field(default_factory=dict)

	@property
	def text(self) -> str:
		"""Return the value as a text."""
		return unescape(self.value).strip()

	def parts(self, sign: str = ";") -> list[str]:
		"""Return the parts of a structured value, such as a name or an address."""
		return [unescape(part).strip() for part in _split(self.value, sign)]


def cut(lines: Iterable[str]) -> Iterator[tuple[bool, str]]:
	"""Cut a file into cards and the texts between them, in order: (is a card, text).

	A card that never ends does not swallow the following ones. A card inside another (AGENT) belongs to that
	one.
	"""
	held: list[str] = []
	inside, depth, agent = False, 0, False
	for line in lines:
		word = line[:14].strip().upper()
		if word == "BEGIN:VCARD" and len(line) < 40:
			if inside and agent:
				depth += 1
			else:
				if any(piece.strip() for piece in held):
					yield False, "\n".join(held)
				held, inside, depth = [], True, 0
		if line.strip():
			agent = line[:6].upper() in ("AGENT:", "AGENT;")
		held.append(line)
		if word == "END:VCARD" and inside and len(line) < 40:
			if depth:
				depth -= 1
				continue
			yield True, "\n".join(held)
			held, inside = [], False
	if any(piece.strip() for piece in held):
		yield False, "\n".join(held)


def lines_of(card: str) -> Iterator[Line]:
	"""Read the properties of a card.

	:raises Unreadable: a line without a colon, or an oversized card
	"""
	count = depth = 0
	for raw in _unfolded(card):
		line = _line(raw)
		if line.name in ("BEGIN", "END"):
			depth += 1 if line.name == "BEGIN" else -1
			continue
		if depth > 1:
			continue  # a card inside: the secretary's
		count += 1
		if count > MAX_LINES:
			raise Unreadable(_("The card has more than {0} lines."), MAX_LINES)
		yield line


def _unfolded(card: str) -> Iterator[str]:
	"""Join lines that were folded, or broken softly in quoted-printable."""
	held: list[str] = []
	soft = False
	for line in card.split("\n"):
		if soft:
			held.append(line)
		elif line[:1] in (" ", "\t") and held:
			held.append(line[1:])
			continue
		else:
			if held and "".join(held).strip():
				yield "".join(held)
			held = [line]
			quoted = "quoted-printable" in line.partition(":")[0][:1000].casefold()
		soft = quoted and line.endswith("=")
		if soft:
			held[-1] = held[-1][:-1]
	if held and "".join(held).strip():
		yield "".join(held)


def _line(raw: str) -> Line:
	"""Split a line at its separators; inside quotation marks they have no meaning."""
	place, quoted, starts = 0, False, [0]
	for place, char in enumerate(raw):
		if char == '"':
			quoted = not quoted
		elif char == ";" and not quoted:
			starts.append(place + 1)
		elif char == ":" and not quoted:
			break
		if place > MAX_LINE:
			break
	else:
		place = -1
	if place < 0 or place > MAX_LINE:
		raise Unreadable(_("The card cannot be read: {0}"), raw.strip()[:60])
	pieces = [raw[start : end - 1] for start, end in zip(starts, [*starts[1:], place + 1], strict=True)]
	if len(pieces) > MAX_PARAMETERS:
		raise Unreadable(_("The card cannot be read: {0}"), raw.strip()[:60])
	group, dot, name = pieces[0].strip().rpartition(".")
	line = Line(name.strip().upper(), raw[place + 1 :], group.casefold() if dot else "")
	if not re.fullmatch(r"[A-Z0-9_-]{1,100}", line.name):
		raise Unreadable(_("The card cannot be read: {0}"), raw.strip()[:60])
	if line.name in BINARY:
		line.value = ""
		return line
	if len(line.value) > MAX_LINE:
		raise Unreadable(_("{0}… is longer than {1} characters. Shorten it."), line.name, MAX_LINE)
	for piece in pieces[1:]:
		key, sign, value = piece.partition("=")
		if not sign:
			key, value = ("ENCODING" if key.strip().upper() in _ENCODINGS else "TYPE"), key
		values = [part.strip().strip('"') for part in value.split(",")]
		line.params.setdefault(key.strip().upper(), []).extend(part for v in values for part in v.split(","))
	_decode(line)
	return line


def _decode(line: Line) -> None:
	"""Decode quoted-printable, in the character set that the line names, else UTF-8 or Windows-1252."""
	encodings = {value.upper() for value in line.params.get("ENCODING", ())}
	if "QUOTED-PRINTABLE" not in encodings:
		if encodings & {"B", "BASE64"}:
			line.value = ""
		return
	# an encoded semicolon belongs to the text, a bare one separates
	value = line.value.replace("=3B", "\\;").replace("=3b", "\\;")
	content = quopri.decodestring(value.encode("utf-8", "replace"))
	named = next(iter(line.params.get("CHARSET", ())), "utf-8")
	for charset in (named, "utf-8", "cp1252"):
		try:
			text = content.decode(charset)
			break
		except (UnicodeDecodeError, LookupError):
			continue
	else:
		text = content.decode("latin-1")
	line.value = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def unescape(text: str) -> str:
	"""`\\n` is a new line, `\\,` a comma; a backslash before another sign stays."""
	return re.sub(r"\\([nN,;:\\])", lambda match: "\n" if match.group(1) in "nN" else match.group(1), text)


def _split(text: str, sign: str) -> list[str]:
	"""Split a value at a character that is not escaped."""
	parts, start, escaped = [], 0, False
	for place, char in enumerate(text):
		if escaped:
			escaped = False
		elif char == "\\":
			escaped = True
		elif char == sign:
			parts.append(text[start:place])
			start = place + 1
	parts.append(text[start:])
	return parts

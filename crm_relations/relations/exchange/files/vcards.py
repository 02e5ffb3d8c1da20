"""Read vCard 2.1, 3.0 and 4.0 as records, and write relations as vCard 3.0 or 4.0 with vobject. Imports no
frappe.

A file is cut into cards before it is read, so that a broken card does not affect the others.
"""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, islice
from typing import Any, BinaryIO

import vobject

from crm_relations.relations.exchange.files import (
	cells,
	code_pages,
	headings,
	naming,
	opt_outs,
	parsing,
	vcard_syntax,
)
from crm_relations.relations.exchange.files.parsing import Record
from crm_relations.relations.exchange.files.unreadable import Unreadable, _
from crm_relations.relations.exchange.files.vcard_syntax import Line

#: properties without a meaning for a relation
SILENT = {
	"VERSION",
	"PRODID",
	"REV",
	"CLASS",
	"SORT-STRING",
	"PROFILE",
	"X-ABLABEL",
	"NAME",
	"CLIENTPIDMAP",
} | {
	"X-ABADR",
	"X-MOZILLA-HTML",
	"MAILER",
	"LABEL",
	"X-PHONETIC-FIRST-NAME",
	"X-PHONETIC-LAST-NAME",
	"X-IMAGEHASH",
	"X-IMAGETYPE",
	"X-SHARED-PHOTO-DISPLAY-PREF",
	"X-EVOLUTION-FILE-AS",
}
KIND_PROPERTIES = ("KIND", "X-ADDRESSBOOKSERVER-KIND", "X-ABSHOWAS")
GROUP_MEMBERS = ("MEMBER", "X-ADDRESSBOOKSERVER-MEMBER")
REJECTED = "X-REJECTED"


def is_vcard(content: bytes) -> bool:
	"""Tell whether the file begins like a vCard. Reads its first bytes only."""
	start = content[:64].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
	return start[:11].upper() == b"BEGIN:VCARD"


def read(content: bytes) -> tuple[list[Record], str]:
	"""Return the records of a file in order, and its encoding."""
	stream = io.BytesIO(content)
	return list(records_of(stream)), code_pages.encoding_of(stream)


def records_of(stream: BinaryIO) -> Iterator[Record]:
	"""Yield the records of a file one by one. A card that cannot be read has its reason in `error`."""
	text = code_pages.text_of(stream, code_pages.encoding_of(stream), newline=None)
	lines: Iterator[str] = (line.rstrip("\n") for line in text)
	lines = chain((line.lstrip("\ufeff") for line in islice(lines, 1)), lines)
	for number, (is_card, piece) in enumerate(vcard_syntax.cut(lines), 1):
		if number > parsing.MAX_ROWS:
			raise Unreadable(parsing.TOO_MANY_ROWS, parsing.MAX_ROWS)
		yield _record(number, piece) if is_card else _broken(number, piece)


def _broken(number: int, text: str) -> Record:
	return Record(
		number,
		raw=text.strip("\n"),
		error=Unreadable(_("This is not a card: it does not begin with BEGIN:VCARD and end with END:VCARD.")),
	)


def _record(number: int, text: str) -> Record:
	record = Record(number, raw=text)
	try:
		lines = list(vcard_syntax.lines_of(text))
	except Unreadable as error:
		record.error = error
		return record
	labels = {line.group: _label(line.text) for line in lines if line.name == "X-ABLABEL" and line.group}
	kind = ""
	# the preferred of several comes first, the others in their order
	for line in sorted(lines, key=_preference):
		if line.name in KIND_PROPERTIES:
			kind = line.text.casefold()
		else:
			_take(record, line, labels.get(line.group, ""))
	if kind == "group":
		record.error = Unreadable(
			_("The card is a group of other cards, and neither a person nor an organization.")
		)
		return record
	_set_kind(record, kind)
	return record


def _label(text: str) -> str:
	"""Remove the marks of Apple's own labels: `_$!<Work>!$_` → work."""
	return cells.clean(re.sub(r"^_\$!<(.{0,60})>!\$_$", r"\1", text)).casefold()


def _preference(line: Line) -> tuple[bool, int]:
	number = next(iter(line.params.get("PREF", [])), "")
	if number.isdigit() and len(number) < 4:
		return (False, int(number))
	return (False, 1) if "pref" in _types(line) else (True, 0)


def _types(line: Line) -> list[str]:
	"""Return the types of `TYPE=work,voice`, `TYPE="voice,work"` and the bare parameters of version 2.1."""
	return [t for t in (value.strip().casefold() for value in line.params.get("TYPE", [])) if t]


def _take(record: Record, line: Line, label: str) -> None:
	name, types, value = line.name, _types(line), cells.clean(line.text)
	label = label or ", ".join(t for t in types if t in ("home", "work"))
	if name in SILENT or name in GROUP_MEMBERS or name == REJECTED:
		return
	if name in vcard_syntax.BINARY:
		record.dropped.append(name)
	elif cells.is_empty(value) and name not in ("FN", "N", "ADR", "ORG"):
		return
	elif name == "FN":
		record.values.setdefault("relation_name", value)
	elif name == "N":
		_take_name(record, line.parts())
	elif name in ("EMAIL", "TEL", "URL"):
		_take_point(record, name, value, types, label)
	elif name == "ADR":
		_take_address(record, line.parts(), label)
	elif name == "ORG":
		parts = [cells.clean(part) for part in line.parts() if part.strip()]
		record.company = record.company or (parts[0] if parts else "")
		record.left += [("ORG", part) for part in parts[1:]]
	elif name == "TITLE":
		_set(record, "designation", value)
	elif name == "BDAY":
		_set(record, "date_of_birth", value)
	elif name in ("ANNIVERSARY", "X-ANNIVERSARY", "X-ABDATE"):
		record.left.append((label.capitalize() or name, re.sub(r"^1604-", "--", value)))
	elif name == "NOTE":
		record.values["notes"] = "\n".join(filter(None, (record.values.get("notes"), value)))
	elif name == "UID":
		_set(record, "uid", value)
	elif target := _opt_out(name):
		record.marks.append(opt_outs.Mark(target, name, value))
	elif value := ", ".join(filter(None, (cells.clean(part) for part in line.parts()))):
		record.left.append((name, value))


def _opt_out(name: str) -> str:
	"""Read opt-outs such as `X-DO-NOT-CALL`, known by the headings of tables."""
	target = headings.guess_columns([name.removeprefix("X-")], {})[0] if name.startswith("X-") else ""
	return target if target in headings.OPT_OUTS else ""


def _take_name(record: Record, parts: Sequence[str]) -> None:
	family, given, additional, prefix, suffix = ([cells.clean(part) for part in parts] + [""] * 5)[:5]
	for field, part in (("first_name", given), ("last_name", family), ("salutation", prefix)):
		_set(record, field, part)
	for what, part in (("N (additional)", additional), ("N (suffix)", suffix)):
		if part:
			record.left.append((what, part))


def _take_point(record: Record, name: str, value: str, types: Sequence[str], label: str) -> None:
	if name == "EMAIL":
		kind, value = headings.EMAIL, re.sub(r"^mailto:", "", value, flags=re.IGNORECASE)
	elif name == "URL":
		kind = headings.WEBSITE
	else:
		value = re.sub(r"^tel:", "", value, flags=re.IGNORECASE).replace(";ext=", " ext. ")
		is_mobile = "cell" in types or "iphone" in types
		kind = headings.FAX if "fax" in types else headings.MOBILE if is_mobile else headings.PHONE
	for point in parsing.split_points(kind, value, label):
		record.add_point(*point)


def _set(record: Record, field: str, text: str) -> None:
	if text and not record.values.get(field):
		record.values[field] = text


def _take_address(record: Record, parts: Sequence[str], label: str) -> None:
	"""Fill the fields with the first address; the others become further addresses."""
	box, extended, street, city, region, code, country = (
		[", ".join(filter(None, map(str.strip, cells.clean(part).split("\n")))) for part in parts] + [""] * 7
	)[:7]
	street = ", ".join(filter(None, (street, extended, box)))
	values = {"address_line": street, "pincode": code, "city": city, "country": country}
	if not any(values.values()):
		return
	if not any(record.values.get(field) for field in values):
		record.values.update({field: text for field, text in values.items() if text})
		if region:
			record.left.append(("ADR", region))
	else:
		place = {"street": street, "pincode": code, "city": city, "region": region, "country": country}
		record.add_point(headings.ADDRESS, parsing.one_line(place), label)


def _set_kind(record: Record, kind: str) -> None:
	"""Set the kind: a card of an organization says so, or its name equals its organization."""
	is_company = kind in ("org", "organization", "company")
	name = record.values.get("relation_name") or ""
	if not kind and record.company and name in ("", record.company):
		is_company = not (record.values.get("first_name") or record.values.get("last_name"))
	if is_company:
		record.values["relation_kind"] = naming.ORGANISATION
		record.values.setdefault("relation_name", record.company)
		if record.company == record.values["relation_name"]:
			record.company = ""
		for field in ("first_name", "last_name", "salutation"):
			text = record.values.pop(field, "")
			if text and text != record.values["relation_name"]:
				record.left.append(("N", text))
	elif kind or record.values.get("first_name") or record.values.get("last_name"):
		record.values["relation_kind"] = naming.PERSON


def rejected(record: Record, reason: str) -> str:
	"""Return the unchanged card with the reason in it, so that it can be corrected and read again."""
	line = f"{REJECTED}:" + reason.replace("\\", "\\\\").replace("\n", "\\n").replace(",", "\\,")
	kept = (text for text in str(record.raw).split("\n") if not text.upper().startswith(f"{REJECTED}:"))
	card = "\n".join(kept)
	if re.match(r"(?i)BEGIN:VCARD", card):
		head, rest = card.split("\n", 1) if "\n" in card else (card, "")
		return f"{head}\n{line}\n{rest}"
	return f"{line}\n{card}"


# ── writing ────────────────────────────────────────────────────────────────────────────────────


def write(relations: Iterable[Mapping[str, Any]], version: str = "3.0") -> bytes:
	"""Return a vCard file of relations.

	:param relations: values by field, with `company` and `points` as in a record
	:param version: 3.0, which every program reads, or 4.0
	"""
	return "".join(_card(relation, version) for relation in relations).encode("utf-8")


def _card(relation: Mapping[str, Any], version: str) -> str:
	card = vobject.vCard()
	card.add("version").value = version
	person = relation["relation_kind"] == naming.PERSON
	card.add("fn").value = relation["relation_name"]
	given, family = relation.get("first_name") or "", relation.get("last_name") or ""
	if person and not (given or family):
		given, _blank, family = relation["relation_name"].rpartition(" ")
	name = card.add("n")
	name.value = vobject.vcard.Name(
		family=family if person else "",
		given=given if person else "",
		prefix=(relation.get("salutation") or "") if person else "",
	)
	if version == "4.0":
		card.add("kind").value = "individual" if person else "org"
	elif not person:
		card.add("x-addressbookserver-kind").value = "org"
	card.add("uid").value = relation["uid"]
	if company := relation.get("company") or ("" if person else relation["relation_name"]):
		card.add("org").value = [company]
	for field, prop in (("designation", "title"), ("notes", "note"), ("website", "url")):
		if relation.get(field):
			card.add(prop).value = str(relation[field])
	if isinstance(birthday := relation.get("date_of_birth"), date):
		card.add("bday").value = birthday.strftime("%Y%m%d" if version == "4.0" else "%Y-%m-%d")
	for field, kind in (
		("email_id", headings.EMAIL),
		("phone", headings.PHONE),
		("mobile_no", headings.MOBILE),
	):
		if relation.get(field):
			_add_point(card, kind, str(relation[field]), "", version, preferred=True)
	fields = ("address_line", "pincode", "city", "country")
	if any(relation.get(field) for field in fields):
		street, code, city, country = (relation.get(field) or "" for field in fields)
		address = card.add("adr")
		address.value = vobject.vcard.Address(street=street, code=code, city=city, country=country)
	for kind, value, label in relation.get("points") or ():
		_add_point(card, kind, value, label, version)
	written: str = card.serialize()
	return written


def _add_point(card: Any, kind: str, value: str, label: str, version: str, preferred: bool = False) -> None:
	types = [t.strip() for t in label.split(",") if t.strip() in ("home", "work")]
	if kind == headings.EMAIL:
		line = card.add("email")
		line.value = value
	elif kind == headings.WEBSITE:
		line = card.add("url")
		line.value = value
	elif kind == headings.ADDRESS:
		line = card.add("adr")
		line.value = vobject.vcard.Address(street=value)
	else:
		types.append({headings.MOBILE: "cell", headings.FAX: "fax"}.get(kind, "voice"))
		line = card.add("tel")
		line.value = value
	if preferred and version == "4.0":
		line.params["PREF"] = ["1"]
	elif preferred:
		types.append("pref")
	if types:
		line.params["TYPE"] = types

"""vCard 2.1, 3.0 and 4.0 → records, and relations → vCard 3.0 or 4.0. The syntax is vobject's; imports no frappe.

A file is cut into cards before it is read, so that a broken card takes no other with it.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import vobject
from vobject.base import VObjectError

from crm_relations.relations.exchange import rules
from crm_relations.relations.exchange.rules import Record, Unreadable, _

#: properties without a meaning of their own for a relation
SILENT = {"VERSION", "PRODID", "REV", "CLASS", "SORT-STRING", "PROFILE", "X-ABLABEL", "NAME", "CLIENTPIDMAP"}
#: pictures, sounds and keys: a note cannot hold them
BINARY = {"PHOTO", "LOGO", "SOUND", "KEY"}
KIND_PROPERTIES = ("KIND", "X-ADDRESSBOOKSERVER-KIND", "X-ABSHOWAS")
REJECTED = "X-REJECTED"

CARD = re.compile(r"^BEGIN:VCARD\s*$.*?^END:VCARD\s*$", re.DOTALL | re.MULTILINE | re.IGNORECASE)


def is_vcard(content: bytes) -> bool:
	"""Whether the file begins like one."""
	text, _encoding = rules.decode(content)
	return text.lstrip()[:11].upper() == "BEGIN:VCARD"


def read(content: bytes) -> tuple[list[Record], str]:
	"""The records of a file, in their order, and its encoding. A card that cannot be read says so in `error`."""
	text, encoding = rules.decode(content)
	text = text.replace("\r\n", "\n").replace("\r", "\n")
	records, end = [], 0
	for match in CARD.finditer(text):
		between = text[end : match.start()]
		if between.strip():
			records.append(_broken(len(records) + 1, between))
		records.append(_record(len(records) + 1, match.group(0)))
		end = match.end()
	if text[end:].strip():
		records.append(_broken(len(records) + 1, text[end:]))
	return records, encoding


def _broken(number: int, text: str) -> Record:
	return Record(
		number,
		raw=text.strip("\n"),
		error=Unreadable(_("This is no card: it does not begin with BEGIN:VCARD and end with END:VCARD.")),
	)


def _record(number: int, text: str) -> Record:
	record = Record(number, raw=text)
	try:
		card = vobject.readOne(text.replace("\n", "\r\n"), allowQP=True)
	except (VObjectError, ValueError, IndexError, AttributeError, TypeError) as error:
		record.error = Unreadable(_("The card cannot be read: {0}"), str(error) or type(error).__name__)
		return record
	kind = ""
	# the preferred of several comes first, the others in their order
	for line in sorted(card.getChildren(), key=_preference):
		if not hasattr(line, "value"):
			continue
		name, value = line.name.upper(), line.value
		if name in KIND_PROPERTIES:
			kind = str(value).casefold()
		else:
			_take(record, name, value, line)
	_set_kind(record, kind)
	return record


def _preference(line: Any) -> tuple[bool, int]:
	types = {t.upper() for t in _types(line)}
	number = next(iter(getattr(line, "params", {}).get("PREF", [])), "")
	if number.isdigit():
		return (False, int(number))
	return (False, 1) if "PREF" in types else (True, 0)


def _types(line: Any) -> list[str]:
	"""`TYPE=work,voice`, `TYPE="voice,work"` and the bare parameters of version 2.1."""
	given = [part for value in getattr(line, "params", {}).get("TYPE", []) for part in value.split(",")]
	return [t.strip() for t in [*given, *getattr(line, "singletonparams", [])] if t.strip()]


def _take(record: Record, name: str, value: Any, line: Any) -> None:
	types = [t.casefold() for t in _types(line)]
	label = ", ".join(t for t in types if t in ("home", "work"))
	if name in SILENT or name == REJECTED:
		return
	if name in BINARY:
		record.dropped.append(name)
	elif name == "FN":
		record.values.setdefault("relation_name", str(value).strip())
	elif name == "N":
		for field, part in (("first_name", value.given), ("last_name", value.family)):
			_set(record, field, part)
		for what, part in (("N (additional)", value.additional), ("N (suffix)", value.suffix)):
			if text := _plain(part):
				record.left.append((what, text))
		_set(record, "salutation", value.prefix)
	elif name == "EMAIL":
		record.add_point(rules.EMAIL, str(value).removeprefix("mailto:"), label)
	elif name == "TEL":
		number = re.sub(r"^tel:", "", str(value).strip(), flags=re.IGNORECASE)
		kind = rules.FAX if "fax" in types else rules.MOBILE if "cell" in types else rules.PHONE
		record.add_point(kind, number, label)
	elif name == "URL":
		record.add_point(rules.WEBSITE, str(value), label)
	elif name == "ADR":
		_take_address(record, value, label)
	elif name == "ORG":
		parts = [part for part in (value if isinstance(value, list) else [value]) if part.strip()]
		record.company = record.company or (parts[0].strip() if parts else "")
		record.left += [("ORG", part) for part in parts[1:]]
	elif name == "TITLE":
		_set(record, "designation", value)
	elif name == "BDAY":
		_set(record, "date_of_birth", value)
	elif name == "NOTE":
		text = str(value).replace("\r\n", "\n").strip()
		record.values["notes"] = "\n".join(filter(None, (record.values.get("notes"), text)))
	elif name == "UID":
		_set(record, "uid", value)
	elif text := _plain(value):
		record.left.append((name, text))


def _set(record: Record, field: str, value: Any) -> None:
	text = _plain(value)
	if text and not record.values.get(field):
		record.values[field] = text


def _plain(value: Any) -> str:
	if isinstance(value, list | tuple):
		return ", ".join(filter(None, (_plain(part) for part in value)))
	if isinstance(value, bytes):
		return ""
	return str(value).strip()


def _take_address(record: Record, value: Any, label: str) -> None:
	"""The first address fills the fields, the others are kept as further addresses."""
	street = ", ".join(filter(None, (_plain(value.street), _plain(value.extended), _plain(value.box))))
	parts = {
		"address_line": street,
		"pincode": _plain(value.code),
		"city": _plain(value.city),
		"country": _plain(value.country),
	}
	if not any(parts.values()):
		return
	if not any(record.values.get(field) for field in parts):
		record.values.update({field: text for field, text in parts.items() if text})
		if region := _plain(value.region):
			record.left.append(("ADR", region))
	else:
		place = " ".join(filter(None, (parts["pincode"], parts["city"])))
		text = ", ".join(filter(None, (street, place, _plain(value.region), parts["country"])))
		record.add_point(rules.ADDRESS, text, label)


def _set_kind(record: Record, kind: str) -> None:
	"""A card of an organisation says so, or has the same text as its name and as its organisation."""
	is_company = kind in ("org", "organization", "company")
	name = record.values.get("relation_name") or ""
	if not kind and record.company and name in ("", record.company):
		is_company = not (record.values.get("first_name") or record.values.get("last_name"))
	if is_company:
		record.values["relation_kind"] = rules.ORGANISATION
		record.values.setdefault("relation_name", record.company)
		if record.company == record.values["relation_name"]:
			record.company = ""
		for field in ("first_name", "last_name", "salutation"):
			text = record.values.pop(field, "")
			if text and text != record.values["relation_name"]:
				record.left.append(("N", text))
	elif kind or record.values.get("first_name") or record.values.get("last_name"):
		record.values["relation_kind"] = rules.PERSON


def rejected(record: Record, reason: str) -> str:
	"""The card as it came, with the reason in it: it can be corrected and read again."""
	line = f"{REJECTED}:" + reason.replace("\\", "\\\\").replace("\n", "\\n").replace(",", "\\,")
	card = re.sub(rf"(?im)^{REJECTED}:.*\n?", "", str(record.raw))
	if re.match(r"(?i)BEGIN:VCARD", card):
		head, rest = card.split("\n", 1) if "\n" in card else (card, "")
		return f"{head}\n{line}\n{rest}"
	return f"{line}\n{card}"


# ── writing ────────────────────────────────────────────────────────────────────────────────────


def write(relations: Iterable[Mapping[str, Any]], version: str = "3.0") -> bytes:
	"""A vCard file of relations.

	:param relations: values by field, with `company` and `points` as a record has them
	:param version: 3.0, which every program reads, or 4.0
	"""
	return "".join(_card(relation, version) for relation in relations).encode("utf-8")


def _card(relation: Mapping[str, Any], version: str) -> str:
	card = vobject.vCard()
	card.add("version").value = version
	person = relation["relation_kind"] == rules.PERSON
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
	for field, kind in (("email_id", rules.EMAIL), ("phone", rules.PHONE), ("mobile_no", rules.MOBILE)):
		if relation.get(field):
			_add_point(card, kind, str(relation[field]), "", version, preferred=True)
	fields = ("address_line", "pincode", "city", "country")
	if any(relation.get(field) for field in fields):
		street, code, city, country = (relation.get(field) or "" for field in fields)
		address = card.add("adr")
		address.value = vobject.vcard.Address(street=street, code=code, city=city, country=country)
	for kind, value, label in relation.get("points") or ():
		_add_point(card, kind, value, label, version)
	return card.serialize()


def _add_point(card: Any, kind: str, value: str, label: str, version: str, preferred: bool = False) -> None:
	types = [t.strip() for t in label.split(",") if t.strip() in ("home", "work")]
	if kind == rules.EMAIL:
		line = card.add("email")
		line.value = value
	elif kind == rules.WEBSITE:
		line = card.add("url")
		line.value = value
	elif kind == rules.ADDRESS:
		line = card.add("adr")
		line.value = vobject.vcard.Address(street=value)
	else:
		types.append({rules.MOBILE: "cell", rules.FAX: "fax"}.get(kind, "voice"))
		line = card.add("tel")
		line.value = value
	if preferred and version == "4.0":
		line.params["PREF"] = ["1"]
	elif preferred:
		types.append("pref")
	if types:
		line.params["TYPE"] = types

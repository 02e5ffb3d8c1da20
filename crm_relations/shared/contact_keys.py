"""Normal forms of addresses of contact, for consent and for finding the same party. Imports no frappe."""

from email.utils import parseaddr

import phonenumbers


def email_key(address: str | None) -> str:
	"""`Anna <A@Kunde.de> ` → `a@kunde.de`; an empty string where there is no address.

	Local parts are folded to lower case although RFC 5321 lets servers tell them apart: a person who
	objects as `A@kunde.de` must not be written to as `a@kunde.de`.
	"""
	bare = parseaddr((address or "").strip())[1].strip().lower()
	local, at, domain = bare.rpartition("@")
	if not (local and at and "." in domain):
		return ""
	try:
		domain = domain.encode("idna").decode("ascii")
	except UnicodeError:
		return ""
	return f"{local}@{domain}"


def phone_key(number: str | None, region: str = "DE") -> str:
	"""E.164 form of a telephone number (`0221 / 123456` → `+49221123456`), empty if it is none.

	:param region: ISO 3166 code of the country that numbers without a country code belong to.
	"""
	try:
		parsed = phonenumbers.parse(number or "", region)
	except phonenumbers.NumberParseException:
		return ""
	if not phonenumbers.is_possible_number(parsed):
		return ""
	return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)

"""Normalize contact addresses, for consent and for finding the same party. Imports no frappe."""

import re
import unicodedata
from email.utils import parseaddr
from functools import lru_cache

import idna
import phonenumbers

#: an address with nothing around it: most look like this, and a site has a million of them
_PLAIN_EMAIL = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
#: country → calling code and length of the numbers that can be checked by their digits alone
_PLAIN_PHONES = {"DE": "+49", "AT": "+43"}
_PLAIN_PHONE = re.compile(r"0[1-9][0-9]{7,10}")
_PLAIN_INTERNATIONAL = re.compile(r"\+4[39][1-9][0-9]{7,10}")
#: longer texts are not an address (RFC 5321: 254), even with a name before it
_LONGEST = 1_000
_BETWEEN_DIGITS = re.compile(r"[ /.-]+")


#: characters without width that copying adds; none of them belongs to an address
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
#: what RFC 5322 and 6531 allow without quotation marks; dots may stand anywhere, since some providers assign
#: such addresses
_LOCAL = re.compile(r"[^\s\x00-\x1f\x7f\"(),:;<>@\[\\\]]+")
_DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")
_GMAIL = frozenset(["gmail.com", "googlemail.com"])

#: a text with more open parentheses is not an address that a person writes
MAX_COMMENTS = 50


def address_in(header: str) -> str:
	"""Return the address in the value of a mail header, as `parseaddr` reads it; empty if comments are nested
	deeply.

	The parser of the standard library calls itself for each open parenthesis.
	"""
	return "" if header.count("(") > MAX_COMMENTS else parseaddr(header)[1]


def email_key(address: str | None) -> str:
	"""Normalize an email address: `Anna <A@Kunde.de> ` → `a@kunde.de`; empty without an address.

	The local part becomes lower case although RFC 5321 lets servers distinguish case: an objection of
	`A@kunde.de` must also protect `a@kunde.de`. Letters that look and mean the same have one form (NFKC). A
	domain is written as in the DNS (IDNA 2008, UTS 46: `straße.de` is not `strasse.de`). Quotation marks
	around a local part are removed. An address that needs them is not accepted: they serve only to smuggle in
	a space or markup.
	"""
	bare = (address or "").strip().lower()
	if len(bare) < 64 and _PLAIN_EMAIL.fullmatch(bare):
		return bare
	if len(bare) > _LONGEST:
		return ""
	text = unicodedata.normalize("NFKC", (address or "").translate(_INVISIBLE)).strip()
	if text[:7].lower() == "mailto:":
		text = text[7:]
	bare = address_in(text).strip().lower()
	local, at, domain = bare.rpartition("@")
	if len(local) > 2 and local[0] == local[-1] == '"' and re.fullmatch(r"[\w.+-]+", local[1:-1]):
		local = local[1:-1]
	domain = domain_name(domain)
	return f"{local}@{domain}" if at and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) else ""


def domain_name(domain: str) -> str:
	"""Return a domain as the DNS knows it, empty if it cannot be one: `Müller.de.` → `xn--mller-kva.de`."""
	domain = domain.strip().lower().removesuffix(".")
	if domain.isascii():
		return domain if all(0 < len(label) < 64 for label in domain.split(".")) else ""
	try:
		encoded: bytes = idna.encode(domain, uts46=True, transitional=False)
		return encoded.decode("ascii")
	except UnicodeError:
		return ""


def mailbox_key(key: str) -> str:
	"""Return the mailbox of an email key, without the label that the owner adds after a plus.

	`anna+shop@kunde.de` → `anna@kunde.de`. An objection holds for the mailbox, consent for the address alone:
	servers may treat the two as different, and doubts are decided in favor of the recipient. Gmail also
	ignores dots, and has two domains.

	:param key: from `email_key`
	"""
	local, _at, domain = key.rpartition("@")
	local = local.partition("+")[0] or local
	if domain in _GMAIL:
		local, domain = local.replace(".", "") or local, "gmail.com"
	return f"{local}@{domain}" if local and domain else key


def phone_key(number: str | None, region: str = "DE") -> str:
	"""Return the E.164 form of a telephone number (`0221 / 123456` → `+49221123456`), empty if it is not one.

	:param region: ISO 3166 code of the country of numbers without a country code
	"""
	return _phone_key(number or "", region)


# one save, and one row of an import, asks for the same number several times
@lru_cache(maxsize=8192)
def _phone_key(number: str, region: str) -> str:
	digits = _BETWEEN_DIGITS.sub("", number)
	if region in _PLAIN_PHONES and _PLAIN_PHONE.fullmatch(digits):
		return _PLAIN_PHONES[region] + digits[1:]
	if _PLAIN_INTERNATIONAL.fullmatch(digits):
		return digits
	try:
		parsed = phonenumbers.parse(number, region)
	except phonenumbers.NumberParseException:
		return ""
	if not phonenumbers.is_possible_number(parsed):
		return ""
	e164: str = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
	return e164


#: mail providers: the domain says nothing about the owner of the address
FREE_MAIL = frozenset(
	[
		"gmail.com",
		"googlemail.com",
		"google.com",
		"outlook.com",
		"outlook.de",
		"hotmail.com",
		"hotmail.de",
		"hotmail.fr",
		"hotmail.co.uk",
		"live.com",
		"live.de",
		"msn.com",
		"yahoo.com",
		"yahoo.de",
		"yahoo.fr",
		"yahoo.co.uk",
		"ymail.com",
		"icloud.com",
		"me.com",
		"mac.com",
		"aol.com",
		"aol.de",
		"gmx.de",
		"gmx.net",
		"gmx.at",
		"gmx.ch",
		"gmx.com",
		"web.de",
		"email.de",
		"mail.de",
		"mail.com",
		"freenet.de",
		"t-online.de",
		"arcor.de",
		"1und1.de",
		"online.de",
		"vodafone.de",
		"vodafonemail.de",
		"kabelmail.de",
		"unitybox.de",
		"unity-mail.de",
		"netcologne.de",
		"ewetel.net",
		"osnanet.de",
		"versanet.de",
		"alice.de",
		"alice-dsl.net",
		"o2online.de",
		"o2mail.de",
		"posteo.de",
		"mailbox.org",
		"proton.me",
		"protonmail.com",
		"tutanota.com",
		"tutanota.de",
		"tuta.io",
		"tuta.com",
		"zoho.com",
		"fastmail.com",
		"bluewin.ch",
		"hispeed.ch",
		"sunrise.ch",
		"chello.at",
		"aon.at",
		"a1.net",
		"inode.at",
		"utanet.at",
		"orange.fr",
		"free.fr",
		"laposte.net",
		"wanadoo.fr",
		"sfr.fr",
		"libero.it",
		"virgilio.it",
		"tiscali.it",
		"alice.it",
		"telenet.be",
		"skynet.be",
		"ziggo.nl",
		"xs4all.nl",
		"kpnmail.nl",
		"planet.nl",
		"home.nl",
		"btinternet.com",
		"sky.com",
		"talktalk.net",
		"comcast.net",
		"verizon.net",
		"att.net",
		"sbcglobal.net",
		"bigpond.com",
		"optusnet.com.au",
		"qq.com",
		"163.com",
		"126.com",
		"yandex.ru",
		"mail.ru",
		"wp.pl",
		"o2.pl",
		"interia.pl",
		"onet.pl",
		"seznam.cz",
	]
)
#: sites where many firms have a page: the domain does not belong to them
_HOSTED = frozenset(
	[
		"facebook.com",
		"instagram.com",
		"linkedin.com",
		"xing.com",
		"twitter.com",
		"x.com",
		"youtube.com",
		"github.io",
		"wixsite.com",
	]
)
#: below these, names are registered one level further down
_SECOND_LEVELS = frozenset(["co", "com", "org", "net", "ac", "gov", "edu", "or", "gv", "ltd", "plc"])


def domain_key(address: str | None) -> str:
	"""Return the registered domain of a web site or an email address: `https://www.shop.kunde.de/de` →
	`kunde.de`.

	Empty for domains that many share: free mail, social networks.
	"""
	text = (address or "").strip().lower()
	host = text.rpartition("@")[2] if "@" in text else re.sub(r"^[a-z][a-z0-9+.-]*://", "", text)
	host = re.split(r"[/?#:\s>,;]", host, maxsplit=1)[0].strip(".")
	if not host.isascii():
		host = domain_name(host)
	labels = host.split(".")
	if len(labels) < 2 or not re.fullmatch(r"[a-z0-9.-]{3,}", host) or labels[-1].isdigit():
		return ""
	parts = 3 if len(labels) > 2 and labels[-2] in _SECOND_LEVELS and len(labels[-1]) == 2 else 2
	domain = ".".join(labels[-parts:])
	return "" if domain in FREE_MAIL or domain in _HOSTED else domain


def tax_key(number: str | None) -> str:
	"""Normalize a VAT or tax number: capitals, no punctuation, no country code.

	`DE 123 456 788` and `123456788` both give `123456788`. Empty if it cannot be one: fewer than six digits,
	or the same digit throughout.
	"""
	if not number:
		return ""
	bare = re.sub(r"[^0-9A-Z]", "", (number or "").upper())
	bare = re.sub(r"^(?:[A-Z]{2,3})(?=[0-9A-Z]*[0-9]{6})", "", bare)
	digits = re.sub(r"\D", "", bare)
	return bare if len(digits) >= 6 and len(set(digits)) > 1 else ""

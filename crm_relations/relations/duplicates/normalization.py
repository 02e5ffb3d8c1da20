"""Normalize names, legal forms, streets and sounds, so that spellings of one thing are alike. Imports no
frappe.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_CACHE = 1 << 16
#: longer text adds no information, and must not cost more
MAX_LENGTH = 140

#: letters that Unicode does not decompose into a base letter and a mark
_LETTERS = str.maketrans({"ø": "o", "æ": "a", "œ": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_TRANSCRIBED = re.compile(r"([aou])e")
_NO_WORD = re.compile(r"[\W_]+")


@lru_cache(_CACHE)
def folded(text: str | None) -> str:
	"""Return words in lower case without marks: `Müller`, `Mueller`, `Muller` → `muller`, `Groß` → `gross`.

	The e after a, o or u is always removed, so that a transcribed umlaut and a name such as Bauer are treated
	alike.
	"""
	text = (text or "")[:MAX_LENGTH].casefold()
	if not text.isascii():
		text = unicodedata.normalize("NFKD", text.translate(_LETTERS))
		text = "".join(char for char in text if not unicodedata.combining(char))
	return _NO_WORD.sub(" ", _TRANSCRIBED.sub(r"\1", text)).strip()


# ── persons ────────────────────────────────────────────────────────────────────────────────────

#: words before a name that do not belong to it
_TITLES = frozenset(
	[
		"herr",
		"herrn",
		"frau",
		"mr",
		"mrs",
		"ms",
		"miss",
		"dr",
		"drs",
		"prof",
		"professor",
		"dipl",
		"ing",
		"med",
		"phil",
		"jur",
		"mag",
		"msc",
		"mba",
		"bsc",
	]
)


class PersonName(NamedTuple):
	first: str
	last: str


@lru_cache(_CACHE)
def person_name(first: str | None, last: str | None, full: str | None) -> PersonName:
	"""Return first and last name, compact; a single name counts as the last one.

	If only the full name is known, its last word is the last name, unless a comma says otherwise (`Müller,
	Anna`).
	"""
	if not (first or last) and full:
		if "," in full:
			last, first = full.split(",", 1)
		else:
			words = [word for word in folded(full).split() if word not in _TITLES]
			first, last = " ".join(words[:-1]), words[-1] if words else ""
	first, last = _without_titles(first), _without_titles(last)
	return PersonName(first, last) if last else PersonName("", first)


def _without_titles(name: str | None) -> str:
	return "".join(word for word in folded(name).split() if word not in _TITLES)


# ── organizations ──────────────────────────────────────────────────────────────────────────────

#: words of a legal form, normalized → the form; several words of one name make several forms (GmbH & Co. KG)
_LEGAL_WORDS = {
	"gmbh": "gmbh",
	"mbh": "gmbh",
	"ggmbh": "gmbh",
	"gesmbh": "gmbh",
	"ag": "ag",
	"aktiengesellschaft": "ag",
	"kg": "kg",
	"kgaa": "kgaa",
	"kommanditgesellschaft": "kg",
	"partg": "partg",
	"partgmbb": "partg",
	"partnerschaftsgesellschaft": "partg",
	"ohg": "ohg",
	"gbr": "gbr",
	"ug": "ug",
	"se": "se",
	"eg": "eg",
	"ek": "ek",
	"ev": "ev",
	"ltd": "ltd",
	"limited": "ltd",
	"inc": "inc",
	"incorporated": "inc",
	"corp": "inc",
	"corporation": "inc",
	"llc": "llc",
	"plc": "plc",
	"sa": "sa",
	"sarl": "sarl",
	"srl": "srl",
	"spa": "spa",
	"bv": "bv",
	"nv": "nv",
	"oy": "oy",
	"ab": "ab",
	"aps": "aps",
}
#: written out or with dots between the letters, after normalization
_LEGAL_PHRASES = (
	(re.compile(r"\b(gesellschaft|ges) (mit|m) (beschrankter|beschr|b) (haftung|haftg|h)\b"), "gmbh"),
	(re.compile(r"\b(gemeinnutzige )?(gesellschaft|ges) m ?b ?h\b"), "gmbh"),
	(re.compile(r"\b(gemeinnutzige )?g ?m ?b ?h\b"), "gmbh"),
	(
		re.compile(
			r"\b(partnerschaftsgesellschaft|partnerschaft|partg)( mbb| m b b| mit beschrankter berufshaftung)?\b"
		),
		"partg",
	),
	(re.compile(r"\bkommanditgesellschaft auf aktien\b|\bkg ?a ?a\b|\bk g a a\b"), "kgaa"),
	(re.compile(r"\baktien gesellschaft\b"), "ag"),
	(re.compile(r"\bm b h\b"), "mbh"),
	(re.compile(r"(?<=\w)ges(?= (gmbh|mbh)\b)"), "gesellschaft"),
	(re.compile(r"\bgbr m ?b ?h\b"), "gbr"),
	(re.compile(r"\bunternehmergesellschaft( haftungsbeschrankt)?\b"), "ug"),
	(re.compile(r"\bug haftungsbeschrankt\b"), "ug"),
	(re.compile(r"\bgesellschaft burgerlichen rechts\b"), "gbr"),
	(re.compile(r"\boffene handelsgesellschaft\b"), "ohg"),
	(re.compile(r"\b(eingetragener (kaufmann|kaufman)|eingetragene kauffrau|e k( ?(fr|fm))?)\b"), "ek"),
	(re.compile(r"\b(eingetragener verein|e v)\b"), "ev"),
	(re.compile(r"\b(eingetragene genossenschaft|e g)\b"), "eg"),
	(re.compile(r"\ba g\b"), "ag"),
	(re.compile(r"\bk g\b"), "kg"),
	(re.compile(r"\bs a r l\b"), "sarl"),
	(re.compile(r"\bs r l\b"), "srl"),
	(re.compile(r"\bb v\b"), "bv"),
	(re.compile(r"\bs a\b"), "sa"),
)
#: words that say nothing about which company it is
_FILLERS = frozenset(
	[
		"und",
		"u",
		"and",
		"et",
		"co",
		"cie",
		"company",
		"compagnie",
		"the",
		"die",
		"der",
		"das",
		"firma",
		"fa",
		"the",
	]
)


class OrganisationName(NamedTuple):
	words: tuple[str, ...]
	forms: frozenset[str]


@lru_cache(_CACHE)
def organisation_name(name: str | None) -> OrganisationName:
	"""Return the distinctive words of a company and its legal forms: `Müller & Söhne GmbH & Co. KG` →
	(muller, sohne), {gmbh, kg}.
	"""
	text = folded(name)
	for phrase, form in _LEGAL_PHRASES:
		text = phrase.sub(form, text)
	words, forms = [], set()
	for word in text.split():
		if word in _LEGAL_WORDS:
			forms.add(_LEGAL_WORDS[word])
		elif word not in _FILLERS:
			words.append(word)
	return OrganisationName(tuple(words) or tuple(text.split()), frozenset(forms))


# ── addresses ──────────────────────────────────────────────────────────────────────────────────

_HOUSE_NUMBER = re.compile(r"(?<!\w)(\d{1,5}) ?([a-z](?!\w))?(?!\w)")
_STREET = re.compile(r"(strasse|strase|street|str)(?= |$)")
_ROAD = re.compile(r" (road|avenue|drive|platz|square)$")
_SHORT_ROADS = {"road": "rd", "avenue": "av", "drive": "dr", "platz": "pl", "square": "sq"}


class Street(NamedTuple):
	#: without number and blanks, with one form of street (`Lange Straße 5 a` → `langestr`)
	name: str
	number: str
	#: the second line of the address, compact
	extra: str


@lru_cache(_CACHE)
def street(address_line: str | None) -> Street:
	"""Split an address as ERPNext stores it into street, number (before or after the name) and second line."""
	first, _comma, rest = (address_line or "").partition(",")
	text = folded(first)
	number = ""
	if found := _HOUSE_NUMBER.search(text):
		number = found[1].lstrip("0") + (found[2] or "")
		text = f"{text[: found.start()]} {text[found.end() :]}".strip()
	if not text and rest:
		return Street(*street(rest)[:1], number, "")
	text = _STREET.sub("str", text)
	text = _ROAD.sub(lambda match: _SHORT_ROADS[match[1]], text)
	return Street(text.replace(" ", ""), number, folded(rest).replace(" ", ""))


@lru_cache(_CACHE)
def compact(text: str | None) -> str:
	"""Return the normalized text without blanks."""
	return folded(text).replace(" ", "")


# ── sounds ─────────────────────────────────────────────────────────────────────────────────────

_SOUNDS = str.maketrans(
	{
		**dict.fromkeys("aeijouy", "0"),
		**dict.fromkeys("bp", "1"),
		**dict.fromkeys("dt", "2"),
		**dict.fromkeys("fvw", "3"),
		**dict.fromkeys("gkq", "4"),
		"l": "5",
		**dict.fromkeys("mn", "6"),
		"r": "7",
		**dict.fromkeys("csz", "8"),
		"h": "",
		"x": "48",
	}
)
#: letters with a sound that depends on their neighbors
_BY_NEIGHBOUR = re.compile(
	r"(?P<three>p(?=h))|(?P<eight>[dt](?=[csz])|(?<=[ckq])x)"
	r"|(?P<four>(?<![a-z0-9])c(?=[ahkloqrux])|(?<=[a-z0-9])(?<![sz])c(?=[ahkoqux]))"
)
_CODES = {"three": "3", "four": "4", "eight": "8"}
_REPEATED = re.compile(r"(.)\1+")


@lru_cache(_CACHE)
def sound(word: str) -> str:
	"""Return the Cologne phonetics of a compact word: `meier`, `mayer` and `maier` are `67`; digits stay.

	Source: H. J. Postel, Die Kölner Phonetik, IBM-Nachrichten 19 (1969), 925-931.
	"""
	coded = _BY_NEIGHBOUR.sub(lambda match: _CODES[match.lastgroup or ""], word).translate(_SOUNDS)
	coded = _REPEATED.sub(r"\1", coded)
	return coded[:1] + coded[1:].replace("0", "")


_REMEMBERED = (folded, person_name, organisation_name, street, compact, sound)


def forget() -> None:
	"""Clear the cache of normalized forms: a job that reads new names all the time must hold no more than a
	page of them.
	"""
	for form in _REMEMBERED:
		form.cache_clear()

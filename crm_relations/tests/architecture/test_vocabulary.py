"""Keep to the vocabulary of docs/glossary.md: docstrings, comments, labels, messages, pages and translations.

A phrase that a native speaker would stumble over, or a word that the glossary replaces, fails with the better word. A place
that needs the phrase is an exception with its reason.
"""

import ast
import csv
import io
import json
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.lint

APP = Path(__file__).resolve().parents[2]
ROOT = APP.parent

#: pattern → the better word, for English
ENGLISH = {
	r"\bwho(?:se|m)\b": "name the noun: 'members that …', 'relations with …'",
	r"\b(?:for|of|to|by|from|as|than|whether) who\b|(?:^|[.;:(] )[Ww]ho (?:is|has|may|was|can|will)\b": "name the noun",
	r"\b(?:some|no)body\b": "a user, no user; a member, no member",
	r"\banew\b": "again, re- (recompute, repost, re-enroll)",
	r"\bbeside\b": "also, in addition to, alongside, next to",
	r"\blately\b": "recently",
	r"\bdoubles\b": "duplicates",
	r"\bat will\b": "any number of times",
	r"\balone (?:writes?|makes?|sets?|inserts?|changes?)\b": "is the sole writer of",
	r"\bone's own\b": "custom, own",
	r"\bin step\b|\bin line with\b": "up to date, update",
	r"\btold apart\b|\btells? apart\b": "distinguish",
	r"\btak(?:e|es|en|ing) in\b": "enroll, process, add",
	r"\btak(?:e|es|en|ing) (?:\w+ )?back\b": "restore, undo",
	r"\bfold(?:s|ed|ing)?\b": "merge, normalize",
	r"\bjudg(?:e|es|ed|ing)\b": "check",
	r"\bspecimens?\b": "preview",
	r"\bhappenings\b": "member events",
	r"\bpassages?\b": "enrollment",
	r"\bchances?\b": "opportunity",
	r"\bin the books\b|\bthe books\b": "ledger, accounting",
	r"\btill invoices?\b": "POS invoice",
	r"\bprocess chain\b": "document flow",
	r"\bdead (?:address|mailbox)|\baddress(?:es)? (?:is|are) dead\b": "undeliverable address",
	r"\brobots?\b": "bot",
	r"\be-mail": "email",
	r"\bmailed\b": "sent",
	r"\b(?:he|him|his)\b": "they, their",
	r"\bgive (?:a|one|two|at) (?:\w+ )?(?:number|value|values|date|list)\b": "enter a number",
	r"\bgo on\?": "continue?",
	r"\bis no (?:date|number|field|figure|party|person|address|email|code|text|JSON|action|member|option|document|list)\b": "is not a",
	r"\bso many (?:days|minutes|hours|months|rows|characters|decimals|names|keys|relations|documents)\b": "N days",
	r"\bthe way of\b|\bits way (?:to|through)\b": "flow, history",
	r"\btwo tongues\b": "two languages",
	r"\bin truth\b|\ball the same\b|\bby and by\b": "leave it out",
	r"\bper cent\b": "percent",
	r"\btries at most\b|\bat most \w+ tries\b": "at most N attempts",
	r"\bas they enter\b": "when they enter",
	r"\bwith the rights of\b": "with the permissions of",
	r"\b(?:colour|behaviour|neighbour|favour|catalogued|enrol(?!l)|normalis|recognis|organis|summaris|serialis|initialis)\w*": (
		"American spelling, as in Frappe"
	),
}

#: pattern → the better word, for German
GERMAN = {
	r"\b[Aa]uf(?:ge)?frisch\w*": "aktualisieren",
	r"\b[Uu]nterdrück\w*": "ausgeschlossen",
	r"\bKontoklassen?\b": "Kontenart",
	r"\bGutschrift(?:en)?\b": "Rechnungskorrektur",
	r"\bAußenstandsdauer\b": "Forderungslaufzeit (DSO)",
	r"\b[Vv]erweiger(?:t|n)\b": "Abgelehnt",
	r"^Widerspruch$": "Werbewiderspruch",
	r"^Dublette$": "Mögliche Dublette",
	r"\bAussichten\b|\bGeschäftschancen?\b": "Opportunity",
	r"\bAdressen? (?:ist |sind )?tot\b|\btoten? Adressen?\b": "Unzustellbar",
	r"\bKampagnenbilanz\w*": "Bilanzauswertung der Kampagne",
	r"\bMehrwertsteuer\b": "Umsatzsteuer",
	r"\bin Angriff\b|\bgeh(?:t|en) (?:in \w+ )?auf\b": "übernehmen, wird zusammengeführt",
	r"\bhineinlegen\b|\bherausnehmen\b": "Dokument verknüpfen, Dokument lösen",
	r"\b[Nn]ächste Erinnerung\b|\bFolgeaktion(?:en)?\b": "Wiedervorlage",
	r"\bEtikett\b": "Tag",
	r"\b(?:durch|von) (?:ein|einem) Programm\b": "Bot",
	r"\bEmails?\b": "E-Mail",
	r"\b[Dd]u\b|\b[Dd]ein(?:e[mnrs]?)?\b": "Sie, Ihr",
}

#: first words that show a noun where a docstring of a function needs a verb
NOUNS = set(
	"The A An What Whether Who How Why Where Which Those These That All For As One It Its Is Are Does Has Of".split()
)

#: the places that are clean; a place is added when it becomes clean, and never removed
CLEAN = [
	"campaigns",
	"commands",
	"demo",
	"docs",
	"doc_events",
	"hooks",
	"interactions",
	"ledger",
	"owners",
	"pipeline",
	"public",
	"qualification",
	"crm_relations",
	"labels",
	"relations",
	"segments",
	"setup",
	"shared",
	"tests",
	"www",
	"german",
]

EXCHANGE = "crm_relations/relations/exchange/files"
#: (path, phrase as found in lower case) → why the place needs it; at most 20 in the whole tree
EXCEPTIONS: dict[tuple[str, str], str] = {
	(
		"crm_relations/campaigns/planning/readiness.py",
		"organisation",
	): "the stored kind of a relation, as users see it",
	(f"{EXCHANGE}/headings.py", "e-mail"): "a heading as another program writes it",
	(f"{EXCHANGE}/vcard_syntax.py", "folded"): "the term of RFC 6350 for broken lines",
	(f"{EXCHANGE}/naming.py", "organisation"): "the name of a constant",
	(f"{EXCHANGE}/conventions.py", "organisations"): "the name of a constant",
	("crm_relations/relations/party_documents/sources.py", "organisation"): "the stored value",
	("crm_relations/relations/duplicates/scoring.py", "chance"): "the statistical term: agreement by chance",
	(
		"crm_relations/crm_relations/doctype/relation/relation.json",
		"behaviour",
	): "the name of a stored attribute",
	("docs/campaigns.md", "chance"): "the statistical term: more than chance",
}


class Text(NamedTuple):
	place: str
	path: str
	line: int
	kind: str
	text: str


def _python(path: Path) -> Iterator[tuple[int, str, str]]:
	source = path.read_text()
	for node in ast.walk(ast.parse(source)):
		if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (doc := ast.get_docstring(node)):
			kind = "function" if isinstance(node, ast.FunctionDef) else "docstring"
			yield node.body[0].lineno, kind, doc
		if (
			isinstance(node, ast.Call)
			and node.args
			and isinstance(node.args[0], ast.Constant)
			and _name(node) == "_"
		):
			yield node.lineno, "message", str(node.args[0].value)
	for token in tokenize.generate_tokens(io.StringIO(source).readline):
		if token.type == tokenize.COMMENT:
			yield token.start[0], "comment", token.string


def _name(call: ast.Call) -> str:
	return getattr(call.func, "id", getattr(call.func, "attr", ""))


def _javascript(path: Path) -> Iterator[tuple[int, str, str]]:
	for number, line in enumerate(path.read_text().splitlines(), 1):
		for comment in re.findall(r"(?:^|\s)(?://|\*)\s(.*)", line):
			yield number, "comment", comment
		for message in re.findall(r"""__\(\s*(?:"([^"]+)"|'([^']+)'|`([^`]+)`)""", line):
			yield number, "message", "".join(message)


def _labels(value: object) -> Iterator[str]:
	if isinstance(value, dict):
		for key, part in value.items():
			if key in ("label", "description", "title", "documentation") and isinstance(part, str):
				yield part
			else:
				yield from _labels(part)
	elif isinstance(value, list):
		for part in value:
			yield from _labels(part)


def _pages() -> Iterator[Path]:
	yield from (page for page in ROOT.glob("*.md") if page.name != "CHANGELOG.md")
	# these two show the words to avoid
	yield from (
		page
		for page in sorted((ROOT / "docs").rglob("*.md"))
		if page.name not in ("glossary.md", "writing.md")
	)


def _place_of(path: Path) -> str:
	parts = path.relative_to(APP).parts
	return parts[0].removesuffix(".py")


@cache
def english() -> tuple[Text, ...]:
	"""Return every English text of the tree with the place that it belongs to."""
	found = []
	for path in sorted(APP.rglob("*.py")):
		if path == Path(__file__).resolve():
			continue
		for line, kind, text in _python(path):
			found.append(Text(_place_of(path), str(path.relative_to(ROOT)), line, kind, text))
	for path in sorted((APP / "public" / "js").rglob("*.js")):
		for line, kind, text in _javascript(path):
			found.append(Text("public", str(path.relative_to(ROOT)), line, kind, text))
	for path in sorted((APP / "crm_relations").rglob("*.json")):
		for text in _labels(json.loads(path.read_text())):
			found.append(Text("labels", str(path.relative_to(ROOT)), 0, "label", text))
	for path in _pages():
		for line, text in enumerate(path.read_text().splitlines(), 1):
			found.append(Text("docs", str(path.relative_to(ROOT)), line, "page", text))
	return tuple(found)


@cache
def german() -> tuple[Text, ...]:
	path = APP / "translations" / "de.csv"
	with path.open(newline="") as file:
		rows = [row for row in csv.reader(file) if len(row) > 1]
	name = str(path.relative_to(ROOT))
	return tuple(Text("german", name, number, "translation", row[1]) for number, row in enumerate(rows, 1))


def _hits(texts: tuple[Text, ...], phrases: dict[str, str]) -> Iterator[tuple[Text, str, str]]:
	patterns = [
		(re.compile(pattern, re.IGNORECASE if phrases is ENGLISH else 0), better)
		for pattern, better in phrases.items()
	]
	for text in texts:
		prose = _without_code(text.text)
		for pattern, better in patterns:
			for match in pattern.finditer(prose):
				yield text, match[0].strip(" .;:(").lower(), better


@cache
def hits() -> tuple[tuple[Text, str, str], ...]:
	"""Return each phrase to avoid in a clean place."""
	texts = tuple(text for text in english() if text.place in CLEAN)
	return (*_hits(texts, ENGLISH), *_hits(german(), GERMAN))


def _without_code(text: str) -> str:
	"""Return the text without code spans, merge fields, addresses and paths, which are names and not words."""
	return re.sub(r"`[^`\n]*`|\{\{[^}]*\}\}|\S+/\S+|\S+@\S+|\b\w+_\w+\b|\b\w+\(\)|“[^”]*”", " ", text)


def found(place: str) -> list[str]:
	return [
		f"{text.path}:{text.line}: {phrase!r} ({better}): {' '.join(text.text.split())[:120]}"
		for text, phrase, better in hits()
		if text.place == place and (text.path, phrase) not in EXCEPTIONS
	]


@pytest.mark.parametrize("place", CLEAN)
def test_a_clean_place_has_no_phrase_to_avoid(place):
	assert found(place) == []


@pytest.mark.parametrize(
	"place", [place for place in CLEAN if place not in ("docs", "labels", "german", "public")]
)
def test_the_docstring_of_a_function_starts_with_a_verb(place):
	nominal = [
		f"{text.path}:{text.line}: {text.text.splitlines()[0]}"
		for text in english()
		if text.place == place and text.kind == "function" and text.text.split()[0] in NOUNS
	]
	assert nominal == []


@pytest.mark.parametrize(
	"place", [place for place in CLEAN if place not in ("docs", "labels", "german", "public")]
)
def test_sentences_of_docstrings_are_short(place):
	words = sentences = 0
	for text in english():
		if text.place == place and text.kind in ("function", "docstring"):
			prose = re.sub(r"^\s*:\w+.*", "", text.text, flags=re.MULTILINE)
			for sentence in re.split(r"[.!?:](?:\s|$)|\n\s*\n", prose):
				words += len(sentence.split())
				sentences += bool(sentence.strip())
	assert words <= 25 * sentences


def test_exceptions_are_few_and_needed():
	assert len(EXCEPTIONS) <= 20
	assert set(EXCEPTIONS) <= {(text.path, phrase) for text, phrase, _better in hits()}
	assert all(reason.strip() for reason in EXCEPTIONS.values())


def test_the_lists_catch_what_they_are_made_for():
	sample = Text("", "", 0, "", "Nobody whose e-mail is dead is asked anew; he is no member.")
	caught = Counter(phrase for _text, phrase, _better in _hits((sample,), ENGLISH))
	assert set(caught) == {"nobody", "whose", "e-mail", "anew", "he", "is no member"}
	sample = Text("", "", 0, "", "Gutschrift auffrischen")
	assert {phrase for _text, phrase, _better in _hits((sample,), GERMAN)} == {"gutschrift", "auffrischen"}

"""Tell whether a name in a single column is a person's, and split it into its parts. Imports no frappe."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

PERSON, ORGANISATION = "Person", "Organisation"

#: legal forms and kinds of institution: a name with one of these words is not a person's
_FORMS = frozenset(
	(
		"gmbh mbh ag kg kgaa ohg gbr ug se eg ev e.v. e.k. ek ltd limited llc inc incorporated corp corporation co plc"
		" llp lp sa s.a. sarl sàrl sas bv b.v. nv n.v. srl s.r.l. spa s.p.a. oy ab as aps kft sro zoo gesmbh partg partgmbb"
		" ggmbh stiftung verein verband gesellschaft genossenschaft kanzlei praxis apotheke schule gymnasium universität"
		" university hochschule institut institute stadt gemeinde landkreis landratsamt ministerium amt stadtwerke klinik"
		" klinikum krankenhaus hospital bank sparkasse versicherung verlag hotel restaurant gasthaus bäckerei metzgerei"
		" tischlerei autohaus werkstatt holding group gruppe consulting company werke werk handel logistik technik bau"
		" maschinenbau anlagenbau elektro service services solutions systems software studio agentur agency gbmh team firma"
		" foundation association church kirche kirchengemeinde club partners partner brothers gebrüder gebr söhne sons shop"
		" store handels immobilien reisebüro ingenieurbüro architekturbüro steuerberatung druckerei center centre zentrum"
	).split()
)
_ENDS = re.compile(
	r"(gesellschaft|verein|verband|werke?|schule|bank|verlag|technik|bau|büro|haus|betriebe?|handel|hof)$"
)
_TITLES = frozenset(
	"dr dr. prof prof. dipl.-ing. dipl.-kfm. mag. ing. herr frau mr mr. mrs mrs. ms ms. miss sir hr. fr. dres. med.".split()
)
_PARTICLES = frozenset(
	"von van de der den del della di da dos zu zum zur vom ten ter le la du al el bin ibn af av".split()
)
_SUFFIXES = frozenset(
	"jr jr. sr sr. ii iii iv phd ph.d. md m.d. esq esq. mba msc bsc dr dr. prof prof. cpa llm ll.m.".split()
)
_ROLES = frozenset(
	"info kontakt contact office mail post service vertrieb sales support hallo hello zentrale verwaltung buchhaltung".split()
)
#: common first names, as people of the countries around write them
_FIRST_NAMES = frozenset(
	(
		"achim adam albert alex alexander alexandra alfred alice alina amelie andrea andreas andrew angela angelika anja anke ann anna"
		" anne anneliese annette anni annika anton antonia antonio armin arne arthur astrid axel barbara bastian beate"
		" ben benjamin bernd bernhard bert bettina bianca birgit björn bodo brigitte britta bruno burkhard carina carl carla"
		" carlos carmen carola caroline carsten cathrin charles charlotte chris christa christian christiane christina christine"
		" christoph christopher clara claudia claus clemens cora cornelia dagmar daniel daniela dario david debora denis dennis"
		" detlef diana dieter dietmar dirk dominik dora doris doro dorothea eberhard eckhard edgar edith eduard eike elena eleonore"
		" elfriede elias elisa elisabeth elizabeth elke ella ellen elsa emil emilia emily emma erich erik erika erna ernst erwin"
		" esther eugen eva evelyn fabian felix ferdinand finn florian frank franz franziska frida frieda friedrich fritz gabriel"
		" gabriele georg george gerald gerd gerda gerhard gertrud gisela gottfried greta gudrun guido günter günther gustav hanna"
		" hannah hannelore hannes hans harald hartmut heide heidi heike heiko heiner heinrich heinz helen helena helga helmut"
		" henning henrik henry herbert hermann hilde hildegard holger horst hubert hugo ida ilona ilse ina ines inga inge ingeborg"
		" ingo ingrid irene iris irma isabel isabell isabella isabelle ivan jacob jakob jan jana janina jasmin jason jean jens"
		" jessica jo joachim joanna jochen johann johanna johannes john jonas jonathan jörg josef joseph judith jule julia julian"
		" juliane julius jürgen jutta kai karen karin karl karla karsten katharina käthe kathrin katja katrin kerstin kevin kim"
		" kirsten klara klaus konrad konstantin kristin kurt lara lars laura lea lena leo leon leonie lilli lina linda lisa lothar"
		" louis louisa luca lucas lucia ludwig luis luisa lukas lutz lydia magdalena maike malin malte manfred manuel manuela marc"
		" marcel marco marcus maren margarete margit maria mariam marianne marie mario marion mark markus marlene marta martha"
		" martin martina mary mathias mathilde matthias max maximilian maya mehmet meike melanie mia michael michaela michel miriam"
		" mohammed monika moritz mustafa nadine nadja natalie nele nicholas nick niclas nico nicolas nicole niklas nils nina nora"
		" norbert ole olaf olga oliver oskar otto pascal patricia patrick paul paula peter petra philipp pia rainer ralf ralph"
		" ramona raphael raymond rebecca regina reiner reinhard reinhold renate reto richard rita robert roland rolf roman romy"
		" ronald rosa rosemarie roswitha rudi rudolf rüdiger ruth sabine sabrina samuel sandra sara sarah sascha sebastian selina"
		" siegfried sigrid silke silvia simon simone sofia sofie sonja sophia sophie stefan stefanie steffen stella stephan stephanie"
		" susan susanne sven svenja sylvia tanja tatjana theo theodor theresa thomas thorsten till tilo tim timo tina tobias tom"
		" torben torsten udo ulf ulla ulrich ulrike ursula ute uwe valentin vanessa vera verena veronika viktor viktoria vincent"
		" volker waltraud walter werner wilfried wilhelm william willi willy wolfgang yannick yvonne zoe"
	).split()
)
_WORD = re.compile(r"[^\W\d_][\w'’.\-]*")


def kind_of(name: str, values: Mapping[str, str] | None = None) -> str:
	"""Return PERSON or ORGANISATION if the name or the row shows it, else an empty string.

	:param values: the row: an email address with a part of the name, a salutation or a birthday suggest a
		person
	"""
	values = values or {}
	words = [word.casefold() for word in name.replace(",", " ").split()][:12]
	if not words:
		return ""
	if re.search(r"[\d&+/@]", name) or any(w in _FORMS or w.strip(".") in _FORMS for w in words):
		return ORGANISATION
	if any(len(w) > 7 and _ENDS.search(w) for w in words):
		return ORGANISATION
	if any(values.get(field) for field in ("salutation", "gender", "date_of_birth", "designation")):
		return PERSON
	if words[0] in _TITLES:
		return PERSON
	bare = [w for w in words if w not in _TITLES and w not in _SUFFIXES]
	if not 2 <= len(bare) <= 5 or not all(_WORD.fullmatch(w) for w in bare):
		return ORGANISATION if len(bare) > 5 else ""
	first = bare[-1] if "," in name else bare[0]
	if first.split("-")[0] in _FIRST_NAMES:
		return PERSON
	local = _letters(re.split(r"[@+]", values.get("email_id", ""))[0])
	if local in _ROLES:
		return ORGANISATION
	if local and any(len(_letters(w)) > 2 and _letters(w) in local for w in bare):
		return PERSON if "," in name or not _is_domain(bare, values.get("email_id", "")) else ""
	return PERSON if re.fullmatch(r"[^,]{2,40}, [^,]{2,40}", name.strip()) else ""


def _is_domain(words: Iterable[str], email: str) -> bool:
	"""Tell whether all words of the name are in the domain, as with a company."""
	domain = _letters(email.rpartition("@")[2])
	return all(_letters(word) in domain for word in words)


_UMLAUTS: dict[int, str] = {ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("ß"): "ss"}


def _letters(text: str) -> str:
	folded = text.casefold().translate(_UMLAUTS)
	folded = unicodedata.normalize("NFKD", folded)
	return "".join(char for char in folded if char.isalnum() and char.isascii())


def majority(kinds: Iterable[str]) -> str:
	"""Return the kind of most names of a file, for names that do not show it; an empty string if no name
	does.
	"""
	found = Counter(kinds)
	persons, organisations = found[PERSON], found[ORGANISATION]
	if persons == organisations:
		return ""
	return PERSON if persons > organisations else ORGANISATION


def in_order(name: str) -> str:
	"""Return a name in its order, with the suffix at the end: `Einzel, Hans` → `Hans Einzel`; `John Smith,
	Jr.` stays.
	"""
	last, comma, first = (part.strip() for part in name.partition(","))
	if not comma or not first or not last or "," in first or first.casefold() in _SUFFIXES:
		return name
	return f"{first} {last}"


def split(name: str) -> tuple[str, str]:
	"""Return first and last name of a person: `Dr. Anna von der Heide` → (`Anna`, `von der Heide`)."""
	words = in_order(name).replace(",", " ").split()
	while len(words) > 1 and words[0].casefold() in _TITLES:
		words.pop(0)
	while len(words) > 2 and words[-1].casefold() in _SUFFIXES:
		words.pop()
	if len(words) < 2:
		return "", " ".join(words)
	start = next(
		(place for place, word in enumerate(words) if place and word.casefold() in _PARTICLES), len(words) - 1
	)
	return " ".join(words[:start]), " ".join(words[start:])

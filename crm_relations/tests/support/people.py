"""Generate persons and companies with known duplicates, for tests and the benchmark. Imports no frappe.

The generator follows that of FEBRL (P. Christen, 2008). Originals have the frequencies of a register.
Duplicates have the slips that people make when they type: wrong, missing and swapped letters, transcribed
umlauts, abbreviations, swapped names, missing fields, a move, a marriage, another telephone. Families share
surname, address and telephone, and companies share a house, without being duplicates.
"""

import random
from collections.abc import Callable
from datetime import date, timedelta
from itertools import combinations
from typing import Any

Values = dict[str, Any]

_FIRST = [
	"Anna",
	"Maria",
	"Sabine",
	"Petra",
	"Monika",
	"Claudia",
	"Susanne",
	"Andrea",
	"Julia",
	"Katharina",
	"Lena",
	"Laura",
	"Sarah",
	"Jana",
	"Lisa",
	"Sophie",
	"Emma",
	"Mia",
	"Hannah",
	"Leonie",
	"Ursula",
	"Renate",
	"Helga",
	"Ingrid",
	"Karin",
	"Gisela",
	"Brigitte",
	"Christa",
	"Erika",
	"Elke",
	"Birgit",
	"Silke",
	"Nicole",
	"Tanja",
	"Melanie",
	"Nadine",
	"Stefanie",
	"Sandra",
	"Jennifer",
	"Vanessa",
	"Aylin",
	"Fatma",
	"Elif",
	"Olga",
	"Natalia",
	"Svetlana",
	"Agnieszka",
	"Ewa",
	"Chiara",
	"Giulia",
	"Peter",
	"Michael",
	"Thomas",
	"Andreas",
	"Stefan",
	"Wolfgang",
	"Klaus",
	"Jürgen",
	"Günter",
	"Hans",
	"Manfred",
	"Uwe",
	"Bernd",
	"Dieter",
	"Rainer",
	"Frank",
	"Ralf",
	"Jörg",
	"Torsten",
	"Sven",
	"Lars",
	"Jan",
	"Tobias",
	"Sebastian",
	"Florian",
	"Daniel",
	"Christian",
	"Markus",
	"Matthias",
	"Martin",
	"Alexander",
	"Maximilian",
	"Paul",
	"Leon",
	"Lukas",
	"Felix",
	"Jonas",
	"Elias",
	"Finn",
	"Noah",
	"Ben",
	"Niklas",
	"Moritz",
	"Philipp",
	"Simon",
	"Fabian",
	"Dominik",
	"Patrick",
	"Marcel",
	"Mehmet",
	"Mustafa",
	"Ahmet",
	"Dimitri",
	"Sergej",
	"Igor",
	"Piotr",
	"Tomasz",
	"Marco",
	"Luca",
	"Matteo",
	"José",
	"Søren",
	"René",
	"François",
	"Björn",
	"Götz",
	"Heinz",
	"Werner",
	"Horst",
	"Karl-Heinz",
	"Hans-Peter",
	"Anna-Lena",
	"Marie-Luise",
	"Friedrich",
	"Wilhelm",
	"Otto",
	"Gerhard",
	"Helmut",
	"Walter",
	"Ernst",
	"Kurt",
	"Rolf",
]
_LAST = [
	"Müller",
	"Schmidt",
	"Schneider",
	"Fischer",
	"Weber",
	"Meyer",
	"Wagner",
	"Becker",
	"Schulz",
	"Hoffmann",
	"Schäfer",
	"Koch",
	"Bauer",
	"Richter",
	"Klein",
	"Wolf",
	"Schröder",
	"Neumann",
	"Schwarz",
	"Zimmermann",
	"Braun",
	"Krüger",
	"Hofmann",
	"Hartmann",
	"Lange",
	"Schmitt",
	"Werner",
	"Schmitz",
	"Krause",
	"Meier",
	"Lehmann",
	"Schmid",
	"Schulze",
	"Maier",
	"Köhler",
	"Herrmann",
	"König",
	"Walter",
	"Mayer",
	"Huber",
	"Kaiser",
	"Fuchs",
	"Peters",
	"Lang",
	"Scholz",
	"Möller",
	"Weiß",
	"Jung",
	"Hahn",
	"Schubert",
	"Vogel",
	"Friedrich",
	"Keller",
	"Günther",
	"Frank",
	"Berger",
	"Winkler",
	"Roth",
	"Beck",
	"Lorenz",
	"Baumann",
	"Franke",
	"Albrecht",
	"Schuster",
	"Simon",
	"Ludwig",
	"Böhm",
	"Winter",
	"Kraus",
	"Martin",
	"Schumacher",
	"Krämer",
	"Vogt",
	"Stein",
	"Jäger",
	"Otto",
	"Sommer",
	"Groß",
	"Seidel",
	"Heinrich",
	"Brandt",
	"Haas",
	"Schreiber",
	"Graf",
	"Schulte",
	"Dietrich",
	"Ziegler",
	"Kuhn",
	"Kühn",
	"Pohl",
	"Engel",
	"Horn",
	"Busch",
	"Bergmann",
	"Thomas",
	"Voigt",
	"Sauer",
	"Arnold",
	"Wolff",
	"Yılmaz",
	"Kaya",
	"Nowak",
	"Kowalski",
	"Petrov",
	"Rossi",
	"Nguyen",
]
_STEMS = [
	"Alten",
	"Birken",
	"Brand",
	"Brücken",
	"Buchen",
	"Burg",
	"Dorn",
	"Eber",
	"Eichen",
	"Erlen",
	"Esch",
	"Falken",
	"Feld",
	"Finken",
	"Föhren",
	"Freuden",
	"Garten",
	"Gold",
	"Grün",
	"Hasel",
	"Heiden",
	"Heil",
	"Hirsch",
	"Hohen",
	"Holz",
	"Kalten",
	"Kirch",
	"Klee",
	"Korn",
	"Kron",
	"Lauter",
	"Linden",
	"Löwen",
	"Mittel",
	"Moos",
	"Mühl",
	"Neuen",
	"Ober",
	"Ober",
	"Ritters",
	"Rosen",
	"Rotten",
	"Sand",
	"Schön",
	"Silber",
	"Sonnen",
	"Stein",
	"Strauß",
	"Tannen",
	"Thal",
	"Ulmen",
	"Unter",
	"Wald",
	"Wasser",
	"Weiden",
	"Weiler",
	"Wiesen",
	"Winkel",
	"Zeller",
	"Ziegel",
]
_TAILS = [
	"acker",
	"bach",
	"bauer",
	"baum",
	"beck",
	"berg",
	"berger",
	"brunn",
	"burg",
	"dorf",
	"eck",
	"egger",
	"feld",
	"fels",
	"garten",
	"gruber",
	"hauser",
	"heim",
	"hof",
	"hofer",
	"holz",
	"horst",
	"huber",
	"kamp",
	"kötter",
	"land",
	"loh",
	"mann",
	"meier",
	"moser",
	"mühle",
	"müller",
	"reiter",
	"ried",
	"sattler",
	"schmid",
	"see",
	"siek",
	"stein",
	"tal",
	"wald",
	"weg",
	"wig",
	"winkler",
]
_WAYS = ("straße", "straße", "straße", "straße", "weg", "platz", "allee", "gasse", "ring")
_TRADES = [
	"Bau",
	"Maschinenbau",
	"Metallbau",
	"Elektrotechnik",
	"Logistik",
	"Spedition",
	"Software",
	"Beratung",
	"Immobilien",
	"Gebäudereinigung",
	"Sanitär",
	"Gartenbau",
	"Druck",
	"Medien",
	"Werkzeuge",
	"Kunststofftechnik",
	"Automobile",
	"Bäckerei",
	"Steuerberatung",
	"Möbel",
	"Pharma",
	"Textil",
	"Energie",
	"Solar",
	"Catering",
]
_FORMS = ("GmbH", "GmbH", "GmbH", "GmbH & Co. KG", "AG", "KG", "e.K.", "UG (haftungsbeschränkt)", "OHG", "")
_PROVIDERS = ("gmx.de", "web.de", "gmail.com", "t-online.de", "outlook.de", "posteo.de")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PLAIN = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "Ä": "A", "Ö": "O", "Ü": "U", "ß": "s", "ı": "i"})


def generate(
	count: int, seed: int = 0, originals: float = 0.8, persons: float = 0.7, families: float = 0.2
) -> tuple[dict[str, Values], set[tuple[str, str]]]:
	"""Generate `count` records by name, in values of Relation, and the sorted pairs that are duplicates.

	:param originals: share of records that are not duplicates; every third of them has one to three
	    duplicates
	:param persons: share of persons among the originals, the rest are companies
	:param families: share of persons that live with the previous person, under the same name
	"""
	return _Generator(random.Random(seed), families).run(count, originals, persons)


class _Generator:
	def __init__(self, rng: random.Random, families: float):
		self.rng = rng
		self.families = families
		self.labels: set[str] = set()
		self.at_home: set[str] = set()
		self.surnames = [a + b for a in _STEMS for b in _TAILS]
		self.cities = [
			a + b for a in _STEMS for b in ("stadt", "hausen", "heim", "burg", "dorf", "ingen", "bach")
		]
		self.slips: dict[str, list[Callable[[Values], None]]] = {
			"Person": [
				*(self.typo(f) for f in ("first_name", "last_name", "address_line", "city", "first_name")),
				*(
					self.missing(f)
					for f in ("first_name", "email_id", "phone", "date_of_birth", "address_line")
				),
				self.transcribe,
				self.abbreviate,
				self.swap_names,
				self.wrong_digit("pincode"),
				self.wrong_birth,
				self.new_phone,
				self.new_email,
				self.move,
				self.marry,
			],
			"Organisation": [
				*(self.typo(f) for f in ("relation_name", "relation_name", "address_line", "city")),
				*(self.missing(f) for f in ("email_id", "phone", "website", "address_line", "tax_id")),
				self.transcribe,
				self.abbreviate,
				self.spell_form,
				self.wrong_digit("pincode"),
				self.new_phone,
				self.new_email,
				self.move,
			],
		}

	def run(
		self, count: int, originals: float, persons: float
	) -> tuple[dict[str, Values], set[tuple[str, str]]]:
		records: dict[str, Values] = {}
		pairs: set[tuple[str, str]] = set()
		wanted = int(count * originals)
		waiting = count - wanted
		family: Values | None = None
		neighbour: Values | None = None
		for number in range(wanted):
			if self.rng.random() < persons:
				original = family = self.person(family)
			else:
				original = neighbour = self.company(neighbour)
			doubles = 0
			if number % 3 == 0 and waiting:
				doubles = min(waiting, self.rng.choice((1, 1, 1, 1, 2, 2, 3)))
				waiting -= doubles
			names = [f"r{number:07d}-{copy}" for copy in range(doubles + 1)]
			records.update(
				zip(names, [original, *(self.double(original) for _ in range(doubles))], strict=True)
			)
			pairs.update(combinations(names, 2))
		shuffled = list(records)
		self.rng.shuffle(shuffled)
		return {name: records[name] for name in shuffled}, pairs

	# ── originals ────────────────────────────────────────────────────────────────────────────

	def address(self) -> Values:
		city = self.rng.randrange(len(self.cities))
		way = self.rng.choice(_STEMS) + self.rng.choice(("", "", "er ", "tal", "berg"))
		way += self.rng.choice(_WAYS) if not way.endswith(" ") else "Straße"
		return {
			"address_line": f"{way} {1 + int(self.rng.expovariate(1 / 30))}",
			"pincode": f"{10000 + city * 190 + self.rng.randrange(20):05d}",
			"city": self.cities[city],
			"country": "Germany",
		}

	def phone(self) -> str:
		return f"0{self.rng.choice((221, 30, 89, 40, 711, 171, 160, 151))} {self.rng.randrange(1000000, 99999999)}"

	def surname(self) -> str:
		common = self.rng.random() < 0.35
		return self.rng.choice(_LAST) if common else self.rng.choice(self.surnames)

	def person(self, family: Values | None) -> Values:
		at_home = family and self.rng.random() < self.families
		self.at_home = {*self.at_home, family["first_name"]} if at_home else set()
		first = self.rng.choice([name for name in _FIRST if name not in self.at_home])
		last = family["last_name"] if at_home else self.surname()
		mail = (
			f"{_ascii(first)}.{_ascii(last)}{self.rng.randrange(100)}@{self.rng.choice(_PROVIDERS)}".lower()
		)
		values = {
			"relation_kind": "Person",
			"first_name": first,
			"last_name": last,
			"date_of_birth": date(1940, 1, 1) + timedelta(days=self.rng.randrange(25000)),
			"email_id": mail if self.rng.random() < 0.6 else None,
			"phone": self.phone() if self.rng.random() < 0.6 else None,
			**self.address(),
		}
		if self.rng.random() < 0.4:
			values["date_of_birth"] = None  # many files do not have it
		if at_home:
			values.update({f: family[f] for f in ("address_line", "pincode", "city", "phone")})
		values["relation_name"] = f"{first} {last}"
		return values

	def company(self, neighbour: Values | None) -> Values:
		name = self.surname()
		if self.rng.random() < 0.3:
			name += f" & {self.rng.choice(('Söhne', 'Partner', 'Cie.', self.surname()))}"
		core = f"{name} {self.rng.choice(_TRADES)}"
		label = _ascii(core.replace(" & ", "-").replace(" ", "-")).replace(".", "").lower()
		while label in self.labels:
			label += f"-{_ascii(self.rng.choice(_STEMS)).lower()}"
		self.labels.add(label)
		domain = f"{label}.{self.rng.choice(('de', 'de', 'com'))}"
		park = neighbour if neighbour and self.rng.random() < 0.1 else self.address()
		return {
			"relation_kind": "Organisation",
			"relation_name": f"{core} {self.rng.choice(_FORMS)}".strip(),
			"email_id": f"info@{domain}" if self.rng.random() < 0.7 else None,
			"website": f"https://www.{domain}" if self.rng.random() < 0.5 else None,
			"phone": self.phone() if self.rng.random() < 0.7 else None,
			"tax_id": f"DE{self.rng.randrange(10**8, 10**9)}" if self.rng.random() < 0.3 else None,
			**{field: park[field] for field in ("address_line", "pincode", "city", "country")},
		}

	# ── slips ────────────────────────────────────────────────────────────────────────────────

	def double(self, original: Values) -> Values:
		values = dict(original)
		number = self.rng.choice((1, 1, 2, 2, 3))
		for slip in self.rng.sample(self.slips[values["relation_kind"]], number):
			slip(values)
		if values["relation_kind"] == "Person":
			names = (values["first_name"], values["last_name"])
			values["relation_name"] = " ".join(filter(None, names))
		return values

	def typo(self, field: str) -> Callable[[Values], None]:
		def slip(values: Values) -> None:
			text = values.get(field)
			if not text or len(text) < 4:
				return
			place = self.rng.randrange(1, len(text) - 1)
			letter = self.rng.choice(_LETTERS)
			values[field] = self.rng.choice(
				(
					text[:place] + letter + text[place:],
					text[:place] + text[place + 1 :],
					text[:place] + letter + text[place + 1 :],
					text[:place] + text[place + 1] + text[place] + text[place + 2 :],
				)
			)

		return slip

	def missing(self, field: str) -> Callable[[Values], None]:
		def slip(values: Values) -> None:
			values[field] = None

		return slip

	def wrong_digit(self, field: str) -> Callable[[Values], None]:
		def slip(values: Values) -> None:
			if text := values.get(field):
				place = self.rng.randrange(len(text))
				values[field] = text[:place] + str(self.rng.randrange(10)) + text[place + 1 :]

		return slip

	def transcribe(self, values: Values) -> None:
		forms = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
		table = str.maketrans(forms) if self.rng.random() < 0.7 else _PLAIN | str.maketrans({"ß": "ss"})
		for field in ("first_name", "last_name", "relation_name", "address_line", "city"):
			if values.get(field):
				values[field] = values[field].translate(table)

	def abbreviate(self, values: Values) -> None:
		if values.get("address_line"):
			values["address_line"] = (
				values["address_line"].replace("straße", "str.").replace("Straße", "Str.")
			)

	def spell_form(self, values: Values) -> None:
		name = values["relation_name"]
		for short, long in (
			("GmbH & Co. KG", "GmbH und Co KG"),
			("GmbH", "Gesellschaft mit beschränkter Haftung"),
			("AG", "Aktiengesellschaft"),
			("e.K.", "eK"),
		):
			if name.endswith(short):
				name = name[: -len(short)] + self.rng.choice((long, ""))
				break
		values["relation_name"] = name.strip().replace(" & ", self.rng.choice((" & ", " und ", " + ")))

	def swap_names(self, values: Values) -> None:
		values["first_name"], values["last_name"] = values["last_name"], values["first_name"]

	def wrong_birth(self, values: Values) -> None:
		born = values.get("date_of_birth")
		if not born:
			return
		if born.day <= 12:
			values["date_of_birth"] = born.replace(month=born.day, day=born.month)
		else:
			values["date_of_birth"] = born.replace(day=self.rng.randrange(1, 29))

	def new_phone(self, values: Values) -> None:
		values["phone"] = self.phone()

	def new_email(self, values: Values) -> None:
		name = values.get("last_name") or values["relation_name"].split()[0]
		values["email_id"] = f"{_ascii(name).lower()}{self.rng.randrange(1000)}@{self.rng.choice(_PROVIDERS)}"

	def move(self, values: Values) -> None:
		values.update(self.address())

	def marry(self, values: Values) -> None:
		values["last_name"] = self.surname()


def _ascii(text: str) -> str:
	return "".join(
		char for char in text.translate(_PLAIN) if char.isascii() and (char.isalnum() or char in "-.")
	)

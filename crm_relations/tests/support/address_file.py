"""Generate an address file as a German office has it, with 40 columns in the manner of Outlook and HubSpot.

It holds persons with employer, addresses, numbers, birthday and notes. Some persons opt out, some rows are
repeated and some cells cannot be read. The same seed gives the same file.
"""

import csv
import io
from collections.abc import Iterator
from random import Random

HEADING = (
	"Anrede;Vorname;Nachname;Firma;Position;E-Mail-Adresse;E-Mail 2: Adresse;Telefon geschäftlich;Telefon privat;Mobiltelefon;"
	"Fax geschäftlich;Webseite;Straße geschäftlich;Postleitzahl geschäftlich;Ort geschäftlich;Region geschäftlich;"
	"Land/Region geschäftlich;Straße privat;Postleitzahl privat;Ort privat;Land/Region privat;Geburtstag;Geschlecht;Sprache;"
	"Notizen;Email Opt Out;Do Not Call;Abteilung;Kategorien;Priorität;Lifecycle Stage;Lead Status;Original Source;"
	"Create Date;Last Activity Date;Number of Pageviews;Contact Owner;Spitzname;Hobby;Kundennummer alt"
).split(";")

#: letters as they are written in an email address
BARE = str.maketrans({"ö": "oe", "ü": "ue", "ä": "ae", "ı": "i"})
FIRST = (
	"Anna Bernd Clara Dieter Elif Frank Greta Hans Ines Jörg Katrin Lars Mia Norbert Olga Peter Renate Stefan Tanja Uwe"
	" Vera Wolfgang Yasemin Zoe Andreas Birgit Christian Doris Emil Friederike"
).split()
LAST = (
	"Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf Schröder"
	" Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Werner Krause Lehmann Köhler Maier Yılmaz"
).split()
TOWNS = (
	("10115", "Berlin", "Berlin"),
	("20095", "Hamburg", "Hamburg"),
	("50667", "Köln", "Nordrhein-Westfalen"),
	("53111", "Bonn", "Nordrhein-Westfalen"),
	("60311", "Frankfurt am Main", "Hessen"),
	("70173", "Stuttgart", "Baden-Württemberg"),
	("80331", "München", "Bayern"),
	("01067", "Dresden", "Sachsen"),
)
STREETS = "Hauptstraße Bahnhofstraße Gartenweg Lindenallee Schulstraße Am Markt Ringstraße Mühlenweg".split()
TRADES = "Maschinenbau Logistik Elektro Holzhandel Druck Energie Feinmechanik Verpackung".split()
FORMS = ("GmbH", "AG", "KG", "GmbH & Co. KG")


def address_file(rows: int, tag: str = "x", seed: int = 2026) -> bytes:
	"""Return the whole file: UTF-8 with a byte order mark, separated by semicolons.

	:param tag: part of all names and addresses, so that a test finds what an import has made
	"""
	out = io.StringIO(newline="")
	writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
	writer.writerow(HEADING)
	writer.writerows(address_rows(rows, tag, seed))
	return out.getvalue().encode("utf-8-sig")


def address_rows(rows: int, tag: str = "x", seed: int = 2026) -> Iterator[list[str]]:
	"""Yield the rows of the file one after the other."""
	draw = Random(seed)
	before: list[str] | None = None
	for number in range(rows):
		row = _row(number, rows, tag, draw)
		if before and number % 40 == 39:  # repeat the previous person with another number
			row = [*before[:9], f"0171 {2_000_000 + number}", *before[10:]]
		before = row
		yield row


def _row(number: int, rows: int, tag: str, draw: Random) -> list[str]:
	first, last = draw.choice(FIRST), f"{draw.choice(LAST)}-{tag}{number // 3}"
	firm_number = draw.randrange(max(rows // 4, 1))
	firm = f"{tag} {TRADES[firm_number % len(TRADES)]} {firm_number} {FORMS[firm_number % len(FORMS)]}"
	domain = f"firma{firm_number}-{tag}.example"
	code, town, region = draw.choice(TOWNS)
	home_code, home_town, _home_region = draw.choice(TOWNS)
	is_woman = first.endswith(("a", "e", "Ines", "Katrin", "Birgit", "Doris"))
	with_firm, with_home = number % 5 != 4, number % 3 == 0
	return [
		"Frau" if is_woman else "Herr",
		first,
		last,
		firm if with_firm else "",
		draw.choice(("Geschäftsführung", "Einkauf", "Vertrieb", "Technik", "")),
		f"{first}.{number}@{domain}".lower().translate(BARE) if number % 50 != 7 else "keine",
		f"{first}{number}@privat-{tag}.example".lower().translate(BARE) if number % 4 == 0 else "",
		f"0{draw.choice((30, 40, 221, 228, 69, 711, 89, 351))} / {1_000_000 + number}",
		f"+49 (0)2236 {300_000 + number}" if with_home else "",
		f"0171 {1_000_000 + number}" if number % 2 else "",
		f"0221 {700_000 + number}" if number % 6 == 0 else "",
		f"www.{domain}" if with_firm else "",
		f"{draw.choice(STREETS)} {draw.randrange(1, 200)}",
		code,
		town,
		region,
		"Deutschland" if number % 3 else "",
		f"{draw.choice(STREETS)} {draw.randrange(1, 200)}" if with_home else "",
		home_code if with_home else "",
		home_town if with_home else "",
		"Deutschland" if with_home else "",
		f"{draw.randrange(1, 29)}.{draw.randrange(1, 13)}.{draw.randrange(1940, 2004)}"
		if number % 2
		else "0.0.00",
		"weiblich" if is_woman else "männlich",
		"Deutsch" if number % 7 else "",
		f"Messe {2000 + number % 25}, möchte <b>Katalog</b> & Preisliste",
		"1" if number % 12 == 5 else "0",
		"Ja" if number % 30 == 11 else "",
		draw.choice(("Einkauf", "Verwaltung", "")),
		draw.choice(("Kunde", "Interessent", "")),
		draw.choice(("Normal", "Hoch")),
		draw.choice(("lead", "customer", "subscriber")),
		draw.choice(("NEW", "OPEN", "")),
		draw.choice(("ORGANIC_SEARCH", "DIRECT_TRAFFIC")),
		f"2024-0{draw.randrange(1, 9)}-1{draw.randrange(0, 9)} 10:15",
		f"2025-0{draw.randrange(1, 9)}-1{draw.randrange(0, 9)} 17:40",
		str(draw.randrange(0, 40)),
		"Sabine Vertrieb",
		draw.choice(("", "", "Hansi")),
		draw.choice(("", "Segeln", "Lesen")),
		f"K-{10_000 + number}",
	]

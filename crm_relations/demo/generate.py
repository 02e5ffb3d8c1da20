"""Generate a small pipeline export of an invented firm, for a demo without real data. Pure Python, always the
same.

It has the shape of the export that the default mapping reads, and the same kinds of flaws: a product written
without its blank, a misspelled sector and country, deals without account, deals without a date.
"""

import csv
import datetime
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SEED = 2026
FIRST_DAY = datetime.date(2024, 10, 1)
LAST_DAY = datetime.date(2026, 6, 30)

#: sector as the export writes it: "Manufactring" is a flaw
SECTORS = ("Manufactring", "Energy", "chemical", "Automotive", "software", "Health Care")
COUNTRIES = ("Germany", "Germany", "Germany", "Austria", "Netherlands", "Switzerlnd")
#: name, series, list price
PRODUCTS = (
	("Pumpe P-200", "Pumpen", 1_250),
	("Pumpe P-500", "Pumpen", 4_890),
	("Ventil V-10", "Ventile", 185),
	("Ventil V-40 Edelstahl", "Ventile", 640),
	("Steuerung S-7", "Steuerungen", 8_900),
	("Wartungsvertrag", "Service", 2_400),
)
#: spelling of the first product in the deals
MISSPELLED = {"Pumpe P-200": "PumpeP200"}
TEAMS = (
	("Nord", "Birgit Petersen", ("Anke Harms", "Jens Lorenzen", "Meike Brandt")),
	("West", "Rolf Kessenich", ("Ayla Demir", "Frank Schmitz", "Heike Esser")),
	("Süd", "Theresia Huber", ("Franz Lindner", "Sabine Maier")),
)
_FIRST = (
	"Berg",
	"Eifel",
	"Hansa",
	"Isar",
	"Lippe",
	"Main",
	"Neckar",
	"Ruhr",
	"Saar",
	"Spree",
	"Weser",
	"Wupper",
)
_SECOND = (
	"Anlagenbau",
	"Chemie",
	"Energie",
	"Fahrzeugteile",
	"Maschinen",
	"Medizintechnik",
	"Systeme",
	"Werke",
)
_LEGAL = ("GmbH", "AG", "GmbH & Co. KG")
#: won, lost, engaging, prospecting
_STAGES = (("Won", 54), ("Lost", 22), ("Engaging", 16), ("Prospecting", 8))


def generate(folder: str | Path, deals: int = 60, accounts: int = 24, seed: int = SEED) -> Path:
	"""Write accounts.csv, products.csv, sales_teams.csv and sales_pipeline.csv into `folder`; return it.

	More deals leave the first ones as they are: a longer export continues a shorter one.
	"""
	folder = Path(folder)
	folder.mkdir(parents=True, exist_ok=True)
	firms = _accounts(random.Random(f"{seed} accounts"), accounts)
	_write(
		folder / "accounts.csv",
		("account", "sector", "year_established", "revenue", "employees", "office_location", "subsidiary_of"),
		firms,
	)
	_write(folder / "products.csv", ("product", "series", "sales_price"), PRODUCTS)
	_write(
		folder / "sales_teams.csv",
		("sales_agent", "manager", "regional_office"),
		[(agent, manager, office) for office, manager, agents in TEAMS for agent in agents],
	)
	_write(
		folder / "sales_pipeline.csv",
		(
			"opportunity_id",
			"sales_agent",
			"product",
			"account",
			"deal_stage",
			"engage_date",
			"close_date",
			"close_value",
		),
		_deals(random.Random(f"{seed} deals"), deals, [firm[0] for firm in firms]),
	)
	return folder


def _accounts(chance: random.Random, number: int) -> list[tuple[Any, ...]]:
	names = [
		f"{first} {second} {_LEGAL[(i + j) % 3]}"
		for i, first in enumerate(_FIRST)
		for j, second in enumerate(_SECOND)
	]
	chance.shuffle(names)
	rows: list[tuple[Any, ...]] = []
	for index, name in enumerate(names[:number]):
		employees = chance.choice((12, 35, 80, 150, 420, 900, 2_300))
		parent = rows[index - 3][0] if index % 6 == 5 else ""
		rows.append(
			(
				name,
				SECTORS[index % len(SECTORS)],
				chance.randint(1905, 2018),
				f"{employees * chance.uniform(0.12, 0.3):.2f}",
				employees,
				chance.choice(COUNTRIES) if index else COUNTRIES[-1],
				parent,
			)
		)
	return rows


def _deals(chance: random.Random, number: int, firms: list[str]) -> Iterable[tuple[Any, ...]]:
	agents = [agent for _office, _manager, agents in TEAMS for agent in agents]
	days = (LAST_DAY - FIRST_DAY).days - 150
	for index in range(number):
		product, _series, price = chance.choice(PRODUCTS)
		stage = chance.choices([name for name, _w in _STAGES], [weight for _n, weight in _STAGES])[0]
		# the first deals show every stage and flaw, even in a short export
		stage = ("Won", "Lost", "Engaging", "Prospecting", "Engaging")[index] if index < 5 else stage
		engaged = FIRST_DAY + datetime.timedelta(days=chance.randrange(days))
		closed = engaged + datetime.timedelta(days=chance.randint(3, 140))
		value = round(price * chance.uniform(0.82, 1.08), 2)
		firm = chance.choice(firms)
		without_account = stage in ("Engaging", "Prospecting") and (
			index == 4 or (index > 4 and chance.random() < 0.4)
		)
		yield (
			f"D{index + 1:05d}",
			chance.choice(agents),
			MISSPELLED.get(product, product),
			"" if without_account else firm,
			stage,
			"" if stage == "Prospecting" else engaged,
			closed if stage in ("Won", "Lost") else "",
			{"Won": f"{value:.2f}", "Lost": "0"}.get(stage, ""),
		)


def _write(path: Path, head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
	with path.open("w", encoding="utf-8", newline="") as stream:
		writer = csv.writer(stream)
		writer.writerow(head)
		writer.writerows(rows)

"""Test how an export of another CRM is read, without a site: names, values, mapping and rejections."""

import csv
import json
from datetime import date
from decimal import Decimal

import pytest

from crm_relations.demo.generate import PRODUCTS, generate
from crm_relations.pipeline.importing import mapping as mappings
from crm_relations.pipeline.importing.reader import ExportError, read
from crm_relations.pipeline.importing.rules import (
	Ambiguous,
	KnownNames,
	ValueProblem,
	containing,
	decimal_separator_of,
	name_key,
	read_count,
	read_date,
	read_number,
	title_of,
)
from crm_relations.pipeline.importing.suggestion import suggest

HEAD = "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value"


@pytest.fixture
def folder(tmp_path):
	"""Write an export of one account, one product, one agent and no deal."""
	(tmp_path / "accounts.csv").write_text(
		"account,sector,year_established,revenue,employees,office_location,subsidiary_of\n"
		"Isdom,medical,2002,3178.24,4540,United States,\n"
	)
	(tmp_path / "products.csv").write_text("product,series,sales_price\nGTX Pro,GTX,4821\n")
	(tmp_path / "sales_teams.csv").write_text("sales_agent,manager,regional_office\nAnna,Dustin,Central\n")
	(tmp_path / "sales_pipeline.csv").write_text(HEAD + "\n")
	return tmp_path


def deals(folder, *lines: str):
	(folder / "sales_pipeline.csv").write_text("\n".join([HEAD, *lines]) + "\n")
	return read(folder, mappings.load()).deals


# names -----------------------------------------------------------------------------------------------------


def test_the_same_letters_and_digits_are_the_same_name():
	known = KnownNames(["GTX Pro", "GTX Plus Pro", "GTX Basic"])
	assert known.match("GTXPro").name == "GTX Pro"
	assert known.match("gtx-plus PRO").how == "spelling"
	assert known.match("GTX Pro").how == "exact"


def test_a_misspelled_name_is_found_by_likeness():
	assert KnownNames(["Technology", "Biotechnology", "Software"]).match("technolgy").name == "Technology"
	assert KnownNames(["Philippines", "Finland"]).match("Philipines").name == "Philippines"


def test_a_name_unlike_all_known_ones_is_not_matched():
	known = KnownNames(["Retail & Wholesale", "Technology"])
	assert known.match("retail") is None
	assert known.match("finance") is None
	assert known.match("--") is None


def test_two_names_equally_near_are_ambiguous_and_not_guessed():
	with pytest.raises(Ambiguous) as problem:
		KnownNames(["Austria", "Australia"], likeness=85).match("Austrlia")
	assert problem.value.names == ["Australia", "Austria"]


def test_two_known_names_of_the_same_letters_are_ambiguous():
	with pytest.raises(Ambiguous):
		KnownNames(["GTX Pro", "GTX-Pro"]).match("GTXPro")


def test_a_name_added_later_is_found():
	known = KnownNames(["Software"])
	assert known.match("Medical") is None
	known.add("Medical")
	assert known.match("medical").name == "Medical"


def test_a_message_names_what_a_part_of_a_name_may_mean():
	names = ["Korea, Republic of", "Korea, Democratic Peoples Republic of", "Koreatown"]
	assert containing("Korea", names) == ["Korea, Democratic Peoples Republic of", "Korea, Republic of"]


def test_keys_ignore_accents_blanks_and_case():
	assert name_key("Café-Bar 2") == name_key("CAFE BAR2") == "cafebar2"


def test_a_new_industry_begins_with_a_capital():
	assert title_of("medical") == "Medical"
	assert title_of("iT services") == "iT services"


# values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
	("text", "separator", "number"),
	[
		("1054", ".", "1054"),
		("1,054.50", ".", "1054.50"),
		("1.054,50", ",", "1054.50"),
		("1 054 321,5", ",", "1054321.5"),
		("-12.5", ".", "-12.5"),
	],
)
def test_numbers_are_read_with_either_separator(text, separator, number):
	assert read_number(text, separator, "value") == Decimal(number)


@pytest.mark.parametrize(
	("texts", "numbers"),
	[
		(["1.234,50 €", "99,00 €"], ["1234.50", "99.00"]),
		(["€ 1,234.50", "$99"], ["1234.50", "99"]),
		(["CHF 1'234.50", "CHF 10.-"], ["1234.50", "10"]),
		(["1.234.567 EUR", "500 EUR"], ["1234567", "500"]),
		(["1.234", "12.000"], ["1234", "12000"]),
		(["(1,000.00)", "US$ 5.5"], ["-1000.00", "5.5"]),
		(["1\u00a0234,5", "-7,25"], ["1234.5", "-7.25"]),
		(["100,-", "2.500,-"], ["100", "2500"]),
	],
)
def test_amounts_are_read_as_their_column_writes_them(texts, numbers):
	separator = decimal_separator_of(texts)
	assert [read_number(text, separator, "value") for text in texts] == [
		Decimal(number) for number in numbers
	]


@pytest.mark.parametrize("text", ["12,3", "abc", "1.2.3", "NaN", "1e", "Infinity"])
def test_what_is_no_number_is_refused_with_the_column(text):
	with pytest.raises(ValueProblem, match="close_value"):
		read_number(text, ".", "close_value")


def test_empty_values_are_none():
	assert read_number("", ".", "x") is None
	assert read_date("", "%Y-%m-%d", "x") is None
	assert read_count("", "x") is None


def test_a_date_that_does_not_exist_is_refused():
	with pytest.raises(ValueProblem, match="2017-02-30"):
		read_date("2017-02-30", "%Y-%m-%d", "close_date")


@pytest.mark.parametrize("text", ["-1", "2.5"])
def test_counts_are_whole_and_not_negative(text):
	with pytest.raises(ValueProblem, match="employees"):
		read_count(text, "employees")


# mapping ---------------------------------------------------------------------------------------------------


def default() -> dict:
	return json.loads(mappings.DEFAULT_MAPPING.read_text(encoding="utf-8"))


def test_the_default_mapping_is_right():
	mapping = mappings.load()
	assert mapping.stages["Won"].outcome == "won"
	assert mapping.annual_revenue_factor == 1_000_000


@pytest.mark.parametrize(
	("change", "key"),
	[
		(lambda data: data.pop("source"), "source"),
		(lambda data: data.pop("deals"), "deals"),
		(lambda data: data.update(decimal_separator=";"), "decimal_separator"),
		(lambda data: data.update(exchange_rate=0), "exchange_rate"),
		(lambda data: data.update(exchange_rate=True), "exchange_rate"),
		(lambda data: data.update(likeness=20), "likeness"),
		(lambda data: data.update(undated="today"), "undated"),
		(lambda data: data.update(colour="red"), "colour"),
		(lambda data: data["deals"]["columns"].pop("account"), "deals.columns.account"),
		(lambda data: data["deals"]["columns"].update(sum="x"), "deals.columns.sum"),
		(lambda data: data["deals"]["stages"]["Won"].update(outcome="yes"), "deals.stages.Won.outcome"),
		(lambda data: data["accounts"].update(file="../accounts.csv"), "accounts.file"),
	],
)
def test_a_wrong_mapping_is_refused_with_its_key(change, key):
	data = default()
	change(data)
	with pytest.raises(mappings.MappingError, match=f"^{key}"):
		mappings.parse(data)


def test_a_mapping_file_that_is_no_json_is_named(tmp_path):
	path = tmp_path / "mapping.json"
	path.write_text("{")
	with pytest.raises(mappings.MappingError, match=r"mapping\.json: is not JSON"):
		mappings.load(path)
	with pytest.raises(mappings.MappingError, match="cannot be read"):
		mappings.load(tmp_path / "none.json")


def test_amounts_are_converted_at_the_rate_of_the_mapping(folder):
	(folder / "sales_pipeline.csv").write_text(
		f"{HEAD}\nA,Anna,GTX Pro,Isdom,Won,2017-01-01,2017-02-01,100.10\n"
	)
	mapping = mappings.parse({**default(), "exchange_rate": "0.9"})
	export = read(folder, mapping)
	assert export.deals.good[0].value == Decimal("90.09")
	assert export.products.good[0].price == Decimal("4338.90")


# rows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
	("line", "reason"),
	[
		("A,Anna,GTX Pro,,Engaging,2017-01-01,,", "account is empty"),
		("A,Anna,GTX Pro,Isdom,Won,2017-01-01,2999-12-31,100", "close_date 2999-12-31 is in the future"),
		(",Anna,GTX Pro,Isdom,Engaging,2017-01-01,,", "opportunity_id is empty"),
		("A,Anna,GTX Pro,Isdom,Hot,2017-01-01,,", 'deal_stage: "Hot"'),
		("A,Anna,GTX Pro,Isdom,Won,2017-01-01,,100", "close_date is empty, but the deal is won"),
		("A,Anna,GTX Pro,Isdom,Won,2017-03-01,2017-02-01,100", "close_date 2017-02-01 is before"),
		("A,Anna,GTX Pro,Isdom,Won,2017-01-01,2017-02-01,", "close_value: a won deal needs"),
		("A,Anna,GTX Pro,Isdom,Won,2017-01-01,2017-02-01,0", "close_value: a won deal needs"),
		("A,Anna,GTX Pro,Isdom,Won,2017-13-01,2017-02-01,9", 'engage_date: "2017-13-01" is not a date'),
		("A,Anna,GTX Pro,Isdom,Won,2017-01-01,2017-02-01,much", 'close_value: "much" is not a number'),
		("A,Anna,GTX Pro,Isdom,Won,2017-01-01,2017-02-01,9,9", "more values than the header"),
	],
)
def test_a_deal_that_cannot_be_read_is_rejected_with_row_and_reason(folder, line, reason):
	file = deals(folder, "OK1,Anna,GTX Pro,Isdom,Engaging,2017-01-01,,", line)
	assert [deal.key for deal in file.good] == ["OK1"]
	(rejection,) = file.rejected
	assert reason in rejection.reason
	assert rejection.row.number == 3
	assert file.rows_in == 2


def test_a_deal_may_lack_product_amount_and_date_of_closing(folder):
	(folder / "sales_pipeline.csv").write_text(
		f"{HEAD}\nA,Anna,,Isdom,Engaging,2017-01-01,3999-12-31,\nB,Anna,,Isdom,Won,2017-01-01,2017-02-01,100\n"
	)
	export = read(folder, mappings.parse(default()))
	assert not export.deals.rejected
	assert (export.deals.good[0].product, export.deals.good[0].closed_on) == ("", None)
	assert export.last_date == date(2017, 2, 1)


ONE_FILE = {
	"source": "one_file",
	"deals": {
		"file": "deals.csv",
		"columns": {
			"key": "Id", "account": "Account", "stage": "Stage", "value": "Amount", "product": "Product",
			"agent": "Owner", "closed_on": "Close",
		},
		"stages": {"Won": {"outcome": "won"}, "Open": {"outcome": "open"}},
	},
}  # fmt: skip


def test_parts_from_one_file_have_their_own_rows_and_labels(tmp_path):
	(tmp_path / "deals.csv").write_text(
		"Id,Product,Account,Stage,Amount,Owner,Close\n"
		'D1,Plan,Werk B,Won,"1.000,50 €",Anna,2026-06-19\nD2,,Werk B,Open,,,\nD3,Plan,,Won,5,Anna,2026-06-19\n'
	)
	export = read(tmp_path, mappings.parse(ONE_FILE))
	parts = {
		part.part.label: ([row.key for row in part.good], part.rows_in)
		for part in (export.accounts, export.products, export.teams, export.deals)
	}
	assert parts == {
		"deals.csv (accounts)": (["Werk B"], 1),
		"deals.csv (products)": (["Plan"], 1),
		"deals.csv (teams)": (["Anna"], 1),
		"deals.csv (deals)": (["D1", "D2"], 3),
	}
	assert export.deals.good[0].value == Decimal("1000.50")
	assert [rejection.row.file for rejection in export.deals.rejected] == ["deals.csv (deals)"]


def test_a_second_row_of_the_same_key_is_rejected_under_a_key_of_its_own(folder):
	line = "A,Anna,GTX Pro,Isdom,Engaging,2017-01-01,,"
	file = deals(folder, line, line, line)
	assert [row.key for row in file.good] == ["A"]
	assert [rejection.key for rejection in file.rejected] == ["A (row 3)", "A (row 4)"]
	assert "is in row 2 already" in file.rejected[0].reason


def test_a_deal_without_any_date_gets_the_last_date_in_the_file(folder):
	file = deals(
		folder,
		"A,Anna,GTX Pro,Isdom,Prospecting,,,",
		"B,Anna,GTX Pro,Isdom,Won,2017-01-01,2017-12-31,100",
	)
	assert file.good[0].opened_on == date(2017, 12, 31)
	assert file.good[0].dated_by_rule and not file.good[1].dated_by_rule


def test_the_last_date_does_not_depend_on_how_many_deals_are_read(folder):
	deals(folder, "A,Anna,GTX Pro,Isdom,Prospecting,,,", "B,Anna,GTX Pro,Isdom,Lost,2017-01-01,2017-12-31,0")
	export = read(folder, mappings.load(), deals=1)
	assert export.deals.rows_in == 1
	assert export.deals.good[0].opened_on == date(2017, 12, 31)


def test_undated_deals_can_be_rejected(folder):
	deals(folder, "A,Anna,GTX Pro,Isdom,Prospecting,,,", "B,Anna,GTX Pro,Isdom,Lost,2017-01-01,2017-12-31,0")
	export = read(folder, mappings.parse({**default(), "undated": "reject"}))
	assert [rejection.reason for rejection in export.deals.rejected] == ["engage_date is empty"]


def test_revenue_is_in_units_and_the_year_of_foundation_is_kept(folder):
	(account,) = read(folder, mappings.load()).accounts.good
	assert account.annual_revenue == Decimal("3178240000.00")
	assert account.notes == "Founded: 2002"


def test_a_missing_file_folder_or_column_is_named(folder):
	(folder / "sales_teams.csv").write_text("agent\nAnna\n")
	with pytest.raises(ExportError, match=r'sales_teams\.csv: has no column "sales_agent"; it has: agent'):
		read(folder, mappings.load())
	(folder / "sales_teams.csv").unlink()
	with pytest.raises(ExportError, match=r"sales_teams\.csv: cannot be read"):
		read(folder, mappings.load())
	with pytest.raises(ExportError, match="is not a folder"):
		read(folder / "none", mappings.load())


def test_a_file_in_another_encoding_is_named(folder):
	(folder / "products.csv").write_bytes("product,series,sales_price\nGerät,GTX,1\n".encode("latin-1"))
	with pytest.raises(ExportError, match="encoding"):
		read(folder, mappings.load())


# generated data --------------------------------------------------------------------------------------------


def test_generated_data_is_the_same_every_time_and_a_longer_one_continues_it(tmp_path):
	one = (generate(tmp_path / "1", deals=30) / "sales_pipeline.csv").read_text()
	same = (generate(tmp_path / "2", deals=30) / "sales_pipeline.csv").read_text()
	longer = (generate(tmp_path / "3", deals=50) / "sales_pipeline.csv").read_text()
	assert one == same
	assert longer.startswith(one)


def test_generated_data_has_every_stage_and_the_flaws_of_real_data(tmp_path):
	folder = generate(tmp_path, deals=5)
	with (folder / "sales_pipeline.csv").open(encoding="utf-8") as stream:
		rows = list(csv.DictReader(stream))
	assert {row["deal_stage"] for row in rows} == {"Won", "Lost", "Engaging", "Prospecting"}
	assert any(not row["account"] for row in rows)
	assert any(not row["engage_date"] for row in rows)
	export = read(folder, mappings.load())
	assert len(export.deals.rejected) == 1
	known = KnownNames([name for name, _series, _price in PRODUCTS])
	longer = read(generate(tmp_path, deals=60), mappings.load())
	written = {deal.product for deal in longer.deals.good}
	assert "PumpeP200" in written
	assert all(known.match(name) for name in written)


# a suggested mapping ---------------------------------------------------------------------------------------


def test_a_mapping_is_suggested_from_headings_and_values(tmp_path):
	(tmp_path / "Verkaufschancen.csv").write_text(
		"Verkaufschance;Firma;Phase;Betrag;Besitzer;Erstellt am;Abschlussdatum\n"
		"Los 1;Werk B;Gewonnen;1.000,50 €;Anna;01.06.2026;19.06.2026\n"
		"Los 2;Werk B;Angebot;;Anna;01.06.2026;\nLos 3;Werk C;Verloren;5,00 €;;01.06.2026;19.06.2026\n",
		encoding="cp1252",
	)
	(tmp_path / "Firmen.csv").write_text("Firma;Branche;Land\nWerk B;Bau;Österreich\n", encoding="cp1252")
	data = suggest(tmp_path)
	assert (data["encoding"], data["delimiter"], data["date_format"]) == ("cp1252", ";", "%d.%m.%Y")
	assert data["deals"]["columns"] == {
		"key": "Verkaufschance",
		"account": "Firma",
		"stage": "Phase",
		"value": "Betrag",
		"agent": "Besitzer",
		"opened_on": "Erstellt am",
		"closed_on": "Abschlussdatum",
	}
	assert {stage: row["outcome"] for stage, row in data["deals"]["stages"].items()} == {
		"Angebot": "open",
		"Gewonnen": "won",
		"Verloren": "lost",
	}
	export = read(tmp_path, mappings.parse(data))
	assert [deal.value for deal in export.deals.good] == [Decimal("1000.50"), None, Decimal("5.00")]
	assert not export.deals.rejected


def test_the_suggestion_for_the_known_export_names_its_files(folder):
	deals(folder, "A,Anna,GTX Pro,Isdom,Won,2017-01-01,2017-02-01,100")
	data, known = suggest(folder), default()
	for part in ("accounts", "products", "teams", "deals"):
		assert data[part]["file"] == known[part]["file"]
		for ours, column in data[part]["columns"].items():
			assert known[part]["columns"][ours] == column


def test_a_folder_without_deals_says_what_is_missing(tmp_path):
	with pytest.raises(ExportError, match="holds no csv file"):
		suggest(tmp_path)
	(tmp_path / "a.csv").write_text("Farbe,Form\nrot,rund\n")
	with pytest.raises(ExportError, match="account, key, stage"):
		suggest(tmp_path)

"""Test how files of relations are read: csv as Excel writes it, vCards, headings, dates and numbers."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_relations.relations.exchange.files import cells, parsing, vcards
from crm_relations.relations.exchange.files.parsing import Record, Unreadable

NAMES = "Nachname;E-Mail\r\nMüller-Lüdenscheidt;a@b.de\r\nÖzgür;ö@b.de\r\n"


@pytest.mark.parametrize(
	("content", "encoding"),
	[
		(NAMES.encode("utf-8"), "utf-8"),
		(b"\xef\xbb\xbf" + NAMES.encode("utf-8"), "utf-8-sig"),
		(NAMES.encode("cp1252"), "cp1252"),
		(b"\xff\xfe" + NAMES.encode("utf-16-le"), "utf-16"),
	],
)
def test_a_file_is_read_in_the_encoding_it_was_written_in(content, encoding):
	table = parsing.read_table(content)
	assert (table.encoding, table.delimiter, table.heading) == (encoding, ";", ["Nachname", "E-Mail"])
	assert [cells[0] for _line, cells in table.rows] == ["Müller-Lüdenscheidt", "Özgür"]


@pytest.mark.parametrize(
	("text", "cells"),
	[
		("a,b\n1,2\n", ["1", "2"]),
		("a\tb\n1\t2\n", ["1", "2"]),
		("sep=|\na|b\n1|2\n", ["1", "2"]),
		('"a;x",b,c\n"1,5",2,3\n', ["1,5", "2", "3"]),
		('a;b\n"zwei\nZeilen";2\n', ["zwei\nZeilen", "2"]),
	],
)
def test_the_delimiter_is_the_one_of_the_heading(text, cells):
	assert parsing.read_table(text.encode()).rows[0][1] == cells


def test_rows_carry_the_number_of_their_line():
	table = parsing.read_table(b'sep=;\na;b\n"1\n1";2\n\n3;4\n')
	assert [line for line, _cells in table.rows] == [3, 6]


@pytest.mark.parametrize("content", [b"", b"\n \n", b'a;b\n"1;2\n'])
def test_a_file_that_is_none_is_refused_with_the_reason(content):
	with pytest.raises(Unreadable) as error:
		parsing.read_table(content)
	assert error.value.message(str)


def test_headings_of_other_programs_are_understood_and_each_field_is_given_once():
	heading = [
		"Vorname",
		"Last Name",
		"E-Mail",
		"E-Mail 2",
		"Tel.",
		"Telefon 2",
		"PLZ",
		"Sternzeichen",
		"Name",
	]
	labels = {"First Name": "first_name", "Last Name": "last_name", "Name": "relation_name"}
	assert parsing.guess_columns(heading, labels) == [
		"first_name",
		"last_name",
		"email_id",
		"further_emails",
		"phone",
		"further_phones",
		"pincode",
		"",
		"relation_name",
	]
	assert parsing.guess_columns(["E-Mail", "Mail"], {}) == ["email_id", "further_emails"]


def test_a_row_keeps_what_no_field_takes_and_further_addresses_with_their_labels():
	heading = ["Name", "Mail", "weitere", "Sternzeichen", parsing.REASON, "weg"]
	targets = ["relation_name", "email_id", "further_emails", "", "", "-"]
	record = parsing.from_row(
		7, ["Anna", "a@b.de", "c@d.de (home) | a@b.de", "Waage", "alt", "x"], heading, targets
	)
	assert record.values == {"relation_name": "Anna", "email_id": "a@b.de"}
	assert record.points == [("Email", "c@d.de", "home")]
	assert record.left == [("Sternzeichen", "Waage")]


def test_a_row_with_too_many_cells_is_refused_and_a_short_one_read():
	heading, targets = ["a", "b"], ["relation_name", "city"]
	assert parsing.from_row(2, ["x", "y", "z"], heading, targets).error
	assert not parsing.from_row(2, ["x", "y", ""], heading, targets).error
	assert parsing.from_row(2, ["x"], heading, targets).values == {"relation_name": "x"}


@pytest.mark.parametrize("text", ["31.12.1980", "1980-12-31", "19801231", "1980-12-31T00:00:00", "31.12.80"])
def test_dates_as_they_are_written(text):
	assert cells.read_date(text) == date(1980, 12, 31)


@pytest.mark.parametrize(
	("text", "number"),
	[
		("1.234,50", 1234.5),
		("1,234.50", 1234.5),
		("1234,5", 1234.5),
		("1.234", 1234),
		("12.5", 12.5),
		("-3", -3),
	],
)
def test_numbers_as_they_are_written(text, number):
	assert cells.read_number(text) == number


@pytest.mark.parametrize(
	("read", "text"),
	[(cells.read_date, "31.02.1980"), (cells.read_number, "zwölf"), (cells.read_check, "vielleicht")],
)
def test_a_value_that_is_none_is_named(read, text):
	with pytest.raises(Unreadable) as error:
		read(text)
	assert text in error.value.message(str)


@given(st.lists(st.lists(st.text(max_size=12), min_size=2, max_size=2), max_size=5))
def test_what_is_written_is_read_again_and_nothing_runs_as_a_formula(rows):
	content = parsing.write_table(["eins", "zwei"], rows)
	for line in content.decode("utf-8-sig").split("\r\n"):
		assert not line.startswith(("=", "+", "-", "@"))
	expected = [
		[cell.replace("\x00", "").strip() for cell in row]
		for row in rows
		if any(c.strip("\x00 ") for c in row)
	]
	if any("\r" in cell or "\n" in cell or "\x00" in cell for row in rows for cell in row):
		return  # line ends inside a cell are kept by quoting, but Python's csv module reads them its own way
	table = parsing.read_table(content)
	found = [[parsing.unguarded(cell).strip() for cell in cells] for _line, cells in table.rows]
	assert [row for row in found if any(row)] == [row for row in expected if any(row)]


@pytest.mark.parametrize(
	("kind", "one", "other", "same"),
	[
		("Person", "Anna Müller", "Dr. Anna Müller", True),
		("Person", "A. Müller", "Anna Müller", True),
		("Person", "Müller, Anna", "Anna Müller", True),
		("Person", "Anna Müller", "Bernd Müller", False),
		("Person", "Anna Müller", "Anna Schmidt", False),
		("Organisation", "Müller GmbH", "Autohaus Müller", True),
	],
)
def test_whether_two_names_at_one_address_mean_the_same(kind, one, other, same):
	assert parsing.same_name(kind, one, other) is same


def test_name_and_kind_follow_from_what_is_given():
	assert parsing.name_of({"first_name": "Anna", "last_name": "B"}, "") == ("Anna B", "Person")
	assert parsing.name_of({}, "Firma") == ("Firma", "Organisation")
	assert parsing.name_of({"relation_name": "Anna B"}, "Firma") == ("Anna B", "Person")
	assert parsing.name_of({"relation_name": "Firma"}, "") == ("Firma", "Organisation")


# ── vCard ──────────────────────────────────────────────────────────────────────────────────────

CARD_4 = """BEGIN:VCARD
VERSION:4.0
UID:urn:uuid:4fbe8971
KIND:individual
FN:Änne Müller-Straße
N:Müller-Straße;Änne;;Frau;
EMAIL;TYPE=home:aenne@privat.example
EMAIL;TYPE=work;PREF=1:A.Mueller@Kunde.example
TEL;VALUE=uri;TYPE="voice,work":tel:+49-221-123456
TEL;TYPE=cell:0170 1234567
TEL;TYPE=fax:0221 99
ADR;TYPE=work:;;Domstr. 1;Köln;;50667;Germany
ADR;TYPE=home:;;Waldweg 2;Bonn;;53111;Germany
ORG:Kunde GmbH;Einkauf
TITLE:Leiterin
BDAY:19800229
NOTE:eins\\nzwei\\, drei
URL:https://kunde.example
PHOTO:data:image/jpeg;base64,AAAA
X-FOO:bar
END:VCARD
"""
CARD_21 = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg;;;
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=B6rg M=C3=BCller
TEL;CELL:0170111
TEL;HOME;FAX:022199
EMAIL;INTERNET:j@m.example
END:VCARD
"""


def test_a_card_of_version_4_loses_nothing():
	(card,), _encoding = vcards.read(CARD_4.replace("\n", "\r\n").encode())
	assert card.values == {
		"uid": "urn:uuid:4fbe8971",
		"relation_name": "Änne Müller-Straße",
		"relation_kind": "Person",
		"first_name": "Änne",
		"last_name": "Müller-Straße",
		"salutation": "Frau",
		"email_id": "A.Mueller@Kunde.example",
		"phone": "+49-221-123456",
		"mobile_no": "0170 1234567",
		"address_line": "Domstr. 1",
		"pincode": "50667",
		"city": "Köln",
		"country": "Germany",
		"designation": "Leiterin",
		"date_of_birth": "19800229",
		"notes": "eins\nzwei, drei",
		"website": "https://kunde.example",
	}
	assert card.points == [
		("Email", "aenne@privat.example", "home"),
		("Fax", "0221 99", ""),
		("Address", "Waldweg 2, 53111 Bonn, Germany", "home"),
	]
	assert card.company == "Kunde GmbH"
	assert card.left == [("ORG", "Einkauf"), ("X-FOO", "bar")] and card.dropped == ["PHOTO"]


def test_a_card_of_version_2_1_with_umlauts_in_quoted_printable():
	(card,), _encoding = vcards.read(CARD_21.encode())
	assert card.values["relation_name"] == "Jörg Müller" and card.values["mobile_no"] == "0170111"
	assert card.points == [("Fax", "022199", "home")]


def test_a_broken_card_takes_no_other_with_it_and_comes_back_with_its_reason():
	content = (
		f"Vorspann\n{CARD_21}BEGIN:VCARD\nFN:kaputt\nohne Doppelpunkt\nEND:VCARD\n{CARD_4}BEGIN:VCARD\nFN:x"
	)
	records, _encoding = vcards.read(content.encode())
	assert [bool(record.error) for record in records] == [True, False, True, False, True]
	text = vcards.rejected(records[2], "Grund, genau")
	assert text.startswith("BEGIN:VCARD\nX-REJECTED:Grund\\, genau\nFN:kaputt")
	again = vcards.read(vcards.rejected(records[1], "x").encode())[0][0]
	assert not again.error and again.values == records[1].values


def test_a_company_card_is_an_organisation():
	text = "BEGIN:VCARD\nVERSION:3.0\nFN:Kunde GmbH\nN:;;;;\nORG:Kunde GmbH\nEMAIL:info@kunde.example\nEND:VCARD\n"
	(card,), _encoding = vcards.read(text.encode())
	assert card.values["relation_kind"] == "Organisation" and card.company == ""


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_what_is_written_as_a_card_is_read_as_it_was(version):
	relation = {
		"relation_name": "Änne Müller; Straße",
		"relation_kind": "Person",
		"first_name": "Änne",
		"last_name": "Müller; Straße",
		"salutation": "Frau",
		"uid": "x-1",
		"email_id": "a@b.example",
		"phone": "+49 221 1",
		"mobile_no": "+49 170 1",
		"address_line": "Domstr. 1, 2. Stock",
		"pincode": "50667",
		"city": "Köln",
		"country": "Germany",
		"designation": "Leiterin",
		"date_of_birth": date(1980, 2, 29),
		"notes": "eins\nzwei, drei; vier\\fünf " + "ä" * 100,
		"website": "https://kunde.example",
		"company": "Kunde GmbH",
		"points": [("Email", "c@d.example", "home"), ("Fax", "0221 99", ""), ("Mobile", "0171", "")],
	}
	(card,), _encoding = vcards.read(vcards.write([relation], version))
	expected = {k: v for k, v in relation.items() if k not in ("points", "company", "date_of_birth")}
	assert cells.read_date(card.values.pop("date_of_birth")) == date(1980, 2, 29)
	assert card.values == expected
	assert sorted(card.points) == sorted(relation["points"]) and card.company == "Kunde GmbH"
	firm = {"relation_name": "Kunde & Co. KG", "relation_kind": "Organisation", "uid": "x-2"}
	(card,), _encoding = vcards.read(vcards.write([firm], version))
	assert card.values == firm and not card.company


def test_the_first_address_fills_the_field_and_the_same_one_is_not_kept_twice():
	record = Record(1)
	for value in ("a@b.de", "c@d.de", "a@b.de", "c@d.de"):
		record.add_point("Email", value)
	assert record.values == {"email_id": "a@b.de"} and record.points == [("Email", "c@d.de", "")]

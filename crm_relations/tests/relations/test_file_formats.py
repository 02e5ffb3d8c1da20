"""Test files of other programs: code pages, headings, addresses, dates, numbers, names, opt-outs and limits."""

import io
import time
from datetime import date

import openpyxl
import pytest

from crm_relations.relations.exchange.files import (
	cells,
	code_pages,
	conventions,
	headings,
	naming,
	opt_outs,
	parsing,
	spreadsheets,
	vcards,
)
from crm_relations.relations.exchange.files.cells import DAY_FIRST, MONTH_FIRST, DayAndMonth
from crm_relations.relations.exchange.files.parsing import Record
from crm_relations.relations.exchange.files.unreadable import Unreadable

LABELS = {"Name": "relation_name", "Notes": "notes", "Position": "designation", "Telefon": "phone"}


def records(text: str | bytes) -> list[Record]:
	table = parsing.read_table(text.encode() if isinstance(text, str) else text)
	return list(parsing.records_of(table, parsing.guess_columns(table.heading, LABELS)))


def seconds(call) -> float:
	start = time.perf_counter()
	call()
	return time.perf_counter() - start


# ── code pages and tables ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
	"encoding", ["cp1252", "mac_roman", "cp850", "utf-8", "utf-16-le", "utf-16", "utf-8-sig"]
)
@pytest.mark.parametrize(
	"text",
	[
		"Vorname;Straße;Ort\r\nJürgen;Kölner Straße 5;Köln\r\nÄnne;Übergasse 1;Fürth\r\n",
		"Name;Ort\r\nMüller;x\r\n",
		"Prénom;Ville\r\nHélène;Besançon\r\nFrançois;Orléans\r\n",
		"Nombre;x\r\nÍñigo Muñoz;y\r\n".replace("Í", "I"),
	],
)
def test_a_short_file_is_read_in_the_code_page_of_windows_old_macs_and_dos(encoding, text):
	assert code_pages.decode(text.encode(encoding))[0] == text


def test_polish_and_czech_names_are_read_in_their_code_page():
	for text in (
		"Imię;Miasto\r\nŁukasz;Łódź\r\nBożena Śliwa;Kraków\r\n",
		"Jméno\r\nŘehoř Dvořák\r\nŠtěpán\r\n",
	):
		assert code_pages.decode(text.encode("cp1250"))[0] == text


def test_titles_above_the_heading_and_footers_below_the_rows_are_no_relations():
	text = (
		"Contacts of the region\n\nFirst Name,Last Name,Email,Phone\n"
		"Ina,Kern,ina@kern.example,\nOlaf,Dietz,,\n\nConfidential Information\nExample Company\n"
	)
	found = records(text)
	assert [bool(record.error) for record in found] == [False, False, True, True]
	assert records("Name;Ort;PLZ\nAnna;Köln;50667\nSumme;1;\n")[-1].error
	assert found[0].values["first_name"] == "Ina"
	# the last row may consist of a name only
	assert not records("Name;Ort;PLZ\nAnna;Köln;50667\nBert;;\n")[-1].error


def test_datev_says_what_the_file_is_above_the_heading():
	text = (
		'"EXTF";700;16;"Debitoren/Kreditoren";5;20260301;;"RE";"";"";1001;1\r\n'
		"Konto;Name (Adressattyp Unternehmen);Name (Adressattyp natürl. Person);Vorname (Adressattyp natürl. Person);"
		"Adressattyp;Anrede;Straße;Postleitzahl;Ort;Land;Telefon;E-Mail;IBAN 1\r\n"
		'10000;"Nordlicht GmbH";"";"";2;"Firma";"Hafen 1";"20457";"Hamburg";"DE";"040 5550199";"info@nl.example";"DE00"\r\n'
		'10001;"";"Sommer";"Eva";1;"Frau";"Weg 2";"01069";"Dresden";"DE";"";"eva@sommer.example";""\r\n'
	)
	firm, person = records(text.encode("cp1252"))
	assert firm.company == "Nordlicht GmbH" and firm.values["city"] == "Hamburg"
	assert parsing.name_of(firm.values, firm.company) == ("Nordlicht GmbH", "Organisation")
	assert parsing.name_of(person.values, person.company) == ("Eva Sommer", "Person")
	assert "DE00" not in str(firm.left)


def test_a_workbook_is_read_as_it_is_shown():
	book = openpyxl.Workbook()
	book.active.title = "leer"
	sheet = book.create_sheet("Kunden")
	sheet.append(["Name", "PLZ", "Geburtsdatum", "Kundennummer", "Newsletter"])
	sheet.append(["Anna Berg", 1069, date(1980, 12, 31), 49.0, True])
	sheet["B2"].number_format = "00000"
	out = io.BytesIO()
	book.save(out)
	assert spreadsheets.is_workbook(out.getvalue())
	table = spreadsheets.read_table(out.getvalue())
	assert table.heading == ["Name", "PLZ", "Geburtsdatum", "Kundennummer", "Newsletter"]
	assert table.rows == [(2, ["Anna Berg", "01069", "1980-12-31", "49", "TRUE"])]
	for content in (b"\xd0\xcf\x11\xe0 old", b"PK\x03\x04 broken"):
		with pytest.raises(Unreadable):
			spreadsheets.read_table(content)


# ── headings ───────────────────────────────────────────────────────────────────────────────────


def test_outlook_gives_the_business_address_and_keeps_the_private_one_beside():
	text = (
		'"Anrede","Vorname","Nachname","Firma","Straße geschäftlich","Straße geschäftlich 2","Ort geschäftlich",'
		'"Postleitzahl geschäftlich","Land/Region geschäftlich","Straße privat","Ort privat","Postleitzahl privat",'
		'"Telefon geschäftlich","Telefon (privat)","Mobiltelefon","E-Mail-Adresse","E-Mail-Typ","E-Mail 2: Adresse",'
		'"Geburtstag","Geschlecht","Ort"\r\n'
		'"Frau","Käthe","Groß","Groß KG","Ring 7","Haus B","Bonn","53111","Deutschland","Weg 2","Siegburg","53721",'
		'"0228 5550104","02241 5550105","0172 5550104","k@gross.example","SMTP","k@privat.example","0.0.00",'
		'"Keine Angabe",""\r\n'
		'"","Lutz","Leer","","","","","","","Am Bach 3","Hürth","50354","","","","","","","4.3.1980","",""\r\n'
	)
	first, second = records(text.encode("cp1252"))
	assert {
		k: first.values[k] for k in ("address_line", "pincode", "city", "country", "email_id", "mobile_no")
	} == {
		"address_line": "Ring 7, Haus B",
		"pincode": "53111",
		"city": "Bonn",
		"country": "Deutschland",
		"email_id": "k@gross.example",
		"mobile_no": "0172 5550104",
	}
	assert first.points == [
		("Phone", "02241 5550105", "home"),
		("Email", "k@privat.example", ""),
		("Address", "Weg 2, 53721 Siegburg", "home"),
	]
	assert "date_of_birth" not in first.values and "gender" not in first.values and not first.left
	assert (second.values["address_line"], second.values["city"]) == ("Am Bach 3", "Hürth")


def test_google_contacts_gives_labels_and_several_values_in_a_cell():
	text = (
		"First Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,"
		"Phone 1 - Value,Phone 2 - Label,Phone 2 - Value,Address 1 - Formatted,Address 1 - Street,Address 1 - City,"
		"Address 1 - Postal Code,Organization Name,Organization Title,Birthday\n"
		"Ada,Byron,* myContacts,* Work,ada@work.example ::: ada@two.example,,,Mobile,+49 170 5550100,Work Fax,+49 221 5550101,"
		'"Weg 1\nKöln",Weg 1,Köln,50667,Engine Ltd,Analyst,--12-10\n'
	)
	(ada,) = records(text)
	assert ada.values["mobile_no"] == "+49 170 5550100" and "phone" not in ada.values
	assert ada.points == [("Email", "ada@two.example", "work"), ("Fax", "+49 221 5550101", "work")]
	assert (ada.company, ada.values["designation"]) == ("Engine Ltd", "Analyst")
	assert ada.left == [("Labels", "* myContacts")]
	old = records(
		"Name,Given Name,Family Name,E-mail 1 - Type,E-mail 1 - Value\nAda Byron,Ada,Byron,* ,a@b.example\n"
	)
	assert old[0].values["email_id"] == "a@b.example" and old[0].values["first_name"] == "Ada"


def test_thunderbird_gives_the_birthday_in_three_columns():
	english = "First Name,Last Name,Primary Email,Work Address,Work City,Birth Year,Birth Month,Birth Day"
	german = "Vorname,Nachname,Primäre E-Mail-Adresse,Dienstlich: Adresse,Dienstlich: Ort,Geburtsjahr,Geburtsmonat,Geburtstag"
	for heading in (english, german):
		full, short = records(f"{heading}\nA,B,a@b.example,Weg 1,Köln,1980,5,7\nC,D,c@d.example,,,,12,24\n")
		assert full.values["date_of_birth"] == "1980-05-07" and full.values["city"] == "Köln"
		assert short.values["date_of_birth"] == "--12-24"


def test_german_lists_put_code_and_city_into_one_column_and_the_house_number_into_another():
	(one,) = records(
		"Name;Straße;Hausnummer;PLZ/Ort;Tel.-Nr.\nA;Lange Gasse;5a;D-50667 Köln am Rhein;0221 123456\n"
	)
	assert one.values == {
		"relation_name": "A",
		"address_line": "Lange Gasse 5a",
		"pincode": "50667",
		"city": "Köln am Rhein",
		"phone": "0221 123456",
	}


def test_the_same_word_means_what_the_program_means_by_it():
	salesforce = ["First Name", "Last Name", "Account Name", "Title", "Email"]
	outlook = ["Title", "First Name", "Middle Name", "Last Name", "Suffix", "Company", "Job Title"]
	assert parsing.guess_columns(salesforce, LABELS)[3] == "designation"
	assert parsing.guess_columns(outlook, LABELS)[0] == "salutation"
	assert parsing.guess_columns(["Vorname", "Name"], LABELS) == ["first_name", "last_name"]
	assert parsing.guess_columns(["Birthday", "Birth Place"], LABELS)[0] == "date_of_birth"


# ── cells ──────────────────────────────────────────────────────────────────────────────────────


def test_letters_are_composed_and_invisible_signs_removed():
	assert cells.clean("Ju\u0308rgen") == "Jürgen"
	assert cells.clean("\u202a+49 170 5550123\u202c") == "+49 170 5550123"
	assert cells.clean("Anna\u200b\u00a0B\u00adauer") == "Anna Bauer"
	assert cells.clean("می\u200cخواهم") == "می\u200cخواهم"  # the joiner is part of the word


@pytest.mark.parametrize(
	"text",
	["0/0/00", "0.0.00", "00.00.0000", "0000-00-00", "Unspecified", "Keine Angabe", "NULL", "-", "#NV"],
)
def test_placeholders_are_empty(text):
	assert cells.is_empty(text)
	assert not cells.is_empty(f"x{text}x")


@pytest.mark.parametrize(
	("text", "order", "found"),
	[
		("15.3.45", "", date(1945, 3, 15)),
		("03/04/1980", DAY_FIRST, date(1980, 4, 3)),
		("03/04/1980", MONTH_FIRST, date(1980, 3, 4)),
		("12/31/1980", "", date(1980, 12, 31)),
		("5/5/80", "", date(1980, 5, 5)),
		("29344", "", date(1980, 5, 3)),
		("15. März 1980", "", date(1980, 3, 15)),
		("Mar 15, 1980", "", date(1980, 3, 15)),
		("15-Mar-80", "", date(1980, 3, 15)),
		("12/31/1980 12:00:00 AM", MONTH_FIRST, date(1980, 12, 31)),
		("1980-12-31T08:00:00Z", "", date(1980, 12, 31)),
		("1604-05-17", "", DayAndMonth(5, 17)),
		("--05-17", "", DayAndMonth(5, 17)),
		("--0229", "", DayAndMonth(2, 29)),
		("17.05.", "", DayAndMonth(5, 17)),
	],
)
def test_dates_are_read_in_the_order_of_the_file_and_never_lie_ahead(text, order, found):
	assert cells.read_date(text, order, today=date(2026, 3, 1)) == found


@pytest.mark.parametrize(
	"text", ["3/4/80", "31.12.2080", "01.01.1900", "30/02/1980", "circa 1960", "1980", "45", "99999999"]
)
def test_a_date_that_cannot_be_told_is_not_guessed(text):
	with pytest.raises(Unreadable):
		cells.read_date(text, "", today=date(2026, 3, 1))


def test_the_order_of_dates_is_decided_once_for_the_file():
	assert cells.date_order(["3/4/80", "12/31/1980"]) == (MONTH_FIRST, [])
	assert cells.date_order(["3/4/80", "31/12/1980 00:00"]) == (DAY_FIRST, [])
	assert cells.date_order(["3/4/80", "7/7/80", "1980-01-01"]) == ("", ["3/4/80"])
	assert cells.date_order(["3/4/80", "31/12/80", "12/31/80"]) == ("", ["3/4/80"])
	assert cells.date_order(["1.2.80"]) == ("", [])


@pytest.mark.parametrize(
	("text", "region", "found"),
	[
		("01/5550181", "AT", "+43 1 5550181"),
		("0660/5550181", "AT", "+43 660 5550181"),
		("044/555 01 82", "CH", "+41 44 555 01 82"),
		("(212) 555-0183 x12", "US", "+1 212-555-0183,12"),
		("(212) 555-0183 ext. 12", "US", "+1 212-555-0183,12"),
		("011 49 221 5550186", "US", "+49 221 5550186"),
		("0049 221 5550186", "US", "+49 221 5550186"),
		("+49 (0)221 5550186", "US", "+49 221 5550186"),
		("0221/5550186 (Zentrale)", "DE", "+49 221 5550186"),
		("0221 5550186 Durchwahl 17", "DE", "+49 221 5550186,17"),
		("Tel.: 0221 5550186 DW 17", "DE", "+49 221 5550186,17"),
		("341 5550173", "DE", "+49 341 5550173"),
		("01 5550181 Kl. 33", "AT", "+43 1 5550181,33"),
	],
)
def test_a_number_is_read_as_people_of_its_country_write_it(text, region, found):
	assert cells.read_phone(text, region).value == found
	assert cells.read_phone(found, "JP").value == found


@pytest.mark.parametrize("text", ["4,93641E+11", "4.9E+11", "keine Nummer", "0221 5550186 oder 0221 5550187"])
def test_a_number_that_cannot_be_restored_is_not_guessed(text):
	with pytest.raises(Unreadable):
		cells.read_phone(text, "DE")


@pytest.mark.parametrize(
	("text", "region", "found"),
	[
		("1069", "DE", "01069"),
		("1069.0", "DE", "01069"),
		("D-50667", "DE", "50667"),
		("1010", "AT", "1010"),
		("8001", "CH", "8001"),
		("2134", "US", "02134"),
		("1069", "", "1069"),
		("118", "IT", "00118"),
		("SW1A 1AA", "GB", "SW1A 1AA"),
	],
)
def test_postal_codes_get_their_zeros_back_where_the_country_is_known(text, region, found):
	assert cells.read_postal_code(text, region) == found


# ── names ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
	("name", "values", "kind"),
	[
		("Hilde Einzel", {"email_id": "hilde@einzel.example"}, "Person"),
		("Einzel, Hans", {}, "Person"),
		("Xaverine Quast", {"email_id": "x.quast@web.example"}, "Person"),
		("Dr. Xaverine Quast", {}, "Person"),
		("Müller GmbH", {}, "Organisation"),
		("Schmidt & Partner", {}, "Organisation"),
		("Acme, Inc.", {}, "Organisation"),
		("Turnverein Eintracht", {}, "Organisation"),
		("Nordwind Energie", {"email_id": "info@nordwind-energie.example"}, "Organisation"),
		("Nordwind Energie", {}, ""),
		("Einwort", {}, ""),
	],
)
def test_a_name_tells_whether_it_is_a_persons(name, values, kind):
	assert naming.kind_of(name, values) == kind


@pytest.mark.parametrize(
	("name", "parts"),
	[
		("Hans Einzel", ("Hans", "Einzel")),
		("Einzel, Hans", ("Hans", "Einzel")),
		("Dr. Anna von der Heide", ("Anna", "von der Heide")),
		("Heide, Anna von der", ("Anna", "von der Heide")),
		("John Smith, Jr.", ("John", "Smith")),
		("Madonna", ("", "Madonna")),
	],
)
def test_a_full_name_is_parted(name, parts):
	assert naming.split(name) == parts


def test_names_that_tell_nothing_follow_the_others_of_the_file_and_the_users_choice():
	def kinds(names, choice=conventions.NAMES_BY_ROW):
		rows = [Record(number, {"relation_name": name}) for number, name in enumerate(names)]
		found = conventions.survey(rows, ["date_of_birth"], names=choice)
		for row in rows:
			found.settle(row)
		return [row.values.get("relation_kind", "") for row in rows]

	assert kinds(["Anna Berg", "Karl Thal", "Xaverine Quast"]) == ["Person"] * 3
	assert kinds(["Berg GmbH", "Thal AG", "Nordwind Energie"]) == ["Organisation"] * 3
	assert kinds(["Nordwind Energie"]) == [""]
	assert kinds(["Berg GmbH"], conventions.PERSONS) == ["Person"]
	assert kinds(["Anna Berg"], conventions.ORGANISATIONS) == ["Organisation"]


# ── opt-outs ───────────────────────────────────────────────────────────────────────────────────


def said(heading: str, row: str) -> dict[str, date | None]:
	(record,) = records(f"Email;{heading}\na@b.example;{row}\n")
	return {
		one.channel: one.on for one in opt_outs.read(record.marks, lambda text: cells.read_date(text, ""))
	}


@pytest.mark.parametrize(
	("heading", "row", "found"),
	[
		("Email Opt Out", "1", ["Email"]),
		("HasOptedOutOfEmail;DoNotCall", "TRUE;true", ["Email", "Phone"]),
		("Do Not Call", "Ja", ["Phone"]),
		("Unsubscribed from all email", "true", ["Email"]),
		("Unsubscribed from all email", "false", []),
		("Email hard bounce reason", "UNKNOWN_USER", ["Dead Address"]),
		("Email hard bounce reason", "NONE", []),
		("Werbesperre", "x", ["Email", "Phone", "Letter"]),
		("Do not allow Emails;Do not allow Phone Calls", "Do Not Allow;Allow", ["Email"]),
		("E-Mail erlaubt", "nein", ["Email"]),
		("E-Mail erlaubt", "ja", []),
		("Email marketing status", "Unsubscribed", ["Email"]),
		("Email marketing status", "cleaned", ["Dead Address"]),
		("Email marketing status", "subscribed", []),
		("Nicht anrufen", "vielleicht", ["Phone"]),
		("deactivated;bounced", "0;0", []),
		("Opted out of email: Marketing Information", "true", ["Email"]),
		("E-Mail-Opt-out (Newsletter)", "ja", ["Email"]),
		("Telefon: keine Anrufe", "x", ["Phone"]),
		("Widerspruch gegen Werbung", "x", ["Email", "Phone", "Letter"]),
		("Fax Opt Out;SMS opt-out;Unsubscribe reason", "1;1;never", []),
	],
)
def test_an_opt_out_of_another_system_is_understood_by_channel(heading, row, found):
	assert sorted(said(heading, row)) == sorted(found)


def test_an_opt_out_has_the_date_of_its_column():
	assert said("UNSUB_TIME;UNSUB_REASON", "2024-03-12 10:15:00;NORMAL") == {"Email": date(2024, 3, 12)}
	assert said("CLEAN_TIME", "2023-01-31 10:15:00") == {"Dead Address": date(2023, 1, 31)}
	assert said("Do Not Call;Opt-out Date", "yes;12.03.2024") == {"Phone": date(2024, 3, 12)}
	assert said("Abgemeldet", "12.03.2024") == {"Email": date(2024, 3, 12)}


def test_a_status_is_one_of_a_newsletter_only_if_its_words_say_so():
	assert opt_outs.is_status(["subscribed", "Unsubscribed", "", "cleaned"])
	assert not opt_outs.is_status(["active", "pending"]) and not opt_outs.is_status(["unsubscribed", "Kunde"])


# ── vCards ─────────────────────────────────────────────────────────────────────────────────────


def card(lines: str) -> Record:
	(record,) = vcards.read(f"BEGIN:VCARD\nVERSION:3.0\n{lines}\nEND:VCARD\n".encode())[0]
	return record


def test_quoted_printable_needs_no_name_of_its_parameter_and_knows_its_character_set():
	found = card(
		"fn;quoted-printable:J=C3=BCrgen D=C3=BCrr\nn;quoted-printable:D=C3=BCrr;J=C3=BCrgen\n"
		"note;quoted-printable:eins=0D=0A=\nzwei gr=C3=BC=C3=9Fe\ntel;work:0221 5550140\n"
		"org;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:D=FCrr =3B Co"
	)
	assert (found.values["relation_name"], found.values["last_name"]) == ("Jürgen Dürr", "Dürr")
	assert found.values["notes"] == "eins\nzwei grüße" and found.company == "Dürr ; Co"


def test_apples_labels_groups_and_pictures_are_understood():
	found = card(
		"N:Brandt;Jule;;;\nFN:Jule Brandt\nitem1.EMAIL;type=INTERNET;type=pref:j@a.example\nitem1.X-ABLabel:_$!<Work>!$_\n"
		"item2.EMAIL:j@b.example\nitem2.X-ABLabel:_$!<Home>!$_\nitem3.TEL:\u202a+49 170 5550123\u202c\n"
		"item3.X-ABLabel:Mobil\nBDAY;X-APPLE-OMIT-YEAR=1604:1604-03-15\nPHOTO;ENCODING=b;TYPE=JPEG:/9j/\n AAQ="
	)
	assert found.values["mobile_no"] == "+49 170 5550123" and found.values["date_of_birth"] == "1604-03-15"
	assert (
		found.points == [("Email", "j@b.example", "home")] and found.dropped == ["PHOTO"] and not found.left
	)
	group = card(
		"N:Freunde;;;;\nFN:Freunde\nX-ADDRESSBOOKSERVER-KIND:group\nX-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1"
	)
	assert "group" in group.error.message(str)


def test_a_card_that_never_ends_takes_no_other_with_it():
	text = "BEGIN:VCARD\nFN:offen\nBEGIN:VCARD\nVERSION:3.0\nFN:Anna B\nN:B;Anna\nEND:VCARD\n"
	first, second = vcards.read(text.encode())[0]
	assert first.error and second.values["relation_name"] == "Anna B"


# ── limits ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
	"content",
	[
		b"BEGIN:VCARD\n" * 8_000,
		b"BEGIN:VCARD\nFN:x\nA" + b";a=b" * 50_000 + b"\nEND:VCARD\n",
		b"BEGIN:VCARD\nFN:x\nA;" + b'"' * 200_000 + b"\nEND:VCARD\n",
		b"BEGIN:VCARD\nNOTE:x\n" + b" a\n" * 100_000 + b"END:VCARD\n",
		b"BEGIN:VCARD\nNOTE;QUOTED-PRINTABLE:x=\n" + b"a=\n" * 100_000 + b"END:VCARD\n",
		b"BEGIN:VCARD\nFN:x\nTEL:" + b" " * 90_000 + b"1\nORG:" + b";" * 90_000 + b"\nEND:VCARD\n",
	],
)
def test_reading_a_crafted_card_takes_time_that_grows_with_its_length(content):
	assert seconds(lambda: vcards.read(content)) < 2


def test_more_columns_rows_or_letters_than_a_program_writes_are_refused_before_work_is_done(monkeypatch):
	wide = ";".join(f"c{number}" for number in range(200_000)).encode()

	def refused():
		with pytest.raises(Unreadable, match="columns"):
			parsing.read_table(wide + b"\n" + b";" * 200_000)

	assert seconds(refused) < 3
	monkeypatch.setattr(parsing, "MAX_ROWS", 3)
	with pytest.raises(Unreadable, match="rows"):
		parsing.read_table(b"a;b\n" + b"1;2\n" * 30)
	with pytest.raises(Unreadable, match="rows"):
		vcards.read(b"BEGIN:VCARD\nFN:x\nEND:VCARD\n" * 5)
	table = parsing.read_table(b"Name;x\nAnna;" + b"y" * (parsing.MAX_CELL + 1))
	assert next(iter(parsing.records_of(table, ["relation_name", ""]))).error


def test_a_workbook_that_unpacks_to_more_than_is_allowed_is_refused(monkeypatch):
	out = io.BytesIO()
	openpyxl.Workbook().save(out)
	monkeypatch.setattr(spreadsheets, "MAX_UNPACKED", 100)
	with pytest.raises(Unreadable, match="larger"):
		spreadsheets.read_table(out.getvalue())


def test_long_cells_cost_no_more_than_their_length():
	for text in (
		" " * 90_000 + "a",
		"1" * 90_000,
		"a " * 45_000,
		"(" * 90_000,
		"a@" * 45_000,
		"1 / " * 22_000,
	):
		for read in (
			cells.clean,
			cells.is_empty,
			lambda t: cells.read_postal_code(t, "DE"),
			naming.kind_of,
			naming.split,
		):
			assert seconds(lambda: read(text)) < 1  # noqa: B023
		for read in (cells.read_date, cells.read_number, lambda t: cells.read_phone(t, "DE")):

			def refused():
				with pytest.raises(Unreadable):
					read(text)  # noqa: B023

			assert seconds(refused) < 1
		for kind in parsing.POINT_TYPES:
			assert seconds(lambda: parsing.split_points(kind, text, text)) < 1  # noqa: B023
		assert seconds(lambda: headings.guess_columns([text], {})) < 1  # noqa: B023

"""Test imports from other programs: namesakes, empty cells, opt-outs, questions and limits."""

import io
import json

import frappe
import openpyxl
import pytest
from rq.timeouts import JobTimeoutException

from crm_relations.campaigns.consents import decisions, deliverability
from crm_relations.relations.exchange import api, importing, planning
from crm_relations.relations.network import links
from crm_relations.tests.relations.test_exchange import figures, new_import, preview
from crm_relations.tests.support.factories import insert, relation, unique, user

pytestmark = pytest.mark.site


@pytest.fixture(autouse=True)
def nothing_is_committed(monkeypatch):
	"""Disable the engine's commit of each page, so that the test can roll back."""
	monkeypatch.setattr(frappe.db, "commit", lambda *args, **kwargs: None)


def imported(content: bytes | str, name: str = "liste.csv", **values):
	"""Run the import, and return it with the relations that it made."""
	before = set(frappe.get_all("Relation", pluck="name", limit=0))
	doc = new_import(content, name, **values)
	importing.check(doc.name)
	importing.run(doc.name)
	doc.reload()
	made = sorted(set(frappe.get_all("Relation", pluck="name", limit=0)) - before)
	return doc, [frappe.get_doc("Relation", one) for one in made]


# ── matching ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
	("heading", "one", "other"),
	[
		("Geburtstag", "01.02.1950", "03.04.1990"),
		("Ort", "Köln", "Hamburg"),
		("PLZ;Ort", "50667;Köln", "50668;Köln"),
		("Firma", "Alpha GmbH", "Beta AG"),
		("E-Mail", "a@one-x.example", "b@two-x.example"),
		("Telefon", "+49 221 5550100", "+49 221 5550101"),
	],
)
def test_two_of_one_name_are_two_if_a_strong_field_differs_and_importing_again_changes_nothing(
	heading, one, other
):
	last = unique("Namensgleich").replace(" ", "")
	text = f"Vorname;Nachname;{heading}\nPeter;{last};{one}\nPeter;{last};{other}\n"
	doc, made = imported(text)
	assert figures(doc) == (2, 0, 0, 0)
	assert len([r for r in made if r.relation_kind == "Person"]) == 2
	again, more = imported(text)
	assert figures(again) == (0, 0, 2, 0) and not more


def test_a_user_who_may_not_write_birthdays_does_not_merge_two_either():
	last = unique("Ohnerecht").replace(" ", "")
	frappe.set_user(user(None, "Relation User"))
	text = f"Vorname;Nachname;Geburtstag\nPeter;{last};01.02.1950\nPeter;{last};03.04.1990\n"
	doc, made = imported(text)
	assert figures(doc) == (2, 0, 0, 0) and [r.date_of_birth for r in made] == [None, None]


def test_a_message_names_no_relation_that_the_user_may_not_read():
	secret = relation(unique("Geheime Fille"), country="France", email_id="info@fille-z.example")
	twin = relation(unique("Fille Zwei"), country="France")
	relation(twin.relation_name, country="France")
	reader = user(None, "Relation User")
	insert("User Permission", user=reader, allow="Country", for_value="Germany", apply_to_all_doctypes=1)
	person = relation(
		unique("Claire Cachée"), kind="Person", country="France", email_id="claire@fille-z.example"
	)
	frappe.set_user(reader)
	_doc, rows = preview(
		"Vorname;Nachname;E-Mail;Firma\n"
		f"Eva;Offen-Z;claire@fille-z.example;\n"
		f"Udo;Offen-Z;udo@offen-z.example;{twin.relation_name}\n"
	)
	assert "claire@fille-z.example belongs to a relation that you may not read" in rows[2]["reason"]
	said = str(rows)
	assert not any(
		name in said for name in (person.relation_name, person.name, secret.name, f"({twin.name})")
	)


def test_a_row_that_says_less_is_the_relation_that_is_there():
	last = unique("Schmal").replace(" ", "")
	known = relation(f"Anna {last}", kind="Person", city="Köln", date_of_birth="1980-01-02")
	_doc, rows = preview(f"Vorname;Nachname;PLZ\nAnna;{last};50667\n")
	assert rows[2]["relation"] == known.name


def test_father_and_son_at_one_address_are_two():
	last = unique("Senior").replace(" ", "")
	text = f"Vorname;Nachname;E-Mail;Geburtstag\nKarl;{last};wir@s-x.example;01.02.1950\nKarl;{last};wir@s-x.example;03.04.1980\n"
	doc, made = imported(text)
	assert figures(doc) == (2, 0, 0, 0) and len(made) == 2
	again, more = imported(text)
	assert figures(again) == (0, 0, 2, 0) and not more


def test_an_employer_of_whose_name_there_are_two_is_neither_guessed_nor_made_again():
	name = unique("Müller GmbH")
	for _number in range(2):
		relation(name)
	text = "Vorname;Nachname;E-Mail;Firma\n" + "".join(
		f"Anke;Holt{number};a{number}@zwei-x.example;{name}\n" for number in range(3)
	)
	doc, rows = preview(text)
	assert "Several organizations have this name, none is linked" in rows[2]["details"][0]
	assert json.loads(doc.findings)["remarks"][0]["count"] == 3
	_doc, made = imported(text)
	assert [r.relation_kind for r in made] == ["Person"] * 3
	assert {r.notes for r in made} == {f"Company: {name}"}
	again, more = imported(text)
	assert figures(again) == (0, 0, 3, 0) and not more
	assert frappe.db.count("Relation", {"relation_name": name}) == 2


def test_a_known_employer_is_kept_where_there_are_two_of_the_name():
	name = unique("Zwilling AG")
	first = relation(name)
	relation(name)
	person = relation(unique("Eva Treu"), kind="Person", email_id="eva@treu-x.example")
	links.link(person.name, "works for", first.name)
	doc, _rows = preview(f"Name;Art;E-Mail;Firma\n{person.relation_name};Person;eva@treu-x.example;{name}\n")
	assert figures(doc) == (0, 0, 1, 0)


def test_an_employer_is_made_once_for_all_its_rows():
	name = unique("Einmal AG")
	text = "Vorname;Nachname;Firma\n" + "".join(f"Anke;Holt{number};{name}\n" for number in range(3))
	doc, made = imported(text)
	assert figures(doc) == (3, 0, 0, 0)
	assert [r.relation_name for r in made if r.relation_kind == "Organisation"] == [name]


def test_organisations_of_one_name_are_two_by_their_town_domain_or_number_and_importing_again_changes_nothing():
	for heading, one, other, made_of in (
		("Ort", "Köln", "Hamburg", 2),
		("E-Mail", "info@one-y.example", "info@two-y.example", 2),
		("E-Mail", "info@one-z.example", "sales@one-z.example", 1),
		("Telefon", "+49 221 5550100", "+49 40 5550101", 2),
		("PLZ;Telefon", "50667;+49 221 5550100", "50667;+49 221 5550101", 1),
	):
		name = unique("Gleich GmbH")
		text = f"Firma;{heading}\n{name};{one}\n{name};{other}\n"
		_doc, made = imported(text)
		assert len(made) == made_of, heading
		again, more = imported(text)
		assert figures(again)[2:] == (2, 0) and not more, heading


# ── empty stays empty ──────────────────────────────────────────────────────────────────────────


def test_an_empty_cell_is_not_filled_with_a_default_of_the_site_the_user_or_a_permission():
	currency, territory = "EUR", frappe.get_all("Territory", pluck="name", limit=1)[0]
	defaults = {
		"country": "Germany",
		"language": "de",
		"territory": territory,
		"revenue_currency": currency,
		"salutation": "Mr",
		"city": "Berlin",
	}
	for key, value in defaults.items():
		frappe.defaults.set_global_default(key, value)
	insert(
		"Property Setter",
		doctype_or_field="DocField",
		doc_type="Relation",
		field_name="pincode",
		property="default",
		property_type="Data",
		value="12345",
	)
	frappe.clear_cache(doctype="Relation")
	reader = user(None, "Relation User")
	insert("User Permission", user=reader, allow="Country", for_value="Germany", apply_to_all_doctypes=1)
	text = "Vorname;Nachname;E-Mail;Firma;Land\nAnna;Leer-X;anna@leer-x.example;Leere Firma X;\n"
	try:
		frappe.local.new_doc_templates = {}
		assert frappe.new_doc("Relation").country == "Germany"  # the default of Frappe
		for someone in ("Administrator", reader):
			frappe.set_user(someone)
			frappe.local.new_doc_templates = {}
			text = text.replace("Leer", f"Leer{someone[0]}").replace("leer", f"leer{someone[0].lower()}")
			_doc, made = imported(text)
			assert len(made) == 2
			for doc in made:
				assert not any(
					doc.get(field) for field in (*defaults, "pincode", "responsible")
				), doc.as_dict()
	finally:
		frappe.set_user("Administrator")
		frappe.db.rollback()
		frappe.clear_cache()
		frappe.local.new_doc_templates = {}


# ── formats ────────────────────────────────────────────────────────────────────────────────────


def test_dates_that_can_be_read_in_two_ways_are_asked_about_and_not_guessed():
	text = "Vorname;Nachname;Geburtstag\nAnna;Frage-X;3/4/1980\n"
	doc, rows = preview(text)
	(question,) = json.loads(doc.findings)["questions"]
	assert question["field"] == "date_order" and question["examples"] == ["3/4/1980"]
	assert "can be read in two ways" in rows[2]["details"][0]
	_doc, (anna,) = imported(text.replace("Frage", "Frage2"))
	assert not anna.date_of_birth and anna.notes == "Date Of Birth: 3/4/1980"
	for order, born in (("Day before Month", "1980-04-03"), ("Month before Day", "1980-03-04")):
		doc, (anna,) = imported(text.replace("Frage", order[:3]), date_order=order)
		assert str(anna.date_of_birth) == born and not json.loads(doc.findings)["questions"]


def test_what_a_spreadsheet_has_damaged_is_mended_or_kept_in_the_notes():
	text = (
		"Vorname;Nachname;PLZ;Land;Telefon;Geburtsdatum\n"
		"Carla;Heil-X;1069;Deutschland;0351 5550171;15.3.45\n"
		"Doro;Heil-X;7743;Deutschland;4,93641E+11;03/04/1980\n"
		"Emil;Heil-X;1010;Österreich;01/5550181;12/31/1980\n"
	)
	doc, made = imported(text)
	found = {r.first_name: (r.pincode, r.phone or "", str(r.date_of_birth), r.notes or "") for r in made}
	assert figures(doc) == (3, 0, 0, 0)
	assert found == {
		"Carla": ("01069", "+49 351 5550171", "1945-03-15", ""),
		"Doro": ("07743", "", "1980-03-04", "Phone: 4,93641E+11"),
		"Emil": ("1010", "+43 1 5550181", "1980-12-31", ""),
	}
	assert {r["text"] for r in json.loads(doc.findings)["remarks"]} == {
		"Postal Code is read with its zeros",
		"Phone goes into the notes",
	}


def test_persons_in_a_single_column_are_recognised_and_the_preview_says_so():
	text = "Name;E-Mail\nHilde Solo-X;hilde@solo-x.example\nSolo-X, Hans;hans@solo-x.example\nSolo-X GmbH;info@solo-x.example\n"
	doc, rows = preview(text)
	assert rows[3]["details"] == ["Read as a person by the name: Hans / Solo-X"]
	assert json.loads(doc.findings)["remarks"][0]["count"] == 2
	_doc, made = imported(text)
	assert sorted((r.relation_kind, r.relation_name, r.first_name or "") for r in made) == [
		("Organisation", "Solo-X GmbH", ""),
		("Person", "Hans Solo-X", "Hans"),
		("Person", "Hilde Solo-X", "Hilde"),
	]
	_doc, made = imported(text.replace("olo-X", "ole-Y"), names_as="Organisations")
	assert {r.relation_kind for r in made} == {"Organisation"}


def test_what_saving_rewrites_is_known_again_at_the_next_import():
	tag = "".join(
		chr(97 + int(digit, 16)) for digit in frappe.generate_hash(length=8)
	)  # names have no digits
	text = (
		"Name;Notizen;Farbe;E-Mail\n"
		f"Einzel{tag}, Hans;Rückfrage an Anna <a@{tag}.example>;<b>rot</b>;\n"
		f'  Hilde   Einzel{tag} ;1 < 2 & 3;;"Hilde <hilde@{tag}.example>"\n'
	)
	_doc, made = imported(text)
	assert sorted(r.relation_name for r in made) == [f"Hans Einzel{tag}", f"Hilde Einzel{tag}"]
	assert f"hilde@{tag}.example" in {r.email_id for r in made}
	again, more = imported(text)
	assert figures(again) == (0, 0, 2, 0) and not more


def test_a_workbook_is_imported_like_a_csv_file():
	book = openpyxl.Workbook()
	book.active.append(["Vorname", "Nachname", "E-Mail", "PLZ", "Land"])
	book.active.append(["Xenia", "Blatt-X", "xenia@blatt-x.example", 1069, "Deutschland"])
	book.active.append(["", "Blatt-Y", "y@blatt-x.example", None, None])
	out = io.BytesIO()
	book.save(out)
	doc, made = imported(out.getvalue(), "kunden.xlsx")
	assert doc.file_format == "xlsx" and figures(doc) == (2, 0, 0, 0)
	assert {(r.relation_name, r.pincode or "") for r in made} == {("Xenia Blatt-X", "01069"), ("Blatt-Y", "")}


def test_a_value_for_the_other_kind_does_not_reject_the_row():
	doc, rows = preview("Name;Art;Marktausrichtung\nAnna Art-X;Person;B2B\n")
	assert figures(doc) == (1, 0, 0, 0)
	assert rows[2]["details"][0].startswith("Market Orientation goes into the notes")


# ── opt-outs ───────────────────────────────────────────────────────────────────────────────────


def test_opt_outs_become_objections_by_channel_dated_and_with_their_source_and_only_once():
	text = (
		"First Name,Last Name,Email,Phone,Email Opt Out,Do Not Call,Opt-out Date,Email hard bounce reason\n"
		"Ulla,Ab-X,ulla@ab-x.example,+49 221 5550177,TRUE,,2024-03-12,\n"
		"Rolf,Ab-X,rolf@ab-x.example,+49 221 5550178,0,yes,,\n"
		"Dora,Ab-X,dora@ab-x.example,,,,,UNKNOWN_USER\n"
	)
	doc, rows = preview(text)
	assert (doc.objections_email, doc.objections_phone, doc.objections_letter, doc.dead_addresses) == (
		1,
		1,
		0,
		1,
	)
	assert "Email Opt Out: TRUE" in rows[2]["details"][0]
	_doc, made = imported(text)
	ulla, rolf, _dora = (next(r for r in made if r.first_name == name) for name in ("Ulla", "Rolf", "Dora"))
	refused = decisions.lookup(ulla.name, "ulla@ab-x.example", "Email")
	assert not refused.allowed and refused.consent
	event = frappe.get_doc("Relation Consent", refused.consent)
	assert str(event.given_at).startswith("2024-03-12") and "Email Opt Out: TRUE" in event.source
	assert _doc.name in event.proof
	assert decisions.lookup(rolf.name, "+49 221 5550178", "Phone").reason == refused.reason
	assert decisions.lookup(rolf.name, "rolf@ab-x.example", "Email").reason != refused.reason
	assert set(deliverability.undeliverable({"dora@ab-x.example", "rolf@ab-x.example"})) == {
		"dora@ab-x.example"
	}
	events = frappe.db.count("Relation Consent")
	again, _made = imported(text)
	assert figures(again) == (0, 0, 3, 0) and frappe.db.count("Relation Consent") == events


def test_an_opt_out_holds_although_its_row_has_no_name_or_is_rejected():
	known = relation(unique("Bekannt"), kind="Person", email_id="bekannt@weg-x.example")
	text = (
		"Email Address,LAST_CHANGED,UNSUB_TIME\n"
		"bekannt@weg-x.example,2024-01-01,2023-05-06 07:08:09\n"
		"fremd@weg-x.example,2024-01-01,2023-05-06 07:08:09\n"
	)
	doc, made = imported(text)
	assert not made and doc.rejected == 1 and doc.objections_email == 2
	for address, person in (("bekannt@weg-x.example", known.name), ("fremd@weg-x.example", None)):
		found = decisions.lookup(person, address, "Email")
		assert found.consent and not found.allowed
		assert str(frappe.db.get_value("Relation Consent", found.consent, "given_at")).startswith(
			"2023-05-06"
		)


def test_an_old_opt_out_does_not_lift_a_later_consent_and_a_bounce_not_a_sign_of_life():
	person = relation(unique("Neu Gefragt"), kind="Person", email_id="neu@gefragt-x.example")
	decisions.record(
		person.name,
		person.email_id,
		"Email",
		"Given",
		source="Form",
		legal_basis="Consent, Art. 6 (1) (a) GDPR",
		given_at="2025-01-01 10:00:00",
	)
	deliverability.note_bounce(person.email_id, permanent=True)
	deliverability.mark_deliverable(person.email_id)
	text = f"Name;Art;E-Mail;Abgemeldet am;Bounce Date\n{person.relation_name};Person;{person.email_id};01.02.2024;01.02.2024\n"
	for _run in range(2):
		imported(text)
		assert decisions.lookup(person.name, person.email_id, "Email").allowed
		assert not deliverability.undeliverable({person.email_id})
		assert frappe.db.count("Relation Consent", {"relation": person.name, "event": "Withdrawn"}) == 2


def test_a_status_column_is_understood_by_its_words():
	doc = new_import("Name;E-Mail;Status\nA;a@s-x.example;subscribed\nB;b@s-x.example;unsubscribed\n")
	assert [row.target for row in doc.columns][2] == "optout_status"
	doc = new_import("Name;E-Mail;Status\nA;a@s-x.example;Kunde\nB;b@s-x.example;unsubscribed\n")
	assert [row.target for row in doc.columns][2] == ""


def test_the_time_out_of_a_job_is_no_reason_to_reject_a_row(monkeypatch):
	doc = new_import("Name\nFirma Zeit-X\n")
	importing.check(doc.name)

	def too_late(self, record):
		raise JobTimeoutException

	monkeypatch.setattr(planning.Planner, "plan_one", too_late)
	with pytest.raises(JobTimeoutException):
		importing.run(doc.name)
	with pytest.raises(JobTimeoutException):
		importing.check(doc.name)


# ── limits ─────────────────────────────────────────────────────────────────────────────────────


def test_of_a_large_file_only_the_beginning_is_read_while_the_user_waits(monkeypatch):
	monkeypatch.setitem(importing.AT_ONCE_BYTES, importing.CSV, 500)
	queued = []
	monkeypatch.setattr(importing, "_enqueue", lambda method, doc: queued.append(method))
	read = []
	read_table = importing._read_table
	monkeypatch.setattr(importing, "_read_table", lambda *args: read.append(args[2:]) or read_table(*args))
	doc = new_import("Name;Ort\n" + "".join(f"Groß-X {number};Köln\n" for number in range(150)))
	assert (doc.rows_total, [row.target for row in doc.columns]) == (0, ["relation_name", "city"])
	assert read == [(importing.SAMPLE,)]
	api.check_import(doc.name)
	assert queued == [importing.check_job]
	importing.check(doc.name)
	doc.reload()
	assert doc.rows_total == 150


def test_a_file_of_too_many_columns_is_refused_with_the_reason():
	with pytest.raises(frappe.ValidationError, match="At most 1000"):
		new_import(";".join(f"c{number}" for number in range(200_000)) + "\n1\n")


def test_a_rejected_row_with_more_cells_than_the_heading_does_not_widen_the_others():
	doc, _made = imported("Name;Ort;x\nA;B;C;" + ";".join("1" * 5_000) + "\n;Köln;\n")
	assert doc.rejected == 2
	with open(frappe.get_doc("File", {"file_url": doc.rejected_file}).get_full_path(), "rb") as stream:
		assert len(stream.read()) < 12_000

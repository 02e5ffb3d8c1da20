"""Test import and export of relations: preview, killed jobs, rejected rows, permissions and the round trip."""

import csv
import io
import json
from collections.abc import Iterator

import frappe
import pytest

from crm_relations.relations.creation import merge
from crm_relations.relations.exchange import api, exporting, fields, importing, planning
from crm_relations.relations.exchange.files import parsing, vcards
from crm_relations.relations.network import links
from crm_relations.tests.support.factories import insert, relation, unique, user

pytestmark = pytest.mark.site


@pytest.fixture
def clean() -> Iterator[str]:
	"""Yield a tag for all names, by which the committed records are found and removed."""
	tag = f"x{frappe.generate_hash(length=8)}"
	imports = set(frappe.get_all("Relation Import", pluck="name"))
	yield tag
	frappe.db.rollback()
	frappe.set_user("Administrator")
	for name in set(frappe.get_all("Relation Import", pluck="name")) - imports:
		frappe.delete_doc("Relation Import", name, force=True)
	for name in frappe.get_all("Relation", {"relation_name": ["like", f"%{tag}%"]}, pluck="name"):
		frappe.db.delete("Relation Link", {"relation": name})
		frappe.db.delete("Relation Link", {"related_relation": name})
		frappe.delete_doc("Relation", name, force=True)
	for doctype, field in (("User", "name"), ("File", "file_name")):
		for name in frappe.get_all(doctype, {field: ["like", f"%{tag}%"]}, pluck="name"):
			frappe.delete_doc(doctype, name, force=True)
	frappe.db.commit()


def upload(content: bytes | str, name: str = "liste.csv") -> str:
	content = content.encode() if isinstance(content, str) else content
	return insert(
		"File", file_name=unique("f").replace(" ", "") + name, is_private=1, content=content
	).file_url


def new_import(content: bytes | str, name: str = "liste.csv", **values):
	return insert("Relation Import", import_file=upload(content, name), **values)


def preview(content: bytes | str, name: str = "liste.csv", **values):
	doc = new_import(content, name, **values)
	api.check_import(doc.name)
	doc.reload()
	return doc, {row["row"]: row for row in json.loads(doc.preview)}


def run(content: bytes | str, name: str = "liste.csv", **values):
	doc = new_import(content, name, **values)
	importing.check(doc.name)
	importing.run(doc.name)
	doc.reload()
	return doc


def figures(doc) -> tuple[int, int, int, int]:
	return doc.to_create, doc.to_update, doc.unchanged, doc.rejected


def content_of(url: str) -> bytes:
	with open(frappe.get_doc("File", {"file_url": url}).get_full_path(), "rb") as stream:
		return stream.read()


# ── preview ────────────────────────────────────────────────────────────────────────────────────


def test_the_preview_says_what_becomes_of_each_row_and_writes_no_relation():
	known = relation(unique("Müller GmbH"), email_id="info@mueller-x.example", city="Köln", employees=3)
	before = frappe.db.count("Relation")
	heading = "Name;Art;E-Mail;Ort;Land;Mitarbeiter;PLZ\r\n"
	doc, rows = preview(
		(
			heading
			+ "Schmidt GmbH;Organisation;info@schmidt-x.example;Bonn;Germany;12;\r\n"
			+ f"{known.relation_name};Organisation;INFO@Mueller-X.example;Köln;Germany;;50667\r\n"
			+ ";;niemand@x.example;;;;\r\n"
			+ "Meier GmbH;Organisation;keine Adresse;;;;\r\n"
			+ "Meier GmbH;Organisation;;;Atlantis;;\r\n"
			+ "Meier GmbH;Organisation;;;;viele;\r\n"
			+ "Schmidt GmbH;Organisation;info@schmidt-x.example;;;;\r\n"
			+ "Zu;viele;Zellen;in;dieser;Zeile;hier;auch\r\n"
		).encode("cp1252")
	)
	assert frappe.db.count("Relation") == before
	assert (doc.status, doc.file_format, doc.rows_total) == ("Checked", "csv", 8)
	assert figures(doc) == (2, 4, 0, 2)
	assert rows[2]["action"] == "create" and rows[2]["title"] == "Schmidt GmbH"
	assert rows[3]["relation"] == known.name and rows[3]["details"] == ["Changes: Postal Code"]
	assert "Name: the row has none" in rows[4]["reason"]
	# one unreadable cell does not reject its row
	assert "Email goes into the notes: keine Adresse is not an email address" in rows[5]["details"][0]
	assert "Country goes into the notes: Atlantis is not in the list" in rows[6]["details"][1]
	assert "Number of Employees goes into the notes: viele is not a number" in rows[7]["details"][1]
	found = {remark["text"]: remark["count"] for remark in json.loads(doc.findings)["remarks"]}
	assert found == {
		"Email goes into the notes": 1,
		"Country goes into the notes": 1,
		"Number of Employees goes into the notes": 1,
	}
	assert rows[8]["action"] == "update" and rows[8]["details"][0] == "The same relation as row 2"
	assert "The row has 8 cells, the heading 7" in rows[9]["reason"]
	lines = list(csv.reader(io.StringIO(content_of(doc.preview_file).decode("utf-8-sig")), delimiter=";"))
	assert len(lines) == 9


def test_columns_are_guessed_and_can_be_set_by_hand():
	doc = new_import("Bezeichnung;Lieblingsfarbe;E-Mail\nFirma A;blau;a@firma-x.example\n")
	assert [(row.heading, row.sample, row.target) for row in doc.columns] == [
		("Bezeichnung", "Firma A", ""),
		("Lieblingsfarbe", "blau", ""),
		("E-Mail", "a@firma-x.example", "email_id"),
	]
	doc.columns[0].target = "relation_name"
	doc.save()
	importing.check(doc.name)
	doc.reload()
	assert figures(doc) == (1, 0, 0, 0)
	doc.columns[1].target = "email_id"
	with pytest.raises(frappe.ValidationError, match="Columns, row 3: two columns go to Email"):
		doc.save()
	doc.reload()
	doc.columns[1].target = "stage"
	with pytest.raises(frappe.ValidationError, match="row 2: stage is not a field"):
		doc.save()


def test_a_file_that_cannot_be_read_is_refused_with_the_reason():
	for content, reason in (
		(b"\n", "The file is empty"),
		(b'a;b\n"1;2', "quotation marks do not match"),
		(b"\xff\xfea", "says that it is utf-16"),
	):
		with pytest.raises(frappe.ValidationError, match=reason):
			new_import(content)
	with pytest.raises(frappe.ValidationError, match="does not exist"):
		insert("Relation Import", import_file="/private/files/gibt-es-nicht.csv")


def test_german_words_and_numbers_are_understood_whatever_the_language_of_the_user():
	_doc, rows = preview(
		"Firma;Land;Telefon;Marktausrichtung;Handy\nSchmidt KG X;Österreich;0221/123456;B2B;keine Nummer\n"
		"Schmidt KG Y;Deutschland;0221/123456;B2B;\n"
	)
	assert "Mobile goes into the notes: keine Nummer is not a telephone number" in rows[2]["details"][0]
	assert rows[2]["title"] == "Schmidt KG X" and rows[2]["action"] == "create"
	assert rows[3]["action"] == "create", rows


# ── import ─────────────────────────────────────────────────────────────────────────────────────


def test_an_import_makes_changes_and_rejects_and_counts_every_row(clean):
	firm = relation(f"Altkunde {clean}", email_id=f"info@{clean}.example").name
	frappe.db.commit()
	doc = run(
		"Name;Art;E-Mail;weitere;Telefon;Ort;Sternzeichen\n"
		f"Neukunde {clean};Organisation;neu@{clean}.example;;+49 221 1234;Köln;Waage\n"
		f"Altkunde {clean};Organisation;INFO@{clean}.example;;+49 221 5678;Bonn;\n"
		f"{'Kaputt' * 30} {clean};Organisation;;;;;\n"
	)
	assert (doc.status, doc.rows_done) == ("Done", 3) and figures(doc) == (1, 1, 0, 1)
	made = frappe.get_doc("Relation", {"relation_name": f"Neukunde {clean}"})
	assert (made.phone, made.city, made.notes) == ("+49 221 1234", "Köln", "Sternzeichen: Waage")
	assert frappe.db.get_value("Relation", firm, ["phone", "city"]) == ("+49 221 5678", "Bonn")
	records = frappe.get_all(
		"Relation Import Record",
		filters={"source": f"Relation Import {doc.name}"},
		fields=["row_number", "state", "document_name"],
		order_by="creation asc",
	)
	assert sorted((r.row_number, r.state, r.document_name) for r in records) == [
		(2, "Imported", made.name),
		(3, "Imported", firm),
		(4, "Rejected", None),
	]


def test_rejected_rows_come_back_as_a_file_that_can_be_corrected_and_imported(clean):
	broken = "Kaputt" * 30
	text = f"Name;Art;E-Mail;Farbe\n={broken} {clean};Organisation;heil@{clean}.example;blau\nGut {clean};Organisation;;\n"
	doc = run(text)
	file = content_of(doc.rejected_file)
	lines = list(csv.reader(io.StringIO(file.decode("utf-8-sig")), delimiter=";"))
	assert lines[0] == [parsing.REASON, "Name", "Art", "E-Mail", "Farbe"]
	assert lines[1][1:] == [f"'={broken} {clean}", "Organisation", f"heil@{clean}.example", "blau"]
	assert "longer than 140 characters" in lines[1][0]
	again = run(file.replace(broken.encode(), b"Kaputt"))
	assert figures(again) == (1, 0, 0, 0) and not again.rejected_file
	made = frappe.get_doc("Relation", {"email_id": f"heil@{clean}.example"})
	assert (made.relation_name, made.notes) == (f"=Kaputt {clean}", "Farbe: blau")


def test_importing_twice_makes_no_double_and_changes_nothing(clean):
	text = (
		"Vorname;Nachname;Firma;E-Mail;E-Mail 2;Telefon;Straße;PLZ;Ort;Notizen\n"
		f"Anna;Müller{clean};Firma {clean};a@{clean}.example;b@{clean}.example;+49 221 1;Weg 1;50667;Köln;eins\n"
		f"Bernd;Ohnemail{clean};;;;;;;;\n"
		f"Clara;Nummer{clean};;;;+49 221 77;;;;\n"
	)
	first = run(text)
	assert figures(first) == (3, 0, 0, 0)
	names = sorted(frappe.get_all("Relation", {"relation_name": ["like", f"%{clean}%"]}, pluck="name"))
	second = run(text, existing="Overwrite with the File")
	assert figures(second) == (0, 0, 3, 0)
	assert names == sorted(
		frappe.get_all("Relation", {"relation_name": ["like", f"%{clean}%"]}, pluck="name")
	)
	anna = frappe.get_doc("Relation", {"email_id": f"a@{clean}.example"})
	assert [(p.point_type, p.value) for p in anna.contact_points] == [("Email", f"b@{clean}.example")]
	assert [(row["reads"], row["other_name"]) for row in links.links_of(anna.name)] == [
		("works for", f"Firma {clean}")
	]


def test_an_import_that_was_killed_goes_on_where_it_stopped(clean, monkeypatch):
	monkeypatch.setattr(importing, "PAGE", 2)
	rows = "".join(f"Firma {n} {clean};Organisation\n" for n in range(5)) + ";Person\n"
	doc = new_import("Name;Art\n" + rows)
	importing.check(doc.name)
	frappe.db.commit()
	pages = []
	carry_out = planning.Planner.carry_out

	def dies_on_the_second_page(self, records, save_point):
		if pages:
			carry_out(self, records, save_point)
			raise KeyboardInterrupt
		pages.append(1)
		return carry_out(self, records, save_point)

	monkeypatch.setattr(planning.Planner, "carry_out", dies_on_the_second_page)
	with pytest.raises(KeyboardInterrupt):
		importing.run(doc.name)
	frappe.db.rollback()
	assert frappe.db.get_value("Relation Import", doc.name, "rows_done") == 2
	monkeypatch.setattr(planning.Planner, "carry_out", carry_out)
	importing.run(doc.name)
	doc.reload()
	assert figures(doc) == (5, 0, 0, 1) and doc.status == "Done"
	assert frappe.db.count("Relation", {"relation_name": ["like", f"%{clean}%"]}) == 5


def test_a_second_job_on_the_same_import_takes_turns_and_makes_no_doubles(clean, monkeypatch):
	monkeypatch.setattr(importing, "PAGE", 2)
	doc = new_import("Name;Art\n" + "".join(f"Firma {n} {clean};Organisation\n" for n in range(5)))
	importing.check(doc.name)
	frappe.db.commit()
	commit, nested = frappe.db.commit, []

	def commit_and_let_another_job_in(*args, **kwargs):
		commit(*args, **kwargs)
		if not nested:
			nested.append(1)
			importing.run(doc.name)

	monkeypatch.setattr(frappe.db, "commit", commit_and_let_another_job_in)
	importing.run(doc.name)
	monkeypatch.undo()
	doc.reload()
	assert figures(doc) == (5, 0, 0, 0) and doc.rows_done == 5
	assert frappe.db.count("Relation", {"relation_name": ["like", f"%{clean}%"]}) == 5
	assert frappe.db.count("Relation Import Record", {"source": f"Relation Import {doc.name}"}) == 5


def test_a_job_that_fails_says_so_and_can_be_started_again(clean, monkeypatch):
	doc = new_import(f"Name\nFirma {clean}\n")
	importing.check(doc.name)
	frappe.db.commit()
	monkeypatch.setattr(importing, "records_of", lambda doc: 1 / 0)
	with pytest.raises(ZeroDivisionError):
		importing.import_job(doc.name)
	doc.reload()
	assert doc.status == "Failed" and "division" in doc.failure
	monkeypatch.undo()
	importing.import_job(doc.name)
	doc.reload()
	assert doc.status == "Done" and not doc.rejected


def test_what_is_there_is_filled_overwritten_or_left_alone_and_nothing_is_lost():
	values = {"email_id": "a@hier-x.example", "phone": "+49 221 1", "address_line": "Alt 1", "city": "Köln"}
	row = (
		"Name;Art;E-Mail;Telefon;Straße;Ort;Branche\n{};Organisation;a@hier-x.example;+49 221 2;Neu 2;Bonn;\n"
	)

	def after(existing: str):
		doc = relation(unique("Firma"), **values)
		planner = planning.Planner(existing)
		table = parsing.read_table(row.format(doc.relation_name).encode())
		targets = ["relation_name", "relation_kind", "email_id", "phone", "address_line", "city", "industry"]
		(plan,) = planner.carry_out(
			[parsing.from_row(line, cells, table.heading, targets) for line, cells in table.rows], "test"
		)
		doc.reload()
		points = {(p.point_type, p.value) for p in doc.contact_points}
		found = (plan.action, doc.phone, doc.address_line, doc.city, points)
		frappe.delete_doc("Relation", doc.name, force=True)
		return found

	assert after("Fill Empty Fields") == (
		"update",
		"+49 221 1",
		"Alt 1",
		"Köln",
		{("Phone", "+49 221 2"), ("Address", "Neu 2, Bonn")},
	)
	assert after("Overwrite with the File") == (
		"update",
		"+49 221 2",
		"Neu 2",
		"Bonn",
		{("Phone", "+49 221 1"), ("Address", "Alt 1, Köln, Germany")},
	)
	assert after("Leave Unchanged") == ("unchanged", "+49 221 1", "Alt 1", "Köln", set())


def test_people_who_share_an_address_are_not_made_one_and_a_row_that_fits_two_is_refused():
	relation("Anna Familie-X", kind="Person", email_id="wir@familie-x.example")
	for _ in range(2):
		relation("Doppelt GmbH X")
	doc, rows = preview(
		"Name;Art;E-Mail\nBernd Familie-Y;Person;wir@familie-x.example\nDoppelt GmbH X;Organisation;\n"
	)
	assert doc.rejected == 2
	assert "wir@familie-x.example belongs to Anna Familie-X" in rows[2]["reason"]
	assert "The row fits several relations" in rows[3]["reason"]


def test_a_long_text_is_refused_with_its_field_and_a_salutation_nobody_knows_goes_into_the_notes():
	_doc, rows = preview(f"Name;Anrede\n{'x' * 10_000};\nAnna B;Hochwohlgeboren\n")
	assert "Name: xxxxx" in rows[2]["reason"] and "longer than 140 characters" in rows[2]["reason"]
	assert rows[3]["details"][0] == "Read as a person by the name: Anna / B"
	assert rows[3]["details"][1].startswith(
		"Salutation goes into the notes: Hochwohlgeboren is not in the list"
	)


# ── rights ─────────────────────────────────────────────────────────────────────────────────────


def permit_country(name: str, country: str) -> None:
	insert("User Permission", user=name, allow="Country", for_value=country, apply_to_all_doctypes=1)


def test_a_row_cannot_change_what_the_user_may_not_change():
	hidden = relation(unique("Fille"), country="France", email_id="info@fille-x.example")
	reader = user(None, "Relation User")
	permit_country(reader, "Germany")
	frappe.set_user(reader)
	doc, rows = preview(
		f"Name;Art;E-Mail;Ort\n{hidden.relation_name};Organisation;info@fille-x.example;Lyon\n"
	)
	assert doc.rejected == 1 and "may not change" in rows[2]["reason"]


def test_confidential_values_are_left_out_where_the_user_may_not_write_them():
	text = "Name;Art;Geburtstag\nAnna Geheim-X;Person;29.02.1980\n"
	frappe.set_user(user(None, "Relation User"))
	_doc, rows = preview(text)
	assert rows[2]["details"] == ["Date Of Birth is confidential and is left out: you may not write it."]
	assert "date_of_birth" not in {df.fieldname for df in exporting._exported_fields()}
	frappe.set_user(user(None, "Relation User", "Relation Confidential"))
	_doc, rows = preview(text)
	assert rows[2]["action"] == "create" and not rows[2]["details"]


def test_an_import_belongs_to_who_made_it_and_nobody_imports_a_file_he_may_not_read():
	mine = new_import("Name\nFirma\n")
	secret = upload("Name\nGeheim\n")
	frappe.set_user(user(None, "Relation User"))
	for call in (api.check_import, api.start_import):
		with pytest.raises(frappe.PermissionError):
			call(mine.name)
	with pytest.raises(frappe.PermissionError):
		frappe.get_doc({"doctype": "Relation Import", "import_file": secret}).insert()


# ── export ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def three() -> list[str]:
	"""Create a company, one of its employees and a French person; the same UIDs identify them."""
	tag = frappe.generate_hash(length=6)
	firm = relation(f"Firma {tag}", country="Germany", email_id=f"info@{tag}.example", employees=12)
	person = relation(
		f"Ännchen Müller-{tag}",
		kind="Person",
		country="Germany",
		first_name="Ännchen",
		last_name=f"Müller-{tag}",
		email_id=f"a@{tag}.example",
		phone="+49 221 1234",
		education="Education: university",
		income_group="Income Group: high",
		date_of_birth="1980-02-29",
		notes="=1+1\nzwei; drei",
		contact_points=[
			{"point_type": "Email", "value": f"b@{tag}.example", "label": "home"},
			{"point_type": "Phone", "value": "+49 30 99", "label": ""},
			{"point_type": "Fax", "value": "+49 30 98", "label": ""},
		],
	)
	french = relation(f"Fille {tag}", country="France")
	links.link(person.name, "works for", firm.name)
	return [firm.name, person.name, french.name]


def exported(names: list[str], file_format: str = "csv") -> bytes:
	return content_of(api.export_relations(file_format, names=names)["file_url"])


@pytest.mark.parametrize("file_format", exporting.FORMATS)
def test_what_is_exported_is_read_back_without_a_change(three, file_format):
	content = exported(three, file_format)
	name = "export.csv" if file_format == "csv" else "export.vcf"
	doc, rows = preview(content, name, existing="Overwrite with the File")
	assert figures(doc) == (0, 0, 3, 0), rows


def test_an_exported_file_makes_the_same_relations_where_they_are_gone(three):
	content = exported(three)
	columns = ["relation_kind", "email_id", "phone", "education", "income_group", "date_of_birth", "notes"]
	before = {
		r.relation_name: r
		for r in frappe.get_all("Relation", {"name": ["in", three]}, ["relation_name", *columns])
	}
	points = {
		(p.point_type, p.value, p.label or "") for p in frappe.get_doc("Relation", three[1]).contact_points
	}
	for name in three:
		frappe.db.delete("Relation Link", {"relation": name})
	for name in three:
		frappe.delete_doc("Relation", name, force=True)
	table = parsing.read_table(content)
	targets = parsing.guess_columns(table.heading, fields.headings())
	records = [parsing.from_row(line, cells, table.heading, targets) for line, cells in table.rows]
	plans = planning.Planner("Fill Empty Fields").carry_out(records, "test")
	assert [plan.reason for plan in plans] == ["", "", ""]
	made = {
		r.relation_name: r
		for r in frappe.get_all(
			"Relation", {"name": ["in", [p.relation for p in plans]]}, ["relation_name", *columns]
		)
	}
	assert made == before
	person = next(p for p in plans if p.title.startswith("Ännchen"))
	stored = frappe.get_doc("Relation", person.relation).contact_points
	assert {(p.point_type, p.value, p.label or "") for p in stored} == points
	assert [row["reads"] for row in links.links_of(person.relation)] == ["works for"]


def test_the_export_holds_what_the_reader_may_read_and_is_logged(three):
	reader = user(None, "Sales User")
	permit_country(reader, "Germany")
	frappe.set_user(reader)
	found = api.export_relations("csv", names=three)
	text = content_of(found["file_url"]).decode("utf-8-sig")
	assert found["rows"] == 2 and "Fille" not in text
	assert "1980" not in text and ";high" not in text and "university" in text
	frappe.set_user("Administrator")
	log = frappe.get_last_doc("Relation Export")
	assert (log.exported_by, log.rows, log.file_format) == (reader, 2, "csv")
	assert "income_group" not in log.exported_fields and three[0] in log.filters
	frappe.set_user(user(None, "Accounts User"))
	with pytest.raises(frappe.PermissionError):
		api.export_relations("csv", names=three)


def test_a_filter_on_a_confidential_field_is_refused_to_those_without_the_role(three):
	filters = [["Relation", "income_group", "=", "Income Group: high"]]
	assert api.export_relations("csv", filters=json.dumps(filters), names="")["rows"] >= 1
	frappe.set_user(user(None, "Relation Manager"))
	with pytest.raises(frappe.PermissionError, match="Income Group is confidential"):
		api.export_relations("csv", filters=json.dumps(filters))
	with pytest.raises(frappe.ValidationError, match="Format: pdf is unknown"):
		api.export_relations("pdf")


def test_exported_files_are_deleted_after_a_week_and_the_log_stays(three):
	url = api.export_relations("csv", names=three)["file_url"]
	log = frappe.get_last_doc("Relation Export").name
	frappe.db.set_value("File", {"file_url": url}, "creation", "2020-01-01 00:00:00", update_modified=False)
	exporting.delete_old_files()
	assert not frappe.db.exists("File", {"file_url": url}) and frappe.db.exists("Relation Export", log)


def test_a_card_that_fits_its_relation_by_uid_changes_its_name():
	known = relation(unique("Alter Name"), email_id="alt@uid-x.example")
	known.db_set("uid", unique("urn:uuid"))
	card = vcards.write([{"relation_name": "Neuer Name", "relation_kind": "Organisation", "uid": known.uid}])
	_doc, rows = preview(card, "karte.vcf", existing="Overwrite with the File")
	assert rows[1]["relation"] == known.name and rows[1]["details"] == ["Changes: Name"]


def test_a_merge_keeps_every_address_and_number():
	keep = relation(unique("Bleibt"), email_id="bleibt@merge-x.example", phone="+49 221 1")
	other = relation(
		unique("Geht"),
		email_id="geht@merge-x.example",
		phone="+49 (221) 1",
		mobile_no="+49 170 1",
		contact_points=[{"point_type": "Fax", "value": "+49 221 99"}],
	)
	merge.merge_into(keep.name, other.name)
	keep.reload()
	assert keep.mobile_no == "+49 170 1"
	assert {(p.point_type, p.value) for p in keep.contact_points} == {
		("Email", "geht@merge-x.example"),
		("Fax", "+49 221 99"),
	}

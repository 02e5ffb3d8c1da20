"""Test Frappe's own Data Import on Relation: insert with tables, update by name, and refused rows."""

import json
from collections.abc import Iterator

import frappe
import pytest
from frappe.core.doctype.data_import.data_import import start_import

from crm_relations.tests.support.factories import insert

pytestmark = pytest.mark.site


@pytest.fixture
def tag() -> Iterator[str]:
	"""Return a mark for all documents of a test, because Data Import commits each row."""
	tag = f"d{frappe.generate_hash(length=8)}"
	before = set(frappe.get_all("Data Import", pluck="name"))
	yield tag
	frappe.db.rollback()
	for name in set(frappe.get_all("Data Import", pluck="name")) - before:
		frappe.delete_doc("Data Import", name, force=True)
	for doctype, field in (("Relation", "relation_name"), ("File", "file_name")):
		for name in frappe.get_all(doctype, {field: ["like", f"%{tag}%"]}, pluck="name"):
			frappe.delete_doc(doctype, name, force=True)
	frappe.db.commit()


def run(tag: str, import_type: str, text: str):
	"""Run a Data Import of the file, and return its status and log."""
	file = insert("File", file_name=f"{tag}{frappe.generate_hash(length=4)}.csv", is_private=1, content=text)
	doc = insert(
		"Data Import", reference_doctype="Relation", import_type=import_type, import_file=file.file_url
	)
	frappe.db.commit()
	start_import(doc.name)
	doc.reload()
	log = frappe.get_all(
		"Data Import Log",
		filters={"data_import": doc.name},
		fields=["success", "docname", "messages", "exception"],
		order_by="log_index asc",
	)
	return doc.status, log


def test_data_import_inserts_relations_with_their_tables_and_measures_them(tag):
	status, log = run(
		tag,
		"Insert New Records",
		"Name,Kind,Email,City,Education,Type (Further Emails and Numbers),Value (Further Emails and Numbers)\n"
		f"Anna {tag},Person,Anna <A@{tag}.example>,Köln,Education: university,Phone,+49 221 1\n"
		",,,,,Fax,+49 221 2\n"
		f"Firma {tag},Organisation,,Bonn,,,\n",
	)
	assert status == "Success", log
	anna = frappe.get_doc("Relation", {"relation_name": f"Anna {tag}"})
	assert (anna.email_id, anna.city, anna.education) == (f"a@{tag}.example", "Köln", "Education: university")
	assert [(p.point_type, p.value) for p in anna.contact_points] == [
		("Phone", "+49 221 1"),
		("Fax", "+49 221 2"),
	]
	assert anna.completeness > 0


def test_data_import_updates_relations_by_their_name_and_refuses_bad_rows_with_the_reason(tag):
	names = [insert("Relation", relation_name=f"Firma {n} {tag}", city="Köln").name for n in (1, 2)]
	frappe.db.commit()
	status, log = run(
		tag,
		"Update Existing Records",
		f"ID,City,Market Orientation\n{names[0]},Bonn,Market Orientation: B2B\n{names[1]},Aachen,Education: university\n",
	)
	assert status == "Partial Success", log
	assert frappe.db.get_value("Relation", names[0], ["city", "market_orientation"]) == (
		"Bonn",
		"Market Orientation: B2B",
	)
	assert frappe.db.get_value("Relation", names[1], "city") == "Köln", "a refused row changes nothing"
	refused = next(row for row in log if not row.success)
	assert "Choose an option of Market Orientation" in json.loads(refused.messages)[0]["message"]

"""Test import and export by real background workers, one of which is killed in the middle."""

from collections.abc import Iterator

import frappe
import pytest

from crm_relations.relations.exchange import api, exporting, importing
from crm_relations.relations.exchange.files import parsing
from crm_relations.tests.relations.test_exchange import content_of, figures, new_import
from crm_relations.tests.support.factories import relation
from crm_relations.tests.support.machine.servers import frappe_process, kill_with_children, wait_for, worker

pytestmark = pytest.mark.site

#: more than an export writes at once, and enough pages to kill a worker between two of them
ROWS = importing.PAGE * 6


@pytest.fixture
def tag() -> Iterator[str]:
	"""Yield a tag for all names, by which the workers' committed records are found and removed."""
	tag = f"x{frappe.generate_hash(length=8)}"
	imports = set(frappe.get_all("Relation Import", pluck="name"))
	exports = set(frappe.get_all("Relation Export", pluck="name"))
	yield tag
	frappe.db.rollback()
	for doctype, before in (("Relation Import", imports), ("Relation Export", exports)):
		for name in set(frappe.get_all(doctype, pluck="name")) - before:
			frappe.db.delete("Relation Import Record", {"source": f"{doctype} {name}"})
			frappe.delete_doc(doctype, name, force=True)
	names = frappe.get_all("Relation", {"relation_name": ["like", f"%{tag}%"]}, pluck="name", limit=0)
	for doctype, field in (
		("Relation Blocking Key", "relation"),
		("Relation Duplicate", "relation"),
		("Relation Facts Queue", "party"),
		("Relation Segment Queue", "relation"),
		("Relation Contact Point", "parent"),
		("Version", "docname"),
		("Relation", "name"),
	):
		frappe.db.delete(doctype, {field: ["in", names]})
	for name in frappe.get_all("File", {"file_name": ["like", f"%{tag}%"]}, pluck="name"):
		frappe.delete_doc("File", name, force=True)
	frappe.db.commit()


def rows_done(name: str) -> int:
	frappe.db.rollback()  # read what the worker has committed
	return frappe.db.get_value("Relation Import", name, "rows_done") or 0


def status(name: str) -> str:
	frappe.db.rollback()
	return frappe.db.get_value("Relation Import", name, "status")


def made(tag: str) -> list[str]:
	return sorted(
		frappe.get_all("Relation", {"relation_name": ["like", f"%{tag}%"]}, pluck="relation_name", limit=0)
	)


def test_an_import_goes_on_by_the_next_worker_after_one_was_killed_and_all_are_exported_by_it(tag):
	"""Start a second job although the queue believes that the first one still runs."""
	expected = sorted(f"Firma {number:04} {tag}" for number in range(ROWS))
	lines = [f"{name};Organisation;info@{name.split()[1]}-{tag}.example" for name in expected]
	doc = new_import("Name;Art;E-Mail\n" + "\n".join([*lines, ";Person;"]), f"{tag}.csv")
	importing.check(doc.name)
	api.start_import(doc.name)
	frappe.db.commit()
	first = frappe_process("worker", "--queue", "long")
	try:
		wait_for(lambda: rows_done(doc.name) > 0, 120, "the first page")
	finally:
		kill_with_children(first)
	done = rows_done(doc.name)
	assert 0 < done < ROWS and status(doc.name) == "Importing"
	assert len(made(tag)) == done  # what the worker had not committed when it died is lost

	api.start_import(doc.name)  # the button of the form
	frappe.db.commit()
	with worker():
		wait_for(lambda: status(doc.name) == "Done", 300, "the end of the second job")
		assert made(tag) == expected
		doc.reload()
		assert figures(doc) == (ROWS, 0, 0, 1)
		records = frappe.get_all(
			"Relation Import Record", {"source": f"Relation Import {doc.name}"}, pluck="row_key", limit=0
		)
		assert len(records) == len(set(records)) == ROWS + 1

		before = set(frappe.get_all("Relation Export", pluck="name"))
		answer = api.export_relations("csv", filters=[["Relation", "relation_name", "like", f"%{tag}%"]])
		assert answer["file_url"] is None
		frappe.db.commit()
		logs = wait_for_export(before)
	log = frappe.get_doc("Relation Export", logs.pop())
	table = parsing.read_table(content_of(log.file_url))
	names = [cells[table.heading.index("Name")] for _line, cells in table.rows]
	assert (log.rows, sorted(names)) == (ROWS, expected)


def test_an_export_whose_worker_was_killed_leaves_nothing_half_done_and_can_be_asked_for_again(
	tag, monkeypatch
):
	for number in range(3):
		relation(f"Firma {number} {tag}")
	monkeypatch.setattr(exporting, "AT_ONCE", 2)
	before = set(frappe.get_all("Relation Export", pluck="name"))
	files = frappe.db.count("File")
	wanted = [["Relation", "relation_name", "like", f"%{tag}%"]]
	api.export_relations("vCard 4.0", filters=wanted)
	frappe.db.commit()
	frappe.db.sql("SELECT name FROM `tabRelation Export` FOR UPDATE")  # the worker stops at its log
	first = frappe_process("worker", "--queue", "long")
	try:
		wait_for(is_waiting_for_us, 60, "the worker to write its log")
	finally:
		kill_with_children(first)
	frappe.db.rollback()
	assert set(frappe.get_all("Relation Export", pluck="name")) == before
	assert frappe.db.count("File") == files

	api.export_relations("vCard 4.0", filters=wanted)
	frappe.db.commit()
	with worker():
		logs = wait_for_export(before)
	assert len(logs) == 1
	log = frappe.get_doc("Relation Export", logs.pop())
	assert log.rows == 3 and content_of(log.file_url).count(b"BEGIN:VCARD") == 3


def wait_for_export(before: set[str]) -> set[str]:
	"""Return the logs that were not there before."""

	def new() -> set[str]:
		frappe.db.rollback()
		return set(frappe.get_all("Relation Export", pluck="name")) - before

	wait_for(new, 90, "the export")
	return new()


def is_waiting_for_us() -> bool:
	"""Return whether another connection of this site waits for our lock."""
	rows = frappe.db.sql(
		"SELECT COUNT(*) FROM information_schema.PROCESSLIST"
		" WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND INFO LIKE 'INSERT INTO `tabRelation Export`%'"
	)
	return bool(rows[0][0])

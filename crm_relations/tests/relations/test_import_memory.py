"""Test that the memory of an import does not grow with its rows, because it holds one page of the file.

The preview is measured here. The import itself is measured nightly (CRM_RELATIONS_NIGHTLY=1), because it
takes a minute.
"""

import gc
import os
import tracemalloc
from collections.abc import Callable

import frappe
import pytest

from crm_relations.relations.exchange import importing
from crm_relations.relations.exchange.earlier_rows import EarlierRows
from crm_relations.relations.exchange.files.file_rows import FileRows, Pages
from crm_relations.tests.relations.test_exchange import new_import
from crm_relations.tests.support.address_file import address_file
from crm_relations.tests.support.factories import unique

pytestmark = pytest.mark.site

PAGE, FEW, MANY = 50, 150, 750


@pytest.fixture(autouse=True)
def small_pages_without_commits(monkeypatch):
	"""Clear what waits for a commit, as a commit does, and keep the transaction for the rollback."""

	def commit(*_args, **_keywords):
		frappe.db.after_commit.reset()
		frappe.db.after_rollback.reset()
		frappe.local._realtime_log = []

	monkeypatch.setattr(importing, "PAGE", PAGE)
	monkeypatch.setattr(frappe.db, "commit", commit)


def peak(step: Callable[[str], None], rows: int) -> int:
	"""Return the additional bytes that Python holds at most during a step on this number of rows."""
	doc = new_import(address_file(rows, unique("m").split()[-1].lower()))
	if step is importing.run:
		importing.check(doc.name)
	gc.collect()
	tracemalloc.start()
	try:
		step(doc.name)
		return tracemalloc.get_traced_memory()[1]
	finally:
		tracemalloc.stop()


@pytest.mark.parametrize(
	"step",
	[
		importing.check,
		pytest.param(
			importing.run,
			marks=pytest.mark.skipif(
				os.environ.get("CRM_RELATIONS_NIGHTLY") != "1",
				reason="takes a minute: CRM_RELATIONS_NIGHTLY=1",
			),
		),
	],
)
def test_five_times_as_many_rows_take_hardly_more_memory(step):
	peak(step, FEW)  # fills the caches
	few, many = peak(step, FEW), peak(step, MANY)
	# a row in memory takes 14 kB; caches of a fixed size still fill up, and Python's table of interned
	# strings may grow once by 4 MB
	assert many - few < (MANY - FEW) * 10_000, (few, many)


def test_pages_are_read_in_any_order_and_a_footer_is_known_in_the_second_pass(tmp_path):
	file = tmp_path / "liste.csv"
	lines = [f"Firma {number};Köln;x" for number in range(9)]
	file.write_text("\n".join(["Name;Ort;Notizen", *lines, "", "Summe;;"]))
	rows = FileRows(str(file), "csv", ["relation_name", "city", "notes"])
	assert [record.error for record in rows] == [None] * 10
	assert rows.total == 10
	pages = Pages(rows)
	first, last, again = pages.read(0, 4), pages.read(8, 4), pages.read(2, 2)
	assert [record.values["relation_name"] for record in first] == [f"Firma {n}" for n in range(4)]
	assert [bool(record.error) for record in last] == [False, True]
	assert [record.number for record in again] == [4, 5]
	assert pages.read(10, 4) == []


def test_what_earlier_rows_have_made_known_is_found_by_every_key_they_had():
	earlier = EarlierRows()
	assert earlier.find(["e:a@x.example"]) == [] and earlier.get("row:1") is None
	earlier.put("row:1", ["Anna"], ["e:a@x.example"], ["u:1"])
	earlier.put("row:1", ["Anna Neu"], ["e:b@x.example"])
	earlier.put("row:2", ["Bernd"], ["e:a@x.example"], ["u:1"])
	assert earlier.get("row:1") == ["Anna Neu"]
	assert sorted(earlier.find(["e:a@x.example"])) == [("e:a@x.example", "row:1"), ("e:a@x.example", "row:2")]
	assert earlier.find(["u:1", "e:b@x.example"]) == [("u:1", "row:2"), ("e:b@x.example", "row:1")]

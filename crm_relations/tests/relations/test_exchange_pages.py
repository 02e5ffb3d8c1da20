"""Test that an import page, written set-based, leaves the same rows as saving its documents one by one."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

import frappe
import pytest
from frappe.utils.global_search import update_global_search

from crm_relations.relations.exchange import fields, page_writing, planning
from crm_relations.relations.exchange.files import parsing
from crm_relations.relations.exchange.files.parsing import Record
from crm_relations.relations.exchange.planning import Planner
from crm_relations.relations.exchange.quick_checks import QuickChecks
from crm_relations.shared import document_extensions
from crm_relations.tests.support.address_file import address_file
from crm_relations.tests.support.factories import insert, relation, unique, user

pytestmark = pytest.mark.site

#: the doctypes that an import of relations writes
TABLES = (
	"Relation",
	"Relation Contact Point",
	"Relation Link",
	"Relation Blocking Key",
	"Relation Profile Change",
	"Relation Stage Log",
	"Relation Duplicate",
	"Relation Consent",
	"Relation Facts Queue",
	"Version",
)
STAMPS = ("name", "creation", "modified", "found_on")


def records(content: bytes) -> list[Record]:
	table = parsing.read_table(content)
	return list(parsing.records_of(table, parsing.guess_columns(table.heading, fields.headings())))


def imported(content: bytes, page: int, existing: str = planning.FILL) -> list[tuple]:
	"""Import without a commit, and return the outcome of each row."""
	planner, rows = Planner(existing, source="Test"), records(content)
	plans = []
	for start in range(0, len(rows), page):
		plans += planner.carry_out(rows[start : start + page], "test_page")
	return [
		(
			plan.record.number,
			plan.action,
			plan.title,
			words(plan.reason),
			[words(detail) for detail in plan.details],
			label(plan.relation),
		)
		for plan in plans
	]


def words(text: str) -> list[str]:
	"""Return the words of a message without the random names, which also decide the order of a list."""
	text = re.sub(r"belongs to .* already", "belongs to one of them already", text)
	return sorted(re.sub(r"\(\w{10}\)|[(),.]", " ", text).split())


def label(name: str | None) -> Any:
	"""Return a relation's values as its label, because its name is random."""
	if not name:
		return None
	values = ["relation_name", "email_id", "phone", "mobile_no", "pincode", "date_of_birth"]
	return frappe.db.get_value("Relation", name, values)


def written(before: dict[str, set[str]]) -> dict[str, Counter]:
	"""Return the rows that are new or belong to relations, without names and times."""
	labels: dict[str, Any] = {}

	def readable(value: Any) -> Any:
		if isinstance(value, datetime):
			return value.date()
		if isinstance(value, str) and len(value) == 10 and value not in labels:
			labels[value] = label(value)
		return labels.get(value) or value

	def of_row(row: frappe._dict) -> tuple:
		if row.data:  # a Version: added rows have random names and times
			data = frappe.parse_json(row.data)
			data["added"] = [[table, child["point_type"], child["value"]] for table, child in data["added"]]
			row.data = frappe.as_json(data)
		return tuple(sorted((k, str(readable(v))) for k, v in row.items() if k not in STAMPS))

	result = {}
	for doctype in TABLES:
		rows = frappe.get_all(doctype, fields=["*"], limit=0, order_by="name asc")
		result[doctype] = Counter(
			of_row(row) for row in rows if row.name not in before[doctype] or doctype == "Relation"
		)
		if doctype == "Relation Duplicate":  # the order of the two follows from their names
			result[doctype] = Counter(
				frozenset(
					(readable(row.relation), readable(row.other), row.state, row.probability, row.reasons)
				)
				for row in rows
				if row.name not in before[doctype]
			)
	return result


def in_turn(*imports: Callable[[], list[tuple]]) -> list[tuple[list[tuple], dict[str, Counter]]]:
	"""Return the messages and rows of each import, all from the same state of the database."""
	before = {doctype: set(frappe.get_all(doctype, pluck="name", limit=0)) for doctype in TABLES}
	results = []
	for one in imports:
		frappe.db.savepoint("before_import")
		said = one()
		results.append((said, written(before)))
		frappe.db.rollback(save_point="before_import")
	return results


def by_documents(monkeypatch: pytest.MonkeyPatch, content: bytes, **values: Any) -> list[tuple]:
	with monkeypatch.context() as patch:
		patch.setattr(page_writing, "hindrance", lambda: "Server Script: test")
		return imported(content, 500, **values)


def same(one: tuple, other: tuple) -> None:
	assert one[0] == other[0]
	for doctype in TABLES:
		assert one[1][doctype] == other[1][doctype], doctype


def edge_cases(tag: str) -> bytes:
	"""Return rows that change existing records, are repeated, or are refused on save."""
	heading = "Name;Art;Vorname;Nachname;Firma;E-Mail;Telefon;Straße;PLZ;Ort;Geburtstag;Mitarbeiter;Notizen;Email Opt Out"
	lines = (
		f"Kunde {tag};Organisation;;;;info@{tag}.example;+49 221 99;Neu 2;53111;Bonn;;12;neu;",
		f";;Anna;Alt-{tag};Kunde {tag};anna@{tag}.example;+49 221 1;;;;12.03.1980;;;1",
		f";;Anna;Alt-{tag};Neue Firma {tag};anna@{tag}.example;+49 221 2;;;;12.03.1980;;;1",
		f";;Anna;Alt-{tag};Neue Firma {tag};anna@{tag}.example;+49 221 2;;;;;;;",
		f"Firma {tag};Organisation;;;Andere {tag};f@{tag}.example;;;;;;;;",
		f"{'Lang' * 50} {tag};Organisation;;;;;;;;;;;;",
		f"Firma {tag};Organisation;;;;f@{tag}.example;;;;;;5;;",
		f"<b>Fett</b> {tag};Organisation;;;;;;;;;;;Text mit <script>x</script>;",
		f";;Bernd;Neu-{tag};Kunde {tag};bernd@{tag}.example;;;;;;;;ja",
		f";;Bernd;Neu-{tag};Kunde {tag};bernd@{tag}.example;0228 7654321;;;;;;;",
	)
	return "\n".join((heading, *lines)).encode()


@pytest.mark.parametrize("existing", [planning.FILL, planning.OVERWRITE])
def test_a_page_written_at_once_leaves_what_saving_each_document_leaves(monkeypatch, existing):
	tag = unique("p").split()[-1].lower()
	relation(
		f"Kunde {tag}", email_id=f"info@{tag}.example", phone="+49 221 98", address_line="Alt 1", city="Köln"
	)
	relation(f"Anna Alt-{tag}", kind="Person", email_id=f"anna@{tag}.example", first_name="Anna")
	monkeypatch.setitem(frappe.flags, "in_test", False)  # Frappe keeps no versions in tests
	for content in (edge_cases(tag), address_file(80, tag)):
		alone, at_once = in_turn(
			lambda content=content: by_documents(monkeypatch, content, existing=existing),
			lambda content=content: imported(content, 500, existing),
		)
		assert any(action == planning.CREATE for _row, action, *_more in alone[0])
		same(alone, at_once)


def made_up(seed: int, tag: str) -> bytes:
	"""Draw from few names, addresses and towns, so that many rows match or contradict each other."""
	draw = Random(seed)

	def some(*values: str) -> str:
		return draw.choice(("", *values))

	lines = ["Name;Art;Firma;E-Mail;Telefon;PLZ;Ort;Geburtstag"]
	for _number in range(60):
		name = draw.choice(("Anna Müller", "anna  müller", "Bernd Weiß", "Bernd Weiss", "Anna Mueller"))
		firm = draw.choice(("Müller GmbH", "MÜLLER GmbH", "Weiß AG"))
		is_person = draw.random() < 0.7
		lines.append(
			";".join(
				(
					f"{name if is_person else firm} {tag}",
					"Person" if is_person else "Organisation",
					some(f"Müller GmbH {tag}", f"Neu GmbH {tag}") if is_person else "",
					some(f"a@{tag}.example", f"b@{tag}.example", f"c@{tag}.example"),
					some("0221 123456", "0228 654321"),
					some("50667", "53111"),
					some("Köln", "Bonn"),
					some("01.02.1980", "02.02.1980") if is_person else "",
				)
			)
		)
	return "\n".join(lines).encode()


@pytest.mark.parametrize("seed", range(3))
def test_the_size_of_a_page_changes_no_outcome(seed):
	tag = unique("s").split()[-1].lower()
	relation(f"Anna Müller {tag}", kind="Person", email_id=f"a@{tag}.example", pincode="50667")
	content = made_up(seed, tag)
	one, seven, whole = in_turn(*(lambda page=page: imported(content, page) for page in (1, 7, 500)))
	actions = Counter(action for _row, action, *_more in whole[0])
	assert actions[planning.CREATE] and actions[planning.UPDATE] and actions[planning.REJECT], actions
	for first, second, third in zip(one[0], seven[0], whole[0], strict=True):
		assert first == second == third
	for doctype in TABLES:
		# if there are many pairs, the order of writing decides which are compared
		if doctype not in ("Relation Duplicate", "Version"):
			assert one[1][doctype] == seven[1][doctype] == whole[1][doctype], doctype


def test_a_page_that_the_database_refuses_is_written_row_by_row(monkeypatch):
	tag = unique("d").split()[-1].lower()

	def refused(_page: page_writing.Page) -> None:
		raise frappe.DuplicateEntryError

	expected, got = in_turn(
		lambda: by_documents(monkeypatch, edge_cases(tag)),
		lambda: (monkeypatch.setattr(page_writing.Page, "write", refused), imported(edge_cases(tag), 500))[1],
	)
	same(expected, got)


def test_the_search_over_all_doctypes_is_told_what_saves_tell_it():
	tag = unique("q").split()[-1].lower()
	doc = relation(f"Anna {tag}", kind="Person", email_id=f"anna@{tag}.example", phone="+49 221 99")
	doc.append("contact_points", {"point_type": "Email", "value": f"b@{tag}.example"})
	queue = page_writing.SEARCH_QUEUE

	def told(tell: Callable[[], None]) -> list[bytes]:
		frappe.cache.delete_value(queue)
		tell()
		return frappe.cache.lrange(queue, 0, -1)

	expected = told(lambda: update_global_search(doc))
	assert tag in str(expected)
	assert told(lambda: page_writing._queue_for_search([doc])) == expected
	doc.disabled = 1
	assert told(lambda: page_writing._queue_for_search([doc])) == []


def test_an_extension_of_the_site_sees_every_save(monkeypatch):
	assert page_writing.hindrance() == ""
	subject = unique("Neu")
	insert(
		"Notification",
		enabled=1,
		document_type="Relation",
		event="New",
		channel="System Notification",
		subject=subject,
		message="Neu: {{ doc.relation_name }}",
		recipients=[{"receiver_by_document_field": "owner"}],
	)
	assert page_writing.hindrance().startswith("Notification: ")
	monkeypatch.setattr(
		page_writing.Page, "write", lambda page: pytest.fail("written without the notification")
	)
	imported(f"Name\nFirma {subject}\n".encode(), 500)
	assert frappe.db.exists("Relation", {"relation_name": f"Firma {subject}"})


def test_events_of_other_apps_are_found_and_those_of_known_apps_are_not(monkeypatch):
	assert not document_extensions.find(["Relation"])
	hooks = {**frappe.get_doc_hooks(), "Relation": {"on_update": ["other_app.events.on_update"]}}
	monkeypatch.setattr(frappe, "get_doc_hooks", lambda: hooks)
	assert document_extensions.find(["Relation"]) == "other_app.events.on_update"
	assert not document_extensions.find(["Relation Consent"])


def test_a_page_takes_few_statements_however_many_rows_it_has(monkeypatch):
	def statements(rows: int) -> int:
		content = address_file(rows, unique("n").split()[-1].lower())
		imported(content, 500)  # fills the caches
		frappe.db.rollback()
		sent: list[str] = []
		original = frappe.db.sql
		with monkeypatch.context() as patch:
			patch.setitem(globals(), "label", lambda name: name)
			patch.setattr(frappe.db, "sql", lambda *a, **k: (sent.append(str(a[0])), original(*a, **k))[1])
			imported(content, 500)
		frappe.db.rollback()
		return len(sent)

	small, large = statements(20), statements(200)
	# keys and rows are inserted by hundreds: far less than a statement per row
	assert large - small < 180 / 3, (small, large)


@pytest.mark.parametrize(
	("field", "value", "is_plain"),
	[
		("city", "Köln", True),
		("city", "Köln <b>", False),
		("city", "x" * 141, False),
		("email_id", "a.b@kunde.example", True),
		("email_id", "A@kunde", False),
		("phone", "+49 221 123456", True),
		("phone", "0221/123456", False),
		("country", "Germany", True),
		("country", "Atlantis", False),
		("relation_kind", "Verein", False),
		("employees", -1, False),
		("employees", 3_000_000_000, False),
		("date_of_birth", "1980-02-29", False),
		("relation_name", " ", False),
	],
)
def test_only_what_frappe_cannot_object_to_skips_its_checks(field, value, is_plain):
	doc = frappe.get_doc(
		{"doctype": "Relation", "relation_name": "Firma", "relation_kind": "Organisation", field: value}
	)
	assert QuickChecks("Relation").is_plain(doc) == is_plain
	if is_plain:
		doc.set("__islocal", True)
		doc._action = "save"
		doc._validate_links()
		doc._validate()


def test_a_mandatory_field_of_the_admin_is_asked_for_as_in_a_save():
	insert(
		"Property Setter",
		doc_type="Relation",
		doctype_or_field="DocField",
		field_name="city",
		property="reqd",
		property_type="Check",
		value="1",
	)
	frappe.clear_cache(doctype="Relation")
	try:
		name = unique("Firma")
		said = imported(f"Name;Art;Ort\n{name};Organisation;\n{name} 2;Organisation;Bonn\n".encode(), 500)
	finally:
		frappe.db.rollback()
		frappe.clear_cache(doctype="Relation")
	assert [action for _row, action, *_more in said] == [planning.REJECT, planning.CREATE]
	assert "city" in said[0][3] or "City" in said[0][3]


def test_a_user_makes_no_relation_beside_the_rights_of_a_role():
	reader = user(None, "Relation User")
	frappe.set_user(reader)
	name = unique("Firma")
	((_row, action, *_more),) = imported(f"Name;Art\n{name};Organisation\n".encode(), 500)
	assert action == planning.CREATE
	assert frappe.db.get_value("Relation", {"relation_name": name}, "owner") == reader

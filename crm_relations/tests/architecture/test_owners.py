"""Test `crm_relations/owners.py`: only the owners of a doctype write it, and each owner does."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from crm_relations.owners import CHOSEN_AT_RUN_TIME, FIELD_OWNERS, OWNERS, USERS_ONLY
from crm_relations.tests.support.source_tree import APP
from crm_relations.tests.support.writes import Write, writes

pytestmark = pytest.mark.lint

ANY = "*"
WRITES = [
	write for write in writes() if not (write.doctype or "").startswith("relation_")
]  # temporary tables
DOCTYPES = {
	json.loads(path.read_text(encoding="utf-8"))["name"]
	for path in (APP / "crm_relations" / "doctype").glob("*/*.json")
}


def described(write: Write) -> str:
	return f"{write.module}:{write.line} {write.call} writes {write.doctype}"


def test_only_owners_write_a_doctype():
	assert len(WRITES) > 150, "the test looks in the wrong place"
	wrong = [described(w) for w in WRITES if w.doctype and w.module not in OWNERS.get(w.doctype, ())]
	assert not wrong, "call the owner, or add the module to owners.py:\n" + "\n".join(wrong)


def test_only_owners_of_a_field_write_it():
	wrong = []
	for write in WRITES:
		for field in write.fields:
			owners = FIELD_OWNERS.get(f"{write.doctype}.{field}")
			if owners and write.module not in owners:
				wrong.append(f"{described(write)}.{field}")
	assert not wrong, "\n".join(wrong)


def test_a_module_that_chooses_its_doctype_at_run_time_says_which():
	found = {w.module for w in WRITES if w.doctype is None}
	assert found == set(CHOSEN_AT_RUN_TIME), found ^ set(CHOSEN_AT_RUN_TIME)
	for module, (doctypes, reason) in CHOSEN_AT_RUN_TIME.items():
		assert reason
		for doctype in doctypes:
			assert doctype == ANY or module in OWNERS[doctype], (module, doctype)


def test_every_owner_writes():
	seen = defaultdict(set)
	for write in WRITES:
		seen[write.doctype].add(write.module)
	for module, (doctypes, _reason) in CHOSEN_AT_RUN_TIME.items():
		for doctype in doctypes:
			seen[doctype].add(module)
	idle = [(doctype, m) for doctype, modules in OWNERS.items() for m in modules if m not in seen[doctype]]
	assert not idle, "remove them from owners.py"


def test_every_doctype_has_an_owner_or_is_for_users():
	assert {d for d in OWNERS if d in DOCTYPES} | USERS_ONLY == DOCTYPES
	assert not USERS_ONLY & set(OWNERS)


def test_every_owner_is_a_module():
	named = {module for modules in (*OWNERS.values(), *FIELD_OWNERS.values()) for module in modules}
	assert not [module for module in named | set(CHOSEN_AT_RUN_TIME) if not Path(APP, module).is_file()]


@pytest.mark.parametrize(
	("source", "doctype"),
	[
		('frappe.db.set_value("ToDo", name, "status", "Open")', "ToDo"),
		('NAME = "ToDo"\nfrappe.db.delete(NAME)', "ToDo"),
		(
			'table = frappe.qb.DocType("ToDo")\nfrappe.qb.update(table).set(table.status, "Open").run()',
			"ToDo",
		),
		('frappe.qb.from_(frappe.qb.DocType("ToDo")).delete().run()', "ToDo"),
		('doc = frappe.get_doc({"doctype": "ToDo"}).insert()\ndoc.db_set("status", "Open")', "ToDo"),
		('trusted(frappe.new_doc("ToDo")).save()', "ToDo"),
		("def f(doc):\n\tdoc.db_set('status', 'Open')", None),
	],
)
def test_a_write_is_found_however_it_is_spelled(source, doctype):
	found = list(writes({APP / "example.py": source}))
	assert found and {write.doctype for write in found} == {doctype}

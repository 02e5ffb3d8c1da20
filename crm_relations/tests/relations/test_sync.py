"""Test that sync makes the same relations as events would, also when it is repeated or killed."""

import itertools
import json
import os
import signal
import subprocess
import sys

import frappe
import pytest
from erpnext.crm.doctype.lead.lead import make_customer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm_relations.relations.creation import adoption
from crm_relations.relations.identities import identity
from crm_relations.relations.identities import sync as engine
from crm_relations.relations.party_documents.sources import sources
from crm_relations.relations.rules import COPIED
from crm_relations.tests.conftest import BENCH_DIR
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine.site_copy import other_site

pytestmark = pytest.mark.site

TABLES = ("Relation", "Relation Party", "Relation Role", "Relation Link")


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch):
	"""Disable the commit that sync makes after each page, so that the test can roll back."""
	monkeypatch.setattr(frappe.db, "commit", lambda: None)
	settle()


@pytest.fixture
def small_pages(monkeypatch):
	"""Use pages so small that related documents are on different pages."""
	monkeypatch.setattr(engine, "CHUNK", 2)


def contents() -> dict[str, list[tuple]]:
	"""Return every column of every row of our tables."""
	result = {}
	for doctype in TABLES:
		table = frappe.qb.DocType(doctype)
		result[doctype] = frappe.qb.from_(table).select("*").orderby(table.name).run()
	return result


def files() -> dict[tuple, tuple]:
	"""Return the content of the relations by their documents, so that two ways of making them compare."""
	party, role, link = (
		frappe.qb.DocType(name) for name in ("Relation Party", "Relation Role", "Relation Link")
	)
	members: dict[str, list] = {}
	for parent, *row in (
		frappe.qb.from_(party)
		.select(party.parent, party.party_type, party.party, party.since)
		.orderby(party.party_type)
		.orderby(party.party)
	).run():
		members.setdefault(parent, []).append(tuple(row))
	key = {parent: tuple(row[:2] for row in rows) for parent, rows in members.items()}
	held: dict[str, set] = {parent: set() for parent in key}
	for parent, *row in (
		frappe.qb.from_(role)
		.select(role.parent, role.role, role.since, role.until, role.document_type, role.document_name)
		.run()
	):
		held.get(parent, set()).add(tuple(row))
	linked: dict[str, set] = {parent: set() for parent in key}
	for parent, link_type, other, *dates in (
		frappe.qb.from_(link)
		.select(link.relation, link.link_type, link.related_relation, link.since, link.until)
		.run()
	):
		linked.get(parent, set()).add((link_type, key.get(other), *dates))
	relation = frappe.qb.DocType("Relation")
	fields = (*COPIED, "stage", "stage_since")
	rows = frappe.qb.from_(relation).select(relation.name, *[relation[f] for f in fields]).run()
	values = {name: {f: value for f, value in zip(fields, row, strict=True) if value} for name, *row in rows}
	return {
		key[parent]: (members[parent], values[parent], held[parent], linked[parent]) for parent in members
	}


def settle() -> None:
	"""Sync what other tests have left on the site, so that events make only the new relations."""
	forget_all()
	engine.sync()


def forget_all() -> None:
	"""Delete all relations, as if the app were being installed now."""
	for doctype in TABLES:
		frappe.db.delete(doctype)
	lead = frappe.qb.DocType("Lead")
	frappe.qb.update(lead).set(lead.relation, None).run()


def contact_of(doc) -> str:
	return frappe.db.get_value(
		"Dynamic Link",
		{"parenttype": "Contact", "link_doctype": doc.doctype, "link_name": doc.name},
		"parent",
	)


class Story:
	"""Documents of a small company, inserted one after another.

	Each step uses the numbers that hypothesis draws.
	"""

	def __init__(self):
		self.mark = frappe.generate_hash(length=6)
		self.count = itertools.count()
		self.made: dict[str, list] = {name: [] for name in sources()}
		self.linked: set[str] = set()

	def name(self, text: str) -> str:
		return f"{text} {self.mark}{next(self.count)}"

	def email(self, number: int) -> str | None:
		return f"mail{number}@{self.mark}.example" if number else None

	def pick(self, doctype: str, number: int):
		return self.made[doctype][number % len(self.made[doctype])] if self.made[doctype] else None

	def add(self, doc):
		self.made[doc.doctype].append(doc)
		return doc

	def step(self, kind: str, one: int, other: int, third: int) -> None:
		getattr(self, kind)(one, other, third)

	def lead(self, one, other, third):
		values = {"company_name": self.name("Firma")} if one % 2 else {"last_name": self.name("Lehmann")}
		self.add(factories.lead(self.name("Lena"), mobile_no="0171 1234567" if other % 2 else None, **values))

	def convert(self, one, other, third):
		lead = self.pick("Lead", one)
		if lead and not frappe.db.exists("Customer", {"lead_name": lead.name}):
			customer = make_customer(lead.name)
			customer.update({"customer_group": "Commercial", "territory": "Germany"})
			self.add(customer.insert())

	def customer(self, one, other, third):
		self.add(
			factories.customer(
				self.name("Kunde"),
				customer_type="Individual" if one % 2 else "Company",
				email_id=self.email(other),
				website=f"{self.mark}.example" if third else None,
			)
		)

	def supplier(self, one, other, third):
		self.add(
			factories.insert(
				"Supplier",
				supplier_name=self.name("Lieferant"),
				supplier_group="Services",
				supplier_type="Individual" if one % 2 else "Company",
			)
		)

	def party_link(self, one, other, third):
		ends = self.pick("Customer", one), self.pick("Supplier", other)
		if all(ends) and not self.linked & {end.name for end in ends}:
			self.linked |= {end.name for end in ends}
			factories.insert(
				"Party Link",
				primary_role="Customer",
				primary_party=ends[0].name,
				secondary_role="Supplier",
				secondary_party=ends[1].name,
			)

	def employee(self, one, other, third):
		self.add(
			factories.insert(
				"Employee",
				first_name=self.name("Emil"),
				company=factories.COMPANY,
				gender="Male",
				date_of_birth="1990-01-01",
				date_of_joining="2020-01-01",
				personal_email=self.email(one),
				company_email=self.email(other),
			)
		)

	def contact(self, one, other, third):
		ends = [self.pick(doctype, one) for doctype in ("Customer", "Supplier", "Lead", "Prospect")]
		links = [(end.doctype, end.name) for bit, end in enumerate(ends) if end and third >> bit & 1]
		doc = frappe.get_doc(
			{
				"doctype": "Contact",
				"first_name": self.name("Karl"),
				"is_primary_contact": one % 2,
				"links": [{"link_doctype": doctype, "link_name": name} for doctype, name in links],
				"email_ids": [{"email_id": self.email(other), "is_primary": 1}] if other else [],
			}
		)
		self.add(doc.insert())

	def prospect(self, one, other, third):
		lead = self.pick("Lead", one)
		self.add(
			factories.insert(
				"Prospect",
				company_name=self.name("Aussicht"),
				company=factories.COMPANY,
				no_of_employees="51-200",
				leads=[{"lead": lead.name}] if lead else [],
			)
		)


KINDS = (
	"lead",
	"convert",
	"customer",
	"supplier",
	"party_link",
	"employee",
	"contact",
	"contact",
	"prospect",
)
steps = st.lists(
	st.tuples(st.sampled_from(KINDS), st.integers(0, 3), st.integers(0, 3), st.integers(0, 15)),
	min_size=4,
	max_size=9,
)


def whole_story() -> Story:
	"""Insert one document of each type, and the links between them."""
	story = Story()
	for step in (
		("lead", 0, 1, 0),
		("lead", 1, 0, 0),
		("convert", 0, 0, 0),
		("convert", 1, 0, 0),
		("customer", 1, 1, 1),
		("customer", 0, 2, 0),
		("supplier", 0, 0, 0),
		("party_link", 3, 0, 0),
		("employee", 1, 2, 0),
		("contact", 0, 1, 0),
		("contact", 0, 0, 15),
		("contact", 3, 2, 1),
		("contact", 3, 0, 0),
		("prospect", 1, 0, 0),
	):
		story.step(*step)
	return story


# ── same result as events ──────────────────────────────────────────────────────────────────────


@settings(
	max_examples=12,
	deadline=None,
	derandomize=True,
	database=None,
	phases=[Phase.generate],  # the few steps can be read without shrinking
	suppress_health_check=list(HealthCheck),
)
@given(steps=steps)
def test_sync_makes_of_the_documents_what_events_made_of_them(small_pages, steps):
	try:
		settle()  # the previous example was rolled back, and the settled state of the fixture with it
		story = Story()
		for step in steps:
			story.step(*step)
		assert not frappe.db.exists("Relation Deferred Step", {"status": "Open"})
		by_events = files()
		forget_all()
		engine.sync()
		assert files() == by_events
	finally:
		frappe.db.rollback()


def test_sync_makes_one_of_each_as_events_do(small_pages):
	whole_story()
	by_events = files()
	assert not frappe.db.exists("Relation Deferred Step", {"status": "Open"})
	forget_all()
	report = engine.sync()
	assert files() == by_events
	assert report.as_dict()["rejected"] == 0


# ── repetition ─────────────────────────────────────────────────────────────────────────────────


def test_a_second_run_changes_nothing():
	whole_story()
	forget_all()
	first = engine.sync()
	before = contents()
	second = engine.sync()
	assert contents() == before
	for doctype, counts in second.by.items():
		assert (counts.adopted, counts.updated) == (0, 0)
		assert counts.unchanged == counts.rows_in == first.by[doctype].rows_in


@pytest.mark.parametrize("known", ["nothing", "half", "all"])
def test_a_dry_run_counts_what_a_run_does_and_writes_nothing(small_pages, known):
	story = whole_story()
	if known == "nothing":
		forget_all()
	elif known == "half":
		for doctype in ("Lead", "Supplier", "Contact"):
			for doc in story.made[doctype][:2]:
				frappe.db.delete("Relation Party", {"party_type": doctype, "party": doc.name})
		for doc in story.made["Customer"][2:]:
			frappe.db.set_value("Customer", doc.name, "lead_name", story.made["Lead"][0].name)
			frappe.db.set_value("Customer", doc.name, "website", "later.example")
	before = contents()
	dry = engine.sync(dry_run=True)
	assert contents() == before
	real = engine.sync()
	for doctype in sources():
		assert (doctype, dry.by[doctype]) == (doctype, real.by[doctype])
	told = real.as_dict()
	assert told["rows_in"] == told["imported"] + told["rejected"]
	assert (contents() == before) == (known == "all")


def test_every_document_is_counted_once():
	whole_story()
	forget_all()
	by = engine.sync().by
	for doctype in sources():
		assert by[doctype].rows_in == by[doctype].adopted == frappe.db.count(doctype)


def test_what_a_page_changes_in_many_relations_is_logged_as_a_save_would_be():
	customers = [factories.customer(language="de") for _number in range(adoption.AS_DOCUMENTS + 2)]
	for doc in customers:
		frappe.db.set_value("Customer", doc.name, "website", "neu.example", update_modified=False)
	assert engine.sync().by["Customer"].updated == len(customers)
	for doc in customers:
		relation = identity.relation_of("Customer", doc.name)
		assert frappe.db.get_value("Relation", relation, "website") == "neu.example"
		key = {"ref_doctype": "Relation", "docname": relation}
		data = json.loads(frappe.get_last_doc("Version", key, order_by="creation desc").data)
		assert data["changed"] == [["website", "", "neu.example"]]


# ── after a kill ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_a_sync_that_is_killed_is_run_again_without_doubles():
	with other_site() as site:

		def run(*arguments: str) -> subprocess.CompletedProcess:
			return subprocess.run(
				[
					sys.executable,
					"-m",
					"crm_relations.tests.support.machine.killed_sync",
					site.name,
					*arguments,
				],
				cwd=os.path.join(BENCH_DIR, "sites"),
				capture_output=True,
				text=True,
				timeout=300,
			)

		def ask(*arguments: str):
			done = run(*arguments)
			assert done.returncode == 0, done.stderr[-3000:]
			return json.loads(done.stdout.splitlines()[-1])

		by_events, total = ask("fill")
		for page, where in (("2", "in it"), ("2", "after it")):
			assert run("killed", page, where).returncode == -signal.SIGKILL
			assert 0 < ask("made") < total, "what was committed stays, and the rest is still to do"
		report = ask("sync")
		assert ask("digest") == by_events
		assert report["rows_in"] == report["imported"]
		again = ask("sync")["by"].values()
		assert sum(counts["unchanged"] for counts in again) == report["rows_in"]

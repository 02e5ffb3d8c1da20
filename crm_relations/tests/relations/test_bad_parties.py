"""Test that party documents of old imports are linked, or rejected with a reason, and that none is lost."""

from dataclasses import replace

import frappe
import pytest
from frappe.utils import nowdate

from crm_relations.relations import queries
from crm_relations.relations.creation import adoption
from crm_relations.relations.identities import identity
from crm_relations.relations.identities import sync as engine
from crm_relations.relations.network import links
from crm_relations.relations.party_documents.sources import sources
from crm_relations.relations.roles_and_stages import roles
from crm_relations.relations.rules import WORKS_FOR
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch):
	"""Disable the commit that sync makes after each page, so that the test can roll back."""
	monkeypatch.setattr(frappe.db, "commit", lambda: None)


def raw(doctype: str, **values) -> str:
	"""Insert a document as an old import has left it: without validation and events."""
	name = factories.unique("Alt")
	row = {
		"name": name,
		"creation": nowdate(),
		"modified": nowdate(),
		"owner": "Administrator",
		"modified_by": "Administrator",
		**values,
	}
	frappe.db.bulk_insert(doctype, list(row), [tuple(row.values())])
	return name


def raw_link(contact: str, doctype: str, name: str) -> None:
	values = {"parent": contact, "parenttype": "Contact", "parentfield": "links", "idx": 1}
	raw("Dynamic Link", link_doctype=doctype, link_name=name, **values)


def file_of(doctype: str, name: str):
	return frappe.get_doc("Relation", identity.relation_of(doctype, name))


def works_for(contact: str) -> set[str]:
	relation = identity.relation_of("Contact", contact)
	return {row["other"] for row in links.links_of(relation) if row["link_type"] == WORKS_FOR}


def rejected(report, doctype: str) -> dict[str, str]:
	return {row["name"]: row["reason"] for row in report.by[doctype].reasons}


# ── without a name ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
	("doctype", "column"),
	[
		("Customer", "customer_name"),
		("Supplier", "supplier_name"),
		("Lead", "lead_name"),
		("Prospect", "company_name"),
		("Employee", "employee_name"),
		("Contact", "full_name"),
	],
)
def test_a_party_without_a_name_is_rejected_in_words_and_adopted_when_it_has_one(doctype, column):
	name, neighbour = raw(doctype, **{column: "  "}), raw(doctype, **{column: "Nachbar"})
	report = engine.sync()
	counts = report.by[doctype]
	assert "has no name" in rejected(report, doctype)[name]
	assert counts.rows_in == counts.adopted + counts.updated + counts.unchanged + counts.rejected
	assert not identity.relation_of(doctype, name) and identity.relation_of(doctype, neighbour)
	assert frappe.db.exists(doctype, name), "the document itself is left as it is"
	frappe.db.set_value(doctype, name, column, "Nun benannt", update_modified=False)
	assert name not in rejected(engine.sync(), doctype)
	assert file_of(doctype, name).relation_name == "Nun benannt"


def test_a_contact_that_has_only_an_e_mail_is_called_by_it():
	name = raw("Contact", email_id="ohne.namen@alt.example")
	engine.sync()
	assert file_of("Contact", name).relation_name == "ohne.namen@alt.example"


def test_a_customer_whose_lead_has_no_name_is_adopted_and_the_lead_joins_it_later():
	lead = raw("Lead", lead_name="")
	customer = raw("Customer", customer_name="Kunde", lead_name=lead)
	assert lead in rejected(engine.sync(), "Lead")
	assert identity.relation_of("Customer", customer)
	frappe.db.set_value("Lead", lead, "lead_name", "Lena", update_modified=False)
	engine.sync()
	assert identity.relation_of("Lead", lead) == identity.relation_of("Customer", customer)


# ── contact addresses ──────────────────────────────────────────────────────────────────────────


def test_two_customers_with_one_e_mail_stay_two():
	one, other = (raw("Customer", customer_name=name, email_id="info@zwei.example") for name in ("A", "B"))
	engine.sync()
	assert identity.relation_of("Customer", one) != identity.relation_of("Customer", other)
	assert file_of("Customer", one).email_id == file_of("Customer", other).email_id == "info@zwei.example"


@pytest.mark.parametrize(
	"typed", ["Anna Alt <Anna@Kunde.Example>", "ANNA@KUNDE.EXAMPLE ", '"Alt, Anna" <anna@kunde.example>']
)
def test_an_e_mail_with_display_name_and_capitals_is_kept_bare_and_still_finds_its_employee(typed):
	contact = raw("Contact", first_name="Anna", email_id=typed)
	employee = raw(
		"Employee", first_name="Anna", employee_name="Anna Alt", personal_email="anna@kunde.example"
	)
	engine.sync()
	assert file_of("Contact", contact).email_id == "anna@kunde.example"
	assert identity.relation_of("Contact", contact) == identity.relation_of("Employee", employee)


@pytest.mark.parametrize("typed", ["kein", "a@b@c", "@kunde.example", "<>", "anna@", "a b@kunde.example; c"])
def test_what_is_no_e_mail_is_left_out_and_stops_nothing(typed):
	name = raw("Customer", customer_name="Kunde", email_id=typed)
	assert name not in rejected(engine.sync(), "Customer")
	assert not file_of("Customer", name).email_id
	assert frappe.db.get_value("Customer", name, "email_id") == typed


# ── links ──────────────────────────────────────────────────────────────────────────────────────


def test_a_contact_linked_to_nothing_is_a_person_of_its_own():
	name = raw("Contact", first_name="Niemand")
	engine.sync()
	assert file_of("Contact", name).relation_kind == "Person"
	assert identity.parties_of(identity.relation_of("Contact", name)) == [("Contact", name)]


def test_a_contact_linked_to_what_is_gone_and_to_what_is_no_party_is_adopted():
	name = raw("Contact", first_name="Niemand")
	for doctype, other in (
		("Customer", "No such customer"),
		("Item", "No item"),
		("Company", factories.COMPANY),
	):
		raw_link(name, doctype, other)
	raw_link(name, "Contact", name)
	report = engine.sync()
	assert name not in rejected(report, "Contact")
	assert works_for(name) == set()


def test_a_contact_linked_to_everything_joins_none_of_them_twice():
	person = raw("Contact", first_name="Überall", is_primary_contact=1)
	ends = [
		*(("Customer", raw("Customer", customer_name=f"K{n}", customer_type="Individual")) for n in range(3)),
		*(("Customer", raw("Customer", customer_name=f"F{n}", customer_type="Company")) for n in range(20)),
		*(("Supplier", raw("Supplier", supplier_name=f"L{n}", supplier_type="Company")) for n in range(5)),
		*(("Lead", raw("Lead", lead_name=f"I{n}")) for n in range(3)),
	]
	for doctype, name in ends:
		raw_link(person, doctype, name)
	engine.sync()
	relation = identity.relation_of("Contact", person)
	types = [doctype for doctype, _name in identity.parties_of(relation)]
	assert len(types) == len(set(types)), "one document of a doctype"
	companies = {identity.relation_of(*end) for end in ends[3:28]}
	assert len(companies) == 25 and works_for(person) == companies
	assert all(identity.relation_of(*end) for end in ends)


# ── too long ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", [1, adoption.AS_DOCUMENTS + 2])
def test_fields_of_10000_characters_are_cut_or_left_out(number, monkeypatch):
	found = sources()["Customer"]
	long = {
		"relation_kind": "Organisation",
		**dict.fromkeys(
			("relation_name", "website", "designation", "first_name", "city", "pincode"), "x" * 10000
		),
		"email_id": "x" * 10_000 + "@kunde.example",
		"phone": "1" * 10_000,
		"mobile_no": "0221 / 123 " * 1_000,
	}
	stretched = replace(found, main=replace(found.main, values=lambda row: dict(long)))
	monkeypatch.setitem(sources(), "Customer", stretched)
	names = [raw("Customer", customer_name=f"Kunde {n}") for n in range(number)]
	outcome = adoption.adopt([("Customer", name) for name in names])
	assert not outcome.rejected
	for name in names:
		relation = file_of("Customer", name)
		assert relation.relation_name == "x" * 140 == relation.website
		assert not relation.email_id, "half an address is none"
		assert not relation.phone and len(relation.mobile_no or "") <= 140
		relation.save()


def test_long_text_with_wide_characters_fits():
	name = raw("Customer", customer_name="💶" * 140, website="ü" * 140)
	assert name not in rejected(engine.sync(), "Customer")
	assert file_of("Customer", name).relation_name == "💶" * 140


# ── changes during a read ──────────────────────────────────────────────────────────────────────


def test_a_party_deleted_after_its_page_was_listed_is_left_out(monkeypatch):
	gone, stays = (raw("Customer", customer_name=name) for name in ("Geht", "Bleibt"))
	listed = queries.names_after

	def list_and_delete(doctype, after, limit):
		names = listed(doctype, after, limit)
		if gone in names:
			frappe.db.delete("Customer", {"name": gone})
		return names

	monkeypatch.setattr(queries, "names_after", list_and_delete)
	report = engine.sync()
	assert not report.by["Customer"].rejected
	assert not identity.relation_of("Customer", gone) and identity.relation_of("Customer", stays)


def test_a_party_deleted_while_its_page_is_written_leaves_its_relation_with_history(monkeypatch):
	gone, stays = (raw("Supplier", supplier_name=name) for name in ("Geht", "Bleibt"))
	refresh, relation = roles.refresh, []

	def refresh_and_delete(relations, *arguments, **values):
		refresh(relations, *arguments, **values)
		if not relation and (found := identity.relation_of("Supplier", gone)):
			relation.append(found)
			frappe.db.delete("Supplier", {"name": gone})

	monkeypatch.setattr(roles, "refresh", refresh_and_delete)
	engine.sync()
	assert not identity.relation_of("Supplier", gone) and identity.relation_of("Supplier", stays)
	doc = frappe.get_doc("Relation", relation[0])
	(role,) = doc.roles
	assert doc.relation_name == "Geht" and (role.role, role.document_name) == ("Supplier", None)
	assert role.until, "the role ended with the document"


def test_one_document_that_cannot_be_read_is_rejected_and_the_rest_of_its_page_is_not(monkeypatch):
	bad, good = (raw("Customer", customer_name=name) for name in ("Schlecht", "Gut"))
	found = sources()["Customer"]

	def values(row):
		if row["name"] == bad:
			raise ValueError("unreadable")
		return found.main.values(row)

	monkeypatch.setitem(sources(), "Customer", replace(found, main=replace(found.main, values=values)))
	report = engine.sync()
	assert rejected(report, "Customer") == {bad: "unreadable"}
	assert identity.relation_of("Customer", good) and not identity.relation_of("Customer", bad)


def test_a_document_that_somebody_saves_at_the_same_moment_is_not_doubled(monkeypatch):
	engine.sync()  # documents that other tests left get their relations here, and are not counted below
	names = [raw("Customer", customer_name=f"Kunde {n}") for n in range(adoption.AS_DOCUMENTS + 2)]
	saved = ("Customer", names[1])
	identity.adopt(*saved)
	read, stale = queries.relations_of, []

	def read_too_early(parties):
		found = read(parties)
		if not stale and saved in found:
			stale.append(found.pop(saved))
		return found

	monkeypatch.setattr(queries, "relations_of", read_too_early)
	relations = frappe.db.count("Relation")
	report = engine.sync()
	assert stale and not set(names) & set(rejected(report, "Customer"))
	assert frappe.db.count("Relation") == relations + len(names) - 1
	assert frappe.db.count("Relation Party", {"party": ["in", names]}) == len(names)
	assert identity.relation_of(*saved) == stale[0]

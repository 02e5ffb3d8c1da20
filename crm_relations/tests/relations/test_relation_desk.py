"""Test the customer file at the desk: the link from a customer, the graph by keyboard, an import's preview."""

import frappe
import pytest

from crm_relations.relations.identities import identity
from crm_relations.relations.network import links
from crm_relations.tests.support.factories import COMPANY, contact, customer, insert, lead, relation, unique
from crm_relations.tests.support.machine.browser import MARKS, administrators_page  # noqa: F401

pytestmark = MARKS


@pytest.fixture
def story():
	"""Commit for the browser a customer with an address, its parent company and a file to import."""
	firm = customer(unique("Tochter & Söhne"))
	address = insert(
		"Address",
		address_title=firm.name,
		address_type="Billing",
		address_line1="Domstr. 1",
		city="Köln",
		country="Germany",
		links=[{"link_doctype": "Customer", "link_name": firm.name}],
	)
	name = frappe.db.get_value("Relation Party", {"party_type": "Customer", "party": firm.name}, "parent")
	parent = relation(unique("Mutter & <i>Söhne</i>")).name
	links.link(name, "subsidiary of", parent)
	file = insert("File", file_name=f"{parent}.csv", is_private=1, content="Name;E-Mail\nFirma;kein at\n")
	doc = insert("Relation Import", import_file=file.file_url)
	frappe.db.commit()
	yield frappe._dict(customer=firm.name, relation=name, parent=parent, imported=doc.name)
	frappe.db.rollback()
	frappe.db.delete("Relation Link", {"relation": name})
	frappe.delete_doc("Relation Import", doc.name, force=True)
	frappe.delete_doc("Address", address.name, force=True)
	frappe.delete_doc("Customer", firm.name, force=True)
	for doctype, gone in (("File", file.name), ("Relation", name), ("Relation", parent)):
		frappe.delete_doc(doctype, gone, force=True)
	frappe.db.commit()


def test_from_the_customer_over_its_file_to_the_parent_company(page, story):
	page.goto(f"/app/customer/{story.customer}")
	page.click("button:has-text('Customer File'):visible", timeout=60_000)
	page.wait_for_url(f"**/app/relation/{story.relation}", timeout=60_000)
	page.click(".form-tabs .nav-link:has-text('Roles and Documents'):visible", timeout=60_000)
	page.locator("[data-fieldname=behind_html]", has_text="Domstr. 1").wait_for(timeout=30_000)
	page.click(".form-tabs .nav-link:has-text('Relationships'):visible")
	node = page.locator(f".relation-node[data-name='{story.parent}']")
	node.wait_for(timeout=30_000)
	assert "parent of" in node.get_attribute("aria-label")
	assert not page.locator(".relation-node i").count(), "a name is text"
	node.focus()
	page.keyboard.press("Enter")
	page.wait_for_url(f"**/app/relation/{story.parent}", timeout=30_000)
	assert not page.errors


def test_the_preview_of_an_import_names_the_reason(page, story):
	page.goto(f"/app/relation-import/{story.imported}")
	page.click("button:has-text('Preview'):visible", timeout=60_000)
	page.locator("[data-fieldname=preview_html]", has_text="kein at is not an email address").wait_for(
		timeout=60_000
	)
	assert page.locator("button:has-text('Start Import'):visible").count()
	assert not page.errors


@pytest.fixture
def question():
	"""Commit for the browser an import of ambiguous dates with markup in its cells."""
	mark = '<img src="x" onerror="document.title=1">'
	content = f"Vorname;Nachname;Geburtstag;Farbe {mark}\n{mark};{unique('Frage')};3/4/1980;{mark}\n"
	file = insert("File", file_name=f"{unique('frage')}.csv", is_private=1, content=content)
	doc = insert("Relation Import", import_file=file.file_url)
	frappe.db.commit()
	yield doc.name
	frappe.db.rollback()
	frappe.delete_doc("Relation Import", doc.name, force=True)
	frappe.delete_doc("File", file.name, force=True)
	frappe.db.commit()


def test_what_the_file_does_not_show_is_asked_before_the_import_and_cells_stay_text(page, question):
	page.goto(f"/app/relation-import/{question}")
	page.click("button:has-text('Preview'):visible", timeout=60_000)
	page.locator("[data-fieldname=preview_html]", has_text="Dates can be read in two ways").wait_for(
		timeout=60_000
	)
	page.click("button:has-text('Start Import'):visible")
	dialog = page.locator(".modal.show")
	dialog.locator("select[data-fieldname=date_order]").select_option("Month before Day", timeout=30_000)
	dialog.locator(".btn-primary:visible").click()
	page.wait_for_function(
		"cur_frm.doc.date_order === 'Month before Day' && !cur_frm.is_dirty()", timeout=60_000
	)
	page.wait_for_function("!JSON.parse(cur_frm.doc.findings || '{}').questions?.length", timeout=60_000)
	assert not page.locator("[data-fieldname=preview_html] img").count()
	assert page.title() != "1" and not page.errors


@pytest.fixture
def parties():
	"""Commit for the browser one document of each party doctype."""
	docs = [
		customer(unique("Kunde")),
		lead(unique("Interessent")),
		insert("Supplier", supplier_name=unique("Lieferant"), supplier_group="Services"),
		insert(
			"Employee",
			first_name=unique("Emil"),
			company=COMPANY,
			gender="Male",
			date_of_birth="1990-01-01",
			date_of_joining="2020-01-01",
		),
		contact(unique("Karla"), "Klein"),
	]
	files = {doc: identity.relation_of(doc.doctype, doc.name) for doc in docs}
	frappe.db.commit()
	yield files
	frappe.db.rollback()
	for doc in docs:
		frappe.delete_doc(doc.doctype, doc.name, force=True, ignore_missing=True)
	for name in files.values():
		frappe.delete_doc("Relation", name, force=True, ignore_missing=True)
	frappe.db.commit()


def test_every_form_of_a_party_leads_to_its_file(page, parties):
	for doc, file in parties.items():
		page.goto(f"/app/{frappe.scrub(doc.doctype).replace('_', '-')}/{doc.name}")
		page.click("button:has-text('Customer File'):visible", timeout=60_000)
		page.wait_for_url(f"**/app/relation/{file}", timeout=60_000)
	assert not page.errors

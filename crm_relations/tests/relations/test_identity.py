"""Test which ERPNext documents are one relation, and the effect of rename, merge and deletion."""

import frappe
import pytest
from erpnext.crm.doctype.lead.lead import make_customer, make_opportunity
from frappe.utils import add_days, getdate, nowdate

from crm_relations.relations.creation import adoption, merge
from crm_relations.relations.identities import identity
from crm_relations.relations.identities import sync as engine
from crm_relations.relations.network import links
from crm_relations.relations.rules import WORKS_FOR
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.statements import sent_statements
from crm_relations.tests.support.machine.commits import held_back

pytestmark = pytest.mark.site


@pytest.fixture(autouse=True)
def no_step_failed():
	"""Fail on a failing step, which is deferred and would otherwise go unnoticed."""
	before = frappe.db.count("Relation Deferred Step")
	yield
	after = frappe.get_all("Relation Deferred Step", fields=["step", "error"], order_by="creation asc")[
		before:
	]
	assert not after, after


def relation_of(doc) -> str:
	name = identity.relation_of(doc.doctype, doc.name)
	assert name, f"{doc.doctype} {doc.name} has no relation"
	return name


def file_of(doc):
	return frappe.get_doc("Relation", relation_of(doc))


def party_types(relation: str) -> list[str]:
	return sorted(doctype for doctype, _name in identity.parties_of(relation))


def contact_of(doc):
	name = frappe.db.get_value(
		"Dynamic Link",
		{"parenttype": "Contact", "link_doctype": doc.doctype, "link_name": doc.name},
		"parent",
	)
	return frappe.get_doc("Contact", name)


def employee(**values):
	values = {"first_name": factories.unique("Emil"), **values}
	return factories.insert(
		"Employee",
		company=factories.COMPANY,
		gender="Male",
		date_of_birth="1990-01-01",
		date_of_joining="2020-01-01",
		**values,
	)


def supplier(**values):
	return factories.insert(
		"Supplier", supplier_name=factories.unique("Lieferant"), supplier_group="Services", **values
	)


def works_for(contact_doc) -> list[str]:
	return [row["other"] for row in links.links_of(relation_of(contact_doc)) if row["link_type"] == WORKS_FOR]


# ── one relation ───────────────────────────────────────────────────────────────────────────────


def test_a_customer_becomes_a_relation_with_its_data():
	user = factories.user()
	doc = factories.customer(
		"Alpha AG " + frappe.generate_hash(length=5),
		account_manager=user,
		website="alpha.example",
		language="de",
	)
	relation = file_of(doc)
	assert relation.relation_name == doc.customer_name and relation.relation_kind == "Organisation"
	assert (relation.responsible, relation.website, relation.territory, relation.language) == (
		user,
		"alpha.example",
		"Germany",
		"de",
	)
	assert [(p.party_type, p.party, p.since) for p in relation.parties] == [("Customer", doc.name, getdate())]


def test_a_lead_and_the_contact_that_erpnext_makes_for_it_are_one_person():
	lead = factories.lead("Anna", last_name="Schmidt")
	relation = file_of(lead)
	assert relation.relation_kind == "Person" and relation.relation_name == "Anna Schmidt"
	assert party_types(relation.name) == ["Contact", "Lead"]
	assert relation_of(contact_of(lead)) == relation.name
	assert frappe.db.get_value("Lead", lead.name, "relation") == relation.name


def test_a_lead_with_a_company_is_that_company_and_its_contact_works_there():
	lead = factories.lead("Bert", company_name=factories.unique("Beta GmbH"), no_of_employees="51-200")
	relation = file_of(lead)
	assert (relation.relation_kind, relation.relation_name) == ("Organisation", lead.company_name)
	assert relation.employees == 51
	assert party_types(relation.name) == ["Lead"]
	assert works_for(contact_of(lead)) == [relation.name]


def test_a_lead_that_is_converted_keeps_its_relation():
	lead = factories.lead("Carla")
	before = relation_of(lead)
	customer = make_customer(lead.name)
	customer.update({"customer_group": "Commercial", "territory": "Germany"})
	customer.insert()
	assert relation_of(customer) == before
	assert party_types(before) == ["Contact", "Customer", "Lead"]


def test_a_converted_company_lead_and_its_contact_stay_two_relations():
	lead = factories.lead("Dora", company_name=factories.unique("Delta GmbH"))
	contact = contact_of(lead)
	person = relation_of(contact)
	customer = make_customer(lead.name)
	customer.update({"customer_group": "Commercial", "territory": "Germany"})
	customer.insert()
	assert relation_of(customer) == relation_of(lead)
	assert relation_of(contact) == person != relation_of(lead)
	assert works_for(contact) == [relation_of(lead)], "linked to lead and customer, and yet once"


def test_a_customer_made_from_the_opportunity_of_a_lead_is_the_lead():
	lead = factories.lead("Emma")
	opportunity = make_opportunity(lead.name)
	opportunity.insert()
	customer = factories.customer(customer_type="Individual", opportunity_name=opportunity.name)
	assert relation_of(customer) == relation_of(lead)


def test_a_customer_made_from_the_opportunity_of_a_prospect_is_the_prospect():
	company = factories.unique("Epsilon GmbH")
	prospect = factories.insert("Prospect", company_name=company, company=factories.COMPANY)
	opportunity = factories.insert(
		"Opportunity",
		opportunity_from="Prospect",
		party_name=prospect.name,
		company=factories.COMPANY,
		status="Open",
	)
	customer = factories.customer(company, opportunity_name=opportunity.name)
	assert relation_of(customer) == relation_of(prospect)


def test_a_prospect_is_its_company_leads_and_the_customer_made_from_it():
	company = factories.unique("Gamma GmbH")
	lead = factories.lead("Fritz", company_name=company)
	prospect = factories.insert(
		"Prospect", company_name=company, company=factories.COMPANY, leads=[{"lead": lead.name}]
	)
	assert relation_of(prospect) == relation_of(lead)
	customer = factories.customer(company, prospect_name=prospect.name)
	assert relation_of(customer) == relation_of(lead)
	assert party_types(relation_of(lead)) == ["Customer", "Lead", "Prospect"]


def test_a_person_among_the_leads_of_a_prospect_works_there():
	lead = factories.lead("Gina")
	prospect = factories.insert(
		"Prospect",
		company_name=factories.unique("Werk"),
		company=factories.COMPANY,
		leads=[{"lead": lead.name}],
	)
	assert relation_of(lead) != relation_of(prospect)
	assert works_for(lead) == [relation_of(prospect)]


def test_an_individual_customer_and_its_primary_contact_are_one_person():
	customer = factories.customer(
		"Hans Huber " + frappe.generate_hash(length=5), customer_type="Individual", mobile_no="0171 1234567"
	)
	assert customer.customer_primary_contact
	assert party_types(relation_of(customer)) == ["Contact", "Customer"]
	assert file_of(customer).relation_kind == "Person"


def test_an_individual_supplier_and_its_primary_contact_are_one_person():
	vendor = supplier(supplier_type="Individual")
	contact = factories.contact("Hanna", "Hof", "hanna@hof.example", [("Supplier", vendor.name)])
	assert relation_of(contact) != relation_of(vendor), "any contact may be somebody else"
	vendor.reload()
	vendor.supplier_primary_contact = contact.name
	vendor.save()
	assert relation_of(contact) == relation_of(vendor)


def test_a_contact_that_is_named_as_the_primary_one_is_the_individual_also_when_only_the_contact_is_saved():
	customer = factories.customer(customer_type="Individual")
	contact = factories.contact("Hugo", "Hof", "hugo@hof.example", [("Customer", customer.name)])
	frappe.db.set_value("Customer", customer.name, "customer_primary_contact", contact.name)
	contact.reload()
	contact.last_name = "Hofer"
	contact.save()
	assert relation_of(contact) == relation_of(customer)


def test_a_contact_of_a_company_is_a_person_who_works_for_it_since_a_date():
	customer = factories.customer()
	contact = factories.contact("Ina", "Igel", "ina@igel.example", [("Customer", customer.name)])
	person = relation_of(contact)
	assert person != relation_of(customer)
	(link,) = links.links_of(person)
	assert (link["reads"], link["other"], link["since"]) == ("works for", relation_of(customer), getdate())
	(back,) = links.links_of(relation_of(customer))
	assert (back["reads"], back["other"]) == ("employs", person)


def test_a_contact_that_is_taken_off_a_company_does_not_work_there_any_more():
	customer = factories.customer()
	contact = factories.contact("Jan", "Jung", "jan@jung.example", [("Customer", customer.name)])
	contact.reload()
	contact.links = []
	contact.save()
	(link,) = links.links_of(relation_of(contact))
	assert link["until"] == getdate()


def general_contact(customer):
	"""Return the contact that ERPNext makes of the email address entered in a company's customer."""
	name = frappe.db.get_value(
		"Dynamic Link",
		{"link_doctype": "Customer", "link_name": customer.name, "parenttype": "Contact"},
		"parent",
	)
	return frappe.get_doc("Contact", name)


def test_a_company_with_an_e_mail_is_one_relation_although_erpnext_makes_a_contact_of_it():
	company = factories.customer(email_id="Info@Werk.Example", mobile_no="0170 1234567")
	contact = general_contact(company)
	assert relation_of(contact) == relation_of(company)
	file = file_of(company)
	assert (file.relation_kind, file.relation_name) == ("Organisation", company.customer_name)
	assert (file.email_id, links.links_of(file.name)) == ("info@werk.example", [])
	sales = factories.contact("", "", "verkauf@werk.example", [("Customer", company.name)])
	assert relation_of(sales) != file.name
	assert works_for(sales) == [file.name]


def test_a_contact_of_a_company_that_gets_the_name_of_a_person_is_one_who_works_there():
	company = factories.customer(email_id="anna@werk2.example")
	contact = general_contact(company)
	contact.first_name, contact.last_name = "Anna", "Alt"
	contact.save()
	assert relation_of(contact) != relation_of(company)
	assert works_for(contact) == [relation_of(company)]
	person = file_of(contact)
	assert (person.relation_kind, person.relation_name) == ("Person", "Anna Alt")
	company.reload()
	company.save()
	with held_back():
		engine.sync()
	assert relation_of(contact) == person.name


def test_a_party_link_brings_customer_and_supplier_into_the_earlier_relation():
	customer, vendor = factories.customer(), supplier()
	first, second = relation_of(customer), relation_of(vendor)
	frappe.db.set_value("Relation", second, "creation", add_days(nowdate(), 1))
	factories.insert(
		"Party Link",
		primary_role="Customer",
		primary_party=customer.name,
		secondary_role="Supplier",
		secondary_party=vendor.name,
	)
	assert relation_of(vendor) == relation_of(customer) == first
	assert not frappe.db.exists("Relation", second)
	assert {row.role for row in file_of(customer).roles} == {"Supplier"}


def test_an_employee_is_the_contact_of_the_same_user_or_e_mail():
	by_mail = factories.contact("Karl", "Klein", "karl@klein.example")
	one = employee(personal_email="Karl@Klein.example")
	assert relation_of(one) == relation_of(by_mail)
	user = factories.user()
	by_user = frappe.get_doc("Contact", frappe.db.get_value("Contact", {"user": user}))
	other = employee(user_id=user, create_user_permission=0)
	assert relation_of(other) == relation_of(by_user) != relation_of(one)


def test_a_contact_that_comes_after_the_employee_joins_it():
	worker = employee(company_email="lea@lang.example")
	contact = factories.contact("Lea", "Lang", "lea@lang.example")
	assert relation_of(contact) == relation_of(worker)


@pytest.mark.parametrize("typed", ["Anna Müller <A.Mueller@X-Werk.Example>", "A.MUELLER@X-WERK.EXAMPLE"])
def test_contact_and_employee_meet_by_e_mail_however_it_is_written_and_whoever_comes_first(typed):
	contact = factories.contact("Anna", "Müller", typed)
	worker = employee(company_email="a.mueller@x-werk.example")
	assert relation_of(worker) == relation_of(contact)
	earlier = employee(personal_email="Berta <B.Mueller@X-WERK.Example>")
	later = factories.contact("Berta", "Müller", "b.mueller@x-werk.example")
	assert relation_of(later) == relation_of(earlier) != relation_of(worker)


def test_an_old_contact_with_a_comma_in_the_display_name_is_found_by_a_later_employee():
	contact = factories.contact("Anna", "Müller", None)
	typed = '"Müller, Anna" <A.Mueller@X.Example>'  # an import that bypasses the form can leave it
	frappe.db.set_value("Contact", contact.name, "email_id", typed)
	identity.adopt("Contact", contact.name)
	worker = employee(company_email="a.mueller@x.example")
	assert relation_of(worker) == relation_of(contact)


def test_the_documents_of_a_relation_are_numbered_without_gaps_after_one_was_deleted():
	customer = factories.customer(customer_type="Individual")
	vendor, other = supplier(), supplier()
	for one in (vendor, other):
		factories.insert(
			"Party Link",
			primary_role="Customer",
			primary_party=customer.name,
			secondary_role="Supplier",
			secondary_party=one.name,
		)
	assert len(file_of(customer).parties) == 3
	frappe.db.delete("Party Link", {"secondary_party": vendor.name})
	frappe.delete_doc("Supplier", vendor.name)
	assert [row.idx for row in file_of(customer).parties] == [1, 2]


def test_a_contact_shared_by_two_persons_brings_them_not_together():
	contact = factories.contact("Familie", "Meier", "meier@meier.example")
	first = factories.customer(customer_type="Individual", customer_primary_contact=contact.name)
	second = factories.customer(customer_type="Individual", customer_primary_contact=contact.name)
	assert relation_of(first) == relation_of(contact)
	assert relation_of(second) != relation_of(first)


def test_a_contact_linked_to_everything_stays_one_person():
	person, company, lead = (
		factories.customer(customer_type="Individual"),
		factories.customer(),
		factories.lead(),
	)
	other_company = supplier()
	contact = factories.contact(
		"Nora",
		"Neu",
		"nora@neu.example",
		[
			("Customer", person.name),
			("Customer", company.name),
			("Lead", lead.name),
			("Supplier", other_company.name),
		],
	)
	assert relation_of(contact) not in {relation_of(person), relation_of(company), relation_of(lead)}
	assert set(works_for(contact)) == {relation_of(company), relation_of(other_company)}


def test_two_customers_with_one_e_mail_stay_two():
	one, other = (
		factories.customer(email_id="info@zwei.example"),
		factories.customer(email_id="info@zwei.example"),
	)
	assert relation_of(one) != relation_of(other)


def test_two_suppliers_with_one_e_mail_and_an_e_mail_shared_with_a_customer_stay_apart():
	parties = [
		factories.customer(email_id="info@drei.example"),
		supplier(email_id="info@drei.example"),
		supplier(email_id="Info@Drei.example"),
	]
	assert len({relation_of(party) for party in parties}) == 3


@pytest.mark.parametrize("doctype", ["Supplier", "Prospect", "Contact"])
def test_rename_and_deletion_of_other_parties_are_followed_too(doctype):
	made = {
		"Supplier": supplier,
		"Prospect": lambda: factories.insert(
			"Prospect", company_name=factories.unique("Zeta"), company=factories.COMPANY
		),
		"Contact": lambda: factories.contact("Zoe", factories.unique("Zahn")),
	}
	doc = made[doctype]()
	relation, new = relation_of(doc), factories.unique("Umbenannt")
	frappe.rename_doc(doctype, doc.name, new, force=True, show_alert=False)
	assert identity.parties_of(relation) == [(doctype, new)]
	assert all(row.document_name in (None, new) for row in frappe.get_doc("Relation", relation).roles)
	frappe.delete_doc(doctype, new)
	assert frappe.db.exists("Relation", relation) and identity.parties_of(relation) == []
	assert all(row.until for row in frappe.get_doc("Relation", relation).roles)


def test_a_lead_that_is_named_later_folds_the_later_relation_into_the_earlier():
	lead = factories.lead("Otto")
	customer = factories.customer("Otto " + frappe.generate_hash(length=5), customer_type="Individual")
	earlier, later = relation_of(lead), relation_of(customer)
	frappe.db.set_value("Relation", later, "creation", add_days(nowdate(), 1))
	frappe.db.set_value("Relation", later, "notes", "raucht nicht")
	customer.reload()
	customer.lead_name = lead.name
	customer.save()
	assert relation_of(customer) == earlier
	assert not frappe.db.exists("Relation", later)
	assert file_of(customer).notes == "raucht nicht"
	assert frappe.db.exists(
		"Comment", {"reference_doctype": "Relation", "reference_name": earlier, "comment_type": "Info"}
	)


# ── merge ──────────────────────────────────────────────────────────────────────────────────────


def test_folding_moves_everything_that_names_the_later_relation():
	keep, other = factories.relation(), factories.relation(website="other.example")
	third = factories.relation(kind="Person")
	link = links.link(third.name, WORKS_FOR, other.name)
	links.link(other.name, "subsidiary of", keep.name)
	segment = factories.segment()
	member = factories.insert(
		"Relation Segment Member", segment=segment.name, relation=other.name, entered=nowdate()
	)
	todo = factories.insert("ToDo", description="Anruf", reference_type="Relation", reference_name=other.name)
	merge.merge_into(keep.name, other.name)
	assert frappe.db.get_value("Relation Link", link, "related_relation") == keep.name
	assert not frappe.db.exists("Relation Link", {"relation": keep.name}), "a link to itself goes"
	assert frappe.db.get_value("Relation Segment Member", member.name, "relation") == keep.name
	assert frappe.db.get_value("ToDo", todo.name, "reference_name") == keep.name
	assert frappe.db.get_value("Relation", keep.name, "website") == "other.example"
	assert not frappe.db.exists("Relation", other.name)


def test_folding_keeps_what_a_unique_key_holds_back_on_a_disabled_relation():
	keep, other = factories.relation(), factories.relation()
	campaign = factories.campaign()
	members = {
		doc.name: factories.insert("Relation Campaign Member", campaign=campaign.name, relation=doc.name).name
		for doc in (keep, other)
	}
	merge.merge_into(keep.name, other.name)
	assert frappe.db.get_value("Relation", other.name, "disabled") == 1
	assert frappe.db.get_value("Relation Campaign Member", members[other.name], "relation") == other.name
	assert frappe.db.get_value("Relation Campaign Member", members[keep.name], "relation") == keep.name


def test_a_relation_that_was_folded_is_once_in_a_segment():
	keep, other = factories.relation(), factories.relation()
	segment = factories.segment()
	for doc in (keep, other):
		factories.insert(
			"Relation Segment Member", segment=segment.name, relation=doc.name, entered=nowdate()
		)
	merge.merge_into(keep.name, other.name)
	key = {"segment": segment.name, "relation": keep.name}
	assert frappe.db.count("Relation Segment Member", key) == 2
	assert frappe.db.count("Relation Segment Member", {**key, "left_on": ["is", "not set"]}) == 1


# ── copied data ────────────────────────────────────────────────────────────────────────────────


def test_a_change_in_the_document_follows_and_an_edit_in_the_relation_stays():
	doc = factories.customer(website="old.example", language="de")
	relation = file_of(doc)
	relation.website = "edited.example"
	relation.save()
	doc.reload()
	doc.website, doc.language = "new.example", "en"
	doc.save()
	relation.reload()
	assert (relation.website, relation.language) == ("edited.example", "en")


def test_saving_twice_changes_nothing_the_second_time():
	doc = factories.customer()
	before = frappe.db.get_value("Relation", relation_of(doc), "modified")
	doc.reload()
	doc.save()
	assert frappe.db.get_value("Relation", relation_of(doc), "modified") == before


def test_adopting_twice_is_adopting_once():
	doc = factories.customer()
	relations, modified = (
		frappe.db.count("Relation"),
		frappe.db.get_value("Relation", relation_of(doc), "modified"),
	)
	assert identity.adopt("Customer", doc.name) == relation_of(doc)
	assert frappe.db.count("Relation") == relations
	assert frappe.db.get_value("Relation", relation_of(doc), "modified") == modified


def test_the_address_of_a_customer_is_copied():
	customer = factories.customer()
	address = factories.insert(
		"Address",
		address_title="Sitz",
		address_type="Billing",
		address_line1="Domplatz 1",
		city="Köln",
		pincode="50667",
		country="Germany",
		links=[{"link_doctype": "Customer", "link_name": customer.name}],
	)
	customer.reload()
	customer.customer_primary_address = address.name
	customer.save()
	relation = file_of(customer)
	assert (relation.address_line, relation.pincode, relation.city, relation.country) == (
		"Domplatz 1",
		"50667",
		"Köln",
		"Germany",
	)


def linked_address(party, **values):
	return factories.insert(
		"Address",
		**{
			"address_title": factories.unique("Sitz"),
			"address_type": "Shipping",
			"address_line1": "Domplatz 1",
			"city": "Köln",
			"pincode": "50667",
			"country": "Germany",
			"links": [{"link_doctype": party.doctype, "link_name": party.name}],
			**values,
		},
	)


def town(party) -> tuple[str | None, str | None]:
	relation = file_of(party)
	return relation.city, relation.country


@pytest.mark.parametrize("make", ["customer", "lead"])
def test_an_address_linked_to_a_document_is_copied_though_it_is_not_its_primary_one(make):
	party = getattr(factories, make)()
	linked_address(party)
	assert town(party) == ("Köln", "Germany")


def test_of_several_linked_addresses_the_primary_one_counts_then_the_billing_address():
	customer = factories.customer()
	linked_address(customer)
	billing = linked_address(customer, address_type="Billing", city="Bonn", pincode="53111")
	assert town(customer)[0] == "Bonn"
	main = linked_address(customer, is_primary_address=1, city="Wien", pincode="1010", country="Austria")
	assert town(customer) == ("Wien", "Austria")
	main.disabled = 1
	main.save()
	assert town(customer)[0] == "Bonn"
	billing.delete()
	assert town(customer)[0] == "Köln"


def test_a_corrected_address_reaches_the_relation_and_what_was_typed_there_stays():
	customer = factories.customer()
	address = linked_address(customer)
	address.city = "Brühl"
	address.save()
	assert town(customer)[0] == "Brühl"
	relation = file_of(customer)
	relation.city = "Hürth"
	relation.save()
	address.city = "Kerpen"
	address.save()
	assert town(customer)[0] == "Hürth"


def test_a_correction_of_the_primary_address_reaches_the_relation():
	customer = factories.customer()
	address = linked_address(customer)
	customer.reload()
	customer.customer_primary_address = address.name
	customer.save()
	address.reload()
	address.address_line1 = "Am Hof 2"
	address.save()
	assert file_of(customer).address_line == "Am Hof 2"


def test_bad_addresses_of_contact_are_left_out_and_stop_nothing():
	contact = factories.contact("Paul", "Pech", "PAUL@Pech.Example")
	frappe.db.set_value("Contact", contact.name, {"phone": "siehe Zettel", "mobile_no": "0221 / 12 34 56"})
	frappe.db.delete("Relation Party", {"party_type": "Contact", "party": contact.name})
	relation = frappe.get_doc("Relation", identity.adopt("Contact", contact.name))
	assert relation.email_id == "paul@pech.example"
	assert not relation.phone
	assert relation.mobile_no in ("0221 / 12 34 56", "+49221123456")


def test_a_party_without_a_name_is_refused_in_words():
	name = frappe.generate_hash(length=10)
	frappe.db.bulk_insert("Customer", ["name", "customer_name", "creation"], [(name, "  ", nowdate())])
	with pytest.raises(frappe.ValidationError, match="has no name"):
		identity.adopt("Customer", name)


def test_what_is_no_party_is_refused():
	with pytest.raises(frappe.ValidationError, match="is not a party"):
		identity.adopt("Item", "x")
	with pytest.raises(frappe.ValidationError, match="does not exist"):
		identity.adopt("Customer", "No such customer at all")


# ── rename, merge, delete ──────────────────────────────────────────────────────────────────────


def test_a_renamed_customer_keeps_its_relation_and_gives_it_the_new_name():
	doc = factories.customer()
	relation, new = relation_of(doc), factories.unique("Umbenannt")
	frappe.rename_doc("Customer", doc.name, new, force=True, show_alert=False)
	assert identity.relation_of("Customer", new) == relation
	assert not identity.relation_of("Customer", doc.name)
	expected = frappe.db.get_value("Customer", new, "customer_name")
	assert frappe.db.get_value("Relation", relation, "relation_name") == expected


def test_merged_customers_become_one_relation_with_the_history_of_both():
	one, other = factories.customer(), factories.customer()
	item = factories.item()
	first = factories.invoice(one.name, [(item.name, 1, 100)], posting_date=add_days(nowdate(), -20))
	factories.invoice(other.name, [(item.name, 1, 100)])
	kept, gone = relation_of(one), relation_of(other)
	frappe.db.set_value("Relation", gone, "creation", add_days(nowdate(), 1))
	frappe.rename_doc("Customer", one.name, other.name, merge=True, force=True, show_alert=False)
	assert identity.relation_of("Customer", other.name) == kept
	assert identity.parties_of(kept) == [("Customer", other.name)]
	assert not frappe.db.exists("Relation", gone)
	(role,) = (row for row in frappe.get_doc("Relation", kept).roles if row.role == "Customer")
	assert (role.since, role.document_name) == (getdate(add_days(nowdate(), -20)), first.name)


def test_merging_into_a_customer_without_a_relation_works():
	one, other = factories.customer(), factories.customer()
	relation = relation_of(one)
	frappe.db.delete("Relation Party", {"party_type": "Customer", "party": other.name})
	frappe.rename_doc("Customer", one.name, other.name, merge=True, force=True, show_alert=False)
	assert identity.relation_of("Customer", other.name) == relation


def test_a_relation_outlives_the_deletion_of_its_document():
	doc = factories.customer()
	relation = relation_of(doc)
	doc.delete()
	assert frappe.db.exists("Relation", relation)
	assert identity.parties_of(relation) == []


def test_the_role_of_a_deleted_lead_ends_and_stays_as_history():
	lead = factories.lead("Quirin", company_name=factories.unique("Quelle GmbH"))
	relation = relation_of(lead)
	frappe.delete_doc("Lead", lead.name)
	(role,) = frappe.get_doc("Relation", relation).roles
	assert (role.role, role.until, role.document_name) == ("Lead", getdate(), None)
	frappe.get_doc("Relation", relation).save()


# ── cost ───────────────────────────────────────────────────────────────────────────────────────


def test_saving_an_adopted_customer_unchanged_costs_one_read():
	doc = factories.customer()
	doc.reload()
	doc.save()
	with sent_statements() as sent:
		identity.adopt_document(doc)
	assert len(sent) == 1, sent


def test_the_field_relation_of_an_employee_is_left_alone():
	doc = employee(relation="Bruder")
	assert frappe.db.get_value("Employee", doc.name, "relation") == "Bruder"
	assert not adoption.names_relation("Employee")

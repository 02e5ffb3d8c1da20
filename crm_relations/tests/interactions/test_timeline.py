"""Test the timeline of a relation: its entries, their order, paging, and what each user sees."""

import frappe
import pytest
from frappe.utils import add_days, get_datetime, now_datetime, nowdate

from crm_relations.campaigns.incoming import responses
from crm_relations.demo.company import COMPANY
from crm_relations.interactions import log
from crm_relations.interactions.api import get_timeline
from crm_relations.interactions.timeline import Cursor, excerpt, timeline
from crm_relations.relations.identities import identity
from crm_relations.tests.support import factories as make
from crm_relations.tests.support.books.statements import sent_statements

pytestmark = pytest.mark.site


@pytest.fixture
def customer():
	return make.customer()


@pytest.fixture
def relation(customer):
	return identity.relation_of("Customer", customer.name)


@pytest.fixture
def product():
	return make.item()


def mail(reference: tuple[str, str], subject: str, links: list[tuple[str, str]] = (), **values):
	return make.insert(
		"Communication",
		communication_type="Communication",
		communication_medium="Email",
		sent_or_received="Received",
		subject=subject,
		content="<p>Guten Tag,</p><p>bitte um ein Angebot &amp; Muster.</p>",
		sender="anna@kunde.example",
		recipients="verkauf@rheinland.example",
		communication_date=now_datetime(),
		reference_doctype=reference[0],
		reference_name=reference[1],
		timeline_links=[{"link_doctype": doctype, "link_name": name} for doctype, name in links],
		**values,
	)


def file_at(doctype: str, name: str, file_name: str):
	return make.insert(
		"File",
		file_name=file_name,
		attached_to_doctype=doctype,
		attached_to_name=name,
		content="x",
		is_private=1,
	)


def kinds(relation: str, **arguments) -> list[str]:
	return [entry["kind"] for entry in timeline(relation, limit=100, **arguments)]


def one(relation: str, doctype: str) -> dict:
	found = [entry for entry in timeline(relation, limit=100) if entry["doctype"] == doctype]
	assert len(found) == 1, found
	return found[0]


def sell(customer: str, product) -> tuple:
	"""Create quotation, order, delivery, invoice and payment of one sale."""
	from erpnext.selling.doctype.quotation.quotation import make_sales_order
	from erpnext.selling.doctype.sales_order.sales_order import make_delivery_note, make_sales_invoice

	quotation = make.insert(
		"Quotation",
		quotation_to="Customer",
		party_name=customer,
		company=COMPANY,
		transaction_date=nowdate(),
		items=[make.line(product.name, 2, 100)],
	)
	quotation.submit()
	order = make_sales_order(quotation.name)
	order.delivery_date = add_days(nowdate(), 7)
	order.insert()
	order.submit()
	delivery = make_delivery_note(order.name)
	delivery.insert()
	delivery.submit()
	invoice = make_sales_invoice(order.name)
	invoice.insert()
	invoice.submit()
	return quotation, order, delivery, invoice, make.pay(invoice)


def test_all_that_happened_stands_in_one_timeline(relation, customer, product):
	log.record(relation, "Visit", "Werksbesuch", next_step="Angebot", next_step_on=add_days(nowdate(), 3))
	mail(("Customer", customer.name), "Anfrage")
	file_at("Customer", customer.name, "Rahmenvertrag.txt")
	make.insert(
		"Contract",
		party_type="Customer",
		party_name=customer.name,
		start_date=nowdate(),
		contract_terms="<p>Wartung</p>",
	)
	make.insert("Opportunity", opportunity_from="Customer", party_name=customer.name, company=COMPANY)
	make.insert(
		"Call Log",
		id=frappe.generate_hash(length=8),
		type="Incoming",
		status="Completed",
		**{"from": "+49221123456", "to": "+4922199"},
		links=[{"link_doctype": "Customer", "link_name": customer.name}],
	)
	sell(customer.name, product)
	campaign = make.campaign()
	member = make.insert("Relation Campaign Member", campaign=campaign.name, relation=relation).name
	make.insert(
		"Relation Campaign Send",
		campaign=campaign.name,
		member=member,
		relation=relation,
		step=frappe.generate_hash(length=10),
		step_type="Call",
		state="Done",
		sent_at=now_datetime(),
	)
	responses.record(member, "Call", "Interested")
	make.insert("Relation Handover", relation=relation, campaign=campaign.name, points=60)
	assert sorted(kinds(relation)) == sorted(
		[
			"Visit",
			"Task",
			"Email",
			"File",
			"Contract",
			"Opportunity",
			"Telephone",
			"Quotation",
			"Order",
			"Delivery",
			"Invoice",
			"Payment",
			"Campaign",
			"Response",
			"Handover",
		]
	)
	assert len(kinds(relation, group="")) == 15  # a browser sends no choice as an empty text
	assert set(kinds(relation, group="money")) == {"Invoice", "Payment"}
	assert "Visit" not in kinds(relation, group="documents")
	assert {"Visit", "Email", "Task"} <= set(kinds(relation, group="contacts"))


def test_amounts_come_with_their_currency(relation, customer, product):
	invoice = make.invoice(customer.name, [(product.name, 2, 100)])
	make.pay(invoice, amount=100)
	assert (one(relation, "Sales Invoice")["amount"], one(relation, "Sales Invoice")["currency"]) == (
		238,
		"EUR",
	)
	payment = one(relation, "Payment Entry")
	assert (payment["amount"], payment["currency"], payment["direction"]) == (100, "EUR", "Incoming")


def test_a_mail_is_found_by_its_links_and_stands_once(relation, customer):
	contact = make.contact("Anna", "Kern", links=[("Customer", customer.name)])
	mail(("Contact", contact.name), "An den Kontakt, verknüpft", links=[("Customer", customer.name)])
	mail(("Customer", customer.name), "Beides", links=[("Customer", customer.name)])
	mail(("Relation", relation), "An die Akte")
	assert sorted(entry["title"] for entry in timeline(relation)) == [
		"An den Kontakt, verknüpft",
		"An die Akte",
		"Beides",
	]


def test_texts_are_plain_excerpts(relation, customer):
	mail(("Customer", customer.name), "Anfrage")
	assert one(relation, "Communication")["text"] == "Guten Tag, bitte um ein Angebot & Muster."
	assert excerpt("<style>p {color: red}</style><p>Eins</p>zwei<img src='data:abc") == "Eins zwei"
	assert len(excerpt("wort " * 500)) <= 300


def test_what_belongs_to_others_is_not_shown(relation, product):
	other = make.customer()
	make.invoice(other.name, [(product.name, 1, 100)])
	mail(("Customer", other.name), "Fremd")
	log.record(identity.relation_of("Customer", other.name), "Call", "Fremd")
	assert timeline(relation) == []


def test_a_relation_without_documents_has_a_timeline_too():
	relation = make.relation()
	log.record(relation.name, "Wish", "Kataloge nur noch digital")
	assert kinds(relation.name) == ["Wish"]


def test_the_newest_stands_first_and_a_document_of_an_earlier_day_on_its_day(relation, customer, product):
	log.record(relation, "Call", "gestern", happened_on=f"{add_days(nowdate(), -1)} 09:00:00")
	log.record(relation, "Call", "vor drei Tagen", happened_on=f"{add_days(nowdate(), -3)} 09:00:00")
	make.invoice(customer.name, [(product.name, 1, 100)], posting_date=add_days(nowdate(), -2))
	log.record(relation, "Call", "heute", happened_on=now_datetime())
	assert [e["title"] if e["kind"] == "Call" else e["kind"] for e in timeline(relation)] == [
		"heute",
		"gestern",
		"Invoice",
		"vor drei Tagen",
	]


@pytest.mark.parametrize("size", [1, 3, 7])
def test_pages_give_each_entry_once_also_when_many_have_the_same_moment(relation, customer, product, size):
	moment = get_datetime("2026-03-02 10:00:00")
	for i in range(7):
		log.record(relation, "Call", f"Anruf {i}", happened_on=moment)
	for i in range(4):
		mail(("Customer", customer.name), f"Mail {i}")
	frappe.db.set_value(
		"Communication",
		{"reference_name": customer.name},
		"communication_date",
		moment,
		update_modified=False,
	)
	make.invoice(customer.name, [(product.name, 1, 100)], posting_date="2026-03-01")
	file_at("Customer", customer.name, "Notiz.txt")
	whole = [(entry["doctype"], entry["name"]) for entry in timeline(relation, limit=100)]
	assert len(whole) == len(set(whole)) == 13

	paged, before = [], None
	while True:
		page = get_timeline(relation, before=before, limit=size)
		paged += [(entry["doctype"], entry["name"]) for entry in page["entries"]]
		before = page["next"]
		if not before:
			break
		assert len(page["entries"]) == size
	assert paged == whole


def test_a_cursor_that_no_page_gave_is_refused(relation):
	for text in ("yesterday", "2026-01-01", "x|y|z", "2026-01-01 00:00:00|ToDo"):
		with pytest.raises(frappe.ValidationError, match="Reload the timeline"):
			timeline(relation, before=text)
	cursor = Cursor(get_datetime("2026-01-01 00:00:00"), "ToDo", "a|b")
	assert Cursor.parse(str(cursor)) == cursor
	with pytest.raises(frappe.ValidationError, match="choose one of"):
		timeline(relation, group="gossip")


def queries_of(function, *args, **kwargs) -> int:
	with sent_statements() as sent:
		function(*args, **kwargs)
	return len(sent)


def test_the_number_of_queries_does_not_depend_on_the_length(relation, customer, product):
	def grow(times: int) -> None:
		for i in range(times):
			log.record(relation, "Call", f"Anruf {i}")
			mail(("Customer", customer.name), f"Mail {i}")
			file_at("Customer", customer.name, f"Notiz {frappe.generate_hash(length=5)}.txt")
		make.pay(make.invoice(customer.name, [(product.name, 1, 100)]))

	grow(1)
	timeline(relation)  # fills the caches of meta data
	short = queries_of(timeline, relation, limit=100)
	grow(8)
	assert queries_of(timeline, relation, limit=100) == short <= 25


def test_who_may_not_read_invoices_and_payments_sees_none(relation, customer, product):
	log.record(relation, "Call", "Anruf")
	make.pay(make.invoice(customer.name, [(product.name, 1, 100)]))
	mail(("Customer", customer.name), "Anfrage")
	assert {"Invoice", "Payment"} <= set(kinds(relation))
	frappe.set_user(make.user(None, "Support Team"))
	assert not frappe.has_permission("Sales Invoice", "read")
	assert "Call" in kinds(relation)
	assert not {"Invoice", "Payment"} & set(kinds(relation))
	assert "Call" in {entry["kind"] for entry in get_timeline(relation)["entries"]}


def test_mails_and_files_are_shown_to_those_who_may_read_what_they_stand_beside(relation, customer):
	mail(("Customer", customer.name), "An den Kunden")
	mail(("Relation", relation), "An die Akte")
	file = file_at("Customer", customer.name, "Vertraulich.txt")
	frappe.set_user(make.user(None, "Sales User"))
	assert frappe.has_permission("Customer", "read")
	assert {"An den Kunden", "An die Akte", file.file_name} <= {e["title"] for e in timeline(relation)}
	frappe.set_user("Administrator")
	frappe.set_user(make.user(None, "Relation User"))
	assert not frappe.has_permission("Customer", "read")
	assert {e["title"] for e in timeline(relation)} == {"An die Akte"}


def test_user_permissions_narrow_the_timeline_as_they_narrow_lists(relation, customer, product):
	make.invoice(customer.name, [(product.name, 1, 100)])
	user = make.user(None, "Accounts User", "Sales User")
	frappe.set_user(user)
	assert "Invoice" in kinds(relation)
	frappe.set_user("Administrator")
	make.insert("User Permission", user=user, allow="Customer", for_value=make.customer().name)
	frappe.set_user(user)
	assert "Invoice" not in kinds(relation)


def test_a_task_is_shown_to_the_one_it_is_for_and_to_nobody_without_rights_on_tasks(relation):
	person = make.user(None, "Relation User")
	log.record(relation, "Call", "Anruf", next_step="Rückruf", next_step_on=nowdate(), next_step_for=person)
	frappe.set_user(person)
	assert "Task" in kinds(relation)
	frappe.set_user("Administrator")
	frappe.set_user(make.user(None, "Relation User"))
	assert "Task" not in kinds(relation)


def test_who_may_not_read_relations_gets_no_timeline(relation):
	frappe.set_user(make.user(None, "Stock User"))
	with pytest.raises(frappe.PermissionError):
		get_timeline(relation)

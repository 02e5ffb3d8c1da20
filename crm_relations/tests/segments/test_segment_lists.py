"""Test segments made of the rows of a list, lists filtered by a segment, and what neither may show."""

import frappe
import pytest
from frappe.desk import reportview
from frappe.model.db_query import DatabaseQuery

from crm_relations.relations.identities import identity
from crm_relations.segments.lists import api, collecting, narrowing
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site


@pytest.fixture
def asked(monkeypatch):
	"""Set the parameters of the request."""

	def send(**form) -> None:
		monkeypatch.setattr(frappe.local, "form_dict", frappe._dict(form))

	return send


def mark(doctype: str, segment: str) -> list:
	return [doctype, "name", "!=", f"segment:{segment}"]


def segment_of(*relations: str) -> str:
	segment = factories.segment(kind="Manual").name
	membership.add_members(segment, list(relations))
	return segment


def members(segment: str) -> set[str]:
	return set(membership.current(segment).run(pluck=True))


def relation_of(doc) -> str:
	return identity.relation_of(doc.doctype, doc.name) or identity.adopt(doc.doctype, doc.name)


def listed(doctype: str, *filters: list) -> set[str]:
	return set(DatabaseQuery(doctype).execute(fields=["name"], filters=list(filters), limit=0, pluck="name"))


def sold(item: str | None = None, submit: bool = True):
	return factories.invoice(
		factories.customer().name, [(item or factories.item().name, 1, 10)], submit=submit
	)


# A segment of the rows of a list


def test_checked_customers_become_the_members_of_a_new_segment():
	first, second, other = (factories.customer() for _i in range(3))
	for doc in (first, second, other):
		relation_of(doc)
	name = factories.unique("Auswahl")
	answer = api.make_segment(name, "Customer", [first.name, second.name])
	assert answer == {"segment": name, "entered": 2}
	assert members(name) == {relation_of(first), relation_of(second)}
	assert frappe.db.get_value("Relation Segment", name, "kind") == "Manual"


def test_all_rows_of_the_filters_are_taken_where_none_is_checked():
	group = factories.insert("Customer Group", customer_group_name=factories.unique("100 % Gruppe")).name
	inside = [factories.customer(customer_group=group) for _i in range(2)]
	relation_of(factories.customer())
	wanted = {relation_of(doc) for doc in inside}
	answer = api.make_segment(
		factories.unique("Auswahl"), "Customer", None, [["Customer", "customer_group", "=", group]]
	)
	assert members(answer["segment"]) == wanted
	liked = [["Customer", "customer_group", "like", "%100 % Gruppe%"]]
	assert api.count_relations("Customer", filters=liked)["relations"] >= 2


def test_invoices_and_items_lead_to_who_bought():
	item = factories.item()
	invoice = sold(item.name)
	sold()
	draft = sold(item.name, submit=False)
	relation_of(frappe.get_doc("Customer", draft.customer))
	buyer = identity.relation_of("Customer", invoice.customer)
	assert members(api.make_segment(factories.unique("R"), "Sales Invoice", [invoice.name])["segment"]) == {
		buyer
	}
	assert members(api.make_segment(factories.unique("A"), "Item", [item.name])["segment"]) == {buyer}


def test_contacts_and_relations_are_lists_too_and_a_segment_takes_more():
	relation = factories.relation().name
	contact = factories.contact("Erika", factories.unique("Muster"))
	segment = factories.segment(kind="Manual").name
	assert api.add_to_segment(segment, "Relation", [relation])["entered"] == 1
	assert api.add_to_segment(segment, "Contact", [contact.name])["entered"] == 1
	assert api.add_to_segment(segment, "Contact", [contact.name])["entered"] == 0
	assert members(segment) == {relation, relation_of(contact)}


def test_a_list_beyond_the_bound_is_refused_and_says_what_to_do(monkeypatch):
	factories.customer()
	factories.customer()
	monkeypatch.setattr(collecting, "MAX_ROWS", 1)
	with pytest.raises(frappe.ValidationError, match="Filter the list first"):
		api.make_segment(factories.unique("Auswahl"), "Customer", None, [])


@pytest.mark.parametrize("doctype", ["User", "Sales Invoice Item", "tabCustomer` --", ""])
def test_other_lists_are_refused(doctype):
	with pytest.raises(frappe.ValidationError, match="No segment can be created from"):
		api.count_relations(doctype, ["x"])


@pytest.mark.parametrize("names", ['{"a": 1}', '"x"', "3"])
def test_names_that_are_no_list_are_refused(names):
	with pytest.raises(frappe.ValidationError, match="pass a list of names"):
		api.count_relations("Customer", names)


def test_only_rows_and_relations_that_the_user_may_read_are_taken():
	mine, hidden = factories.customer(), factories.customer()
	relation_of(mine), relation_of(hidden)
	user = factories.user(None, "Relation User", "Sales User")
	factories.insert("User Permission", user=user, allow="Customer", for_value=mine.name)
	frappe.set_user(user)
	count = api.count_relations("Customer", [mine.name, hidden.name])
	assert count == {"rows": 1, "relations": 1}
	assert api.count_relations("Customer", filters=[])["rows"] == len(
		frappe.get_list("Customer", pluck="name", limit=0, order_by="name asc")
	)


def test_who_may_not_read_invoices_cannot_learn_who_bought_an_item():
	item = factories.item()
	sold(item.name)
	user = factories.user(None, "Relation User", "Item Manager")
	frappe.set_user(user)
	with pytest.raises(frappe.PermissionError):
		api.make_segment(factories.unique("Auswahl"), "Item", [item.name])


def test_who_may_not_make_segments_makes_none():
	relation = factories.relation().name
	frappe.set_user(factories.user(None, "Sales User"))
	with pytest.raises(frappe.PermissionError):
		api.make_segment(factories.unique("Auswahl"), "Relation", [relation])


# Lists filtered by a segment


def test_the_list_of_relations_holds_members_only(asked):
	inside, outside = factories.relation().name, factories.relation().name
	segment = segment_of(inside)
	filters = [mark("Relation", segment)]
	asked(doctype="Relation", filters=frappe.as_json(filters))
	assert listed("Relation", *filters) == {inside}
	membership.remove_members(segment, [inside])
	assert outside not in listed("Relation", *filters)
	assert listed("Relation", *filters) == set()


def test_lists_of_customers_and_their_documents_follow(asked):
	invoice, other = sold(), sold()
	segment = segment_of(identity.relation_of("Customer", invoice.customer))
	for doctype, name in (("Customer", invoice.customer), ("Sales Invoice", invoice.name)):
		asked(doctype=doctype, filters=frappe.as_json([mark(doctype, segment)]))
		assert listed(doctype) == {name}
	assert other.customer != invoice.customer


def test_rows_and_count_of_the_desk_agree(asked):
	names = [factories.relation().name for _i in range(3)]
	segment = segment_of(*names[:2])
	filters = frappe.as_json([mark("Relation", segment)])
	asked(doctype="Relation", fields='["`tabRelation`.`name`"]', filters=filters, page_length=20, start=0)
	assert {row["name"] for row in reportview.get_list()} == set(names[:2])
	asked(doctype="Relation", filters=filters, fields="[]", distinct="false")
	assert reportview.get_count() == 2


def test_a_segment_never_widens_what_the_user_may_see(asked):
	germany, france = (factories.relation(country=country).name for country in ("Germany", "France"))
	segment = segment_of(germany, france)
	user = factories.user(None, "Relation User")
	factories.insert("User Permission", user=user, allow="Country", for_value="Germany")
	frappe.set_user(user)
	asked(doctype="Relation", filters=frappe.as_json([mark("Relation", segment)]))
	assert listed("Relation") == {germany}


def test_other_doctypes_of_the_request_stay_as_they_are(asked):
	segment = segment_of(factories.relation().name)
	customer = factories.customer().name
	asked(doctype="Relation", filters=frappe.as_json([mark("Relation", segment)]))
	assert customer in listed("Customer")


@pytest.mark.parametrize(
	"segment", ["nobody", "x' or '1'='1", "x\\' or 1=1 -- ", '"; drop table `tabRelation`', "%s %(a)s", ""]
)
def test_a_segment_that_does_not_exist_is_refused(asked, segment):
	asked(doctype="Relation", filters=frappe.as_json([mark("Relation", segment)]))
	if segment:
		with pytest.raises(frappe.PermissionError):
			listed("Relation")
	else:
		assert narrowing.condition(doctype="Relation") == ""


def test_a_name_with_quotes_and_backslashes_is_only_a_name(asked):
	relation = factories.relation().name
	name = factories.unique("Kunden' \\ \"100 % \\' or 1=1")
	factories.segment(name, kind="Manual")
	membership.add_members(name, [relation])
	asked(doctype="Relation", filters=frappe.as_json([mark("Relation", name)]))
	assert listed("Relation") == {relation}


def test_who_may_not_read_segments_cannot_narrow_by_them(asked):
	segment = segment_of(factories.relation().name)
	user = factories.user(None, "Projects User", "Sales Master Manager")
	frappe.set_user(user)
	asked(doctype="Customer", filters=frappe.as_json([mark("Customer", segment)]))
	with pytest.raises(frappe.PermissionError):
		listed("Customer")


@pytest.mark.parametrize("filters", ["segment:", "{", "[1]", '[["segment:x"]]', '{"name": "segment:x"}', "7"])
def test_other_arguments_of_that_name_do_not_disturb(asked, filters):
	asked(filters=filters)
	assert narrowing.condition(doctype="Relation") == ""


def test_an_export_in_a_job_is_narrowed_as_the_list_was(asked, monkeypatch):
	inside = factories.relation().name
	segment = segment_of(inside)
	asked()
	filters = [mark("Relation", segment)]
	job = frappe._dict(kwargs={"form_params": {"filters": filters}})
	monkeypatch.setattr(frappe.local, "job", job, raising=False)
	assert listed("Relation", *filters) == {inside}


# Reports


def test_reports_are_narrowed_to_a_segment():
	from crm_relations.crm_relations.report.campaign_statement import campaign_statement
	from crm_relations.crm_relations.report.incomplete_customers import incomplete_customers
	from crm_relations.ledger import api as ledger_api

	invoices = [sold() for _i in range(2)]
	inside, outside = (identity.relation_of("Customer", invoice.customer) for invoice in invoices)
	segment = segment_of(inside)
	company = {"company": invoices[0].company}
	_columns, rows = incomplete_customers.execute({**company, "segment": segment})
	assert {row["relation"] for row in rows} == {inside}
	everybody = {row["relation"] for row in incomplete_customers.execute(company)[1]}
	assert outside in everybody or len(everybody) == 200
	refused = pytest.raises(frappe.ValidationError, match="no campaign of these addresses")
	with refused:
		campaign_statement.execute({**company, "segment": segment})
	campaign = factories.campaign(segment=segment).name
	factories.campaign()
	_columns, rows, *_more = campaign_statement.execute({**company, "segment": segment})
	assert [row["campaign"] for row in rows if row.get("is_campaign")] == [campaign]
	answer = ledger_api.statement(**company, addressed_segment=segment)
	assert [row["campaign"] for row in answer["campaigns"]] == [campaign]
	with refused:
		ledger_api.statement(**company, campaigns=[factories.campaign().name], addressed_segment=segment)
	frappe.set_user(factories.user(None, "Accounts User"))
	for filters in ({"segment": segment}, {"members_of": segment}):
		with pytest.raises(frappe.PermissionError):
			campaign_statement.execute({**company, **filters, "to_date": frappe.utils.nowdate()})

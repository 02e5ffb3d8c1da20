"""Test that a document is readable only if its relation is, and a relation only if its party documents are.

The users have User Permissions. The tests cover lists, REST, dotted fields, links, exports, segments,
timeline and files.
"""

import urllib.parse
from types import SimpleNamespace

import frappe
import pytest
from frappe.desk import reportview
from frappe.desk.search import search_link

from crm_relations import hooks
from crm_relations.interactions import api as interactions
from crm_relations.relations import permissions, queries
from crm_relations.relations.exchange import exporting
from crm_relations.segments import api as segments
from crm_relations.segments.members import membership
from crm_relations.shared import tasks
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine import guests, servers

pytestmark = pytest.mark.site

HOME, ABROAD = "Germany", "Rest Of The World"
ROLES = (
	"Relation Manager",
	"Relation User",
	"Relation Confidential",
	"System Manager",
	"Sales User",
	"Sales Manager",
	"Accounts User",
	"Support Team",
)
BY = ("Country", "Territory", "Customer", "Company")
LINKED = hooks._of_relations


def company() -> str:
	"""Create a company that User Permissions can name; no test posts anything in it."""
	doc = frappe.get_doc({"doctype": "Company", "company_name": factories.unique("Schwester")})
	doc.update({"abbr": frappe.generate_hash(length=5), "default_currency": "EUR", "country": "Germany"})
	doc.name = doc.company_name
	doc.db_insert()
	return doc.name


@pytest.fixture(autouse=True)
def own_request():
	"""Remove the values that a test puts into the form of the request."""
	before = frappe.local.form_dict
	yield
	frappe.local.form_dict = before


@pytest.fixture
def world():
	"""Create two relations, each a customer and a lead, of two territories, countries and companies."""
	found = SimpleNamespace(city=factories.unique("Stadt"), companies=[company(), company()])
	for number, (key, territory, country) in enumerate(
		(("mine", HOME, "Germany"), ("other", ABROAD, "France"))
	):
		customer = factories.customer(territory=territory)
		relation = queries.relation_of("Customer", customer.name)
		lead = factories.lead(company=found.companies[number], territory=territory)
		frappe.db.delete("Relation Party", {"party": lead.name})
		frappe.db.delete("Relation", {"name": queries.relation_of("Lead", lead.name) or ""})
		part = frappe.get_doc({"doctype": "Relation Party", "party_type": "Lead", "party": lead.name})
		part.update({"parent": relation, "parenttype": "Relation", "parentfield": "parties", "idx": 2})
		part.db_insert()
		frappe.db.set_value("Relation", relation, {"country": country, "city": found.city, "industry": None})
		setattr(found, key, SimpleNamespace(customer=customer.name, lead=lead.name, relation=relation))
	found.relations = [found.mine.relation, found.other.relation]
	return found


def restricted(world, by: str, *roles: str) -> str:
	"""Create a user that a User Permission restricts to `world.mine`."""
	allowed = {
		"Country": "Germany",
		"Territory": HOME,
		"Customer": world.mine.customer,
		"Company": world.companies[0],
	}
	user = factories.user(None, *(roles or ROLES))
	frappe.permissions.add_user_permission(by, allowed[by], user, ignore_permissions=True)
	return user


def row(doctype: str, relation: str) -> str:
	"""Insert a row of any doctype that names the relation straight into the table."""
	doc = frappe.new_doc(doctype)
	for column in permissions.link_columns(doctype):
		doc.set(column, relation)
	if not permissions.link_columns(doctype):
		(field,) = doc.meta.get_dynamic_link_fields()
		doc.update({field.options: "Relation", field.fieldname: relation})
	doc.name = frappe.generate_hash(length=10)
	doc.set("company", None)
	doc.db_insert()
	return doc.name


def listed(doctype: str, names: list[str], fields: list[str] | None = None) -> list[frappe._dict]:
	return frappe.get_list(
		doctype, filters={"name": ["in", names]}, fields=fields or ["name"], order_by="name asc", limit=0
	)


def count(doctype: str, names: list[str]) -> int:
	"""Return the number that the list of the desk shows."""
	frappe.local.form_dict = frappe._dict(
		doctype=doctype,
		filters=frappe.as_json([[doctype, "name", "in", names]]),
		fields="[]",
		distinct="false",
	)
	return reportview.get_count()


@pytest.mark.parametrize("by", BY)
def test_a_user_permission_narrows_relations(world, by):
	frappe.set_user(restricted(world, by))
	assert [one.name for one in listed("Relation", world.relations)] == [world.mine.relation]
	assert count("Relation", world.relations) == 1
	assert frappe.has_permission("Relation", "read", doc=world.mine.relation) is True
	assert frappe.has_permission("Relation", "read", doc=world.other.relation) is False
	found = {one["value"] for one in search_link("Relation", "", filters={"city": world.city})}
	assert found == {world.mine.relation}
	with pytest.raises(frappe.PermissionError):
		frappe.client.get("Relation", world.other.relation)
	with pytest.raises(frappe.PermissionError):
		interactions.get_timeline(world.other.relation)
	parts = frappe.get_list(
		"Relation Party",
		filters={"parent": ["in", world.relations]},
		fields=["parent", "party"],
		parent_doctype="Relation",
		order_by="name asc",
	)
	assert {part.parent for part in parts} == {world.mine.relation}


@pytest.mark.parametrize("by", BY)
def test_a_user_permission_narrows_what_belongs_to_relations(world, by):
	rows = {name: [row(name, relation) for relation in world.relations] for name in LINKED}
	assert len(rows) > 15
	frappe.set_user(restricted(world, by))
	for doctype, (mine, other) in rows.items():
		assert [one.name for one in listed(doctype, [mine, other])] == [mine], doctype
		assert count(doctype, [mine, other]) == 1, doctype
		assert frappe.has_permission(doctype, "read", doc=mine) is True, doctype
		assert frappe.has_permission(doctype, "read", doc=other) is False, doctype
		with pytest.raises(frappe.PermissionError):
			frappe.client.get(doctype, other)
		for column in permissions.link_columns(doctype):
			told = listed(doctype, [mine, other], ["name", f"{column}.relation_name as told"])
			assert [one.name for one in told] == [mine], doctype


def test_a_user_without_restrictions_gets_no_condition_and_reads_all(world):
	rows = {name: row(name, world.other.relation) for name in LINKED}
	frappe.set_user(factories.user(None, *ROLES))
	for doctype, name in rows.items():
		assert permissions.condition(frappe.session.user, doctype) == ""
		assert frappe.has_permission(doctype, "read", doc=name) is True, doctype


def test_a_user_with_a_role_of_the_app_alone_reads_relations(world):
	frappe.set_user(factories.user(None, "Relation User"))
	assert len(listed("Relation", world.relations)) == 2
	frappe.set_user(restricted(world, "Territory", "Relation User"))
	assert [one.name for one in listed("Relation", world.relations)] == [world.mine.relation]


def test_a_party_document_that_fits_opens_a_relation_and_one_without_value_does_not(world):
	user = restricted(world, "Territory")
	frappe.db.set_value("Lead", world.other.lead, "territory", None)
	assert not permissions.may_read_relation(world.other.relation, user)
	frappe.db.set_value("Lead", world.other.lead, "territory", HOME)
	assert permissions.may_read_relation(world.other.relation, user)
	assert permissions.may_read_relation(world.mine.relation, user)


def test_a_relation_without_documents_follows_its_own_territory(world):
	relations = [factories.relation(territory=territory).name for territory in (HOME, ABROAD, None)]
	frappe.set_user(restricted(world, "Territory"))
	assert {one.name for one in listed("Relation", relations)} == {relations[0], relations[2]}
	with pytest.raises(frappe.PermissionError):
		frappe.get_doc(
			{"doctype": "Relation", "relation_name": "X", "relation_kind": "Person", "territory": ABROAD}
		).insert()


def test_a_shared_relation_stays_readable_with_what_belongs_to_it(world):
	name = row("Relation Stage Log", world.other.relation)
	user = restricted(world, "Territory")
	frappe.share.add("Relation", world.other.relation, user)
	frappe.set_user(user)
	assert len(listed("Relation", world.relations)) == 2
	assert len(listed("Relation Stage Log", [name])) == 1
	assert frappe.has_permission("Relation Stage Log", "read", doc=name)


def test_a_link_in_a_child_table_of_a_party_document_counts(world):
	limit = frappe.get_doc({"doctype": "Customer Credit Limit", "company": world.companies[1]})
	limit.update({"parent": world.other.customer, "parenttype": "Customer", "parentfield": "credit_limits"})
	limit.db_insert()
	frappe.db.delete("Relation Party", {"party": world.other.lead})
	user = restricted(world, "Company")
	assert not permissions.may_read_relation(world.other.relation, user)
	assert not frappe.has_permission("Customer", "read", doc=world.other.customer, user=user)


def test_a_hidden_row_is_not_opened_by_moving_it_to_a_readable_relation(world):
	name = factories.insert(
		"Relation Interaction", relation=world.other.relation, kind="Observation", subject="Geheim"
	).name
	frappe.set_user(restricted(world, "Territory"))
	doc = frappe.get_doc("Relation Interaction", name)
	doc.relation = world.mine.relation
	with pytest.raises(frappe.PermissionError):
		doc.save()


def test_nobody_records_an_interaction_of_a_hidden_relation_or_shares_it_by_a_task(world):
	user = restricted(world, "Territory", "Sales User")
	frappe.set_user(user)
	doc = frappe.get_doc(
		{
			"doctype": "Relation Interaction",
			"relation": world.other.relation,
			"kind": "Observation",
			"subject": "x",
			"next_step": "x",
			"next_step_on": frappe.utils.add_days(None, 3),
			"next_step_for": user,
		}
	)
	with pytest.raises(frappe.PermissionError):
		doc.insert()
	tasks.assign(user, "Relation", world.other.relation, "x", frappe.utils.nowdate())
	assert not frappe.db.exists("DocShare", {"user": user, "share_name": world.other.relation})
	assert not frappe.has_permission("Relation", "read", doc=world.other.relation)


def test_a_task_shares_the_document_if_the_assigner_may_share_it(world):
	hidden_to = restricted(world, "Territory", "Sales User")
	frappe.set_user(factories.user(None, "Sales User"))
	tasks.assign(hidden_to, "Relation", world.other.relation, "x", frappe.utils.nowdate())
	assert frappe.has_permission("Relation", "read", doc=world.other.relation, user=hidden_to)


@pytest.mark.parametrize("by", BY)
def test_a_page_of_a_restricted_list_asks_row_by_row_and_reads_no_table_of_documents_first(world, by):
	user = restricted(world, by)
	for doctype in ("Relation", "Relation Interaction", "Relation Party"):
		found = frappe.db.sql(
			f"explain select name from `tab{doctype}` where {permissions.condition(user, doctype)}"
			" order by modified desc limit 20",
			as_dict=True,
		)
		kinds = {row.select_type for row in found if row.table in ("party", "tabRelation")}
		assert kinds <= {"PRIMARY", "DEPENDENT SUBQUERY"} and "DEPENDENT SUBQUERY" in kinds, found


@pytest.mark.parametrize("by", BY)
def test_segments_exports_and_files_follow(world, by):
	rule = {"version": 1, "all": [{"field": "city", "operator": "=", "value": world.city}]}
	segment = factories.segment(kind="Dynamic", rule=rule)
	membership.refresh(segment.name)
	files = [attach("Relation", relation) for relation in world.relations]
	frappe.set_user(restricted(world, by))
	preview = segments.preview(rule)
	assert preview["count"] == 1
	assert [one["name"] for one in preview["sample"]] == [world.mine.relation]
	assert {one["count"] for part in segments.breakdown(rule) for one in part["rows"]} <= {1}
	assert segments.counts([segment.name]) == {segment.name: 1}
	assert [one["name"] for one in segments.members(segment.name)] == [world.mine.relation]
	assert segments.explain(segment.name, world.mine.relation)["member"]
	with pytest.raises(frappe.PermissionError):
		segments.explain(segment.name, world.other.relation)
	log = exporting.export("csv", [["Relation", "name", "in", world.relations]])
	assert log.rows == 1
	assert [frappe.get_doc("File", name).has_permission("read") for name in files] == [True, False]


def attach(doctype: str, name: str) -> str:
	return factories.insert(
		"File",
		file_name=f"{frappe.generate_hash(length=8)}.txt",
		content=frappe.generate_hash(),
		attached_to_doctype=doctype,
		attached_to_name=name,
		is_private=1,
	).name


def request_list(doctype: str, **arguments) -> list:
	"""Return a list as a request does, with its arguments in the form of the request."""
	frappe.local.form_dict = frappe._dict(
		doctype=doctype, **{k: frappe.as_json(v) for k, v in arguments.items()}
	)
	return frappe.get_list(doctype, order_by=f"`tab{doctype}`.name asc", limit=0, **arguments)


def test_fields_of_a_hidden_relation_are_not_given_beside_other_documents(world):
	leads = [world.mine.lead, world.other.lead]
	frappe.db.set_value("Lead", world.mine.lead, "relation", world.mine.relation)
	frappe.db.set_value("Lead", world.other.lead, "relation", world.other.relation)
	frappe.set_user(restricted(world, "Country"))
	frappe.db.set_value("Lead", world.other.lead, "country", None)
	asked = {"filters": {"name": ["in", leads]}, "fields": ["name", "relation.relation_name as told"]}
	assert [one.name for one in request_list("Lead", **asked)] == [world.mine.lead]
	asked["fields"] = ["name"]
	assert len(request_list("Lead", **asked)) == 2, "the lead itself stays ERPNext's"
	pins = {"fields": ["relation.relation_name as told"], "parent_doctype": "Relation Segment"}
	segment = factories.segment(pins=[{"relation": one, "pin": "Always In"} for one in world.relations])
	names = {
		one.told for one in request_list("Relation Segment Pin", filters={"parent": segment.name}, **pins)
	}
	assert frappe.db.get_value("Relation", world.other.relation, "relation_name") not in names


@pytest.mark.parametrize(
	("doctype", "arguments"),
	[
		("Relation", {"filters": [["Relation", "income_group", "=", "High"]]}),
		("Relation", {"or_filters": [["income_group", "=", "High"]]}),
		("Relation Campaign Send", {"filters": {"token": ["like", "a%"]}}),
		("Relation Duplicate", {"filters": [["ifnull(reasons, '')", "like", "%birth%"]]}),
	],
)
def test_a_list_is_not_filtered_by_a_field_that_the_user_may_not_read(doctype, arguments):
	frappe.set_user(factories.user(None, "Relation User", "Sales User"))
	# version 16 itself refuses functions in filters, and hidden fields, for all users
	with pytest.raises((frappe.PermissionError, frappe.ValidationError)):
		request_list(doctype, **arguments)
	if frappe.__version__.startswith("15."):
		frappe.set_user("Administrator")
		request_list(doctype, **arguments)


# ── over HTTP ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def committed():
	"""Commit a restricted user with an API key and two relations with a stage each; remove them afterwards."""
	city = factories.unique("Stadt")
	relations = [factories.relation(city=city, country=country) for country in ("Germany", "France")]
	logs = [row("Relation Stage Log", relation.name) for relation in relations]
	user = factories.user(None, "Sales User")
	frappe.permissions.add_user_permission("Country", "Germany", user, ignore_permissions=True)
	secret = frappe.generate_hash(length=15)
	doc = frappe.get_doc("User", user)
	doc.update({"api_key": frappe.generate_hash(length=15), "api_secret": secret})
	doc.save(ignore_permissions=True)
	frappe.db.commit()
	yield SimpleNamespace(city=city, names=[one.name for one in relations], key=f"{doc.api_key}:{secret}")
	frappe.db.rollback()
	frappe.db.delete("User Permission", {"user": user})
	frappe.delete_doc("User", user, force=True, ignore_permissions=True)
	for name in logs:
		frappe.db.delete("Relation Stage Log", {"name": name})
	for relation in relations:
		frappe.delete_doc("Relation", relation.name, force=True, ignore_permissions=True)
	frappe.db.commit()


def test_requests_of_a_restricted_user_give_nothing_of_hidden_relations(committed):
	mine, other = committed.names
	name = frappe.db.get_value("Relation", other, "relation_name")
	here = frappe.as_json([["city", "=", committed.city]])
	linked = frappe.as_json({"relation": ["in", committed.names]})
	asked = {
		"/api/resource/Relation": {"filters": here, "fields": '["name","relation_name"]'},
		"/api/resource/Relation Stage Log": {
			"filters": linked,
			"fields": '["relation","relation.relation_name","relation.email_id"]',
		},
		"/api/method/frappe.client.get_list": {
			"doctype": "Relation Stage Log",
			"filters": linked,
			"fields": '["relation","relation.relation_name"]',
		},
		"/api/method/frappe.desk.reportview.get": {
			"doctype": "Relation Stage Log",
			"fields": '["`tabRelation Stage Log`.`relation`"]',
			"filters": frappe.as_json([["Relation Stage Log", "relation", "in", committed.names]]),
		},
		"/api/method/frappe.desk.search.search_link": {
			"doctype": "Relation",
			"txt": "",
			"filters": frappe.as_json({"city": committed.city}),
		},
	}
	headers = {"Authorization": f"token {committed.key}"}
	with servers.desk() as desk:
		for path, arguments in asked.items():
			query = urllib.parse.urlencode(arguments)
			status, _location, body = guests.http(desk, f"{urllib.parse.quote(path)}?{query}", **headers)
			assert status == 200 and mine in body, (path, body)
			assert other not in body and name not in body, path
		for path in (
			f"/api/resource/Relation/{other}",
			f"/api/method/crm_relations.interactions.api.get_timeline?relation={other}",
		):
			assert guests.http(desk, path, **headers)[0] == 403, path

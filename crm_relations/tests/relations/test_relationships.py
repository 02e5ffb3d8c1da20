"""Test relationships: types in both directions, dates, circles, the graph, and figures of company groups."""

import frappe
import pytest
from frappe.utils import add_days, nowdate

from crm_relations.relations import api, rules
from crm_relations.relations.creation import merge
from crm_relations.relations.network import graph, groups, link_types, links
from crm_relations.relations.rules import SUBSIDIARY_OF, WORKS_FOR
from crm_relations.tests.support.books.statements import sent_statements
from crm_relations.tests.support.factories import customer, insert, relation, unique, user

pytestmark = pytest.mark.site


def link_type(**values):
	values.setdefault("reverse_label", unique("zurück"))
	return insert("Relation Link Type", link_type=unique("hin"), **values)


def companies(*names: str) -> list[str]:
	return [relation(unique(name)).name for name in names]


def permit_country(name: str, country: str) -> None:
	insert("User Permission", user=name, allow="Country", for_value=country, apply_to_all_doctypes=1)


def count_queries(call) -> int:
	with sent_statements() as sent:
		call()
	return len([statement for statement in sent if "tabRelation Link`" in statement])


# ── types and links ────────────────────────────────────────────────────────────────────────────


def test_a_link_reads_in_both_directions():
	father, son = companies("Vater", "Sohn")
	own = link_type(reverse_label=unique("Sohn von"))
	links.link(father, own.name, son, "2020-01-01")
	assert [row["reads"] for row in graph.links_of(father)] == [own.link_type]
	assert [row["reads"] for row in graph.links_of(son)] == [own.reverse_label]
	assert [row["reads"] for row in links.links_of(son)] == [own.reverse_label]


def test_types_of_ones_own_are_offered_in_both_directions_and_once_where_they_have_none():
	own = link_type(from_kind="Person", to_kind="Organisation")
	both = insert("Relation Link Type", link_type=(text := unique("befreundet mit")), reverse_label=text)
	gone = link_type(disabled=1)
	offered = {(row["value"], row["outgoing"]): row for row in api.offered_link_types()}
	assert offered[(own.name, False)]["label"] == own.reverse_label
	assert offered[(own.name, False)]["kinds"] == ("Organisation", "Person")
	assert (both.name, True) in offered and (both.name, False) not in offered
	assert (gone.name, True) not in offered
	a, b = companies("A", "B")
	with pytest.raises(frappe.ValidationError, match="not offered any more"):
		links.link(a, gone.name, b)


def test_two_types_do_not_read_alike():
	with pytest.raises(frappe.ValidationError, match="employs is used by the type works for"):
		insert("Relation Link Type", link_type="Employs", reverse_label="beschäftigt bei")


def test_a_standard_type_keeps_its_name_and_stays():
	doc = frappe.get_doc("Relation Link Type", SUBSIDIARY_OF)
	doc.no_circles = 0
	with pytest.raises(frappe.ValidationError, match="No Circles of a standard type"):
		doc.save()
	with pytest.raises(frappe.ValidationError, match="Disable it instead"):
		frappe.delete_doc("Relation Link Type", WORKS_FOR)
	doc.reload()
	doc.update({"reverse_label": "Muttergesellschaft von"}).save()
	mother, daughter = companies("Mutter", "Tochter")
	links.link(daughter, SUBSIDIARY_OF, mother)
	assert graph.links_of(mother)[0]["reads"] == "Muttergesellschaft von"


def test_a_type_in_use_cannot_be_deleted():
	own = link_type()
	a, b = companies("A", "B")
	links.link(a, own.name, b)
	with pytest.raises(frappe.LinkExistsError):
		frappe.delete_doc("Relation Link Type", own.name)


def test_the_kinds_of_the_two_ends_are_checked_with_the_field():
	person, firm = relation(kind="Person").name, relation().name
	with pytest.raises(
		frappe.ValidationError, match=r"Relation: for the type subsidiary of choose .* kind Organisation"
	):
		links.link(person, SUBSIDIARY_OF, firm)


def test_the_same_link_stands_once_at_a_time():
	a, b = companies("A", "B")
	insert("Relation Link", relation=a, link_type=WORKS_FOR, related_relation=b, until="2020-01-01")
	insert("Relation Link", relation=a, link_type=WORKS_FOR, related_relation=b)
	with pytest.raises(frappe.ValidationError, match="linked as works for already"):
		insert("Relation Link", relation=a, link_type=WORKS_FOR, related_relation=b)
	insert("Relation Link", relation=b, link_type=WORKS_FOR, related_relation=a)
	both = insert("Relation Link Type", link_type=(text := unique("Partner")), reverse_label=text).name
	links.link(a, both, b)
	with pytest.raises(frappe.ValidationError, match="already"):
		links.link(b, both, a)


def test_a_circle_is_refused_with_the_field_and_the_chain():
	a, b, c = companies("Alpha", "Beta", "Gamma")
	links.link(a, SUBSIDIARY_OF, b)
	links.link(b, SUBSIDIARY_OF, c)
	with pytest.raises(
		frappe.ValidationError, match=r"Related Relation: .*circle: Gamma.* → Alpha.* → Beta.* → Gamma"
	):
		links.link(c, SUBSIDIARY_OF, a)
	links.end(a, SUBSIDIARY_OF, b, "2021-12-31")
	links.link(c, SUBSIDIARY_OF, a)


def test_a_link_that_ends_in_the_future_still_closes_a_circle():
	a, b = companies("A", "B")
	insert(
		"Relation Link",
		relation=a,
		link_type=SUBSIDIARY_OF,
		related_relation=b,
		until=add_days(nowdate(), 30),
	)
	with pytest.raises(frappe.ValidationError, match="circle"):
		links.link(b, SUBSIDIARY_OF, a)


def test_circles_can_be_forbidden_only_where_there_are_none():
	own = link_type()
	a, b = companies("A", "B")
	links.link(a, own.name, b)
	links.link(b, own.name, a)
	own.no_circles = 1
	with pytest.raises(frappe.ValidationError, match="No Circles: there is a circle already"):
		own.save()


@pytest.mark.parametrize(
	("edges", "cycle"),
	[
		({"a": ["b"], "b": ["c"]}, []),
		({"a": ["b", "c"], "b": ["d"], "c": ["d"]}, []),
		({"a": ["b"], "b": ["c"], "c": ["b"]}, ["b", "c", "b"]),
		({"a": ["a"]}, ["a", "a"]),
	],
)
def test_the_first_circle_of_a_set_of_links(edges, cycle):
	assert rules.first_cycle(edges) == cycle


# ── graph ──────────────────────────────────────────────────────────────────────────────────────


def test_the_graph_reaches_two_links_far_and_leaves_out_what_has_ended():
	middle, near, far, beyond, former = companies("Mitte", "Nah", "Fern", "Jenseits", "Früher")
	links.link(near, WORKS_FOR, middle)
	links.link(near, WORKS_FOR, far)
	links.link(far, WORKS_FOR, beyond)
	links.link(former, WORKS_FOR, middle)
	links.end(former, WORKS_FOR, middle, "2020-01-01")
	found = api.relation_graph(middle)
	assert {node["name"]: node["hop"] for node in found["nodes"]} == {middle: 0, near: 1, far: 2}
	assert {(edge["relation"], edge["related_relation"]) for edge in found["edges"]} == {
		(near, middle),
		(near, far),
	}
	assert not found["more"]
	assert {node["name"] for node in api.relation_graph(middle, 1)["nodes"]} == {middle, near}
	assert former in {row["other"] for row in graph.links_of(middle)}


def test_the_graph_is_bounded_and_says_that_there_is_more():
	middle, *others = companies(*["Firma"] * 12)
	for other in others:
		links.link(other, WORKS_FOR, middle)
	found = graph.neighbourhood(middle, limit=8)
	assert len(found.nodes) == 8 and found.more
	assert all(
		e["relation"] in found.nodes and e["related_relation"] in found.nodes for e in found.edges.values()
	)


def test_the_graph_costs_two_queries_a_hop_whatever_it_shows():
	middle, *others = companies(*["Firma"] * 9)
	for other in others[:4]:
		links.link(other, WORKS_FOR, middle)
	for other in others[4:]:
		links.link(other, WORKS_FOR, others[0])
	assert count_queries(lambda: graph.neighbourhood(middle)) == 4


def test_the_graph_shows_only_what_the_reader_may_read():
	middle = relation(country="Germany").name
	german, french = relation(country="Germany").name, relation(country="France").name
	behind_french = relation(country="Germany").name
	links.link(german, WORKS_FOR, middle)
	links.link(french, WORKS_FOR, middle)
	links.link(behind_french, WORKS_FOR, french)
	reader = user(None, "Relation User")
	permit_country(reader, "Germany")
	frappe.set_user(reader)
	assert {node["name"] for node in api.relation_graph(middle)["nodes"]} == {middle, german}
	assert {row["other"] for row in api.links(middle)} == {german}
	with pytest.raises(frappe.PermissionError):
		api.relation_graph(french)


# ── groups ─────────────────────────────────────────────────────────────────────────────────────


def test_a_group_goes_from_the_parent_to_the_last_subsidiary():
	holding, daughter, sister, grandchild, stranger = companies("Holding", "T1", "T2", "Enkel", "Fremd")
	links.link(daughter, SUBSIDIARY_OF, holding, "2001-01-01")
	links.link(sister, SUBSIDIARY_OF, holding, "2002-01-01")
	links.link(grandchild, SUBSIDIARY_OF, daughter)
	links.link(stranger, WORKS_FOR, holding)
	for member in (holding, daughter, sister, grandchild):
		group = groups.group_of(member)
		assert group.root == holding
		assert group.levels == {holding: 0, daughter: 1, sister: 1, grandchild: 2}
	order = [row["name"] for row in groups.overview(sister)["members"]]
	assert order == [holding, daughter, grandchild, sister]
	assert groups.group_of(stranger).levels == {stranger: 0}


def test_a_circle_that_a_merge_left_names_each_company_once():
	a, b, c, d = companies("A", "B", "C", "D")
	links.link(a, SUBSIDIARY_OF, b)
	links.link(b, SUBSIDIARY_OF, c)
	links.link(d, SUBSIDIARY_OF, b)
	merge.merge_into(a, c)
	group = groups.group_of(d)
	assert set(group.levels) == {a, b, d}
	assert set(groups.group_of(a).levels) == {a, b, d}


def facts(
	relation_name: str, company: str, currency: str, revenue: float, open_amount: float, overdue: float
):
	doc = frappe.new_doc("Relation Facts")
	doc.update(
		{
			"relation": relation_name,
			"company": company,
			"currency": currency,
			"revenue_12_months": revenue,
			"open_amount": open_amount,
			"overdue_amount": overdue,
		}
	)
	doc.set_new_name()
	doc.db_insert()


def test_the_figures_of_a_group_are_added_up_by_company_and_currency_for_what_may_be_read():
	holding = relation(unique("Holding"), country="Germany").name
	daughter = relation(unique("Tochter"), country="Germany").name
	french = relation(unique("Fille"), country="France").name
	links.link(daughter, SUBSIDIARY_OF, holding)
	links.link(french, SUBSIDIARY_OF, holding)
	ours = "Rheinland Technik GmbH"
	facts(holding, ours, "EUR", 100.10, 10, 0)
	facts(daughter, ours, "EUR", 200.20, 20.5, 5)
	facts(french, ours, "EUR", 1000, 0, 0)
	found = api.company_group(daughter)
	assert found["totals"] == [
		{
			"company": ours,
			"currency": "EUR",
			"revenue_12_months": 1300.3,
			"open_amount": 30.5,
			"overdue_amount": 5.0,
		}
	]
	assert found["figures"] and not found["hidden"]
	reader = user(None, "Relation User", "Accounts User")
	permit_country(reader, "Germany")
	frappe.set_user(reader)
	seen = api.company_group(daughter)
	assert {row["name"] for row in seen["members"]} == {holding, daughter} and seen["hidden"] == 1
	assert seen["totals"][0]["revenue_12_months"] == 300.3


def test_figures_are_for_those_who_may_read_the_documents_and_the_customer():
	holding = api.open_relation("Customer", customer().name)
	links.link(relation(unique("Tochter")).name, SUBSIDIARY_OF, holding)
	facts(holding, "Rheinland Technik GmbH", "EUR", 100, 10, 0)
	frappe.set_user(user(None, "Relation User"))
	seen = api.company_group(holding)
	assert len(seen["members"]) == 2 and not seen["figures"] and not seen["totals"]
	frappe.set_user(user(None, "Relation User", "Accounts User"))
	assert api.company_group(holding)["totals"][0]["revenue_12_months"] == 100
	frappe.set_user("Administrator")
	blind = user(None, "Relation User", "Accounts User")
	insert(
		"User Permission",
		user=blind,
		allow="Customer",
		for_value=customer().name,
		apply_to_all_doctypes=0,
		applicable_for="Customer",
	)
	frappe.set_user(blind)
	with pytest.raises(frappe.PermissionError):  # the relation follows its customer
		api.company_group(holding)


# ── linked documents ───────────────────────────────────────────────────────────────────────────


def test_the_file_shows_its_documents_addresses_and_contacts_once_each():
	firm = customer()
	linked = [{"link_doctype": "Customer", "link_name": firm.name}]
	address = insert(
		"Address",
		address_title=firm.name,
		address_type="Billing",
		address_line1="Domstr. 1",
		city="Köln",
		country="Germany",
		links=linked,
	)
	person = insert("Contact", first_name="Anna", last_name="Behnke", links=linked)
	name = api.open_relation("Customer", firm.name)
	found = api.behind(name)
	assert [(p["doctype"], p["name"], p["title"]) for p in found["parties"]] == [
		("Customer", firm.name, firm.customer_name)
	]
	assert [row["name"] for row in found["addresses"]] == [address.name]
	assert [row["name"] for row in found["contacts"]] == [person.name]
	frappe.set_user(user(None, "Relation User"))
	assert api.behind(name) == {"parties": [], "hidden": 1, "addresses": [], "contacts": []}


def test_a_new_type_is_known_at_once():
	before = link_types.all_types()
	own = link_type()
	assert own.name not in before and own.name in link_types.all_types()

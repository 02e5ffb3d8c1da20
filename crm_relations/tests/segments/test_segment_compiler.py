"""Test that the compiled query of a rule returns what the rule means, on random data and on real documents."""

import json
from collections import defaultdict

import frappe
import pytest
from frappe.utils import add_days, now, nowdate

from crm_relations.segments.compilation import compiler
from crm_relations.segments.fields import catalogue
from crm_relations.segments.language.rules import RuleError
from crm_relations.shared.access.system_fields import trusted
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site

TREE = {"Seg World": None, "Seg Nord": "Seg World", "Seg Süd": "Seg World", "Seg Kiel": "Seg Nord"}


def condition(field: str, operator: str, value=None) -> dict:
	return {"field": field, "operator": operator, "value": value}


def found(*children: dict, kind: str = "all") -> set[str]:
	return set(compiler.compile_rule({"version": 1, kind: list(children)}).run(pluck=True))


def plant_territories() -> None:
	for name, parent in TREE.items():
		factories.insert(
			"Territory",
			territory_name=name,
			parent_territory=parent or "All Territories",
			is_group=name != "Seg Kiel",
		)


def bulk(doctype: str, rows: list[dict]) -> None:
	"""Insert rows straight into the table: random data need not be valid documents."""
	base = {"creation": now(), "modified": now(), "owner": "Administrator", "modified_by": "Administrator"}
	columns = list({**base, **rows[0]})
	frappe.db.bulk_insert(doctype, columns, [[{**base, **row}[column] for column in columns] for row in rows])


def test_missing_values_match_only_is_empty():
	unknown, empty, known = (factories.relation(city=city).name for city in (None, "", "Bonn"))
	three = {unknown, empty, known}
	assert found(condition("city", "!=", "Köln")) & three == {known}
	assert found(condition("city", "not contains", "Köln")) & three == {known}
	assert found(condition("city", "is empty")) & three == {unknown, empty}
	assert found(condition("city", "=", "Köln"), kind="none") & three == three
	assert found({"none": [condition("city", "is not empty")]}) & three == {unknown, empty}
	small, untold = factories.relation(employees=5).name, factories.relation(employees=0).name
	assert found(condition("employees", "<", 10)) & {small, untold} == {small}
	assert found(condition("employees", "is empty")) & {small, untold} == {untold}


def test_umlauts_compare_as_the_database_sorts_them():
	names = {city: factories.relation(city=city).name for city in ("Köln", "KOELN", "koln", "Großbeeren")}
	ours = set(names.values())
	assert found(condition("city", "=", "KÖLN")) & ours == {names["Köln"], names["koln"]}
	assert found(condition("city", "starts with", "gros")) & ours == set()
	assert found(condition("city", "contains", "ßb")) & ours == {names["Großbeeren"]}


def test_territory_is_asked_with_all_that_lies_below_it():
	plant_territories()
	at = {territory: factories.relation(territory=territory).name for territory in TREE}
	nowhere = factories.relation().name
	ours = {*at.values(), nowhere}
	assert found(condition("territory", "within", "Seg Nord")) & ours == {at["Seg Nord"], at["Seg Kiel"]}
	assert found(condition("territory", "within", "Seg World")) & ours == set(at.values())
	assert found(condition("territory", "=", "Seg Nord")) & ours == {at["Seg Nord"]}
	assert found(condition("territory", "not within", "Seg Nord")) & ours == {at["Seg World"], at["Seg Süd"]}
	assert nowhere in found(condition("territory", "within", "Seg Nord"), kind="none")


def test_a_role_counts_while_it_is_held():
	held, ended = factories.relation(), factories.relation()
	for doc, until in ((held, None), (ended, nowdate())):
		doc.append("roles", {"role": "Supplier", "since": add_days(nowdate(), -10), "until": until})
		doc.flags.adopted = True  # as if it had been derived
		doc.save()
	ours = {held.name, ended.name}
	assert found(condition("role", "=", "Supplier")) & ours == {held.name}
	assert found(condition("role", "!=", "Supplier")) & ours == {ended.name}


def sells(customer: str) -> str:
	"""Return the relation of a customer, and make it if the customer's events have not."""
	party = frappe.qb.DocType("Relation Party")
	parent = (
		frappe.qb.from_(party)
		.select(party.parent)
		.where((party.party_type == "Customer") & (party.party == customer))
		.run()
	)
	if parent:
		return parent[0][0]
	doc = factories.relation()
	doc.append("parties", {"party_type": "Customer", "party": customer})
	return trusted(doc).save().name


def test_revenue_counts_credit_notes_with_their_sign_and_cancelled_invoices_not_at_all():
	customer, item = factories.customer().name, factories.item().name
	relation = sells(customer)
	factories.invoice(customer, [(item, 1, 1000)])
	cancelled = factories.invoice(customer, [(item, 1, 5000)])
	factories.invoice(customer, [(item, 1, 300)], submit=False)
	factories.invoice(customer, [(item, 1, 70)]).db_set("posting_date", add_days(nowdate(), -370))
	assert relation in found(condition("revenue_12_months", "between", [6000, 6000]))
	cancelled.cancel()
	factories.invoice(customer, [(item, -1, 200)], is_return=1)
	assert relation in found(condition("revenue_12_months", "between", [800, 800]))
	assert relation in found(condition("invoices_12_months", "=", 1))
	assert relation in found(condition("last_invoice_date", "=", nowdate()))
	assert relation not in found(condition("last_invoice_date", "before days", 1))


def test_a_relation_that_never_bought_has_revenue_zero_and_no_invoice_date():
	relation = factories.relation().name
	assert relation in found(condition("revenue_12_months", "<", 1))
	assert relation not in found(condition("revenue_12_months", "<", 0))
	assert relation in found(condition("invoices_12_months", "=", 0))
	assert relation in found(condition("last_invoice_date", "is empty"))
	assert relation not in found(condition("last_invoice_date", "before days", 1))


def test_twelve_months_back_from_a_leap_day_start_after_the_last_of_february(monkeypatch):
	monkeypatch.setattr(compiler, "nowdate", lambda: "2024-02-29")
	name = frappe.generate_hash(length=8)
	bulk("Relation", [{"name": name, "relation_name": name, "relation_kind": "Person"}])
	party = {"parent": name, "parenttype": "Relation", "parentfield": "parties", "party_type": "Customer"}
	bulk("Relation Party", [{"name": name, "party": name, **party}])
	sale = {"customer": name, "docstatus": 1, "is_return": 0}
	days = {"2023-02-28": 1, "2023-03-01": 10, "2024-02-29": 100, "2024-03-01": 1000}
	bulk(
		"Sales Invoice",
		[
			{"name": name + day, "posting_date": day, "base_net_total": value, **sale}
			for day, value in days.items()
		],
	)
	assert name in found(condition("revenue_12_months", "between", [110, 110]))


def test_matches_says_it_for_one_relation():
	bonn, ulm = factories.relation(city="Bonn").name, factories.relation(city="Ulm").name
	rule = {"version": 1, "all": [condition("city", "=", "Bonn")]}
	assert compiler.matches(rule, bonn)
	assert not compiler.matches(rule, ulm)
	assert compiler.count({"version": 1, "all": []}) == frappe.db.count("Relation")


INJECTIONS = [
	"' OR '1'='1",
	"'; DROP TABLE `tabRelation`; -- ",
	'" OR ""="',
	"` OR 1=1 -- ",
	"%(param1)s",
	"%s %% %",
	"\\' OR 1=1 -- ",
	"x') UNION SELECT `password` FROM `__Auth` -- ",
	"{0.__class__}",
	"{{ frappe.conf }}",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_injected_values_are_only_values(text):
	other, same = factories.relation(city="Bonn").name, factories.relation(city=text).name
	before = frappe.db.count("Relation")
	for operator in ("=", "contains", "starts with"):
		assert found(condition("city", operator, text)) & {other, same} == {same}
	assert found(condition("city", "in", [text, text + "x"])) & {other, same} == {same}
	assert not found(condition("territory", "within", text))
	assert not found(condition("role", "=", text))
	assert frappe.db.count("Relation") == before
	harmless, _parameters = compiler.compile_rule(
		{"version": 1, "all": [condition("city", "=", "Bonn")]}
	).walk()
	query, parameters = compiler.compile_rule({"version": 1, "all": [condition("city", "=", text)]}).walk()
	assert query == harmless
	assert list(parameters.values()) == [text.strip()]


@pytest.mark.parametrize("text", INJECTIONS)
def test_injected_fields_operators_and_groups_are_refused(text):
	for broken in (
		{"version": 1, "all": [condition(text, "=", "x")]},
		{"version": 1, "all": [condition("city", text, "x")]},
		{"version": 1, "all": [condition("employees", "=", text)]},
		{"version": 1, "all": [condition("last_invoice_date", ">", text)]},
		{"version": 1, "all": [condition("last_invoice_date", "last days", text)]},
		{"version": 1, "all": [{text: [condition("city", "=", "x")]}]},
		{"version": text, "all": []},
		json.dumps({"version": 1, "all": [{**condition("city", "=", "x"), text: 1}]}),
	):
		with pytest.raises(RuleError):
			compiler.compile_rule(broken)


def test_every_field_names_a_column_that_exists():
	for one in catalogue.fields().values():
		for field in one.own if isinstance(one, catalogue.Event) else [one]:
			for doctype, column in field.source.columns():
				alias = getattr(field.source, "alias", None)
				known = frappe.get_meta(doctype).get_valid_columns()
				assert alias or column in known, (one.key, field.key)
			if field.doctype:
				assert frappe.db.exists("DocType", field.doctype), (one.key, field.key)
		for doctype in filter(None, (one.needs, getattr(one, "document", None))):
			assert frappe.db.exists("DocType", doctype), one.key


def test_fields_over_links_name_the_doctype_of_the_column():
	by_column = defaultdict(list)
	for field in catalogue.plain().values():
		if isinstance(field.source, catalogue.Column):
			by_column[field.source.name].append(field)
	for column, fields in by_column.items():
		docfield = frappe.get_meta("Relation").get_field(column) or frappe._dict()
		for field in fields:
			if docfield.fieldtype == "Link":
				assert field.doctype == docfield.options
			elif docfield.fieldtype == "Select":
				assert field.choices == tuple(docfield.options.split("\n"))

"""The compiled statement of a rule returns what the rule means, on random data and on real documents."""

import json
import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import frappe
import pytest
from frappe.utils import add_days, getdate, now, nowdate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_relations.segments import catalogue, compiler, rules
from crm_relations.segments.rules import RuleError
from crm_relations.tests.site import factories

pytestmark = pytest.mark.site

TODAY = getdate("2026-11-23")
NAMES = [
	"Köln",
	"koln",
	"KÖLN",
	"Bonn",
	"bonn ",
	"Großenhain",
	"Grossenhain",
	"100 % Öl",
	"a_b",
	"axb",
	"O'Brien",
]
NAMES += [
	'say "x"',
	"back\\slash",
	"tick`s",
	"Île-de-France",
	"ile-de-france",
	"Zürich (Nord)",
	"%(name)s",
	"{0}",
]
DAYS = [TODAY + timedelta(days=days) for days in (-1100, -366, -365, -364, -90, -89, -30, -1, 0, 1, 40)]
DAYS += [date(2024, 2, 29), date(2025, 2, 28), date(2025, 3, 1), date(2025, 11, 22), date(2025, 11, 24)]
AMOUNTS = [Decimal(text) for text in ("0.01", "99.99", "100", "100.5", "2500", "1000000", "-50")]
COUNTS = [1, 2, 5, 10, 250]
TREE = {"Seg World": None, "Seg Nord": "Seg World", "Seg Süd": "Seg World", "Seg Kiel": "Seg Nord"}
LINKS = ("age_group", "income_group", "education", "industry", "stage", "country", "language", "responsible")


def condition(field: str, operator: str, value=None) -> dict:
	return {"field": field, "operator": operator, "value": value}


def found(*children: dict, kind: str = "all") -> set[str]:
	return set(compiler.compile_rule({"version": 1, kind: list(children)}).run(pluck=True))


def below(field: str, value: str, node: str) -> bool:
	"""Independent of lft and rgt: climbs from the value to the root."""
	while value:
		if rules.text_key(value) == rules.text_key(node):
			return True
		value = TREE.get(value)
	return False


def plant_territories() -> None:
	for name, parent in TREE.items():
		factories.insert(
			"Territory",
			territory_name=name,
			parent_territory=parent or "All Territories",
			is_group=name != "Seg Kiel",
		)


def bulk(doctype: str, rows: list[dict]) -> None:
	"""Rows straight into the table: random data need not be valid documents."""
	base = {"creation": now(), "modified": now(), "owner": "Administrator", "modified_by": "Administrator"}
	columns = list({**base, **rows[0]})
	frappe.db.bulk_insert(doctype, columns, [[{**base, **row}[column] for column in columns] for row in rows])


def plant_relations(number: int, seed: int) -> dict[str, dict]:
	"""Random relations with roles and invoices in the database; returns for each what its fields hold."""
	dice = random.Random(seed)
	table, roles, parties, invoices, rows = [], [], [], [], {}
	for i in range(number):
		name = f"seg{seed}-{i:04}"
		values = {
			"relation_kind": dice.choice(["Person", "Organisation"]),
			"city": dice.choice([None, "", *NAMES]),
			"territory": dice.choice([None, "", *TREE]),
			"employees": dice.choice([0, *COUNTS]),
			"annual_revenue": dice.choice([0, *AMOUNTS]),
			"stage_since": dice.choice([None, *DAYS]),
			"disabled": dice.choice([0, 1]),
			"email_id": dice.choice([None, "", "a@b.example"]),
			"phone": dice.choice([None, "", "0221 1"]),
			"mobile_no": dice.choice([None, "", "0171 1"]),
			**{field: dice.choice([None, "", *NAMES[:6]]) for field in LINKS},
		}
		table.append({"name": name, "relation_name": name, **values})
		held = set(dice.sample(["Lead", "Customer", "Debtor"], dice.randint(0, 2)))
		ended = {"Supplier"} if dice.random() < 0.3 else set()
		child = {"parent": name, "parenttype": "Relation"}
		for role in held | ended:
			until = TODAY if role in ended else None
			roles.append(
				{"name": f"{name}-{role}", **child, "parentfield": "roles", "role": role, "until": until}
			)
		sales = []
		for number_of_customer in range(dice.choice([0, 0, 1, 2])):
			customer = f"{name}-customer-{number_of_customer}"
			parties.append(
				{
					"name": customer,
					**child,
					"parentfield": "parties",
					"party_type": "Customer",
					"party": customer,
				}
			)
			for k in range(dice.randint(0, 4)):
				is_return = dice.random() < 0.2
				amount = abs(dice.choice(AMOUNTS)) * (-1 if is_return else 1)
				docstatus = dice.choice([0, 1, 1, 1, 2])
				day = dice.choice(DAYS)
				invoices.append(
					{
						"name": f"{customer}-{k}",
						"customer": customer,
						"docstatus": docstatus,
						"is_return": int(is_return),
						"posting_date": day,
						"base_net_total": amount,
					}
				)
				if docstatus == 1:
					sales.append((day, is_return, amount))
		year = [sale for sale in sales if date(2025, 11, 23) < sale[0] <= TODAY]
		rows[name] = {
			**{field: values[field] or None for field in (*LINKS, "city", "territory", "stage_since")},
			"kind": values["relation_kind"],
			"employees": values["employees"] or None,
			"annual_revenue": values["annual_revenue"] or None,
			"disabled": bool(values["disabled"]),
			"has_email": bool(values["email_id"]),
			"has_phone": bool(values["phone"] or values["mobile_no"]),
			"role": held,
			"last_invoice_date": max((day for day, is_return, _ in sales if not is_return), default=None),
			"revenue_12_months": sum((amount for _, _, amount in year), Decimal(0)),
			"invoices_12_months": len([1 for _, is_return, _ in year if not is_return]),
		}
	for doctype, planted in (
		("Relation", table),
		("Relation Role", roles),
		("Relation Party", parties),
		("Sales Invoice", invoices),
	):
		bulk(doctype, planted)
	return rows


TYPED = {
	"integer": st.sampled_from([0, *COUNTS]) | st.integers(-300, 300),
	"amount": (st.sampled_from([Decimal(0), *AMOUNTS]) | st.decimals(-5000, 5000, places=2)).map(float),
	"date": st.sampled_from(DAYS).map(str) | st.dates(date(2023, 1, 1), date(2027, 1, 1)).map(str),
	"check": st.booleans(),
	"set": st.sampled_from(["Lead", "Customer", "Debtor", "Supplier", "customer"]),
	"tree": st.sampled_from([*TREE, "seg sud", "Nowhere"]),
	"option": st.sampled_from(NAMES),
	"text": st.sampled_from([*NAMES, "ö", "ss", "ß", "%", "_", "'", "\\", "o", "K"])
	| st.text("aäoöuüßsSKÖ%_'\\ `\"", min_size=1, max_size=3).filter(str.strip),
}
PLANTED = [
	key
	for key in catalogue.STANDARD
	if key not in ("risk_attitude", "buying_behaviour", "market_orientation")
]


@st.composite
def a_condition(draw) -> dict:
	field = catalogue.fields()[draw(st.sampled_from(PLANTED))]
	operator = draw(st.sampled_from(rules.operators_of(field)))
	one = st.sampled_from(field.choices) if field.choices else TYPED[field.type]
	if operator in ("in", "not in"):
		return condition(field.key, operator, draw(st.lists(one, min_size=1, max_size=3)))
	if operator == "between":
		return condition(field.key, operator, sorted([draw(one), draw(one)]))
	if operator in ("last days", "before days"):
		return condition(field.key, operator, draw(st.sampled_from([1, 30, 89, 90, 364, 365, 366, 1000])))
	return condition(field.key, operator, None if operator.startswith("is ") else draw(one))


kinds = st.sampled_from(rules.GROUP_KINDS)
nested = st.recursive(
	a_condition(),
	lambda child: st.builds(lambda kind, some: {kind: some}, kinds, st.lists(child, min_size=1, max_size=3)),
	max_leaves=8,
)
random_rules = st.builds(
	lambda kind, some: {"version": 1, kind: some}, kinds, st.lists(nested, min_size=1, max_size=3)
)


@pytest.fixture
def on_that_day(monkeypatch):
	monkeypatch.setattr(compiler, "nowdate", lambda: str(TODAY))


def assert_agreement(rows: dict[str, dict], rule: dict) -> None:
	try:
		tree = compiler.parse(rule)
	except RuleError as error:
		assert "nest" in error.text  # the strategy may nest deeper than is allowed
		return
	query = compiler.compile_rule(tree).run(pluck=True)
	assert len(query) == len(set(query))
	expected = {name for name, row in rows.items() if rules.evaluate(tree, row, today=TODAY, within=below)}
	assert set(query) & set(rows) == expected, rules.serialise(tree)


def test_the_statement_finds_what_the_rule_means_on_random_data(on_that_day):
	plant_territories()
	rows = plant_relations(200, seed=1)

	@given(random_rules)
	@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
	def agree(rule):
		assert_agreement(rows, rule)

	agree()


@pytest.mark.parametrize("negated", ["all", "none"])
def test_every_operator_of_every_field_agrees_with_its_meaning(on_that_day, negated):
	plant_territories()
	rows = plant_relations(120, seed=2)
	examples = {
		"integer": [0, 5, -1],
		"amount": [0, 100.5, -60],
		"date": ["2025-02-28", "2026-11-23"],
		"check": [True, False],
		"set": ["Customer", "Supplier"],
		"tree": ["Seg Nord", "Seg World"],
		"option": ["Köln", "Bonn"],
		"text": ["öl", "a_b"],
	}
	for key in PLANTED:
		field = catalogue.fields()[key]
		for operator in rules.operators_of(field):
			values = list(field.choices) or examples[field.type]
			if operator in ("in", "not in"):
				values = [values]
			elif operator == "between":
				values = [sorted(values[:2])]
			elif operator in ("last days", "before days"):
				values = [1, 365]
			elif operator.startswith("is "):
				values = [None]
			for value in values:
				assert_agreement(rows, {"version": 1, negated: [condition(key, operator, value)]})


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
	"""The relation of a customer, made here if the customer's events have made none."""
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
	return doc.save().name


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
	for field in catalogue.fields().values():
		source = field.source
		columns = getattr(source, "columns", None) or ([source.name] if hasattr(source, "name") else [])
		for column in columns:
			assert frappe.get_meta("Relation").has_field(column), field.key
		if field.doctype:
			assert frappe.db.exists("DocType", field.doctype)


def test_fields_over_links_name_the_doctype_of_the_column():
	by_column = defaultdict(list)
	for field in catalogue.fields().values():
		if isinstance(field.source, catalogue.Column):
			by_column[field.source.name].append(field)
	for column, fields in by_column.items():
		docfield = frappe.get_meta("Relation").get_field(column)
		for field in fields:
			if docfield.fieldtype == "Link":
				assert field.doctype == docfield.options
			elif docfield.fieldtype == "Select":
				assert field.choices == tuple(docfield.options.split("\n"))

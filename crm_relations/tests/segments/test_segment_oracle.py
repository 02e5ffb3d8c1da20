"""Test that the compiled query finds what `rules.evaluate` finds, on random data and trees.

A run tests 100 trees, and with CRM_RELATIONS_NIGHTLY=1 2,000 other ones each time (see benchmarks/README.md).
"""

import os
import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import frappe
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_relations.segments.compilation import compiler
from crm_relations.segments.fields import catalogue
from crm_relations.segments.language import rules
from crm_relations.segments.language.rules import RuleError
from crm_relations.tests.support import factories
from crm_relations.tests.support.segment_world import (
	AMOUNTS,
	BRANDS,
	CAMPAIGNS,
	COMPANIES,
	COUNTS,
	DAYS,
	ITEMS,
	NAMES,
	REASONS,
	SEGMENTS,
	TODAY,
	TREE,
	World,
	below,
	plant_trees,
)

pytestmark = pytest.mark.site

NIGHTLY = os.environ.get("CRM_RELATIONS_NIGHTLY") == "1"
TREES = 2000 if NIGHTLY else 100
#: new data each night; a failure prints the seed, which reproduces the data
SEED = int(os.environ.get("CRM_RELATIONS_SEED") or (random.randrange(10**6) if NIGHTLY else 1))

#: attributes that an administrator defined: label, type of the values → type of the field
ATTRIBUTES = {
	"Oracle Colour": ("Option", "option"),
	"Oracle Motto": ("Text", "text"),
	"Oracle Size": ("Number", "amount"),
	"Oracle Day": ("Date", "date"),
	"Oracle Flag": ("Yes/No", "check"),
}
#: custom fields of the site: doctype, fieldname, fieldtype → type in the random world
CUSTOM = (
	("Relation", "oracle_note", "Data", "text"),
	("Customer", "oracle_rank", "Int", "integer"),
	("Customer", "oracle_seen", "Datetime", "datetime"),
	("Customer", "oracle_choice", "Select", "option"),
	("Contact", "oracle_flag", "Check", "check"),
	("Lead", "oracle_budget", "Float", "amount"),
	("Customer", "oracle_region", "Link", "tree"),
)


@pytest.fixture(scope="module")
def own() -> Iterator[dict[str, str]]:
	"""Create attributes and custom fields, and delete them afterwards, because adding a column commits."""
	made: list[tuple[str, str]] = []
	found: dict[str, str] = {}
	try:
		for label, (value_type, kind) in ATTRIBUTES.items():
			doc = factories.insert(
				"Relation Profile Attribute", label=label, applies_to="Both", value_type=value_type
			)
			made.append((doc.doctype, doc.name))
			found[doc.fieldname] = kind
		for doctype, fieldname, fieldtype, kind in CUSTOM:
			doc = factories.insert(
				"Custom Field",
				dt=doctype,
				fieldname=fieldname,
				fieldtype=fieldtype,
				label=fieldname,
				options={"Select": "\n".join(NAMES[:6]), "Link": "Territory"}.get(fieldtype),
			)
			made.append((doc.doctype, doc.name))
			found[fieldname if doctype == "Relation" else f"{doctype.lower()}.{fieldname}"] = kind
		frappe.db.commit()
		frappe.clear_cache()
		frappe.local.relation_segment_catalogue = None
		yield found
	finally:
		frappe.db.rollback()
		for doctype, name in reversed(made):
			frappe.delete_doc(doctype, name, force=True, ignore_permissions=True)
		frappe.db.commit()
		frappe.clear_cache()
		frappe.local.relation_segment_catalogue = None


TYPED = {
	"integer": st.sampled_from([0, *COUNTS]) | st.integers(-300, 1200),
	"amount": (st.sampled_from([Decimal(0), *AMOUNTS]) | st.decimals(-5000, 5000, places=2)).map(float),
	"date": st.sampled_from(DAYS).map(str) | st.dates(date(1987, 1, 1), date(2027, 6, 1)).map(str),
	"check": st.booleans(),
	"text": st.sampled_from([*NAMES, "Marketing", "ö", "ss", "ß", "%", "_", "'", "\\", "o", "K"])
	| st.text("aäoöuüßsSKÖ%_'\\ `\"", min_size=1, max_size=3).filter(str.strip),
}
#: doctype → records in the random world
RECORDS = {
	"Relation Role Type": ["Lead", "Customer", "Debtor", "Supplier", "customer"],
	"Relation Segment": SEGMENTS,
	"Company": COMPANIES,
	"Item": ITEMS,
	"Brand": BRANDS,
	"Relation Campaign": CAMPAIGNS,
	"Relation Link Type": ["works for", "knows"],
	"Relation": [f"seg{SEED}-{i:04}" for i in range(20)],
	"Quotation Lost Reason": REASONS,
	"Opportunity Lost Reason": REASONS,
	"Currency": ["EUR", "CHF"],
	"User": ["a@b.example", *NAMES[:3]],
}


def values_of(field: catalogue.Field) -> st.SearchStrategy:
	if field.choices:
		return st.sampled_from(field.choices)
	if field.type == "tree":
		return st.sampled_from([*TREE, "seg sud", "Nowhere"])
	if field.type in ("option", "set"):
		return st.sampled_from(RECORDS.get(field.doctype, NAMES))
	return TYPED[field.type]


def a_condition(field: catalogue.Field) -> st.SearchStrategy:
	one = values_of(field)

	@st.composite
	def drawn(draw) -> dict:
		operator = draw(st.sampled_from(rules.operators_of(field)))
		if operator in ("in", "not in"):
			value = draw(st.lists(one, min_size=1, max_size=3))
		elif operator == "between":
			value = sorted([draw(one), draw(one)])
		elif operator in rules.DAYS:
			low, high = rules.DAYS[operator]
			value = draw(
				st.sampled_from([1, 7, 30, 89, 90, 364, 365, *((366, 1000) if high > 366 else (low,))])
			)
		elif operator in rules.IN_PERIOD:
			value = draw(st.sampled_from(rules.PERIODS))
		else:
			value = None if operator.startswith("is ") else draw(one)
		return {"field": field.key, "operator": operator, "value": value}

	return drawn()


def an_event(event: catalogue.Event) -> st.SearchStrategy:
	inner = nested(st.sampled_from(event.own).flatmap(a_condition), 3)

	@st.composite
	def drawn(draw) -> dict:
		measure = draw(st.sampled_from([rules.COUNT, rules.COUNT, *event.measures]))
		operator = draw(st.sampled_from(rules.EVENT_OPERATORS))
		one = st.integers(0, 4) if measure == rules.COUNT else TYPED["amount"]
		value = sorted([draw(one), draw(one)]) if operator == "between" else draw(one)
		where = draw(st.lists(inner, max_size=3))
		return {"event": event.key, "where": where, "measure": measure, "operator": operator, "value": value}

	return drawn()


KINDS = st.sampled_from(rules.GROUP_KINDS)


def nested(leaf: st.SearchStrategy, leaves: int) -> st.SearchStrategy:
	return st.recursive(
		leaf,
		lambda child: st.builds(
			lambda kind, some: {kind: some}, KINDS, st.lists(child, min_size=1, max_size=3)
		),
		max_leaves=leaves,
	)


def asking(one: catalogue.Field | catalogue.Event) -> st.SearchStrategy:
	return an_event(one) if isinstance(one, catalogue.Event) else a_condition(one)


@st.composite
def a_catalogue_and_rule(draw, all_keys: list[str]) -> tuple[dict, dict]:
	"""Draw some of these fields and events, and a rule that uses only them."""
	known = catalogue.fields()
	keys = draw(st.lists(st.sampled_from(all_keys), min_size=1, max_size=8, unique=True))
	some = {key: known[key] for key in keys}
	leaf = st.sampled_from(keys).flatmap(lambda key: asking(some[key]))
	children = draw(st.lists(nested(leaf, 6), min_size=1, max_size=3))
	return some, {"version": 1, draw(KINDS): children}


@pytest.fixture
def on_that_day(monkeypatch):
	monkeypatch.setattr(compiler, "nowdate", lambda: str(TODAY))


def assert_agreement(world: World, rule: dict, known: dict | None = None, also_some: bool = False) -> int:
	"""Return how many relations the rule finds; with `also_some`, query it for some relations, too."""
	try:
		tree = rules.parse(rule, known or catalogue.fields())
	except RuleError as error:
		assert "nest" in error.text  # the strategy may nest deeper than allowed
		return 0
	found = compiler.compile_rule(tree).run(pluck=True)
	assert len(found) == len(set(found))
	expected = {
		name for name, row in world.rows.items() if rules.evaluate(tree, row, today=TODAY, within=below)
	}
	assert set(found) & set(world.rows) == expected, f"seed {world.seed}: {rules.serialise(tree)}"
	assert sorted(compiler.names_of(compiler.criterion_of(tree)).run(pluck=True)) == sorted(found)
	if not also_some:
		return len(expected)
	some = world.names[:: max(1, len(world.names) // 20)]
	assert set(compiler.compile_rule(tree, some).run(pluck=True)) == expected & set(some)
	return len(expected)


def test_the_statement_finds_what_the_rule_means_on_random_catalogues_and_data(own, on_that_day):
	plant_trees()
	world = World(150, seed=SEED, own=own)
	missing = set(catalogue.fields()) ^ set(world.rows[world.names[0]])
	assert all("." in key for key in missing), "the world has all but custom fields of the test site"

	found = []

	@given(a_catalogue_and_rule(sorted(world.rows[world.names[0]])))
	@settings(
		max_examples=TREES, deadline=None, derandomize=not NIGHTLY, suppress_health_check=list(HealthCheck)
	)
	def agree(drawn):
		some, rule = drawn
		found.append(assert_agreement(world, rule, some, also_some=True))

	agree()
	telling = [number for number in found if 0 < number < len(world.names)]
	assert len(telling) > TREES / 3, "most rules would hold for all or nobody"


EXAMPLES = {
	"integer": [0, 5, -1],
	"amount": [0, 100.5, -60],
	"date": ["2025-02-28", "2026-11-23"],
	"check": [True, False],
	"tree": ["Seg Nord", "Seg World"],
	"option": ["Köln", "Bonn"],
	"text": ["öl", "a_b"],
}


def examples(field: catalogue.Field) -> Iterator[dict]:
	"""Return one or two conditions for every operator of the field."""
	values = list(field.choices[:2]) or RECORDS.get(field.doctype, [])[:2] or EXAMPLES[field.type]
	for operator in rules.operators_of(field):
		some = values
		if operator in ("in", "not in"):
			some = [values]
		elif operator == "between":
			some = [sorted(values[:2])]
		elif operator in rules.DAYS:
			some = [7, 365]
		elif operator in rules.IN_PERIOD:
			some = rules.PERIODS
		elif operator.startswith("is "):
			some = [None]
		for value in some:
			yield {"field": field.key, "operator": operator, "value": value}


@pytest.mark.parametrize("negated", ["all", "none"])
def test_every_operator_of_every_field_and_event_agrees_with_its_meaning(own, on_that_day, negated):
	plant_trees()
	world = World(40, seed=2, own=own)
	for key in world.rows[world.names[0]]:
		one = catalogue.fields()[key]
		if isinstance(one, catalogue.Field):
			conditions = list(examples(one))
		else:
			conditions = [{"event": key, "where": [inner]} for field in one.own for inner in examples(field)]
			for measure in (rules.COUNT, *one.measures):
				for operator in rules.EVENT_OPERATORS:
					for value in ([0, 2], [1, 1]) if operator == "between" else (0, 1, 2):
						conditions.append(
							{"event": key, "measure": measure, "operator": operator, "value": value}
						)
		for condition in conditions:
			assert_agreement(world, {"version": 1, negated: [condition]})


def test_what_happened_but_not_lately_agrees_with_its_meaning(own, on_that_day):
	"""Combine two conditions on one event that one read of its rows answers."""
	plant_trees()
	world = World(60, seed=3, own=own)
	telling = 0
	events = [one for one in catalogue.fields().values() if isinstance(one, catalogue.Event)]
	for event in events:
		narrowing = [next(examples(field)) for field in event.own]
		for where in ([], *([one] for one in narrowing)):
			for lately in narrowing:
				rule = [
					{"event": event.key, "where": where},
					{"event": event.key, "where": [*where, lately], "operator": "=", "value": 0},
				]
				found = assert_agreement(world, {"version": 1, "all": rule}, also_some=True)
				telling += 0 < found < len(world.names)
				assert_agreement(world, {"version": 1, "none": [{"all": rule}]})
	assert telling > 50


def test_owners_of_rows_are_found_without_a_detour_over_relations(on_that_day):
	bought = {"event": "bought", "where": [{"field": "date", "operator": "last days", "value": 90}]}
	once = {"event": "bought", "measure": "amount", "value": 100}
	for rule, detour in (
		([bought], False),
		([once, bought], False),
		([bought, {"field": "country", "operator": "=", "value": "Germany"}], True),
		([{"event": "bought", "operator": "=", "value": 0}], True),
	):
		statement = str(compiler.names_of(compiler.criterion_of({"version": 1, "all": rule})))
		assert ("FROM `tabRelation` " in statement) is detour


def test_bought_but_not_lately_looks_at_the_lines_once(on_that_day):
	lately = {"field": "date", "operator": "last days", "value": 90}
	never = {"event": "bought", "where": [lately], "operator": "=", "value": 0}
	statement = str(compiler.compile_rule({"version": 1, "all": [{"event": "bought"}, never]}))
	assert statement.count("`tabSales Invoice Item`.`parent`") == 1

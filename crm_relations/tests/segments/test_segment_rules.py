"""Test the rule tree: what can be parsed, what is refused and where, and what a tree means."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_relations.segments.language import rules
from crm_relations.segments.language.rules import Condition, Group, RuleError


@dataclass(frozen=True)
class Field:
	type: str
	can_be_empty: bool = True
	choices: tuple[str, ...] = ()


FIELDS = {
	"kind": Field("option", False, ("Person", "Organisation")),
	"industry": Field("option"),
	"territory": Field("tree"),
	"role": Field("set"),
	"city": Field("text"),
	"employees": Field("integer"),
	"annual_revenue": Field("amount"),
	"stage_since": Field("date"),
	"disabled": Field("check", False),
}
TODAY = date(2024, 2, 29)

texts = st.text(
	st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20
).filter(str.strip)
values = {
	"option": texts,
	"tree": texts,
	"set": texts,
	"text": texts,
	"integer": st.integers(-(10**6), 10**6),
	"amount": st.decimals(-(10**6), 10**6, places=3),
	"date": st.dates(date(1990, 1, 1), date(2090, 1, 1)),
	"check": st.booleans(),
}


@st.composite
def a_condition(draw) -> dict:
	key = draw(st.sampled_from(sorted(FIELDS)))
	field = FIELDS[key]
	one = st.sampled_from(field.choices) if field.choices else values[field.type]
	operator = draw(st.sampled_from(rules.operators_of(field)))
	condition = {"field": key, "operator": operator}
	if operator in ("in", "not in"):
		condition["value"] = draw(st.lists(one, min_size=1, max_size=4))
	elif operator == "between":
		condition["value"] = sorted(draw(st.tuples(one, one)))
	elif operator in rules.DAYS:
		condition["value"] = draw(st.integers(*rules.DAYS[operator]))
	elif operator in rules.IN_PERIOD:
		condition["value"] = draw(st.sampled_from(rules.PERIODS))
	elif not operator.startswith("is "):
		condition["value"] = draw(one)
	return json.loads(
		json.dumps(condition, default=lambda v: float(v) if isinstance(v, Decimal) else v.isoformat())
	)


groups = st.recursive(
	a_condition(),
	lambda child: st.builds(
		lambda kind, children: {kind: children},
		st.sampled_from(rules.GROUP_KINDS),
		st.lists(child, min_size=1, max_size=4),
	),
	max_leaves=12,
)
trees = st.builds(
	lambda kind, children: {"version": 1, kind: children},
	st.sampled_from(rules.GROUP_KINDS),
	st.lists(groups, min_size=1, max_size=4),
)
rows = st.fixed_dictionaries(
	{
		"kind": st.sampled_from(["Person", "Organisation"]),
		"industry": st.none() | texts,
		"territory": st.none() | texts,
		"role": st.sets(texts, max_size=3),
		"city": st.none() | st.just("") | texts,
		"employees": st.none() | st.integers(-50, 50),
		"annual_revenue": st.none() | values["amount"],
		"stage_since": st.none() | values["date"],
		"disabled": st.booleans(),
	}
)


def depth(node: Group | Condition) -> int:
	return 0 if isinstance(node, Condition) else 1 + max(map(depth, node.children), default=0)


def parsed(rule: dict) -> Group | None:
	"""Return the tree, or None where hypothesis nested deeper than allowed."""
	try:
		return rules.parse(rule, FIELDS)
	except RuleError as error:
		assert "nest" in error.text
		return None


def condition(field: str, operator: str, value=None) -> dict:
	return {"field": field, "operator": operator, "value": value}


def holds(row: dict, field: str, operator: str, value=None) -> bool:
	tree = rules.parse({"version": 1, "all": [condition(field, operator, value)]}, FIELDS)
	return rules.evaluate(tree, row, today=TODAY)


# Reading and writing


@given(trees)
def test_a_valid_rule_survives_writing_and_reading(rule):
	if tree := parsed(rule):
		text = rules.serialise(tree)
		assert rules.parse(text, FIELDS) == tree
		assert rules.serialise(rules.parse(text, FIELDS)) == text
		assert 1 <= depth(tree) <= rules.MAX_DEPTH


@given(trees, rows)
def test_none_is_the_opposite_of_any_for_every_relation(rule, row):
	children = next(value for key, value in rule.items() if key != "version")
	any_tree, none_tree = parsed({"version": 1, "any": children}), parsed({"version": 1, "none": children})
	if any_tree and none_tree:
		assert rules.evaluate(any_tree, row, today=TODAY) != rules.evaluate(none_tree, row, today=TODAY)


@given(a_condition(), rows)
def test_a_missing_value_matches_nothing_but_is_empty(data, row):
	field = FIELDS[data["field"]]
	if field.type == "set":
		return
	tree = rules.parse({"version": 1, "all": [data]}, FIELDS)
	row = {**row, data["field"]: None}
	assert rules.evaluate(tree, row, today=TODAY) == (data["operator"] == "is empty")


@given(
	st.recursive(
		st.none() | st.booleans() | st.floats() | st.text(),
		lambda c: (
			st.lists(c)
			| st.dictionaries(
				st.sampled_from(["version", "all", "any", "none", "field", "operator", "value", "x"]), c
			)
		),
	)
)
def test_whatever_the_json_it_is_read_or_refused_with_a_path(data):
	for rule in (data, json.dumps(data), {"version": 1, "all": [data]}, {"version": 1, "all": data}):
		try:
			tree = rules.parse(rule, FIELDS)
		except RuleError as error:
			assert error.path
			assert str(error).startswith(error.path)
		else:
			assert isinstance(tree, Group)


def test_the_empty_rule_means_every_relation():
	assert rules.evaluate(rules.parse('{"version": 1, "all": []}', FIELDS), {})


@pytest.mark.parametrize(
	("rule", "path"),
	[
		("", "rule"),
		("{", "rule"),
		("[" * 100_000, "rule"),
		("[]", "rule"),
		({"all": []}, "version"),
		({"version": True, "all": []}, "version"),
		({"version": 2, "all": []}, "version"),
		({"version": 1}, "rule"),
		({"version": 1, "all": [], "any": []}, "rule"),
		('{"version": 1, "all": [], "all": []}', "rule"),
		({"version": 1, "any": []}, "any"),
		({"version": 1, "all": [{"any": []}]}, "all[0].any"),
		({"version": 1, "all": "x"}, "all"),
		({"version": 1, "all": ["x"]}, "all[0]"),
		({"version": 1, "all": [{"xor": []}]}, "all[0]"),
		({"version": 1, "all": [{"none": [condition("nope", "=", 1)]}]}, "all[0].none[0].field"),
		({"version": 1, "all": [{"operator": "=", "value": 1}]}, "all[0].field"),
		({"version": 1, "all": [condition("city", "like", "x")]}, "all[0].operator"),
		({"version": 1, "all": [condition("city", ["="], "x")]}, "all[0].operator"),
		({"version": 1, "all": [condition("city", ">", "x")]}, "all[0].operator"),
		({"version": 1, "all": [condition("kind", "is empty")]}, "all[0].operator"),
		({"version": 1, "all": [{**condition("city", "=", "x"), "sql": "1"}]}, "all[0]"),
		({"version": 1, "all": [condition("city", "=", " ")]}, "all[0].value"),
		({"version": 1, "all": [condition("city", "=", "a\x00b")]}, "all[0].value"),
		({"version": 1, "all": [condition("city", "=", "\ud800")]}, "all[0].value"),
		({"version": 1, "all": [condition("city", "=", "x" * 141)]}, "all[0].value"),
		({"version": 1, "all": [condition("city", "=", ["x"])]}, "all[0].value"),
		({"version": 1, "all": [condition("city", "is empty", "x")]}, "all[0].value"),
		({"version": 1, "all": [condition("city", "in", "x")]}, "all[0].value"),
		({"version": 1, "all": [condition("city", "in", [])]}, "all[0].value"),
		({"version": 1, "all": [condition("city", "in", ["a", 5])]}, "all[0].value[1]"),
		({"version": 1, "all": [condition("kind", "=", "Robot")]}, "all[0].value"),
		({"version": 1, "all": [condition("employees", "=", 1.5)]}, "all[0].value"),
		({"version": 1, "all": [condition("employees", "=", True)]}, "all[0].value"),
		({"version": 1, "all": [condition("employees", "=", "1e999999999")]}, "all[0].value"),
		({"version": 1, "all": [condition("employees", "between", [1])]}, "all[0].value"),
		({"version": 1, "all": [condition("employees", "between", [2, 1])]}, "all[0].value"),
		({"version": 1, "all": [condition("annual_revenue", ">", float("nan"))]}, "all[0].value"),
		({"version": 1, "all": [condition("annual_revenue", ">", "1.2345")]}, "all[0].value"),
		({"version": 1, "all": [condition("stage_since", "=", "2023-02-29")]}, "all[0].value"),
		({"version": 1, "all": [condition("stage_since", "=", "20230228")]}, "all[0].value"),
		({"version": 1, "all": [condition("stage_since", "last days", 0)]}, "all[0].value"),
		({"version": 1, "all": [condition("disabled", "=", "yes")]}, "all[0].value"),
		({"version": 1, "all": [condition("disabled", "=", 1.0)]}, "all[0].value"),
	],
)
def test_an_invalid_rule_names_the_path_of_the_fault(rule, path):
	with pytest.raises(RuleError) as caught:
		rules.parse(rule, FIELDS)
	assert caught.value.path == path


def test_groups_nest_six_deep_and_no_deeper():
	rule = condition("city", "=", "Bonn")
	for _level in range(rules.MAX_DEPTH - 1):
		rule = {"any": [rule]}
	assert depth(rules.parse({"version": 1, "all": [rule]}, FIELDS)) == rules.MAX_DEPTH
	with pytest.raises(RuleError) as caught:
		rules.parse({"version": 1, "all": [{"any": [rule]}]}, FIELDS)
	assert caught.value.path == "all[0]" + ".any[0]" * 5


def test_two_hundred_conditions_are_allowed_and_no_more():
	many = [condition("city", "=", "Bonn")] * rules.MAX_CONDITIONS
	assert len(rules.parse({"version": 1, "all": many}, FIELDS).children) == 200
	with pytest.raises(RuleError) as caught:
		rules.parse({"version": 1, "all": [*many, many[0]]}, FIELDS)
	assert caught.value.path == "all[200]"


def test_two_spellings_of_one_rule_have_one_normal_form():
	loose = {
		"all": [{"value": " Bonn ", "operator": "=", "field": "city"}, condition("employees", ">", "10")],
		"version": 1,
	}
	strict = {"version": 1, "all": [condition("city", "=", "Bonn"), condition("employees", ">", 10.0)]}
	assert rules.serialise(rules.parse(loose, FIELDS)) == rules.serialise(rules.parse(strict, FIELDS))


def test_a_message_is_translated_with_its_values():
	error = RuleError("all[0].value", "Enter a whole number between {0} and {1}.", 1, 9)
	translated = error.message(lambda text: "Eine ganze Zahl von {0} bis {1} angeben.")
	assert translated == "all[0].value: Eine ganze Zahl von 1 bis 9 angeben."


def test_conditions_come_with_their_paths():
	tree = rules.parse(
		{"version": 1, "all": [condition("city", "=", "a"), {"none": [condition("kind", "=", "Person")]}]},
		FIELDS,
	)
	assert [path for path, _condition in rules.leaves(tree)] == ["all[0]", "all[1].none[0]"]


# Meaning


@pytest.mark.parametrize(
	("left", "right"),
	[("Köln", "KOLN"), ("straße", "STRASSE"), ("Bonn ", "bonn"), ("Łódź", "łódz"), ("Ä", "a")],
)
def test_texts_compare_without_case_accents_and_trailing_blanks(left, right):
	assert holds({"city": left}, "city", "=", right)
	assert not holds({"city": left}, "city", "!=", right)


def test_contains_compares_letter_by_letter():
	assert holds({"city": "Großköln"}, "city", "contains", "SSK") is False
	assert holds({"city": "Großköln"}, "city", "contains", "ßKO")
	assert holds({"city": "100 % Öl_"}, "city", "contains", "% ö")
	assert not holds({"city": "1000"}, "city", "contains", "%")


@pytest.mark.parametrize(
	("value", "in_last_365", "before_365"),
	[
		(TODAY, True, False),
		(TODAY + timedelta(days=1), False, False),
		(date(2023, 3, 1), True, False),
		(date(2023, 2, 28), False, True),
		(None, False, False),
	],
)
def test_relative_dates_count_days_over_a_leap_day(value, in_last_365, before_365):
	row = {"stage_since": value}
	assert holds(row, "stage_since", "last days", 365) is in_last_365
	assert holds(row, "stage_since", "before days", 365) is before_365


def test_a_relation_without_roles_does_not_hold_the_role():
	assert holds({"role": set()}, "role", "!=", "Customer")
	assert holds({"role": set()}, "role", "is empty")
	assert holds({"role": {"Lead", "Customer"}}, "role", "in", ["Customer", "Supplier"])
	assert not holds({"role": {"Lead", "Customer"}}, "role", "!=", "Customer")


def test_within_asks_the_tree_that_it_is_given():
	tree = rules.parse({"version": 1, "all": [condition("territory", "within", "Europe")]}, FIELDS)
	europe = {"Germany", "Europe"}

	def within(field: str, value: str, node: str) -> bool:
		return (field, node) == ("territory", "Europe") and value in europe

	assert rules.evaluate(tree, {"territory": "Germany"}, within=within)
	assert not rules.evaluate(tree, {"territory": "India"}, within=within)
	assert not rules.evaluate(tree, {"territory": None}, within=within)

"""Test rules over events and days: what can be parsed, what is refused and where, and what it means."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_relations.segments.language import rules
from crm_relations.segments.language.rules import AnyOf, EventCondition, Group, RuleError


@dataclass(frozen=True)
class Field:
	type: str
	can_be_empty: bool = True
	choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
	fields: dict
	measures: dict = field(default_factory=dict)
	type: str = "event"


CATALOGUE = {
	"city": Field("text"),
	"born": Field("date"),
	"revenue": Field("amount"),
	"bought": Event(
		{
			"date": Field("date", False),
			"group": Field("tree"),
			"kind": Field("option", False, ("A", "B")),
			"tags": Field("set"),
		},
		{"amount": "amount", "pieces": "integer"},
	),
	"called": Event({"date": Field("date", False)}),
}
TODAY = date(2024, 2, 29)


def condition(key: str, operator: str, value=None) -> dict:
	return {"field": key, "operator": operator, "value": value}


def bought(*where: dict, **values) -> dict:
	return {"event": "bought", "where": list(where), **values}


def parse(*children: dict, kind: str = "all") -> Group:
	return rules.parse({"version": 1, kind: list(children)}, CATALOGUE)


def holds(row: dict, *children: dict, today: date = TODAY) -> bool:
	return rules.evaluate(parse(*children), row, today=today)


def purchase(document: str | None, day: str = "2024-02-01", **values) -> dict:
	empty = {"group": None, "kind": "A", "tags": set(), "amount": Decimal(0), "pieces": 0}
	return {**empty, "document": document, "date": date.fromisoformat(day), **values}


# Reading and writing


def test_an_event_says_at_least_once_unless_told_otherwise():
	(leaf,) = parse({"event": "bought"}).children
	assert leaf == EventCondition("bought", Group("all", ()), "count", ">=", 1)
	assert rules.to_dict(parse({"event": "bought"})) == {
		"version": 1,
		"all": [{"event": "bought", "where": [], "measure": "count", "operator": ">=", "value": 1}],
	}


@pytest.mark.parametrize(
	"rule",
	[
		bought(condition("date", "last days", 90), measure="amount", operator=">", value=99.5),
		bought({"none": [condition("group", "within", "X"), {"all": [condition("kind", "=", "A")]}]}),
		bought(measure="pieces", operator="between", value=[-5, 5]),
		bought(
			condition("tags", "in", ["x", "y"]), condition("date", "between", ["2023-01-01", "2023-12-31"])
		),
	],
)
def test_an_event_survives_writing_and_reading(rule):
	tree = parse({"any": [rule, condition("city", "=", "Bonn")]}, rule, kind="none")
	text = rules.serialise(tree)
	assert rules.parse(text, CATALOGUE) == tree
	assert rules.serialise(rules.parse(text, CATALOGUE)) == text
	assert isinstance(rules.parse(text), Group), "can be read without a catalogue"
	assert rules.serialise(rules.parse(text)) == text


@pytest.mark.parametrize(
	("child", "path"),
	[
		({"event": "sold"}, "all[0].event"),
		({"event": ""}, "all[0].event"),
		({"event": ["bought"]}, "all[0].event"),
		({"event": "city"}, "all[0].event"),
		(condition("bought", "=", 1), "all[0].field"),
		({"event": "bought", "field": "city"}, "all[0]"),
		({"event": "bought", "having": 1}, "all[0]"),
		({"event": "bought", "where": {}}, "all[0].where"),
		({"event": "bought", "where": "date"}, "all[0].where"),
		(bought("date"), "all[0].where[0]"),
		(bought(condition("city", "=", "x")), "all[0].where[0].field"),
		(bought(condition("date", "=", "2023-02-29")), "all[0].where[0].value"),
		(
			bought(condition("kind", "=", "A"), condition("kind", "in", ["A", "C"])),
			"all[0].where[1].value[1]",
		),
		(bought(condition("kind", "is empty")), "all[0].where[0].operator"),
		(bought({"any": []}), "all[0].where[0].any"),
		(bought({"any": [condition("group", ">", 1)]}), "all[0].where[0].any[0].operator"),
		(bought({"event": "called"}), "all[0].where[0]"),
		(bought({"none": [{"event": "called"}]}), "all[0].where[0].none[0]"),
		(bought(measure="tax"), "all[0].measure"),
		(bought(measure=""), "all[0].measure"),
		(bought(measure=["amount"]), "all[0].measure"),
		({"event": "called", "measure": "amount", "value": 1}, "all[0].measure"),
		(bought(operator="contains"), "all[0].operator"),
		(bought(operator="is empty"), "all[0].operator"),
		(bought(operator=[">="]), "all[0].operator"),
		(bought(value="many"), "all[0].value"),
		(bought(value=1.5), "all[0].value"),
		(bought(value=None), "all[0].value"),
		(bought(operator="<"), "all[0].value"),
		(bought(measure="amount"), "all[0].value"),
		(bought(measure="amount", value="1.2345"), "all[0].value"),
		(bought(operator="between", value=[2, 1]), "all[0].value"),
		(bought(operator="between", value=[1]), "all[0].value"),
		(condition("born", "next days", -1), "all[0].value"),
		(condition("born", "last days", 0), "all[0].value"),
		(condition("born", "anniversary within", 366), "all[0].value"),
		(condition("born", "this period", "decade"), "all[0].value"),
		(condition("born", "last period", ["week"]), "all[0].value"),
		(condition("born", "last period", None), "all[0].value"),
		(condition("city", "this period", "week"), "all[0].operator"),
	],
)
def test_an_invalid_event_or_period_names_the_path_of_the_fault(child, path):
	for rule in ({"version": 1, "all": [child]}, json.dumps({"version": 1, "all": [child]})):
		with pytest.raises(RuleError) as caught:
			rules.parse(rule, CATALOGUE)
		assert caught.value.path == path
		assert str(caught.value).startswith(path)


def test_conditions_and_groups_within_events_count():
	with pytest.raises(RuleError, match="at most 200"):
		parse(*[bought(condition("kind", "=", "A")) for _n in range(101)])
	parse(*[bought(condition("kind", "=", "A")) for _n in range(100)])
	deep = condition("kind", "=", "A")
	for _n in range(5):
		deep = {"any": [deep]}
	parse(bought(deep))
	with pytest.raises(RuleError) as caught:
		parse(bought({"any": [deep]}))
	assert "nest at most 6" in str(caught.value)
	assert caught.value.path.startswith("all[0].where[0].any[0]")


def test_leaves_and_what_stands_in_events_come_with_their_paths():
	tree = parse(condition("city", "=", "x"), {"any": [bought({"none": [condition("kind", "=", "A")]})]})
	(plain, _condition), (path, event) = rules.leaves(tree)
	assert (plain, path) == ("all[0]", "all[1].any[0]")
	assert [inner for inner, _condition in rules.within_event(event, path)] == [
		"all[1].any[0].where[0].none[0]"
	]


# Meaning


def test_documents_are_counted_once_however_many_rows_they_have():
	row = {"bought": [purchase("a"), purchase("a", group="X"), purchase("b"), purchase(None)]}
	assert holds(row, bought(operator="=", value=2))
	assert holds(row, bought(condition("group", "=", "x"), operator="=", value=1))
	assert not holds(row, bought(operator=">", value=2))
	assert holds({}, bought(operator="=", value=0))
	assert holds({"bought": []}, bought(operator="<", value=1))
	assert not holds({}, bought())


def test_a_sum_takes_all_rows_also_those_that_are_no_document():
	row = {
		"bought": [
			purchase("a", amount=Decimal("10.5")),
			purchase(None, amount=Decimal("-4")),
			purchase("b", amount=None),
		]
	}
	assert holds(row, bought(measure="amount", operator="=", value=6.5))
	assert holds({}, bought(measure="amount", operator="between", value=[-1, 0]))


def test_all_of_where_has_to_hold_for_one_row():
	row = {"bought": [purchase("a", "2024-02-28", kind="A"), purchase("b", "2020-01-01", kind="B")]}
	lately = condition("date", "last days", 30)
	assert holds(row, bought(lately, condition("kind", "=", "A")))
	assert not holds(row, bought(lately, condition("kind", "=", "B")))
	assert holds(row, bought(lately), bought(condition("kind", "=", "B")))


def test_a_tree_of_an_event_is_asked_under_its_name():
	asked = []
	tree = parse(bought(condition("group", "within", "Top")))

	def within(field: str, value: str, node: str) -> bool:
		asked.append((field, value, node))
		return True

	assert rules.evaluate(tree, {"bought": [purchase("a", group="Leaf")]}, today=TODAY, within=within)
	assert asked == [("bought.group", "Leaf", "Top")]


def test_a_field_with_several_values_holds_if_one_does():
	row = {"revenue": AnyOf((Decimal(5), None, Decimal(50)))}
	assert holds(row, condition("revenue", ">", 10))
	assert holds(row, condition("revenue", "<", 10))
	assert holds(row, condition("revenue", "is empty"))
	assert not holds(row, condition("revenue", ">", 60))
	assert holds({"revenue": AnyOf()}, condition("revenue", "is empty"))
	assert not holds({"revenue": AnyOf()}, condition("revenue", "<", 10))


@pytest.mark.parametrize(
	("unit", "first", "last", "before"),
	[
		("week", "2024-02-26", "2024-03-03", "2024-02-19"),
		("month", "2024-02-01", "2024-02-29", "2024-01-01"),
		("quarter", "2024-01-01", "2024-03-31", "2023-10-01"),
		("year", "2024-01-01", "2024-12-31", "2023-01-01"),
	],
)
def test_periods_of_the_calendar(unit, first, last, before):
	first, last, before = map(date.fromisoformat, (first, last, before))
	assert rules.period(TODAY, unit) == (first, last)
	assert rules.period(TODAY, unit, back=True) == (before, first - timedelta(days=1))
	for day, this, previous in (
		(first, True, False),
		(last, True, False),
		(last + timedelta(days=1), False, False),
		(first - timedelta(days=1), False, True),
		(before, False, True),
		(before - timedelta(days=1), False, False),
	):
		assert holds({"born": day}, condition("born", "this period", unit)) is this
		assert holds({"born": day}, condition("born", "last period", unit)) is previous


@given(st.dates(date(1950, 1, 1), date(2090, 1, 1)), st.sampled_from(rules.PERIODS))
def test_a_day_lies_in_its_period_and_periods_follow_each_other(day, unit):
	first, last = rules.period(day, unit)
	assert first <= day <= last
	assert rules.period(first, unit, back=True)[1] == first - timedelta(days=1)
	assert rules.period(last + timedelta(days=1), unit, back=True) == (first, last)


@pytest.mark.parametrize(
	("born", "today", "days", "coming"),
	[
		("1990-03-05", "2023-03-05", 0, True),
		("1990-03-05", "2023-03-06", 0, False),
		("1990-03-05", "2023-02-19", 14, True),
		("1990-03-05", "2023-02-18", 14, False),
		("1990-01-02", "2023-12-28", 14, True),
		("1990-12-28", "2024-01-02", 14, False),
		("1988-02-29", "2023-02-28", 0, True),
		("1988-02-29", "2023-03-01", 0, False),
		("1988-02-29", "2024-02-28", 0, False),
		("1988-02-29", "2024-02-29", 0, True),
		("1988-02-29", "2024-02-28", 1, True),
		("1990-02-28", "2024-02-29", 0, False),
		("1990-02-28", "2024-02-29", 365, True),
		("1990-11-23", "2023-11-24", 364, False),
		("1990-11-23", "2023-11-24", 365, True),
	],
)
def test_anniversaries_come_round_the_year_and_over_leap_days(born, today, days, coming):
	row, today = {"born": date.fromisoformat(born)}, date.fromisoformat(today)
	assert holds(row, condition("born", "anniversary within", days), today=today) is coming


def test_a_moment_counts_as_its_day():
	late = {"born": datetime(2024, 2, 29, 23, 59, 59, 999999)}
	assert holds(late, condition("born", "=", "2024-02-29"))
	assert holds(late, condition("born", "<=", "2024-02-29"))
	assert not holds(late, condition("born", ">", "2024-02-29"))
	assert holds(late, condition("born", "next days", 0))


INJECTIONS = [
	"' OR '1'='1",
	"`; DROP TABLE x",
	"%(a)s",
	"{0.__class__}",
	"a\x00b",
	"__proto__",
	"count) OR (1",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_injected_events_measures_fields_and_operators_are_refused(text):
	for child in (
		{"event": text},
		bought(measure=text, value=1),
		bought(operator=text),
		bought(value=text),
		bought(condition(text, "=", "x")),
		bought(condition("kind", text, "A")),
		bought(condition("kind", "=", text)),
		bought(condition("date", "=", text)),
		bought(condition("date", "this period", text)),
		bought({text: [condition("kind", "=", "A")]}),
		{**bought(), text: 1},
	):
		with pytest.raises(RuleError) as caught:
			parse(child)
		assert caught.value.message(), "the message can be made, whatever it quotes"

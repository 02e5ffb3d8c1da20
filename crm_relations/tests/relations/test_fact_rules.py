"""Test the time windows and classes of figures."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_relations.relations.facts.rules import CLASSES, borders, class_of, months_before


@pytest.mark.parametrize(
	("day", "months", "expected"),
	[
		(date(2026, 11, 23), 12, date(2025, 11, 23)),
		(date(2026, 1, 31), 12, date(2025, 1, 31)),
		(date(2025, 2, 28), 12, date(2024, 2, 28)),
		(date(2024, 2, 29), 12, date(2023, 2, 28)),
		(date(2026, 3, 31), 1, date(2026, 2, 28)),
		(date(2026, 1, 15), 24, date(2024, 1, 15)),
		(date(2026, 12, 31), 1, date(2026, 11, 30)),
	],
)
def test_a_window_begins_after_the_same_day_so_many_months_before(day, months, expected):
	assert months_before(day, months) == expected


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 48))
def test_the_start_of_a_window_never_goes_back_as_days_go_on(day, months):
	assert months_before(day, months) <= months_before(day + timedelta(days=1), months) < day


def test_a_hundred_different_values_fall_into_five_classes_of_twenty():
	values = list(range(100))
	found = borders(values)
	classes = [class_of(value, found) for value in values]
	assert [classes.count(number) for number in range(1, 6)] == [20] * 5
	assert classes[0] == 1 and classes[-1] == 5


def test_whoever_bought_nothing_is_at_the_bottom_however_many_they_are():
	values = [0] * 80 + [5] * 20
	found = borders(values)
	assert class_of(0, found) == 1
	assert class_of(5, found) == 5


def test_nobody_is_in_a_class_that_nobody_reaches():
	assert {class_of(value, borders([7, 7, 7])) for value in (7,)} == {1}
	assert class_of(5, borders([0] * 20 + [5] * 80)) == 2
	assert class_of(1, borders([])) == 1
	assert class_of(None, borders([1, 2])) == 0


@given(st.lists(st.integers(-5, 30), max_size=60))
def test_a_class_is_the_fifth_of_the_ranking_in_which_the_first_of_equal_values_stands(values):
	ranked = sorted(values)
	found = borders(ranked)
	for value in set(values):
		assert class_of(value, found) == 1 + ranked.index(value) * CLASSES // len(ranked)

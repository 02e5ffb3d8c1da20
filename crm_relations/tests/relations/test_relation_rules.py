"""Test the pure rules for copied fields, merged periods, reconciled rows, stages and circles, without a site."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_relations.relations import rules
from crm_relations.relations.rules import ORGANISATION, PERSON, RoleRow, Spell

DAY = date(2026, 1, 1)


def day(number: int) -> date:
	return DAY + timedelta(days=number)


def spell(since: int, until: int | None, name: str = "A", **values) -> Spell:
	return Spell(day(since), None if until is None else day(until), "Lead", name, **values)


@pytest.mark.parametrize(
	("text", "number"),
	[("1-10", 1), ("51-200", 51), ("1000+", 1000), ("", 0), (None, 0), (250, 250), ("many", 0)],
)
def test_a_range_of_employees_counts_with_its_lower_bound(text, number):
	assert rules.lower_bound(text) == number


def test_an_empty_field_is_filled_and_an_edited_one_stays():
	held = {"relation_name": "Alpha", "website": "edited.example", "territory": "", "language": "de"}
	before = {"relation_name": "Alpha", "website": "old.example", "language": "de"}
	now = {"relation_name": "Alpha AG", "website": "new.example", "territory": "Germany", "language": "en"}
	assert rules.changes(held, before, now) == {
		"relation_name": "Alpha AG",
		"territory": "Germany",
		"language": "en",
	}


def test_a_document_can_empty_what_it_said_but_not_the_name():
	held = before = {"relation_name": "Alpha", "relation_kind": ORGANISATION, "website": "a.example"}
	assert rules.changes(held, before, {}) == {"website": None}


def test_an_address_counts_as_unchanged_whatever_its_spelling():
	assert rules.changes({"email_id": "a@kunde.de"}, {}, {"email_id": "Anna <A@Kunde.de>"}) == {}
	assert rules.changes({"phone": "0221 123456"}, {}, {"phone": "+49 221 123456"}) == {}


def test_the_weightiest_document_names_the_relation_and_the_others_fill_in():
	customer = {"relation_name": "Beta GmbH", "relation_kind": ORGANISATION, "website": None}
	lead = {"relation_name": "Anna", "relation_kind": PERSON, "website": "beta.example", "first_name": "Anna"}
	said = rules.merge_documents([customer, lead])
	assert said["relation_name"] == "Beta GmbH" and said["relation_kind"] == ORGANISATION
	assert said["website"] == "beta.example"
	assert "first_name" not in said, "an organisation has no first name"


def test_a_document_without_a_name_says_nothing():
	assert (
		rules.merge_documents([{"relation_name": "", "relation_kind": PERSON, "website": "x.example"}]) == {}
	)


def test_spells_that_touch_become_one_that_names_its_first_document():
	merged = rules.merge([spell(5, 9, "B"), spell(0, 5, "A"), spell(20, None, "C")])
	assert [(s.since, s.until, s.document_name) for s in merged] == [
		(day(0), day(9), "A"),
		(day(20), None, "C"),
	]


@given(st.lists(st.tuples(st.integers(0, 60), st.one_of(st.none(), st.integers(0, 30))), max_size=12))
def test_merged_spells_cover_the_same_days_and_never_touch(pairs):
	spells = [
		spell(since, None if length is None else since + length, str(i))
		for i, (since, length) in enumerate(pairs)
	]
	merged = rules.merge(spells)

	def covered(some):
		return {d for d in range(0, 120) for s in some if s.since <= day(d) <= (s.until or date.max)}

	assert covered(merged) == covered(spells)
	for one, other in pairwise(merged):
		assert one.until and one.until < other.since


def test_reconciling_twice_writes_nothing_the_second_time():
	derived = {rules.LEAD: [spell(0, 5)], rules.CUSTOMER: []}
	first = rules.reconcile([], derived)
	assert len(first.insert) == 1
	stored = [RoleRow("r1", *vars_of(row)) for row in first.rows]
	second = rules.reconcile(stored, derived)
	assert not (second.insert or second.update or second.delete)


def vars_of(row: RoleRow) -> tuple:
	return row.role, row.since, row.until, row.document_type, row.document_name


def test_an_estimated_end_stays_once_it_is_written_and_a_known_one_follows():
	stored = [RoleRow("r1", rules.LEAD, day(0), day(5), "Lead", "A")]
	estimated = rules.reconcile(stored, {rules.LEAD: [spell(0, 9, estimated=True)]})
	assert not estimated.update
	known = rules.reconcile(stored, {rules.LEAD: [spell(0, 9)]})
	assert [row.until for row in known.update] == [day(9)]
	reopened = rules.reconcile(stored, {rules.LEAD: [spell(0, None, estimated=True)]})
	assert [row.until for row in reopened.update] == [None]


def test_history_and_roles_that_were_not_derived_stay():
	history = RoleRow("r1", rules.LEAD, day(0), day(5))
	own = RoleRow("r2", "Partner", day(0), None)
	typed = RoleRow("r3", rules.CUSTOMER, day(0), None)
	result = rules.reconcile([history, own, typed], {rules.LEAD: [], rules.CUSTOMER: []})
	assert result.rows == [history, own]
	assert result.delete == [typed], "a role that is derived needs a document"


def test_a_circle_is_found_with_its_path():
	assert rules.find_cycle("a", {"a": ["b"], "b": ["c"], "c": ["a", "d"]}) == ["a", "b", "c", "a"]
	assert rules.find_cycle("a", {"a": ["b"], "b": ["c", "b"]}) == []

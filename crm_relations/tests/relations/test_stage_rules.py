"""Test that the history of stages follows from dated roles, and that the log can be continued at any time."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from crm_relations.relations import rules
from crm_relations.relations.roles_and_stages import stage_rules as stages
from crm_relations.relations.roles_and_stages.stage_rules import LogRow, StageSpell
from crm_relations.relations.rules import RoleRow

DAY = date(2026, 1, 1)
ORDER = {rules.LEAD: 1, rules.PROSPECT: 2, rules.CUSTOMER: 3}


def day(number: int) -> date:
	return DAY + timedelta(days=number)


def row(role: str, since: int, until: int | None = None, document: str = "D") -> RoleRow:
	return RoleRow(None, role, day(since), None if until is None else day(until), "Doc", document)


def told(rows, today: int = 100) -> list[tuple[str, int]]:
	return [(s.stage, (s.since - DAY).days) for s in stages.history(rows, ORDER, day(today))]


def test_the_stage_is_the_furthest_one_held():
	rows = [row(rules.LEAD, 0), row(rules.PROSPECT, 3), row(rules.DEBTOR, 9)]
	assert told(rows) == [(rules.LEAD, 0), (rules.PROSPECT, 3)]


def test_without_a_stage_held_the_last_one_stays():
	rows = [row(rules.LEAD, 0, 4), row(rules.PROSPECT, 1, 7)]
	assert told(rows) == [(rules.LEAD, 0), (rules.PROSPECT, 1)]
	assert told([]) == []


def test_a_role_that_ends_gives_way_on_that_day_because_of_the_document_that_ended():
	rows = [row(rules.LEAD, 0, document="L"), row(rules.PROSPECT, 1, 10, document="O")]
	assert told(rows, today=10) == [(rules.LEAD, 0), (rules.PROSPECT, 1), (rules.LEAD, 10)]
	assert stages.history(rows, ORDER, day(10))[-1].document_name == "O"
	assert told(rows, today=9) == [(rules.LEAD, 0), (rules.PROSPECT, 1)]


def test_what_happens_on_one_day_is_gone_through_in_order():
	rows = [row(rules.CUSTOMER, 5), row(rules.LEAD, 5, 5), row(rules.PROSPECT, 5, 5)]
	assert told(rows) == [(rules.LEAD, 5), (rules.PROSPECT, 5), (rules.CUSTOMER, 5)]


def test_a_stage_that_is_lost_on_its_first_day_was_gone_through():
	rows = [row(rules.LEAD, 5, document="L"), row(rules.PROSPECT, 5, 5, document="O")]
	assert told(rows) == [(rules.LEAD, 5), (rules.PROSPECT, 5), (rules.LEAD, 5)]
	assert stages.history(rows, ORDER, day(9))[-1].document_name == "O"


def test_a_new_lead_after_a_lost_chance_is_the_reason_itself():
	rows = [row(rules.PROSPECT, 0, 10, document="O"), row(rules.LEAD, 20, document="L")]
	assert told(rows) == [(rules.PROSPECT, 0), (rules.LEAD, 20)]
	assert stages.history(rows, ORDER, day(30))[-1].document_name == "L"


def test_a_customer_who_gets_a_quotation_stays_a_customer():
	assert told([row(rules.CUSTOMER, 0), row(rules.PROSPECT, 5)]) == [(rules.CUSTOMER, 0)]


def test_the_future_and_roles_without_a_date_tell_nothing_yet():
	rows = [row(rules.LEAD, 0), row(rules.CUSTOMER, 50), RoleRow(None, rules.PROSPECT, None, None)]
	assert told(rows, today=49) == [(rules.LEAD, 0)]
	assert told(rows, today=50) == [(rules.LEAD, 0), (rules.CUSTOMER, 50)]


def test_days_in_a_stage_add_up_over_all_its_times():
	spells = [StageSpell("A", day(0)), StageSpell("B", day(4)), StageSpell("A", day(5))]
	assert stages.days_by_stage(spells, day(11)) == {"A": 10, "B": 1}


def test_who_was_in_no_stage_has_spent_no_days_in_any():
	assert stages.days_by_stage([], day(11)) == {}


def test_a_correction_is_added_and_nothing_is_taken_away():
	log = [LogRow(0, rules.LEAD, day(0)), LogRow(1, rules.CUSTOMER, day(5))]
	withdrawn = stages.to_append(log, [StageSpell(rules.LEAD, day(0))], day(9))
	assert withdrawn == [LogRow(1, None, day(9))]
	assert [s.stage for s in stages.as_logged([*log, *withdrawn])] == [rules.LEAD]


ROWS = st.lists(
	st.builds(
		lambda role, since, length: row(role, since, None if length is None else since + length),
		st.sampled_from(list(ORDER)),
		st.integers(0, 40),
		st.one_of(st.none(), st.integers(0, 20)),
	),
	max_size=8,
)


@given(ROWS)
def test_a_history_is_in_order_and_never_repeats_a_stage(rows):
	spells = stages.history(rows, ORDER, day(60))
	for one, other in pairwise(spells):
		assert one.since <= other.since and one.stage != other.stage
	assert bool(spells) == bool(rows)
	if spells:
		days = stages.days_by_stage(spells, day(60))
		assert sum(days.values()) == (day(60) - spells[0].since).days


@given(st.lists(ROWS, max_size=6))
def test_the_log_tells_the_history_after_every_change_of_the_roles(versions):
	log: list[LogRow] = []
	for rows in versions:
		spells = stages.history(rows, ORDER, day(60))
		log += stages.to_append(log, spells, day(60))
		assert [(s.stage, s.since) for s in stages.as_logged(log)] == [(s.stage, s.since) for s in spells]
		assert not stages.to_append(log, spells, day(60))

"""Test the rules for members that leave a campaign and for the members of a step."""

from datetime import datetime, timedelta

import pytest

from crm_relations.campaigns.eligibility import step_rules
from crm_relations.campaigns.eligibility.step_rules import MemberEvent, condition_met, conflicts, exit_reason

NOW = datetime(2026, 3, 10, 12)


def did(what: str, days_ago: float = 0) -> MemberEvent:
	return MemberEvent(what, NOW - timedelta(days=days_ago))


def test_the_first_thing_that_ends_a_campaign_is_its_reason():
	done = [did("Bought", 1), did("Answered", 2), did("Clicked", 3)]
	assert exit_reason(done, ["Bought", "Answered"]) == "Answered"
	assert exit_reason(done, ["Bought"]) == "Bought"
	assert exit_reason(done, []) == ""


def test_who_unsubscribes_leaves_whatever_the_campaign_says():
	assert exit_reason([did(step_rules.UNSUBSCRIBED)], []) == step_rules.UNSUBSCRIBED


@pytest.mark.parametrize(
	("only_if", "within", "done", "met"),
	[
		("", 0, [], True),
		(None, None, [did("Bought")], True),
		("Clicked", 0, [did("Clicked", 90)], True),
		("Clicked", 30, [did("Clicked", 90)], False),
		("Not Clicked", 30, [did("Clicked", 90)], True),
		("Not Clicked", 0, [did("Clicked", 90)], False),
		("Answered", 0, [did("Clicked")], False),
		("Not Bought", 7, [did("Bought", 7)], False),
		("Not Bought", 7, [did("Bought", 7.01)], True),
	],
)
def test_a_condition_asks_what_was_done_and_when(only_if, within, done, met):
	assert condition_met(only_if, within, done, NOW) is met


def test_steps_that_get_in_each_others_way_are_found():
	mail = ("Email", "x", 0, "")
	assert conflicts([mail, ("Call", "y", 0, ""), mail])[0][:2] == (1, 3)
	assert not conflicts([mail, ("Email", "x", 3, ""), ("Email", "x", 3, "Clicked")])
	assert conflicts([mail, ("Call", "y", 0, "Clicked")]) and not conflicts(
		[mail, ("Call", "y", 1, "Clicked")]
	)
	assert conflicts([mail, ("Call", "y", 0, "Not Answered")])

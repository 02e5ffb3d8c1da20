"""Test the attribution models: which responses count, their weight, and shares that add up to the cent."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_relations.ledger.attributions.attribution_models import RULES, Policy, Touch, counted, shares
from crm_relations.shared.money import allocate

AT = datetime(2026, 6, 30, 12, 0)


def touch(campaign: str, days_before: float) -> Touch:
	return Touch(f"{campaign}-{days_before}", campaign, AT - timedelta(days=days_before))


STORY = [touch("spring", 60), touch("summer", 20), touch("summer", 10), touch("autumn", 3)]


def of(rule: str, days: int = 90, **more) -> dict[str, str]:
	found = shares(STORY, Policy(rule, days, **more), AT)
	return {campaign: str(share.quantize(Decimal("0.0001"))) for campaign, share in found.items()}


def test_the_last_answer_has_it_all():
	assert of("Last Touch") == {"autumn": "1.0000"}


def test_the_first_answer_has_it_all_and_only_within_the_days():
	assert of("First Touch") == {"spring": "1.0000"}
	assert of("First Touch", days=30) == {"summer": "1.0000"}


def test_linear_gives_each_answer_the_same():
	assert of("Linear") == {"summer": "0.5000", "autumn": "0.2500", "spring": "0.2500"}


def test_an_answer_a_half_life_older_counts_half():
	found = shares([touch("old", 10), touch("new", 3)], Policy("Time Decay", 90, 7), AT)
	assert [round(float(share), 6) for share in found.values()] == [0.666667, 0.333333]
	assert list(found) == ["new", "old"]


def test_an_answer_after_the_invoice_or_before_the_days_counts_nothing():
	policy = Policy("Linear", 5)
	assert not counted([touch("a", -0.001), touch("b", 5.001)], policy, AT)
	assert [each.campaign for each in counted([touch("a", 0), touch("b", 5)], policy, AT)] == ["b", "a"]
	assert shares([touch("a", -1)], policy, AT) == {}


def test_an_unknown_rule_is_an_error_and_no_guess():
	with pytest.raises(ValueError, match="no such rule"):
		shares(STORY, Policy("Best Guess", 90), AT)


TOUCHES = st.lists(
	st.builds(touch, st.sampled_from("abcdef"), st.floats(0, 400, allow_nan=False)), min_size=1, max_size=40
)


@settings(deadline=None)
@given(
	TOUCHES, st.sampled_from(RULES), st.integers(1, 500), st.floats(0.1, 400), st.integers(-(10**7), 10**7)
)
def test_shares_are_1_in_all_and_amounts_add_up_to_the_cent(touches, rule, days, half_life, cents):
	found = shares(touches, Policy(rule, days, half_life), AT)
	assert bool(found) == bool(counted(touches, Policy(rule, days), AT))
	if not found:
		return
	assert sum(found.values()) == 1
	assert all(0 < share <= 1 for share in found.values())
	amount = Decimal(cents) / 100
	parts = allocate(amount, list(found.values()))
	assert sum(parts) == amount
	for part, share in zip(parts, found.values(), strict=True):
		assert abs(part - amount * share) <= Decimal("0.01")

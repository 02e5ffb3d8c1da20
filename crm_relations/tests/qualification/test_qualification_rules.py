"""Test points and proposals, without a site."""

import pytest

from crm_relations.qualification.rules import Answer, Reason, Score, first_match, may_propose

CLICK = Answer("R1", "Click", "")
CALL = Answer("R2", "Call", "Interested")
LATER_CALL = Answer("R3", "Call", "Interested")


@pytest.mark.parametrize(
	("response_type", "answer", "expected"),
	[
		("Click", "", CLICK),
		("Call", "Interested", CALL),
		("", "Interested", CALL),
		("Call", "Call Back", None),
		("Reply", "", None),
	],
)
def test_a_criterion_is_met_by_the_first_answer_that_fits_type_and_answer(response_type, answer, expected):
	assert first_match(response_type, answer, [CLICK, CALL, LATER_CALL]) == expected


def test_the_points_are_the_sum_of_the_reasons_and_may_be_taken_away():
	score = Score.of([Reason("Interested", 40, "X", "1"), Reason("Too small", -15, "X", "2")])
	assert score.points == 25
	assert [reason.description for reason in score.reasons] == ["Interested", "Too small"]


def test_nothing_gives_no_points():
	assert Score.of([]) == Score()
	assert Score().points == 0


@pytest.mark.parametrize(
	("points", "earlier", "expected"),
	[
		(49, [], False),
		(50, [], True),
		(60, [("Proposed", 50)], False),
		(60, [("Accepted", 50)], False),
		(50, [("Returned", 50)], False),
		(51, [("Returned", 50)], True),
		(55, [("Returned", 50), ("Returned", 55)], False),
		(60, [("Returned", 50), ("Accepted", 55)], False),
	],
)
def test_a_member_is_proposed_once_and_after_a_return_only_with_more_points(points, earlier, expected):
	assert may_propose(points, 50, earlier) is expected

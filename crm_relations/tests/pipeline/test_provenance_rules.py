"""Test which campaign a document carries, without a site."""

import pytest

from crm_relations.pipeline.rules import agreed, retyped


@pytest.mark.parametrize(
	("campaigns", "expected"),
	[
		([], None),
		(["A"], "A"),
		(["A", "A"], "A"),
		(["A", "B"], None),
		(["A", None], None),
		(["A", ""], None),
		([None, ""], None),
	],
)
def test_a_header_has_the_campaign_that_all_rows_agree_on(campaigns, expected):
	assert agreed(campaigns) == expected


@pytest.mark.parametrize(
	("before", "now", "rows", "expected"),
	[
		("A", "B", ["A", "A"], True),
		("A", None, ["A"], True),
		("A", "A", ["A"], False),
		("A", "", ["A", "B"], False),  # the mapper added the rows of another order
		(None, "A", [None], False),  # entered for the first time: empty rows are filled anyway
	],
)
def test_a_header_changed_by_hand_is_told_from_one_that_the_mapper_changed(before, now, rows, expected):
	assert retyped(before, now, rows) is expected

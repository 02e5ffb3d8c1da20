"""Test that each failure in docs/campaign-failures.md has the test that the page promises."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "campaign-failures.md"
ROWS = [
	line
	for line in PAGE.read_text(encoding="utf-8").splitlines()
	if line.startswith("| ") and not line.startswith(("| elsewhere", "|---"))
]


def test_the_page_lists_failures():
	assert len(ROWS) > 25


@pytest.mark.parametrize("row", ROWS, ids=[row[2:60] for row in ROWS])
def test_each_failure_has_a_test_that_exists(row):
	_start, failure, proof, _end = row.split("|")
	named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", proof)
	measured = re.findall(r"`(benchmarks/\w+\.py)`", proof)
	assert failure.strip() and (named or measured)
	for file, test in named:
		(path,) = (ROOT / "crm_relations" / "tests").rglob(file)
		text = path.read_text(encoding="utf-8")
		assert f"def {test}(" in text, f"{file} has no {test}"
	for file in measured:
		assert (ROOT / file).exists()

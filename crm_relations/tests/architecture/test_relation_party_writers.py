"""Who inserts `Relation Party`: what the docstrings of adoption and claim say is true."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.lint

APP = Path(__file__).resolve().parents[2]
INSERTS = re.compile(
	r"""bulk_insert\(\s*["']Relation\ Party["']|(?:append|extend)\(\s*["']parties["']"""
	r"""|["']doctype["']:\s*["']Relation\ Party["']|["']doctype["']:\s*["']Relation["'],[^}]*["']parties["']"""
)


def test_only_adoption_and_claim_insert_the_documents_of_a_relation():
	files = {
		path.relative_to(APP).as_posix()
		for path in APP.rglob("*.py")
		if "tests" not in path.parts and INSERTS.search(path.read_text(encoding="utf-8"))
	}
	assert files == {"relations/creation/adoption.py", "relations/creation/preassign.py"}

"""Test that the demo tells the story of a German company: the reasons that a salesperson reads are German."""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.lint

STORY = Path(__file__).resolve().parents[2] / "demo" / "story.py"

ENGLISH = {"on", "the", "to", "a", "link", "mail", "phone", "clicked", "replied", "interested", "answered"}


def test_the_reasons_of_the_scheme_are_german():
	tree = ast.parse(STORY.read_text(encoding="utf-8"))
	reasons = [
		node.args[0].value
		for node in ast.walk(tree)
		if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_criterion"
	]
	assert len(reasons) == 3
	assert not [reason for reason in reasons if len(ENGLISH & set(reason.lower().split())) > 1]

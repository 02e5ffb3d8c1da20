"""Test that external texts never become markup: in writes without documents, and where the desk shows HTML."""

import ast
import json
from collections.abc import Iterator
from functools import cache

import pytest

from crm_relations.shared.text.markup import plain
from crm_relations.tests.support.source_tree import APP, app_sources

pytestmark = pytest.mark.lint

WRITER = APP / "shared" / "text" / "outside_text.py"
#: tables of names, dates and figures, and values that are restored as they were stored
WITHOUT_TEXT = {
	"relations/facts/queue.py",
	"relations/facts/build.py",
	"relations/roles_and_stages/stages.py",
	"relations/roles_and_stages/roles.py",
	"relations/network/links.py",
	"relations/creation/adoption.py",
	"relations/duplicates/index.py",
	"relations/merging/merge_snapshot.py",
	"segments/members/queue.py",
	"campaigns/consents/address_variants.py",  # the exact spelling of a field that Frappe has cleaned
}
#: variables without text: (file, variable)
FIGURES = {
	("relations/facts/classes.py", "values"),
	("relations/creation/merge.py", "values"),
	("relations/duplicates/pairs.py", "values"),
	("relations/duplicates/pairs.py", "decision"),
	("segments/members/membership.py", "figures"),
	("campaigns/members/member_status.py", "values"),
	("campaigns/lifecycle.py", "values"),
}


@pytest.mark.parametrize(
	("text", "stored"),
	[
		("550 5.1.1 <a@b.de>: unknown", "550 5.1.1 ‹a@b.de›: unknown"),
		('"<img src=x onerror=alert(1)>"', '"‹img src=x onerror=alert(1)›"'),
		("<img src=x onerror=alert(1) ", "‹img src=x onerror=alert(1) "),
		("<<script>x</script>", "<‹script›x‹/script›"),
		("&lt;img src=x&gt; &#60;b &#x3C;i &#0060;u", "‹img src=x&gt; ‹b ‹i ‹u"),
		("<!-- x --><?php", "‹!-- x --›‹?php"),
		("3 < 5 & 7 > 2, AT&T, <3", "3 < 5 & 7 > 2, AT&T, <3"),
		("", ""),
	],
)
def test_a_plain_text_keeps_its_words_and_loses_its_markup(text, stored):
	assert plain(text) == stored
	assert plain(stored) == stored, "twice is no more than once"


@cache
def text_columns() -> frozenset[str]:
	found = {"subject"}
	for path in (APP / "crm_relations" / "doctype").glob("*/*.json"):
		for field in json.loads(path.read_text(encoding="utf-8"))["fields"]:
			if field["fieldtype"] in ("Small Text", "Text", "Long Text"):
				found.add(field["fieldname"])
	return frozenset(found)


@cache
def calls() -> tuple[tuple[str, ast.Call], ...]:
	"""Return each call of the app with its file, read once for all tests."""
	assert WRITER.is_file()
	return tuple(_calls())


def _calls() -> Iterator[tuple[str, ast.Call]]:
	for path, tree in app_sources().items():
		name = str(path.relative_to(APP))
		if path != WRITER and not name.startswith("demo/"):
			for node in ast.walk(tree):
				if isinstance(node, ast.Call):
					yield name, node


def is_safe(value: ast.expr) -> bool:
	"""Return whether a value is a constant, a translated constant, or a text from the escaping helper."""
	if isinstance(value, ast.BoolOp | ast.IfExp):
		parts = value.values if isinstance(value, ast.BoolOp) else [value.body, value.orelse]
		return all(map(is_safe, parts))
	if isinstance(value, ast.Call):
		called = ast.unparse(value.func)
		return called == "plain" or (called in ("_", "len") and isinstance(value.args[0], ast.Constant))
	return isinstance(value, ast.Constant) or ast.unparse(value) == "rules.DUPLICATE_ADDRESS"


def test_rows_with_texts_are_inserted_in_one_place():
	found = {name for name, node in calls() if ast.unparse(node.func) == "frappe.db.bulk_insert"}
	assert found <= WITHOUT_TEXT, "use shared.outside_text.insert_rows, or declare the file here"
	assert len(found) > 3, "the test looks in the wrong place"


def test_texts_are_set_without_a_document_only_after_they_lost_their_markup():
	wrong, seen = [], 0
	for name, node in calls():
		called = ast.unparse(node.func)
		if called == "frappe.db.set_value":
			written = node.args[2:]
		elif called.endswith(".db_set"):
			written = node.args
		else:
			continue
		seen += 1
		first = written[0]
		if isinstance(first, ast.Dict):
			pairs = [(key.value, value) for key, value in zip(first.keys, first.values, strict=True)
				if isinstance(key, ast.Constant)]  # fmt: skip
		elif isinstance(first, ast.Constant):
			pairs = [(first.value, written[1])]
		elif isinstance(first, ast.Call) and ast.unparse(first.func) == "plain_values":
			continue
		elif isinstance(first, ast.Name) and len(written) == 1 and (name, first.id) not in FIGURES:
			pairs = [("subject", first)]
		else:
			continue
		wrong += [
			f"{name}:{node.lineno} {column}"
			for column, value in pairs
			if column in text_columns() and not is_safe(value)
		]
	assert seen > 20, "the test looks in the wrong place"
	assert not wrong, "use shared.outside_text.plain_values or shared.markup.plain: " + ", ".join(wrong)


def test_texts_are_set_by_a_query_only_after_they_lost_their_markup():
	wrong = [
		f"{name}:{node.lineno}"
		for name, node in calls()
		if isinstance(node.func, ast.Attribute)
		and node.func.attr == "set"
		and len(node.args) == 2
		and isinstance(node.args[0], ast.Attribute)
		and node.args[0].attr in text_columns()
		and not is_safe(node.args[1])
	]
	assert not wrong, ", ".join(wrong)


def test_messages_and_comments_with_values_escape_them():
	wrong, seen = [], 0
	for name, node in calls():
		called = ast.unparse(node.func)
		if called == "frappe.publish_realtime" and node.args and ast.unparse(node.args[0]) == "'msgprint'":
			text = node.args[1]
		elif called == "frappe.msgprint":
			text = node.args[0]
		elif called.endswith(".add_comment"):
			text = node.args[1]
		else:
			continue
		seen += 1
		made = [part for part in ast.walk(text) if isinstance(part, ast.JoinedStr | ast.BinOp)]
		made += [p for p in ast.walk(text) if isinstance(p, ast.Attribute) and p.attr == "format"]
		wrong += [f"{name}:{node.lineno}"] if made else []
	assert seen > 8, "the test looks in the wrong place"
	assert not wrong, "use shared.refusals.filled: " + ", ".join(wrong)

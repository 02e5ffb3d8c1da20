"""Test that every text of the app has a German translation with the same placeholders."""

import ast
import csv
import json
import re
from collections.abc import Iterator

import pytest

from crm_relations.tests.support.source_tree import APP, app_sources

pytestmark = pytest.mark.lint

JS_TEXT = re.compile(r"""\b__\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)""")
HTML_TEXT = re.compile(r"""\b_\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
PLACEHOLDER = re.compile(r"\{\d*\}")


def python_texts() -> Iterator[tuple[str, str]]:
	for path, tree in app_sources().items():
		for node in ast.walk(tree):
			if (
				isinstance(node, ast.Call)
				and isinstance(node.func, ast.Name)
				and node.func.id in ("_", "_lt")
				and node.args
			) and isinstance(node.args[0], ast.Constant):
				yield node.args[0].value, f"{path.relative_to(APP)}:{node.lineno}"


def script_texts() -> Iterator[tuple[str, str]]:
	for pattern, suffix in ((JS_TEXT, "*.js"), (HTML_TEXT, "*.html")):
		for path in APP.rglob(suffix):
			if (
				"dist" in path.relative_to(APP).parts
			):  # built from the others, perhaps before they were changed
				continue
			for match in pattern.finditer(path.read_text(encoding="utf-8")):
				literal = match.group(1)
				yield (
					ast.literal_eval(literal if literal[0] != "`" else repr(literal[1:-1])),
					str(path.relative_to(APP)),
				)


def label_texts() -> Iterator[tuple[str, str]]:
	for path in (APP / "crm_relations").rglob("*.json"):
		data = json.loads(path.read_text(encoding="utf-8"))
		where = str(path.relative_to(APP))
		kind = data.get("doctype")
		if kind == "DocType":
			yield data["name"], where
			if data.get("description"):
				yield data["description"], where
			for field in data["fields"]:
				for key in ("label", "description"):
					if field.get(key):
						yield field[key], where
				if field["fieldtype"] == "Select":
					yield from ((option, where) for option in field.get("options", "").split("\n") if option)
		elif kind == "Workspace":
			yield data["title"], where
			for link in data["links"] + data["shortcuts"]:
				yield link["label"], where
			for block in json.loads(data["content"]):
				if text := block["data"].get("text"):
					yield re.sub(r"<[^>]+>", "", text), where
		elif kind in ("Number Card", "Report", "Page"):
			yield data.get("label") or data.get("title") or data["name"], where


def seeded_texts() -> Iterator[tuple[str, str]]:
	tree = ast.parse((APP / "setup" / "seed.py").read_text(encoding="utf-8"))
	for node in tree.body:
		if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.Dict):
			for constant in ast.walk(node.value):
				if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
					yield constant.value, "setup/seed.py"


#: Not words: identifiers, colors of the seed, abbreviations that German shares.
SAME_IN_GERMAN = {
	"blue",
	"orange",
	"green",
	"red",
	"purple",
	"gray",
	"B2B",
	"B2C",
	"18–29",
	"30–44",
	"45–59",
	"60–74",
}


def translations() -> dict[str, str]:
	with (APP / "translations" / "de.csv").open(encoding="utf-8", newline="") as file:
		return {row[0]: row[1] for row in csv.reader(file) if row}


def test_every_text_has_a_german_translation():
	known = translations()
	missing: dict[str, str] = {}
	for source in (python_texts, script_texts, label_texts, seeded_texts):
		for text, where in source():
			if text not in known and text not in SAME_IN_GERMAN and re.search(r"[A-Za-zÄÖÜäöü]{2}", text):
				missing.setdefault(text, where)
	assert not missing, "\n".join(f"{where}: {text!r}" for text, where in missing.items())


def test_placeholders_are_kept_in_german():
	wrong = {
		text: german
		for text, german in translations().items()
		if sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(german))
	}
	assert not wrong, wrong


def test_no_translation_is_empty_or_given_twice():
	with (APP / "translations" / "de.csv").open(encoding="utf-8", newline="") as file:
		rows = [row for row in csv.reader(file) if row]
	assert all(len(row) >= 2 and row[1].strip() for row in rows), [
		row for row in rows if len(row) < 2 or not row[1].strip()
	]
	sources = [row[0] for row in rows]
	assert len(sources) == len(set(sources)), {s for s in sources if sources.count(s) > 1}


LABEL = re.compile(r'\blabel: __\(("(?:[^"\\]|\\.)*")')

#: German words that are also English source texts of Frappe or ERPNext, with their German there
ELSEWHERE = {"Tag": "Etikett"}


def test_no_german_label_of_a_dialog_is_translated_a_second_time():
	"""Leave labels to the dialog, which translates them itself: "Day" became "Tag", and "Tag" became "Etikett"."""
	german = translations()
	sources = ELSEWHERE | german
	twice = {
		(path.name, label, german[label])
		for path in APP.rglob("*.js")
		for label in map(ast.literal_eval, LABEL.findall(path.read_text(encoding="utf-8")))
		if label in german and sources.get(german[label], german[label]) != german[label]
	}
	assert not twice

"""Test the tools for contributors: which modules mypy checks strictly, and which tasks `make` has."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.lint

ROOT = Path(__file__).resolve().parents[3]


def tool(name: str):
	spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / "lib" / f"{name}.py")
	module = importlib.util.module_from_spec(spec)
	spec.loader.exec_module(module)
	return module


def test_a_module_that_reaches_frappe_through_another_is_not_checked_strictly(tmp_path):
	app = tmp_path / "app"
	app.mkdir()
	(app / "__init__.py").write_text("")
	(app / "rules.py").write_text("import re\n")
	(app / "engine.py").write_text("def f():\n\timport frappe\n")
	(app / "reader.py").write_text("from app import engine\n")
	(app / "writer.py").write_text("from app.rules import re\n")
	free = [path.name for path in tool("frappe_free").frappe_free(app)]
	assert free == ["rules.py", "writer.py"]


def test_a_module_that_claims_to_import_no_frappe_reaches_none():
	app = ROOT / "crm_relations"
	free = set(tool("frappe_free").frappe_free())
	claims = set()
	for path in app.rglob("*.py"):
		if "tests" in path.relative_to(app).parts or path.name == "__init__.py":
			continue
		docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
		if re.search(r"imports no frappe|pure python", docstring, re.IGNORECASE):
			claims.add(path)
	assert len(claims) > 30, "the test looks in the wrong place"
	assert not [str(path.relative_to(app)) for path in claims - free]


def test_every_rules_module_is_checked_strictly():
	free = set(tool("frappe_free").frappe_free())
	rules = {path for path in (ROOT / "crm_relations").rglob("*rules.py") if "tests" not in path.parts}
	assert len(rules) > 10
	assert not rules - free


def test_the_tasks_of_the_contributing_page_are_tasks_of_make():
	makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
	tasks = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
	pages = [ROOT / "CONTRIBUTING.md", *(ROOT / "docs" / "developer").glob("*.md")]
	named = {task for page in pages for task in re.findall(r"`make (\w+)", page.read_text(encoding="utf-8"))}
	assert {"lint", "fix", "test", "docs"} <= named <= tasks

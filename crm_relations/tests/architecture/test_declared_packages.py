"""Test that the app declares every package that it imports, also those that Frappe installs.

The imports of the tests that need no bench run in `scripts/test --pure`, in an environment with only the
packages that pyproject.toml names.
"""

import ast
import pathlib
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, requires

import pytest

from crm_relations.tests.conftest import needs_site

try:
	import tomllib
except ImportError:  # Python 3.10
	from pip._vendor import tomli as tomllib

pytestmark = pytest.mark.lint

APP = pathlib.Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((APP.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: top level of an import → name of its package, where they differ
PACKAGES = {"bs4": "beautifulsoup4", "flufl": "flufl.bounce"}
OF_BENCH = {"frappe", "erpnext", "crm_relations"}


def name_of(requirement: str) -> str:
	return re.match(r"[A-Za-z0-9._-]+", requirement).group().lower().replace("_", "-")


def names_of(requirements: list[str]) -> set[str]:
	return {name_of(line) for line in requirements}


DECLARED = names_of(PROJECT["dependencies"])
EXTRAS = {extra: names_of(lines) for extra, lines in PROJECT["optional-dependencies"].items()}
FOR_TESTS = EXTRAS["test"]
#: what Frappe pins for itself. A bound of ours could change Frappe's own version with an update of the app.
PINNED_BY_FRAPPE = {name_of(line) for line in PROJECT["dependencies"] if line == name_of(line)}
#: installed with a test package, which works on its data
WITH_TESTS = {"numpy"}


@cache
def imports(path: pathlib.Path) -> tuple[tuple[str, bool], ...]:
	"""Return what a module imports, read once for all tests."""
	return tuple(_imports(path))


def _imports(path: pathlib.Path) -> Iterator[tuple[str, bool]]:
	"""Return (dotted name, whether it is imported together with the module) of all that a module imports."""
	tree = ast.parse(path.read_text(encoding="utf-8"))
	at_the_top = {id(node) for node in ast.iter_child_nodes(tree)}
	for node in ast.walk(tree):
		if isinstance(node, ast.Import):
			yield from ((alias.name, id(node) in at_the_top) for alias in node.names)
		elif isinstance(node, ast.ImportFrom) and node.level == 0:
			yield node.module, id(node) in at_the_top
			yield from ((f"{node.module}.{alias.name}", id(node) in at_the_top) for alias in node.names)


def packages(path: pathlib.Path) -> set[tuple[str, bool]]:
	"""Return (package, whether it is imported together with the module) of third-party packages."""
	tops = {(name.split(".")[0], top) for name, top in imports(path)}
	return {
		(PACKAGES.get(name, name).lower(), top) for name, top in tops if name not in sys.stdlib_module_names
	}


def modules() -> list[pathlib.Path]:
	return sorted(APP.rglob("*.py"))


def is_test(path: pathlib.Path) -> bool:
	return "tests" in path.relative_to(APP).parts


def file_of(name: str) -> pathlib.Path | None:
	"""Return the file of one of our modules by its dotted name."""
	first, *rest = name.split(".")
	if first != "crm_relations":
		return None
	path = APP.joinpath(*rest)
	return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def run_without_bench() -> set[pathlib.Path]:
	"""Return the tests that need no bench, and all modules that they import."""
	tests = (APP / "tests").rglob("test_*.py")
	waiting, seen = [path for path in tests if not needs_site(path.read_text(encoding="utf-8"))], set()
	while waiting:
		path = waiting.pop()
		if path not in seen:
			seen.add(path)
			waiting += [file for name, top in imports(path) if top and (file := file_of(name))]
	return seen


def undeclared(path: pathlib.Path) -> set[str]:
	"""Return the packages that a module imports and pyproject.toml does not name.

	A package of an extra may be missing on a site: only a function may import it, never a module when it is loaded.
	"""
	known = DECLARED | OF_BENCH
	if is_test(path):
		known |= FOR_TESTS | WITH_TESTS
	of_functions = EXTRAS["demo"]
	return {
		package
		for package, top in packages(path)
		if package not in known and (top or package not in of_functions)
	}


def test_every_imported_package_is_declared():
	found = {str(path.relative_to(APP)): undeclared(path) for path in modules()}
	# pip's vendored packages replace the standard library of a newer Python
	assert not {path: names - {"pip"} for path, names in found.items() if names - {"pip"}}


def test_only_the_demo_imports_the_packages_of_the_demo():
	users = {
		path.relative_to(APP).parts[0]
		for path in modules()
		for package, _top in packages(path)
		if package in EXTRAS["demo"]
	}
	assert users == {"demo", "tests"}


def test_the_tests_have_the_packages_of_the_demo():
	extras = PROJECT["optional-dependencies"]
	assert set(extras["demo"]) <= set(extras["test"])


def test_the_modules_of_the_tests_without_a_bench_are_found():
	names = {str(path.relative_to(APP)) for path in run_without_bench()}
	assert {
		"campaigns/content/templates.py",
		"campaigns/content/css_inlining.py",
		"shared/text/sandbox.py",
	} <= names
	assert "campaigns/email/dispatch.py" not in names


def test_no_test_without_a_bench_imports_frappe():
	with_frappe = {
		str(path.relative_to(APP))
		for path in run_without_bench()
		for package, top in packages(path)
		if top and package in ("frappe", "erpnext")
	}
	assert not with_frappe


def test_no_package_is_declared_that_nothing_imports():
	used = {package for path in modules() for package, _top in packages(path)}
	assert not {name for name in DECLARED if name not in used}


def test_a_package_without_a_bound_is_pinned_by_frappe():
	assert "psutil" in PINNED_BY_FRAPPE
	try:
		of_frappe = names_of(requires("frappe") or [])
	except PackageNotFoundError:
		pytest.skip("needs a bench")
	assert not PINNED_BY_FRAPPE - of_frappe


def test_a_package_that_is_declared_nowhere_is_found(tmp_path, monkeypatch):
	monkeypatch.setitem(globals(), "APP", tmp_path)
	declared_nowhere = "import json\nimport premailer2\n\ndef f():\n\timport weasyprint\n"
	for number, (text, found) in enumerate(
		(
			(declared_nowhere, {"premailer2"}),
			("import pytest\n", {"pytest"}),  # not at run time
			("import aiosmtpd\n", {"aiosmtpd"}),  # a site may lack the extra
			("def f():\n\timport aiosmtpd\n", set()),
		)
	):
		file = tmp_path / f"rules_{number}.py"
		file.write_text(text, encoding="utf-8")
		assert undeclared(file) == found

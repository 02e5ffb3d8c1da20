"""Read the source of the app as syntax trees, once for all tests that look at it. Pure Python; writes nothing."""

import ast
from functools import cache
from pathlib import Path

APP = Path(__file__).resolve().parents[2]


@cache
def sources() -> dict[Path, ast.Module]:
	"""Return path → syntax tree of every Python file below the app, tests included."""
	return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(APP.rglob("*.py"))}


@cache
def app_sources() -> dict[Path, ast.Module]:
	"""Return path → syntax tree of every Python file of the app, without its tests."""
	return {path: tree for path, tree in sources().items() if "tests" not in path.relative_to(APP).parts}

"""Print the modules of the app that import no Frappe, not even through another module. mypy checks these strictly.

Computed from the source on each run, so that a module that is moved or added is never forgotten. Writes nothing.
"""

import ast
import pathlib
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
APP = ROOT / "crm_relations"
FRAPPE = {"frappe", "erpnext"}


def module_name(path: pathlib.Path, root: pathlib.Path = ROOT) -> str:
	"""Return the dotted name of a source file."""
	parts = path.relative_to(root).with_suffix("").parts
	return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: pathlib.Path) -> Iterator[str]:
	"""Yield the dotted names that a module imports, at its top or in a function."""
	for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
		if isinstance(node, ast.Import):
			yield from (alias.name for alias in node.names)
		elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
			yield node.module
			yield from (f"{node.module}.{alias.name}" for alias in node.names)


def frappe_free(app: pathlib.Path = APP) -> list[pathlib.Path]:
	"""Return the files that reach no Frappe, tests and `__init__.py` files left out, in order of their paths."""
	files = {module_name(path, app.parent): path for path in app.rglob("*.py")}
	imports = {name: set(imported(path)) for name, path in files.items()}
	free = {name for name, names in imports.items() if not {each.split(".")[0] for each in names} & FRAPPE}
	while stained := {name for name in free if (imports[name] & files.keys()) - free}:
		free -= stained
	return sorted(
		files[name]
		for name in free
		if files[name].name != "__init__.py" and "tests" not in files[name].relative_to(app).parts
	)


if __name__ == "__main__":
	print(*(path.relative_to(ROOT) for path in frappe_free()), sep="\n")

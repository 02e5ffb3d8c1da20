"""Test the structure of the source without frappe: layers, cycles, whitelisted functions, SQL, dotted paths."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_relations.tests.support.source_tree import APP, sources

pytestmark = pytest.mark.lint

#: A package imports only packages to its left, and `shared`.
LAYERS = ["relations", "segments", "campaigns", "interactions", "qualification", "pipeline", "ledger"]
FREE = {"doc_events", "setup", "demo", "commands", "tests", "crm_relations", "www"}
#: The doctypes that version 17 removes, and the modules that may name them.
CRM_DOCTYPES = {"Opportunity", "Prospect", "Lead"}
MAY_NAME_THEM = {"pipeline", "doc_events", "demo", "tests", "hooks.py", "owners.py", "setup"}
#: Strings that mean a role or a stage, not a doctype.
ROLE_CONSTANTS = APP / "relations" / "rules.py"
PERMISSION_CHECKS = {"has_permission", "only_for", "check_permission"}


def package_of(path: Path) -> str:
	return path.relative_to(APP).parts[0]


def module_name(path: Path) -> str:
	parts = list(path.relative_to(APP.parent).with_suffix("").parts)
	return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
	for node in ast.walk(tree):
		if isinstance(node, ast.Import):
			for alias in node.names:
				yield alias.name, node.lineno
		elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
			yield node.module, node.lineno
			for alias in node.names:
				yield f"{node.module}.{alias.name}", node.lineno


def test_a_package_imports_only_packages_to_its_left():
	wrong = []
	for path, tree in sources().items():
		package = package_of(path)
		if package not in [*LAYERS, "shared"]:
			continue
		allowed = {"shared", package, *LAYERS[: LAYERS.index(package)]} if package in LAYERS else {"shared"}
		for name, line in imports(tree):
			parts = name.split(".")
			if (
				parts[0] == "crm_relations"
				and len(parts) > 1
				and parts[1] not in allowed
				and parts[1] != "__version__"
			):
				wrong.append(f"{path.relative_to(APP)}:{line} imports {name}")
	assert not wrong, "\n".join(wrong)


def test_every_folder_is_known_to_this_test():
	known = {*LAYERS, *FREE, "shared", "fixtures", "public", "templates", "translations"}
	found = {p.name for p in APP.iterdir() if p.is_dir() and p.name != "__pycache__"}
	assert found <= known, found - known


def test_modules_import_each_other_without_cycles():
	names = {module_name(path): path for path in sources()}
	graph = {
		module: {name for name, _line in imports(sources()[path]) if name in names and name != module}
		for module, path in names.items()
		if package_of(path) not in {"tests"}
	}
	done: set[str] = set()

	def visit(module: str, trail: tuple[str, ...]) -> None:
		assert module not in trail, " → ".join([*trail[trail.index(module) :], module])
		if module in done:
			return
		for target in sorted(graph.get(module, ())):
			visit(target, (*trail, module))
		done.add(module)

	for module in sorted(graph):
		visit(module, ())


#: a folder holds what a reader can list at a glance
MOST_MODULES = 12
#: one file for each doctype that has events; its name is the doctype's
ONE_FILE_PER_DOCTYPE = {"doc_events"}


def test_a_folder_holds_few_modules():
	crowded = {}
	for folder in {path.parent for path in sources()}:
		name = folder.relative_to(APP).as_posix()
		if name.split("/")[0] not in {*LAYERS, "shared", "setup", "commands", "demo", "doc_events", "www"}:
			continue
		modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
		if len(modules) > MOST_MODULES and name not in ONE_FILE_PER_DOCTYPE:
			crowded[name] = len(modules)
	assert not crowded, f"more than {MOST_MODULES} modules: split by topic {crowded}"


def test_folders_of_a_package_import_each_other_without_cycles():
	"""Count a module directly in a package by itself: `api` is above all folders, `rules` below them."""

	def unit(module: str) -> str:
		return ".".join(module.split(".")[:3])

	names = {module_name(path): path for path in sources() if package_of(path) in {*LAYERS, "shared"}}
	graph: dict[str, set[str]] = {}
	for module, path in names.items():
		targets = {unit(name) for name, _line in imports(sources()[path]) if name in names}
		graph.setdefault(unit(module), set()).update(targets - {unit(module)})
	cycles = []

	def visit(node: str, trail: tuple[str, ...]) -> None:
		if node in trail:
			cycles.append(" → ".join([*trail[trail.index(node) :], node]))
			return
		if node not in done:
			for target in sorted(graph.get(node, ())):
				visit(target, (*trail, node))
			done.add(node)

	done: set[str] = set()
	for node in sorted(graph):
		visit(node, ())
	assert len(graph) > 50, "the test looks in the wrong place"
	assert not cycles, "\n".join(cycles)


def whitelisted() -> Iterator[tuple[Path, ast.FunctionDef, ast.Call | ast.Attribute]]:
	for path, tree in sources().items():
		for node in ast.walk(tree):
			if isinstance(node, ast.FunctionDef):
				for decorator in node.decorator_list:
					call = decorator.func if isinstance(decorator, ast.Call) else decorator
					if isinstance(call, ast.Attribute) and call.attr == "whitelist":
						yield path, node, decorator


def keyword(decorator: ast.expr, name: str) -> ast.expr | None:
	if isinstance(decorator, ast.Call):
		return next((k.value for k in decorator.keywords if k.arg == name), None)
	return None


def test_whitelisted_functions_live_in_api_modules_and_are_typed():
	wrong = []
	seen = 0
	for path, function, decorator in whitelisted():
		seen += 1
		where = f"{path.relative_to(APP)}:{function.lineno} {function.name}"
		if path.name != "api.py":
			wrong.append(f"{where}: not in an api.py")
		arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
		if any(argument.annotation is None for argument in arguments) or function.returns is None:
			wrong.append(f"{where}: arguments and return value need annotations")
		if not ast.get_docstring(function):
			wrong.append(f"{where}: says not what it returns")
		if keyword(decorator, "methods") is None:
			wrong.append(f"{where}: names no methods")
	assert seen, "no whitelisted function found: the test looks in the wrong place"
	assert not wrong, "\n".join(wrong)


def called_names(node: ast.AST) -> set[str]:
	names = set()
	for child in ast.walk(node):
		if isinstance(child, ast.Call):
			function = child.func
			names.add(function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", ""))
	return names


def test_whitelisted_functions_begin_with_a_permission_check():
	wrong = []
	for path, function, decorator in whitelisted():
		body = function.body[1:] if ast.get_docstring(function) else function.body
		guest = keyword(decorator, "allow_guest")
		if isinstance(guest, ast.Constant) and guest.value:
			if not any("rate_limit" in ast.dump(d) for d in function.decorator_list):
				wrong.append(
					f"{path.relative_to(APP)}:{function.lineno} {function.name}: guest without a rate limit"
				)
			continue
		if not called_names(body[0]) & PERMISSION_CHECKS:
			wrong.append(
				f"{path.relative_to(APP)}:{function.lineno} {function.name}: no permission check first"
			)
	assert not wrong, "\n".join(wrong)


def test_no_sql_is_built_from_strings():
	wrong = []
	for path, tree in sources().items():
		if package_of(path) == "tests":
			continue
		for node in ast.walk(tree):
			if (
				isinstance(node, ast.Call)
				and isinstance(node.func, ast.Attribute)
				and node.func.attr in ("sql", "sql_ddl", "multisql")
			):
				first = node.args[0] if node.args else None
				built = isinstance(first, ast.JoinedStr | ast.BinOp) or (
					isinstance(first, ast.Call)
					and isinstance(first.func, ast.Attribute)
					and first.func.attr == "format"
				)
				if built:
					wrong.append(f"{path.relative_to(APP)}:{node.lineno}")
	assert not wrong, "\n".join(wrong)


def is_constant_translation(node: ast.expr) -> bool:
	"""Return True for `_("…")` and `frappe._("…")`."""
	return (
		isinstance(node, ast.Call)
		and ast.unparse(node.func) in ("_", "frappe._")
		and isinstance(node.args[0], ast.Constant)
	)


def test_only_refusals_throws_a_text_with_values():
	wrong = []
	seen = 0
	for path, tree in sources().items():
		if package_of(path) == "tests" or path == APP / "shared" / "refusals.py":
			continue
		for node in ast.walk(tree):
			if isinstance(node, ast.Call) and ast.unparse(node.func) in ("frappe.throw", "throw"):
				seen += 1
				if not (node.args and is_constant_translation(node.args[0])):
					wrong.append(f"{path.relative_to(APP)}:{node.lineno}")
	assert seen > 20, "the test looks in the wrong place"
	assert not wrong, "use shared.refusals.refuse, which escapes values: " + ", ".join(wrong)


def test_only_the_pipeline_names_the_doctypes_that_go_away():
	wrong = []
	for path, tree in sources().items():
		if package_of(path) in MAY_NAME_THEM or path == ROLE_CONSTANTS:
			continue
		docstrings = {
			id(node.body[0].value)
			for node in ast.walk(tree)
			if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
		}
		for node in ast.walk(tree):
			if isinstance(node, ast.Constant) and id(node) not in docstrings and node.value in CRM_DOCTYPES:
				wrong.append(f"{path.relative_to(APP)}:{node.lineno} {node.value!r}")
	assert not wrong, "\n".join(wrong)


def _catches(handler: ast.ExceptHandler) -> set[str]:
	nodes = ast.walk(handler.type) if handler.type else ()
	return {getattr(node, "attr", getattr(node, "id", "")) for node in nodes} or {"BaseException"}


def test_no_handler_of_all_errors_swallows_the_time_out_of_a_job():
	"""Let the alarm of a background job through: it goes off once, and a job without it has no limit."""
	wrong = []
	for path, tree in sources().items():
		if package_of(path) == "tests":
			continue
		for block in (node for node in ast.walk(tree) if isinstance(node, ast.Try)):
			let_through = False
			for handler in block.handlers:
				raises_again = any(isinstance(n, ast.Raise) and not n.exc for n in ast.walk(handler))
				if (
					{"Exception", "BaseException"} & _catches(handler)
					and not raises_again
					and not let_through
				):
					wrong.append(f"{path.relative_to(APP)}:{handler.lineno}")
				let_through = let_through or (raises_again and "JobTimeoutException" in _catches(handler))
	assert not wrong, "\n".join(wrong)


def test_rules_import_no_frappe():
	wrong = [
		f"{path.relative_to(APP)}:{line}"
		for path, tree in sources().items()
		if path.name == "rules.py"
		for name, line in imports(tree)
		if name.split(".")[0] in ("frappe", "erpnext")
	]
	assert not wrong, wrong


def hooks() -> dict:
	spec = importlib.util.spec_from_file_location("hooks_under_test", APP / "hooks.py")
	module = importlib.util.module_from_spec(spec)
	spec.loader.exec_module(module)
	return {key: value for key, value in vars(module).items() if not key.startswith("_")}


def dotted_paths(value: object) -> Iterator[str]:
	if isinstance(value, str):
		if value.startswith("crm_relations.") and "/" not in value:
			yield value
	elif isinstance(value, dict):
		for inner in value.values():
			yield from dotted_paths(inner)
	elif isinstance(value, list | tuple):
		for inner in value:
			yield from dotted_paths(inner)


def defined(path: str) -> bool:
	"""Return whether the dotted path names a module-level function, class or variable of the source."""
	module, _, name = path.rpartition(".")
	file = APP.parent / Path(*module.split("."))
	file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
	if not file.exists():
		return False
	for node in sources()[file].body:
		if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
			return True
		targets = (
			node.targets
			if isinstance(node, ast.Assign)
			else [node.target]
			if isinstance(node, ast.AnnAssign)
			else []
		)
		if any(isinstance(target, ast.Name) and target.id == name for target in targets):
			return True
	return False


def test_every_dotted_path_in_hooks_resolves():
	paths = list(dotted_paths(hooks()))
	assert len(paths) > 20
	missing = [path for path in paths if not defined(path)]
	assert not missing, missing


def test_a_doctype_and_event_has_one_path():
	for doctype, events in hooks()["doc_events"].items():
		for event, path in events.items():
			assert isinstance(path, str), f"{doctype} {event}"


def test_every_file_named_in_hooks_is_there():
	for key in ("doctype_js", "doctype_list_js"):
		for doctype, files in hooks().get(key, {}).items():
			for file in [files] if isinstance(files, str) else files:
				assert (APP / file).exists(), f"{key} {doctype}: {file}"


def test_every_patch_resolves():
	for line in (APP / "patches.txt").read_text(encoding="utf-8").splitlines():
		line = line.split("#")[0].strip()
		if line and not line.startswith("["):
			module = line.split()[0]
			assert defined(f"{module}.execute"), module


@pytest.mark.parametrize(
	"path", [p for p in sources() if package_of(p) != "tests"], ids=lambda p: str(p.relative_to(APP))
)
def test_a_file_stays_small_enough_to_hold_in_mind(path):
	assert path.stat().st_size < 28_000
	assert path.stem != "utils"


#: types that distinguish a Python list from a sub-query
LISTS = {"Sequence", "Iterable", "Collection", "list", "set", "tuple", "dict", "Mapping"}


@pytest.mark.parametrize("package", ("ledger", "pipeline"))
def test_a_list_that_may_be_empty_never_becomes_sql_without_the_helper(package):
	"""Use `shared.in_lists` for lists, because `IN ()` is an error in SQL; sub-queries do not need it."""
	for path, tree in sources().items():
		if package_of(path) != package:
			continue
		for function in ast.walk(tree):
			if isinstance(function, ast.FunctionDef):
				for call in ast.walk(function):
					if isinstance(call, ast.Call) and is_in(call.func) and call.args:
						assert not is_list(call.args[0], function), f"{path}:{call.lineno}"


def is_in(function: ast.expr) -> bool:
	return isinstance(function, ast.Attribute) and function.attr in ("isin", "notin")


def is_list(argument: ast.expr, function: ast.FunctionDef) -> bool:
	if isinstance(argument, ast.Name):
		return argument.id in names_of_lists(function)
	return makes_a_list(argument)


def makes_a_list(value: ast.expr) -> bool:
	if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
		return value.func.id in ("list", "sorted", "set")
	return isinstance(value, ast.ListComp | ast.SetComp | ast.GeneratorExp)


def names_of_lists(function: ast.FunctionDef) -> set[str]:
	arguments = [*function.args.args, *function.args.kwonlyargs]
	names = {
		a.arg for a in arguments if a.annotation and re.match(r"\w+", ast.unparse(a.annotation))[0] in LISTS
	}
	for node in ast.walk(function):
		if (
			isinstance(node, ast.Assign)
			and isinstance(node.targets[0], ast.Name)
			and makes_a_list(node.value)
		):
			names.add(node.targets[0].id)
		if isinstance(node, ast.NamedExpr) and makes_a_list(node.value):
			names.add(node.target.id)
	return names


def test_every_step_beside_a_document_is_marked_so_that_it_can_be_tried_again():
	"""`retry_deferred` runs marked functions only (`deferrable`, or `one_statement`, which implies it)."""
	marked, steps = set(), {}
	for path, tree in sources().items():
		known = {}
		for node in ast.walk(tree):
			if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("crm_relations"):
				known.update(
					{alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
				)
			if isinstance(node, ast.FunctionDef):
				marks = {getattr(mark, "id", getattr(mark, "attr", "")) for mark in node.decorator_list}
				if marks & {"deferrable", "one_statement"}:
					marked.add(f"{module_name(path)}.{node.name}")
		if package_of(path) == "tests":
			continue
		for node in ast.walk(tree):
			if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "run_steps":
				for step in node.args[1:]:
					name = ast.unparse(step)
					first, _dot, rest = name.partition(".")
					full = ".".join(filter(None, (known.get(first, module_name(path) + "." + first), rest)))
					steps[full] = f"{path.relative_to(APP)}:{node.lineno}"
	assert steps, "no step found: the test looks in the wrong place"
	assert not {name: where for name, where in steps.items() if name not in marked}


def test_every_doctype_of_ours_protects_its_system_fields():
	wrong = []
	for folder in sorted((APP / "crm_relations" / "doctype").iterdir()):
		path = folder / f"{folder.name}.py"
		if not path.exists():
			continue
		classes = [node for node in sources()[path].body if isinstance(node, ast.ClassDef)]
		if [ast.unparse(base) for base in classes[0].bases] != ["RelationDocument"]:
			wrong.append(folder.name)
	assert not wrong, wrong

"""Test the desk's scripts: logic without a screen, bundles, and names from the server.

It reads sources and runs node.
"""

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_relations.campaigns import states

pytestmark = pytest.mark.lint

APP = Path(__file__).resolve().parents[2]
JS = APP / "public" / "js"
DOCTYPES = APP / "crm_relations" / "doctype"
#: scripts that Frappe appends to a form, a list or a report: all of them share one scope
APPENDED = sorted(
	[*APP.glob("crm_relations/*/*/*.js"), *JS.glob("desk_scripts/*.js"), *JS.glob("*[!e].js")],
)
MODULES = sorted(path for path in JS.rglob("*.js") if path.parent.name not in ("js", "desk_scripts"))
node = pytest.mark.skipif(shutil.which("node") is None, reason="no node: install Node 18 or newer")


@node
def test_the_logic_of_the_scripts_passes_its_own_tests():
	tests = sorted(map(str, (APP / "tests" / "js").glob("*.test.mjs")))
	assert tests
	done = subprocess.run(["node", "--test", *tests], capture_output=True, text=True, timeout=60, check=False)
	assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def bundles() -> Iterator[str]:
	for path in APP.joinpath("public").rglob("*.bundle.*"):
		if "dist" not in path.parts:
			yield path.name.replace(".scss", ".css")


def test_a_bundle_has_a_name_that_no_other_app_of_the_bench_uses():
	names = list(bundles())
	assert len(names) == len(set(names))
	assert all(name.startswith(("relation", "crm_relations", "campaign")) for name in names), names


def test_each_bundle_is_loaded_and_each_that_is_loaded_is_there():
	text = "".join(path.read_text(encoding="utf-8") for path in [*APPENDED, APP / "hooks.py"])
	assert set(re.findall(r'"(\w+\.bundle\.\w+)"', text)) == set(bundles())


def assigned(path: Path, name: str) -> ast.expr:
	"""Return the value of a constant of a module that imports frappe, as it stands in the source."""
	for statement in ast.parse(path.read_text(encoding="utf-8")).body:
		targets = (
			statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
		)
		if any(isinstance(target, ast.Name) and target.id == name for target in targets):
			return statement.value
	raise AssertionError(f"{path.name} has no constant {name}")


def constant(path: Path, name: str):
	return ast.literal_eval(assigned(path, name))


def options(doctype: str, fieldname: str) -> list[str]:
	folder = doctype.lower().replace(" ", "_")
	content = json.loads((DOCTYPES / folder / f"{folder}.json").read_text(encoding="utf-8"))
	field = next(field for field in content["fields"] if field["fieldname"] == fieldname)
	return list(filter(None, field["options"].split("\n")))


def enumerations() -> dict[str, dict[str, str]]:
	"""Return what `setup/desk.py` sends: enumerations of Python, and the options of fields that have none."""
	sources = assigned(APP / "setup" / "desk.py", "ENUMS")
	found = {}
	for key, source in zip(sources.keys, sources.values, strict=True):
		if isinstance(source, ast.Attribute):
			found[key.value] = {member.name: member.value for member in getattr(states, source.attr)}
		else:
			values = options(*ast.literal_eval(source))
			found[key.value] = {re.sub(r"\W+", "_", value).upper(): value for value in values}
	return found


def members_used() -> Iterator[tuple[str, str, str]]:
	"""Return (file, enumeration, member) of every use in a script."""
	for path in [*APPENDED, *MODULES]:
		text = path.read_text(encoding="utf-8")
		for name, member in re.findall(r"\b(?!Math\b)([A-Z]\w*[a-z]\w*)\.([A-Z][A-Z_]+)\b", text):
			yield path.name, name, member
		for members, name in re.findall(r"const \{([A-Z_,\s]+)\} = (?:crm_relations\.enums\.)?(\w+);", text):
			yield from ((path.name, name, member.strip()) for member in members.split(",") if member.strip())


def test_every_state_that_a_script_names_is_one_of_the_server():
	known = enumerations()
	used = set(members_used())
	assert len(used) > 10, "no use found: the test looks in the wrong place"
	wrong = {(file, name, member) for file, name, member in used if member not in known.get(name, {})}
	assert not wrong, wrong


def test_the_enumerations_of_the_browser_are_those_of_the_server():
	text = (JS / "lib" / "enums.js").read_text(encoding="utf-8")
	exported = dict(re.findall(r'export const (\w+) = enumeration\("(\w+)"\);', text))
	assert exported and all(name == source for name, source in exported.items())
	assert set(exported) <= set(enumerations())


def test_a_color_belongs_to_a_state_that_exists():
	known = {name: set(members.values()) for name, members in enumerations().items()}
	colors = constant(APP / "setup" / "desk.py", "COLORS")
	stages = colors.pop("Stage")
	assert set(stages) == {"Lead", "Prospect", "Customer"}
	for name, colored in colors.items():
		assert set(colored) <= known[name], name


def functions_called() -> Iterator[tuple[str, str]]:
	"""Return (file, dotted path) of each server function that a script calls by name."""
	for path in [*APPENDED, *MODULES]:
		text = path.read_text(encoding="utf-8")
		yield from ((path.name, called) for called in re.findall(r'xcall\(\s*"([\w.]+)"', text))
		modules = dict(re.findall(r'(?:const|export const) (\w+) = api\("([\w.]+)"\)', text))
		for names, source in re.findall(r'^import \{([^}]*)\} from "(\.[^"]+)"', text, re.MULTILINE):
			known = (path.parent / source).resolve().read_text(encoding="utf-8")
			for name in map(str.strip, names.split(",")):
				if found := re.search(rf'export const {name or "-"} = api\("([\w.]+)"\)', known):
					modules[name] = found[1]
		for owner, method in re.findall(r'\b(\w+|api\("[\w.]+"\))\s*\.(?:get|post)\(\s*"(\w+)"', text):
			module = owner[5:-2] if owner.startswith("api(") else modules.get(owner)
			if module:
				yield path.name, f"{module}.{method}"


def test_every_function_that_a_script_calls_is_there():
	called = set(functions_called())
	assert len(called) > 40, "few calls found: the test looks in the wrong place"
	wrong = []
	for file, dotted in sorted(called):
		module, _dot, function = dotted.rpartition(".")
		path = APP.parent.joinpath(*module.split(".")).with_suffix(".py")
		if not path.exists() or f"\ndef {function}(" not in path.read_text(encoding="utf-8"):
			wrong.append(f"{file}: {dotted}")
	assert not wrong, wrong

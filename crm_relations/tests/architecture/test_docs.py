"""Test the names in the docs: every path, module, doctype, hook and link that they mention exists."""

import ast
import csv
import importlib.util
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from crm_relations.ledger.statements.figures import DETAILS, CampaignFigures

pytestmark = pytest.mark.lint

APP = Path(__file__).resolve().parents[2]
ROOT = APP.parent
DEVELOPER = [
	ROOT / "ARCHITECTURE.md",
	*sorted((ROOT / "docs").glob("developer/*.md")),
	*sorted((ROOT / "docs").glob("adr/*.md")),
]
EVERY_PAGE = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
#: a page that a reader grasps at a glance
MAP_BYTES = 10_000
HOOKS_PAGE = ROOT / "docs" / "developer" / "hooks.md"
#: paths of a bench or of another app, which this tree does not hold
ELSEWHERE = ("env/", "apps/", "my_app/", "sites/", "https:", "http:")


@cache
def prose(page: Path) -> str:
	"""Return a page without its code blocks."""
	return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def code_words(page: Path) -> set[str]:
	return set(re.findall(r"`([^`\n]+)`", prose(page)))


@cache
def names_of_files() -> set[str]:
	return {
		path.name
		for path in [
			*APP.rglob("*.*"),
			*(ROOT / "scripts").rglob("*"),
			*(ROOT / "benchmarks").rglob("*"),
			*ROOT.glob("*"),
		]
	}


def is_path(word: str) -> bool:
	return bool(re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", word)) and (
		"/" in word or bool(re.search(r"\.(py|js|json|md|csv|toml|scss|svg|html)$", word))
	)


def path_exists(word: str) -> bool:
	if "/" not in word:
		return word in names_of_files()
	return any((folder / word).exists() for folder in (ROOT, APP, APP / "tests"))


@cache
def names_in(module: Path) -> set[str]:
	"""Return what a module defines or imports at its top, and the members of its classes as `Class.member`."""
	found: set[str] = set()
	for node in ast.parse(module.read_text(encoding="utf-8")).body:
		found |= _defined_by(node)
		if isinstance(node, ast.ClassDef):
			found |= {f"{node.name}.{name}" for child in node.body for name in _defined_by(child)}
	return found


def _defined_by(node: ast.stmt) -> set[str]:
	if isinstance(node, ast.FunctionDef | ast.ClassDef):
		return {node.name}
	if isinstance(node, ast.Assign):
		return {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
	if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
		return {node.target.id}
	if isinstance(node, ast.Import | ast.ImportFrom):
		return {alias.asname or alias.name for alias in node.names}
	return set()


def module_file(parts: list[str]) -> Path | None:
	path = APP.joinpath(*parts)
	return next(
		(file for file in (path.with_suffix(".py"), path / "__init__.py") if parts and file.is_file()), None
	)


def dotted_exists(word: str) -> bool:
	"""Return whether `package.module.name`, with or without `crm_relations.`, exists."""
	parts = word.removeprefix("crm_relations.").split(".")
	for cut in range(len(parts), 0, -1):
		if module := module_file(parts[:cut]):
			return cut == len(parts) or ".".join(parts[cut:]) in names_in(module)
		if cut == len(parts) and APP.joinpath(*parts).is_dir():
			return True
	return False


def is_dotted(word: str) -> bool:
	packages = {path.name for path in APP.iterdir() if path.is_dir()} | {"crm_relations"}
	return bool(re.fullmatch(r"\w+(\.\w+)+", word)) and word.split(".")[0] in packages and not is_path(word)


@cache
def doctypes() -> set[str]:
	files = (APP / "crm_relations" / "doctype").glob("*/*.json")
	return {json.loads(file.read_text(encoding="utf-8"))["name"] for file in files}


@pytest.mark.parametrize("page", DEVELOPER, ids=lambda page: page.name)
def test_every_path_and_module_that_a_page_names_exists(page):
	words = {word for word in code_words(page) if not word.startswith(ELSEWHERE)}
	assert not {word for word in words if is_path(word) and not path_exists(word)}
	assert not {word for word in words if is_dotted(word) and not dotted_exists(word)}


@pytest.mark.parametrize("page", DEVELOPER, ids=lambda page: page.name)
def test_every_doctype_of_ours_that_a_page_names_exists(page):
	named = {word for word in code_words(page) if re.fullmatch(r"Relation( [A-Z][\w-]*)+", word)}
	assert not named - doctypes()


def names_in_glossary() -> set[str]:
	"""Return the names that the glossary gives as the code's, without those of the past or the future."""
	rows = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
	cells = [row.split("|")[2] for row in rows if row.count("|") == 5]
	now = [re.sub(r"\(\s*→[^)]*\)|to become `[^`]+`", "", cell) for cell in cells]
	return {word for cell in now for word in re.findall(r"`([^`]+)`", cell)}


def test_every_name_that_the_glossary_gives_as_the_codes_is_in_the_code():
	named = names_in_glossary()
	ours = {name for name in named if name.split()[0] == "Relation"}
	assert len(ours) > 20
	assert not ours - doctypes()
	source = "\n".join(
		f"{path.stem}\n{path.read_text(encoding='utf-8')}"
		for kind in ("py", "js", "json")
		for path in APP.rglob(f"*.{kind}")
		if "tests" not in path.relative_to(APP).parts
	)
	words = set(re.findall(r"\w+", source))
	assert not {word for name in named - ours for word in re.findall(r"\w+", name)} - words - {"exit_on_"}


def test_the_german_of_the_glossary_is_that_of_the_translations():
	with (APP / "translations" / "de.csv").open(encoding="utf-8", newline="") as file:
		german = {row[0]: row[1] for row in csv.reader(file) if len(row) > 1}
	rows = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
	labels = [
		[cell.strip().split(", ") for cell in row.split("|")[3:5]] for row in rows if row.count("|") == 5
	]
	pairs = [pair for english, other in labels for pair in zip(english, other, strict=True)]
	known = [(english, other) for english, other in pairs if english in german]
	assert len(known) > 50
	assert not [(english, other, german[english]) for english, other in known if german[english] != other]


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page):
	links = re.findall(r"\]\(([^)\s]+)\)", prose(page))
	local = [link.split("#")[0] for link in links if not link.startswith(("http", "mailto:", "#"))]
	assert not {link for link in local if not (page.parent / link).exists()}


def test_a_name_that_does_not_exist_is_found():
	assert path_exists("shared/side_effects.py") and not path_exists("shared/side_effect.py")
	assert path_exists("hooks.py") and not path_exists("hook.py")
	assert dotted_exists("shared.refusals.refuse") and not dotted_exists("shared.refusals.refused")
	assert is_path("docs/adr/") and not is_path("a / b") and not is_path("Customer.lead_name")
	assert is_dotted("crm_relations.shared.money") and not is_dotted("Customer.lead_name")


def hooks_for_other_apps() -> set[str]:
	"""Return the names in hooks.py that are ours: no hook of Frappe contains the word relation."""
	return {
		name for name in names_in(APP / "hooks.py") if "relation" in name and not name.startswith("_")
	} - {"Relation"}


def hook_sections() -> dict[str, str]:
	text = HOOKS_PAGE.read_text(encoding="utf-8")
	return dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))


def test_each_hook_for_other_apps_is_described_and_no_other():
	assert hook_sections().keys() == hooks_for_other_apps()


def test_each_hook_that_the_code_asks_for_is_declared():
	asked = {
		match
		for path in APP.rglob("*.py")
		if "tests" not in path.relative_to(APP).parts
		for match in re.findall(r"""["'](\w*relation\w*)["']""", path.read_text(encoding="utf-8"))
		if re.search(
			rf"""get_hooks\(["']{match}["']|^HOOK\w* = ["']{match}["']|^\w+_HOOK = ["']{match}["']""",
			path.read_text(encoding="utf-8"),
			re.MULTILINE,
		)
	}
	assert len(asked) > 8
	assert not asked - hooks_for_other_apps()


@pytest.mark.parametrize("hook", sorted(hooks_for_other_apps()))
def test_the_example_of_a_hook_registers_it_and_imports_what_exists(hook):
	section = hook_sections()[hook]
	example = "\n".join(re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL))
	assert "A path leads to" in section, "the signature is missing"
	assert f"{hook} = [" in example
	missing = {
		f"{module}.{name}"
		for module, name in imports_of_ours(example)
		if not dotted_exists(f"{module}.{name}")
	}
	assert not missing


def imports_of_ours(example: str) -> Iterator[tuple[str, str]]:
	for node in ast.walk(ast.parse(example)):
		if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("crm_relations."):
			yield from ((node.module, alias.name) for alias in node.names)


def test_each_figure_of_the_statement_is_described_and_no_other():
	figures = {*DETAILS, *CampaignFigures.__dataclass_fields__} - {"campaign"}
	page = (ROOT / "docs" / "developer" / "statement-figures.md").read_text(encoding="utf-8")
	cells = re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE)
	assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == figures


def test_the_map_is_read_at_once():
	page = (ROOT / "ARCHITECTURE.md").read_bytes()
	assert len(page) <= MAP_BYTES, len(page)


def test_the_generated_parts_of_the_docs_are_up_to_date():
	path = ROOT / "scripts" / "lib" / "generate_docs.py"
	spec = importlib.util.spec_from_file_location("generate_docs", path)
	module = importlib.util.module_from_spec(spec)
	spec.loader.exec_module(module)
	assert not [str(page) for page, old, new in module.written() if old != new]


def test_a_record_of_a_decision_has_its_parts_and_fits_on_a_page():
	records = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
	assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
	for path in records:
		text = path.read_text(encoding="utf-8")
		parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
		assert parts == ["Context", "Decision", "Rejected alternatives", "Consequences"], path.name
		assert re.search(r"^Status: (accepted|replaced by \d{4})$", text, re.MULTILINE), path.name
		assert len(text.splitlines()) <= 60, path.name


def test_a_sentence_of_the_docs_has_at_most_25_words_on_average():
	long = {page.name: round(average, 1) for page in EVERY_PAGE if (average := words_a_sentence(page)) > 25}
	assert not long


def words_a_sentence(page: Path) -> float:
	"""Return the mean length of the sentences outside of tables, code and headings."""
	lines = [line for line in prose(page).splitlines() if not re.match(r"\s*(\||#|<!--)", line)]
	text = re.sub(r"\]\([^)]*\)", "]", re.sub(r"^\s*(\*|\d+\.) ", "\n", "\n".join(lines), flags=re.MULTILINE))
	sentences = [part.split() for part in re.split(r"(?<=[.:?!])\s+|\n\s*\n", text)]
	counted = [len(words) for words in sentences if len(words) > 1]
	return sum(counted) / len(counted) if counted else 0.0

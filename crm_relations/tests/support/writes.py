"""Find every place of the app that writes rows, from the syntax trees. Pure Python; writes nothing.

A write is a call of the ORM, of `frappe.db` or of the query builder. Its doctype is read from constants, also
in other modules, from tables of the query builder, and from variables that hold a document. If none of these
names a doctype, the doctype of the write is `None`.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from crm_relations.tests.support.source_tree import APP, app_sources

#: calls that name their doctype in the first argument
BY_NAME = {
	"frappe.db.set_value",
	"frappe.db.set_single_value",
	"frappe.db.delete",
	"frappe.db.bulk_insert",
	"frappe.db.bulk_update",
	"frappe.delete_doc",
	"insert_rows",
	"table_rows.insert",
	"table_rows.insert_select",
	"outside_text.insert_rows",
}
#: calls of the query builder that begin a write; the first argument is a table
BY_TABLE = {"frappe.qb.update", "frappe.qb.into"}
#: methods of a document that write it
ON_DOCUMENT = {"insert", "save", "db_set", "db_insert", "db_update", "submit", "cancel", "delete"}
#: functions that return the document in their first argument
TRANSPARENT = {"trusted", "documents.trusted"}
#: functions that return a document of the doctype in their first argument
MAKES_DOCUMENT = {"frappe.get_doc", "frappe.new_doc", "frappe.get_cached_doc", "frappe.get_last_doc"}


class Write(NamedTuple):
	"""One place that writes."""

	module: str  # path below the app
	line: int
	call: str
	doctype: str | None
	fields: frozenset[str]  # names of the fields that are set, as far as they are literals


def writes(sources: dict[Path, str] | None = None) -> Iterator[Write]:
	"""Yield every write of the app, except in the demo, which acts as a user.

	:param sources: path → source, to read instead of the app
	"""
	trees = app_sources() if sources is None else {path: ast.parse(text) for path, text in sources.items()}
	for path, tree in trees.items():
		if path.relative_to(APP).parts[0] != "demo":
			yield from _Module(path, tree).writes()


@cache
def _constants(path: Path) -> dict[str, str]:
	"""Return the texts that a module assigns at its top level."""
	return _texts(app_sources()[path])


def _texts(tree: ast.Module) -> dict[str, str]:
	found: dict[str, str] = {}
	for node in tree.body:
		if isinstance(node, ast.Assign):
			for target in node.targets:
				for name, value in _pairs(target, node.value):
					if isinstance(value, ast.Constant) and isinstance(value.value, str):
						found[name] = value.value
	return found


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
	"""Yield (name, value) of an assignment, also of `a, b = 1, 2` and `a, b = (f(x) for x in (1, 2))`."""
	if isinstance(target, ast.Name):
		yield target.id, value
	elif isinstance(target, ast.Tuple):
		values: list[ast.expr] = []
		if isinstance(value, ast.Tuple):
			values = value.elts
		elif isinstance(value, ast.GeneratorExp) and isinstance(value.generators[0].iter, ast.Tuple):
			call = value.elt
			if isinstance(call, ast.Call):
				values = [
					ast.Call(func=call.func, args=[item], keywords=[])
					for item in value.generators[0].iter.elts
				]
		for name, item in zip(target.elts, values, strict=False):
			yield from _pairs(name, item)


def _file(module: str) -> Path | None:
	path = APP.parent.joinpath(*module.split("."))
	return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p in app_sources()), None)


class _Module:
	def __init__(self, path: Path, tree: ast.Module) -> None:
		self.path, self.tree = path, tree
		self.name = path.relative_to(APP).as_posix()
		self.texts = _texts(tree)
		self.modules: dict[str, Path] = {}
		for node in ast.walk(tree):
			if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
				for alias in node.names:
					self._import(node.module, alias)
		self.parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

	def _import(self, module: str, alias: ast.alias) -> None:
		name = alias.asname or alias.name
		if file := _file(f"{module}.{alias.name}"):
			self.modules[name] = file
		elif (file := _file(module)) and alias.name in _constants(file):
			self.texts[name] = _constants(file)[alias.name]

	def writes(self) -> Iterator[Write]:
		for node in ast.walk(self.tree):
			if isinstance(node, ast.Call):
				for doctype in self._targets(node):
					yield Write(
						self.name, node.lineno, ast.unparse(node.func)[:60], doctype, self._fields(node)
					)

	def _targets(self, call: ast.Call) -> list[str | None]:
		"""Return the doctypes that a call writes; empty if it writes none."""
		function = ast.unparse(call.func)
		if function in BY_NAME and call.args:
			return [self._text(call.args[0], call)]
		if function in BY_TABLE and call.args:
			return [self._table(call.args[0], call)]
		if isinstance(call.func, ast.Attribute):
			if call.func.attr == "delete" and "frappe.qb" in function:
				return [self._deleted(call)]
			if call.func.attr in ON_DOCUMENT and not function.startswith(("frappe.db", "frappe.qb")):
				if call.func.attr == "insert" and call.args and isinstance(call.args[0], ast.Constant):
					return []  # list.insert(0, …)
				found = self._document(call.func.value, call)
				return [] if found == "" else [found]
		return []

	def _text(self, node: ast.expr, at: ast.AST) -> str | None:
		if isinstance(node, ast.Constant):
			return str(node.value)
		if isinstance(node, ast.Name):
			local = self._assigned(node.id, at)
			return self._text(local, at) if isinstance(local, ast.Constant) else self.texts.get(node.id)
		if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
			file = self.modules.get(node.value.id)
			return _constants(file).get(node.attr) if file else None
		return None

	def _table(self, node: ast.expr | None, at: ast.AST) -> str | None:
		if isinstance(node, ast.Call) and node.args:
			function = ast.unparse(node.func)
			if function.endswith("DocType") or function == "Table":
				return self._text(node.args[0], at)
		if isinstance(node, ast.Name):
			return self._table(self._assigned(node.id, at), at)
		return None

	def _deleted(self, call: ast.Call) -> str | None:
		"""Return the table of `frappe.qb.from_(table)….delete()`."""
		for node in ast.walk(call.func):
			if isinstance(node, ast.Call) and ast.unparse(node.func) == "frappe.qb.from_":
				return self._table(node.args[0], call)
		return None

	def _document(self, node: ast.expr, at: ast.AST) -> str | None:
		"""Return the doctype of a document; None if it cannot be read, "" if the value is something else."""
		if isinstance(node, ast.Call):
			function = ast.unparse(node.func)
			if function in TRANSPARENT:
				return self._document(node.args[0], at)
			if isinstance(node.func, ast.Attribute) and node.func.attr in ON_DOCUMENT:
				return self._document(node.func.value, at)  # insert and save return their document
			if "frappe.qb" in function:
				return ""  # a query: its table was read where the query began
			if function in MAKES_DOCUMENT and node.args:
				first = node.args[0]
				if isinstance(first, ast.Dict):
					for key, value in zip(first.keys, first.values, strict=True):
						if isinstance(key, ast.Constant) and key.value == "doctype":
							return self._text(value, at)
					return None
				return self._text(first, at)
			return None
		if isinstance(node, ast.Name):
			if node.id in self.modules or node.id == "self":
				return ""
			assigned = self._assigned(node.id, at)
			if isinstance(assigned, ast.List | ast.ListComp | ast.Constant):
				return ""
			return self._document(assigned, at) if isinstance(assigned, ast.Call) else None
		return None

	def _assigned(self, name: str, at: ast.AST) -> ast.expr | None:
		"""Return the value of a name in the function around `at`, or at the top level of the module."""
		scope: ast.AST = at
		while not isinstance(scope, ast.FunctionDef | ast.Module):
			scope = self.parents[scope]
		for place in (scope, self.tree):
			for node in ast.walk(place):
				if isinstance(node, ast.Assign):
					for target in node.targets:
						for found, value in _pairs(target, node.value):
							if found == name:
								return value
				if isinstance(node, ast.NamedExpr) and node.target.id == name:
					return node.value
		return None

	def _fields(self, call: ast.Call) -> frozenset[str]:
		"""Return the fields that a statement sets: keys of a dict, `.set(table.field, …)`, the name after a document."""
		node: ast.AST = call
		while not isinstance(node, ast.stmt):
			node = self.parents[node]
		found = set()
		for part in ast.walk(node):
			match part:
				case ast.Call(func=ast.Attribute(attr="set"), args=[ast.Attribute(attr=field), *_values]):
					found.add(field)
		if ast.unparse(call.func).endswith((".set_value", ".db_set", ".bulk_update")):
			for argument in call.args:
				for part in [argument, *([argument.value] if isinstance(argument, ast.DictComp) else [])]:
					if isinstance(part, ast.Dict):
						found |= {key.value for key in part.keys if isinstance(key, ast.Constant)}
			place = 2 if ast.unparse(call.func).endswith(".set_value") else 0
			if len(call.args) > place and isinstance(call.args[place], ast.Constant):
				found.add(call.args[place].value)
		return frozenset(name for name in found if isinstance(name, str))

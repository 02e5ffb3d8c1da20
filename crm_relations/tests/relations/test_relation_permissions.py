"""Test that every doctype that names a relation has the hooks that apply the relation's permissions."""

import ast
import json
from pathlib import Path

from crm_relations import hooks

DOCTYPES = Path(__file__).resolve().parents[2] / "crm_relations" / "doctype"
RELATION = "Relation"
NARROWS = "crm_relations.relations.permissions.condition"
LINKED = "crm_relations.relations.permissions.condition_of_linked"
FIELDS = DOCTYPES.parents[1] / "setup" / "custom_fields.py"
#: Frappe's logs, which belong to any document
LOGS = {"Comment", "Communication", "Tag Link"}


def doctypes() -> dict[str, dict]:
	found = {}
	for path in DOCTYPES.glob("*/*.json"):
		doc = json.loads(path.read_text(encoding="utf-8"))
		if doc["doctype"] == "DocType":
			found[doc["name"]] = doc
	return found


def names_a_relation(doc: dict) -> bool:
	return any(
		field["fieldtype"] == "Dynamic Link"
		or (field["fieldtype"] == "Link" and field.get("options") == RELATION)
		for field in doc["fields"]
	)


def parts_of_relation(found: dict[str, dict]) -> set[str]:
	return {field["options"] for field in found[RELATION]["fields"] if field["fieldtype"].startswith("Table")}


def test_lists_of_all_doctypes_that_name_a_relation_are_narrowed():
	found = doctypes()
	assert len(found) > 50
	expected = (
		{RELATION} | parts_of_relation(found) | {name for name, doc in found.items() if names_a_relation(doc)}
	)
	expected |= LOGS
	narrowed = {
		doctype
		for doctype, paths in hooks.permission_query_conditions.items()
		if NARROWS in ([paths] if isinstance(paths, str) else paths)
	}
	assert narrowed == expected


def test_fields_of_a_relation_asked_for_beside_other_documents_are_narrowed():
	narrowed = {
		doctype
		for doctype, paths in hooks.permission_query_conditions.items()
		if LINKED in ([paths] if isinstance(paths, str) else paths)
	}
	headers = ast.literal_eval(
		next(
			node.value
			for node in ast.parse(FIELDS.read_text(encoding="utf-8")).body
			if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "HEADERS"
		)
	)
	assert narrowed == {*headers, "Relation Segment"}


def test_documents_of_all_doctypes_that_name_a_relation_are_checked():
	found = doctypes()
	expected = {RELATION} | {
		name for name, doc in found.items() if names_a_relation(doc) and not doc.get("istable")
	}
	assert expected <= set(hooks.has_permission)
	assert all(
		isinstance(path, str) for path in hooks.has_permission.values()
	), "version 15 asks only the last"

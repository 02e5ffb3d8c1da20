"""Every doctype that names a relation follows the relation's rights: hooks compared with the doctypes."""

import json
from pathlib import Path

from crm_relations import hooks

DOCTYPES = Path(__file__).resolve().parents[2] / "crm_relations" / "doctype"
RELATION = "Relation"
#: documents that a Dynamic Link names only beside a relation, or that no relation stands behind
NARROWS = "crm_relations.relations.permissions.condition"


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
	narrowed = {
		doctype
		for doctype, paths in hooks.permission_query_conditions.items()
		if NARROWS in ([paths] if isinstance(paths, str) else paths)
	}
	assert narrowed == expected


def test_documents_of_all_doctypes_that_name_a_relation_are_checked():
	found = doctypes()
	expected = {RELATION} | {
		name for name, doc in found.items() if names_a_relation(doc) and not doc.get("istable")
	}
	assert expected <= set(hooks.has_permission)
	assert all(
		isinstance(path, str) for path in hooks.has_permission.values()
	), "version 15 asks only the last"

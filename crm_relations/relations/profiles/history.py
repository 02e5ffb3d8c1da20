"""Record changes of a relation's data.

Sole writer of `Relation Profile Change`; writes `Version` for relations that are written set-based. Frappe
keeps a Version of each save, and sends its values to every user that opens the form, whatever the permlevel
of a field. So confidential values are moved from it to a separate log, which only the role for confidential
data can read. The Version still shows that the field was changed, by which user and when.
"""

import json
from collections.abc import Mapping
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.utils import cstr, now

from crm_relations.relations.profiles.attributes import confidential_fields
from crm_relations.relations.profiles.completeness import FIELD as COMPLETENESS
from crm_relations.shared.text.outside_text import insert_rows

HIDDEN = "•••"
#: relation → field → (old, new)
Changes = Mapping[str, Mapping[str, tuple[Any, Any]]]

VERSION = ("name", "owner", "modified_by", "creation", "modified", "ref_doctype", "docname", "data")
CHANGE = (
	"name",
	"owner",
	"modified_by",
	"creation",
	"modified",
	"relation",
	"profile_field",
	"changed_by",
	"changed_at",
	"old_value",
	"new_value",
)


def record(changes: Changes) -> None:
	"""Record what a set-based write changed, as a save would: two inserts, however many relations."""
	confidential = confidential_fields()
	stamp, user = now(), frappe.session.user
	versions, log = [], []
	for relation, fields in changes.items():
		changed = []
		for field, (old, new) in fields.items():
			if cstr(old) == cstr(new):
				continue
			if field in confidential:
				log.append(_entry(relation, field, old, new, stamp, user))
				old = new = HIDDEN
			changed.append([field, _plain(old), _plain(new)])
		if changed:
			data = _json({"added": [], "changed": changed, "removed": [], "row_changed": []})
			name = frappe.generate_hash(length=10)
			versions.append((name, user, user, stamp, stamp, "Relation", relation, data))
	if versions:
		insert_rows("Version", VERSION, versions)
	_write(log)


def take_confidential_out(version: Document) -> None:
	"""Move confidential values of a relation's Version to their own log before the Version is stored."""
	if version.ref_doctype != "Relation" or not version.data:
		return
	data = json.loads(version.data)
	confidential, stamp, user = confidential_fields(), now(), frappe.session.user
	log, kept = [], []
	for field, old, new in data.get("changed") or []:
		if field == COMPLETENESS:
			continue  # derived from the others
		if field in confidential:
			log.append(_entry(version.docname, field, old, new, stamp, user))
			old = new = HIDDEN
		kept.append([field, old, new])
	if kept != data.get("changed"):
		data["changed"] = kept
		version.data = _json(data)
	_write(log)


def forget(doc: Document) -> None:
	"""Delete the confidential log of a deleted relation."""
	frappe.db.delete("Relation Profile Change", {"relation": doc.name})


def _entry(relation: str, field: str, old: Any, new: Any, stamp: str, user: str) -> tuple:
	name = frappe.generate_hash(length=10)
	return (name, user, user, stamp, stamp, relation, field, user, stamp, cstr(old), cstr(new))


def _write(log: list[tuple]) -> None:
	if log:
		insert_rows("Relation Profile Change", CHANGE, log)


def _json(data: dict) -> str:
	return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
	return value if isinstance(value, int | float) else cstr(value)

"""Find what users have built on our doctypes and fields before the app is removed, and make it harmless.

The search uses meta data: every field of the site that links to a DocType, Report, Role or other document of
ours, every Custom Field that links to our doctypes, and every text that is run as code. `plan` only reads, so
that the same list can be shown before anything is changed; `apply` carries it out. Nothing is deleted without
a copy in the archive.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import frappe

from crm_relations.ledger import dimension
from crm_relations.setup import collisions, custom_fields, shipped

DELETE, DISABLE, CHANGE = "deleted", "disabled", "changed"

#: Check fields that disable a document, and the value that does it
SWITCHES = {"enabled": 0, "is_active": 0, "published": 0, "disabled": 1, "disable": 1}
#: doctype, field with the doctype: records about our documents only. They are deleted with them, in one query
#: each.
LOGS = (
	("Comment", "reference_doctype"),
	("Version", "ref_doctype"),
	("View Log", "reference_doctype"),
	("Notification Log", "document_type"),
	("Activity Log", "reference_doctype"),
	("Communication Link", "link_doctype"),
	("Dynamic Link", "link_doctype"),
	("Event Participants", "reference_doctype"),
	("Tag Link", "document_type"),
	("Document Follow", "ref_doctype"),
	("DocShare", "share_doctype"),
	("User Permission", "allow"),
	("User Permission", "applicable_for"),
	("List View Settings", "name"),
	("Data Import", "reference_doctype"),
	("Deleted Document", "deleted_doctype"),
	("Energy Point Log", "reference_doctype"),
	("Milestone", "reference_type"),
	("Reminder", "reminder_doctype"),
	("Workflow Action", "reference_doctype"),
	("Submission Queue", "ref_doctype"),
	("Document Share Key", "reference_doctype"),
	("Error Log", "reference_doctype"),
	("Integration Request", "reference_doctype"),
)
#: doctype, field with the doctype, field with the name: the user's documents stay and lose the reference
KEPT = (
	("ToDo", "reference_type", "reference_name"),
	("Communication", "reference_doctype", "reference_name"),
	("File", "attached_to_doctype", "attached_to_name"),
	("Email Queue", "reference_doctype", "reference_name"),
	("Event", "reference_doctype", "reference_docname"),
)
#: part of a doctype of ours, deleted with it
PARTS = (
	("Custom Field", "dt"),
	("Property Setter", "doc_type"),
	("Client Script", "dt"),
	("Custom DocPerm", "parent"),
)
#: useless without what they show, and without a switch
SHOWN_ONLY = (
	"Number Card",
	"Dashboard Chart",
	"Kanban Board",
	"List Filter",
	"Calendar View",
	"DocType Layout",
	"Custom Role",
)
#: rows of a page: each one stands for the document it names
ROWS = (
	"Workspace Shortcut", "Workspace Link", "Workspace Chart", "Workspace Number Card", "Workspace Quick List",
	"Workspace Sidebar Item", "Dashboard Chart Link", "Number Card Link", "Global Search DocType", "DocType Link",
	"Session Default", "Repost Allowed Types",
)  # fmt: skip
#: child doctype → field with the fieldname of the document its parent is about
ROWS_OF_FIELDS = {
	"Web Form Field": "fieldname",
	"Webhook Data": "fieldname",
	"Document Naming Rule Condition": "field",
	"DocType Layout Field": "fieldname",
}
_TEXTS = ("Code", "Data", "Select", "Small Text", "Text", "Long Text", "JSON", "HTML Editor", "Text Editor")
SUBSTITUTE = "System Manager"


@dataclass(frozen=True)
class Change:
	"""What happens to one document. `because` names what it refers to."""

	doctype: str
	name: str
	action: str
	because: str
	values: dict[str, Any] = field(default_factory=dict, hash=False)
	#: for a row: the document it belongs to
	parent: tuple[str, str] | None = None


@dataclass(frozen=True)
class LinkField:
	"""A field that links to `target`."""

	doctype: str
	fieldname: str
	target: str
	required: bool


def plan() -> list[Change]:
	"""Return what must change before the app is removed. Reads only."""
	going = _documents_of_the_module()
	with_the_app = {doctype: set(names) for doctype, names in going.items()}
	changes: dict[tuple[str, str], Change] = {}
	links = _link_fields()
	while True:
		found = [*_linking(links, going), *_choosing(going)]
		new = [change for change in found if (change.doctype, change.name) not in changes]
		for change in new:
			changes.setdefault((change.doctype, change.name), change)
			if change.action == DELETE:
				going[change.doctype].add(change.name)
		if not new:
			break
	for change in (*_roles(), *_custom_links(), *_mentions(), *_rows_of_fields(), *_setters()):
		known = changes.get((change.doctype, change.name))
		if not known or (known.action == CHANGE and change.action != CHANGE):
			changes[change.doctype, change.name] = change
	return [
		change
		for change in changes.values()
		if change.name not in with_the_app.get(change.doctype, ())
		and not (change.parent and change.parent[1] in with_the_app.get(change.parent[0], ()))
	]


def apply(changes: Iterable[Change]) -> None:
	"""Carry out a plan."""
	changes = list(changes)
	_clean_workspaces([change for change in changes if change.action == DELETE and change.parent])
	for change in changes:
		if change.action == DELETE and change.parent:
			frappe.db.delete(change.doctype, {"name": change.name})
		elif change.action == DELETE:
			frappe.delete_doc(
				change.doctype, change.name, force=True, ignore_permissions=True, ignore_on_trash=True
			)
		elif frappe.get_meta(change.doctype).issingle:
			for fieldname, value in change.values.items():
				frappe.db.set_single_value(change.doctype, fieldname, value, update_modified=False)
		else:
			frappe.db.set_value(change.doctype, change.name, change.values, update_modified=False)
	for doctype in {
		_doctype_of_field(change) for change in changes if change.doctype in ("Custom Field", "DocField")
	}:
		frappe.clear_cache(doctype=doctype)


def _doctype_of_field(change: Change) -> str:
	return change.because.split(".")[0]


def _documents_of_the_module() -> dict[str, set[str]]:
	"""Return doctype → names that are removed with the app: what carries the module, and the campaign
	dimension.
	"""
	going: dict[str, set[str]] = defaultdict(set)
	for row in _fields({"fieldtype": "Link", "options": "Module Def"}):
		if _has_table(row.parent) and not frappe.get_meta(row.parent).issingle:
			names = frappe.get_all(
				row.parent, {row.fieldname: shipped.MODULE}, pluck="name", order_by="name asc"
			)
			going[row.parent] |= set(names)
	going["DocType"] |= set(shipped.doctypes())
	going["Accounting Dimension"] |= set(
		frappe.get_all(
			"Accounting Dimension",
			{"document_type": dimension.DOCUMENT_TYPE},
			pluck="name",
			order_by="name asc",
		)
	)
	return going


def _fields(filters: dict) -> list[frappe._dict]:
	"""Return DocFields and Custom Fields, with `parent` as the doctype they belong to."""
	columns = ["name", "fieldname", "fieldtype", "options", "reqd"]
	standard = frappe.get_all("DocField", filters=filters, fields=["parent", *columns], order_by="name asc")
	custom = frappe.get_all(
		"Custom Field", filters=filters, fields=["dt as parent", *columns], order_by="name asc"
	)
	return [*standard, *custom]


def _has_table(doctype: str) -> bool:
	"""Tell whether rows of this doctype may refer to us: it is neither ours, nor virtual, nor missing."""
	if doctype in shipped.doctypes() or not frappe.db.exists("DocType", doctype):
		return False
	meta = frappe.get_meta(doctype)
	return not meta.get("is_virtual") and (meta.issingle or frappe.db.table_exists(doctype))


def _link_fields() -> list[LinkField]:
	targets = [
		"DocType", "Report", "Page", "Number Card", "Dashboard Chart", "Dashboard", "Workspace", "Notification",
		"Print Format", "Kanban Board", "Custom HTML Block", "Web Form", "Form Tour", "Module Onboarding",
	]  # fmt: skip
	apart = {*(row[:2] for row in LOGS), *(row[:2] for row in KEPT), ("DocType", "module")}
	return [
		LinkField(row.parent, row.fieldname, row.options, bool(row.reqd))
		for row in _fields({"fieldtype": "Link", "options": ["in", targets]})
		if (row.parent, row.fieldname) not in apart and _has_table(row.parent)
	]


def _linking(links: list[LinkField], going: dict[str, set[str]]) -> Iterator[Change]:
	"""Yield documents with a link to something that is removed."""
	for link in links:
		names = sorted(going.get(link.target, ()))
		if not names:
			continue
		meta = frappe.get_meta(link.doctype)
		if meta.issingle:
			value = frappe.db.get_single_value(link.doctype, link.fieldname)
			if value in names:
				yield Change(link.doctype, link.doctype, CHANGE, value, {link.fieldname: None})
			continue
		columns = ["name", f"{link.fieldname} as target", *(["parenttype", "parent"] if meta.istable else [])]
		rows = frappe.get_all(link.doctype, {link.fieldname: ["in", names]}, columns, order_by="name asc")
		for row in rows:
			yield _change(link, meta, row)


def _change(link: LinkField, meta: Any, row: frappe._dict) -> Change:
	"""Choose the change by what the document can do without: its link, its switch, or itself."""
	because = f"{link.target} {row.target}"
	if meta.istable:
		if link.required or link.doctype in ROWS:
			return Change(link.doctype, row.name, DELETE, because, parent=(row.parenttype, row.parent))
		values = _cleared(meta, link.fieldname)
		return Change(link.doctype, row.name, CHANGE, because, values, (row.parenttype, row.parent))
	if link.doctype in SHOWN_ONLY or (link.doctype, link.fieldname) in PARTS:
		return Change(link.doctype, row.name, DELETE, because)
	switch = next((name for name in SWITCHES if meta.has_field(name)), None)
	if switch and (link.required or link.doctype in ("Server Script", "Print Format")):
		return Change(link.doctype, row.name, DISABLE, because, _off(meta, switch))
	if link.required:
		return Change(link.doctype, row.name, DELETE, because)
	return Change(link.doctype, row.name, CHANGE, because, _cleared(meta, link.fieldname))


def _off(meta: Any, switch: str) -> dict[str, Any]:
	values = {switch: SWITCHES[switch]}
	if meta.name == "Auto Repeat":
		values["status"] = "Disabled"
	return values


def _cleared(meta: Any, fieldname: str) -> dict[str, Any]:
	"""Return the link and the dynamic links that depend on it, emptied."""
	dependent = [
		df.fieldname for df in meta.get("fields", {"fieldtype": "Dynamic Link", "options": fieldname})
	]
	return dict.fromkeys([fieldname, *dependent])


def _choosing(going: dict[str, set[str]]) -> Iterator[Change]:
	"""Yield rows of workspaces and the like: a choice of kind (DocType, Report, Page …) and a dynamic link."""
	for row in _fields({"fieldtype": "Dynamic Link"}):
		if row.parent not in ROWS or not _has_table(row.parent):
			continue
		found = frappe.get_all(
			row.parent,
			{row.options: ["in", list(going)]},
			["name", f"{row.options} as kind", f"{row.fieldname} as target", "parenttype", "parent"],
			order_by="name asc",
		)
		for each in found:
			if each.target in going[each.kind] and each.parent not in going.get(each.parenttype, ()):
				parent = (each.parenttype, each.parent)
				yield Change(row.parent, each.name, DELETE, f"{each.kind} {each.target}", parent=parent)
	children = frappe.get_all(
		"Workspace",
		{"parent_page": ["in", sorted(going["Workspace"])]},
		["name", "parent_page"],
		order_by="name asc",
	)
	for page in children:
		yield Change("Workspace", page.name, CHANGE, f"Workspace {page.parent_page}", {"parent_page": ""})


def _roles() -> Iterator[Change]:
	"""Yield links to our roles.

	A document that only our roles could open is left to the System Manager: without a role, Frappe would open
	it to every user.
	"""
	for row in _fields({"fieldtype": "Link", "options": "Role"}):
		if row.parent in ("Has Role", "Custom DocPerm", "DocPerm", "ToDo") or not _has_table(row.parent):
			continue
		meta = frappe.get_meta(row.parent)
		if meta.issingle:
			value = frappe.db.get_single_value(row.parent, row.fieldname)
			if value in shipped.ROLES:
				yield Change(row.parent, row.parent, CHANGE, f"Role {value}", {row.fieldname: SUBSTITUTE})
			continue
		for name, role in frappe.get_all(
			row.parent,
			{row.fieldname: ["in", shipped.ROLES]},
			["name", row.fieldname],
			order_by="name asc",
			as_list=True,
		):
			yield Change(row.parent, name, CHANGE, f"Role {role}", {row.fieldname: SUBSTITUTE})
	yield from _last_roles("Has Role", {"parenttype": ["not in", ["User", "Role Profile"]]})
	yield from _last_roles("Custom DocPerm", {"parent": ["not in", shipped.doctypes()]})


def _last_roles(doctype: str, filters: dict) -> Iterator[Change]:
	"""Yield rows of parents on which all roles are ours: the first one gets the substitute, `uninstall`
	deletes the others.
	"""
	kind = ["parenttype"] if doctype == "Has Role" else []
	rows = frappe.get_all(doctype, filters, ["name", "parent", "role", *kind], order_by="parent asc, idx asc")
	by_parent: dict[tuple, list[frappe._dict]] = defaultdict(list)
	for row in rows:
		by_parent[row.get("parenttype"), row.parent].append(row)
	for (parenttype, parent), own in by_parent.items():
		if all(row.role in shipped.ROLES for row in own) and parent not in shipped.records().get(
			parenttype, ()
		):
			because = f"{parenttype or 'DocType'} {parent}: {own[0].role}"
			yield Change(doctype, own[0].name, CHANGE, because, {"role": SUBSTITUTE})


def _custom_links() -> Iterator[Change]:
	"""Yield fields that users have made on doctypes that stay. A link becomes text, so that its values stay
	readable.
	"""
	ours = shipped.doctypes()
	custom_doctypes = frappe.get_all("DocType", {"custom": 1}, pluck="name", order_by="name asc")
	rows = [
		("Custom Field", row)
		for row in frappe.get_all(
			"Custom Field",
			{"dt": ["not in", ours]},
			["name", "dt", "fieldname", "fieldtype", "options", "fetch_from"],
			order_by="name asc",
		)
	]
	rows += [
		("DocField", row)
		for row in frappe.get_all(
			"DocField",
			{"parent": ["in", custom_doctypes]},
			["name", "parent as dt", "fieldname", "fieldtype", "options", "fetch_from"],
			order_by="name asc",
		)
	]
	lost = {doctype: set(names) for doctype, names in collisions.fieldnames().items()}
	for _kind, row in rows:
		if row.fieldtype == "Link" and row.options in ours:
			lost.setdefault(row.dt, set()).add(row.fieldname)
	for kind, row in rows:
		because = f"{row.dt}.{row.fieldname}"
		if row.fieldname in collisions.fieldnames().get(row.dt, ()) and custom_fields.is_ours(row):
			continue  # ours, or of our dimension
		if row.fieldtype == "Link" and row.options in ours:
			values = {"fieldtype": "Data", "options": "", "read_only": 1, "fetch_from": ""}
			yield Change(kind, row.name, CHANGE, because, values)
		elif row.fieldtype in frappe.model.table_fields and row.options in ours:
			yield Change(kind, row.name, DELETE, because)
		elif row.fetch_from and row.fetch_from.split(".")[0] in lost.get(row.dt, ()):
			yield Change(kind, row.name, CHANGE, because, {"fetch_from": ""})


def _mentions() -> Iterator[Change]:
	"""Yield documents with code that names our doctypes or fields and runs on documents that stay."""
	children = _children_with_code()
	for doctype, switch in _doctypes_with_code(children).items():
		meta = frappe.get_meta(doctype)
		for row, text in _texts(meta, switch, children.get(doctype, ())):
			about = {
				row.get(df.fieldname)
				for df in meta.get("fields", {"fieldtype": "Link", "options": "DocType"})
			}
			if word := mentioned(text, {name for name in about if name}):
				if switch:
					yield Change(doctype, row.name, DISABLE, word, _off(meta, switch))
				else:
					yield Change(doctype, row.name, DELETE, word)


def _doctypes_with_code(children: Iterable[str]) -> dict[str, str | None]:
	"""Return doctype → its switch, of all doctypes that hold code, including those without a switch that only
	show something.
	"""
	found: dict[str, str | None] = {}
	coded = frappe.get_all("DocField", {"fieldtype": "Code"}, pluck="parent", order_by="parent asc")
	for doctype in sorted({*coded, *children}):
		if doctype == "User" or not _has_table(doctype):  # a user is not a piece of code
			continue
		meta = frappe.get_meta(doctype)
		switch = next((name for name in SWITCHES if meta.has_field(name)), None)
		if switch and not meta.istable and not meta.issingle:
			found[doctype] = switch
	found |= {doctype: None for doctype in SHOWN_ONLY if _has_table(doctype) and doctype != "DocType Layout"}
	if _has_table("Auto Email Report"):
		found["Auto Email Report"] = "enabled"
	return found


def _children_with_code() -> dict[str, list[str]]:
	"""Return doctype of Frappe → its child doctypes with code, such as the transitions of a workflow."""
	modules = frappe.get_all("Module Def", {"app_name": "frappe"}, pluck="name", order_by="name asc")
	own = set(frappe.get_all("DocType", {"module": ["in", modules]}, pluck="name", order_by="name asc"))
	coded = {row.parent for row in _fields({"fieldtype": "Code"})}
	found: dict[str, list[str]] = defaultdict(list)
	for row in _fields({"fieldtype": "Table"}):
		if row.parent in own and row.options in coded and frappe.db.table_exists(row.options):
			found[row.parent].append(row.options)
	return dict(found)


def _texts(meta: Any, switch: str | None, children: Iterable[str]) -> Iterator[tuple[frappe._dict, str]]:
	"""Yield active documents, each with its texts and those of its rows."""
	names = [df.fieldname for df in meta.fields if df.fieldtype in _TEXTS and not df.get("is_virtual")]
	links = [df.fieldname for df in meta.get("fields", {"fieldtype": "Link", "options": "DocType"})]
	filters = {switch: 1 - SWITCHES[switch]} if switch else {}
	rows = frappe.get_all(meta.name, filters, ["name", *dict.fromkeys([*names, *links])], order_by="name asc")
	texts = {row.name: [str(row.get(name) or "") for name in names] for row in rows}
	for child in children:
		columns = [df.fieldname for df in frappe.get_meta(child).fields if df.fieldtype in _TEXTS]
		for row in frappe.get_all(
			child, {"parenttype": meta.name}, ["parent", *columns], order_by="name asc"
		):
			if row.parent in texts:
				texts[row.parent] += [str(row.get(name) or "") for name in columns]
	for row in rows:
		yield row, "\n".join(texts[row.name])


def mentioned(text: str, about: set[str]) -> str | None:
	"""Return the first of our names that a text uses: a doctype in quotes or as a table, a module, a field of
	ours.

	:param about: the doctypes that the text runs on; if they have no field of ours, one of that name is
		theirs
	"""
	quoted = "|".join(re.escape(name) for name in shipped.doctypes())
	if match := re.search(rf"tab(?:{quoted})\b|[\"'`](?:{quoted})[\"'`]|\bcrm_relations\.", text):
		return match[0]
	ours = collisions.fieldnames()
	names = {name for doctype in about for name in ours.get(doctype, ())} if about else {"relation_campaign"}
	for name in sorted(names, reverse=True):
		alone = rf"\b{name}\b|" if "_" in name else ""  # the other one is also an ordinary word
		if match := re.search(rf"{alone}\.{name}\b|[\"'`]{name}[\"'`]|^{name}$", text, re.MULTILINE):
			return match[0]
	return None


def _rows_of_fields() -> Iterator[Change]:
	"""Yield rows that name a field of ours: a field of a web form, a value of a webhook."""
	ours = collisions.fieldnames()
	for child, fieldname in ROWS_OF_FIELDS.items():
		if not _has_table(child):
			continue
		rows = frappe.get_all(
			child,
			{fieldname: ["in", list(custom_fields.OPTIONS)]},
			["name", "parenttype", "parent", f"{fieldname} as target"],
			order_by="name asc",
		)
		for row in rows:
			meta = frappe.get_meta(row.parenttype)
			link = next(iter(meta.get("fields", {"fieldtype": "Link", "options": "DocType"})), None)
			about = link and frappe.db.get_value(row.parenttype, row.parent, link.fieldname)
			if row.target in ours.get(about, ()):
				yield Change(
					child, row.name, DELETE, f"{about}.{row.target}", parent=(row.parenttype, row.parent)
				)


def _setters() -> Iterator[Change]:
	"""Yield Property Setters that make one of our fields the title, the order or a search field of a doctype
	that stays.
	"""
	ours = collisions.fieldnames()
	rows = frappe.get_all(
		"Property Setter",
		{"doc_type": ["in", list(ours)], "property": ["in", ["title_field", "sort_field", "search_fields"]]},
		["name", "doc_type", "property", "value"],
		order_by="name asc",
	)
	for row in rows:
		values = [value.strip() for value in (row.value or "").split(",")]
		kept = [value for value in values if value not in ours[row.doc_type]]
		if kept == values:
			continue
		because = f"{row.doc_type}.{row.property}"
		if kept and row.property == "search_fields":
			yield Change("Property Setter", row.name, CHANGE, because, {"value": ", ".join(kept)})
		else:
			yield Change("Property Setter", row.name, DELETE, because)


def _clean_workspaces(rows: list[Change]) -> None:
	"""Remove the blocks of deleted rows from the layout of workspaces."""
	labels: dict[str, set[str]] = defaultdict(set)
	for row in rows:
		if row.parent[0] == "Workspace":
			values = frappe.db.get_value(row.doctype, row.name, "*", as_dict=True)
			names = (
				values.get(key) for key in ("label", "chart_name", "number_card_name", "custom_block_name")
			)
			labels[row.parent[1]] |= {name for name in names if name}
	for workspace, gone in labels.items():
		blocks = json.loads(frappe.db.get_value("Workspace", workspace, "content") or "[]")
		kept = [block for block in blocks if not _shows(block, gone)]
		if len(kept) < len(blocks):
			frappe.db.set_value("Workspace", workspace, "content", json.dumps(kept), update_modified=False)


def _shows(block: dict, names: set[str]) -> bool:
	keys = ("shortcut_name", "chart_name", "number_card_name", "quick_list_name", "custom_block_name")
	return any((block.get("data") or {}).get(key) in names for key in keys)

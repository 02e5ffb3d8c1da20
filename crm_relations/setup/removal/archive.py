"""Write everything that an uninstall would lose into an archive, one JSON document per line.

`write` makes a folder: the rows of our doctypes with their names, what other documents say about them
(comments, tags, references of tasks and emails), the campaign and relation on ERPNext's documents, and the
settings. Figures, keys and queues are left out, since they can be recomputed. `restoring.restore` reads it.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import frappe
from frappe import _
from frappe.utils import now

import crm_relations
from crm_relations.campaigns.transport import signed_links
from crm_relations.setup import shipped
from crm_relations.setup.removal import references
from crm_relations.setup.removal.owned import forgotten_columns, own_columns
from crm_relations.shared.refusals import refuse

FORMAT = 1
MANIFEST = "manifest.json"
PAGE = 2000
#: recomputed from other data, or valid for the running site only
DERIVED = (
	"Relation Facts",
	"Relation Facts Item Group",
	"Relation Facts Classes",
	"Relation Contact Facts",
	"Relation Facts Queue",
	"Relation Segment Queue",
	"Relation Blocking Key",
	"Relation Deferred Step",
	"Relation Duplicate Search",
)
Progress = Callable[[str, int, int], None]


def default_folder() -> Path:
	"""Return a new folder in the site's private files. Frappe deletes old files of `private/backups`."""
	stamp = now()[:19].replace("-", "").replace(":", "").replace(" ", "-")
	return Path(frappe.get_site_path("private", f"crm_relations_archive-{stamp}")).absolute()


def write(
	folder: Path, changes: Iterable[references.Change] = (), on_progress: Progress = lambda *_args: None
) -> dict[str, Any]:
	"""Write the archive into a new or empty folder, readable by the owner only since it holds personal data.

	:param changes: what an uninstall is about to change; a copy of each document is kept in `objects.jsonl`
	:return: `folder`, and `rows` (file → number of lines)
	:raises frappe.ValidationError: the folder is not empty
	"""
	_prepare(folder)
	rows: dict[str, int] = {}
	parts = _parts()
	for place, (name, lines) in enumerate(parts, start=1):
		rows[name] = _write_lines(folder / name, lines)
		on_progress("archive", place, len(parts))
	rows["objects.jsonl"] = _write_lines(folder / "objects.jsonl", map(_object, changes))
	settings = {"singles": _singles(), "link_secret": signed_links.stored_secret()}
	_write_text(folder / "settings.json", json.dumps(settings, default=str, ensure_ascii=False, indent=1))
	manifest = {
		"format": FORMAT,
		"archive": frappe.generate_hash(length=16),
		"app_version": crm_relations.__version__,
		"site": frappe.local.site,
		"made_at": now(),
		"rows": rows,
	}
	# written last: a folder without it is incomplete
	_write_text(folder / MANIFEST, json.dumps(manifest, indent=1))
	return {"folder": str(folder), "rows": rows}


def archived_doctypes(tables: bool) -> list[str]:
	"""Return our doctypes that have a table; with `tables` the child doctypes."""
	return frappe.get_all(
		"DocType",
		{"module": shipped.MODULE, "issingle": 0, "istable": int(tables), "name": ["not in", DERIVED]},
		pluck="name",
		order_by="name asc",
	)


def _prepare(folder: Path) -> None:
	if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
		refuse(_("{0} exists and is not an empty folder. Name another one."), folder)
	try:
		folder.mkdir(mode=0o700, parents=True, exist_ok=True)
	except OSError as error:
		refuse(_("The folder {0} cannot be made: {1}"), folder, error.strerror)


def _parts() -> list[tuple[str, Iterator[dict]]]:
	"""Return file → its lines."""
	ours = list(shipped.doctypes())
	parts = [
		(f"rows-{frappe.scrub(doctype)}.jsonl", _rows(doctype))
		for doctype in (*archived_doctypes(tables=False), *archived_doctypes(tables=True))
	]
	for doctype, fieldname in (*references.PARTS, *references.LOGS):
		if fieldname != "deleted_doctype" and has_fields(doctype, fieldname):
			prefix = "parts" if (doctype, fieldname) in references.PARTS else "about"
			name = f"{prefix}-{frappe.scrub(doctype)}-{fieldname}.jsonl"
			parts.append((name, _rows(doctype, fieldname, ours)))
	for doctype, *fields in references.KEPT:
		if has_fields(doctype, *fields):
			parts.append((f"cells-{frappe.scrub(doctype)}-{fields[0]}.jsonl", _cells(doctype, fields, ours)))
	for doctype, fieldname in sorted(own_columns() | forgotten_columns()):
		parts.append((f"cells-{frappe.scrub(doctype)}-{fieldname}.jsonl", _cells(doctype, [fieldname])))
	return parts


def has_fields(doctype: str, *fields: str) -> bool:
	"""Tell whether the doctype and all these columns exist: versions of Frappe differ."""
	return bool(frappe.db.exists("DocType", doctype)) and all(
		frappe.db.has_column(doctype, fieldname) for fieldname in fields
	)


def _rows(doctype: str, fieldname: str | None = None, values: list[str] | None = None) -> Iterator[dict]:
	"""Yield whole rows, page by page along the key."""
	table = frappe.qb.DocType(doctype)
	after = ""
	while True:
		query = (
			frappe.qb.from_(table)
			.select(table.star)
			.where(table.name > after)
			.orderby(table.name)
			.limit(PAGE)
		)
		if fieldname:
			query = query.where(table[fieldname].isin(values))
		page = query.run(as_dict=True)
		for row in page:
			yield {"doctype": doctype, **row}
		if len(page) < PAGE:
			return
		after = page[-1]["name"]


def _cells(doctype: str, fields: list[str], values: list[str] | None = None) -> Iterator[dict]:
	"""Yield the name and these fields of the rows in which the first field is filled."""
	table = frappe.qb.DocType(doctype)
	after = ""
	while True:
		query = frappe.qb.from_(table).select(table.name, *(table[name] for name in fields))
		first = table[fields[0]]
		query = query.where(first.isin(values) if values else first != "")
		page = query.where(table.name > after).orderby(table.name).limit(PAGE).run(as_dict=True)
		for row in page:
			yield {"doctype": doctype, **row}
		if len(page) < PAGE:
			return
		after = page[-1]["name"]


def _singles() -> dict[str, dict[str, Any]]:
	names = frappe.get_all(
		"DocType",
		{"module": shipped.MODULE, "issingle": 1, "name": ["not in", DERIVED]},
		pluck="name",
		order_by="name asc",
	)
	return {name: frappe.db.get_singles_dict(name) for name in names}


def _object(change: references.Change) -> dict[str, Any]:
	single = frappe.get_meta(change.doctype).issingle
	row = (
		frappe.db.get_singles_dict(change.doctype)
		if single
		else frappe.db.get_value(change.doctype, change.name, "*", as_dict=True)
	)
	if not single and not change.parent:
		row = frappe.get_doc(change.doctype, change.name).as_dict()
	return {
		"doctype": change.doctype,
		"name": change.name,
		"action": change.action,
		"because": change.because,
		"parent": change.parent,
		"document": row,
	}


def _write_lines(path: Path, lines: Iterable[dict]) -> int:
	number = 0
	with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
		for line in lines:
			file.write(json.dumps(line, default=str, ensure_ascii=False) + "\n")
			number += 1
	return number


def _write_text(path: Path, text: str) -> None:
	with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
		file.write(text)

"""Restore an archive of `archive.write` into a site with the app.

Documents keep their names, so that all references to them work again. What exists on the site stays as it is;
a second run adds nothing. Three things give way to the archive, once: the data seeded by the install, the
settings, and relations that were created from party documents since the install.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import frappe
from frappe import _
from frappe.query_builder import Table
from frappe.query_builder.functions import Count

from crm_relations.campaigns.transport import signed_links
from crm_relations.setup import shipped
from crm_relations.setup.removal import archive, owned, references
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.refusals import refuse

#: names of the archives that this site has restored
RESTORED_KEY = "crm_relations_restored"
#: what the install seeds; the archive has the administrator's version of it
SEEDED = (
	"Relation Role Type",
	"Relation Link Type",
	"Relation Profile Attribute",
	"Relation Profile Option",
	"Relation Consent Purpose",
)
CHUNK = 1000
Progress = Callable[[str, int, int], None]


def restore(folder: Path, on_progress: Progress = lambda *_args: None) -> dict[str, Any]:
	"""Restore an archive. Commits once, at the end; only the fields of attributes are created earlier.

	:return: by doctype, `restored` (rows written), `kept` (rows that the site has already) and `left_out`
		(rows that do not fit: their party document is missing, or another row has their unique value); `paused`:
		campaigns that ran
	:raises frappe.ValidationError: the folder holds no complete archive of this format
	"""
	manifest = _read_manifest(folder)
	done = (frappe.db.get_default(RESTORED_KEY) or "").split("\n")
	first_time = manifest["archive"] not in done
	report = _Report()
	_restore_parts(folder, manifest)
	if first_time:
		_delete_seeded(folder, manifest)
		_restore_settings(folder)
	_adopt_parties(folder)
	doctypes = [*archive.archived_doctypes(tables=False), *archive.archived_doctypes(tables=True)]
	known: dict[str, set[str]] = {}
	for place, doctype in enumerate(doctypes, start=1):
		path = folder / f"rows-{frappe.scrub(doctype)}.jsonl"
		if path.exists():
			_restore_rows(doctype, path, known, report)
		on_progress("restore", place, len(doctypes))
	for file in sorted(manifest["rows"]):
		if file.startswith("about-"):
			_restore_about(folder / file, report)
		elif file.startswith("cells-"):
			_restore_cells(folder / file, report)
	frappe.db.set_default(RESTORED_KEY, "\n".join(dict.fromkeys([*filter(None, done), manifest["archive"]])))
	frappe.db.commit()
	frappe.clear_cache()
	return {"archive": manifest["archive"], "made_at": manifest["made_at"], **report.as_dict()}


class _Report:
	"""Counts by doctype."""

	def __init__(self) -> None:
		self.by: dict[str, dict[str, int]] = defaultdict(lambda: {"restored": 0, "kept": 0, "left_out": 0})
		self.paused: list[str] = []

	def add(self, doctype: str, **counts: int) -> None:
		for key, number in counts.items():
			self.by[doctype][key] += number

	def as_dict(self) -> dict[str, Any]:
		return {"by": dict(self.by), "paused": self.paused}


def _read_manifest(folder: Path) -> dict[str, Any]:
	path = folder / archive.MANIFEST
	if not path.is_file():
		refuse(_("{0} holds no complete archive: {1} is missing."), folder, archive.MANIFEST)
	try:
		manifest = json.loads(path.read_text(encoding="utf-8"))
	except ValueError:
		refuse(_("{0} cannot be read: it is not a JSON document."), path)
	if manifest.get("format") != archive.FORMAT:
		refuse(_("{0}: this version of the app reads archives of format {1} only."), folder, archive.FORMAT)
	for name, rows in manifest["rows"].items():
		file = folder / name
		if not file.is_file() or sum(1 for _line in file.open(encoding="utf-8")) != rows:
			refuse(_("{0} is missing or incomplete: {1} lines are expected."), file, rows)
	return manifest


def _lines(path: Path) -> Iterator[dict[str, Any]]:
	with path.open(encoding="utf-8") as file:
		for line in file:
			yield json.loads(line)


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
	iterator = iter(rows)
	while chunk := list(islice(iterator, CHUNK)):
		yield chunk


def _restore_parts(folder: Path, manifest: dict) -> None:
	"""Restore attributes and customizations of our doctypes. Custom Fields come first: the rows need their
	columns.
	"""
	files = [name for name in manifest["rows"] if name.startswith("parts-")]
	for file in sorted(files, key=lambda name: (not name.startswith("parts-custom_field"), name)):
		for row in _lines(folder / file):
			if not frappe.db.exists(row["doctype"], row["name"]):
				doc = trusted(frappe.get_doc(row))
				doc.flags.ignore_permissions = doc.flags.ignore_links = doc.flags.ignore_validate = True
				doc.insert(set_name=row["name"])


def _delete_seeded(folder: Path, manifest: dict) -> None:
	"""Delete what the install has seeded under a name of the archive, with its rows."""
	for doctype in SEEDED:
		path = folder / f"rows-{frappe.scrub(doctype)}.jsonl"
		names = [row["name"] for row in _lines(path)] if path.exists() else []
		seeded = frappe.get_all(
			doctype,
			{"name": ["in", names], "creation": [">", manifest["made_at"]]},
			pluck="name",
			order_by="name asc",
		)
		if seeded:
			for table in frappe.get_meta(doctype).get_table_fields():
				frappe.db.delete(table.options, {"parenttype": doctype, "parent": ["in", seeded]})
			frappe.db.delete(doctype, {"name": ["in", seeded]})


def _restore_settings(folder: Path) -> None:
	settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
	for doctype, values in settings["singles"].items():
		meta = frappe.get_meta(doctype)
		for table in meta.get_table_fields():
			frappe.db.delete(table.options, {"parenttype": doctype})
		known = {fieldname: value for fieldname, value in values.items() if meta.has_field(fieldname)}
		frappe.db.set_single_value(doctype, known, update_modified=False)
	if settings.get("link_secret"):
		signed_links.replace_secret(settings["link_secret"])


def _adopt_parties(folder: Path) -> None:
	"""Replace relations created since the install by the archived ones of the same party document; references
	follow.
	"""
	parties = frappe.qb.DocType("Relation Party")
	there = {
		(party_type, party): relation
		for party_type, party, relation in frappe.qb.from_(parties)
		.select(parties.party_type, parties.party, parties.parent)
		.run()
	}
	new_to_old: dict[str, str] = {}
	path = folder / "rows-relation_party.jsonl"
	for row in _lines(path) if path.exists() else ():
		relation = there.get((row["party_type"], row["party"]))
		if relation and relation != row["parent"]:
			new_to_old.setdefault(relation, row["parent"])
	archived = {row["name"] for row in _lines(folder / "rows-relation.jsonl")}
	# a relation of the archive that exists already has received this party since
	new_to_old = {new: old for new, old in new_to_old.items() if new not in archived}
	if not new_to_old:
		return
	with_rows = frappe.get_meta("Relation").get_table_fields()
	for names in _chunks(new_to_old):
		for doctype in archive.DERIVED:
			if not frappe.get_meta(doctype).issingle and frappe.db.has_column(doctype, "relation"):
				frappe.db.delete(doctype, {"relation": ["in", names]})
		# the archive has the history; the newer relation only repeats its last stage
		frappe.db.delete("Relation Stage Log", {"relation": ["in", names]})
		for table in with_rows:
			frappe.db.delete(table.options, {"parenttype": "Relation", "parent": ["in", names]})
		frappe.db.delete("Relation", {"name": ["in", names]})
		_fill_temporary((new, new_to_old[new], None) for new in names)
		for doctype, fieldname in _links_to_relations():
			_follow(doctype, fieldname)
		for doctype, kind, name in references.KEPT:
			_follow(doctype, name, {kind: "Relation"})
		_follow("Comment", "reference_name", {"reference_doctype": "Relation"})


def _links_to_relations() -> list[tuple[str, str]]:
	"""Return (doctype, fieldname) of the links to Relation in our doctypes and on ERPNext's documents."""
	rows = frappe.get_all(
		"DocField",
		{"parent": ["in", shipped.doctypes()], "fieldtype": "Link", "options": "Relation"},
		["parent", "fieldname"],
		order_by="parent asc",
	)
	ours = [(row.parent, row.fieldname) for row in rows if not frappe.get_meta(row.parent).issingle]
	return [*ours, *(row for row in owned.own_columns() if row[1] == "relation")]


def _follow(doctype: str, fieldname: str, filters: dict[str, str] | None = None) -> None:
	table, changed = frappe.qb.DocType(doctype), Table("relation_restored")
	query = frappe.qb.update(table).join(changed).on(changed.name == table[fieldname])
	for column, value in (filters or {}).items():
		query = query.where(table[column] == value)
	query.set(table[fieldname], changed.first).run()


def _restore_rows(doctype: str, path: Path, known: dict[str, set[str]], report: _Report) -> None:
	"""Restore the rows of one of our doctypes.

	:param known: doctype → names that the site had before; their rows in tables stay as they are. New names
		are added.
	"""
	is_row = frappe.get_meta(doctype).istable
	before = known.setdefault(doctype, set())
	for rows in _chunks(_lines(path)):
		names = [row["name"] for row in rows]
		there = set(_existing(doctype, names))
		before |= there
		fitting = [row for row in rows if row["name"] not in there]
		if is_row:
			# singles have been emptied, or were restored earlier
			fitting = [row for row in fitting if row["parent"] not in known.get(row["parenttype"], ())]
		kept = len(rows) - len(fitting)
		if doctype == "Relation Party":
			fitting = _with_documents(fitting)
		elif doctype == "Relation Campaign":
			for row in fitting:
				if row["status"] == "Running":
					row["status"] = "Paused"
					report.paused.append(row["name"])
		written = _insert(doctype, fitting)
		report.add(doctype, restored=written, kept=kept, left_out=len(rows) - kept - written)


def _with_documents(rows: list[dict]) -> list[dict]:
	"""Return the parties that still have a document."""
	by_type: dict[str, list[str]] = defaultdict(list)
	for row in rows:
		by_type[row["party_type"]].append(row["party"])
	there = {
		(doctype, name)
		for doctype, names in by_type.items()
		if frappe.db.exists("DocType", doctype)
		for name in _existing(doctype, names)
	}
	return [row for row in rows if (row["party_type"], row["party"]) in there]


def _existing(doctype: str, names: list[str]) -> list[str]:
	table = frappe.qb.DocType(doctype)
	return frappe.qb.from_(table).select(table.name).where(table.name.isin(names)).run(pluck=True)


def _insert(doctype: str, rows: list[dict]) -> int:
	"""Write rows with the columns that this version has; return how many were written."""
	if not rows:
		return 0
	columns = [name for name in frappe.db.get_table_columns(doctype) if name in rows[0]]
	query = frappe.qb.into(frappe.qb.DocType(doctype)).columns(*columns).ignore()
	query.insert(*[tuple(row.get(name) for name in columns) for row in rows]).run()
	table = frappe.qb.DocType(doctype)
	names = [row["name"] for row in rows]
	return frappe.qb.from_(table).select(Count("*")).where(table.name.isin(names)).run()[0][0]


def _restore_about(path: Path, report: _Report) -> None:
	"""Restore comments, versions, tags, permissions and the like of our documents."""
	for rows in _chunks(_lines(path)):
		doctype = rows[0]["doctype"]
		there = set(_existing(doctype, [row["name"] for row in rows]))
		fitting = [row for row in rows if row["name"] not in there]
		written = _insert(doctype, fitting)
		report.add(doctype, restored=written, kept=len(there), left_out=len(fitting) - written)


def _restore_cells(path: Path, report: _Report) -> None:
	"""Restore relation, campaign and references on foreign documents, where they are empty now."""
	for rows in _chunks(_lines(path)):
		doctype = rows[0]["doctype"]
		fields = [name for name in rows[0] if name not in ("doctype", "name")]
		if not archive.has_fields(doctype, *fields):
			report.add(doctype, left_out=len(rows))
			continue
		_fill_temporary(
			(row["name"], *(row[name] for name in fields), *([None] * (2 - len(fields)))) for row in rows
		)
		table, values = frappe.qb.DocType(doctype), Table("relation_restored")
		empty = table[fields[0]].isnull() | (table[fields[0]] == "")
		waiting = (
			frappe.qb.from_(table).join(values).on(values.name == table.name).select(Count("*")).where(empty)
		)
		number = waiting.run()[0][0]
		query = frappe.qb.update(table).join(values).on(values.name == table.name).where(empty)
		for fieldname, value in zip(fields, (values.first, values.second), strict=False):
			query = query.set(table[fieldname], value)
		query.run()
		report.add(doctype, restored=number, kept=len(rows) - number)


def _fill_temporary(rows: Iterable[tuple]) -> None:
	"""Fill a table with names and values that an UPDATE joins. A temporary table commits nothing; the comment
	shows Frappe that.
	"""
	frappe.db.sql("/* temporary */ DROP TEMPORARY TABLE IF EXISTS `relation_restored`")
	frappe.db.sql(
		"/* temporary */ CREATE TEMPORARY TABLE `relation_restored` (`name` varchar(140) PRIMARY KEY,"
		" `first` varchar(255), `second` varchar(255))"
		" CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
	)
	for chunk in _chunks(rows):
		query = frappe.qb.into(Table("relation_restored")).columns("name", "first", "second")
		query.insert(*chunk).run()

"""Import relations from files: reading, preview, and the job that writes.

Sole writer of `Relation Import`; writes its rows of `Relation Import Record`. The job goes through the file
in pages. A page's relations, its records and the number of rows done are committed together. So a job that
was killed continues where it stopped, and nothing is created twice.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from html import unescape
from itertools import chain
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint, now, strip_html

from crm_relations.relations.exchange import fields, planning
from crm_relations.relations.exchange.files import conventions, file_rows, opt_outs, parsing, vcards
from crm_relations.relations.exchange.files.file_rows import CSV, VCARD, XLSX, FileRows, Pages
from crm_relations.relations.exchange.files.headings import REPEATED, heading_key
from crm_relations.relations.exchange.files.parsing import Record, Table
from crm_relations.relations.exchange.files.unreadable import Unreadable
from crm_relations.relations.exchange.findings import Findings
from crm_relations.relations.exchange.planning import CREATE, REJECT, UNCHANGED, UPDATE, Plan, Planner
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.jobs.single_job import enqueue_once
from crm_relations.shared.refusals import refuse
from crm_relations.shared.text.outside_text import insert_rows, plain_values

DOCTYPE = "Relation Import"
RECORD = "Relation Import Record"
#: rows per page: one commit each
PAGE = 500
#: up to this many rows are checked while the user waits; more, in a job
AT_ONCE = 200
#: files up to these sizes are read while the user waits; only the beginning of larger ones is
AT_ONCE_BYTES = {CSV: 1024 * 1024, VCARD: 1024 * 1024, XLSX: 200 * 1024}
#: rows examined to guess what the columns mean
SAMPLE = 200
#: rows in the form; the file of the preview has all of them
SHOWN = 200
#: as large as 500,000 rows of 40 columns
MAX_BYTES = 200 * 1024 * 1024
#: rejected rows that are read at once
REASONS = 5000
#: jobs of one import that the queue may know at once: one running, one that was killed, one waiting
SLOTS = 3
#: figure of the document → the action that it counts
FIGURES = {"to_create": CREATE, "to_update": UPDATE, "unchanged": UNCHANGED, "rejected": REJECT}
RECORD_COLUMNS = (
	"name",
	"owner",
	"modified_by",
	"creation",
	"modified",
	"source",
	"file_name",
	"row_key",
	"row_number",
	"state",
	"reason",
	"document_type",
	"document_name",
)


# ── the document ───────────────────────────────────────────────────────────────────────────────


def check_unchanged(doc: Document) -> None:
	"""Refuse changes of an import that has begun: its processed rows belong to its file."""
	if doc.is_new():
		return
	before = doc.get_doc_before_save()
	if before and before.status in ("Importing", "Done") and doc.has_value_changed("import_file"):
		frappe.throw(_("File: the import has begun. Make a new one for another file."))


def read_columns(doc: Document) -> None:
	"""Detect format and columns of a new file; the meaning of each column is guessed from its heading."""
	if not doc.is_new() and not doc.has_value_changed("import_file"):
		return
	path = _path(doc)
	doc.update({"status": "Draft", "preview": None, "preview_file": None, "failure": None, "rows_done": 0})
	with open(path, "rb") as stream:
		doc.file_format = file_rows.format_of(stream)
		is_small = os.path.getsize(path) <= AT_ONCE_BYTES[doc.file_format]
		if doc.file_format == VCARD:
			doc.set("columns", [])
			with _named_refusals():
				doc.rows_total = sum(1 for _card in vcards.records_of(stream)) if is_small else 0
			return
		table = _read_table(doc.file_format, stream, 0 if is_small else SAMPLE)
	doc.rows_total = len(table.rows) if is_small else 0
	if [row.heading for row in doc.columns] == [text[:255] for text in table.heading]:
		return  # the user has set them already
	doc.set("columns", [])
	targets = parsing.guess_columns(table.heading, fields.headings())
	for place, heading in enumerate(table.heading):
		values = [cells[place] for _line, cells in table.rows[:SAMPLE] if place < len(cells) and cells[place]]
		target = targets[place]
		if not target and heading_key(heading) in opt_outs.STATUS_HEADINGS and opt_outs.is_status(values):
			target = "optout_status"
		sample = values[0][:255] if values else ""
		doc.append("columns", {"heading": heading[:255], "sample": sample, "target": target})


def check_columns(doc: Document) -> None:
	"""Check that each column has an existing field, and no two have the same.

	:raises frappe.ValidationError: names row and column
	"""
	known, seen = fields.targets(), set()
	for row in doc.columns:
		if not row.target or row.target == "-":
			continue
		if row.target not in known:
			refuse(
				_("Columns, row {0}: {1} is not a field of a relation. Choose one from the list."),
				row.idx,
				row.target,
			)
		if row.target in seen and row.target not in REPEATED:
			refuse(
				_("Columns, row {0}: two columns go to {1}. Choose another field for one of them."),
				row.idx,
				known[row.target],
			)
		seen.add(row.target)


def forget(doc: Document) -> None:
	"""Delete the records of a deleted import; the relations that it created stay."""
	frappe.db.delete(RECORD, {"source": _source(doc.name)})


# ── reading ────────────────────────────────────────────────────────────────────────────────────


def records_of(doc: Document) -> FileRows:
	"""Yield the rows or cards of the file in order; each pass reads the file again."""
	path = _path(doc)
	targets = [row.target or "" for row in doc.columns]
	if doc.file_format != VCARD:
		with open(path, "rb") as stream:
			table = _open_table(doc.file_format, stream)
		if len(targets) != len(table.heading):
			frappe.throw(_("Columns: the file has other columns now. Attach it again."))
	return FileRows(path, doc.file_format, targets)


def planner_for(doc: Document, rows: FileRows) -> Planner:
	"""Return a planner that reads the rows by the conventions of the whole file, and by the user's choices.

	The file is read once to find the conventions.
	"""
	dates = [name for name, df in fields.Reader().fields.items() if df.fieldtype == "Date"]
	with _named_refusals():
		found = conventions.survey(rows, dates, doc.date_order or "", doc.names_as or "")
	return Planner(doc.existing, found, f"{doc.name}, {os.path.basename(doc.import_file)}")


def _path(doc: Document) -> str:
	"""Return the path of the file, if the session's user may read it.

	:raises frappe.PermissionError: and errors that name the field
	"""
	name = frappe.db.get_value("File", {"file_url": doc.import_file}, "name", order_by="creation desc")
	if not name:
		refuse(_("File: {0} does not exist. Attach it again."), doc.import_file)
	file = frappe.get_doc("File", name)
	if not file.has_permission("read"):
		frappe.throw(_("File: you may not read it. Attach it again."), frappe.PermissionError)
	path = file.get_full_path()
	if max(cint(file.file_size), os.path.getsize(path)) > MAX_BYTES:
		refuse(_("File: it is larger than {0} MB. Split it."), MAX_BYTES // 1024 // 1024)
	return path


def _open_table(file_format: str, stream: BinaryIO) -> Table:
	with _named_refusals():
		return file_rows.open_table(file_format, stream)


def _read_table(file_format: str, stream: BinaryIO, limit: int = 0) -> Table:
	"""Return the table with its rows, or with this many of them."""
	with _named_refusals():
		return parsing.held(file_rows.open_table(file_format, stream), limit)


@contextmanager
def _named_refusals() -> Iterator[None]:
	"""Show read errors in the user's language."""
	try:
		yield
	except Unreadable as error:
		refuse(_("File: {0}"), error.message(_))


# ── preview ────────────────────────────────────────────────────────────────────────────────────


def start_check(doc: Document) -> str:
	"""Check a small file at once, a large one in a job; return a message for the user."""
	size = cint(frappe.db.get_value("File", {"file_url": doc.import_file}, "file_size"))
	if doc.rows_total <= AT_ONCE and size <= AT_ONCE_BYTES.get(doc.file_format, 0):
		check(doc.name)
		return _("Checked. Nothing has been written yet.")
	_enqueue(check_job, doc)
	return _("The file is being checked. You will be notified when this is done.")


def check(name: str) -> None:
	"""Preview each row: counts and first rows in the document, all of them in a file. Writes no relation."""
	doc = frappe.get_doc(DOCTYPE, name)
	rows = records_of(doc)
	planner = planner_for(doc, rows)
	pages, found = Pages(rows), Findings()
	first: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
	with TemporaryFile() as table:
		table.write(parsing.write_table(_preview_heading(), ()))
		for start in range(0, rows.total, PAGE):
			plans = planner.plan(pages.read(start, PAGE))
			found.add(plans)
			table.write(parsing.write_rows(_preview_rows(plans)))
			if start < SHOWN * 50:
				for plan in plans:
					if len(first[plan.action == REJECT]) < SHOWN:
						first[plan.action == REJECT].append(_as_row(plan))
			_progress(doc, start, rows.total, _("Checking"))
		table.seek(0)
		preview_file = _attach(doc, f"preview-{doc.name}.csv", table.read())
	doc.update(
		{
			"status": "Checked",
			"rows_total": rows.total,
			"rows_done": 0,
			**{field: found.actions[action] for field, action in FIGURES.items()},
			"failure": None,
			"rejected_file": None,
			**found.counts(),
			"findings": _json(found.texts(planner.conventions)),
			"preview": _json([*first[True], *first[False]][:SHOWN]),
			"preview_file": preview_file,
		}
	)
	_save(doc)


def _as_row(plan: Plan) -> dict[str, Any]:
	relation = plan.relation if plan.relation and not plan.relation.startswith(planning.ROW) else None
	return {
		"row": plan.record.number,
		"action": plan.action,
		"title": plan.title,
		"relation": relation,
		"reason": plan.reason,
		"details": plan.details,
	}


def _json(value: Any) -> str:
	"""Return the stored JSON; it contains values from the file, which must never be shown as HTML."""
	return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _preview_heading() -> Sequence[str]:
	return _("Row"), _("Result"), _("Name"), _("Relation"), _("Reason"), _("Details")


def _preview_rows(plans: Iterable[Plan]) -> Iterator[Sequence[object]]:
	words = {CREATE: _("New"), UPDATE: _("Changed"), UNCHANGED: _("Unchanged"), REJECT: _("Rejected")}
	for plan in plans:
		row = _as_row(plan)
		details = "; ".join(plan.details)
		yield row["row"], words[plan.action], plan.title, row["relation"], plan.reason, details


# ── the job ────────────────────────────────────────────────────────────────────────────────────


def start_import(doc: Document) -> str:
	"""Queue the import; return a message for the user. An import that has stopped continues where it stopped."""
	if doc.status not in ("Checked", "Importing", "Failed"):
		frappe.throw(_("Check the file first, then start the import."))
	_set(doc, {"status": "Importing", "failure": None})
	_enqueue(import_job, doc)
	return _("The import has been started. You will be notified when it is done.")


def _enqueue(method: Any, doc: Document) -> None:
	"""Queue a job unless one is waiting already. Two running jobs do no harm; they take turns at the pages."""
	enqueue_once(method, doc.name, slots=SLOTS, timeout=4 * 60 * 60, name=doc.name)


def check_job(name: str) -> None:
	"""Run the queued preview of a large file."""
	_guarded(name, check)


def import_job(name: str) -> None:
	"""Run the queued import."""
	_guarded(name, run)


def _guarded(name: str, step: Any) -> None:
	"""Record in the document that a job failed; the rows done before stay done."""
	try:
		step(name)
	except Exception as error:
		frappe.db.rollback()
		doc = frappe.get_doc(DOCTYPE, name)
		_set(doc, {"status": "Failed", "failure": unescape(strip_html(str(error))) or type(error).__name__})
		frappe.db.commit()
		raise
	frappe.db.commit()
	doc = frappe.get_doc(DOCTYPE, name)
	doc.notify_update()


def run(name: str) -> None:
	"""Write the rows that are not done yet. Commits after each page.

	The document is locked while a page is written, and read again under the lock: a second job on the same
	import continues after the first one's page.
	"""
	doc = frappe.get_doc(DOCTYPE, name)
	rows = records_of(doc)
	planner = planner_for(doc, rows)
	pages = Pages(rows)
	while True:
		doc = frappe.get_doc(DOCTYPE, name, for_update=True)
		done = cint(doc.rows_done)
		if done >= rows.total:
			break
		plans = planner.carry_out(pages.read(done, PAGE), "relation_import_row")
		_keep(doc, plans)
		totals = planning.counts(plans)
		before = dict.fromkeys(FIGURES, 0) if not done else {f: cint(doc.get(f)) for f in FIGURES}
		figures = {field: before[field] + totals[action] for field, action in FIGURES.items()}
		_set(doc, {"rows_done": done + len(plans), "rows_total": rows.total, **figures})
		frappe.db.commit()
		_progress(doc, done + len(plans), rows.total, _("Importing"))
	if doc.status != "Done":
		_set(doc, {"status": "Done", "rejected_file": _rejected_file(doc, rows)})
	frappe.db.commit()


def _keep(doc: Document, plans: list[Plan]) -> None:
	"""Insert a record of each row, in the transaction that writes its relation."""
	stamp, user, source = now(), frappe.session.user, _source(doc.name)
	rows = [
		(
			frappe.generate_hash(length=10),
			user,
			user,
			stamp,
			stamp,
			source,
			doc.import_file[-140:],
			str(plan.record.number),
			plan.record.number,
			"Rejected" if plan.action == REJECT else "Imported",
			plan.reason or None,
			"Relation" if plan.relation else None,
			plan.relation,
		)
		for plan in plans
	]
	insert_rows(RECORD, RECORD_COLUMNS, rows)


def _rejected_file(doc: Document, rows: FileRows) -> str | None:
	"""Write the unchanged rejected rows with their reasons into a file: to be corrected and imported again."""
	left = _rejected(rows, _reasons(doc))
	first = next(left, None)
	if not first:
		return None
	with TemporaryFile() as out:
		if doc.file_format == VCARD:
			for record, reason in chain([first], left):
				out.write(f"{vcards.rejected(record, reason)}\n".encode())
		else:
			heading = [parsing.REASON, *(row.heading for row in doc.columns)]
			out.write(parsing.write_table(heading, ()))
			for record, reason in chain([first], left):
				out.write(parsing.write_rows([[reason, *map(parsing.unguarded, record.raw)]]))
		out.seek(0)
		ending = "vcf" if doc.file_format == VCARD else "csv"
		return _attach(doc, f"rejected-{doc.name}.{ending}", out.read())


def _reasons(doc: Document) -> Iterator[tuple[int, str]]:
	"""Yield number and reason of each rejected row, in order."""
	record, after = frappe.qb.DocType(RECORD), 0
	query = frappe.qb.from_(record).select(record.row_number, record.reason).orderby(record.row_number)
	query = query.where((record.source == _source(doc.name)) & (record.state == "Rejected"))
	while found := query.where(record.row_number > after).limit(REASONS).run():
		yield from ((number, reason or "") for number, reason in found)
		after = found[-1][0]


def _rejected(rows: FileRows, reasons: Iterator[tuple[int, str]]) -> Iterator[tuple[Record, str]]:
	"""Yield the records that have a reason; both are in the order of the file."""
	wanted = next(reasons, None)
	if not wanted:
		return
	for record in rows:
		if record.number == wanted[0]:
			yield record, wanted[1]
			wanted = next(reasons, None)
			if not wanted:
				return


def _attach(doc: Document, file_name: str, content: bytes) -> str:
	"""Attach a private file; return its address."""
	file = frappe.get_doc(
		{
			"doctype": "File",
			"file_name": file_name,
			"attached_to_doctype": DOCTYPE,
			"attached_to_name": doc.name,
			"is_private": 1,
			"content": content,
		}
	)
	return file.insert(ignore_permissions=True).file_url


def _source(name: str) -> str:
	return f"{DOCTYPE} {name}"


def _set(doc: Document, values: dict[str, Any]) -> None:
	"""Write figures without the checks of the form."""
	doc.update(plain_values(DOCTYPE, values))
	frappe.db.set_value(DOCTYPE, doc.name, plain_values(DOCTYPE, values))


def _save(doc: Document) -> None:
	trusted(doc).save(ignore_permissions=True)


def _progress(doc: Document, done: int, total: int, title: str) -> None:
	frappe.publish_progress(
		done * 100 / max(total, 1), title=title, doctype=DOCTYPE, docname=doc.name, description=doc.name
	)

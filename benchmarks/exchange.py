"""Measure preview and import of an address file, against Frappe's Data Import of the same documents.

Ours: an address file of 40 columns as Outlook and HubSpot write them
(`crm_relations/tests/support/address_file.py`), previewed and imported as the jobs do it. Rows are read and
compared with existing relations, employers are created and linked, and opt-outs are recorded. Blocking keys
are written, duplicates are searched, and changes are announced.

Peer: Frappe's Data Import (`Insert New Records`) of the first rows of the same file into the documents that
ours creates: the employers, the persons with their further addresses, and the links between them. It gets the
values from our reader, because it reads neither German dates nor countries. It does not compare rows with
existing ones, and records no opt-outs. It saves one document at a time, with all our events. `persons` counts
its seconds for the persons alone. Its rows are independent of each other. Its seconds are therefore measured
on few rows (`--peer-rows`) and compared by row. Half as many rows as ours imports exist before. This is the
average that ours finds during its import: the duplicate search takes longer with more relations.

Both run without commits, in processor time of Python and of the database's thread; everything is rolled back.
Bar: 0.1.

`--memory preview` or `--memory import` shows instead the memory of our job during the run.

	BENCH_DIR=~/frappe-bench SITE=demo.localhost ~/frappe-bench/env/bin/python benchmarks/exchange.py --rows 10000
"""

import argparse
import atexit
import csv
import io
import os
import resource
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import frappe
from frappe.core.doctype.data_import.importer import Importer
from measuring import Clock, connected_site, report, row

from crm_relations.relations.exchange import importing
from crm_relations.relations.exchange.fields import Reader
from crm_relations.relations.rules import WORKS_FOR
from crm_relations.tests.support.address_file import HEADING, address_file, address_rows

BAR = 0.1
#: fields of a further contact point
POINT = ("point_type", "value", "label")
ROWS, PEER_ROWS, ROUNDS = 10_000, 300, 2


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
	parser.add_argument("--rows", type=int, default=ROWS, help="rows of the file")
	parser.add_argument("--peer-rows", type=int, default=PEER_ROWS, help="rows that Data Import gets")
	parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often both run, in turn")
	parser.add_argument("--memory", choices=("preview", "import"), help="only the memory of this job of ours")
	arguments = parser.parse_args()
	with connected_site():
		frappe.db.commit = let_go if arguments.memory else lambda *_args, **_keywords: None
		frappe.publish_progress = lambda *_args, **_keywords: None
		if arguments.memory:
			memory(arguments.memory, arguments.rows)
			return
		rows = compared(arguments)
	report(rows)


def let_go(*_args: Any, **_keywords: Any) -> None:
	"""Clear everything that waits for a commit, as a commit does, without a commit."""
	frappe.db.after_commit.reset()
	frappe.db.after_rollback.reset()
	frappe.local._realtime_log = []


def memory(figure: str, rows: int) -> None:
	"""Print current and highest resident megabytes ten times during the run."""
	calls = 0

	def progress(*_args: Any, **_keywords: Any) -> None:
		nonlocal calls
		calls += 1
		if calls % max(rows // importing.PAGE // 10, 1) == 0:
			print(min(calls * importing.PAGE, rows), "rows", *megabytes(), flush=True)

	frappe.publish_progress = progress
	step = importing.check if figure == "preview" else importing.run
	doc = new_import(f"{frappe.generate_hash(length=6)}.csv", rows)
	print("before", *megabytes())
	step(doc.name)
	print("done", *megabytes())


def megabytes() -> tuple[float, float]:
	with open("/proc/self/statm") as file:
		now = int(file.read().split()[1]) * resource.getpagesize() / 1024**2
	return round(now, 1), round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def new_import(file_name: str, rows: int) -> Any:
	"""Return an import of a generated file, which is written to the disk row by row."""
	path = frappe.get_site_path("private", "files", file_name)
	with open(path, "w", encoding="utf-8-sig", newline="") as out:
		writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
		writer.writerow(HEADING)
		writer.writerows(address_rows(rows, file_name.partition(".")[0]))
	frappe.db.after_rollback.add(lambda: os.remove(path))
	atexit.register(lambda: os.path.exists(path) and os.remove(path))
	# a File would hash the content, and keep it in memory for that
	file = frappe.get_doc({"doctype": "File", "file_name": file_name, "is_private": 1})
	file.update({"name": file_name, "file_url": f"/private/files/{file_name}", "owner": "Administrator"})
	file.db_insert()
	return frappe.get_doc({"doctype": "Relation Import", "import_file": file.file_url}).insert()


def compared(arguments: argparse.Namespace) -> list[dict[str, Any]]:
	"""Run both in turn, after a small round that fills the caches."""
	ours(50), peer(50)
	mine, theirs = [], []
	for number in range(arguments.rounds):
		pair = (
			lambda: mine.append(ours(arguments.rows)),
			lambda: theirs.append(peer(arguments.peer_rows, beside=arguments.rows // 2)),
		)
		for one in reversed(pair) if number % 2 else pair:
			one()
	return [
		row(
			f"{figure} of {arguments.rows} rows against {against}, seconds a row",
			[one[figure] / arguments.rows for one in mine],
			[one[against] / arguments.peer_rows for one in theirs],
			BAR,
			seconds=[round(one[figure], 1) for one in mine],
			wall=[round(one[f"{figure}, wall"], 1) for one in mine],
			load=os.getloadavg()[0],
			peer_rows=arguments.peer_rows,
		)
		for figure, against in (
			("preview", "the same documents"),
			("import", "persons"),
			("import", "the same documents"),
		)
	]


def ours(rows: int) -> dict[str, float]:
	"""Return the seconds of preview and import, and megabytes of memory at the end of each."""
	tag = frappe.generate_hash(length=6)
	file = private_file(f"{tag}.csv", address_file(rows, tag))
	doc = frappe.get_doc({"doctype": "Relation Import", "import_file": file}).insert()
	result: dict[str, float] = {}
	for figure, step in (("preview", importing.check), ("import", importing.run)):
		began = perf_counter()
		result[figure] = spent(lambda step=step: step(doc.name))
		result[f"{figure}, wall"] = perf_counter() - began
		result[f"{figure}, MB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
	doc.reload()
	if doc.status != "Done" or doc.to_create + doc.to_update != rows:
		raise SystemExit(
			f"{doc.status}: {doc.to_create} + {doc.to_update} of {rows} rows, {doc.rejected} rejected"
		)
	frappe.db.rollback()
	return result


def peer(rows: int, beside: int = 0) -> dict[str, float]:
	"""Return the seconds in which Data Import inserts the same documents: all of them, and the persons alone.

	:param beside: number of rows of another file that ours imports before the clock starts
	"""
	tag = frappe.generate_hash(length=6)
	if beside:
		other = private_file(f"{tag}-beside.csv", address_file(beside, f"{tag}b"))
		importing.run(frappe.get_doc({"doctype": "Relation Import", "import_file": other}).insert().name)
	found = read_rows(rows, tag)
	employers = sorted({company for _doc, company in found if company})
	organisations = inserted(
		"Relation",
		("relation_name", "relation_kind"),
		[(name, "Organisation") for name in employers],
		len(employers),
	)
	fields = [name for name in Reader().fields if any(doc.get(name) for doc, _company in found)]
	cells = [line for doc, _company in found for line in lines_of(doc, fields)]
	persons = inserted("Relation", [*fields, *(f"contact_points.{field}" for field in POINT)], cells, rows)
	names = dict(frappe.get_all("Relation", fields=["relation_name", "name"], limit=0, as_list=True))
	pairs = {(names[doc.relation_name], names[company]) for doc, company in found if company}
	links = inserted(
		"Relation Link",
		("relation", "link_type", "related_relation"),
		[(relation, WORKS_FOR, organisation) for relation, organisation in sorted(pairs)],
		len(pairs),
	)
	frappe.db.rollback()
	return {"persons": persons, "the same documents": organisations + persons + links}


def read_rows(rows: int, tag: str) -> list[tuple[Any, str]]:
	"""Return the documents that our reader creates from the rows of the file, each with the name of its
	employer.
	"""
	file = private_file(f"{tag}-read.csv", address_file(rows, tag))
	doc = frappe.get_doc({"doctype": "Relation Import", "import_file": file}).insert()
	records = importing.records_of(doc)
	planner = importing.planner_for(doc, records)
	return [
		(planner.plan_one(record, check=False).doc, record.company) for record in planner.prepared(records)
	]


def lines_of(doc: Any, fields: list[str]) -> list[list[Any]]:
	"""Return the lines of a document as Data Import reads them: further rows of its table below, with empty
	cells before.
	"""
	points = [[row.get(field) for field in POINT] for row in doc.contact_points] or [[None] * len(POINT)]
	own = [doc.get(name) or None for name in fields]
	return [(own if not number else [None] * len(own)) + point for number, point in enumerate(points)]


def inserted(doctype: str, columns: Sequence[str], cells: list[Any], documents: int) -> float:
	"""Return the seconds in which Data Import inserts these documents."""
	out = io.StringIO(newline="")
	writer = csv.writer(out)
	writer.writerow(columns)
	writer.writerows(cells)
	file = private_file(f"{frappe.generate_hash(length=6)}-peer.csv", out.getvalue().encode())
	frappe.get_meta(doctype).allow_import = 1  # a site does not offer it for links
	doc = frappe.get_doc(
		{
			"doctype": "Data Import",
			"reference_doctype": doctype,
			"import_type": "Insert New Records",
			"import_file": file,
			"mute_emails": 1,
		}
	).insert()
	before = frappe.db.count(doctype)
	try:
		taken = spent(lambda: Importer(doctype, data_import=doc).import_data())
	finally:
		frappe.flags.in_import = False
	made = frappe.db.count(doctype) - before
	if made != documents:
		log = frappe.get_all(
			"Data Import Log",
			{"data_import": doc.name, "success": 0},
			["messages"],
			limit=1,
			order_by="creation asc",
		)
		raise SystemExit(f"Data Import made {made} of {documents} {doctype}: {log} {doc.template_warnings}")
	return taken


def private_file(name: str, content: bytes) -> str:
	return (
		frappe.get_doc({"doctype": "File", "file_name": name, "is_private": 1, "content": content})
		.insert()
		.file_url
	)


def spent(function: Callable[[], Any]) -> float:
	clock = Clock.of_connection()
	start = clock.read()
	function()
	return clock.read() - start


if __name__ == "__main__":
	main()

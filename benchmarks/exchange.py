"""What an import of an address file costs: its preview and its import, against Frappe's Data Import of the same persons.

Ours: an address file of 40 columns as Outlook and HubSpot write them (`crm_relations/tests/support/address_file.py`), previewed and
imported as the jobs do it: rows read and compared with those that are there, employers made and linked, opt-outs recorded,
keys written, duplicates searched, changes announced.

Peer: Frappe's Data Import (`Insert New Records`) of the first rows of the same file into Relation. It gets the values as our
reader has read them, for it reads neither German dates nor countries, and only the fields of Relation: no employers, no further
addresses, no opt-outs. It saves a document a row, with all our events. Its rows are independent of each other, so its seconds are
measured on few (`--peer-rows`) and compared by the row. Half of as many rows as ours imports are there before, the mean of what ours
finds on its way: the search for duplicates takes the longer the more there are.

Both without commits, in processor time of Python and of the database's thread; everything is rolled back. Bar: 0.1.

	BENCH_DIR=~/frappe-bench SITE=demo.localhost ~/frappe-bench/env/bin/python benchmarks/exchange.py --rows 10000
"""

import argparse
import csv
import io
import os
import resource
from collections.abc import Callable
from time import perf_counter
from typing import Any

import frappe
from frappe.core.doctype.data_import.importer import Importer
from measuring import Clock, connected_site, report, row

from crm_relations.relations.exchange import importing
from crm_relations.relations.exchange.fields import Reader
from crm_relations.tests.support.address_file import address_file

BAR = 0.1
ROWS, PEER_ROWS, ROUNDS = 10_000, 300, 2


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
	parser.add_argument("--rows", type=int, default=ROWS, help="rows of the file")
	parser.add_argument("--peer-rows", type=int, default=PEER_ROWS, help="rows that Data Import gets")
	parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often both run, in turn")
	parser.add_argument("--memory", action="store_true", help="only the memory of ours")
	arguments = parser.parse_args()
	with connected_site():
		frappe.db.commit = lambda *_args, **_keywords: None
		frappe.publish_progress = lambda *_args, **_keywords: None
		if arguments.memory:
			print(ours(arguments.rows))
			return
		rows = compared(arguments)
	report(rows)


def compared(arguments: argparse.Namespace) -> list[dict[str, Any]]:
	"""Both in turn, after a small round that fills the caches."""
	ours(50), peer(50)
	mine, theirs = [], []
	for number in range(arguments.rounds):
		pair = (
			lambda: mine.append(ours(arguments.rows)),
			lambda: theirs.append(peer(arguments.peer_rows, beside=arguments.rows // 2)),
		)
		for one in reversed(pair) if number % 2 else pair:
			one()
	a_row = [one / arguments.peer_rows for one in theirs]
	return [
		row(
			f"{figure} of {arguments.rows} rows, seconds a row",
			[one[figure] / arguments.rows for one in mine],
			a_row,
			BAR,
			seconds=[round(one[figure], 1) for one in mine],
			wall=[round(one[f"{figure}, wall"], 1) for one in mine],
			load=os.getloadavg()[0],
			peer_rows=arguments.peer_rows,
		)
		for figure in ("preview", "import")
	]


def ours(rows: int) -> dict[str, float]:
	"""Seconds of preview and import, and megabytes of memory at the end of each."""
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


def peer(rows: int, beside: int = 0) -> float:
	"""Seconds in which Data Import inserts the same persons.

	:param beside: so many rows of another file are there already, imported by ours off the clock
	"""
	tag = frappe.generate_hash(length=6)
	if beside:
		other = private_file(f"{tag}-beside.csv", address_file(beside, f"{tag}b"))
		importing.run(frappe.get_doc({"doctype": "Relation Import", "import_file": other}).insert().name)
	file = private_file(f"{tag}-peer.csv", read_values(rows, tag))
	doc = frappe.get_doc(
		{
			"doctype": "Data Import",
			"reference_doctype": "Relation",
			"import_type": "Insert New Records",
			"import_file": file,
			"mute_emails": 1,
		}
	).insert()
	before = frappe.db.count("Relation")
	try:
		taken = spent(lambda: Importer("Relation", data_import=doc).import_data())
	finally:
		frappe.flags.in_import = False
	made = frappe.db.count("Relation") - before
	if made != rows:
		log = frappe.get_all(
			"Data Import Log", {"data_import": doc.name, "success": 0}, ["messages"], limit=1
		)
		raise SystemExit(f"Data Import made {made} of {rows}: {log} {doc.template_warnings}")
	frappe.db.rollback()
	return taken


def read_values(rows: int, tag: str) -> bytes:
	"""The rows of the address file with the values that our reader finds, under the fields of Relation."""
	file = private_file(f"{tag}-read.csv", address_file(rows, tag))
	doc = frappe.get_doc({"doctype": "Relation Import", "import_file": file}).insert()
	records = importing.records_of(doc)
	planner = importing.planner_for(doc, records)
	values = [planner.plan_one(record, check=False).doc for record in planner.prepared(records)]
	columns = [name for name in Reader().fields if any(one.get(name) for one in values)]
	out = io.StringIO(newline="")
	writer = csv.writer(out)
	writer.writerow(columns)
	writer.writerows([one.get(name) or "" for name in columns] for one in values)
	return out.getvalue().encode()


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

"""Measure the cost of our keys on ERPNext's tables: inserts with them, against the same inserts without them.

Two copies of each table, one with our keys and one without, contain the same rows of the site. The same new
rows are inserted into both, in turn, and rolled back. `more_us` is the additional processor time of a row in
microseconds. A 10-line invoice writes 1 row of Sales Invoice, 10 of Sales Invoice Item, about 13 of GL Entry
and 1 of Payment Ledger Entry.

The copies are created, and dropped at the end. Use a site with rows and without users. Needs MariaDB.

	BENCH_DIR=~/frappe-bench SITE=demo.localhost ~/frappe-bench/env/bin/python benchmarks/keys.py
"""

import argparse
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

import frappe
from measuring import connected_site, in_turn, report, row, timed

from crm_relations.setup.indexes import ON_ERPNEXT

BAR = 1.25
PATIENCE = 20.0
WITH, WITHOUT = "relation_keys_with", "relation_keys_without"


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
	parser.add_argument("--held", type=int, default=200_000, help="rows that the tables hold")
	parser.add_argument("--rows", type=int, default=5_000, help="rows that are written")
	parser.add_argument("--rounds", type=int, default=7)
	arguments = parser.parse_args()
	with connected_site():
		found = [
			measure(doctype, arguments.held, arguments.rows, arguments.rounds)
			for doctype in dict.fromkeys(key[0] for key in ON_ERPNEXT)
		]
		report([each for each in found if each])


def measure(doctype: str, held: int, rows: int, rounds: int) -> dict[str, Any] | None:
	"""Return the row of the report; None if the site has too few rows to write."""
	if frappe.db.estimate_count(doctype) < rows:
		print(f"{doctype}: fewer than {rows} rows, left out", file=sys.stderr)
		return None
	keys = [key[1] for key in ON_ERPNEXT if key[0] == doctype]
	try:
		for name in (WITH, WITHOUT):
			frappe.db.sql_ddl(f"CREATE TABLE `{name}` LIKE `tab{doctype}`")
			if name == WITHOUT:
				for key in keys:
					frappe.db.sql_ddl(f"ALTER TABLE `{name}` DROP INDEX `{key}`")
			frappe.db.sql(f"INSERT INTO `{name}` SELECT * FROM `tab{doctype}` LIMIT {int(held)}")
		frappe.db.commit()
		ours, peer = in_turn(writes(WITH, rows), writes(WITHOUT, rows), rounds, PATIENCE)
	finally:
		for name in (WITH, WITHOUT):
			frappe.db.sql_ddl(f"DROP TABLE IF EXISTS `{name}`")
	more = (median(ours) - median(peer)) / rows * 1e6
	return row(f"{rows} rows of {doctype} with our keys / without", ours, peer, BAR, more_us=round(more, 1))


def writes(table: str, rows: int) -> Callable[[], float]:
	"""Return a function that inserts rows of the table again and rolls them back.

	The rows get other names and vouchers. The function returns the seconds of the insert.
	"""
	columns = [column[0] for column in frappe.db.sql(f"SHOW COLUMNS FROM `{table}`")]
	renamed = {"name", "voucher_no", "parent"} & set(columns)
	values = ", ".join(
		f"CONCAT('new-', SUBSTRING(`{column}`, 1, 130))" if column in renamed else f"`{column}`"
		for column in columns
	)
	names = ", ".join(f"`{column}`" for column in columns)
	query = (
		f"INSERT INTO `{table}` ({names}) SELECT {values} FROM (SELECT * FROM `{table}` LIMIT {int(rows)}) r"
	)

	def write() -> float:
		taken = timed(lambda: frappe.db.sql(query))
		frappe.db.rollback()
		return taken

	return write


if __name__ == "__main__":
	main()

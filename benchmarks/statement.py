"""Measure the statement of all campaigns on 2 million ledger rows and 1 million invoice lines, against bare
sums in SQL.

The peer sums the same rows, written by hand, on the same connection and with the same keys. It sums the
ledger by account and the attribution by campaign. It also sums the ledger rows, discounts, receivables and
settlements of attributed invoices by campaign and account. It checks nothing, splits no voucher of two
campaigns and names no difference. Seconds are processor time of this process and of its thread in the
database (see measuring.py); `wall` is wall-clock time.

`--steps` shows the cost of each query, `--plans` writes their EXPLAIN.

SQL generates the rows in the tables of the site. They are committed, and removed at the end (`--keep` leaves
them for the next run). Use a site without users. Needs MariaDB.

	BENCH_DIR=~/frappe-bench SITE=demo.localhost ~/frappe-bench/env/bin/python benchmarks/statement.py
"""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import frappe
from measuring import connected_site, report, row, timed
from statement_data import Books

from crm_relations.ledger.statements import statement as books
from crm_relations.ledger.statements.statement import company_or_default
from crm_relations.ledger.statements.temp_tables import for_sums, vouchers_once

BAR = 2.0
PLANS = Path(__file__).parent / "reports" / "statement_plans.md"

#: voucher → campaign
VOUCHERS = """(SELECT voucher_no, MIN(campaign) AS campaign FROM `tabRelation Attribution`
	WHERE company = %(company)s GROUP BY voucher_no) v"""
GL_ROWS = "gle.company = %(company)s AND gle.is_cancelled = 0 AND gle.posting_date <= CURDATE()"
PLE_ROWS = """ple.company = %(company)s AND ple.delinked = 0 AND ple.account_type = 'Receivable'
	AND ple.posting_date <= CURDATE()"""
#: the bare sums
SUMS = {
	"the ledger": f"""SELECT gle.account, SUM(gle.debit), SUM(gle.credit) FROM `tabGL Entry` gle
		WHERE {GL_ROWS} GROUP BY gle.account""",
	"attribution": """SELECT campaign, is_return, SUM(amount) FROM `tabRelation Attribution`
		WHERE company = %(company)s AND posting_date <= CURDATE() GROUP BY campaign, is_return""",
	"ledger rows of attributed invoices": f"""SELECT v.campaign, gle.account, SUM(gle.debit), SUM(gle.credit)
		FROM `tabGL Entry` gle JOIN {VOUCHERS} ON v.voucher_no = gle.voucher_no
		WHERE {GL_ROWS} AND gle.voucher_type = 'Sales Invoice' GROUP BY v.campaign, gle.account""",
	"discounts": """SELECT r.campaign, SUM(item.discount_amount * item.qty * invoice.conversion_rate)
		FROM `tabRelation Attribution` r JOIN `tabSales Invoice Item` item ON item.name = r.voucher_detail_no
		JOIN `tabSales Invoice` invoice ON invoice.name = item.parent
		WHERE r.company = %(company)s GROUP BY r.campaign""",
	"receivables": f"""SELECT v.campaign, SUM(ple.amount) FROM `tabPayment Ledger Entry` ple
		JOIN {VOUCHERS} ON v.voucher_no = ple.against_voucher_no WHERE {PLE_ROWS} GROUP BY v.campaign""",
	"ledger rows of what settles": f"""SELECT s.campaign, gle.account, SUM(gle.debit - gle.credit) FROM `tabGL Entry` gle
		JOIN (SELECT DISTINCT ple.voucher_no, v.campaign FROM `tabPayment Ledger Entry` ple
			JOIN {VOUCHERS} ON v.voucher_no = ple.against_voucher_no
			WHERE {PLE_ROWS} AND ple.voucher_type <> 'Sales Invoice') s ON s.voucher_no = gle.voucher_no
		WHERE {GL_ROWS} GROUP BY s.campaign, gle.account""",
}


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
	parser.add_argument("--rows", type=int, default=2_000_000, help="of the ledger")
	parser.add_argument("--lines", type=int, default=1_000_000, help="of invoices")
	parser.add_argument("--runs", type=int, default=3)
	parser.add_argument("--plans", action="store_true", help=f"write {PLANS.name}")
	parser.add_argument("--steps", action="store_true", help="tell what each question costs")
	parser.add_argument("--keep", action="store_true", help="leave the made-up rows for the next run")
	arguments = parser.parse_args()
	with connected_site():
		made = Books(arguments.rows, arguments.lines)
		made.load(say)
		try:
			if arguments.plans:
				write_plans()
			if arguments.steps:
				tell_steps()
			report([measure(arguments.runs)])
		finally:
			frappe.db.rollback()
			if not arguments.keep:
				made.remove(say)


def say(text: str) -> None:
	print(text, file=sys.stderr, flush=True)


def measure(runs: int) -> dict[str, Any]:
	"""Return the row of the report: ours and the peer in turn, after a warm-up run of each."""
	company = company_or_default()
	pairs = ((ours, "statement"), (bare_sums, "bare sums"))
	times: dict[str, list[tuple[float, float]]] = {name: [] for _function, name in pairs}
	for number in range(-1, runs):
		for function, name in pairs if number % 2 else reversed(pairs):
			taken = both(function)
			say(f"run {number + 1}: {name} {taken[0]:.1f} s, {taken[1]:.1f} s by the clock")
			if number >= 0:
				times[name].append(taken)
	result = books.statement(company)
	if result.difference or result.problems:
		sys.exit(f"The statement is off by {result.difference}: {result.problems[:3]}")
	seconds = {name: [one for one, _clock in found] for name, found in times.items()}
	clock = {name: median(two for _one, two in found) for name, found in times.items()}
	return row(
		"statement of all campaigns / the bare sums",
		seconds["statement"],
		seconds["bare sums"],
		BAR,
		wall=round(clock["statement"], 2),
		wall_peer=round(clock["bare sums"], 2),
		campaigns=len(result.campaigns),
		queries=len(statements()),
	)


def both(function: Callable[[], Any]) -> tuple[float, float]:
	"""Return processor time and wall-clock time of one call."""
	start = perf_counter()
	used = timed(function)
	return used, perf_counter() - start


def ours() -> None:
	books.statement(company_or_default())


def bare_sums() -> None:
	for query in SUMS.values():
		frappe.db.sql(query, {"company": company_or_default()})


def statements() -> list[str]:
	"""Return the queries of the statement in their order, with the values."""
	sent: list[str] = []
	original = frappe.db.sql

	def listening(*arguments: Any, **keywords: Any) -> Any:
		answer = original(*arguments, **keywords)
		sent.append(str(frappe.db._cursor._executed))
		return answer

	frappe.db.sql = listening
	try:
		ours()
	finally:
		del frappe.db.sql  # restores the method of the class
	return [query for query in sent if query.lstrip().lower().startswith("select")]


def tell_steps() -> None:
	asked = statements()
	with for_sums(), vouchers_once(books.scope_of()):
		for query in asked:
			used, clock = both(lambda query=query: frappe.db.sql(query))
			if used > 0.05:
				say(f"{used:.2f} s, {clock:.2f} s by the clock: {' '.join(query.split())[:300]}")
	for name, query in SUMS.items():
		used, clock = both(lambda query=query: frappe.db.sql(query, {"company": company_or_default()}))
		say(f"{used:.2f} s, {clock:.2f} s by the clock: {name}")


def without_names(query: str) -> str:
	"""Return the query on one line; a long list of names is cut to the first."""
	return re.sub(r"IN \(('[^']*')(,'[^']*'){9,}\)", r"IN (\1, …)", " ".join(query.split()))


def write_plans() -> None:
	"""Write the database's plan of each query."""
	parts = ["# Plans of the statement's questions\n\nWritten by `benchmarks/statement.py --plans`.\n"]
	for query in statements():
		with for_sums(), vouchers_once(books.scope_of()):
			plan = frappe.db.sql(f"EXPLAIN {query}", as_dict=True)
		if not any(step.table for step in plan):
			continue
		cells = ("id", "select_type", "table", "type", "key", "rows", "Extra")
		lines = ["| " + " | ".join(cells) + " |", "|" + "---|" * len(cells)]
		lines += ["| " + " | ".join(str(step.get(cell) or "") for cell in cells) + " |" for step in plan]
		parts.append(f"```sql\n{without_names(query)}\n```\n\n" + "\n".join(lines) + "\n")
	PLANS.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
	main()

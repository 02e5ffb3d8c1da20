"""Measure the figures of 200,000 customers with 2 million invoice lines: the full build, and the refresh of
1,000 parties.

Peers of the full build, both written by hand, on the same connection and with the same keys:

* *the same groups*: a GROUP BY over each table that the build reads (invoices, lines, orders, payment ledger,
  quotations), with the groups that its figures need. It writes nothing and reads no relations. This is the
  bar.
* *one GROUP BY*: invoices and lines by customer only: revenue of 12 and 24 months and in total, number of
  invoices, days, first and last. It is a part of the build, and is shown for comparison.

Ours writes its rows with their keys, classes included, in one transaction. The refresh of 1,000 relations is
compared with a fiftieth of the full build. All seconds are processor time of this process and of its thread
in the database (see measuring.py); `wall` is wall-clock time.

SQL generates the rows in the tables of the site. They are committed, and removed at the end (`--keep` leaves
them for the next run). Use a site without users. Needs MariaDB.

	BENCH_DIR=~/frappe-bench SITE=demo.localhost ~/frappe-bench/env/bin/python benchmarks/facts.py
"""

import argparse
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import frappe
from facts_data import ITEM_LINES, Shop
from frappe.utils import getdate, nowdate
from measuring import connected_site, report, row, timed

from crm_relations.relations.facts import build, classes, sql
from crm_relations.relations.facts.rules import months_before
from crm_relations.relations.facts.sources import FACTS, Scope
from crm_relations.shared.isolation import reading_what_is_committed

BAR_BUILD = 1.5
TIMES_FASTER = 50
CHANGED = 1_000


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
	parser.add_argument("--customers", type=int, default=200_000)
	parser.add_argument("--lines", type=int, default=2_000_000)
	parser.add_argument("--runs", type=int, default=2)
	parser.add_argument("--keep", action="store_true", help="leave the made-up rows for the next run")
	arguments = parser.parse_args()
	with connected_site():
		shop = Shop(arguments.customers, arguments.lines // ITEM_LINES)
		shop.load(say)
		try:
			report(measure(arguments.runs))
		finally:
			frappe.db.rollback()
			if not arguments.keep:
				shop.remove(say)
				build.rebuild()  # the figures of the site's own customers


def say(text: str) -> None:
	print(text, file=sys.stderr, flush=True)


def measure(runs: int) -> list[dict[str, Any]]:
	"""Return the rows of the report."""
	found: dict[str, list[tuple[float, float]]] = {}
	with reading_what_is_committed():
		sql.fill(FACTS, Scope(getdate(nowdate()), ("",), {}))  # warm: imports, meta
		for number in range(runs):
			for name, function in (
				("one", lambda: one_group_by()),
				("same", lambda: same_groups()),
				("first", lambda: first_build()),
				("again", lambda: build.fill_all(Scope(getdate(nowdate())))),
			):
				if name == "first":
					empty()
				found.setdefault(name, []).append(both(function))
				say(
					f"run {number + 1}: {name} {found[name][-1][0]:.1f} s, {found[name][-1][1]:.1f} s by the clock"
				)
				frappe.db.commit()
		names = changed_relations()
		found["refresh"] = [both(lambda: build.refresh(names, in_database=True)) for _ in range(runs)]
		frappe.db.commit()
	seconds = {name: [one for one, _ in times] for name, times in found.items()}
	wall = {name: min(two for _, two in times) for name, times in found.items()}
	size = {"facts": frappe.db.count(FACTS), "item_groups": frappe.db.count("Relation Facts Item Group")}
	part = [value / TIMES_FASTER for value in seconds["first"]]
	return [
		compared(
			"full build, tables empty / the same groups", "first", "same", BAR_BUILD, seconds, wall, **size
		),
		compared("full build over an older one / the same groups", "again", "same", BAR_BUILD, seconds, wall),
		compared("full build, tables empty / one GROUP BY", "first", "one", BAR_BUILD, seconds, wall),
		row(
			f"refresh of {len(names)} parties / a fiftieth of the full build",
			seconds["refresh"],
			part,
			1.0,
			times_faster=round(min(seconds["first"]) / min(seconds["refresh"]), 1),
			wall=round(wall["refresh"], 2),
		),
	]


def compared(
	figure: str,
	ours: str,
	peer: str,
	bar: float,
	seconds: dict[str, list[float]],
	wall: dict[str, float],
	**more,
) -> dict[str, Any]:
	clocks = {"wall": round(wall[ours], 1), "wall_peer": round(wall[peer], 1)}
	return row(figure, seconds[ours], seconds[peer], bar, **clocks, **more)


def both(function: Callable[[], Any]) -> tuple[float, float]:
	"""Return processor time and wall-clock time of one call."""
	start = perf_counter()
	used = timed(function)
	return used, perf_counter() - start


def empty() -> None:
	for doctype in build.TABLES:
		frappe.db.delete(doctype)
	frappe.db.commit()


def first_build() -> None:
	"""Build the figures as on the day of the installation."""
	scope = Scope(getdate(nowdate()))
	for doctype in build.TABLES:
		sql.fill(doctype, scope)
	classes.determine(also=sql.derived(frappe.qb.DocType(FACTS), scope))


def changed_relations() -> list[str]:
	"""Return every n-th of the relations with figures."""
	names = frappe.get_all(FACTS, pluck="relation", order_by="name asc", limit=0)
	return names[:: max(1, len(names) // CHANGED)][:CHANGED]


def one_group_by() -> None:
	run(
		"""SELECT COUNT(*), SUM(grouped.revenue) FROM (
			SELECT si.customer, si.company,
				SUM(CASE WHEN si.posting_date > %(start_12)s THEN sii.base_net_amount ELSE 0 END) AS revenue_12,
				SUM(CASE WHEN si.posting_date > %(start_24)s THEN sii.base_net_amount ELSE 0 END) AS revenue_24,
				SUM(sii.base_net_amount) AS revenue, COUNT(DISTINCT si.name) AS invoices,
				COUNT(DISTINCT si.posting_date) AS days, MIN(si.posting_date) AS first, MAX(si.posting_date) AS last
			FROM `tabSales Invoice` si JOIN `tabSales Invoice Item` sii ON sii.parent = si.name
			WHERE si.docstatus = 1 GROUP BY si.customer, si.company) grouped"""
	)


def same_groups() -> None:
	"""Read the tables as an expert would: by customer and item group, by customer, by voucher and customer …"""
	run(
		"""SELECT COUNT(*), SUM(grouped.amount), SUM(grouped.margin) FROM (
			SELECT si.customer, si.company, sii.item_group, SUM(sii.base_net_amount) AS amount,
				SUM(CASE WHEN si.posting_date > %(start_12)s THEN sii.base_net_amount ELSE 0 END) AS amount_12,
				SUM(CASE WHEN si.posting_date > %(start_12)s AND COALESCE(NULLIF(sii.incoming_rate, 0), dni.incoming_rate) > 0
					THEN sii.base_net_amount - COALESCE(NULLIF(sii.incoming_rate, 0), dni.incoming_rate) * sii.stock_qty
					ELSE 0 END) AS margin,
				MAX(CASE WHEN si.is_return = 0 THEN si.posting_date END) AS last_bought
			FROM `tabSales Invoice` si JOIN `tabSales Invoice Item` sii ON sii.parent = si.name
			LEFT JOIN `tabDelivery Note Item` dni ON dni.name = sii.dn_detail
			WHERE si.docstatus = 1 AND si.is_opening <> 'Yes'
			GROUP BY si.customer, si.company, sii.item_group) grouped"""
	)
	run(
		"""SELECT COUNT(*), SUM(grouped.revenue) FROM (
			SELECT si.customer, si.company,
				SUM(CASE WHEN si.posting_date > %(start_12)s THEN si.base_net_total ELSE 0 END) AS revenue_12,
				SUM(CASE WHEN si.posting_date > %(start_24)s THEN si.base_net_total ELSE 0 END) AS revenue_24,
				SUM(si.base_net_total) AS revenue, SUM(si.is_return) AS returns,
				SUM(CASE WHEN si.posting_date > %(start_12)s THEN si.base_grand_total ELSE 0 END) AS billed,
				MAX(si.posting_date) AS last
			FROM `tabSales Invoice` si WHERE si.docstatus = 1 AND si.is_opening <> 'Yes'
			GROUP BY si.customer, si.company) grouped"""
	)
	run(
		"""SELECT COUNT(*), SUM(grouped.orders) FROM (
			SELECT so.customer, so.company, COUNT(*) AS orders, COUNT(DISTINCT so.transaction_date) AS days,
				MIN(so.transaction_date) AS first, MAX(so.transaction_date) AS last
			FROM `tabSales Order` so WHERE so.docstatus = 1 GROUP BY so.customer, so.company) grouped"""
	)
	run(
		"""SELECT COUNT(*), SUM(grouped.sales) FROM (
			SELECT si.customer, si.company, COUNT(*) AS sales, COUNT(DISTINCT si.posting_date) AS days,
				MIN(si.posting_date) AS first, MAX(si.posting_date) AS last
			FROM `tabSales Invoice` si
			WHERE si.docstatus = 1 AND si.is_return = 0 AND si.is_opening <> 'Yes' AND NOT EXISTS (
				SELECT 1 FROM `tabSales Invoice Item` sii WHERE sii.parent = si.name AND sii.sales_order > '')
			GROUP BY si.customer, si.company) grouped"""
	)
	run(
		"""SELECT COUNT(*), SUM(grouped.open), SUM(grouped.overdue) FROM (
			SELECT voucher.party, voucher.company, SUM(voucher.amount) AS open,
				SUM(CASE WHEN voucher.amount > 0.005 AND voucher.due < %(today)s THEN voucher.amount ELSE 0 END) AS overdue
			FROM (SELECT ple.party, ple.company, ple.against_voucher_no, SUM(ple.amount) AS amount,
					COALESCE(MIN(ple.due_date), MIN(ple.posting_date)) AS due
				FROM `tabPayment Ledger Entry` ple
				WHERE ple.party_type = 'Customer' AND ple.account_type = 'Receivable' AND ple.delinked = 0
				GROUP BY ple.party, ple.company, ple.against_voucher_no HAVING SUM(ple.amount) <> 0) voucher
			GROUP BY voucher.party, voucher.company) grouped"""
	)
	run(
		"""SELECT COUNT(*), SUM(grouped.amount) FROM (
			SELECT q.quotation_to, q.party_name, q.company, COUNT(*) AS quotations, SUM(q.base_net_total) AS amount
			FROM `tabQuotation` q WHERE q.docstatus = 1 AND q.status IN ('Open', 'Replied', 'Partially Ordered')
			GROUP BY q.quotation_to, q.party_name, q.company) grouped"""
	)


def run(statement: str) -> None:
	today = getdate(nowdate())
	windows = {"start_12": months_before(today, 12), "start_24": months_before(today, 24), "today": today}
	frappe.db.sql(statement, {name: str(day) for name, day in windows.items()})


if __name__ == "__main__":
	main()

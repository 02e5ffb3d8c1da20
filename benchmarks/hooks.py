"""Measure the cost of the app's hooks on a Sales Invoice: submit with them, against the same submit without
them.

The costly case is measured. Every line carries one of two campaigns in turn, and the invoice a relation. Each
line therefore gets its attribution, and the customer's roles are checked. "Without" is this process with our
paths removed from Frappe's map of document events, and nothing else changed. Both submit the same draft, and
are rolled back to it. Bar: 3 %.

	BENCH_DIR=~/frappe-bench SITE=demo.localhost ~/frappe-bench/env/bin/python benchmarks/hooks.py
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from statistics import median
from types import ModuleType
from typing import Any

import frappe
from frappe.utils import add_days, nowdate
from measuring import Clock, connected_site, counted_queries, in_turn, report, row, timed

from crm_relations.ledger.statements.statement import company_or_default

APP = "crm_relations."
BAR = 1.03
#: lines of the invoice → rounds: the shorter the submit, the more rounds
ROUNDS = {1: 60, 10: 40, 100: 15}
INSIDE_ROUNDS = 15
ITEMS = 10
DRAFT = "benchmark_draft"


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
	parser.add_argument("--patience", type=float, default=120.0, help="seconds for each size at most")
	arguments = parser.parse_args()
	with connected_site():
		story = Story()
		report([submit_cost(story, lines, rounds, arguments.patience) for lines, rounds in ROUNDS.items()])


class Story:
	"""A customer with earlier purchases, two campaigns, and items; all of it is rolled back at the end."""

	def __init__(self) -> None:
		self.company = company_or_default()
		tail = frappe.generate_hash(length=6)
		self.customer = _insert(
			"Customer",
			customer_name=f"Benchmark {tail}",
			customer_type="Company",
			customer_group=_leaf("Customer Group"),
			territory=_leaf("Territory"),
		).name
		segment = _insert("Relation Segment", segment_name=f"Benchmark {tail}", kind="Manual").name
		self.campaigns = [
			_insert("Relation Campaign", campaign_name=f"Benchmark {tail} {number}", segment=segment).name
			for number in (1, 2)
		]
		self.items = [
			_insert(
				"Item",
				item_code=f"Benchmark {tail} {number}",
				item_group=_leaf("Item Group"),
				stock_uom="Nos",
				is_stock_item=0,
			).name
			for number in range(ITEMS)
		]
		self.tax = frappe.db.get_value(
			"Account",
			{"company": self.company, "account_type": "Tax", "root_type": "Liability", "is_group": 0},
		)
		self.draft(1).submit()

	def draft(self, lines: int) -> Any:
		"""Return a saved draft with lines that carry the campaigns in turn."""
		doc = frappe.get_doc(
			{
				"doctype": "Sales Invoice",
				"company": self.company,
				"customer": self.customer,
				"posting_date": nowdate(),
				"due_date": add_days(nowdate(), 14),
				"items": [
					{
						"item_code": self.items[number % ITEMS],
						"qty": 1 + number % 3,
						"rate": 10 + number,
						"relation_campaign": self.campaigns[number % 2],
					}
					for number in range(lines)
				],
			}
		)
		if self.tax:
			tax = {"charge_type": "On Net Total", "account_head": self.tax, "description": "19 %", "rate": 19}
			doc.append("taxes", tax)
		return doc.insert()


def submit_cost(story: Story, lines: int, rounds: int, patience: float) -> dict[str, Any]:
	"""Return the row of the report for an invoice with this number of lines."""
	name = story.draft(lines).name
	_check_costly(name, lines)
	frappe.db.savepoint(DRAFT)

	def submit(without: bool, measure: Callable = timed) -> Any:
		doc = frappe.get_doc("Sales Invoice", name)
		try:
			if not without:
				return measure(doc.submit)
			with without_our_hooks():
				return measure(doc.submit)
		finally:
			frappe.db.rollback(save_point=DRAFT)

	ours, peer = in_turn(lambda: submit(False), lambda: submit(True), rounds, patience)
	return row(
		f"Sales Invoice submit, {lines} line{'s' * (lines > 1)}",
		ours,
		peer,
		BAR,
		inside=round(median(submit(False, _seconds_inside) for _round in range(INSIDE_ROUNDS)), 5),
		queries=submit(False, _queries),
		queries_peer=submit(True, _queries),
	)


@contextmanager
def without_our_hooks() -> Iterator[None]:
	"""Remove our paths from Frappe's map of document events, in this process and inside the block."""
	everything = frappe.get_doc_hooks()
	frappe.local.doc_events_hooks = {
		doctype: {
			event: [path for path in paths if not path.startswith(APP)] for event, paths in events.items()
		}
		for doctype, events in everything.items()
	}
	try:
		yield
	finally:
		frappe.local.doc_events_hooks = everything


def _seconds_inside(function: Callable[[], Any]) -> float:
	"""Return the seconds spent in our handlers while `function` runs: the same cost measured from inside."""
	clock = Clock.of_connection()
	spent, depth = 0.0, 0

	def clocked(handler: Callable) -> Callable:
		def run(*arguments: Any) -> Any:
			nonlocal spent, depth
			start = clock.read()
			depth += 1
			try:
				return handler(*arguments)
			finally:
				depth -= 1
				if not depth:  # handlers run in handlers: the outer one counts
					spent += clock.read() - start

		return run

	handlers = _our_handlers()
	for module, name, handler in handlers:
		setattr(module, name, clocked(handler))
	try:
		function()
	finally:
		for module, name, handler in handlers:
			setattr(module, name, handler)
	return spent


def _our_handlers() -> list[tuple[ModuleType, str, Callable]]:
	"""Return module, name and function of every handler of ours in Frappe's map of document events."""
	paths = {
		path
		for events in frappe.get_doc_hooks().values()
		for paths in events.values()
		for path in paths
		if path.startswith(APP)
	}
	found = []
	for path in sorted(paths):
		module, name = path.rsplit(".", 1)
		found.append((import_module(module), name, frappe.get_attr(path)))
	return found


def _queries(function: Callable[[], Any]) -> int:
	with counted_queries() as sent:
		function()
	return len(sent)


def _check_costly(name: str, lines: int) -> None:
	"""Check that the measurement matches the report.

	With our hooks every line is attributed and no step fails; without them nothing happens.
	"""
	found = []
	for hooks in (nullcontext(), without_our_hooks()):
		frappe.db.savepoint(DRAFT)
		doc = frappe.get_doc("Sales Invoice", name)
		with hooks:
			doc.submit()
		failed = frappe.db.get_value("Relation Deferred Step", {"document_name": name}, "error")
		found.append(
			(bool(doc.relation), frappe.db.count("Relation Attribution", {"voucher_no": name}), failed)
		)
		frappe.db.rollback(save_point=DRAFT)
	if found != [(True, lines, None), (True, 0, None)]:
		sys.exit(f"This is not the costly case, or a step fails (is the site migrated?): {found}")


def _insert(doctype: str, **values: Any) -> Any:
	return frappe.get_doc({"doctype": doctype, **values}).insert()


def _leaf(doctype: str) -> str:
	return frappe.get_all(doctype, {"is_group": 0}, pluck="name", order_by="lft asc", limit=1)[0]


if __name__ == "__main__":
	main()

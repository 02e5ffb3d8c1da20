"""Measure ten rules on a million relations during typing: count and sample, against the SQL that an expert
would write.

* *preview*: the count and the first ten relations with the columns that the builder shows. The peer counts by
  hand, and gets the ten by a statement that stops as soon as it has them. Bar: 1.2.
* *first count*: one request to the site (WSGI, with session and permissions) for the builder's query after
  each key: count, sample and description. The peer is the hand-written COUNT plus 200 ms. Bar: 1. In
  wall-clock time.

Both read with the same temporary tables in memory. The numbers that they find are compared. Except for the
requests, seconds are processor time of this process and of its thread in the database (see measuring.py).

SQL generates the relations in the tables of the site (segment_data.py). They are committed, and removed at
the end (`--keep` leaves them for the next run). Use a site without users. Needs MariaDB.

	BENCH_DIR=~/frappe-bench SITE=demo.localhost ~/frappe-bench/env/bin/python benchmarks/segment_preview.py
"""

import argparse
import json
import os
import sys
from functools import partial
from time import perf_counter
from typing import Any

import frappe
from frappe.query_builder.functions import Count
from measuring import connected_site, report, row, timed
from segment_data import Market
from segment_questions import QUESTIONS, Question, days

from crm_relations.segments import queries
from crm_relations.segments.compilation import compiler
from crm_relations.shared import temp_tables

BAR = 1.2
REQUEST = 0.2
#: the first ten by name; an expert makes the database stop early with this setting
FIRST_TEN = "SET STATEMENT optimizer_switch = 'semijoin=off,materialization=off' FOR SELECT {columns} FROM `tabRelation` r WHERE {where} ORDER BY r.name LIMIT 10"


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
	parser.add_argument(
		"--relations", type=int, default=1_000_000, help="a fifth of them buy; five lines each"
	)
	parser.add_argument("--runs", type=int, default=3)
	parser.add_argument("--only", nargs="*", metavar="KEY", help="only these questions")
	parser.add_argument("--plans", metavar="FILE", help="write the plan of each question there")
	parser.add_argument("--keep", action="store_true", help="leave the made-up rows for the next run")
	arguments = parser.parse_args()
	with connected_site():
		market = Market(arguments.relations, arguments.relations // 5, arguments.relations * 5)
		market.load(say)
		try:
			asked = [one for one in QUESTIONS if not arguments.only or one.key in arguments.only]
			rows = [one for question in asked for one in measure(question, arguments.runs)]
			if arguments.plans:
				keep_plans(arguments.plans, arguments.relations)
			report(rows)
		finally:
			frappe.db.rollback()
			if not arguments.keep:
				market.remove(say)


def say(text: str) -> None:
	print(text, file=sys.stderr, flush=True)


def measure(question: Question, runs: int) -> list[dict[str, Any]]:
	"""Return the rows of the report for one question."""
	ours, peer, requests, counts = [], [], [], []
	for _number in range(runs):
		answers: dict[str, Any] = {}
		ours.append(timed(partial(ask, answers, question)))
		with temp_tables.in_memory():
			peer.append(timed(partial(ask_by_hand, answers, question)))
		count, names, seconds = answers["hand"]
		found = answers["ours"]
		if (found["count"], [one["name"] for one in found["sample"]]) != (count, names):
			sys.exit(
				f"{question.key}: found {found['count']}, by hand {count}, or other relations in the sample"
			)
		counts.append(REQUEST + seconds)
		requests.append(request(question))
	say(f"{question.key}: {min(ours):.3f} s, by hand {min(peer):.3f} s, request {min(requests):.3f} s")
	return [
		row(f"preview: {question.words}", ours, peer, BAR, key=question.key, found=found["count"]),
		{
			**row(f"request: {question.words}", requests, counts, 1.0, key=question.key),
			"clock": "wall clock",
		},
	]


def ask(answers: dict[str, Any], question: Question) -> None:
	answers["ours"] = queries.preview(question.rule)


def ask_by_hand(answers: dict[str, Any], question: Question) -> None:
	answers["hand"] = preview_by_hand(question)


def preview_by_hand(question: Question) -> tuple[int, list[str], float]:
	"""Return the count, the names of the first ten, and the wall-clock seconds of the count."""
	start = perf_counter()
	count = frappe.db.sql(question.count, days())[0][0]
	seconds = perf_counter() - start
	columns = ", ".join(f"r.{name}" for name in queries.COLUMNS)
	statement = FIRST_TEN.format(columns=columns, where=question.where)
	return count, [name for name, *_columns in frappe.db.sql(statement, days())], seconds


def request(question: Question) -> float:
	"""Return the seconds of one request of a logged-in user to the site's WSGI application, as the web server
	sends it.
	"""
	client, headers = _client()
	start = perf_counter()
	answer = client.post(
		"/api/method/crm_relations.segments.api.preview",
		data=json.dumps({"rule": question.rule}),
		headers=headers,
		content_type="application/json",
	)
	seconds = perf_counter() - start
	if answer.status_code != 200:
		sys.exit(f"{question.key}: the request was answered with {answer.status_code}: {answer.text[:300]}")
	return seconds


_CLIENT: list[Any] = []


def _client() -> tuple[Any, dict[str, str]]:
	"""Return a client with a user's key; requests run in a separate thread, which has its own connection."""
	if not _CLIENT:
		from threaded_client import ThreadedClient

		_CLIENT.extend(ThreadedClient.logged_in(os.environ["SITE"]))
		# the first request of a process loads the application
		_CLIENT[0].post("/api/method/frappe.auth.get_logged_user", headers=_CLIENT[1])
	return _CLIENT[0], _CLIENT[1]


def keep_plans(path: str, relations: int) -> None:
	"""Write EXPLAIN of each question, ours and by hand."""
	with open(path, "w") as file, temp_tables.in_memory():
		file.write(f"# Plans of the ten questions, {relations:,} relations, MariaDB {version()}\n")
		for question in QUESTIONS:
			file.write(f"\n## {question.key}: {question.words}\n")
			found = compiler.names_of(compiler.criterion_of(question.rule)).as_("found")
			query = frappe.qb.from_(found).select(Count("*"))
			for label, statement, values in (
				("ours", *query.walk()),
				("by hand", question.count, days()),
			):
				file.write(f"\n{label}\n\n")
				plan = frappe.db.sql(f"EXPLAIN {statement}", values, as_dict=True)
				for step in plan:
					said = [
						step[name] for name in ("id", "select_type", "table", "type", "key", "rows", "Extra")
					]
					file.write("\t" + " | ".join("" if one is None else str(one) for one in said) + "\n")


def version() -> str:
	return frappe.db.sql("SELECT VERSION()")[0][0]


if __name__ == "__main__":
	main()

"""Measure ours and its peer in turn on a site, and report medians and a JSON line at the end.

`BENCH_DIR` and `SITE` name the bench and the site; run with the bench's own Python. Nothing is committed: the
writes of a benchmark are rolled back.
"""

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import Any, ClassVar

WARM_UP = 2
PRECISION = 0.01
RESAMPLES = 400


@contextmanager
def connected_site() -> Iterator[None]:
	"""Connect to the site of `SITE` as Administrator; everything is rolled back at the end."""
	bench, site = os.environ.get("BENCH_DIR", ""), os.environ.get("SITE", "")
	sites = os.path.join(bench, "sites")
	if not (bench and site and os.path.isdir(os.path.join(sites, site))):
		sys.exit(
			"Set BENCH_DIR to a bench and SITE to one of its sites, and run with BENCH_DIR/env/bin/python."
		)
	import frappe

	os.chdir(sites)
	frappe.init(site=site, sites_path=".")
	frappe.connect()
	if "crm_relations" not in frappe.get_installed_apps():
		frappe.destroy()
		sys.exit(f"The app crm_relations is not installed on {site}.")
	try:
		yield
	finally:
		frappe.db.rollback()
		frappe.destroy()


def in_turn(
	ours: Callable[[], float], peer: Callable[[], float], rounds: int, patience: float = 120.0
) -> tuple[list[float], list[float]]:
	"""Run both in turn, each first in every other round, so that drift of the machine affects both alike.

	Run at least `rounds` rounds. On a noisy machine, run more until the ratio is known to one percent or
	`patience` seconds are over. The first two rounds warm up and do not count.

	:param ours: does its own setup and returns the seconds that count; the same for `peer`
	:return: seconds of ours and of the peer, in pairs
	"""
	seconds: tuple[list[float], list[float]] = ([], [])
	began = perf_counter()
	number = -WARM_UP
	while number < rounds or (perf_counter() - began < patience and not known(*seconds)):
		pair = ((0, ours), (1, peer))
		for index, function in pair if number % 2 else reversed(pair):
			taken = function()
			if number >= 0:
				seconds[index].append(taken)
		number += 1
	return seconds


def known(ours: list[float], peer: list[float]) -> bool:
	"""Tell whether the interval of the ratio is no wider than one percent on each side."""
	low, high = interval(ours, peer)
	return high - low <= 2 * PRECISION


def interval(ours: list[float], peer: list[float]) -> tuple[float, float]:
	"""Return the 95 % interval of the ratio of the medians: percentile bootstrap over the pairs (Efron,
	1979).
	"""
	pairs = list(zip(ours, peer, strict=True))
	draw = Random(0)
	ratios = []
	for _number in range(RESAMPLES):
		sample = draw.choices(pairs, k=len(pairs))
		ratios.append(median(one for one, _ in sample) / median(other for _, other in sample))
	ratios.sort()
	return ratios[int(0.025 * RESAMPLES)], ratios[int(0.975 * RESAMPLES) - 1]


def timed(function: Callable[[], Any]) -> float:
	"""Return the seconds of one call, without a garbage collection in between; see `Clock`."""
	clock = Clock.of_connection()
	gc.collect()
	gc.disable()
	try:
		start = clock.read()
		function()
		return clock.read() - start
	finally:
		gc.enable()


class Clock:
	"""Processor time of this process and of the database's thread that serves it.

	Other programs on the machine hardly affect it, while they make wall-clock time useless for a difference
	of a few percent. If the thread cannot be read (another machine, another system), wall-clock time is used.
	"""

	_known: ClassVar[dict[int, "Clock"]] = {}

	def __init__(self, thread: int | None):
		self.path = f"/proc/{thread}/schedstat" if thread else None
		self.name = "processor time" if thread else "wall clock"

	@classmethod
	def of_connection(cls) -> "Clock":
		import frappe

		key = id(frappe.local.db)
		if key not in cls._known:
			cls._known[key] = cls(_database_thread())
		return cls._known[key]

	def read(self) -> float:
		if not self.path:
			return perf_counter()
		with open(self.path) as file:
			return process_time() + int(file.read().split()[0]) / 1e9


def _database_thread() -> int | None:
	"""Return the number of the system's thread that serves our connection.

	Return None if its time cannot be read or does not grow with our queries.
	"""
	import frappe

	try:
		thread = frappe.db.sql("SELECT TID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()")[
			0
		][0]
		with open(f"/proc/{thread}/schedstat") as file:
			before = int(file.read().split()[0])
		frappe.db.sql("SELECT BENCHMARK(1000000, MD5('a'))")
		with open(f"/proc/{thread}/schedstat") as file:
			spent = int(file.read().split()[0]) - before
	except (OSError, frappe.db.OperationalError):
		return None
	return thread if spent > 1e6 else None


@contextmanager
def counted_queries() -> Iterator[list[str]]:
	"""Yield the statements that are sent to the database inside the block, in their order."""
	import frappe

	sent: list[str] = []
	original = frappe.db.sql

	def counting(query: Any, *arguments: Any, **keywords: Any) -> Any:
		sent.append(str(query))
		return original(query, *arguments, **keywords)

	frappe.db.sql = counting
	try:
		yield sent
	finally:
		del frappe.db.sql  # restores the method of the class


def row(figure: str, ours: list[float], peer: list[float], bar: float, **more: Any) -> dict[str, Any]:
	"""Return the medians of both, their ratio, which should stay below `bar`, and the precision of the ratio."""
	one, other = median(ours), median(peer)
	low, high = interval(ours, peer)
	return {
		"figure": figure,
		"ours": round(one, 5),
		"peer": round(other, 5),
		"ratio": round(one / other, 4),
		"bar": bar,
		"interval": [round(low, 4), round(high, 4)],
		"rounds": len(ours),
		"clock": Clock.of_connection().name,
		**more,
	}


def report(rows: list[dict[str, Any]]) -> None:
	"""Print a readable line for each row, then the worst row as JSON, with all of them under `rows`."""
	for found in rows:
		print("  ".join(f"{key} {value}" for key, value in found.items()))
	worst = max(rows, key=lambda found: found["ratio"] / found["bar"])
	print(json.dumps({**worst, "rows": rows}))

"""How the benchmarks measure: the site, ours and its peer in turn, medians, and the JSON line at the end.

`BENCH_DIR` and `SITE` name the bench and the site; run with the bench's own Python. Nothing is committed: what
a benchmark writes is rolled back.
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
	"""The site of `SITE` as Administrator; everything is rolled back at the end."""
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
	"""Run both in turn, each first in every other round, so that drift of the machine hits both alike.

	At least `rounds` rounds; on a noisy machine more, until the ratio is known to one percent or `patience` seconds
	are over. The first two rounds warm up and do not count.

	:param ours: does its own setting up and returns the seconds that count; the same for `peer`
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
	"""Whether the interval of the ratio is no wider than one percent to each side."""
	low, high = interval(ours, peer)
	return high - low <= 2 * PRECISION


def interval(ours: list[float], peer: list[float]) -> tuple[float, float]:
	"""95 % interval of the ratio of the medians: percentile bootstrap over the pairs (Efron, 1979)."""
	pairs = list(zip(ours, peer, strict=True))
	draw = Random(0)
	ratios = []
	for _number in range(RESAMPLES):
		sample = draw.choices(pairs, k=len(pairs))
		ratios.append(median(one for one, _ in sample) / median(other for _, other in sample))
	ratios.sort()
	return ratios[int(0.025 * RESAMPLES)], ratios[int(0.975 * RESAMPLES) - 1]


def timed(function: Callable[[], Any]) -> float:
	"""Seconds of one call, without a garbage collection in the middle; see `Clock`."""
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

	What else runs on the machine hardly shows in it, while it makes the clock on the wall useless for a difference
	of a few percent. Where the thread cannot be read (another machine, another system) it is the clock on the wall.
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
	"""Number of the system's thread that serves our connection, if its time can be read and grows with our queries."""
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
	"""The statements that are sent to the database inside the block, in their order."""
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
		del frappe.db.sql  # the method of the class again


def row(figure: str, ours: list[float], peer: list[float], bar: float, **more: Any) -> dict[str, Any]:
	"""The medians of both, their ratio, which should stay below `bar`, and how well it is known."""
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
	"""A line for people a row, then the worst row as JSON, with all of them under `rows`."""
	for found in rows:
		print("  ".join(f"{key} {value}" for key, value in found.items()))
	worst = max(rows, key=lambda found: found["ratio"] / found["bar"])
	print(json.dumps({**worst, "rows": rows}))

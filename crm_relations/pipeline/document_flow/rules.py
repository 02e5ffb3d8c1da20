"""Arrange a document flow: needed arrows, and column and row of each box.

Imports no frappe; writes nothing.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

N = TypeVar("N", bound=Hashable)


def reduced(edges: Iterable[tuple[N, N]]) -> list[tuple[N, N]]:
	"""Return the arrows without those that a longer path makes redundant, in the order given.

	This is the transitive reduction (Aho, Garey, Ullman, *The Transitive Reduction of a Directed Graph*,
	1972). Arrows from a node to itself, and every arrow that would close a cycle, are left out.
	"""
	kept = _without_circles(edges)
	after: dict[N, list[N]] = defaultdict(list)
	for earlier, later in kept:
		after[earlier].append(later)
	reach = _reach(after)
	return [
		(earlier, later)
		for earlier, later in kept
		if not any(later in reach[between] for between in after[earlier] if between != later)
	]


def places(nodes: Sequence[N], edges: Sequence[tuple[N, N]]) -> dict[N, tuple[int, int]]:
	"""Return node → (column, row), both from 0.

	A node is right of all its predecessors, as far left as possible. A node without predecessors is directly
	left of its first successor. In a column, a node is near its predecessors.
	"""
	before, after = defaultdict(list), defaultdict(list)
	for earlier, later in edges:
		before[later].append(earlier)
		after[earlier].append(later)
	column: dict[N, int] = {}
	for node in _sorted(nodes, before, after):
		column[node] = max((column[other] + 1 for other in before[node]), default=0)
	for node in nodes:
		if not before[node] and after[node]:
			column[node] = min(column[other] for other in after[node]) - 1
	columns: dict[int, list[N]] = defaultdict(list)
	for node in nodes:
		columns[column[node]].append(node)
	row: dict[N, int] = {}
	for number in sorted(columns):
		order = {node: i for i, node in enumerate(columns[number])}

		def wanted(node: N, order: dict[N, int] = order) -> tuple[float, int]:
			rows = [row[other] for other in before[node] if other in row]
			return (sum(rows) / len(rows) if rows else float(order[node]), order[node])

		for i, node in enumerate(sorted(columns[number], key=wanted)):
			row[node] = i
	first = min(columns, default=0)
	return {node: (column[node] - first, row[node]) for node in nodes}


def _without_circles(edges: Iterable[tuple[N, N]]) -> list[tuple[N, N]]:
	after: dict[N, set[N]] = defaultdict(set)
	kept = []
	for earlier, later in dict.fromkeys(edges):
		if earlier == later or _leads_to(after, later, earlier):
			continue
		after[earlier].add(later)
		kept.append((earlier, later))
	return kept


def _leads_to(after: dict[N, set[N]], start: N, end: N) -> bool:
	waiting, seen = [start], {start}
	while waiting:
		node = waiting.pop()
		if node == end:
			return True
		fresh = after.get(node, set()) - seen
		seen |= fresh
		waiting += fresh
	return False


def _reach(after: dict[N, list[N]]) -> dict[N, set[N]]:
	"""Return node → all its successors, direct and indirect."""
	nodes = list(dict.fromkeys([*after, *(node for later in after.values() for node in later)]))
	before = defaultdict(list)
	for earlier, later in ((a, b) for a, rest in after.items() for b in rest):
		before[later].append(earlier)
	reach: dict[N, set[N]] = {node: set() for node in nodes}
	for node in reversed(_sorted(nodes, before, after)):
		for later in after.get(node, ()):
			reach[node] |= {later} | reach[later]
	return reach


def _sorted(nodes: Sequence[N], before: dict[N, list[N]], after: dict[N, list[N]]) -> list[N]:
	"""Return the nodes with earlier before later (Kahn 1962); the edges contain no cycle."""
	open_arrows = {node: len(before.get(node, ())) for node in nodes}
	ready = [node for node in nodes if not open_arrows[node]]
	result = []
	for node in ready:
		result.append(node)
		for later in after.get(node, ()):
			open_arrows[later] -= 1
			if not open_arrows[later]:
				ready.append(later)
	return result

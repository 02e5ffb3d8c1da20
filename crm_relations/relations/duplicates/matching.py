"""Form pairs from keys: which relations are compared at all, each pair once. Imports no frappe.

The search on the site and the search in memory (tests, benchmark) run the same `pairs_in_block`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from math import log2
from typing import NamedTuple

from crm_relations.relations.duplicates.records import Record
from crm_relations.relations.duplicates.scoring import PRIOR, THRESHOLD, WEIGHTS, compare, probability

#: a key that more relations share says too little to compare them all by it; their other keys find them
MAX_BLOCK = 100

_weight_of = WEIGHTS.__getitem__


class Candidate(NamedTuple):
	"""Two names in order, and the probability that they are one."""

	one: str
	other: str
	probability: float
	reasons: list[str]


def pairs_in_block(
	key: str,
	names: list[str],
	records: Mapping[str, Record],
	threshold: float = THRESHOLD,
	too_common: frozenset[str] | set[str] = frozenset(),
) -> list[Candidate]:
	"""Yield candidates among those that share `key`.

	A pair that also shares a smaller key belongs to that block. So every pair is compared once, in whatever
	order and by however many workers blocks are processed.

	:param too_common: keys that form no block
	"""
	least = log2(threshold / (1 - threshold)) - PRIOR
	found = []
	for one, other in combinations(sorted(names), 2):
		record, record2 = records[one], records[other]
		if record2.is_person != record.is_person:
			continue
		shared = record.keys & record2.keys
		if len(shared) > 1 and min(shared - too_common if too_common else shared) != key:
			continue
		reasons = compare(record, record2)
		weight = sum(map(_weight_of, reasons))
		if weight >= least:
			found.append(Candidate(one, other, probability(weight + PRIOR), reasons))
	return found


def find(records: Mapping[str, Record], threshold: float = THRESHOLD) -> Iterator[Candidate]:
	"""Return candidates among records in memory."""
	blocks = blocks_of(records)
	too_common = {key for key, names in blocks.items() if len(names) > MAX_BLOCK}
	for key, names in blocks.items():
		if len(names) > 1 and key not in too_common:
			yield from pairs_in_block(key, names, records, threshold, too_common)


def blocks_of(records: Mapping[str, Record]) -> dict[str, list[str]]:
	"""Return key → names of the records that have it."""
	blocks: defaultdict[str, list[str]] = defaultdict(list)
	for name, record in records.items():
		for key in record.keys:
			blocks[key].append(name)
	return blocks


def quality(found: Iterable[tuple[str, str]], true: set[tuple[str, str]]) -> tuple[float, float, float]:
	"""Return precision, recall and F1 of pairs with names in order."""
	found = set(found)
	right = len(found & true)
	precision = right / len(found) if found else 1.0
	recall = right / len(true) if true else 1.0
	return precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0

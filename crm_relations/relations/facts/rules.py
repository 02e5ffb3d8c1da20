"""Calculate windows and the borders of the classes, in pure Python."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from typing import Any

#: classes of recency, frequency and monetary value; 5 is the best, 0 is not classified
CLASSES = 5


def months_before(day: date, months: int) -> date:
	"""Return the same day this many months earlier, or the last day of that month if it has no such day.

	A window of n months up to `day` holds what is after this day: 2026-11-23 and 12 months give 2025-11-23,
	so the window begins on 2025-11-24.
	"""
	index = day.year * 12 + day.month - 1 - months
	year, month = divmod(index, 12)
	return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def borders(ranked: Sequence[Any], classes: int = CLASSES) -> list[Any]:
	"""Return lower borders of the classes 2 … `classes`: the value from which one is in the class; None if it
	is empty.

	Quantile classes as in A. M. Hughes, Strategic Database Marketing (1994), on recency, frequency and
	monetary analysis: all are ranked by the figure and cut into parts of equal number. Equal values are
	always in one class, the one of the first of them. So the order of counting does not matter, and customers
	without purchases are at the bottom however many they are; the parts may then differ in number.

	:param ranked: the values, smallest first
	"""
	found: list[Any] = []
	number = len(ranked)
	index = 0
	for part in range(1, classes):
		index = max(index, -(-number * part // classes))
		while 0 < index < number and ranked[index] == ranked[index - 1]:
			index += 1
		found.append(ranked[index] if 0 < index < number else None)
	return found


def class_of(value: Any, found: Sequence[Any]) -> int:
	"""Return class 1 … n of a value by the borders; 0 if it has no value."""
	if value is None:
		return 0
	return 1 + sum(1 for border in found if border is not None and value >= border)

"""IN and NOT IN with a list of values from Python, which may be empty: `IN ()` is an error in every database we support."""

from collections.abc import Collection
from typing import Any

from pypika.terms import Criterion, Term, ValueWrapper


def one_of(term: Term, values: Collection[Any]) -> Criterion:
	"""Return the criterion that the term is one of the values; with no values, it holds for no row."""
	found = list(values)
	return term.isin(found) if found else ValueWrapper(0) == ValueWrapper(1)


def none_of(term: Term, values: Collection[Any]) -> Criterion:
	"""Return the criterion that the term is none of the values; with no values, it holds for every row."""
	found = list(values)
	return term.notin(found) if found else ValueWrapper(0) == ValueWrapper(0)

"""Build IN and NOT IN for a list of Python values that may be empty: `IN ()` is an error in every supported
database.
"""

from collections.abc import Collection
from typing import Any

from pypika.terms import ContainsCriterion, Criterion, Term, Tuple, ValueWrapper


def one_of(term: Term, values: Collection[Any]) -> Criterion:
	"""Return the criterion that the term is one of the values; without values no row meets it."""
	found = list(values)
	return term.isin(found) if found else ValueWrapper(0) == ValueWrapper(1)


def none_of(term: Term, values: Collection[Any]) -> Criterion:
	"""Return the criterion that the term is none of the values; without values every row meets it."""
	found = list(values)
	return term.notin(found) if found else ValueWrapper(0) == ValueWrapper(0)


def one_of_many(term: Term, values: Collection[Any]) -> Criterion:
	"""Return the same criterion as `one_of` for hundreds of values, which become one parameter of the query.

	pypika writes values out one by one, which takes longer than the driver and the database need for them.
	"""
	found = tuple(values)
	return ContainsCriterion(term, _Values(found)) if found else ValueWrapper(0) == ValueWrapper(1)


class _Values(Term):  # type: ignore[misc]
	"""A list in brackets that the driver fills in."""

	def __init__(self, values: tuple[Any, ...]) -> None:
		super().__init__()
		self.values = values

	def get_sql(self, param_wrapper: Any = None, **kwargs: Any) -> str:
		if param_wrapper is None:
			return str(Tuple(*self.values).get_sql(**kwargs))
		return str(param_wrapper.get_sql(param_value=self.values))

"""Determine the precision of a company's ledger: two decimals, or as many as ERPNext keeps for its currency.

Writes nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import frappe
from frappe.model.meta import get_field_precision

from crm_relations.shared import money


def decimals_of(company: str) -> int:
	"""Return the number of decimals that ERPNext rounds the company's ledger to; two at least."""
	currency = frappe.get_cached_value("Company", company, "default_currency")
	debit = frappe.get_meta("GL Entry").get_field("debit")
	return max(get_field_precision(debit, currency=currency), 2)


@contextmanager
def in_unit_of(company: str) -> Iterator[None]:
	"""Compute in the smallest unit of the company's ledger inside the block."""
	with money.decimals(decimals_of(company)):
		yield


def in_its_unit(function: Callable) -> Callable:
	"""Run the function in the smallest unit of the ledger.

	Its first argument names the company, or is the scope of one.
	"""

	@wraps(function)
	def reckoned(asked: Any, *arguments: Any, **options: Any) -> Any:
		with in_unit_of(getattr(asked, "company", asked)):
			return function(asked, *arguments, **options)

	return reckoned


def half_a_unit() -> Any:
	"""Return the SQL value up to which a deviation of amounts is not a difference."""
	return money.smallest_unit() / 2

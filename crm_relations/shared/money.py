"""Calculate with exact money. Amounts leave the database as float or Decimal and become Decimal cents here.

A currency with three decimals (KWD) has a smaller unit than the cent: `decimals` sets it for the code inside
the block. Imports no frappe.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
_UNIT: ContextVar[Decimal] = ContextVar("unit of money", default=CENT)


@contextmanager
def decimals(places: int) -> Iterator[None]:
	"""Calculate with this number of decimals inside the block, two at least."""
	before = _UNIT.set(Decimal(1).scaleb(-max(places, 2)))
	try:
		yield
	finally:
		_UNIT.reset(before)


def smallest_unit() -> Decimal:
	"""Return the smallest amount that is distinguished: a cent, unless `decimals` says otherwise."""
	return _UNIT.get()


def to_decimal(value: float | int | str | Decimal | None) -> Decimal:
	"""Return money as Decimal, rounded half up to the smallest unit; None counts as 0.00."""
	return Decimal(str(value or 0)).quantize(_UNIT.get(), ROUND_HALF_UP)


def to_string(value: float | int | str | Decimal | None) -> str:
	"""Return a decimal string with two places, or as many as `decimals` says."""
	return str(to_decimal(value) + 0)


def allocate(total: Decimal, weights: Sequence[Decimal], unit: Decimal | None = None) -> list[Decimal]:
	"""Split `total` in proportion to `weights`, in cents (or in `unit`) that add up to `total` exactly.

	Largest remainder method (Hamilton): every part is cut to the cent, and the cents left go to the largest
	remainders, earlier parts first on a tie. Weights may be negative. If they sum to zero, the total goes to
	the first part.
	"""
	unit = unit or _UNIT.get()
	if not weights:
		raise ValueError("allocate: no weights")
	whole = sum(weights)
	if whole == 0:
		return [total, *[Decimal(0).quantize(unit)] * (len(weights) - 1)]
	exact = [total * weight / whole for weight in weights]
	parts = [value.quantize(unit, ROUND_HALF_UP) for value in exact]
	left = total - sum(parts)
	step = unit if left > 0 else -unit
	order = sorted(
		range(len(parts)), key=lambda i: (exact[i] - parts[i]) * (1 if left > 0 else -1), reverse=True
	)
	for i in order[: int(abs(left) / unit)]:
		parts[i] += step
	return parts

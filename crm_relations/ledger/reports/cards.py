"""Build the summary figures above the accounting reports. Writes nothing."""

from decimal import Decimal
from typing import Any

from frappe import _


def card(
	label: str, value: Decimal | None, currency: str, indicator: str, kind: str = "Currency"
) -> dict[str, Any]:
	"""Return a figure of a report's summary; `kind` is its fieldtype."""
	return {
		"label": label,
		"value": None if value is None else float(value),
		"datatype": kind,
		"currency": currency,
		"indicator": indicator,
	}


def difference_card(difference: Decimal, currency: str) -> dict[str, Any]:
	"""Return the difference between a report and the ledger: red unless it is 0.00."""
	return card(_("Difference"), difference, currency, "Red" if difference else "Green")

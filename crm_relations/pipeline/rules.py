"""Which campaign a document may carry, as pure rules. Imports no frappe."""

from collections.abc import Iterable


def agreed(campaigns: Iterable[str | None]) -> str | None:
	"""The one campaign that all have; None if they differ, if one has none, or if there are none.

	A document carries a campaign in its header only then: a combined invoice of two campaigns has none,
	its rows keep their own.
	"""
	distinct = {campaign or None for campaign in campaigns}
	return distinct.pop() if len(distinct) == 1 else None


def retyped(before: str | None, now: str | None, rows: Iterable[str | None]) -> bool:
	"""Whether a user changed the header's campaign by hand, so that rows filled from it have to follow.

	ERPNext's mapper changes the header too when it adds the rows of a second order. Then the new rows
	differ from the old header; after a change by hand every row still has what the header had.
	"""
	return (before or None) != (now or None) and bool(before) and all(row == before for row in rows)

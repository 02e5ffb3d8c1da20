"""Decide which campaign a document may carry, as pure rules. Imports no frappe; writes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def agreed(campaigns: Iterable[str | None]) -> str | None:
	"""Return the one campaign that all have; None if they differ, if one has none, or if there are none.

	Only then a document carries a campaign in its header. A combined invoice of two campaigns has none, and
	its rows keep their own.
	"""
	distinct = {campaign or None for campaign in campaigns}
	return distinct.pop() if len(distinct) == 1 else None


def retyped(before: str | None, now: str | None, rows: Iterable[str | None]) -> bool:
	"""Tell whether a user changed the header's campaign, so that rows filled from it have to follow.

	ERPNext's mapper changes the header too when it adds the rows of a second order. Then the new rows differ
	from the old header. After a change by a user, every row still has the header's previous campaign.
	"""
	return (before or None) != (now or None) and bool(before) and all(row == before for row in rows)


@dataclass(frozen=True)
class JournalRow:
	"""A row of a journal entry, as far as its campaign is concerned."""

	campaign: str | None  #: the campaign of the row
	settles: bool  #: it names a document, or its account is that of a customer or supplier
	referenced: str | None = None  #: campaign of the document that it names


def campaign_of_journal(rows: Sequence[JournalRow]) -> str | None:
	"""Return the campaign that all rows of a journal may carry.

	This is the campaign of all settled documents, if it is a single one. A customer row without a document
	has no campaign, so the journal carries none. The same holds if a row carries another campaign already.
	All rows of a journal carry the campaign, or none: a part of a journal would not balance.
	"""
	campaign = agreed(row.referenced for row in rows if row.settles)
	return campaign if {row.campaign for row in rows if row.campaign} <= {campaign} else None

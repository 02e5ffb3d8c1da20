"""Sync: the whole existing site becomes relations. Writes through adoption and roles; can be run again at will.

Documents are read in pages of the primary key and committed page by page, so that a run that is killed goes
on where it stopped: what was adopted is found as unchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import frappe

from crm_relations.relations import adoption, queries, roles
from crm_relations.relations.sources import Party, Row, sources

CHUNK = 500

#: (doctype, documents done, documents in all)
Progress = Callable[[str, int, int], None]


@dataclass
class Counts:
	"""What became of the documents of one doctype."""

	rows_in: int = 0
	adopted: int = 0
	updated: int = 0
	unchanged: int = 0
	rejected: int = 0
	reasons: list[dict[str, str]] = field(default_factory=list)

	def as_dict(self) -> dict[str, Any]:
		return {
			"rows_in": self.rows_in,
			"imported": self.adopted + self.updated + self.unchanged,
			"adopted": self.adopted,
			"updated": self.updated,
			"unchanged": self.unchanged,
			"rejected": self.rejected,
			"reasons": self.reasons,
		}


@dataclass
class SyncReport:
	"""Counts by doctype; every document that was read is adopted, updated, unchanged or rejected."""

	by: dict[str, Counts]
	dry_run: bool

	def as_dict(self) -> dict[str, Any]:
		by = {doctype: counts.as_dict() for doctype, counts in self.by.items()}
		return {
			"rows_in": sum(row["rows_in"] for row in by.values()),
			"imported": sum(row["imported"] for row in by.values()),
			"rejected": sum(row["rejected"] for row in by.values()),
			"by": by,
			"dry_run": self.dry_run,
		}


def sync(dry_run: bool = False, on_progress: Progress | None = None) -> SyncReport:
	"""Adopt every party document of the site and derive the roles of what changed.

	A document that cannot be read as a relation is rejected with its reason and never ends the run.

	:param dry_run: count only; nothing is written
	:param on_progress: called after each page
	"""
	report = SyncReport({doctype: Counts() for doctype in sources()}, dry_run)
	filled: dict[str, Row] = {}
	for doctype, counts in report.by.items():
		total = frappe.db.count(doctype)
		after = ""
		while names := queries.names_after(doctype, after, CHUNK):
			after = names[-1]
			_sync_page([(doctype, name) for name in names], counts, dry_run, filled)
			if on_progress:
				on_progress(doctype, counts.rows_in, total)
	return report


def _sync_page(parties: list[Party], counts: Counts, dry_run: bool, filled: dict[str, Row]) -> None:
	"""A page at once; if that fails, one by one, so that only the faulty documents are rejected."""
	try:
		_adopt(parties, counts, dry_run, filled)
	except Exception as error:
		if isinstance(error, frappe.QueryDeadlockError):
			raise
		frappe.db.rollback()
		if len(parties) > 1:
			for party in parties:
				_sync_page([party], counts, dry_run, filled)
			return
		counts.rows_in += 1
		counts.rejected += 1
		counts.reasons.append({"name": parties[0][1], "reason": str(error) or type(error).__name__})


def _adopt(parties: list[Party], counts: Counts, dry_run: bool, filled: dict[str, Row]) -> None:
	outcome = adoption.adopt(parties, dry_run=dry_run, filled=filled if dry_run else None)
	if not dry_run:
		# roles age with the documents, also where the party itself is as it was
		roles.refresh({outcome.relations[party] for party in parties if party in outcome.relations})
		frappe.db.commit()
	for party in parties:
		counts.rows_in += 1
		if party in outcome.rejected:
			counts.rejected += 1
			counts.reasons.append({"name": party[1], "reason": outcome.rejected[party]})
		elif party in outcome.adopted:
			counts.adopted += 1
		elif party in outcome.updated:
			counts.updated += 1
		else:
			counts.unchanged += 1

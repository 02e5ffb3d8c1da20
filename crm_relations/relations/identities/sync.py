"""Sync: create relations from all existing records of a site. Writes through adoption and roles.

It can run any number of times. Documents are read in pages of the primary key and committed page by page. So
a run that is killed continues where it stopped: what was adopted is found as unchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import frappe
from rq.timeouts import JobTimeoutException

from crm_relations.relations import queries
from crm_relations.relations.creation import adoption
from crm_relations.relations.duplicates import index
from crm_relations.relations.identities import identity
from crm_relations.relations.party_documents.sources import Party, Row, sources
from crm_relations.relations.roles_and_stages import roles

CHUNK = 1000
#: attempts for a page that the database has undone because of a deadlock
ATTEMPTS = 3

#: (doctype, documents done, total of documents)
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

	def reject(self, name: str, reason: str) -> None:
		self.rejected += 1
		self.reasons.append({"name": name, "reason": reason})

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
	"""Adopt every party document of the site and derive the roles of its relation.

	A document that cannot be read as a relation is rejected with its reason and never ends the run. Commits
	after each page; the first commit includes earlier writes of the caller.

	:param dry_run: count only; nothing is written or committed
	:param on_progress: called after each page
	"""
	return _Sync(dry_run, on_progress).run()


class _Sync:
	def __init__(self, dry_run: bool, on_progress: Progress | None):
		self.dry_run = dry_run
		self.on_progress = on_progress
		self.report = SyncReport({doctype: Counts() for doctype in sources()}, dry_run)
		#: in a dry run: relation → fields that earlier pages would have filled
		self.filled: dict[str, Row] = {}
		self.began = frappe.utils.now()

	def run(self) -> SyncReport:
		for doctype, counts in self.report.by.items():
			total = frappe.db.count(doctype)
			after = ""
			while names := queries.names_after(doctype, after, CHUNK):
				after = names[-1]
				self.page([(doctype, name) for name in names])
				if self.on_progress:
					self.on_progress(doctype, counts.rows_in, total)
			if not self.dry_run:
				self.forget_gone(doctype)
		if not self.dry_run:
			index.queue_catch_up()
		return self.report

	def forget_gone(self, doctype: str) -> None:
		"""Remove documents that were deleted without events, or while their page was read."""
		while names := queries.parties_gone(doctype, CHUNK):
			identity.forget([(doctype, name) for name in names])
			frappe.db.commit()

	def page(self, parties: list[Party]) -> None:
		"""Process a page at once; if that fails, one by one, so that only the faulty documents are rejected."""
		parties = self.without_adopted(parties)
		if not parties:
			return
		try:
			outcome = self.adopt(parties)
		except JobTimeoutException:
			raise
		except Exception as error:
			if len(parties) > 1:
				for party in parties:
					self.page([party])
				return
			doctype, name = parties[0]
			self.report.by[doctype].rows_in += 1
			self.report.by[doctype].reject(name, _reason(error))
		else:
			self.count(parties, outcome)

	def without_adopted(self, parties: list[Party]) -> list[Party]:
		"""Return documents without those that this run has already adopted with others they are tied to."""
		if self.dry_run:
			return parties
		done = queries.adopted_since(parties, self.began)
		for doctype, _name in done:
			self.report.by[doctype].rows_in += 1
			self.report.by[doctype].adopted += 1
		return [party for party in parties if party not in done]

	def adopt(self, parties: list[Party]) -> adoption.Outcome:
		if self.dry_run:
			return adoption.adopt(parties, dry_run=True, filled=self.filled)
		attempt = 1
		while True:
			frappe.db.savepoint("relations_sync_page")
			try:
				outcome = adoption.adopt(parties)
				# roles change with the documents over time, even if the party itself has not changed
				known = {outcome.relations[party] for party in parties if party in outcome.relations}
				roles.refresh(known | outcome.changed, quiet=True)
			except frappe.QueryDeadlockError:
				frappe.db.rollback()  # the database has undone the page; what was committed before stays
				if attempt == ATTEMPTS:
					raise
				attempt += 1
			except Exception:
				frappe.db.rollback(save_point="relations_sync_page")
				frappe.clear_messages()
				raise
			else:
				frappe.db.commit()
				return outcome

	def count(self, parties: list[Party], outcome: adoption.Outcome) -> None:
		for party in parties:
			counts = self.report.by[party[0]]
			if party in outcome.rejected:
				counts.rows_in += 1
				counts.reject(party[1], outcome.rejected[party])
				continue
			if party not in outcome.relations and party not in outcome.adopted:
				continue  # deleted since the page was read
			counts.rows_in += 1
			if party in outcome.adopted:
				counts.adopted += 1
			elif party in outcome.updated:
				counts.updated += 1
			else:
				counts.unchanged += 1


def _reason(error: Exception) -> str:
	return frappe.utils.strip_html(str(error)).strip() or type(error).__name__

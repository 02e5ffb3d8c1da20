"""Run code that commits in tests that are rolled back, and show what another connection sees of it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import frappe

SAVEPOINT = "committed"


@contextmanager
def held_back() -> Iterator[None]:
	"""Turn each commit inside the block into a savepoint; a full rollback goes back to the last savepoint."""
	commit, rollback = frappe.db.commit, frappe.db.rollback

	def hold(**_options: Any) -> None:
		frappe.db.savepoint(SAVEPOINT)
		# as after a commit: Frappe refuses 200,000 writes at once, and goes through all its waiting messages
		# for each new one
		frappe.db.transaction_writes = 0
		getattr(frappe.local, "_realtime_log", []).clear()

	frappe.db.commit = hold
	frappe.db.rollback = lambda save_point=None, **_options: rollback(save_point=save_point or SAVEPOINT)
	frappe.db.commit()
	try:
		yield
	finally:
		frappe.db.commit, frappe.db.rollback = commit, rollback


def in_another_session(work: Callable[[], Any]) -> list:
	"""Run `work` on another connection and wait for it; the list holds its result or its error.

	It waits one second for a lock. After that the lock is an error.
	"""
	site, answers = frappe.local.site, []

	def run():
		frappe.init(site=site, sites_path=".")
		frappe.connect()
		try:
			frappe.db.sql("SET innodb_lock_wait_timeout = 1")
			answers.append(work())
			frappe.db.commit()
		except Exception as error:
			answers.append(error)
			frappe.db.rollback()
		finally:
			frappe.destroy()

	thread = threading.Thread(target=run)
	thread.start()
	thread.join(timeout=30)
	return answers

"""Read many rows without locking them, in a transaction that sees what is committed."""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe

ISOLATION = {
	"READ-UNCOMMITTED": "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
	"READ-COMMITTED": "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
	"REPEATABLE-READ": "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
	"SERIALIZABLE": "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
}


@contextmanager
def reading_what_is_committed() -> Iterator[None]:
	"""Run the block in a new transaction at READ COMMITTED, then restore the session's isolation level.

	In it, an INSERT … SELECT takes no locks on the rows that it reads, so that users can submit invoices
	meanwhile. Commits before and after: Frappe opens the next transaction with every commit, and only a new
	one takes the level.
	"""
	before = _isolation()
	if before in (None, "READ-COMMITTED"):
		frappe.db.commit()
		yield
		return
	frappe.db.sql(ISOLATION["READ-COMMITTED"])
	frappe.db.commit()
	try:
		yield
	finally:
		frappe.db.sql(ISOLATION[before])
		frappe.db.commit()


def _isolation() -> str | None:
	"""Return the session's isolation level on MariaDB; None elsewhere, where reading takes no locks anyway."""
	if frappe.db.db_type != "mariadb":
		return None
	levels = frappe.db.sql(
		"SHOW SESSION VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')"
	)
	return levels[0][1]

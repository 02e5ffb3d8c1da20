"""What the database is told before a statement: room for its sub-queries, and to make each of them once.

The vouchers of campaigns are a sub-query that is joined to the ledger again and again. MariaDB may make it anew for each
row of the ledger that it meets ("lateral derived"), which is quick for a handful of rows; for a ledger of two million it
took minutes where making it once takes a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe

from crm_relations.segments.room import in_memory


@contextmanager
def for_sums() -> Iterator[None]:
	"""Inside the block the session puts sub-queries aside in memory, whole."""
	if frappe.db.db_type != "mariadb":
		yield
		return
	(before,) = frappe.db.sql("SELECT @@SESSION.optimizer_switch")[0]
	with in_memory():
		frappe.db.sql("SET SESSION optimizer_switch = 'split_materialized=off'")
		try:
			yield
		finally:
			frappe.db.sql("SET SESSION optimizer_switch = %s", (before,))

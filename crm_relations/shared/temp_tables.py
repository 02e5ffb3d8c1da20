"""Room in memory for what a statement of segments puts aside.

The database keeps the names that a sub-query finds in a temporary table, and a name takes 560 bytes there, as wide
as its column. With MariaDB's default of 16 MB thirty thousand names fill it, and it goes to the disk, where each look-up
takes several times as long.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe

#: bytes of one temporary table; it takes what it needs and no more
SIZE = 256 * 1024 * 1024


@contextmanager
def in_memory() -> Iterator[None]:
	"""Inside the block temporary tables of the session stay in memory up to `SIZE`."""
	if frappe.db.db_type != "mariadb":
		yield
		return
	before = frappe.db.sql("SELECT @@SESSION.tmp_table_size, @@SESSION.max_heap_table_size")[0]
	_set(*(max(size, SIZE) for size in before))
	try:
		yield
	finally:
		_set(*before)


def _set(tables: int, heap: int) -> None:
	frappe.db.sql("SET SESSION tmp_table_size = %s, max_heap_table_size = %s", (tables, heap))

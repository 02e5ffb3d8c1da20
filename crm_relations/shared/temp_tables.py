"""Keep temporary tables of segment queries in memory.

The database keeps the names that a sub-query finds in a temporary table. A name takes 560 bytes there, as
wide as its column. With MariaDB's default of 16 MB, thirty thousand names fill it and it moves to the disk,
where each look-up takes several times as long.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe

#: bytes of one temporary table; it uses only what it needs
SIZE = 256 * 1024 * 1024


@contextmanager
def in_memory() -> Iterator[None]:
	"""Keep temporary tables of the session in memory up to `SIZE` inside the block."""
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

"""Record the SQL statements that a call sends to the database, for tests of its cost."""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe


@contextmanager
def sent_statements() -> Iterator[list[str]]:
	"""Record the SQL statements sent inside the block, as text and in order."""
	run, sent = frappe.db.sql, []

	def listening(query, *arguments, **options):
		sent.append(str(query))
		return run(query, *arguments, **options)

	frappe.db.sql = listening
	try:
		yield sent
	finally:
		frappe.db.sql = run

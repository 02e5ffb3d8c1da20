"""The statements that a call sends to the database, for tests of what it costs."""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe


@contextmanager
def sent_statements() -> Iterator[list[str]]:
	"""The statements sent inside the block, as text and in their order."""
	run, sent = frappe.db.sql, []

	def listening(query, *arguments, **options):
		sent.append(str(query))
		return run(query, *arguments, **options)

	frappe.db.sql = listening
	try:
		yield sent
	finally:
		frappe.db.sql = run

"""Code that commits, in tests that are rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe

SAVEPOINT = "committed"


@contextmanager
def held_back() -> Iterator[None]:
	"""Inside the block a commit is a savepoint, and a full rollback goes back to the last of them."""
	commit, rollback = frappe.db.commit, frappe.db.rollback
	frappe.db.commit = lambda **_options: frappe.db.savepoint(SAVEPOINT)
	frappe.db.rollback = lambda save_point=None, **_options: rollback(save_point=save_point or SAVEPOINT)
	frappe.db.commit()
	try:
		yield
	finally:
		frappe.db.commit, frappe.db.rollback = commit, rollback

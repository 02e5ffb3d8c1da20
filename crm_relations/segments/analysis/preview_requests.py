"""A builder asks anew while one types: what it asked before is not worked on any longer.

Each question of a builder has a number. The newest one notes its number and its database connection in the cache,
and stops the query of the one before, if that still runs. A question that comes in late finds a higher number.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe.utils import cint

KEPT = 300
INTERRUPTED, NO_SUCH_THREAD = 1317, 1094


class Superseded(Exception):
	"""A newer question of the same builder is there."""


@contextmanager
def latest_only(builder: str | None, number: int) -> Iterator[None]:
	"""Runs the body unless, or until, a question with a higher number comes from the same builder and user.

	:param builder: what the form calls itself; without one nothing is stopped
	:raises Outdated: a newer question is there
	"""
	if not builder:
		yield
		return
	key = f"crm_relations:question:{frappe.session.user}:{builder[:40]}"
	before = frappe.cache.get_value(key, expires=True) or {}
	if cint(before.get("number")) > number:
		raise Superseded
	connection = _connection()
	frappe.cache.set_value(key, {"number": number, "connection": connection}, expires_in_sec=KEPT)
	if running := cint(before.get("connection")):
		_stop(running)
	try:
		yield
	except frappe.db.OperationalError as error:
		if error.args[0] == INTERRUPTED:
			raise Superseded from error
		raise
	latest = frappe.cache.get_value(key, expires=True) or {}
	if cint(latest.get("number")) > number:
		raise Superseded
	if connection:  # done: nobody has to stop it
		frappe.cache.set_value(key, {"number": number}, expires_in_sec=KEPT)


def _connection() -> int | None:
	"""The number of this request's connection, by which another can stop its query."""
	if frappe.db.db_type != "mariadb":
		return None
	return frappe.db.sql("SELECT CONNECTION_ID()")[0][0]


def _stop(connection: int) -> None:
	"""Stop what a connection of our own works on; one that is gone has nothing to stop."""
	if frappe.db.db_type != "mariadb":
		return
	try:
		frappe.db.sql("KILL QUERY %s", (connection,))
	except frappe.db.OperationalError as error:
		if error.args[0] != NO_SUCH_THREAD:
			raise

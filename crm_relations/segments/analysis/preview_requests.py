"""Stop preview queries that a newer request of the same rule builder replaces.

The builder asks again while the user types. Each request has a number. The newest one stores its number and
its database connection in the cache, and stops the query of the previous one if that still runs. A request
that arrives late finds a higher number.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe.utils import cint

KEPT = 300
INTERRUPTED, NO_SUCH_THREAD = 1317, 1094


class Superseded(Exception):
	"""A newer request of the same builder exists."""


@contextmanager
def latest_only(builder: str | None, number: int) -> Iterator[None]:
	"""Run the body unless, or until, a request with a higher number comes from the same builder and user.

	:param builder: identifies the form; without it nothing is stopped
	:raises Superseded: there is a newer request
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
	if connection:  # done: it need not be stopped any more
		frappe.cache.set_value(key, {"number": number}, expires_in_sec=KEPT)


def _connection() -> int | None:
	"""Return the number of this request's connection, with which another request can stop its query."""
	if frappe.db.db_type != "mariadb":
		return None
	return frappe.db.sql("SELECT CONNECTION_ID()")[0][0]


def _stop(connection: int) -> None:
	"""Stop the query of one of our own connections; a connection that was closed has nothing to stop."""
	if frappe.db.db_type != "mariadb":
		return
	try:
		frappe.db.sql("KILL QUERY %s", (connection,))
	except frappe.db.OperationalError as error:
		if error.args[0] != NO_SUCH_THREAD:
			raise

"""Empty Frappe's cache between tests, except for the doctypes, which are the most expensive to read again.

A test that wrote to the tables of doctypes, permissions or translations, or changed a table, is recognized by
its SQL. After such a test the whole cache is emptied.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe.database.database import Database

#: what Frappe reads only from code and from the tables below
SPARED = (
	"all_apps",
	"app_hooks",
	"app_modules",
	"db_tables",
	"doctype_meta",
	"doctype_modules",
	"installed_app_modules",
	"is_table",
	"merged_translations",
	"table_columns",
)
TABLES = (
	"Custom DocPerm",
	"Custom Field",
	"DefaultValue",
	"DocField",
	"DocPerm",
	"DocType",
	"DocType Action",
	"DocType Link",
	"DocType State",
	"Domain Settings",
	"Installed Application",
	"Module Def",
	"Property Setter",
	"Translation",
)
#: a change of a table, or a write that names one of the tables above
CHANGE = re.compile(
	r"\s*(?:(?:alter|create|drop|rename|truncate)\s+(?!temporary)"
	rf"|(?:insert|update|delete|replace)\b.*?\btab(?:{'|'.join(map(re.escape, TABLES))})\b)",
	re.IGNORECASE | re.DOTALL,
)


class Cache:
	"""The cache of the test site in this process. Call `watch` once, and `empty` after each test."""

	def __init__(self) -> None:
		self.changed = False

	def watch(self) -> None:
		"""Watch every statement from now on, on every connection of this process."""
		sql = Database.sql

		def watched(database, query, *args, **kwargs):
			if not self.changed and CHANGE.match(str(query)):
				self.changed = True
			return sql(database, query, *args, **kwargs)

		Database.sql = watched

	def empty(self) -> None:
		# version 16 keeps a second copy of its cache, and Redis reports changes to it with a delay
		if self.changed or hasattr(frappe, "client_cache"):
			self.empty_all()
		else:
			with _set_aside():
				frappe.clear_cache()

	def empty_all(self) -> None:
		frappe.clear_cache()
		self.changed = False


@contextmanager
def _set_aside() -> Iterator[None]:
	"""Set the definitions aside: in Redis under a name that is not the site's, in the process in a variable."""
	keys = [frappe.cache.make_key(key) for key in SPARED]
	here = {key: frappe.local.cache[key] for key in keys if key in frappe.local.cache}
	_rename((key, b"aside|" + key) for key in keys)
	try:
		yield
	finally:
		_rename((b"aside|" + key, key) for key in keys)
		frappe.local.cache.update(here)


def _rename(pairs) -> None:
	pipeline = frappe.cache.pipeline(transaction=False)
	for old, new in pairs:
		pipeline.rename(old, new)
	pipeline.execute(raise_on_error=False)  # the key may be missing

"""What the rows of a file so far have made known, for the rows that follow: on the disk, for a file may have many.

A row may mean the relation of any earlier row, which in a preview nothing else knows. Each page looks up what its own rows
can mean. The store is a file of SQLite that nothing else can open, and that goes with the object. Imports no frappe.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

#: megabytes that SQLite holds in memory
CACHE = 2


class EarlierRows:
	"""Values by the name of a relation, found by keys. The last of several relations with an exclusive key has it."""

	def __init__(self) -> None:
		self._store: sqlite3.Connection | None = None

	def put(self, name: str, values: Any, keys: Iterable[str], exclusive: Iterable[str] = ()) -> None:
		"""Keep values that JSON can hold; keys that the relation had before stay."""
		store = self._opened()
		store.execute("INSERT OR REPLACE INTO known VALUES (?, ?)", (name, json.dumps(values)))
		for key in exclusive:
			store.execute("DELETE FROM found_by WHERE key = ?", (key,))
		store.executemany(
			"INSERT OR IGNORE INTO found_by VALUES (?, ?)", [(key, name) for key in (*keys, *exclusive)]
		)

	def find(self, keys: Iterable[str]) -> list[tuple[str, str]]:
		"""Keys of these that relations have, each with the name."""
		if not self._store:
			return []
		return [pair for key in keys for pair in self._names(key)]

	def get(self, name: str) -> Any:
		"""The values of a relation; None without any."""
		if not self._store:
			return None
		row = self._store.execute("SELECT held FROM known WHERE name = ?", (name,)).fetchone()
		return row and json.loads(row[0])

	def _names(self, key: str) -> Iterator[tuple[str, str]]:
		return self._opened().execute("SELECT key, name FROM found_by WHERE key = ?", (key,))

	def _opened(self) -> sqlite3.Connection:
		if not self._store:
			# an empty name is a file that is deleted when it is closed; nothing of it has to outlive a crash
			self._store = sqlite3.connect("", isolation_level=None, check_same_thread=False)
			self._store.execute("PRAGMA journal_mode = OFF")
			self._store.execute("PRAGMA synchronous = OFF")
			self._store.execute(f"PRAGMA cache_size = -{CACHE * 1024}")
			self._store.execute("CREATE TABLE known (name TEXT PRIMARY KEY, held TEXT) WITHOUT ROWID")
			self._store.execute(
				"CREATE TABLE found_by (key TEXT, name TEXT, PRIMARY KEY (key, name)) WITHOUT ROWID"
			)
		return self._store

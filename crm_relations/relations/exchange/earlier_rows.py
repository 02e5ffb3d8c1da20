"""Store what earlier rows of a file have defined for the rows that follow. Imports no frappe.

The store is on the disk, because a file may have many rows. A row may mean the relation of any earlier row,
which nothing else knows during a preview. Each page looks up what its own rows can mean. The store is a
SQLite file that nothing else can open, and that is deleted with the object.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

#: megabytes that SQLite holds in memory
CACHE = 2


class EarlierRows:
	"""Values by the name of a relation, found by keys. For an exclusive key, the last relation that has it
	counts.
	"""

	def __init__(self) -> None:
		self._store: sqlite3.Connection | None = None

	def put(self, name: str, values: Any, keys: Iterable[str], exclusive: Iterable[str] = ()) -> None:
		"""Store values that JSON can hold; keys that the relation had before stay."""
		store = self._opened()
		store.execute("INSERT OR REPLACE INTO known VALUES (?, ?)", (name, json.dumps(values)))
		for key in exclusive:
			store.execute("DELETE FROM found_by WHERE key = ?", (key,))
		store.executemany(
			"INSERT OR IGNORE INTO found_by VALUES (?, ?)", [(key, name) for key in (*keys, *exclusive)]
		)

	def find(self, keys: Iterable[str]) -> list[tuple[str, str]]:
		"""Return which of these keys belong to relations, each with the name."""
		if not self._store:
			return []
		return [pair for key in keys for pair in self._names(key)]

	def get(self, name: str) -> Any:
		"""Return the values of a relation; None if there are none."""
		if not self._store:
			return None
		row = self._store.execute("SELECT held FROM known WHERE name = ?", (name,)).fetchone()
		return row and json.loads(row[0])

	def _names(self, key: str) -> Iterator[tuple[str, str]]:
		return self._opened().execute("SELECT key, name FROM found_by WHERE key = ?", (key,))

	def _opened(self) -> sqlite3.Connection:
		if not self._store:
			# an empty name is a file that is deleted when it is closed; nothing in it must survive a crash
			self._store = sqlite3.connect("", isolation_level=None, check_same_thread=False)
			self._store.execute("PRAGMA journal_mode = OFF")
			self._store.execute("PRAGMA synchronous = OFF")
			self._store.execute(f"PRAGMA cache_size = -{CACHE * 1024}")
			self._store.execute("CREATE TABLE known (name TEXT PRIMARY KEY, held TEXT) WITHOUT ROWID")
			self._store.execute(
				"CREATE TABLE found_by (key TEXT, name TEXT, PRIMARY KEY (key, name)) WITHOUT ROWID"
			)
		return self._store

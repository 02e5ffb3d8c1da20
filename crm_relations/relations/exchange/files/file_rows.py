"""Read the rows or cards of a file of any format, from its beginning as often as needed. Imports no frappe.

Nothing here holds a file: a file of 200,000 rows takes no more memory than one of 1,000.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO

from crm_relations.relations.exchange.files import parsing, spreadsheets, vcards
from crm_relations.relations.exchange.files.parsing import Record, Table

VCARD, CSV, XLSX = "vCard", "csv", "xlsx"


def format_of(stream: BinaryIO) -> str:
	"""Tell the format by the first bytes of the file."""
	stream.seek(0)
	start = stream.read(64)
	if vcards.is_vcard(start):
		return VCARD
	return XLSX if spreadsheets.is_workbook(start) else CSV


def open_table(file_format: str, stream: BinaryIO) -> Table:
	"""Read the heading of a table; its rows are read when they are asked for, once.

	:raises Unreadable: no heading, too many columns, or another format
	"""
	return spreadsheets.open_table(stream) if file_format == XLSX else parsing.open_table(stream)


class FileRows:
	"""The records of a file in order.

	The end of the file decides about the rows before it: their number, and where the footer of a report
	begins. The first pass finds that out, and its records have no footer yet.
	"""

	def __init__(self, path: str, file_format: str, targets: Sequence[str] = ()) -> None:
		self.path, self.file_format, self.targets = path, file_format, targets
		#: known after the first pass
		self.total = 0
		self._footer: int | None = None

	def __iter__(self) -> Iterator[Record]:
		"""Yield the records.

		:raises Unreadable: the file as a whole, at any of its rows
		"""
		with open(self.path, "rb") as stream:
			if self.file_format == VCARD:
				yield from self._counted(vcards.records_of(stream))
				return
			table = open_table(self.file_format, stream)
			yield from self._counted(parsing.records_of(table, self.targets, self._footer or 0))
			self._footer = table.footer

	def _counted(self, records: Iterator[Record]) -> Iterator[Record]:
		total = 0
		for record in records:
			total += 1
			yield record
		self.total = total


class Pages:
	"""Goes through the records of a file page by page, starting anywhere."""

	def __init__(self, rows: FileRows) -> None:
		self._rows = rows
		self._iterator = iter(rows)
		self._place = 0

	def read(self, start: int, size: int) -> list[Record]:
		"""Return at most `size` records from `start` on. Continues after the last page, or begins again."""
		if start < self._place:
			self._iterator, self._place = iter(self._rows), 0
		for _record in islice(self._iterator, start - self._place):
			pass
		page = list(islice(self._iterator, size))
		self._place = start + len(page)
		return page

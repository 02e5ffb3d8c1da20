"""Read Excel workbooks (.xlsx) as tables: the first sheet that is not empty. Imports no frappe.

openpyxl reads the format.
"""

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, BinaryIO

import openpyxl

from crm_relations.relations.exchange.files import parsing
from crm_relations.relations.exchange.files.parsing import Table
from crm_relations.relations.exchange.files.unreadable import Unreadable, _

#: a workbook is a compressed archive: its contents are checked before it is unpacked
MAX_BYTES = 10 * 1024 * 1024
MAX_UNPACKED = 100 * 1024 * 1024


def is_workbook(content: bytes) -> bool:
	"""Tell whether the file is an Excel workbook, of the current or the old format."""
	return content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))


def read_table(content: bytes, limit: int = 0) -> Table:
	"""Read the rows of the first sheet that is not empty, and hold them.

	:param limit: only this many rows; 0 for all
	:raises Unreadable: as `open_table`
	"""
	return parsing.held(open_table(io.BytesIO(content)), limit)


def open_table(stream: BinaryIO) -> Table:
	"""Read the heading of the first sheet that is not empty; its rows are read when they are asked for, once.

	:raises Unreadable: another format, too large, or without a heading
	"""
	_check(stream)
	try:
		book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
	except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
		raise Unreadable(_("The workbook cannot be read. Save it again as .xlsx or as csv.")) from error
	for sheet in book.worksheets:
		if sheet.sheet_state == "visible":
			sheet.reset_dimensions()
			lines = _lines(sheet)
			first = next((line for line in lines if any(line[1])), None)
			if first:
				return parsing.table_of(_chained(first, lines), "xlsx")
	raise Unreadable(_("The file is empty. Choose a file with a heading and rows."))


def _check(stream: BinaryIO) -> None:
	stream.seek(0)
	if stream.read(2) != b"PK":
		raise Unreadable(_("This is a workbook of an old Excel (.xls). Save it as .xlsx or as csv."))
	if stream.seek(0, io.SEEK_END) > MAX_BYTES:
		raise Unreadable(
			_("The workbook is larger than {0} MB. Save it as csv, or split it."), MAX_BYTES // 1024 // 1024
		)
	try:
		entries = zipfile.ZipFile(stream).infolist()
	except zipfile.BadZipFile as error:
		raise Unreadable(_("The workbook cannot be read. Save it again as .xlsx or as csv.")) from error
	if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
		raise Unreadable(
			_("The workbook is larger than {0} MB. Save it as csv, or split it."),
			MAX_UNPACKED // 1024 // 1024,
		)


def _chained(
	first: tuple[int, list[str]], rest: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, list[str]]]:
	yield first
	yield from rest


def _lines(sheet: Any) -> Iterator[tuple[int, list[str]]]:
	"""Yield row numbers and texts. One column more than allowed is read, so that it is noticed."""
	for number, row in enumerate(sheet.iter_rows(max_col=parsing.MAX_COLUMNS + 1), 1):
		cells = [_text(cell) for cell in row]
		while cells and not cells[-1]:
			cells.pop()
		yield number, cells


def _text(cell: Any) -> str:
	"""Return a cell as it is shown: dates in ISO form, whole numbers without a point, `00000` keeps its
	zeros.
	"""
	value = cell.value
	if value is None:
		return ""
	if isinstance(value, bool):
		return "TRUE" if value else "FALSE"
	if isinstance(value, datetime):
		return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
	if isinstance(value, date):
		return value.isoformat()
	if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
		value = int(value)
	form = cell.number_format or ""
	if isinstance(value, int) and form and set(form) == {"0"}:
		return str(value).zfill(len(form))
	return str(value)

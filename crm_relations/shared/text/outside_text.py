"""Remove markup from external texts (emails, files, servers, merge values) before they are stored.

Frappe shows plain text fields as HTML and relies on cleaning them when a document is saved. That misses what
is written without a document, and values that are valid JSON, such as `"<img …>"` with its quotation marks.
So a text loses its markup here, once: `<` before a letter becomes `‹`. Nothing is turned into entities,
because the same text also goes into emails, files and our own pages, which escape what they show.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.utils.html_utils import is_json

from crm_relations.shared import table_rows
from crm_relations.shared.text.markup import clean_html, plain
from crm_relations.shared.text.sandbox import TemplateError

#: fields that Frappe shows as HTML; Code is escaped by its formatter, editors hold HTML on purpose
PLAIN_FIELDS = frozenset(["Data", "Small Text", "Text", "Long Text"])
EDITORS = frozenset(["Text Editor", "HTML Editor", "Markdown Editor"])


def plain_values(doctype: str, values: Mapping[str, Any]) -> dict[str, Any]:
	"""Return column → value, without markup in the plain text columns of `doctype`."""
	fields = _plain_fields(doctype)
	return {
		name: plain(value) if name in fields and isinstance(value, str) else value
		for name, value in values.items()
	}


def insert_rows(
	doctype: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, ignore_duplicates: bool = False
) -> None:
	"""Insert rows without creating documents; their plain text columns lose all markup."""
	fields = _plain_fields(doctype)
	places = {index for index, column in enumerate(columns) if column in fields}
	cleaned = [
		tuple(
			plain(value) if index in places and isinstance(value, str) else value
			for index, value in enumerate(row)
		)
		for row in rows
	]
	table_rows.insert(doctype, columns, cleaned, ignore_duplicates=ignore_duplicates)


def clean_document(doc: Document) -> None:
	"""Remove markup from the plain text fields of a document and its rows, and scripts from its editors.

	Frappe cleans editors itself, except for values that are valid JSON.
	"""
	for part in (doc, *doc.get_all_children()):
		for df in part.meta.fields:
			value = part.get(df.fieldname)
			if not isinstance(value, str) or df.ignore_xss_filter:
				continue
			if df.fieldtype in PLAIN_FIELDS:
				part.set(df.fieldname, plain(value))
			elif df.fieldtype in EDITORS and "<" in value and is_json(value):
				part.set(df.fieldname, _cleaned(value))


def _cleaned(value: str) -> str:
	try:
		return clean_html(value)
	except TemplateError:  # nested too deeply to be read
		return plain(value)


def _plain_fields(doctype: str) -> set[str]:
	return {
		df.fieldname
		for df in frappe.get_meta(doctype).fields
		if df.fieldtype in PLAIN_FIELDS and not df.ignore_xss_filter
	}

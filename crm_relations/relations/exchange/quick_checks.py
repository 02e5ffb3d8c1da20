"""Tell quickly whether a document contains anything that Frappe's checks could object to. Writes nothing.

Frappe's checks of a save go through all fields several times. For thousands of documents of one doctype, most
of it is the same each time. Most documents are plain: known links, short texts without markup, normalized
addresses. What looks plain here passes Frappe's checks. Every other document goes through them, and is
refused with Frappe's own messages.
"""

import re
from typing import Any

import frappe
from frappe.model import no_value_fields, table_fields
from frappe.utils import cint, flt

TEXTS = frozenset(["Small Text", "Text", "Long Text"])
NUMBERS = frozenset(["Int", "Float", "Currency", "Percent"])
PLAIN_TYPES = frozenset(["Data", "Select", "Link", "Check", "Date", "Datetime", *TEXTS, *NUMBERS])
#: options of Data fields that are looked at here
PLAIN_OPTIONS = frozenset([None, "", "Email", "Phone"])
#: no more than the text or number of this type holds in any database
LONGEST, LARGEST = 60_000, 2_000_000_000
MARKUP = re.compile(r"[<>]|&(?:lt|gt|#)", re.IGNORECASE)
#: narrower than Frappe's patterns
EMAIL = re.compile(r"[a-z0-9]+(?:[._+-][a-z0-9]+)*@[a-z0-9]+(?:[.-][a-z0-9]+)*\.[a-z]{2,18}", re.ASCII)
PHONE = re.compile(r"[+(]?[0-9][0-9 ()-]{2,18}", re.ASCII)
DATE = re.compile(r"[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])", re.ASCII)


class QuickChecks:
	"""Examines documents of one doctype and the rows of their child tables. Created again for each page of
	rows.
	"""

	def __init__(self, doctype: str) -> None:
		self._linked: dict[tuple[str, str], bool] = {}
		self._rules: dict[str, list[tuple[str, str, Any, bool, int]] | None] = {}
		meta = frappe.get_meta(doctype)
		self._tables = [df.fieldname for df in meta.get_table_fields()]
		for name in (doctype, *(df.options for df in meta.get_table_fields())):
			self._rules[name] = _rules(name)

	def is_plain(self, doc: Any) -> bool:
		"""Tell whether no check of Frappe can object to the document or to one of its rows."""
		rows = [row for table in self._tables for row in doc.get(table) or ()]
		return all(self._passes(one) for one in (doc, *rows))

	def _passes(self, doc: Any) -> bool:
		rules = self._rules[doc.doctype]
		if rules is None:
			return False
		values = doc.__dict__
		for name, fieldtype, options, is_required, length in rules:
			value = values.get(name)
			if value is None or value == "" or value == 0:
				if is_required:
					return False
			elif fieldtype in NUMBERS:
				if not isinstance(value, int | float) or not 0 < flt(value) < LARGEST:
					return False
			elif fieldtype == "Check":
				if value != 1:
					return False
			elif not isinstance(value, str):
				return False
			elif fieldtype == "Link":
				if not self._is_linked(options, value):
					return False
			elif not _is_plain_text(fieldtype, options, value, length) or (is_required and not value.strip()):
				return False
		return True

	def _is_linked(self, doctype: str, name: str) -> bool:
		key = (doctype, name)
		if key not in self._linked:
			self._linked[key] = frappe.db.get_value(doctype, name, "name", order_by=None) == name
		return self._linked[key]


def _is_plain_text(fieldtype: str, options: Any, value: str, length: int) -> bool:
	if fieldtype == "Select":
		return value in options
	if fieldtype in ("Date", "Datetime"):
		return fieldtype == "Date" and bool(DATE.fullmatch(value))
	if len(value) > length or MARKUP.search(value):
		return False
	if options == "Email":
		return bool(EMAIL.fullmatch(value))
	return options != "Phone" or bool(PHONE.fullmatch(value))


def _rules(doctype: str) -> list[tuple[str, str, Any, bool, int]] | None:
	"""Return fieldname, type, options, whether it is required, longest text; None if one of them is not known
	here.
	"""
	meta = frappe.get_meta(doctype)
	if (meta.autoname or "").startswith("field:"):
		return None
	rules = []
	for df in meta.fields:
		if df.fieldtype in no_value_fields or df.fieldtype in table_fields:
			if df.fieldtype in table_fields and df.reqd:
				return None
			continue
		if df.fetch_from or df.set_only_once or df.is_virtual:
			return None
		known = df.fieldtype in PLAIN_TYPES and (df.fieldtype != "Data" or df.options in PLAIN_OPTIONS)
		options: Any = df.options
		if df.fieldtype == "Select":
			options = frozenset((df.options or "").split("\n"))
		length = LONGEST if df.fieldtype in TEXTS else cint(df.length) or 140
		# of a type that is not known here, only an empty value is plain
		rules.append(
			(df.fieldname, df.fieldtype if known else "", options, bool(df.reqd), length if known else 0)
		)
	return rules

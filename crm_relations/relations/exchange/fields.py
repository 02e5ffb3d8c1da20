"""The fields of Relation as files know them: which can be read and written, by which headings, and how their values
are written in words."""

from functools import cached_property
from typing import Any

import frappe
from babel import Locale, UnknownLocaleError
from frappe import _
from frappe.model import no_value_fields, table_fields
from frappe.utils import cstr, validate_phone_number

from crm_relations.relations import attributes
from crm_relations.relations.exchange import rules
from crm_relations.relations.exchange.rules import Record, Unreadable
from crm_relations.shared.contact_keys import phone_key

OPTION = "Relation Profile Option"
#: a value that is not in the list of this field goes into the notes
SOFT = ("salutation",)
NUMBERS = ("Int", "Float", "Currency", "Percent")
#: headings of the columns that are no fields of Relation
EXTRA = {
	rules.COMPANY: "Company",
	"further_emails": "Further E-mails",
	"further_phones": "Further Phones",
	"further_mobiles": "Further Mobiles",
	"further_fax": "Fax",
	"further_websites": "Further Websites",
	"further_addresses": "Further Addresses",
}


def writable() -> list[Any]:
	"""Docfields that a file may fill."""
	return [
		df
		for df in frappe.get_meta("Relation").fields
		if df.fieldtype not in (*no_value_fields, *table_fields)
		and (not df.read_only or df.fieldname == "uid")
		and not df.hidden
	]


def targets() -> dict[str, str]:
	"""field or column → its label in the user's language."""
	return {
		**{df.fieldname: _(df.label) for df in writable()},
		**{name: _(label) for name, label in EXTRA.items()},
	}


def headings() -> dict[str, str]:
	"""Everything a heading may be called: field names, labels in English and in the user's language."""
	result = {df.fieldname: df.fieldname for df in writable()}
	result.update({df.label: df.fieldname for df in writable()})
	result.update({label: name for name, label in EXTRA.items()})
	result.update({name: name for name in EXTRA})
	for lang in languages():
		result.update({_(df.label, lang): df.fieldname for df in writable()})
		result.update({_(label, lang): name for name, label in EXTRA.items()})
	return result


def languages() -> list[str]:
	"""In which a file may be written: the user's, the site's, German and English."""
	return list(dict.fromkeys([frappe.local.lang, frappe.db.get_default("lang") or "en", "de", "en"]))


class Reader:
	"""Turns the texts of a record into values of Relation. Knows the lists behind the fields once it has read them."""

	def __init__(self) -> None:
		self.lists: dict[tuple[str, str], dict[str, str]] = {}

	@cached_property
	def fields(self) -> dict[str, Any]:
		return {df.fieldname: df for df in writable()}

	@cached_property
	def attributes_of(self) -> dict[str, str]:
		return attributes.option_fields()

	def label(self, name: str) -> str:
		"""Label of a field in the user's language."""
		df = frappe.get_meta("Relation").get_field(name)
		return _(df.label) if df else name

	def values(self, record: Record) -> tuple[dict[str, Any], list[str]]:
		"""Values by field, and texts on what went into the notes instead.

		:raises Unreadable: names the field and what its value should look like
		"""
		result, details = {}, []
		for name, text in record.values.items():
			df = self.fields.get(name)
			text = text.strip()
			if not df or not text:
				continue
			try:
				result[name] = self.value(df, text)
			except Unreadable as error:
				if name in SOFT:
					record.left.append((_(df.label), text))
					details.append(_("{0}: {1} goes into the notes").format(_(df.label), text))
					continue
				reason = error.message(_)
				raise Unreadable("{0}: {1}", _(df.label), reason) from error
		for _kind, text, _label in record.points:
			if len(text) > 255:
				raise Unreadable(rules._("{0}… is longer than {1} characters. Shorten it."), text[:40], 255)
		return result, details

	def value(self, df: Any, text: str) -> Any:
		"""One value. :raises Unreadable:"""
		if df.fieldtype == "Date":
			return rules.read_date(text).isoformat()
		if df.fieldtype in NUMBERS:
			number = rules.read_number(text)
			return round(number) if df.fieldtype == "Int" else number
		if df.fieldtype == "Check":
			return rules.read_check(text)
		if df.fieldtype in ("Link", "Select"):
			known = self.known(df)
			if (found := known.get(text.casefold())) is None:
				raise Unreadable(rules._("{0} is not in the list. Add it there, or correct the row."), text)
			return found
		if df.options == "Phone" and not validate_phone_number(text):
			# 0221/123456 is a number in Germany, and none for Frappe
			if not (number := phone_key(text)):
				raise Unreadable(rules._("{0} is no telephone number. Write it like +49 221 123456."), text)
			return number
		limit = df.length or 140
		if df.fieldtype == "Data" and len(text) > limit:
			raise Unreadable(rules._("{0}… is longer than {1} characters. Shorten it."), text[:40], limit)
		return text

	def known(self, df: Any) -> dict[str, str]:
		"""text in lower case → value, of a field with a list: by name, title, translation, code of a country."""
		attribute = self.attributes_of.get(df.fieldname, "")
		key = (df.options, attribute)
		if key not in self.lists:
			self.lists[key] = self._read_list(df, attribute)
		return self.lists[key]

	def _read_list(self, df: Any, attribute: str) -> dict[str, str]:
		if df.fieldtype == "Select":
			options = [option for option in cstr(df.options).split("\n") if option]
			return {t.casefold(): option for option in options for t in (*_in_all_languages(option), option)}
		meta = frappe.get_meta(df.options)
		columns = ["name", meta.get_title_field()]
		if df.options == "Country":
			columns.append("code")
		table = frappe.qb.DocType(df.options)
		query = frappe.qb.from_(table).select(*[table[c] for c in dict.fromkeys(columns)])
		if df.options == OPTION:
			query = query.where(table.attribute == attribute)
		result: dict[str, str] = {}
		for name, *texts in map(list, query.run()):
			if df.options == "Country" and texts[-1]:
				texts += _country_names(texts[-1])
			for text in (*texts, name):
				for wording in (*_in_all_languages(text), text) if text else ():
					result[cstr(wording).casefold()] = name
		return result


def _country_names(code: str) -> list[str]:
	"""What the country of an ISO code is called in the languages of files; Frappe knows the English names only."""
	found = []
	for lang in languages():
		try:
			found.append(Locale.parse(lang, sep="-").territories.get(code.upper()))
		except (UnknownLocaleError, ValueError):
			continue
	return [name for name in found if name]


def _in_all_languages(text: str) -> list[str]:
	return [_(text, lang) for lang in languages()]


def in_words(df: Any, value: Any) -> str:
	"""How a value stands in a file; options without their attribute."""
	if value is None or value == "":
		return ""
	if df.options == OPTION and df.fieldtype == "Link":
		return cstr(value).partition(": ")[2] or cstr(value)
	if df.fieldtype in NUMBERS:
		return "" if not value else f"{float(value):.10g}"
	if df.fieldtype == "Check":
		return _("Yes") if value else ""
	return cstr(value)

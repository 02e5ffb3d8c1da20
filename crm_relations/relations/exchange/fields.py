"""Describe the fields of Relation for files: readable and writable fields, headings, and values in words.

Writes nothing.
"""

from datetime import date
from functools import cached_property
from typing import Any

import frappe
from babel import Locale, UnknownLocaleError
from frappe import _
from frappe.model import no_value_fields, table_fields
from frappe.utils import cstr, validate_email_address, validate_phone_number

from crm_relations.relations.exchange.files import cells, parsing
from crm_relations.relations.exchange.files.parsing import Record
from crm_relations.relations.exchange.files.unreadable import Unreadable
from crm_relations.relations.exchange.quick_checks import EMAIL
from crm_relations.relations.profiles import attributes
from crm_relations.shared.contact_keys import email_key

OPTION = "Relation Profile Option"
#: what programs write for an entry of a list, in lower case → a name of it
OTHER_WORDS = {
	"Country": {
		"usa": "us",
		"u.s.a.": "us",
		"u.s.": "us",
		"united states of america": "us",
		"vereinigte staaten von amerika": "us",
		"amerika": "us",
		"uk": "gb",
		"u.k.": "gb",
		"england": "gb",
		"great britain": "gb",
		"großbritannien": "gb",
		"d": "de",
		"brd": "de",
		"bundesrepublik deutschland": "de",
		"ger": "de",
		"deu": "de",
		"a": "at",
		"aut": "at",
		"oesterreich": "at",
		"che": "ch",
		"suisse": "ch",
		"svizzera": "ch",
		"holland": "nl",
		"nld": "nl",
		"fra": "fr",
		"ita": "it",
		"esp": "es",
		"gbr": "gb",
		"tschechien": "cz",
	},
	"Gender": {
		"m": "male",
		"männlich": "male",
		"mann": "male",
		"f": "female",
		"w": "female",
		"weiblich": "female",
		"frau": "female",
		"d": "other",
		"divers": "other",
	},
	# keys of DATEV
	"Language": {"1": "de", "4": "fr", "5": "en", "10": "es", "19": "it"},
	"Salutation": {"herr": "mr", "hr": "mr", "herrn": "mr", "frau": "ms", "fr": "ms"},
}
NUMBERS = ("Int", "Float", "Currency", "Percent")
#: without these a row is not a relation; any other cell that cannot be read goes into the notes
NEEDED = ("relation_name",)
#: maximum size of the notes in bytes
MAX_NOTES = 60_000
#: headings of the columns that are not fields of Relation
EXTRA = {
	parsing.COMPANY: "Company",
	"further_emails": "Further Emails",
	"further_phones": "Further Phones",
	"further_mobiles": "Further Mobiles",
	"further_fax": "Fax",
	"further_websites": "Further Websites",
	"further_addresses": "Further Addresses",
}
#: columns that other programs write and we do not
FOREIGN = {
	parsing.STREET_2: "Street, Second Line",
	parsing.PLACE: "Postal Code and City",
	"home_street": "Home Address: Street",
	"home_pincode": "Home Address: Postal Code",
	"home_city": "Home Address: City",
	"home_region": "Home Address: State or Region",
	"home_country": "Home Address: Country",
	"other_street": "Other Address: Street",
	"other_pincode": "Other Address: Postal Code",
	"other_city": "Other Address: City",
	"other_region": "Other Address: State or Region",
	"other_country": "Other Address: Country",
	parsing.LABEL: "Label of the Next Column",
	"birth_day": "Birthday: Day",
	"birth_month": "Birthday: Month",
	"birth_year": "Birthday: Year",
	"optout_email": "Opt-out: Email",
	"optout_phone": "Opt-out: Phone",
	"optout_letter": "Opt-out: Letter",
	"optout_all": "Opt-out: All Channels",
	"allowed_email": "Email Allowed",
	"allowed_phone": "Calls Allowed",
	"allowed_letter": "Letters Allowed",
	"optout_status": "Status of the Newsletter",
	"optout_on": "Opt-out: Date",
	"bounced": "Mail Bounced",
	"bounced_on": "Mail Bounced: Date",
}


def writable() -> list[Any]:
	"""Return docfields that a file may fill."""
	return [
		df
		for df in frappe.get_meta("Relation").fields
		if df.fieldtype not in (*no_value_fields, *table_fields)
		and (not df.read_only or df.fieldname == "uid")
		and not df.hidden
	]


def targets() -> dict[str, str]:
	"""Return field or column → its label in the user's language."""
	return {
		**{df.fieldname: _(df.label) for df in writable()},
		**{name: _(label) for name, label in {**EXTRA, **FOREIGN}.items()},
	}


def headings() -> dict[str, str]:
	"""Return all names that a heading may have: field names, labels in English and in the user's language."""
	result = {df.fieldname: df.fieldname for df in writable()}
	result.update({df.label: df.fieldname for df in writable()})
	result.update({label: name for name, label in EXTRA.items()})
	result.update({name: name for name in EXTRA})
	for lang in languages():
		result.update({_(df.label, lang): df.fieldname for df in writable()})
		result.update({_(label, lang): name for name, label in EXTRA.items()})
	return result


def languages() -> list[str]:
	"""Return the languages a file may be written in: the user's, the site's, German and English."""
	return list(dict.fromkeys([frappe.local.lang, frappe.db.get_default("lang") or "en", "de", "en"]))


class Reader:
	"""Converts the texts of a record to values of Relation. Reads the lists behind the fields once."""

	def __init__(self, date_order: str = cells.DAY_FIRST) -> None:
		self.date_order = date_order
		self.lists: dict[tuple[str, str], dict[str, str]] = {}

	@cached_property
	def fields(self) -> dict[str, Any]:
		return {df.fieldname: df for df in writable()}

	@cached_property
	def attributes_of(self) -> dict[str, str]:
		return attributes.option_fields()

	def label(self, name: str) -> str:
		"""Return the label of a field in the user's language."""
		df = frappe.get_meta("Relation").get_field(name)
		return _(df.label) if df else name

	def values(self, record: Record) -> tuple[dict[str, Any], list[str]]:
		"""Return values by field, and remarks on what was read differently or went into the notes.

		Numbers and postal codes are read as people of the row's country write them. `record` then holds them
		in the form for comparison.

		:raises Unreadable: a value without which the row is not a relation; names the field
		"""
		result, details = {}, []
		region = self.region_of(record)
		for name, text in list(record.values.items()):
			df = self.fields.get(name)
			text = text.strip()
			if not df or not text:
				continue
			try:
				result[name] = self.value(df, text, region)
			except Unreadable as error:
				if name in NEEDED:
					raise Unreadable("{0}: {1}", _(df.label), error.message(_)) from error
				self._note(record, _(df.label), text, error, details)
				del record.values[name]
				continue
			self._compare(record, name, df, text, result, details)
		self._points(record, region, details)
		if len("".join(text for _heading, text in record.left).encode()) > MAX_NOTES:
			raise Unreadable(parsing._("The notes are longer than {0} bytes. Shorten them."), MAX_NOTES)
		return result, details

	def region_of(self, record: Record) -> str:
		"""Return the ISO 3166 code of the row's country; empty if it names none that is known."""
		text = record.values.get("country", "").strip()
		name = self.known(self.fields["country"]).get(text.casefold()) if text else None
		return self.codes.get(name, "") if name else ""

	@cached_property
	def codes(self) -> dict[str, str]:
		"""Return country → ISO 3166 code."""
		rows = frappe.get_all("Country", fields=["name", "code"], order_by="name asc")
		return {row.name: (row.code or "").upper() for row in rows}

	@cached_property
	def home(self) -> str:
		"""Return the ISO 3166 code of the country for numbers without a country code, if a row names no
		country.
		"""
		name = frappe.get_cached_doc("Relation Settings").default_country
		return self.codes.get(name, "") or "DE"

	def _note(self, record: Record, label: str, text: str, error: Unreadable, details: list[str]) -> None:
		"""Keep a value that cannot be read in the notes, with a remark."""
		record.left.append((label, text))
		reason = error.message(_)
		details.append(_("{0} goes into the notes: {1}").format(label, reason))

	def _compare(
		self, record: Record, name: str, df: Any, text: str, result: dict[str, Any], details: list[str]
	) -> None:
		"""Write the parsed value back into the record, with a remark if it differs from the file."""
		value = result[name]
		if isinstance(value, cells.DayAndMonth):
			del result[name], record.values[name]
			record.left.append((_(df.label), str(value)))
			details.append(_("{0} without a year goes into the notes: {1}").format(_(df.label), value))
		elif name == "pincode" and value != text:
			details.append(_("{0} is read with its zeros: {1}").format(_(df.label), value))
			record.values[name] = value
		elif df.options == "Phone":
			result[name], record.values[name] = value.value, value.value
			if value.remark:
				record.left.append((_(df.label), f"{value.value} ({value.remark})"))
		elif df.options == "Email" or df.fieldtype == "Date":
			record.values[name] = value

	def past_date(self, text: str) -> date | cells.DayAndMonth:
		"""Read a date in the order of the file. :raises Unreadable:"""
		return cells.read_date(text, self.date_order)

	def _points(self, record: Record, region: str, details: list[str]) -> None:
		"""Read further contact points: those that cannot be read go into the notes."""
		kept = []
		for kind, text, label in record.points:
			try:
				if len(text) > 255:
					raise Unreadable(
						parsing._("{0}… is longer than {1} characters. Shorten it."), text[:40], 255
					)
				if kind == parsing.EMAIL:
					text = _email(text)
				elif kind in (parsing.PHONE, parsing.MOBILE, parsing.FAX):
					phone = self.phone(text, region)
					text, label = phone.value, label or phone.remark
			except Unreadable as error:
				self._note(record, _(kind), text, error, details)
				continue
			kept.append((kind, text, label[:140]))
		record.points = kept

	def phone(self, text: str, region: str) -> cells.Phone:
		"""Return a number as Frappe accepts it. One that needs no country stays as it is written.
		:raises Unreadable:
		"""
		bare = cells.clean(text)
		is_plain = bool(validate_phone_number(bare)) and "," not in bare and sum(map(str.isdigit, bare)) > 2
		try:
			found = cells.read_phone(text, region or self.home)
		except Unreadable:
			if is_plain:
				return cells.Phone(bare)  # internal numbers of a telephone system
			raise
		return cells.Phone(bare) if is_plain and (bare.startswith("+") or not region) else found

	def value(self, df: Any, text: str, region: str = "") -> Any:
		"""Read one value. :raises Unreadable:"""
		if df.fieldtype == "Date":
			found = cells.read_date(text, self.date_order)
			return found if isinstance(found, cells.DayAndMonth) else found.isoformat()
		if df.fieldtype in NUMBERS:
			number = cells.read_number(text)
			if number < 0 or number >= 10**15:
				raise Unreadable(parsing._("{0} is not a number. Write it like 1234.50."), text)
			return round(number) if df.fieldtype == "Int" else number
		if df.fieldtype == "Check":
			return cells.read_check(text)
		if df.fieldtype in ("Link", "Select"):
			known = self.known(df)
			if (found := known.get(text.casefold()) or known.get(text.casefold().rstrip("."))) is None:
				raise Unreadable(parsing._("{0} is not in the list. Add it there, or correct the row."), text)
			return found
		if df.options == "Phone":
			return self.phone(text, region)
		if df.options == "Email":
			return _email(text)
		if df.fieldname == "pincode":
			text = cells.read_postal_code(text, region)
		limit = df.length or 140
		if df.fieldtype == "Data" and len(text) > limit:
			raise Unreadable(parsing._("{0}… is longer than {1} characters. Shorten it."), text[:40], limit)
		if len(text.encode()) > MAX_NOTES:
			raise Unreadable(
				parsing._("{0}… is longer than {1} characters. Shorten it."), text[:40], MAX_NOTES
			)
		return text

	def known(self, df: Any) -> dict[str, str]:
		"""Return text in lower case → value, for a field with a list: by name, title, translation, code of a
		country.
		"""
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
		for wording, text in OTHER_WORDS.get(df.options, {}).items():
			if text.casefold() in result:
				result[wording] = result[text.casefold()]
		return result


def remark_kind(detail: str) -> str:
	"""Return what remarks of the same kind have in common: the words before the value."""
	return detail.partition(": ")[0]


def _email(text: str) -> str:
	"""Read an email address. :raises Unreadable:"""
	key = email_key(text)
	if EMAIL.fullmatch(key) and len(key) <= 140:
		return key
	if not key or len(key) > 140 or not validate_email_address(key):
		raise Unreadable(
			parsing._("{0} is not an email address. Write it like name@company.com."), text[:140]
		)
	return key


def _country_names(code: str) -> list[str]:
	"""Return the names of a country in the languages of files; Frappe knows only the English names."""
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
	"""Return a value as written in a file; options without their attribute."""
	if value is None or value == "":
		return ""
	if df.options == OPTION and df.fieldtype == "Link":
		return cstr(value).partition(": ")[2] or cstr(value)
	if df.fieldtype in NUMBERS:
		return "" if not value else f"{float(value):.10g}"
	if df.fieldtype == "Check":
		return _("Yes") if value else ""
	return cstr(value)

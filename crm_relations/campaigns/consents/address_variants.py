"""How addresses are written elsewhere on the site, where that is not their normal form. Alone writes `Relation Mail
Spelling`.

Whether somebody has unsubscribed stands in documents of Frappe and ERPNext, under whatever was typed there: `Anna
<a@kunde.de>`, ` a@kunde.de`, a domain in letters. To look for these signs would be to read all addresses of the site for
each handful of messages. So each odd spelling is noted once, with its normal form, and the lookup asks for the normal
form and the spellings that are known of it, both along an index. What is noted says nothing of consent and is never
wrong; the documents alone say who has unsubscribed. Spellings are noted when a document is saved, and read from all
documents each night and before a campaign starts, for what came by other ways.
"""

import hashlib
import html
from collections.abc import Collection, Iterable

import frappe
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import now_datetime

from crm_relations.shared.contact_keys import email_key
from crm_relations.shared.side_effects import one_statement

DOCTYPE = "Relation Mail Spelling"
#: Hook: dotted paths of lists of (doctype, field) where addresses stand that may be unsubscribed
FIELDS_HOOK = "relation_email_fields"
FIELDS = (("Email Unsubscribe", "email"), ("Contact Email", "email_id"))

#: addresses of which the normal form differs in upper case at most, told by the database
_PLAIN = "^[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+$"
_PAGE = 5000


def known(keys: Collection[str]) -> list[str]:
	"""The odd spellings of these addresses, in any order.

	:param keys: normal forms (`email_key`)
	"""
	table = DocType(DOCTYPE)
	query = frappe.qb.from_(table).select(table.spelling).where(table.address_key.isin(sorted(keys)))
	return query.run(pluck=True) if keys else []


@one_statement
def note(doc: Document) -> None:
	"""A document has been saved: note how the addresses in it are written."""
	tables = {field.options: field.fieldname for field in doc.meta.get_table_fields()}
	written = []
	for doctype, field in _fields():
		rows = [doc] if doctype == doc.doctype else doc.get(tables.get(doctype, ""), []) or []
		written += [row.get(field) for row in rows]
	_add(written)


def learn() -> int:
	"""Note the odd spellings of all documents; returns how many were looked at. Commits."""
	seen = 0
	for doctype, field in _fields():
		table, last = DocType(doctype), ""
		while True:
			rows = (
				frappe.qb.from_(table)
				.select(table.name, table[field])
				.where((table[field] > "") & table[field].rlike(_PLAIN).negate() & (table.name > last))
				.orderby(table.name)
				.limit(_PAGE)
				.run()
			)
			if not rows:
				break
			_add(row[1] for row in rows)
			frappe.db.commit()
			seen += len(rows)
			last = rows[-1][0]
	return seen


def _fields() -> list[tuple[str, str]]:
	found = list(FIELDS)
	for path in frappe.get_hooks(FIELDS_HOOK):
		found.extend(frappe.get_attr(path))
	return [row for row in found if frappe.db.table_exists(row[0])]


def _add(written: Iterable[str | None]) -> None:
	odd = {}
	for text in written:
		key = email_key(html.unescape(text)) if text else ""
		if key and text.lower() != key:
			odd[text] = key
	if not odd:
		return
	now, user = str(now_datetime()), frappe.session.user
	fields = [
		"name",
		"creation",
		"modified",
		"owner",
		"modified_by",
		"docstatus",
		"idx",
		"spelling",
		"address_key",
	]
	# the database takes spellings for equal that are not: the name is made of the very letters
	rows = [
		(hashlib.sha256(text.encode()).hexdigest()[:20], now, now, user, user, 0, 0, text[:255], key)
		for text, key in sorted(odd.items())
	]
	frappe.db.bulk_insert(DOCTYPE, fields, rows, ignore_duplicates=True)

"""Keep the variants in which other documents of the site store an address. Sole writer of `Relation Mail
Spelling`.

Documents of Frappe and ERPNext hold unsubscriptions under the address as it was typed: `Anna <a@kunde.de>`,
` a@kunde.de`, or a domain in Unicode. Searching for such variants would mean reading all addresses of the
site for each small batch of messages. So each variant is stored once, with the normalized address. A lookup
asks for the normalized address and its known variants, both through an index. A stored variant says nothing
about consent and is never wrong; only the documents show which addresses have unsubscribed. Variants are
stored when a document is saved. They are also read from all documents each night and before a campaign
starts, for documents that were written in other ways.
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

#: addresses that differ from their normalized form at most by upper case, as the database finds
_PLAIN = "^[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+$"
_PAGE = 5000


def known(keys: Collection[str]) -> list[str]:
	"""Return the stored variants of these addresses, in any order.

	:param keys: normalized addresses (`email_key`)
	"""
	table = DocType(DOCTYPE)
	query = frappe.qb.from_(table).select(table.spelling).where(table.address_key.isin(sorted(keys)))
	return query.run(pluck=True) if keys else []


@one_statement
def note(doc: Document) -> None:
	"""Store the variants of the addresses in a document that has been saved."""
	tables = {field.options: field.fieldname for field in doc.meta.get_table_fields()}
	written = []
	for doctype, field in _fields():
		rows = [doc] if doctype == doc.doctype else doc.get(tables.get(doctype, ""), []) or []
		written += [row.get(field) for row in rows]
	_add(written)


def learn() -> int:
	"""Store the address variants of all documents. Returns the number of addresses read. Commits."""
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
	# the database treats some different variants as equal, so the name is a digest of the exact characters
	rows = [
		(hashlib.sha256(text.encode()).hexdigest()[:20], now, now, user, user, 0, 0, text[:255], key)
		for text, key in sorted(odd.items())
	]
	frappe.db.bulk_insert(DOCTYPE, fields, rows, ignore_duplicates=True)

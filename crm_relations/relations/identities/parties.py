"""Read the documents of a relation in ERPNext: its party documents with titles, their addresses and contacts.

Reads with the reader's permissions; writes nothing.
"""

from typing import Any

import frappe
from frappe import _
from frappe.query_builder import DocType

from crm_relations.relations import queries
from crm_relations.relations.party_documents.sources import Party
from crm_relations.shared.access.permissions import readable

MAX_ROWS = 50
ADDRESS = (
	"name",
	"address_type",
	"address_line1",
	"pincode",
	"city",
	"country",
	"phone",
	"email_id",
	"disabled",
)
CONTACT = ("name", "first_name", "last_name", "designation", "email_id", "phone", "mobile_no")


def behind(relation: str) -> dict[str, Any]:
	"""Return `parties` (doctype, name, title; `hidden` without name if the user may not read it),
	`addresses`, `contacts`.

	One query per doctype of the parties, one for addresses and one for contacts.
	"""
	found = queries.parties_of([relation])[relation]
	shown = _readable_parties(found)
	return {
		"parties": [
			{"doctype": party[0], "label": _(party[0]), "name": party[1], "title": shown[party]}
			for party in found
			if party in shown
		],
		"hidden": sum(party not in shown for party in found),
		"addresses": _linked("Address", ADDRESS, list(shown)),
		"contacts": _linked("Contact", CONTACT, [p for p in shown if p[0] != "Contact"]),
	}


def _readable_parties(parties: list[Party]) -> dict[Party, str]:
	"""Return party → its title, for those that the session's user may read."""
	result: dict[Party, str] = {}
	for doctype, names in queries.by_type(parties).items():
		table = DocType(doctype)
		query = readable(frappe.qb.from_(table), doctype)
		if query is None:
			continue
		title = frappe.get_meta(doctype).get_title_field()
		rows = query.select(table.name, table[title]).where(table.name.isin(names)).run()
		result.update({(doctype, name): text or name for name, text in rows})
	return {party: result[party] for party in parties if party in result}


def _linked(doctype: str, fields: tuple[str, ...], parties: list[Party]) -> list[dict[str, Any]]:
	"""Return documents of `doctype` that name one of the parties in their links, each once."""
	table, link = DocType(doctype), DocType("Dynamic Link")
	query = readable(frappe.qb.from_(table), doctype) if parties else None
	if query is None:
		return []
	condition = None
	for party_type, names in queries.by_type(parties).items():
		one = (link.link_doctype == party_type) & link.link_name.isin(names)
		condition = one if condition is None else condition | one
	rows = (
		query.join(link)
		.on((link.parent == table.name) & (link.parenttype == doctype))
		.select(*[table[f] for f in fields])
		.distinct()
		.where(condition)
		.orderby(table.name)
		.limit(MAX_ROWS)
	).run(as_dict=True)
	return rows

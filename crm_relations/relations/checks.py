"""What `relations check` asks of relations: is every party in a file, and does every file know its parties?"""

import frappe
from frappe import _

from crm_relations.relations.sources import sources
from crm_relations.shared.findings import Finding

NAMED = 5


def findings() -> list[Finding]:
	"""Parties without a relation, and rows of relations whose party is gone."""
	found = []
	for doctype in sources():
		if missing := _without_relation(doctype):
			found.append(
				Finding(
					"warning",
					"party-without-relation",
					_("{0} documents of {1} have no relation, among them {2}.").format(
						len(missing), _(doctype), ", ".join(missing[:NAMED])
					),
					_("Run: bench --site {0} relations sync").format(frappe.local.site),
				)
			)
		if gone := _without_document(doctype):
			found.append(
				Finding(
					"error",
					"relation-without-party",
					_("{0} relations name a {1} that does not exist, among them {2}.").format(
						len(gone), _(doctype), ", ".join(gone[:NAMED])
					),
					_("Open the relation, remove the document from its list and save."),
				)
			)
	return found


def _without_relation(doctype: str) -> list[str]:
	table, party = frappe.qb.DocType(doctype), frappe.qb.DocType("Relation Party")
	return (
		frappe.qb.from_(table)
		.left_join(party)
		.on((party.party_type == doctype) & (party.party == table.name))
		.select(table.name)
		.where(party.name.isnull())
		.orderby(table.name)
	).run(pluck=True)


def _without_document(doctype: str) -> list[str]:
	table, party = frappe.qb.DocType(doctype), frappe.qb.DocType("Relation Party")
	return (
		frappe.qb.from_(party)
		.left_join(table)
		.on(party.party == table.name)
		.select(party.parent)
		.where((party.party_type == doctype) & table.name.isnull())
		.orderby(party.parent)
	).run(pluck=True)

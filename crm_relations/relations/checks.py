"""Report problems of relations to `relations check`: parties without a relation, and relations without their
parties.

Writes nothing.
"""

import frappe
from frappe import _
from frappe.query_builder.functions import Count
from pypika.queries import QueryBuilder

from crm_relations.relations.facts import checks as facts_checks
from crm_relations.relations.party_documents import machine_addresses
from crm_relations.relations.party_documents.sources import sources
from crm_relations.relations.roles_and_stages import playbook
from crm_relations.shared.contact_keys import email_key
from crm_relations.shared.findings import Finding

NAMED = 5
#: with more documents without a relation, none is examined one by one
LOOKED_AT = 10_000


def findings() -> list[Finding]:
	"""Yield findings on parties without a relation, and on rows of relations without their party or relation."""
	found = []
	sync = _("Run: bench --site {0} relations sync").format(frappe.local.site)
	for doctype in sources():
		count, names = _orphans(doctype)
		if count:
			text = _("{0} documents of {1} have no relation, among them {2}.")
			found.append(
				Finding(
					"warning",
					"party-without-relation",
					text.format(count, _(doctype), ", ".join(names)),
					sync,
				)
			)
		count, names = _count_and_name(*_without_document(doctype))
		if count:
			text = _("{0} relations name a {1} that does not exist, among them {2}.")
			found.append(
				Finding(
					"error",
					"relation-without-party",
					text.format(count, _(doctype), ", ".join(names)),
					sync,
				)
			)
	count, names = _count_and_name(*_without_parent())
	if count:
		text = _("{0} documents belong to a relation that does not exist, among them {1}.")
		found.append(Finding("error", "party-of-no-relation", text.format(count, ", ".join(names)), sync))
	for role, reason in playbook.waiting():
		text = _("Playbook of {0}: activities wait to be started. {1}")
		remedy = _("Open the list Relation Started Activity, filtered by the state Planned.")
		found.append(Finding("warning", "activity-waiting", text.format(_(role), reason), remedy))
	found += facts_checks.findings()
	return found


def _count_and_name(query: QueryBuilder, name: object) -> tuple[int, list[str]]:
	"""Return how many rows a query has, and the first names: a site can have a million."""
	count = query.select(Count("*")).run()[0][0]
	return count, query.select(name).orderby(name).limit(NAMED).run(pluck=True) if count else []


def _orphans(doctype: str) -> tuple[int, list[str]]:
	"""Return documents without a relation, except addresses of mail programs and of this site, which have no
	party.
	"""
	query, name = _without_relation(doctype)
	count, names = _count_and_name(query, name)
	if not 0 < count <= LOOKED_AT or not any(part.from_mail for part in sources()[doctype].parts):
		return count, names
	rows = query.select(name, frappe.qb.DocType(doctype).email_id).orderby(name).run()
	without = machine_addresses.without_party({email_key(email) for _name, email in rows})
	names = [found for found, email in rows if email_key(email) not in without]
	return len(names), names[:NAMED]


def _without_relation(doctype: str) -> tuple[QueryBuilder, object]:
	table, party = frappe.qb.DocType(doctype), frappe.qb.DocType("Relation Party")
	query = (
		frappe.qb.from_(table)
		.left_join(party)
		.on((party.party_type == doctype) & (party.party == table.name))
		.where(party.name.isnull())
	)
	return query, table.name


def _without_document(doctype: str) -> tuple[QueryBuilder, object]:
	table, party = frappe.qb.DocType(doctype), frappe.qb.DocType("Relation Party")
	query = (
		frappe.qb.from_(party)
		.left_join(table)
		.on(party.party == table.name)
		.where((party.party_type == doctype) & table.name.isnull())
	)
	return query, party.parent


def _without_parent() -> tuple[QueryBuilder, object]:
	party, relation = frappe.qb.DocType("Relation Party"), frappe.qb.DocType("Relation")
	query = (
		frappe.qb.from_(party)
		.left_join(relation)
		.on(relation.name == party.parent)
		.where(relation.name.isnull())
	)
	return query, party.party

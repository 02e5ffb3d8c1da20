"""Serve the desk's calls for figures."""

from typing import Any

import frappe

from crm_relations.relations.facts import build, jobs, queries, queue


@frappe.whitelist(methods=["POST"])
def facts(relation: str) -> dict[str, Any]:
	"""Return the figures of a relation that the user may see.

	These are `companies` (a row each), `item_groups`, `contacts`, and `current`: whether the figures include
	every document so far. Waiting changes are processed first.
	"""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	current = not queue.waits(relation) or build.refresh_now(relation)
	return {
		"companies": queries.facts_of(relation),
		"item_groups": queries.item_groups_of(relation),
		"contacts": queries.contact_facts_of(relation),
		"current": current,
	}


@frappe.whitelist(methods=["GET", "POST"])
def documents(relation: str, figure: str, company: str = "") -> list[dict[str, Any]]:
	"""Return the lists that show the documents behind a figure: doctype (or report), filters, and the column
	with the sum.
	"""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	return [listing.as_dict() for listing in queries.listings(relation, company, figure)]


@frappe.whitelist(methods=["POST"])
def start_rebuild() -> None:
	"""Queue a rebuild of all facts; returns nothing."""
	frappe.only_for(["System Manager", "Relation Manager"])
	jobs.start_rebuild()

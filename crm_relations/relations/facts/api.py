"""What the desk may call of the facts."""

from typing import Any

import frappe

from crm_relations.relations.facts import build, jobs, queries, queue


@frappe.whitelist(methods=["POST"])
def facts(relation: str) -> dict[str, Any]:
	"""Figures of a relation as far as the user may see them: `companies` (a row each), `item_groups`, `contacts`, and
	`current`: whether every document so far is in them. What changed since is taken in first."""
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
	"""The lists in which the documents behind a figure stand: doctype (or report), filters, and the column that adds up
	to the figure."""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	return [listing.as_dict() for listing in queries.listings(relation, company, figure)]


@frappe.whitelist(methods=["POST"])
def start_rebuild() -> None:
	"""Queue a rebuild of all facts; returns nothing."""
	frappe.only_for(["System Manager", "Relation Manager"])
	jobs.start_rebuild()

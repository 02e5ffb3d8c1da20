"""Whose campaigns changed: members and messages are written by the hundred thousand in single statements, so that nobody
announces them one by one; segments ask here (hook `relation_changes_since`). Writes nothing."""

from datetime import datetime

import frappe

#: each carries the time of its last change, whoever writes it
DOCTYPES = ("Relation Campaign Member", "Relation Campaign Send")


def since(moment: datetime | str, limit: int) -> set[str]:
	"""Relations whose membership of a campaign, or a message to whom, was written since the moment."""
	found: set[str] = set()
	for doctype in DOCTYPES:
		table = frappe.qb.DocType(doctype)
		query = frappe.qb.from_(table).select(table.relation).distinct().where(table.modified >= str(moment))
		found.update(query.limit(limit).run(pluck=True))
	return found - {None}

"""Find relations with changes in campaigns, for segments (hook `relation_changes_since`). Writes nothing.

Members and messages are written by the hundred thousand in single statements, so that no event reports each
of them.
"""

from datetime import datetime

import frappe

#: each has the time of its last change, whatever code writes it
DOCTYPES = ("Relation Campaign Member", "Relation Campaign Send")


def since(moment: datetime | str, limit: int) -> set[str]:
	"""Return relations with a member or a message of a campaign that was written since the moment."""
	found: set[str] = set()
	for doctype in DOCTYPES:
		table = frappe.qb.DocType(doctype)
		query = frappe.qb.from_(table).select(table.relation).distinct().where(table.modified >= str(moment))
		found.update(query.limit(limit).run(pluck=True))
	return found - {None}

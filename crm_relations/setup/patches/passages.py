"""A relation may go through a campaign more than once: the key that allowed one member goes, and campaigns that run already
do not begin to end by themselves."""

import frappe
from frappe.query_builder import DocType


def execute() -> None:
	"""Can be run again. Statements on the table commit."""
	if frappe.db.has_index("tabRelation Campaign Member", "unique_member"):
		frappe.db.sql_ddl("ALTER TABLE `tabRelation Campaign Member` DROP INDEX `unique_member`")
	campaign = DocType("Relation Campaign")
	(
		frappe.qb.update(campaign)
		.set(campaign.ends_when_through, 0)
		.where(campaign.status.isin(("Running", "Paused")))
		.run()
	)

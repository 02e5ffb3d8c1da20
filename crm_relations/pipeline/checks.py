"""Check for `relations check` whether an opportunity can be opened. Writes nothing."""

import frappe
from frappe import _

from crm_relations.pipeline.adapter import BACKENDS
from crm_relations.pipeline.own_company import CAMPAIGN
from crm_relations.shared.findings import Finding


def findings() -> list[Finding]:
	"""Return errors: no CRM can accept a handover; documents name a campaign that no longer exists."""
	return [*_backends(), *_lost_campaigns()]


def _lost_campaigns() -> list[Finding]:
	"""Find documents with a link to a missing campaign: Frappe refuses to save them."""
	campaign = frappe.qb.DocType("Relation Campaign")
	doctypes = frappe.get_all(
		"Custom Field",
		{"fieldname": CAMPAIGN, "options": "Relation Campaign"},
		pluck="dt",
		order_by="dt asc",
	)
	found = []
	for doctype in doctypes:
		if not frappe.db.table_exists(doctype) or not frappe.db.has_column(doctype, CAMPAIGN):
			continue
		table = frappe.qb.DocType(doctype)
		rows = (
			frappe.qb.from_(table)
			.left_join(campaign)
			.on(campaign.name == table[CAMPAIGN])
			.select(table[CAMPAIGN])
			.distinct()
			.where((table[CAMPAIGN] > "") & campaign.name.isnull())
			.limit(5)
		)
		if names := sorted(rows.run(pluck=True)):
			found.append(
				Finding(
					"error",
					"campaign-missing",
					_("{0} names campaigns that are gone, and cannot be saved: {1}").format(
						_(doctype), ", ".join(names)
					),
					_("Restore these campaigns from a backup, or create them again under these names"),
				)
			)
	return found


def _backends() -> list[Finding]:
	if any(backend.available() for backend in BACKENDS):
		return []
	return [
		Finding(
			"error",
			"no-crm",
			_("No CRM is installed that can hold an opportunity: handovers cannot be accepted."),
			_("Install ERPNext 15 or 16."),
		)
	]

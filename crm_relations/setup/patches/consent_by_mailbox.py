"""Consent is looked up by mailbox too, and addresses have one form more: the events that are there get both keys."""

import frappe
from frappe.query_builder import DocType

from crm_relations.campaigns import consent
from crm_relations.shared.contact_keys import mailbox_key

_PAGE = 5000


def execute() -> None:
	"""Page by page; can be run again. Commits."""
	table = DocType("Relation Consent")
	last = ""
	while True:
		rows = (
			frappe.qb.from_(table)
			.select(table.name, table.channel, table.address, table.address_key)
			.where(table.name > last)
			.orderby(table.name)
			.limit(_PAGE)
			.run()
		)
		if not rows:
			return
		changes = {}
		for name, channel, address, old in rows:
			key = consent.address_key(address, channel) or old
			changes[name] = {
				"address_key": key,
				"mailbox_key": mailbox_key(key) if channel == "E-mail" else None,
			}
		frappe.db.bulk_update("Relation Consent", changes, update_modified=False)
		frappe.db.commit()
		last = rows[-1][0]

"""Uninstall: nothing of ours stays behind on ERPNext's doctypes, and its documents stay whole."""

import frappe

from crm_relations.ledger import dimension
from crm_relations.setup import custom_fields


def before_uninstall() -> None:
	"""Take back the dimension and our fields while our doctypes are still there."""
	dimension.switch_off()
	custom_fields.delete()
	frappe.db.delete("Property Setter", {"module": custom_fields.MODULE})


def after_uninstall() -> None:
	"""Roles come from fixtures, which Frappe leaves in place; take them and what names them back."""
	for role in ("Relation Manager", "Relation User"):
		frappe.db.delete("Has Role", {"role": role})
		frappe.db.delete("Custom DocPerm", {"role": role})
		if frappe.db.exists("Role", role):
			frappe.delete_doc("Role", role, ignore_permissions=True, force=True)
	frappe.clear_cache()

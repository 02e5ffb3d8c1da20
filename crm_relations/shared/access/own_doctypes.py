"""Tell the doctypes of this app from those of others. Writes nothing."""

import frappe

MODULE = "CRM Relations"


def is_ours(doctype: str | None) -> bool:
	"""Tell whether a doctype is one of this app's; False without a doctype."""
	return bool(doctype) and frappe.get_cached_value("DocType", doctype, "module") == MODULE

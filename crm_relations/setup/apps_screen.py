"""Decide which users see the app on Frappe's apps screen, and so which users land in it after login. Writes
nothing.
"""

import frappe


def may_open() -> bool:
	"""Tell whether the session's user works at the desk and may read relations.

	Frappe sends a user with one app straight into it. Without this check, customers of the portal land there and read
	"Not Permitted".
	"""
	if frappe.get_cached_value("User", frappe.session.user, "user_type") != "System User":
		return False
	return bool(frappe.has_permission("Relation", "read"))

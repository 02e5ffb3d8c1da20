"""List every field we add to ERPNext's doctypes: one list serves install, migrate and uninstall.

`relation` and `relation_campaign` travel with the documents. They are never printed for a customer and never
restrict by user permissions. They carry our module, so that Frappe removes them with the app.
"""

from typing import Any

import frappe
from frappe.custom.doctype.custom_field.custom_field import create_custom_fields

MODULE = "CRM Relations"

#: doctype → the field ours follow
HEADERS = {
	"Lead": "territory",
	"Opportunity": "territory",
	"Quotation": "territory",
	"Sales Order": "territory",
	"Delivery Note": "territory",
	"Sales Invoice": "territory",
	"POS Invoice": "territory",
	"Payment Entry": "party_name",
}
#: row doctypes: only the campaign, so that a combined invoice keeps the campaign of each line
ROWS = {
	"Quotation Item": "item_group",
	"Sales Order Item": "item_group",
	"Delivery Note Item": "item_group",
	"Sales Invoice Item": "item_group",
	"POS Invoice Item": "item_group",
}
#: documents that invoices come from, other than sales: only the campaign; the invoice's customer gives the
#: relation
SOURCES = {"Subscription": "party"}
#: targets of our fields; the dimension of the campaign uses the second one too
OPTIONS = {"relation": "Relation", "relation_campaign": "Relation Campaign"}
INDEXED = {("Sales Invoice", "relation"), ("Sales Order", "relation"), ("Quotation", "relation")}


def _field(doctype: str, fieldname: str, label: str, options: str, insert_after: str, **extra: Any) -> dict:
	return {
		"fieldname": fieldname,
		"fieldtype": "Link",
		"label": label,
		"options": options,
		"insert_after": insert_after,
		"print_hide": 1,
		"report_hide": 0,
		"ignore_user_permissions": 1,
		"search_index": int((doctype, fieldname) in INDEXED),
		"module": MODULE,
		**extra,
	}


def custom_fields() -> dict[str, list[dict]]:
	"""Return doctype → its custom fields, as `create_custom_fields` expects them."""
	fields: dict[str, list[dict]] = {}
	for doctype, after in HEADERS.items():
		fields[doctype] = [
			_field(doctype, "relation", "Relation", "Relation", after, read_only=1),
			_field(doctype, "relation_campaign", "Relation Campaign", "Relation Campaign", "relation"),
		]
	for doctype, after in (ROWS | SOURCES).items():
		fields[doctype] = [
			_field(doctype, "relation_campaign", "Relation Campaign", "Relation Campaign", after)
		]
	return fields


def create() -> None:
	"""Create the missing fields; existing ones keep what the administrator changed on them."""
	create_custom_fields(custom_fields(), ignore_validate=True, update=False)


def is_ours(field: frappe._dict) -> bool:
	"""Tell whether a Custom Field with one of our names links to our doctype; a foreign one only shares the
	name.
	"""
	return field.fieldtype == "Link" and field.options == OPTIONS.get(field.fieldname)


def delete() -> None:
	"""Delete the fields of this list; Frappe removes their property setters and indexes.

	A field that an administrator made under one of these names stays.
	"""
	for doctype, fields in custom_fields().items():
		rows = frappe.get_all(
			"Custom Field",
			filters={"dt": doctype, "fieldname": ["in", [field["fieldname"] for field in fields]]},
			fields=["name", "fieldname", "fieldtype", "options"],
			order_by="name asc",
		)
		for row in rows:
			if is_ours(row):
				frappe.delete_doc("Custom Field", row.name, ignore_permissions=True, force=True)
		frappe.clear_cache(doctype=doctype)

"""Every field we put on ERPNext's doctypes: one list feeds install, migrate and uninstall.

`relation` and `relation_campaign` travel with the documents. They are never printed on a customer's
paper, never restrict by user permissions, and carry our module, so that Frappe removes them with the app.
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
#: row doctypes: only the campaign, so that a combined invoice keeps each line's own
ROWS = {
	"Quotation Item": "item_group",
	"Sales Order Item": "item_group",
	"Delivery Note Item": "item_group",
	"Sales Invoice Item": "item_group",
	"POS Invoice Item": "item_group",
}
#: documents that invoices come from, beside sales: only the campaign; their relation is that of the invoice's customer
SOURCES = {"Subscription": "party"}
#: what our fields link to; the dimension of the campaign uses the second one too
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
	"""doctype → its custom fields, as `create_custom_fields` takes them."""
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
	"""Create the fields that are missing; those that are there keep what the admin changed on them."""
	create_custom_fields(custom_fields(), ignore_validate=True, update=False)


def is_ours(field: frappe._dict) -> bool:
	"""Tell whether a Custom Field with one of our names links to our doctype; a foreign one only shares the name."""
	return field.fieldtype == "Link" and field.options == OPTIONS.get(field.fieldname)


def delete() -> None:
	"""Remove the fields of this list, with their property setters and columns' indexes left to Frappe. A field that an
	admin made under one of these names stays."""
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

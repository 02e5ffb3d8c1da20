"""Serve the desk's calls for the exchange of relations with files."""

import frappe
from frappe import _

from crm_relations.relations.exchange import exporting, fields, importing


@frappe.whitelist(methods=["GET", "POST"])
def import_targets() -> list[dict[str, str]]:
	"""Return `value` and `label` of what a column of a file can mean; a hyphen leaves the column out."""
	frappe.has_permission("Relation Import", "read", throw=True)
	found = [{"value": name, "label": label} for name, label in fields.targets().items()]
	return [{"value": "-", "label": _("Leave Out")}, *found]


@frappe.whitelist(methods=["POST"])
def check_import(name: str) -> str:
	"""Preview an import: the result for each row. Writes no relation; returns a message for the user."""
	frappe.has_permission("Relation Import", "write", doc=name, throw=True)
	return importing.start_check(frappe.get_doc("Relation Import", name))


@frappe.whitelist(methods=["POST"])
def start_import(name: str) -> str:
	"""Queue an import that has been checked, or one that has stopped; return a message for the user."""
	frappe.has_permission("Relation Import", "write", doc=name, throw=True)
	frappe.has_permission("Relation", "create", throw=True)
	return importing.start_import(frappe.get_doc("Relation Import", name))


@frappe.whitelist(methods=["POST"])
def export_relations(
	file_format: str, filters: str | list | dict | None = None, names: str | list | None = None
) -> dict:
	"""Export the relations that the user may read; return `file_url` or None, `rows` and a `message`."""
	frappe.has_permission("Relation", "export", throw=True)
	return exporting.start(file_format, _parsed(filters), _parsed(names))


def _parsed(value: str | list | dict | None) -> list | dict | None:
	"""Parse an argument: the desk sends an empty text for no value."""
	return (frappe.parse_json(value) if isinstance(value, str) and value.strip() else value) or None

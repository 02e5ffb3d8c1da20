"""Find and empty columns on ERPNext's tables that hold values of ours."""

import frappe

from crm_relations.setup import collisions, custom_fields


def own_columns() -> set[tuple[str, str]]:
	"""Return (doctype, fieldname) of our fields and of those of the campaign dimension.

	A foreign field that only shares the name is not among them.
	"""
	wanted = collisions.fieldnames()
	rows = frappe.get_all(
		"Custom Field",
		{"dt": ["in", list(wanted)], "fieldname": ["in", list(custom_fields.OPTIONS)]},
		["dt", "fieldname", "fieldtype", "options"],
		order_by="name asc",
	)
	return {
		(row.dt, row.fieldname)
		for row in rows
		if row.fieldname in wanted[row.dt] and custom_fields.is_ours(row) and frappe.db.table_exists(row.dt)
	}


def forgotten_columns() -> set[tuple[str, str]]:
	"""Return (doctype, fieldname) of columns with our names that no field describes: the dimension was
	switched off.
	"""
	described = collisions.custom_field_columns()
	standard = {
		(row.parent, row.fieldname)
		for row in frappe.get_all(
			"DocField",
			{"fieldname": ["in", list(custom_fields.OPTIONS)]},
			["parent", "fieldname"],
			order_by="name asc",
		)
	}
	return {
		(doctype, fieldname)
		for doctype, fieldname, column_type in collisions.existing_columns()
		if (doctype, fieldname) not in described | standard and column_type.startswith("varchar")
	}


def empty(columns: set[tuple[str, str]]) -> None:
	"""Empty our columns, set-based; amounts and modification times stay."""
	for doctype, fieldname in sorted(columns):
		table = frappe.qb.DocType(doctype)
		frappe.qb.update(table).set(table[fieldname], None).where(table[fieldname].isnotnull()).run()


def empty_forgotten(columns: set[tuple[str, str]]) -> None:
	"""Remove links to our documents from columns that no field describes; other values may be foreign."""
	for doctype, fieldname in sorted(columns):
		table, target = frappe.qb.DocType(doctype), frappe.qb.DocType(custom_fields.OPTIONS[fieldname])
		names = frappe.qb.from_(target).select(target.name)
		frappe.qb.update(table).set(table[fieldname], None).where(table[fieldname].isin(names)).run()

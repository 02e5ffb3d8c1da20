"""Number the rows in the tables of a relation's form from 1 to n without gaps, also for set-based writing."""

from collections.abc import Collection

import frappe
from frappe.query_builder.functions import Max


def last_idx(doctype: str, relations: Collection[str]) -> dict[str, int]:
	"""Return relation → the highest number of its rows in this child doctype; relations without rows are
	missing.
	"""
	if not relations:
		return {}
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.from_(table).select(table.parent, Max(table.idx)).groupby(table.parent)
	return dict(query.where(table.parent.isin(list(relations))).run())


def close_up(doctype: str, relations: Collection[str]) -> None:
	"""Renumber the rows of these relations after some were removed; writes only the numbers that change."""
	if not relations:
		return
	table = frappe.qb.DocType(doctype)
	rows = (
		frappe.qb.from_(table)
		.select(table.parent, table.name, table.idx)
		.where(table.parent.isin(list(relations)))
		.orderby(table.parent)
		.orderby(table.idx)
		.orderby(table.name)
	).run()
	changes: dict[str, dict[str, int]] = {}
	parent_before, number = None, 0
	for parent, name, idx in rows:
		number = number + 1 if parent == parent_before else 1
		parent_before = parent
		if idx != number:
			changes[name] = {"idx": number}
	frappe.db.bulk_update(doctype, changes, update_modified=False)

"""Fields of the catalogue that the session's user may not read: a rule on them would tell him their values.

A rule that is saved already goes on working for everybody: who saved it had the right, and gave the list away.
"""

import frappe
from frappe import _

from crm_relations.relations.attributes import unreadable_fields
from crm_relations.segments import catalogue
from crm_relations.segments.catalogue import Column, Presence
from crm_relations.segments.rules import Group, conditions


def hidden_fields() -> set[str]:
	"""Keys of the catalogue whose columns are on a permlevel that the user does not have."""
	hidden = unreadable_fields()
	if not hidden:
		return set()
	return {key for key, field in catalogue.fields().items() if hidden.intersection(_columns(field.source))}


def check_readable(tree: Group) -> None:
	""":raises frappe.PermissionError: names the field that the user may not read"""
	if not (hidden := hidden_fields()):
		return
	for _path, condition in conditions(tree):
		if condition.field in hidden:
			frappe.throw(
				_("{0} is confidential: you need the role Relation Confidential to ask for it.").format(
					str(catalogue.fields()[condition.field].label)
				),
				frappe.PermissionError,
			)


def _columns(source: object) -> tuple[str, ...]:
	if isinstance(source, Column):
		return (source.name,)
	return source.columns if isinstance(source, Presence) else ()

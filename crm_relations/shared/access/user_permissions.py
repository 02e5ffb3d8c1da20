"""Build SQL conditions for lists from Frappe's User Permissions.

Frappe narrows a list only by the links of the listed doctype itself. Rows that belong to a document of
another doctype must follow that document. This module states the same rule as a condition on that document:
its name, its links and the links in its child tables, as `frappe.permissions.has_user_permission` checks
them.
"""

import frappe
from frappe.permissions import get_allowed_docs_for_doctype, get_user_permissions


def excluded(doctype: str, user: str, alias: str) -> str:
	"""Return the condition for the documents that User Permissions hide; empty if they hide none.

	:param alias: name of the doctype's table in the query
	"""
	parts = [outside(f"{alias}.`{column}`", names) for column, names in links(doctype, user)]
	if not get_user_permissions(user):
		return ""
	for field in frappe.get_meta(doctype).get_table_fields():
		child = frappe.get_meta(field.options)
		if child.get("is_virtual") or field.get("is_virtual"):
			continue
		hidden = [
			outside(f"part.`{column}`", names)
			for column, names in _links(field.options, user, doctype)
			if column != "name"
		]
		if hidden:
			parts.append(
				f"{alias}.name in (select part.parent from `tab{field.options}` part"
				f" where part.parenttype = {_text(doctype)} and part.parent is not null"
				f" and ({' or '.join(hidden)}))"
			)
	return " or ".join(parts)


def allowed(doctype: str, user: str, alias: str) -> str:
	"""Return the condition for documents that match a User Permission by a value and are not hidden by
	another.

	A document without a value in the columns concerned is not hidden, but does not match either.
	"""
	fitting = [f"{alias}.`{column}` in ({_texts(names)})" for column, names in links(doctype, user)]
	if not fitting:
		return ""
	return f"({' or '.join(fitting)}) and not ifnull(({excluded(doctype, user, alias)}), 0)"


def links(doctype: str, user: str) -> list[tuple[str, list[str]]]:
	"""List the columns of a doctype that User Permissions narrow, each with the allowed names."""
	return _links(doctype, user, doctype)


def names_allowed(linked: str, user: str, doctype: str) -> list[str]:
	"""List the names of `linked` that User Permissions allow in documents of `doctype`; empty if nothing is
	narrowed.
	"""
	return get_allowed_docs_for_doctype(get_user_permissions(user).get(linked, []), doctype)


def _links(doctype: str, user: str, applicable_for: str) -> list[tuple[str, list[str]]]:
	if not get_user_permissions(user):
		return []
	columns = [("name", doctype)] + [
		(field.fieldname, field.options)
		for field in frappe.get_meta(doctype).get_link_fields()
		if not (field.ignore_user_permissions or field.get("is_virtual"))
	]
	found = [(column, names_allowed(linked, user, applicable_for)) for column, linked in columns]
	return [(column, names) for column, names in found if names]


def outside(column: str, names: list[str]) -> str:
	"""Return the condition that a column holds none of the names. An empty value counts only with strict
	permissions.
	"""
	if frappe.get_system_settings("apply_strict_user_permissions"):
		return f"ifnull({column}, '') not in ({_texts(names)})"
	return f"({column} <> '' and {column} not in ({_texts(names)}))"


def _texts(names: list[str]) -> str:
	return ", ".join(map(_text, sorted(set(map(str, names)))))


def _text(value: str) -> str:
	return frappe.db.escape(value, percent=False)

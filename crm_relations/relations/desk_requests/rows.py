"""Select the rows of our doctypes that a request of the desk may disclose. Writes nothing."""

from collections.abc import Iterable

import frappe
from frappe import _
from frappe.query_builder.functions import Count
from pypika import Order
from pypika.queries import QueryBuilder

from crm_relations.relations import list_requests
from crm_relations.shared.access.permissions import readable
from crm_relations.shared.refusals import refuse


def readable_names(doctype: str, names: Iterable[str]) -> set[str]:
	"""Return those of the documents that the session's user may read."""
	wanted = sorted(set(names))
	table = frappe.qb.DocType(doctype)
	query = readable(frappe.qb.from_(table).select(table.name), doctype)
	if not wanted or query is None:
		return set()
	return set(query.where(table.name.isin(wanted)).run(pluck=True))


def selected(doctype: str, filters: list | dict) -> QueryBuilder | None:
	"""Query the names of the documents that match the filters and that the session's user may read; None if
	there are none.
	"""
	list_requests.check_filters(doctype)
	# validated: version 15 would otherwise join the documents that a filter like `campaign.budget` names, whatever the rights on them
	query = frappe.qb.get_query(doctype, filters=filters, fields=["name"], validate_filters=True)
	return readable(query, doctype)


def by_assignee(doctype: str, filters: list | dict) -> list[frappe._dict]:
	"""Count the tasks on readable documents by user, the 50 with the most: `name` of the user, `count`."""
	names = selected(doctype, filters)
	if names is None:
		return []
	todo, user = frappe.qb.DocType("ToDo"), frappe.qb.DocType("User")
	number = Count("*").as_("count")
	return (
		frappe.qb.from_(todo)
		.join(user)
		.on(user.name == todo.allocated_to)
		.select(todo.allocated_to.as_("name"), number)
		.where((todo.status != "Cancelled") & (user.user_type == "System User"))
		.where((todo.reference_type == doctype) & todo.reference_name.isin(names))
		.groupby(todo.allocated_to)
		.orderby(number, order=Order.desc)
		.limit(50)
		.run(as_dict=True)
	)


def neighbour(doctype: str, name: str, filters: list | dict, column: str, ascending: bool) -> str | None:
	"""Find the readable document next to another one in a list that is sorted by a column and then by name.

	:param ascending: look towards greater values, otherwise towards smaller ones
	:raises frappe.ValidationError: there is no such column
	"""
	if column not in frappe.get_meta(doctype).get_valid_columns():
		refuse(_("{0} is not a field of {1}."), column, _(doctype))
	table = frappe.qb.DocType(doctype)
	query = selected(doctype, filters)
	if query is None or not name:
		return None
	here = frappe.db.get_value(doctype, name, column)
	field, by_name = table[column], table.name
	beyond = field > here if ascending else field < here
	beside = by_name > name if ascending else by_name < name
	order = Order.asc if ascending else Order.desc
	found = (
		query.where(beyond | ((field == here) & beside))
		.orderby(field, order=order)
		.orderby(by_name, order=order)
		.limit(1)
		.run(pluck=True)
	)
	return found[0] if found else None

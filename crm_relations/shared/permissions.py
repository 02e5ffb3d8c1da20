"""Queries with the reader's rights: what Frappe's own list would show, and no more."""

from typing import Any

import frappe
from frappe.desk.reportview import build_match_conditions
from frappe.permissions import get_role_permissions
from frappe.share import get_shared
from pypika.queries import QueryBuilder
from pypika.terms import Criterion


class MatchConditions(Criterion):
	"""The user's conditions on a doctype's table, as Frappe writes them for its own lists."""

	def __init__(self, sql: str):
		super().__init__()
		self.sql = sql

	def get_sql(self, **kwargs: Any) -> str:
		return f"({self.sql})"


def readable(query: QueryBuilder, doctype: str) -> QueryBuilder | None:
	"""The query narrowed to the documents of `doctype` that the session's user may read.

	Roles, user permissions, owner rules, permission query conditions and shares count, as in
	`frappe.get_list`. None, if the user may read none at all.

	:param query: a query on the doctype's own table, without an alias
	"""
	user = frappe.session.user
	if user == "Administrator":
		return query
	table = frappe.qb.DocType(doctype)
	if not get_role_permissions(frappe.get_meta(doctype), user=user).get("read"):
		shared = get_shared(doctype, user)
		return query.where(table.name.isin(shared)) if shared else None
	conditions = build_match_conditions(doctype, user=user)
	if not conditions:
		return query
	# with a parameter in the query the driver turns %% in the conditions back into %
	return query.where(table.name != "").where(MatchConditions(conditions))

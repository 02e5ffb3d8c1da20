"""Build queries with the reader's permissions: what Frappe's own list would show, and no more."""

from typing import Any

import frappe
from frappe.desk.reportview import build_match_conditions
from frappe.permissions import get_role_permissions
from frappe.share import get_shared
from pypika.queries import QueryBuilder
from pypika.terms import Criterion

from crm_relations.shared.access import user_permissions

#: a condition that no row meets
NOTHING = "1 = 0"


class MatchConditions(Criterion):
	"""The user's conditions on a doctype's table, as Frappe writes them for its own lists."""

	def __init__(self, sql: str):
		super().__init__()
		self.sql = sql

	def get_sql(self, **kwargs: Any) -> str:
		return f"({self.sql})"


def readable(query: QueryBuilder, doctype: str) -> QueryBuilder | None:
	"""Narrow the query to the documents of `doctype` that the session's user may read.

	Roles, user permissions, owner rules, permission query conditions and shares count, as in
	`frappe.get_list`. Returns None if the user may read none.

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
	# if the query has a parameter, the driver turns %% in the conditions back into %
	return query.where(table.name != "").where(MatchConditions(conditions))


def may_see_amounts_of(
	company: str | None, user: str | None = None, doctypes: tuple[str, ...] = ("Sales Invoice",)
) -> bool:
	"""Tell whether sums over all invoices of a company may be shown to the user; None stands for all
	companies.

	:param doctypes: other documents than invoices that the sums include

	User Permissions decide: the company must be an allowed one, and nothing else may narrow the invoices that
	the user can read, because a sum would reveal the rest. The caller checks whether the role may read
	invoices or the statement at all.
	"""
	user = user or frappe.session.user
	if user == "Administrator":
		return True
	return not any(
		column != "company" or company not in names
		for doctype in doctypes
		for column, names in user_permissions.links(doctype, user)
	)


def readable_companies(user: str | None = None) -> list[str] | None:
	"""List the companies of which User Permissions let the user read invoices; None if nothing narrows them."""
	user = user or frappe.session.user
	return user_permissions.names_allowed("Company", user, "Sales Invoice") or None


def match_conditions(doctype: str, user: str | None = None) -> str:
	"""Return what narrows the user's lists of a doctype, for `MatchConditions`. The user must be allowed to
	read the doctype.
	"""
	return build_match_conditions(doctype, user=user or frappe.session.user)


def reads_only_part_of(doctype: str, user: str | None = None) -> bool:
	"""Tell whether the user may read some documents of the doctype, but not all."""
	user = user or frappe.session.user
	if user == "Administrator" or not get_role_permissions(frappe.get_meta(doctype), user=user).get("read"):
		return False
	return bool(build_match_conditions(doctype, user=user))

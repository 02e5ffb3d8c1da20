"""Narrow rows of documents to what the session's user may read. Writes nothing.

Counts and explanations must not disclose other rows. User Permissions, ownership or conditions of other apps
may let a user read a doctype only in part. A preview and a breakdown then count the readable rows only
(`Narrowing`). An explanation shows a condition only if the user may read all such documents of the relation
(`reads_all_of`). A saved rule counts all documents for every user. So such a user may save a condition only
with the allowed companies in it (`reads_in_part`).
"""

from collections.abc import Iterator

import frappe
from frappe.permissions import get_role_permissions
from frappe.query_builder.functions import Count
from pypika.queries import QueryBuilder, Table

from crm_relations.relations import queries
from crm_relations.relations.facts.sources import FACTS
from crm_relations.segments.language.rules import Condition, EventCondition
from crm_relations.shared.access import user_permissions
from crm_relations.shared.access.own_doctypes import is_ours
from crm_relations.shared.access.permissions import (
	NOTHING,
	MatchConditions,
	match_conditions,
	readable,
	readable_companies,
	reads_only_part_of,
)

INVOICE, COMPANY = "Sales Invoice", "company"
#: what may narrow invoices without hiding the figures: these are kept by company, and left out for hidden
#: customers
OF_CUSTOMERS = {COMPANY, "customer", "customer_group", "territory"}


class Narrowing:
	"""Narrows queries to the rows of ERPNext's documents, and of figures computed from them, that the user
	may read.
	"""

	def __init__(self) -> None:
		self._conditions: dict[str, str] = {}

	def __call__(self, query: QueryBuilder) -> QueryBuilder:
		"""Return the query with the user's conditions on each doctype from which it reads."""
		for doctype in _doctypes(query):
			if condition := self._condition(doctype):
				# if the query has a parameter, the driver turns %% in the conditions back into %
				query = query.where(frappe.qb.DocType(doctype).name != "").where(MatchConditions(condition))
		return query

	def _condition(self, doctype: str) -> str:
		if doctype not in self._conditions:
			self._conditions[doctype] = _condition(doctype)
		return self._conditions[doctype]


def reads_in_part(doctype: str, leaf: object = None) -> bool:
	"""Tell whether the user may read only some documents of an ERPNext doctype.

	:param leaf: a condition of a rule: if only companies restrict the user, a condition that names allowed
		companies asks for no other documents
	"""
	if is_ours(doctype) or not reads_only_part_of(doctype):
		return False
	return not (isinstance(leaf, EventCondition) and _only_companies(doctype) and _is_within(leaf, doctype))


def reads_all_of(relation: str, doctype: str) -> bool:
	"""Tell whether the user may read all documents of a doctype that name a party of the relation."""
	if not reads_in_part(doctype):
		return True
	table, meta = frappe.qb.DocType(doctype), frappe.get_meta(doctype)
	parties = queries.parties_of([relation]).get(relation, ())
	if meta.has_field("customer"):
		of_relation = table.customer.isin([name for party, name in parties if party == "Customer"] or [""])
	elif meta.has_field("party_name"):
		of_relation = table.party_name.isin([name for _party, name in parties] or [""])
	else:
		of_relation = table.name.isin([name for party, name in parties if party == doctype] or [""])
	everything = frappe.qb.from_(table).where(of_relation)
	some = readable(everything, doctype)
	return some is not None and _count(some) == _count(everything)


def _count(query: QueryBuilder) -> int:
	return query.select(Count("*")).run()[0][0]


def _condition(doctype: str) -> str:
	if doctype == FACTS:
		if _narrowed(INVOICE) - OF_CUSTOMERS:
			return NOTHING  # the figures add up invoices that the user may not read
		names = ", ".join(frappe.db.escape(name) for name in readable_companies() or ())
		return f"`tab{FACTS}`.company in ({names})" if names else ""
	if is_ours(doctype) or frappe.get_meta(doctype).istable or not reads_only_part_of(doctype):
		return ""
	return match_conditions(doctype)


def _doctypes(query: QueryBuilder) -> Iterator[str]:
	for table in [*query._from, *(join.item for join in query._joins)]:
		if isinstance(table, Table) and not table.alias and table.get_table_name().startswith("tab"):
			yield table.get_table_name()[3:]


def _only_companies(doctype: str) -> bool:
	return _narrowed(doctype) == {COMPANY}


def _narrowed(doctype: str) -> set[str]:
	"""Return the columns by which User Permissions or ownership narrow a doctype."""
	user = frappe.session.user
	roles = get_role_permissions(frappe.get_meta(doctype), user=user)
	own = {"owner"} if "read" in (roles.get("if_owner") or {}) else set()
	return own | {column for column, _names in user_permissions.links(doctype, user)}


def _is_within(leaf: EventCondition, doctype: str) -> bool:
	allowed = set(user_permissions.names_allowed("Company", frappe.session.user, doctype))
	if leaf.where.kind != "all":
		return False
	asked = [one for one in leaf.where.children if isinstance(one, Condition) and one.field == COMPANY]
	return any(
		(one.operator == "=" and one.value in allowed) or (one.operator == "in" and set(one.value) <= allowed)
		for one in asked
	)

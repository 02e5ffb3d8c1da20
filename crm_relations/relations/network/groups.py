"""Collect groups of companies, from the parent down to the last subsidiary, and add up their figures. Writes
nothing.

A group follows the open links `subsidiary of`, one query per level. Circular data (links cannot be circular,
but merged relations can) lists each company once and loses none.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import frappe
from frappe.permissions import get_user_permissions

from crm_relations.relations import queries
from crm_relations.relations.facts import queries as facts
from crm_relations.relations.network.links import open_links
from crm_relations.relations.rules import SUBSIDIARY_OF
from crm_relations.shared.access.permissions import readable

#: deeper than any real group; faulty imported data must not keep the form waiting
MAX_LEVELS = 20
MAX_MEMBERS = 1000

FIGURES = ("revenue_12_months", "open_amount", "overdue_amount")
FACTS = "Relation Facts"
CUSTOMER = "Customer"


@dataclass
class Group:
	"""The companies of a group: name → level below the parent, parents first."""

	root: str
	levels: dict[str, int] = field(default_factory=dict)
	#: subsidiary → the company above it through which it is in the group
	parent: dict[str, str] = field(default_factory=dict)
	#: there are more than `MAX_MEMBERS`
	cut: bool = False


def group_of(relation: str) -> Group:
	"""Return the group of a relation; a company without a group is a group of one."""
	return below(top_of(relation))


def top_of(relation: str) -> str:
	"""Return the company at the top: up the oldest link to a parent, until there is none or a circle closes."""
	seen = {relation}
	top = relation
	for _level in range(MAX_LEVELS):
		above = _linked([top], "relation", "related_relation")
		parent = next((parent for _child, parent in above), None)
		if not parent or parent in seen:
			break
		seen.add(parent)
		top = parent
	return top


def below(root: str) -> Group:
	"""Return a company and everything below it."""
	group = Group(root, {root: 0})
	level = [root]
	for depth in range(1, MAX_LEVELS + 1):
		found = []
		for parent, child in _linked(level, "related_relation", "relation"):
			if child in group.levels:
				continue
			if len(group.levels) >= MAX_MEMBERS:
				group.cut = True
				return group
			group.levels[child] = depth
			group.parent[child] = parent
			found.append(child)
		if not found:
			break
		level = found
	return group


def _linked(relations: Iterable[str], here: str, there: str) -> list[tuple[str, str]]:
	link = frappe.qb.DocType("Relation Link")
	return (
		frappe.qb.from_(link)
		.select(link[here], link[there])
		.where((link.link_type == SUBSIDIARY_OF) & link[here].isin(list(relations)))
		.where(open_links(link))
		.orderby(link.since)
		.orderby(link.creation)
		.orderby(link.name)
	).run()


def overview(relation: str) -> dict[str, Any]:
	"""Return the group of a relation as the session's user may see it, with its figures added up.

	:return: `members` in the order of the tree, each with `level` and its `figures` by company; `totals`, one
		row per company of ours with its currency; `hidden`, how many members the user may not read (their
		figures are not in the totals); `figures`, whether the user may read figures at all.
	"""
	group = group_of(relation)
	shown = _readable(group.levels)
	figures = _figures(shown)
	members = [
		{**shown[name], "level": group.levels[name], "figures": (figures or {}).get(name, [])}
		for name in _in_tree_order(group)
		if name in shown
	]
	return {
		"root": group.root,
		"members": members,
		"totals": _totals(figures or {}),
		"hidden": len(group.levels) - len(shown),
		"cut": group.cut,
		"figures": figures is not None,
	}


def _readable(names: Iterable[str]) -> dict[str, dict[str, Any]]:
	table = frappe.qb.DocType("Relation")
	query = readable(frappe.qb.from_(table), "Relation")
	if query is None:
		return {}
	rows = (
		query.select(table.name, table.relation_name, table.stage).where(table.name.isin(list(names)))
	).run(as_dict=True)
	return {row["name"]: row for row in rows}


def _figures(names: Iterable[str]) -> dict[str, list[dict[str, Any]]] | None:
	"""Return relation → figures by company of ours, in its currency; None if the user may not read figures.

	The same rule as for one relation: the user must be able to read the source documents, every customer of
	the relation, and the company. One query per doctype, however many members.
	"""
	if not may_read_figures(FIGURES):
		return None
	names = with_readable_customers(names)
	table = frappe.qb.DocType(FACTS)
	query = (
		frappe.qb.from_(table)
		.select(table.relation, table.company, table.currency, *[table[f] for f in FIGURES])
		.where(table.relation.isin(names or [""]))
		.orderby(table.relation)
		.orderby(table.company)
	)
	if companies := get_user_permissions(frappe.session.user).get("Company"):
		query = query.where(table.company.isin([row["doc"] for row in companies]))
	result: dict[str, list[dict[str, Any]]] = defaultdict(list)
	for row in query.run(as_dict=True):
		result[row.pop("relation")].append(row)
	return dict(result)


def may_read_figures(figures: Iterable[str], company: str | None = None) -> bool:
	"""Tell whether the user may read the documents behind these figures, and those of the company."""
	needed = facts.needs()
	if not all(frappe.has_permission(needed[f], "read") for f in figures if needed.get(f)):
		return False
	companies = get_user_permissions(frappe.session.user).get("Company")
	return not (company and companies) or company in {row["doc"] for row in companies}


def with_readable_customers(names: Iterable[str]) -> list[str]:
	"""Return those of the relations with customers that the user may all read."""
	customers = {
		name: {party for doctype, party in parties if doctype == CUSTOMER}
		for name, parties in queries.parties_of(names).items()
	}
	wanted = set().union(*customers.values()) if customers else set()
	seen: set[str] = set()
	if wanted:
		table = frappe.qb.DocType(CUSTOMER)
		query = readable(frappe.qb.from_(table), CUSTOMER)
		if query is not None:
			seen = set(query.select(table.name).where(table.name.isin(wanted)).run(pluck=True))
	return [name for name, mine in customers.items() if mine <= seen]


def _totals(figures: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
	"""Return totals by company of ours: different currencies are never added."""
	totals: dict[tuple[str, str], dict[str, Any]] = {}
	for rows in figures.values():
		for row in rows:
			total = totals.setdefault(
				(row["company"], row["currency"]),
				{
					"company": row["company"],
					"currency": row["currency"],
					**dict.fromkeys(FIGURES, Decimal(0)),
				},
			)
			for name in FIGURES:
				total[name] += Decimal(str(row[name] or 0))
	return [{**total, **{f: float(total[f]) for f in FIGURES}} for _key, total in sorted(totals.items())]


def _in_tree_order(group: Group) -> list[str]:
	children: dict[str, list[str]] = defaultdict(list)
	for child, parent in group.parent.items():
		children[parent].append(child)
	order, stack = [], [group.root]
	while stack:
		name = stack.pop()
		order.append(name)
		stack += reversed(children[name])
	return order

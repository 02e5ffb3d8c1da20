"""Manage the types of relationships: the app's own and those of an administrator, each named in both
directions.

Writes the cache of types only.
"""

from dataclasses import dataclass

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import nowdate

from crm_relations.relations import rules
from crm_relations.shared.refusals import refuse

DOCTYPE = "Relation Link Type"
CACHE_KEY = "relation_link_types"


@dataclass(frozen=True)
class LinkType:
	"""A row of `Relation Link Type`."""

	name: str
	link_type: str
	reverse_label: str
	from_kind: str
	to_kind: str
	no_circles: int
	disabled: int

	@property
	def symmetric(self) -> bool:
		"""Tell whether the type reads the same from both sides: married to."""
		return self.link_type == self.reverse_label


def all_types() -> dict[str, LinkType]:
	"""Return name → type, by name; cached."""
	rows = frappe.cache.get_value(CACHE_KEY)
	if rows is None:
		rows = frappe.get_all(DOCTYPE, fields=list(LinkType.__dataclass_fields__), order_by="name asc")
		frappe.cache.set_value(CACHE_KEY, rows)
	return {row["name"]: LinkType(**row) for row in rows}


def forget_cached() -> None:
	"""Clear the cache after a change of the types."""
	frappe.cache.delete_value(CACHE_KEY)


def reads(link_type: str, outgoing: bool) -> str:
	"""Return how a link reads from the relation (`outgoing`) or from the related one."""
	found = all_types().get(link_type)
	if not found:
		return link_type
	return found.link_type if outgoing else found.reverse_label


# ── checks of a Relation Link Type ─────────────────────────────────────────────────────────────


def check_labels(doc: Document) -> None:
	"""Refuse two types with the same label: their meaning would be ambiguous."""
	doc.link_type, doc.reverse_label = (doc.link_type or "").strip(), (doc.reverse_label or "").strip()
	mine = {doc.link_type.casefold(), doc.reverse_label.casefold()}
	for other in all_types().values():
		both = mine & {other.link_type.casefold(), other.reverse_label.casefold()}
		if other.name != doc.name and both - {""}:
			refuse(
				_("Link Type: {0} is used by the type {1} already. Choose another wording."),
				sorted(both)[0],
				other.name,
			)


def check_standard(doc: Document) -> None:
	"""Keep name and meaning of types that the app itself writes."""
	if doc.is_new() or not doc.is_standard:
		return
	for field in ("link_type", "no_circles", "is_standard"):
		if doc.has_value_changed(field):
			refuse(
				_("{0} of a standard type cannot be changed. Add a type of your own."),
				_(doc.meta.get_label(field)),
			)


def check_no_circles(doc: Document) -> None:
	"""Refuse the switch if existing links form a circle.

	:raises frappe.ValidationError: names the chain
	"""
	if not doc.no_circles or doc.is_new() or not doc.has_value_changed("no_circles"):
		return
	link = frappe.qb.DocType("Relation Link")
	edges: dict[str, list[str]] = {}
	for relation, related in (
		frappe.qb.from_(link)
		.select(link.relation, link.related_relation)
		.where((link.link_type == doc.name) & (link.until.isnull() | (link.until > nowdate())))
	).run():
		edges.setdefault(relation, []).append(related)
	if circle := rules.first_cycle(edges):
		refuse(
			_("No Circles: there is a circle already: {0}. End one of these links first."),
			named_chain(circle),
		)


def check_deletable(doc: Document) -> None:
	if doc.is_standard:
		refuse(_("{0} is a standard type. Disable it instead of deleting it."), _(doc.link_type))


def named_chain(relations: list[str]) -> str:
	"""Return `A → B → A`, with the names of the relations."""
	table = frappe.qb.DocType("Relation")
	names = dict(
		frappe.qb.from_(table).select(table.name, table.relation_name).where(table.name.isin(relations)).run()
	)
	return " → ".join(names.get(name, name) for name in relations)

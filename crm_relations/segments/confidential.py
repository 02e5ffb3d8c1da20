"""Decide what the session's user may not ask for in a rule, because the answer would disclose what they may
not read.

That covers columns on a permlevel that the user lacks, and values from documents that the user may not read:
amounts need permission to read the invoices that they add up.

A saved rule keeps working for every user: its author had the permission, and shared the list. Writes nothing.
"""

from collections.abc import Sequence
from functools import cache

import frappe
from frappe import _
from frappe.utils import cint
from pypika.terms import Criterion

from crm_relations.relations import permissions, queries
from crm_relations.segments import readers
from crm_relations.segments.compilation import compiler
from crm_relations.segments.compilation.compiler import Rule
from crm_relations.segments.fields import catalogue
from crm_relations.segments.fields.catalogue import Event, Field
from crm_relations.segments.fields.events import event_of
from crm_relations.segments.language.rules import EventCondition, Group, Leaf, leaves, within_event
from crm_relations.shared.access.permissions import MatchConditions
from crm_relations.shared.refusals import refuse

CUSTOMER = "Customer"


class Rights:
	"""What the session's user may read; asks once for each doctype."""

	def __init__(self) -> None:
		self._readable: dict[str, bool] = {}
		self._levels: dict[str, set[str]] = {}

	def may_ask(self, one: Field | Event) -> bool:
		"""Tell whether the user may ask for this field or event, apart from its own fields."""
		return not (self.is_confidential(one) or self.missing_right(one))

	def is_confidential(self, one: Field | Event) -> bool:
		"""Tell whether its column is on a permlevel that the user lacks."""
		columns = one.source.columns() if isinstance(one, Field) else ()
		return any(name in self._hidden(doctype) for doctype, name in columns)

	def missing_right(self, one: Field | Event) -> str | None:
		"""Return the doctype that the user would need permission to read, or None."""
		if not one.needs:
			return None
		if one.needs not in self._readable:
			self._readable[one.needs] = bool(frappe.has_permission(one.needs, "read"))
		return None if self._readable[one.needs] else one.needs

	def _hidden(self, doctype: str) -> set[str]:
		if doctype not in self._levels:
			meta = frappe.get_meta(doctype)
			levels = {0} if meta.istable else set(map(cint, meta.get_permlevel_access("read")))
			self._levels[doctype] = (
				set()
				if frappe.session.user == "Administrator"
				else {
					df.fieldname
					for df in meta.fields
					if cint(df.permlevel) and cint(df.permlevel) not in levels
				}
			)
		return self._levels[doctype]


def hidden_fields() -> set[str]:
	"""Return the keys of the catalogue that the user may not ask for."""
	rights = Rights()
	return {key for key, one in catalogue.fields().items() if not rights.may_ask(one)}


def closed_paths(tree: Group, relation: str) -> set[str]:
	"""Return the paths of the conditions that are hidden from the user for this relation.

	Conditions on documents are hidden too if the user may not read all documents of the relation, or a
	customer that is part of the relation.
	"""
	rights, known = Rights(), catalogue.fields()
	whole = _may_read_customers(relation)
	reads_all = cache(lambda doctype: readers.reads_all_of(relation, doctype))
	closed = set()
	for path, leaf in leaves(tree):
		asked = _asked_by(leaf, known)
		of_documents = [one for one in asked if _of_customers(one)]
		if (
			not all(map(rights.may_ask, asked))
			or (of_documents and not whole)
			or not all(reads_all(one.needs) for one in of_documents if readers.reads_in_part(one.needs, leaf))
		):
			closed.add(path)
	return closed


def criterion_of(rule: Rule, last: str | None = None) -> Criterion | None:
	"""Return the rule as a condition on `tabRelation`, for counts and samples that the user sees.

	Only documents that the user may read count. A rule on documents leaves out relations with a customer that
	User Permissions hide, because figures add up the documents of all their customers.

	:param last: only relations with names up to this one are asked for
	:raises rules.RuleError: names the path of the fault
	"""
	tree = compiler.parse(rule)
	known, user = catalogue.fields(), frappe.session.user
	if not any(_of_customers(one) for _path, leaf in leaves(tree) for one in _asked_by(leaf, known)):
		return compiler.criterion_of(tree, last=last)
	criterion = compiler.criterion_of(tree, last=last, narrow=readers.Narrowing())
	for hidden in permissions.excluded_relations(user, [CUSTOMER]):
		others = f"`tabRelation`.name not in ({hidden})".replace("%", "%%")
		criterion = (frappe.qb.DocType("Relation").name != "") & MatchConditions(others) & criterion
	return criterion


def _of_customers(one: Field | Event) -> bool:
	"""Tell whether it depends on ERPNext's documents, which belong to customers. Our own documents belong to
	the relation.
	"""
	return one.needs is not None and one.needs != "" and not one.needs.startswith("Relation ")


def _may_read_customers(relation: str) -> bool:
	parties = queries.parties_of([relation]).get(relation, ())
	return all(
		frappe.has_permission(CUSTOMER, "read", doc=name) for doctype, name in parties if doctype == CUSTOMER
	)


def check_readable(tree: Group) -> None:
	"""Refuse a rule on what the user may not read at all.

	:raises frappe.PermissionError: names the field
	"""
	rights, known = Rights(), catalogue.fields()
	for _path, leaf in leaves(tree):
		for one in _asked_by(leaf, known):
			_check(one, rights)


def check_saved(tree: Group) -> None:
	"""Refuse to save a rule if its members would disclose documents that the user may not read.

	:raises frappe.PermissionError: names the field and the remedy
	"""
	check_readable(tree)
	known = catalogue.fields()
	for _path, leaf in leaves(tree):
		for one in _asked_by(leaf, known):
			if _of_customers(one) and readers.reads_in_part(one.needs, leaf):
				refuse(
					_(
						"{0} depends on documents of which you may read only a part. Add a condition on the company that you may read, or ask a user with access to all of them to save the rule."
					),
					str(one.label),
					exception=frappe.PermissionError,
				)


def _asked_by(leaf: Leaf, known: dict[str, Field | Event]) -> Sequence[Field | Event]:
	"""Return the field of a condition; for an event also all the fields in it."""
	if not isinstance(leaf, EventCondition):
		return [known[leaf.field]]
	event = event_of(known, leaf.event)
	return [event, *(event.fields[condition.field] for _path, condition in within_event(leaf))]


def _check(one: Field | Event, rights: Rights) -> None:
	if rights.is_confidential(one):
		refuse(
			_("{0} is confidential: you need the role Relation Confidential to ask for it."),
			str(one.label),
			exception=frappe.PermissionError,
		)
	if doctype := rights.missing_right(one):
		refuse(
			_("{0} rests on documents that you may not read: you need the right to read {1}."),
			str(one.label),
			_(doctype),
			exception=frappe.PermissionError,
		)

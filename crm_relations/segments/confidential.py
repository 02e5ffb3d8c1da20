"""What of the catalogue the session's user may not ask for: a rule on it would tell him what he may not read.

That is what stands in a column on a permlevel that he does not have, and what rests on documents that he may not
read: amounts are for those who may read the invoices that they add up.

A rule that is saved already goes on working for everybody: who saved it had the right, and gave the list away.
"""

from collections.abc import Sequence

import frappe
from frappe import _
from frappe.permissions import get_user_permissions
from frappe.utils import cint
from pypika.terms import Criterion

from crm_relations.relations import queries
from crm_relations.segments import catalogue, compiler
from crm_relations.segments.catalogue import Event, Field
from crm_relations.segments.compiler import Rule
from crm_relations.segments.rules import EventCondition, Group, leaves, within_event
from crm_relations.segments.sources import among
from crm_relations.shared.refusals import refuse

CUSTOMER = "Customer"


class Rights:
	"""What the session's user may read; asks once for each doctype."""

	def __init__(self) -> None:
		self._readable: dict[str, bool] = {}
		self._levels: dict[str, set[str]] = {}

	def may_ask(self, one: Field | Event) -> bool:
		"""May the user ask for this field or event, whatever its own fields are?"""
		return not (self.is_confidential(one) or self.missing_right(one))

	def is_confidential(self, one: Field | Event) -> bool:
		"""Its column is on a permlevel that the user does not have."""
		columns = one.source.columns() if isinstance(one, Field) else ()
		return any(name in self._hidden(doctype) for doctype, name in columns)

	def missing_right(self, one: Field | Event) -> str | None:
		"""The doctype that the user would have to be able to read, and is not."""
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
	"""Keys of the catalogue that the user may not ask for."""
	rights = Rights()
	return {key for key, one in catalogue.fields().items() if not rights.may_ask(one)}


def closed_paths(tree: Group, relation: str) -> set[str]:
	"""Paths of the conditions whose answer for this relation the user may not see, because of what stands in them.

	What rests on documents is closed too where the relation is a customer that the user may not read.
	"""
	rights, known = Rights(), catalogue.fields()
	whole = _may_read_customers(relation)
	closed = set()
	for path, leaf in leaves(tree):
		asked = _asked_by(leaf, known)
		if not all(map(rights.may_ask, asked)) or (not whole and any(map(_of_customers, asked))):
			closed.add(path)
	return closed


def criterion_of(rule: Rule, last: str | None = None) -> Criterion | None:
	"""The rule as a condition on `tabRelation`, for counts and samples that the user is shown.

	Who is kept to some customers by user permissions does not learn from it what others bought: relations that are
	other customers are left out of a rule that rests on documents.

	:param last: it is asked only of those whose names come up to this one
	:raises rules.RuleError: names the path of the fault
	"""
	tree = compiler.parse(rule)
	criterion, known = compiler.criterion_of(tree, last=last), catalogue.fields()
	allowed = get_user_permissions(frappe.session.user).get(CUSTOMER)
	if not allowed or not any(
		_of_customers(one) for _path, leaf in leaves(tree) for one in _asked_by(leaf, known)
	):
		return criterion
	party, relation = frappe.qb.DocType("Relation Party"), frappe.qb.DocType("Relation")
	others = (
		frappe.qb.from_(party)
		.select(party.parent)
		.where((party.party_type == CUSTOMER) & party.parent.isnotnull())
		.where(party.party.notin([row["doc"] for row in allowed]))
	)
	return among(relation.name, others, False) & criterion


def _of_customers(one: Field | Event) -> bool:
	"""Does it rest on ERPNext's documents, which belong to customers? Those of ours belong to the relation."""
	return bool(one.needs) and not one.needs.startswith("Relation ")


def _may_read_customers(relation: str) -> bool:
	parties = queries.parties_of([relation]).get(relation, ())
	return all(
		frappe.has_permission(CUSTOMER, "read", doc=name) for doctype, name in parties if doctype == CUSTOMER
	)


def check_readable(tree: Group) -> None:
	""":raises frappe.PermissionError: names the field that the user may not read"""
	rights, known = Rights(), catalogue.fields()
	for _path, leaf in leaves(tree):
		for one in _asked_by(leaf, known):
			_check(one, rights)


def _asked_by(leaf: object, known: dict[str, Field | Event]) -> Sequence[Field | Event]:
	"""The field of a condition; an event and all the fields that stand in it."""
	if not isinstance(leaf, EventCondition):
		return [known[leaf.field]]
	event = known[leaf.event]
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

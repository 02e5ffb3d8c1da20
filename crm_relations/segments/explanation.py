"""Why a relation is in a segment, or is not: each condition with its value, its verdict and the documents
behind it. Writes nothing.

The verdicts come from the database, by the very comparisons that the refresh uses: one statement whatever
the number of conditions.
"""

from collections.abc import Iterator
from typing import Any

import frappe
from frappe import _
from frappe.query_builder import Case
from frappe.utils import formatdate, getdate, nowdate
from pypika.terms import Term

from crm_relations.segments import catalogue, compiler, confidential, rules, selection, wording
from crm_relations.segments.catalogue import Column, Field, Presence, RolesHeld, Sales
from crm_relations.segments.compiler import Rule
from crm_relations.segments.rules import Condition, Group, Node

#: documents shown behind a condition
DOCUMENTS = 10


def explain(rule: Rule, relation: str) -> dict[str, Any]:
	"""The rule as a tree of verdicts for one relation.

	A group is `{"kind", "verdict", "children"}`; a condition is `{"path", "words", "value", "verdict",
	"documents", "more"}`, where `documents` are `{"doctype", "name", "text"}` that the session's user may read
	and `more` counts those not listed. What rests on invoices is closed to who may not read them, and so are
	confidential fields: there value and verdict are None and `hidden` is true.

	:raises rules.RuleError: names the path of the fault
	:raises frappe.DoesNotExistError: there is no such relation
	"""
	tree = compiler.parse(rule)
	explanation = _Explanation(tree, relation)
	return {**explanation.node(tree), "verdict": explanation.verdict(tree)}


def of_segment(segment: str, relation: str) -> dict[str, Any]:
	"""Why a relation is in a segment: `{"member", "entered", "left_on", "added_by", "rule", "standing", "sample"}`.

	The dates are those of its latest membership. `rule` is what the rule says today, `standing` what pins and
	other segments say, and whether the next refresh takes the relation in; both are None for a manual segment,
	where `added_by` says who put the relation in. `sample`: only some of those whom the rule finds are taken.

	:raises rules.RuleError: the segment's rule is broken
	:raises frappe.DoesNotExistError: there is no such segment or relation
	"""
	doc = frappe.get_doc("Relation Segment", segment)
	member = frappe.get_all(
		"Relation Segment Member",
		filters={"segment": segment, "relation": relation},
		fields=["entered", "left_on", "owner"],
		order_by="entered desc, name desc",
		limit=1,
	)
	last = member[0] if member else frappe._dict()
	manual = doc.kind == "Manual"
	return {
		"member": bool(member) and not last.left_on,
		"entered": last.entered,
		"left_on": last.left_on,
		"added_by": last.owner if manual else None,
		"rule": None if manual else explain(doc.rule or "", relation),
		"standing": None if manual else selection.standing(doc, relation),
		"sample": doc.sample or None,
	}


class _Explanation:
	"""Reads once what the tree asks for, then walks it."""

	def __init__(self, tree: Group, relation: str):
		self.relation = relation
		self.today = getdate(nowdate())
		self.paths = {id(condition): path for path, condition in rules.conditions(tree)}
		self.closed = confidential.hidden_fields()
		if not frappe.has_permission("Sales Invoice", "read"):
			self.closed |= {
				key for key, field in catalogue.fields().items() if isinstance(field.source, Sales)
			}
		self.words = wording.conditions_in_words(tree)
		self.fields = {condition.field for _path, condition in rules.conditions(tree)}
		self.verdicts, self.columns = self._read(tree)

	def _read(self, tree: Group) -> tuple[dict[int, bool], dict[str, Any]]:
		"""The verdict of each condition and the columns they look at, in one row."""
		table = frappe.qb.DocType("Relation")
		found = [condition for _path, condition in rules.conditions(tree)]
		columns = sorted({name for key in self.fields for name in _columns(catalogue.fields()[key])})
		verdicts = [_flag(compiler.criterion_of(Group("all", (condition,)))) for condition in found]
		row = (
			frappe.qb.from_(table)
			.select(table.name, *(table[name] for name in columns), *verdicts)
			.where(table.name == self.relation)
			.run()
		)
		if not row:
			frappe.throw(_("There is no relation {0}.").format(self.relation), frappe.DoesNotExistError)
		values = row[0][1:]
		return (
			{
				id(condition): bool(flag)
				for condition, flag in zip(found, values[len(columns) :], strict=True)
			},
			dict(zip(columns, values, strict=False)),
		)

	def node(self, node: Node) -> dict[str, Any]:
		if isinstance(node, Condition):
			return self.condition(node)
		children = [self.node(child) for child in node.children]
		# the verdict of a group would give away a closed condition in it; that of the whole rule is the membership
		closed = any(child["verdict"] is None for child in children)
		return {"kind": node.kind, "verdict": None if closed else self.verdict(node), "children": children}

	def verdict(self, node: Node) -> bool:
		if isinstance(node, Condition):
			return self.verdicts[id(node)]
		results = [self.verdict(child) for child in node.children]
		return all(results) if node.kind == "all" else any(results) == (node.kind == "any")

	def condition(self, condition: Condition) -> dict[str, Any]:
		field = catalogue.fields()[condition.field]
		path = self.paths[id(condition)]
		said = {"path": path, "words": self.words[path], "hidden": False}
		if field.key in self.closed:
			return {**said, "hidden": True, "verdict": None, "value": None, "documents": [], "more": 0}
		said["verdict"] = self.verdicts[id(condition)]
		if isinstance(field.source, RolesHeld):
			return {**said, **self._roles()}
		if isinstance(field.source, Sales):
			return {**said, **self._sales(field)}
		return {**said, "value": self._value(field), "documents": [], "more": 0}

	def _value(self, field: Field) -> str:
		values = [self.columns[name] for name in _columns(field)]
		if isinstance(field.source, Presence):
			return ", ".join(filter(None, values)) or _("empty")
		return self._shown(field, values[0])

	def _shown(self, field: Field, value: Any) -> str:
		if field.type == "check":
			return _("Yes") if value else _("No")
		if value in (None, "") or (
			isinstance(field.source, Column) and field.source.zero_is_empty and not value
		):
			return _("empty")
		if field.type == "date":
			return formatdate(value)
		if field.type == "amount":
			return frappe.utils.fmt_money(value)
		return wording.title(field, str(value))

	def _roles(self) -> dict[str, Any]:
		role = frappe.qb.DocType("Relation Role")
		rows = (
			frappe.qb.from_(role)
			.select(role.role, role.since, role.document_type, role.document_name)
			.where((role.parenttype == "Relation") & (role.parent == self.relation) & role.until.isnull())
			.orderby(role.idx)
			.run(as_dict=True)
		)
		documents = [
			{
				"doctype": row.document_type,
				"name": row.document_name,
				"text": _("{0} since {1}").format(_(row.role), formatdate(row.since)),
			}
			for row in rows
			if row.document_name and frappe.has_permission(row.document_type, "read", doc=row.document_name)
		]
		return {
			"value": ", ".join(_(row.role) for row in rows) or _("none"),
			"documents": documents[:DOCUMENTS],
			"more": max(0, len(documents) - DOCUMENTS),
		}

	def _sales(self, field: Field) -> dict[str, Any]:
		"""The figure, and the invoices it is made of, newest first."""
		figure = (
			self._invoices(field).select(field.source.figure(frappe.qb.DocType("Sales Invoice"))).run()[0][0]
		)
		if figure is None and field.source.absent is not None:
			figure = field.source.absent
		invoice = frappe.qb.DocType("Sales Invoice")
		names = (
			self._invoices(field)
			.select(invoice.name)
			.orderby(invoice.posting_date, order=frappe.qb.desc)
			.orderby(invoice.name, order=frappe.qb.desc)
			.run(pluck=True)
		)
		readable = frappe.get_list(
			"Sales Invoice",
			filters={"name": ["in", names or [""]]},
			fields=["name", "posting_date", "base_net_total", "company"],
			order_by="posting_date desc, name desc",
			limit_page_length=DOCUMENTS,
		)
		documents = []
		for row in readable:
			currency = frappe.get_cached_value("Company", row.company, "default_currency")
			amount = frappe.utils.fmt_money(row.base_net_total, currency=currency)
			text = f"{formatdate(row.posting_date)} · {amount}"
			documents.append({"doctype": "Sales Invoice", "name": row.name, "text": text})
		return {
			"value": self._shown(field, figure),
			"documents": documents,
			"more": len(names) - len(documents),
		}

	def _invoices(self, field: Field) -> Any:
		party = frappe.qb.DocType("Relation Party")
		return compiler.sold_to(field.source, self.today).where(party.parent == self.relation)


def _columns(field: Field) -> Iterator[str]:
	if isinstance(field.source, Column):
		yield field.source.name
	elif isinstance(field.source, Presence):
		yield from field.source.columns


def _flag(criterion: Any) -> Term:
	return Case().when(criterion, 1).else_(0)

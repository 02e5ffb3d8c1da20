"""Explain why a relation is in a segment, or is not. Writes nothing.

Each condition gets its value, its verdict and the documents behind it. The verdicts come from the database,
by the same comparisons that the refresh uses: one query for all conditions.
"""

from typing import Any

import frappe
from frappe import _
from frappe.query_builder import Case
from frappe.utils import fmt_money, formatdate
from pypika.terms import Term

from crm_relations.segments import confidential
from crm_relations.segments.compilation import compiler, selection
from crm_relations.segments.compilation.compiler import Rule
from crm_relations.segments.description import describe_rule
from crm_relations.segments.fields import catalogue
from crm_relations.segments.fields.catalogue import Field
from crm_relations.segments.fields.events import event_of, field_of
from crm_relations.segments.fields.sources import Explanation
from crm_relations.segments.language import rules
from crm_relations.segments.language.rules import Condition, EventCondition, Group, Leaf, Node
from crm_relations.shared.refusals import refuse

#: documents shown behind a condition
DOCUMENTS = 10


def explain(rule: Rule, relation: str) -> dict[str, Any]:
	"""Return the rule as a tree of verdicts for one relation.

	A group is `{"kind", "verdict", "children"}`; a condition is `{"path", "words", "value", "verdict",
	"documents", "more"}`. `documents` are `{"doctype", "name", "text"}` that the session's user may read;
	`more` counts those not listed. Conditions on documents that the user may not read are hidden, and so are
	confidential fields: value and verdict are None and `hidden` is true.

	:raises rules.RuleError: names the path of the fault
	:raises frappe.DoesNotExistError: there is no such relation
	"""
	tree = compiler.parse(rule)
	explanation = _Explanation(tree, relation)
	return {**explanation.node(tree), "verdict": explanation.verdict(tree)}


def of_segment(segment: str, relation: str) -> dict[str, Any]:
	"""Explain why a relation is in a segment.

	Returns `{"member", "entered", "left_on", "added_by", "rule", "standing", "sample"}`. The dates are those
	of its latest membership. `rule` is the explanation of today's rule. `standing` holds the effect of pins
	and other segments, and whether the next refresh adds the relation. Both are None for a manual segment,
	where `added_by` is the user that added the relation. `sample`: only some of the relations that match the
	rule are selected.

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
	"""Reads once what the tree asks for, then walks it. It is the `sources.Reader` of this relation."""

	def __init__(self, tree: Group, relation: str):
		self.relation = relation
		self.scope = compiler.scope([relation])
		self.known = catalogue.fields()
		self.paths = {id(leaf): path for path, leaf in rules.leaves(tree)}
		self.closed = confidential.closed_paths(tree, relation)
		self.words = describe_rule.conditions_in_words(tree)
		self.explained: dict[str, Explanation] = {}
		self.verdicts, self.columns = self._read(tree)

	def _read(self, tree: Group) -> tuple[dict[int, bool], dict[str, Any]]:
		"""Read the verdict of each condition and the columns it uses, in one row."""
		table = frappe.qb.DocType("Relation")
		found = [leaf for _path, leaf in rules.leaves(tree)]
		asked = [field_of(self.known, leaf.field).source for leaf in found if isinstance(leaf, Condition)]
		columns = sorted(
			{name for source in asked for doctype, name in source.columns() if doctype == "Relation"}
		)
		verdicts = [_flag(compiler.node_criterion(leaf, self.known, self.scope)) for leaf in found]
		row = (
			frappe.qb.from_(table)
			.select(table.name, *(table[name] for name in columns), *verdicts)
			.where(table.name == self.relation)
			.run()
		)
		if not row:
			refuse(_("Relation {0} does not exist."), self.relation, exception=frappe.DoesNotExistError)
		values = row[0][1:]
		return (
			{id(leaf): bool(flag) for leaf, flag in zip(found, values[len(columns) :], strict=True)},
			dict(zip(columns, values, strict=False)),
		)

	def node(self, node: Node) -> dict[str, Any]:
		if not isinstance(node, Group):
			return self.leaf(node)
		children = [self.node(child) for child in node.children]
		# the verdict of a group would disclose a hidden condition in it; that of the whole rule is the
		# membership
		closed = any(child["verdict"] is None for child in children)
		return {"kind": node.kind, "verdict": None if closed else self.verdict(node), "children": children}

	def verdict(self, node: Node) -> bool:
		if not isinstance(node, Group):
			return self.verdicts[id(node)]
		results = [self.verdict(child) for child in node.children]
		return all(results) if node.kind == "all" else any(results) == (node.kind == "any")

	def leaf(self, leaf: Leaf) -> dict[str, Any]:
		path = self.paths[id(leaf)]
		said = {"path": path, "words": self.words[path], "hidden": path in self.closed}
		if said["hidden"]:
			return {**said, "verdict": None, "value": None, "documents": [], "more": 0}
		found = self._event(leaf) if isinstance(leaf, EventCondition) else self._field(leaf.field)
		return {
			**said,
			"verdict": self.verdicts[id(leaf)],
			"value": found.value,
			"documents": found.documents,
			"more": found.more,
		}

	def _field(self, key: str) -> Explanation:
		"""Explain a field once, even if the rule asks for it several times."""
		if key not in self.explained:
			field = field_of(self.known, key)
			self.explained[key] = field.source.explain(field, self)
		return self.explained[key]

	def _event(self, leaf: EventCondition) -> Explanation:
		"""Return the count or sum, and the documents behind it, newest first."""
		event = event_of(self.known, leaf.event)
		where = compiler.node_criterion(leaf.where, event.fields, self.scope)
		figure = event.figure_of(self.relation, leaf, where, self.scope)
		rows = event.documents_of(self.relation, where, self.scope)
		value = fmt_money(figure) if event.measures.get(leaf.measure) == "amount" else str(int(figure))
		about = {(doctype, name): _text(day, amount) for doctype, name, day, amount in rows}
		documents = self._readable([(doctype, name) for doctype, name, _day, _amount in rows], about)
		return Explanation(value, documents, len(about) - len(documents))

	# ── interface for sources ──

	def column(self, name: str) -> Any:
		return self.columns.get(name)

	def shown(self, about: Field, value: Any) -> str:
		return describe_rule.shown(about, value)

	def documents(self, doctype: str, names: list[str]) -> tuple[list[dict[str, str]], int]:
		documents = self._readable([(doctype, name) for name in names], {})
		return documents, len(names) - len(documents)

	def _readable(
		self, keys: list[tuple[str, str]], about: dict[tuple[str, str], str]
	) -> list[dict[str, str]]:
		"""Return the first documents that the user may read, with a text, in their order."""
		by_doctype: dict[str, list[str]] = {}
		for doctype, name in dict.fromkeys(keys):
			by_doctype.setdefault(doctype, []).append(name)
		texts = {
			(doctype, name): text
			for doctype, names in by_doctype.items()
			for name, text in _texts(doctype, names).items()
		}
		readable = [key for key in dict.fromkeys(keys) if key in texts][:DOCUMENTS]
		return [
			{"doctype": key[0], "name": key[1], "text": _joined(about.get(key, ""), key, texts[key])}
			for key in readable
		]


#: columns of the day and of the amount in company currency with which a document is shown
_SHOWN = {
	"Sales Invoice": ("posting_date", "base_net_total"),
	"Sales Order": ("transaction_date", "base_net_total"),
	"Quotation": ("transaction_date", "base_net_total"),
}
#: the column used as title by doctypes without one
_TITLED = {"Relation Facts": "company"}


def _texts(doctype: str, names: list[str]) -> dict[str, str]:
	"""Return the documents that the user may read, with day and amount, or a title, as their text."""
	meta = frappe.get_meta(doctype)
	if meta.istable or not frappe.has_permission(doctype, "read"):
		return {}
	day, amount = _SHOWN.get(doctype, (None, None))
	title = _TITLED.get(doctype) or meta.title_field
	columns = {"name", *filter(None, (day, amount, "company" if amount else title))}
	readable = frappe.get_list(
		doctype,
		filters={"name": ["in", names or [""]]},
		fields=sorted(columns),
		limit_page_length=0,
		order_by="name asc",
	)
	texts = {}
	for row in readable:
		if amount:
			currency = frappe.get_cached_value("Company", row.company, "default_currency")
			texts[row.name] = f"{formatdate(row[day])} · {fmt_money(row[amount], currency=currency)}"
		else:
			texts[row.name] = str((row.get(title) if title else "") or row.name)
	return texts


def _joined(about: str, key: tuple[str, str], text: str) -> str:
	"""Join the text of the event with the document's title, unless the title is only its name or says the
	same.
	"""
	if not about:
		return text
	return about if key[0] in _SHOWN or text == key[1] else f"{about} · {text}"


def _text(day: Any, amount: Any) -> str:
	parts = [formatdate(day) if day else "", fmt_money(amount) if amount is not None else ""]
	return " · ".join(filter(None, parts))


def _flag(criterion: Any) -> Term:
	return Case().when(criterion, 1).else_(0)

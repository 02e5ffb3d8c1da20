"""Find out which segments depend on the members of which others. Writes nothing.

A segment depends on another by a condition of its rule or by an exclusion. The stored JSON is read and not
the parsed tree, so that broken rules are covered too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document

from crm_relations.relations.facts.sources import OneOf
from crm_relations.segments.fields import catalogue
from crm_relations.segments.fields.events import Event
from crm_relations.shared.refusals import refuse

SEGMENT = "Relation Segment"
SUPPRESSION = "Relation Segment Suppression"

#: segment → the segments that it depends on
Graph = dict[str, set[str]]


def graph() -> Graph:
	"""Return all segments that depend on others."""
	found: Graph = {}
	suppression, segment = frappe.qb.DocType(SUPPRESSION), frappe.qb.DocType(SEGMENT)
	rows = (
		frappe.qb.from_(suppression)
		.select(suppression.parent, suppression.suppressed_by)
		.where(suppression.parenttype == SEGMENT)
		.run()
	)
	for parent, name in rows:
		found.setdefault(parent, set()).add(name)
	keys = _keys()
	rules = (
		frappe.qb.from_(segment)
		.select(segment.name, segment.rule)
		.where((segment.kind != "Manual") & segment.rule.like("%segment%"))
		.run()
	)
	for name, rule in rules:
		if named := _in_rule(rule, keys):
			found.setdefault(name, set()).update(named)
	return found


def named_in(doc: Document) -> set[str]:
	"""Return the segments that this one depends on."""
	return {row.suppressed_by for row in doc.get("suppressions")} | _in_rule(doc.rule, _keys())


def asking_for(segment: str) -> list[str]:
	"""Return the segments that depend on the members of this one."""
	return sorted(name for name, named in graph().items() if segment in named)


def affected(doc: Document, relations: Collection[str]) -> set[str]:
	"""Return the relations that a change of these relations affects in a segment.

	These are the relations themselves. If the rule asks about relationships, the relations linked with them
	too.
	"""
	names = set(relations)
	if not names or not doc.rule or not _asks_for_linked(doc.rule):
		return names
	return names | _linked_with(names)


def in_order(segments: Collection[str]) -> list[str]:
	"""Return the segments, each after those that it depends on; in a circle, which saving refuses, by name."""
	order = {name: number for number, name in enumerate(_finished(graph(), segments))}
	return sorted(segments, key=lambda name: order.get(name, 0))


def _finished(edges: Graph, segments: Iterable[str]) -> Iterator[str]:
	"""Return names in the order in which a depth-first walk leaves them."""
	seen: set[str] = set()
	for start in sorted(segments):
		stack: list[tuple[str, Iterator[str]]] = []
		if start not in seen:
			seen.add(start)
			stack.append((start, iter(sorted(edges.get(start, ())))))
		while stack:
			name, others = stack[-1]
			for other in others:
				if other not in seen:
					seen.add(other)
					stack.append((other, iter(sorted(edges.get(other, ())))))
					break
			else:
				yield name
				stack.pop()


def check_circle(doc: Document) -> None:
	"""Refuse a segment that depends on itself through others: its members would depend on the order of
	refreshes.

	:raises frappe.ValidationError: names the circle
	"""
	edges = graph()
	edges[doc.name] = named_in(doc)
	for name in sorted(edges[doc.name]):
		if path := _way(edges, name, doc.name):
			refuse(
				_("The segments ask for each other in a circle: {0}. Remove one of them."),
				" → ".join([doc.name, *path]),
			)


def _way(edges: Mapping[str, Collection[str]], start: str, end: str) -> list[str]:
	"""Return a path along the edges from `start` to `end`; empty if there is none."""
	ways: list[list[str]] = [[start]]
	visited: set[str] = set()
	while ways:
		way = ways.pop()
		if way[-1] == end:
			return way
		if way[-1] not in visited:
			visited.add(way[-1])
			ways += [[*way, step] for step in sorted(edges.get(way[-1], ()))]
	return []


@dataclass(frozen=True)
class _Keys:
	"""Fields that have segments as values: of relations, and of events by the key of the event."""

	fields: frozenset[str]
	events: Mapping[str, frozenset[str]]


def _keys() -> _Keys:
	fields, events = set(), {}
	for key, field in catalogue.fields().items():
		if isinstance(field, Event):
			if own := frozenset(one.key for one in field.own if one.doctype == SEGMENT):
				events[key] = own
		elif field.doctype == SEGMENT:
			fields.add(key)
	return _Keys(frozenset(fields), events)


def _in_rule(rule: str | None, keys: _Keys) -> set[str]:
	return set(_values(_data(rule), keys.fields, keys.events)) if rule else set()


def _data(rule: str) -> Any:
	try:
		return frappe.parse_json(rule)
	except ValueError:
		return None


def _values(data: Any, keys: Collection[str], events: Mapping[str, Collection[str]]) -> Iterator[str]:
	"""Yield segments named below a node of the JSON; in an event its own fields count."""
	if isinstance(data, Mapping):
		if data.get("field") in keys:
			value = data.get("value")
			yield from (
				one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)
			)
		below = events.get(data["event"], ()) if isinstance(data.get("event"), str) else keys
		for inner in data.values():
			yield from _values(inner, below, events)
	elif isinstance(data, list):
		for inner in data:
			yield from _values(inner, keys, events)


def _asks_for_linked(rule: str) -> bool:
	"""Tell whether the rule asks about segments of linked relations."""
	return bool(set(_values(_data(rule), (), _keys().events)))


def _linked_with(names: Collection[str]) -> set[str]:
	"""Return the relations that are or were linked with one of these."""
	link = frappe.qb.DocType("Relation Link")
	found: set[str] = set()
	for mine, other in (
		(link.relation, link.related_relation),
		(link.related_relation, link.relation),
	):
		found.update(frappe.qb.from_(link).select(other).where(mine.isin(OneOf(names))).run(pluck=True))
	return found - {None}

"""Which segment asks for the members of which: by a condition of its rule, or because another keeps out. Writes nothing.

Read from the stored JSON and not from the parsed tree, so that it is known of a broken rule as well.
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

#: segment → the segments that it asks for
Graph = dict[str, set[str]]


def graph() -> Graph:
	"""All segments that ask for others."""
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
	"""The segments that this one asks for."""
	return {row.suppressed_by for row in doc.get("suppressions")} | _in_rule(doc.rule, _keys())


def asking_for(segment: str) -> list[str]:
	"""The segments that ask for the members of this one."""
	return sorted(name for name, named in graph().items() if segment in named)


def affected(doc: Document, relations: Collection[str]) -> set[str]:
	"""Whom of a segment a change of these relations concerns: themselves, and where the rule asks for what others
	are to a relation, those who are linked with them."""
	names = set(relations)
	if not names or not doc.rule or not _asks_for_linked(doc.rule):
		return names
	return names | _linked_with(names)


def in_order(segments: Collection[str]) -> list[str]:
	"""The segments, each after those that it asks for; in a circle, which saving refuses, by name."""
	order = {name: number for number, name in enumerate(_finished(graph(), segments))}
	return sorted(segments, key=lambda name: order.get(name, 0))


def _finished(edges: Graph, segments: Iterable[str]) -> Iterator[str]:
	"""Names in the order in which a walk into the depth leaves them."""
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
	"""A segment must not, over others, ask for itself: who is in would depend on who was refreshed first.

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
	"""A way along the edges from `start` to `end`; empty if there is none."""
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
	"""Fields whose values are segments: of relations, and of events by the key of the event."""

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
	"""Segments named below a node of the JSON; within an event its own fields count."""
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
	"""Whether the rule asks for the segments of those whom a relation is linked with."""
	return bool(set(_values(_data(rule), (), _keys().events)))


def _linked_with(names: Collection[str]) -> set[str]:
	"""Those who are or were linked with one of these."""
	link = frappe.qb.DocType("Relation Link")
	found: set[str] = set()
	for mine, other in (
		(link.relation, link.related_relation),
		(link.related_relation, link.relation),
	):
		found.update(frappe.qb.from_(link).select(other).where(mine.isin(OneOf(names))).run(pluck=True))
	return found - {None}

"""Collect all that a segment may ask about, by key. Writes nothing.

The catalogue holds fields and events of this app, of packages to the right and of other apps, profile
attributes, and custom fields of the site. A rule may name only what is in the catalogue; its source knows
where it is in the database.
"""

from collections.abc import Iterator

import frappe
from frappe import _lt

from crm_relations.relations.profiles.attributes import OPTIONS, Attribute, attributes
from crm_relations.segments.fields import custom_fields, facts_fields, own_fields, sales_events
from crm_relations.segments.fields.events import Event, Measure, event_of, field_of
from crm_relations.segments.fields.sources import (
	Cell,
	Column,
	Field,
	OneOfRows,
	Presence,
	Rows,
	Sales,
	Scope,
	SetOf,
)
from crm_relations.segments.language.rules import Condition, Node, leaves, within_event

__all__ = [
	"Cell",
	"Column",
	"Event",
	"Field",
	"Measure",
	"OneOfRows",
	"Presence",
	"Rows",
	"Sales",
	"Scope",
	"SetOf",
	"asked",
	"fields",
	"plain",
	"taken_keys",
]

HOOK = "relation_segment_fields"
_CACHE = "relation_segment_catalogue"
#: party doctypes with custom fields to ask for; packages to the right add theirs
PARTIES = ("Customer", "Contact")
_WITH_CUSTOM_FIELDS = ("Relation", *PARTIES)

#: type of an attribute's values → type of the field
OWN_TYPES = {"Option": "option", "Text": "text", "Number": "amount", "Date": "date", "Yes/No": "check"}

#: our own fields by key; the profile attributes depend on the site
STANDARD: dict[str, Field] = {field.key: field for field in (*own_fields.FIELDS, *facts_fields.FIELDS)}
EVENTS: dict[str, Event] = {
	event.key: event for event in (*own_fields.EVENTS, *sales_events.EVENTS, *facts_fields.EVENTS)
}


def fields() -> dict[str, Field | Event]:
	"""Return all fields and events by key, in display order; read once per request, and again after a change."""
	stamp = (attributes(), [frappe.get_meta(doctype) for doctype in _WITH_CUSTOM_FIELDS])
	cached = getattr(frappe.local, _CACHE, None)
	if cached is None or cached[0] != stamp:
		cached = (stamp, _read()[0])
		setattr(frappe.local, _CACHE, cached)
	return cached[1]


def plain() -> dict[str, Field]:
	"""Return the fields without the events."""
	return {key: field for key, field in fields().items() if isinstance(field, Field)}


def asked(tree: Node) -> Iterator[tuple[str, Field, Condition]]:
	"""Yield (path, field, condition) of all plain conditions of a rule, including those in events."""
	known = fields()
	for path, leaf in leaves(tree):
		if isinstance(leaf, Condition):
			yield path, field_of(known, leaf.field), leaf
		else:
			own = event_of(known, leaf.event).fields
			for inner, condition in within_event(leaf, path):
				yield inner, own[condition.field], condition


def taken_keys() -> list[tuple[str, str]]:
	"""Return (dotted path, key) of hook declarations under a key that is already used: the first one counts."""
	return _read()[1]


def _read() -> tuple[dict[str, Field | Event], list[tuple[str, str]]]:
	found: dict[str, Field | Event] = {**STANDARD, **EVENTS}
	taken = []
	for attribute in attributes():
		if not attribute.is_standard and not attribute.disabled:
			found[attribute.fieldname] = _own_attribute(attribute)
	for path in frappe.get_hooks(HOOK):
		declared = frappe.get_attr(path)
		for one in declared() if callable(declared) else declared:
			if one.key in found:
				taken.append((path, one.key))
			else:
				found[one.key] = one
	of_parties = (field for doctype in PARTIES for field in custom_fields.of_party(doctype))
	for field in (*custom_fields.of_relation(), *of_parties):
		found.setdefault(field.key, field)
	return found, taken


def _own_attribute(attribute: Attribute) -> Field:
	"""Return the attribute's field of Relation, a Custom Field that carries our prefix."""
	is_option = attribute.value_type == "Option"
	return Field(
		attribute.fieldname,
		_lt(attribute.label),
		own_fields.PROFILE,
		OWN_TYPES[attribute.value_type],
		Column(attribute.fieldname, zero_is_empty=attribute.value_type == "Number"),
		doctype=OPTIONS if is_option else None,
		filters=(("attribute", attribute.name),) if is_option else (),
		can_be_empty=attribute.value_type != "Yes/No",
	)

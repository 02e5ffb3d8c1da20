"""Read, check and evaluate the rule tree of a segment. Imports no frappe and writes nothing.

A rule is JSON: `{"version": 1, "all": [ … ]}`. A group is `all`, `any` or `none` of its children. A child is a
condition `{"field", "operator", "value"}`, a group, or a condition on an event `{"event", "where", "measure",
"operator", "value"}`: how often it happened, or for which sum, over the documents that match all of `where`.
`parse` returns frozen dataclasses or raises a `RuleError` that names the place of the fault. `evaluate` applies a
tree to one relation given as a plain dict. The compiler must give the same result in SQL; tests compare the two.

These rules apply in Python and in SQL alike:

- A missing value (None, an empty text) matches only `is empty`. So `!=`, `<` or `not in` need a value.
- `none` means: not any. A relation without a value is therefore in `none` of `industry = X`.
- A field of type `set` (roles) is never missing: it holds a value or does not; `!=` means "does not hold".
- Texts compare without regard to case, accents and trailing blanks, as the database's collation does for
  Latin script. `contains` and `starts with` compare letter by letter, so that ß is not ss there.
- A field with a value for each of several companies or documents (`AnyOf`) matches if one of its values does.
- `last days` n: from n days ago up to and including today. `before days` n: earlier than n days ago.
- `next days` n: from today up to and including n days ahead.
- `this period`, `last period`: the calendar's week (from Monday), month, quarter or year.
- `anniversary within` n: day and month fall on one of today and the next n days. For a birth on 29 February the
  day is the 28th in other years.
- An event without a document counts 0, and its sums are 0. A sum treats an unknown amount as 0.
- `between` includes both ends. `within` a node of a tree includes the node.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol, Union, cast

VERSION = 1
MAX_DEPTH = 6
MAX_CONDITIONS = 200
MAX_VALUES = 500
MAX_TEXT = 140
MAX_JSON = 300_000
MAX_NUMBER = 10**12
MAX_DAYS = 36_500
MAX_ANNIVERSARY_DAYS = 365
GROUP_KINDS = ("all", "any", "none")

#: Operators without a value.
EMPTY = ("is empty", "is not empty")
#: Which operators a type of field knows. `is empty` only where a value can be missing.
OPERATORS: dict[str, tuple[str, ...]] = {
	"option": ("=", "!=", "in", "not in", *EMPTY),
	"tree": ("within", "not within", "=", "!=", "in", "not in", *EMPTY),
	"set": ("=", "!=", "in", "not in", *EMPTY),
	"text": ("=", "!=", "contains", "not contains", "starts with", "in", "not in", *EMPTY),
	"integer": ("=", "!=", ">", ">=", "<", "<=", "between", *EMPTY),
	"amount": (">=", "<=", ">", "<", "between", *EMPTY),
	"date": (
		"last days",
		"next days",
		"before days",
		"this period",
		"last period",
		"anniversary within",
		"=",
		"<",
		"<=",
		">",
		">=",
		"between",
		*EMPTY,
	),
	"check": ("=",),
}
#: The operators of an event: a count or a sum, which is never missing.
EVENT_OPERATORS = (">=", "<=", ">", "<", "=", "!=", "between")
COUNT = "count"
PERIODS = ("week", "month", "quarter", "year")
#: Operators with a number of days as value, with the minimum and maximum.
DAYS = {
	"last days": (1, MAX_DAYS),
	"before days": (1, MAX_DAYS),
	"next days": (0, MAX_DAYS),
	"anniversary within": (0, MAX_ANNIVERSARY_DAYS),
}
IN_PERIOD = ("this period", "last period")
ALL_OPERATORS = frozenset(operator for operators in OPERATORS.values() for operator in operators)


def _(text: str) -> str:
	"""Mark a text for translation; the caller that shows a RuleError translates it."""
	return text


class RuleError(ValueError):
	"""A rule that cannot be read. `path` says where (`all[0].any[2].value`), the text says what to do."""

	def __init__(self, path: str, text: str, *values: Any):
		self.path = path or "rule"
		self.text = text
		self.values = values
		super().__init__(self.message())

	def message(self, translate: Callable[[str], str] = str) -> str:
		"""`path: text`, translated by `translate`."""
		return f"{self.path}: {translate(self.text).format(*self.values)}"


class FieldType(Protocol):
	"""What the parser must know about a field."""

	@property
	def type(self) -> str: ...
	@property
	def can_be_empty(self) -> bool: ...
	@property
	def choices(self) -> tuple[str, ...]: ...


class EventType(Protocol):
	"""What the parser must know about an event; its `type` is "event"."""

	@property
	def type(self) -> str: ...
	@property
	def fields(self) -> Mapping[str, FieldType]: ...

	@property
	def measures(self) -> Mapping[str, str]:
		"""Return key → "integer" or "amount"; without "count", which every event has."""
		...


class AnyOf(tuple[Any, ...]):
	"""The values of a field in several companies or documents. It matches if one of them does; empty, it is
	missing.
	"""


@dataclass(frozen=True)
class Condition:
	"""One comparison. `value` is cast to the field's type: text, int, Decimal, date, bool, or a tuple of them."""

	field: str
	operator: str
	value: Any = None


@dataclass(frozen=True)
class Group:
	"""`all`, `any` or `none` of `children`."""

	kind: str
	children: tuple[Union["Group", Condition, "EventCondition"], ...] = ()


@dataclass(frozen=True)
class EventCondition:
	"""How often an event happened, or a sum over it. `where` is an `all` group over the event's own fields,
	or empty.
	"""

	event: str
	where: Group
	measure: str = COUNT
	operator: str = ">="
	value: Any = 1


Leaf = Union[Condition, EventCondition]
Node = Union[Group, Condition, EventCondition]
Catalogue = Mapping[str, Union[FieldType, EventType]]


# Reading


def parse(rule: str | Mapping[str, Any] | Group, fields: Catalogue | None = None) -> Group:
	"""Return the tree of a rule.

	With `fields`, field names, operators and values are also checked and cast; an event is a field with the
	type "event". An empty `all` at the root means every relation. Any other empty group is refused, because
	its meaning is unclear.

	:raises RuleError: names the path of the first fault and the remedy.
	"""
	if isinstance(rule, Group):
		return rule
	data = _load(rule)
	version = data.get("version")
	if type(version) is not int or version != VERSION:
		raise RuleError("version", _("This app reads rules of version {0}. Set it to {0}."), VERSION)
	reader = _Reader(fields)
	return reader.group({key: value for key, value in data.items() if key != "version"}, "", 1)


def _load(rule: str | Mapping[str, Any]) -> Mapping[str, Any]:
	if isinstance(rule, str):
		if len(rule) > MAX_JSON:
			raise RuleError("", _("The rule is longer than {0} characters. Use fewer conditions."), MAX_JSON)
		try:
			rule = json.loads(rule, object_pairs_hook=_no_duplicates)
		except RuleError:
			raise
		except (ValueError, RecursionError) as error:
			raise RuleError(
				"", _("This is not valid JSON ({0}). Build the rule again."), type(error).__name__
			) from error
	if not isinstance(rule, Mapping):
		raise RuleError("", _("A rule is an object such as {0}."), '{"version": 1, "all": []}')
	return rule


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
	found = dict(pairs)
	if len(found) != len(pairs):
		raise RuleError("", _("A key occurs twice in one object. Remove one of them."))
	return found


class _Reader:
	"""One pass over the JSON; counts the conditions on its way."""

	def __init__(self, fields: Catalogue | None):
		self.fields = fields
		self.in_event = False
		self.conditions = 0

	def node(self, data: Any, path: str, depth: int) -> Node:
		if not isinstance(data, Mapping):
			raise RuleError(path, _("Expected a condition or a group. Remove this entry."))
		if "event" in data:
			return self.event(data, path, depth)
		if "field" in data or "operator" in data:
			return self.condition(data, path)
		return self.group(data, path, depth)

	def group(self, data: Mapping[str, Any], path: str, depth: int) -> Group:
		if len(data) != 1 or next(iter(data)) not in GROUP_KINDS:
			raise RuleError(path, _("A group has exactly one of the keys all, any and none, and no other."))
		if depth > MAX_DEPTH:
			raise RuleError(path, _("Groups nest at most {0} deep. Flatten the rule."), MAX_DEPTH)
		kind, children = next(iter(data.items()))
		path = f"{path}.{kind}" if path else kind
		if not isinstance(children, list | tuple):
			raise RuleError(path, _("A group holds a list of conditions and groups."))
		if not children and (depth > 1 or kind != "all"):
			raise RuleError(path, _("This group is empty. Add a condition or remove the group."))
		return Group(
			kind, tuple(self.node(child, f"{path}[{i}]", depth + 1) for i, child in enumerate(children))
		)

	def _count(self, data: Mapping[str, Any], path: str, keys: tuple[str, ...]) -> None:
		self.conditions += 1
		if self.conditions > MAX_CONDITIONS:
			raise RuleError(path, _("A rule has at most {0} conditions. Remove some."), MAX_CONDITIONS)
		if strange := sorted(str(key) for key in data if key not in keys):
			raise RuleError(path, _("A condition has no key {0}. Remove it."), repr(strange[0])[:80])

	def event(self, data: Mapping[str, Any], path: str, depth: int) -> EventCondition:
		self._count(data, path, ("event", "where", "measure", "operator", "value"))
		if self.in_event:
			raise RuleError(path, _("An event cannot be inside another event. Remove it."))
		event, where = data["event"], data.get("where", [])
		measure, operator = data.get("measure", COUNT), data.get("operator", ">=")
		if not isinstance(event, str) or not event:
			raise RuleError(f"{path}.event", _("Name the event of the condition."))
		if not isinstance(where, list | tuple):
			raise RuleError(f"{path}.where", _("This is a list of conditions and groups over the event."))
		if not isinstance(measure, str) or not measure:
			raise RuleError(f"{path}.measure", _("Name what is counted or added up."))
		if not isinstance(operator, str) or operator not in EVENT_OPERATORS:
			raise RuleError(
				f"{path}.operator",
				_("Unknown operator {0}. Choose one of: {1}."),
				*_shown(operator, EVENT_OPERATORS),
			)
		value = data.get("value", 1 if operator == ">=" and measure == COUNT else None)
		if self.fields is None:
			value = _untyped(value, f"{path}.value")
		else:
			value = self._measured(event, measure, operator, value, path)
		return EventCondition(
			event, self._where(event, where, f"{path}.where", depth), measure, operator, value
		)

	def _measured(self, event: str, measure: str, operator: str, value: Any, path: str) -> Any:
		declared = _event_of(self.fields, event)
		if declared is None:
			raise RuleError(
				f"{path}.event",
				_("Event {0} does not exist. Choose one from the catalogue."),
				repr(event)[:80],
			)
		measures = {COUNT: "integer", **declared.measures}
		if measure not in measures:
			raise RuleError(
				f"{path}.measure",
				_("{0} cannot be added up. Choose one of: {1}."),
				repr(measure)[:80],
				", ".join(measures),
			)
		return _cast(_Measure(measures[measure]), operator, value, f"{path}.value")

	def _where(self, event: str, where: list[Any] | tuple[Any, ...], path: str, depth: int) -> Group:
		outer = self.fields
		if (declared := _event_of(outer, event)) is not None:
			self.fields = declared.fields
		self.in_event = True
		try:
			return Group(
				"all", tuple(self.node(child, f"{path}[{i}]", depth) for i, child in enumerate(where))
			)
		finally:
			self.fields, self.in_event = outer, False

	def condition(self, data: Mapping[str, Any], path: str) -> Condition:
		self._count(data, path, ("field", "operator", "value"))
		field, operator = data.get("field"), data.get("operator")
		if not isinstance(field, str) or not field:
			raise RuleError(f"{path}.field", _("Name the field of the condition."))
		if not isinstance(operator, str) or operator not in ALL_OPERATORS:
			raise RuleError(
				f"{path}.operator", _("Unknown operator {0}. Choose one of: {1}."), *_shown(operator)
			)
		value = data.get("value")
		if self.fields is None:
			return Condition(field, operator, _untyped(value, f"{path}.value"))
		declared = _field_of(self.fields, field)
		if declared is None:
			raise RuleError(
				f"{path}.field",
				_("Field {0} does not exist. Choose one from the catalogue."),
				repr(field)[:80],
			)
		allowed = operators_of(declared)
		if operator not in allowed:
			raise RuleError(
				f"{path}.operator", _("Unknown operator {0}. Choose one of: {1}."), *_shown(operator, allowed)
			)
		return Condition(field, operator, _cast(declared, operator, value, f"{path}.value"))


def _event_of(catalogue: Catalogue | None, name: str) -> EventType | None:
	"""Return the event of this name; None if there is none."""
	declared = (catalogue or {}).get(name)
	return cast(EventType, declared) if declared is not None and declared.type == "event" else None


def _field_of(catalogue: Catalogue, name: str) -> FieldType | None:
	"""Return the field of this name; None if there is none, or if it is an event."""
	declared = catalogue.get(name)
	return cast(FieldType, declared) if declared is not None and declared.type != "event" else None


@dataclass(frozen=True)
class _Measure:
	"""A count or a sum as a field that is never missing."""

	type: str
	can_be_empty: bool = False
	choices: tuple[str, ...] = ()


def _shown(operator: Any, allowed: tuple[str, ...] | None = None) -> tuple[str, str]:
	return repr(operator)[:40], ", ".join(allowed or sorted(ALL_OPERATORS))


def operators_of(field: FieldType) -> tuple[str, ...]:
	"""Return the operators that the field offers, in display order."""
	return tuple(op for op in OPERATORS[field.type] if field.can_be_empty or op not in EMPTY)


def _untyped(value: Any, path: str) -> Any:
	if isinstance(value, list | tuple):
		return tuple(_untyped(one, f"{path}[{i}]") for i, one in enumerate(value))
	if value is not None and not isinstance(value, str | int | float | Decimal | date):
		raise RuleError(path, _("A value is a text, a number, a date or a list of them."))
	return value


def _cast(field: FieldType, operator: str, value: Any, path: str) -> Any:
	if operator in EMPTY:
		if value not in (None, "") and value != []:
			raise RuleError(path, _("{0} does not accept a value. Remove it."), operator)
		return None
	if operator in DAYS:
		return _integer(value, path, *DAYS[operator])
	if operator in IN_PERIOD:
		if value not in PERIODS:
			raise RuleError(path, _("Choose one of: {0}."), ", ".join(PERIODS))
		return value
	if operator not in ("in", "not in", "between"):
		return _one(field, value, path)
	if not isinstance(value, list | tuple):
		raise RuleError(path, _("{0} needs a list of values."), operator)
	if not value:
		raise RuleError(path, _("Enter at least one value."))
	if len(value) > MAX_VALUES:
		raise RuleError(path, _("Enter at most {0} values."), MAX_VALUES)
	values = tuple(_one(field, one, f"{path}[{i}]") for i, one in enumerate(value))
	if operator == "between":
		if len(values) != 2:
			raise RuleError(path, _("Enter two values, from and to."))
		if values[0] > values[1]:
			raise RuleError(path, _("The first value is greater than the second. Swap them."))
		return values
	return tuple(dict.fromkeys(values))


def _one(field: FieldType, value: Any, path: str) -> Any:
	if field.type == "integer":
		return _integer(value, path, -MAX_NUMBER, MAX_NUMBER)
	if field.type == "amount":
		return _amount(value, path)
	if field.type == "date":
		return _date(value, path)
	if field.type == "check":
		if value not in (0, 1) or not isinstance(value, int):
			raise RuleError(path, _("Enter true or false."))
		return bool(value)
	text = _text(value, path)
	if field.choices and text not in field.choices:
		raise RuleError(path, _("Choose one of: {0}."), ", ".join(field.choices))
	return text


def _text(value: Any, path: str) -> str:
	if not isinstance(value, str) or not value.strip():
		raise RuleError(path, _("Enter a value."))
	text: str = value.strip()
	if len(text) > MAX_TEXT:
		raise RuleError(path, _("A value has at most {0} characters. Shorten it."), MAX_TEXT)
	if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
		raise RuleError(path, _("The value holds characters that cannot be typed. Remove them."))
	return text


def _integer(value: Any, path: str, low: int, high: int) -> int:
	number = _number(value, path)
	if number != int(number) or not low <= number <= high:
		raise RuleError(path, _("Enter a whole number between {0} and {1}."), low, high)
	return int(number)


def _amount(value: Any, path: str) -> Decimal:
	number = _number(value, path)
	if abs(number) > MAX_NUMBER or number != round(number, 3):
		raise RuleError(path, _("Enter a number up to {0} with at most three decimals."), MAX_NUMBER)
	return Decimal(format(number, "f"))  # never as 1E+3, which a database reads as an inexact number


def _number(value: Any, path: str) -> Decimal:
	if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal) or len(str(value)) > 40:
		raise RuleError(path, _("Enter a number."))
	try:
		number = Decimal(str(value).strip())
	except InvalidOperation:
		number = Decimal("NaN")
	if not number.is_finite() or abs(number.adjusted()) > 40:
		raise RuleError(path, _("Enter a number."))
	return number


def _date(value: Any, path: str) -> date:
	if type(value) is date:
		return value
	try:
		if isinstance(value, str) and len(value) == 10:
			return date.fromisoformat(value)
	except ValueError:
		pass
	raise RuleError(path, _("Enter a valid date as YYYY-MM-DD."))


# Writing


def to_dict(tree: Group) -> dict[str, Any]:
	"""Return the rule as JSON data, in its one normal form."""
	return {"version": VERSION, **_node_dict(tree)}


def serialise(tree: Group) -> str:
	"""Return normalized JSON text of the rule: two rules with the same text mean the same."""
	text = json.dumps(to_dict(tree), ensure_ascii=False, separators=(",", ":"))
	return re.sub("<(?=[A-Za-z/!?])", r"\\u003c", text)  # the desk shows a JSON field as it is: no tag in it


def _node_dict(node: Node) -> dict[str, Any]:
	if isinstance(node, Group):
		return {node.kind: [_node_dict(child) for child in node.children]}
	if isinstance(node, EventCondition):
		return {
			"event": node.event,
			"where": [_node_dict(child) for child in node.where.children],
			"measure": node.measure,
			"operator": node.operator,
			"value": _value_json(node.value),
		}
	data = {"field": node.field, "operator": node.operator}
	if node.operator not in EMPTY:
		data["value"] = _value_json(node.value)
	return data


def _value_json(value: Any) -> Any:
	if isinstance(value, tuple):
		return [_value_json(one) for one in value]
	if isinstance(value, date):
		return value.isoformat()
	if isinstance(value, Decimal):
		return int(value) if value == int(value) else float(value)
	return value


def leaves(tree: Node, path: str = "") -> Iterator[tuple[str, Leaf]]:
	"""Return all conditions on the relation itself, plain ones and events, with their paths, in reading
	order.
	"""
	if not isinstance(tree, Group):
		yield path, tree
		return
	for i, child in enumerate(tree.children):
		yield from leaves(child, f"{path}.{tree.kind}[{i}]" if path else f"{tree.kind}[{i}]")


def within_event(condition: EventCondition, path: str = "") -> Iterator[tuple[str, Condition]]:
	"""Return the conditions in an event, with their paths; an event holds no further events."""
	for i, child in enumerate(condition.where.children):
		for place, leaf in leaves(child, f"{path}.where[{i}]"):
			if isinstance(leaf, Condition):
				yield place, leaf


# Meaning


def text_key(text: str) -> str:
	"""Return the form that equal texts share: `STRASSE ` and `straße`, `Köln` and `koln`."""
	decomposed = unicodedata.normalize("NFKD", text.rstrip(" ").casefold())
	return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def letters_key(text: str) -> str:
	"""Return the same as `text_key`, but letter by letter, for `contains` and `starts with`."""
	return "".join(letter if len(text_key(letter)) != 1 else text_key(letter) for letter in text)


def evaluate(
	tree: Node,
	row: Mapping[str, Any],
	*,
	today: date | None = None,
	within: Callable[[str, str, str], bool] | None = None,
) -> bool:
	"""Tell whether the relation with these field values matches the rule.

	:param tree: as `parse` returns it with the field types.
	:param row: field → value: text, number, date, bool, a set for a field of type `set`, `AnyOf` for one with
		values in several documents, None if missing. Event → rows, each a dict with the event's fields and
		measures and the counted `document`; a row with document None is not counted.
	:param today: the day that relative dates count from; the machine's date unless given.
	:param within: tells whether a field's value is at or below a node: `(field, value, node)`; a field of an
		event is named `event.field`.
	"""
	today = today or date.today()
	if isinstance(tree, Condition):
		return _holds(tree, row.get(tree.field), today, within)
	if isinstance(tree, EventCondition):
		return _event_holds(tree, row.get(tree.event) or (), today, within)
	results = (evaluate(child, row, today=today, within=within) for child in tree.children)
	if tree.kind == "all":
		return all(results)
	return any(results) == (tree.kind == "any")


def _within_event_fields(
	event: str, within: Callable[[str, str, str], bool]
) -> Callable[[str, str, str], bool]:
	"""Return `within` for the fields of an event, which it knows as `event.field`."""
	return lambda field, value, node: within(f"{event}.{field}", value, node)


def _event_holds(
	condition: EventCondition,
	rows: Iterable[Mapping[str, Any]],
	today: date,
	within: Callable[[str, str, str], bool] | None,
) -> bool:
	of_event = _within_event_fields(condition.event, within) if within else None
	fitting = [row for row in rows if evaluate(condition.where, row, today=today, within=of_event)]
	if condition.measure == COUNT:
		figure = len({row["document"] for row in fitting} - {None})
	else:
		figure = sum(row[condition.measure] or 0 for row in fitting)
	return bool(COMPARISONS[condition.operator](figure, condition.value))


def _holds(
	condition: Condition, value: Any, today: date, within: Callable[[str, str, str], bool] | None
) -> bool:
	operator, wanted = condition.operator, condition.value
	if isinstance(value, AnyOf):
		return any(_holds(condition, one, today, within) for one in value or (None,))
	if isinstance(value, set | frozenset | list | tuple):
		return _set_holds(operator, wanted, {text_key(one) for one in value})
	if value is None or value == "":
		return operator == "is empty"
	if operator in EMPTY:
		return operator == "is not empty"
	if operator in ("within", "not within"):
		below = within(condition.field, value, wanted) if within else text_key(value) == text_key(wanted)
		return below == (operator == "within")
	if operator in ("contains", "not contains"):
		return (letters_key(wanted) in letters_key(value)) == (operator == "contains")
	if operator == "starts with":
		return letters_key(value).startswith(letters_key(wanted))
	if isinstance(value, datetime):
		value = value.date()
	if operator == "last days":
		return bool(today - timedelta(days=wanted) <= value <= today)
	if operator == "next days":
		return bool(today <= value <= today + timedelta(days=wanted))
	if operator == "before days":
		return bool(value < today - timedelta(days=wanted))
	if operator in IN_PERIOD:
		first, last = period(today, wanted, back=operator == "last period")
		return bool(first <= value <= last)
	if operator == "anniversary within":
		coming = (today + timedelta(days=days) for days in range(wanted + 1))
		return any(is_anniversary(value, day) for day in coming)
	if isinstance(value, str):
		value = text_key(value)
		wanted = tuple(map(text_key, wanted)) if isinstance(wanted, tuple) else text_key(wanted)
	return bool(COMPARISONS[operator](value, wanted))


def _set_holds(operator: str, wanted: Any, held: set[str]) -> bool:
	if operator in EMPTY:
		return bool(held) == (operator == "is not empty")
	wanted = wanted if isinstance(wanted, tuple) else (wanted,)
	overlap = not held.isdisjoint(map(text_key, wanted))
	return overlap == (operator in ("=", "in"))


def period(today: date, unit: str, back: bool = False) -> tuple[date, date]:
	"""Return first and last day of the week, month, quarter or year that contains `today`, or of the one
	before.
	"""
	if unit == "week":
		first = today - timedelta(days=today.weekday() + (7 if back else 0))
		return first, first + timedelta(days=6)
	months = {"month": 1, "quarter": 3, "year": 12}[unit]
	start = (today.year * 12 + today.month - 1) // months * months - (months if back else 0)
	end = start + months
	return date(start // 12, start % 12 + 1, 1), date(end // 12, end % 12 + 1, 1) - timedelta(days=1)


def is_anniversary(born: date, day: date) -> bool:
	"""Tell whether `day` is the anniversary of `born`. In years without 29 February, the 28th counts for it."""
	if (born.month, born.day) == (day.month, day.day):
		return True
	no_leap_day = (day + timedelta(days=1)).month == 3
	return (born.month, born.day) == (2, 29) and (day.month, day.day) == (2, 28) and no_leap_day


#: For Python values and for columns of a query, except the operators with lists.
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
	"=": lambda value, wanted: value == wanted,
	"!=": lambda value, wanted: value != wanted,
	"<": lambda value, wanted: value < wanted,
	"<=": lambda value, wanted: value <= wanted,
	">": lambda value, wanted: value > wanted,
	">=": lambda value, wanted: value >= wanted,
	"in": lambda value, wanted: value in wanted,
	"not in": lambda value, wanted: value not in wanted,
	"between": lambda value, wanted: wanted[0] <= value <= wanted[1],
}

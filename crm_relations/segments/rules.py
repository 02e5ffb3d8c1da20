"""The rule tree of a segment: its JSON, its checks, and what it means. Imports no frappe.

A rule is JSON: `{"version": 1, "all": [ … ]}`. A group is `all`, `any` or `none` of its children, which are
conditions `{"field", "operator", "value"}` or groups. `parse` turns it into frozen dataclasses or raises a
`RuleError` that names the place of the fault; `evaluate` says what a tree means for one relation given as
a plain dict. The compiler must say the same in SQL, and tests hold the two together.

What counts, in Python and in SQL alike:

- A missing value (None, an empty text) matches only `is empty`. So `!=`, `<` or `not in` need a value.
- `none` means: not any. A relation whose value is missing is therefore in `none` of `industry = X`.
- A field of type `set` (roles) is never missing: it holds a value or does not; `!=` means "does not hold".
- Texts compare without regard to case, accents and trailing blanks, as the database's collation does for
  Latin script. `contains` and `starts with` compare letter by letter, so that ß is not ss there.
- `last days` n: from n days ago up to and with today. `before days` n: earlier than n days ago.
- `between` includes both ends. `within` a node of a tree includes the node.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol, Union

VERSION = 1
MAX_DEPTH = 6
MAX_CONDITIONS = 200
MAX_VALUES = 500
MAX_TEXT = 140
MAX_JSON = 300_000
MAX_NUMBER = 10**12
MAX_DAYS = 36_500
GROUP_KINDS = ("all", "any", "none")

_EMPTY = ("is empty", "is not empty")
#: Which operators a type of field knows. `is empty` only where a value can be missing.
OPERATORS: dict[str, tuple[str, ...]] = {
	"option": ("=", "!=", "in", "not in", *_EMPTY),
	"tree": ("within", "not within", "=", "!=", "in", "not in", *_EMPTY),
	"set": ("=", "!=", "in", "not in", *_EMPTY),
	"text": ("=", "!=", "contains", "not contains", "starts with", "in", "not in", *_EMPTY),
	"integer": ("=", "!=", ">", ">=", "<", "<=", "between", *_EMPTY),
	"amount": (">=", "<=", ">", "<", "between", *_EMPTY),
	"date": ("last days", "before days", "=", "<", "<=", ">", ">=", "between", *_EMPTY),
	"check": ("=",),
}
ALL_OPERATORS = frozenset(operator for operators in OPERATORS.values() for operator in operators)


def _(text: str) -> str:
	"""Marks a text for translation; whoever shows a RuleError translates it."""
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
	"""What the parser has to know of a field."""

	type: str
	can_be_empty: bool
	choices: tuple[str, ...]


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
	children: tuple[Union["Group", Condition], ...] = ()


Node = Union[Group, Condition]


# Reading


def parse(rule: str | Mapping | Group, fields: Mapping[str, FieldType] | None = None) -> Group:
	"""The tree of a rule. With `fields`, field names, operators and values are checked and cast as well.

	An empty `all` at the root means every relation; any other empty group is refused, for nobody can
	tell what its writer meant.

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


def _load(rule: str | Mapping) -> Mapping:
	if isinstance(rule, str):
		if len(rule) > MAX_JSON:
			raise RuleError("", _("The rule is longer than {0} characters. Use fewer conditions."), MAX_JSON)
		try:
			rule = json.loads(rule, object_pairs_hook=_no_duplicates)
		except RuleError:
			raise
		except (ValueError, RecursionError) as error:
			raise RuleError(
				"", _("This is not valid JSON ({0}). Build the rule anew."), type(error).__name__
			) from error
	if not isinstance(rule, Mapping):
		raise RuleError("", _("A rule is an object such as {0}."), '{"version": 1, "all": []}')
	return rule


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
	found = dict(pairs)
	if len(found) != len(pairs):
		raise RuleError("", _("A key stands twice in one object. Remove one of them."))
	return found


class _Reader:
	"""One pass over the JSON; counts the conditions on its way."""

	def __init__(self, fields: Mapping[str, FieldType] | None):
		self.fields = fields
		self.conditions = 0

	def node(self, data: Any, path: str, depth: int) -> Node:
		if not isinstance(data, Mapping):
			raise RuleError(path, _("Expected a condition or a group. Remove this entry."))
		if "field" in data or "operator" in data:
			return self.condition(data, path)
		return self.group(data, path, depth)

	def group(self, data: Mapping, path: str, depth: int) -> Group:
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

	def condition(self, data: Mapping, path: str) -> Condition:
		self.conditions += 1
		if self.conditions > MAX_CONDITIONS:
			raise RuleError(path, _("A rule has at most {0} conditions. Remove some."), MAX_CONDITIONS)
		if strange := sorted(str(key) for key in data if key not in ("field", "operator", "value")):
			raise RuleError(path, _("A condition has no key {0}. Remove it."), strange[0])
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
		declared = self.fields.get(field)
		if declared is None:
			raise RuleError(
				f"{path}.field", _("There is no field {0}. Choose one of the catalogue."), repr(field)[:80]
			)
		allowed = operators_of(declared)
		if operator not in allowed:
			raise RuleError(
				f"{path}.operator", _("Unknown operator {0}. Choose one of: {1}."), *_shown(operator, allowed)
			)
		return Condition(field, operator, _cast(declared, operator, value, f"{path}.value"))


def _shown(operator: Any, allowed: tuple[str, ...] | None = None) -> tuple[str, str]:
	return repr(operator)[:40], ", ".join(allowed or sorted(ALL_OPERATORS))


def operators_of(field: FieldType) -> tuple[str, ...]:
	"""The operators that the field offers, in the order to show them."""
	return tuple(op for op in OPERATORS[field.type] if field.can_be_empty or op not in _EMPTY)


def _untyped(value: Any, path: str) -> Any:
	if isinstance(value, list | tuple):
		return tuple(_untyped(one, f"{path}[{i}]") for i, one in enumerate(value))
	if value is not None and not isinstance(value, str | int | float | Decimal | date):
		raise RuleError(path, _("A value is a text, a number, a date or a list of them."))
	return value


def _cast(field: FieldType, operator: str, value: Any, path: str) -> Any:
	if operator in _EMPTY:
		if value not in (None, "") and value != []:
			raise RuleError(path, _("{0} takes no value. Remove it."), operator)
		return None
	if operator in ("last days", "before days"):
		return _integer(value, path, 1, MAX_DAYS)
	if operator not in ("in", "not in", "between"):
		return _one(field, value, path)
	if not isinstance(value, list | tuple):
		raise RuleError(path, _("{0} takes a list of values."), operator)
	if not value:
		raise RuleError(path, _("Give at least one value."))
	if len(value) > MAX_VALUES:
		raise RuleError(path, _("Give at most {0} values."), MAX_VALUES)
	values = tuple(_one(field, one, f"{path}[{i}]") for i, one in enumerate(value))
	if operator == "between":
		if len(values) != 2:
			raise RuleError(path, _("Give two values, from and to."))
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
			raise RuleError(path, _("Give true or false."))
		return bool(value)
	text = _text(value, path)
	if field.choices and text not in field.choices:
		raise RuleError(path, _("Choose one of: {0}."), ", ".join(field.choices))
	return text


def _text(value: Any, path: str) -> str:
	if not isinstance(value, str) or not value.strip():
		raise RuleError(path, _("Give a value."))
	value = value.strip()
	if len(value) > MAX_TEXT:
		raise RuleError(path, _("A value has at most {0} characters. Shorten it."), MAX_TEXT)
	if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in value):
		raise RuleError(path, _("The value holds characters that cannot be typed. Remove them."))
	return value


def _integer(value: Any, path: str, low: int, high: int) -> int:
	number = _number(value, path)
	if number != int(number) or not low <= number <= high:
		raise RuleError(path, _("Give a whole number between {0} and {1}."), low, high)
	return int(number)


def _amount(value: Any, path: str) -> Decimal:
	number = _number(value, path)
	if abs(number) > MAX_NUMBER or number != round(number, 3):
		raise RuleError(path, _("Give a number up to {0} with at most three decimals."), MAX_NUMBER)
	return Decimal(format(number, "f"))  # never as 1E+3, which a database reads as an inexact number


def _number(value: Any, path: str) -> Decimal:
	if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal) or len(str(value)) > 40:
		raise RuleError(path, _("Give a number."))
	try:
		number = Decimal(str(value).strip())
	except InvalidOperation:
		number = Decimal("NaN")
	if not number.is_finite() or abs(number.adjusted()) > 40:
		raise RuleError(path, _("Give a number."))
	return number


def _date(value: Any, path: str) -> date:
	if type(value) is date:
		return value
	try:
		if isinstance(value, str) and len(value) == 10:
			return date.fromisoformat(value)
	except ValueError:
		pass
	raise RuleError(path, _("Give a date that exists as YYYY-MM-DD."))


# Writing


def to_dict(tree: Group) -> dict[str, Any]:
	"""The rule as JSON data, in its one normal form."""
	return {"version": VERSION, **_node_dict(tree)}


def serialise(tree: Group) -> str:
	"""Normalised JSON text of the rule: two rules with the same text mean the same."""
	return json.dumps(to_dict(tree), ensure_ascii=False, separators=(",", ":"))


def _node_dict(node: Node) -> dict[str, Any]:
	if isinstance(node, Group):
		return {node.kind: [_node_dict(child) for child in node.children]}
	data = {"field": node.field, "operator": node.operator}
	if node.operator not in _EMPTY:
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


def conditions(tree: Node, path: str = "") -> Iterator[tuple[str, Condition]]:
	"""All conditions with their paths, in reading order."""
	if isinstance(tree, Condition):
		yield path, tree
		return
	for i, child in enumerate(tree.children):
		yield from conditions(child, f"{path}.{tree.kind}[{i}]" if path else f"{tree.kind}[{i}]")


# Meaning


def text_key(text: str) -> str:
	"""What two equal texts have in common: `STRASSE ` and `straße`, `Köln` and `koln`."""
	decomposed = unicodedata.normalize("NFKD", text.rstrip(" ").casefold())
	return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def letters_key(text: str) -> str:
	"""As `text_key`, but letter by letter: what `contains` and `starts with` compare."""
	return "".join(letter if len(text_key(letter)) != 1 else text_key(letter) for letter in text)


def evaluate(
	tree: Node,
	row: Mapping[str, Any],
	*,
	today: date | None = None,
	within: Callable[[str, str, str], bool] | None = None,
) -> bool:
	"""Does the relation with these field values fit the rule?

	:param tree: as `parse` gives it with the field types.
	:param row: field → value: text, number, date, bool, a set for a field of type `set`, None where missing.
	:param today: what relative dates count from; the machine's date unless given.
	:param within: says whether a field's value stands at or below a node: `(field, value, node)`.
	"""
	if isinstance(tree, Condition):
		return _holds(tree, row.get(tree.field), today or date.today(), within)
	results = (evaluate(child, row, today=today, within=within) for child in tree.children)
	if tree.kind == "all":
		return all(results)
	return any(results) == (tree.kind == "any")


def _holds(
	condition: Condition, value: Any, today: date, within: Callable[[str, str, str], bool] | None
) -> bool:
	operator, wanted = condition.operator, condition.value
	if isinstance(value, set | frozenset | list | tuple):
		return _set_holds(operator, wanted, {text_key(one) for one in value})
	if value is None or value == "":
		return operator == "is empty"
	if operator in _EMPTY:
		return operator == "is not empty"
	if operator in ("within", "not within"):
		below = within(condition.field, value, wanted) if within else text_key(value) == text_key(wanted)
		return below == (operator == "within")
	if operator in ("contains", "not contains"):
		return (letters_key(wanted) in letters_key(value)) == (operator == "contains")
	if operator == "starts with":
		return letters_key(value).startswith(letters_key(wanted))
	if operator == "last days":
		return today - timedelta(days=wanted) <= value <= today
	if operator == "before days":
		return value < today - timedelta(days=wanted)
	if isinstance(value, str):
		value = text_key(value)
		wanted = tuple(map(text_key, wanted)) if isinstance(wanted, tuple) else text_key(wanted)
	return COMPARISONS[operator](value, wanted)


def _set_holds(operator: str, wanted: Any, held: set[str]) -> bool:
	if operator in _EMPTY:
		return bool(held) == (operator == "is not empty")
	wanted = wanted if isinstance(wanted, tuple) else (wanted,)
	overlap = not held.isdisjoint(map(text_key, wanted))
	return overlap == (operator in ("=", "in"))


#: Works on Python values as on columns of a query, but for the operators with lists.
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

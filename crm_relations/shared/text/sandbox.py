"""Render texts with merge fields in a sandbox. Pure Python: imports no frappe.

A text sees nothing but its merge fields: no document, no function of the site. Frappe's own renderer is not
used because its templates may read the database.

A text may contain only what a list allows. Merge fields are single words, so there is nothing to loop over.
Without loops, and with every value bounded, neither time nor memory can grow beyond the size of the text.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jinja2
import jinja2.meta
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from rq.timeouts import JobTimeoutException

#: characters of a text (mail programs cut off longer ones), of a single value in it, and of the rendered text
MAX_SOURCE, MAX_VALUE, MAX_OUTPUT = 100_000, 10_000, 200_000

_NODES = (
	nodes.Template,
	nodes.Output,
	nodes.TemplateData,
	nodes.Name,
	nodes.Const,
	nodes.If,
	nodes.CondExpr,
	nodes.Assign,
	nodes.Filter,
	nodes.Test,
	nodes.Compare,
	nodes.Operand,
	nodes.And,
	nodes.Or,
	nodes.Not,
	nodes.Getattr,
	nodes.Getitem,
	nodes.Slice,
	nodes.Call,
	nodes.Keyword,
	nodes.List,
	nodes.Tuple,
	nodes.Add,
	nodes.Sub,
	nodes.Div,
	nodes.FloorDiv,
	nodes.Neg,
	nodes.Pos,
)
#: no filter that switches escaping off (safe, xmlattr, tojson …) or makes a short text long (center, indent
#: …)
_FILTERS = (
	"abs",
	"capitalize",
	"count",
	"d",
	"default",
	"e",
	"escape",
	"first",
	"float",
	"int",
	"last",
	"length",
	"lower",
	"reverse",
	"round",
	"string",
	"title",
	"trim",
	"truncate",
	"upper",
	"urlencode",
	"wordcount",
)
_METHODS = frozenset(
	"capitalize casefold count endswith find isalpha isdigit islower isupper lower lstrip removeprefix removesuffix"
	" rstrip startswith strip swapcase title upper".split()
)


class TemplateError(ValueError):
	"""A text that cannot be rendered; the message says why."""


class Sandbox(ImmutableSandboxedEnvironment):  # type: ignore[misc]
	"""Sandbox without globals, and without operators and methods that make a small text large."""

	intercepted_binops = frozenset({"+"})

	def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
		if isinstance(left, int | float) and isinstance(right, int | float):
			return left + right
		raise TemplateError("The operator + is not allowed between texts: write {{ a }}{{ b }}")

	def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
		return isinstance(obj, str) and attr in _METHODS and super().is_safe_attribute(obj, attr, value)

	def wrap_str_format(self, value: Any) -> None:
		"""Leave `str.format` to `is_safe_attribute`, which refuses it: a width in it makes a text of any
		size.
		"""

	def call(self, context: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
		return _bounded(super().call(context, function, *args, **kwargs))


def environment(autoescape: bool, finalize: Callable[..., Any] | None = None) -> Sandbox:
	"""Return an environment for texts.

	:param autoescape: the text is HTML, the values are not
	:param finalize: gets each value that is filled in, and returns what is written
	"""
	env = Sandbox(
		autoescape=autoescape,
		undefined=jinja2.StrictUndefined,
		keep_trailing_newline=True,
		finalize=finalize,
	)
	env.globals.clear()
	env.filters = {name: _bounding(env.filters[name]) for name in _FILTERS}
	return env


def _bounded(value: Any) -> Any:
	if isinstance(value, str) and len(value) > MAX_VALUE:
		raise TemplateError(f"A value is longer than {MAX_VALUE} characters")
	return value


def _bounding(function: Callable[..., Any]) -> Callable[..., Any]:
	@functools.wraps(function)  # keeps the mark by which Jinja passes its environment
	def bounded(*args: Any, **kwargs: Any) -> Any:
		return _bounded(function(*args, **kwargs))

	return bounded


class Text:
	"""A text that was parsed and found harmless, ready to be filled in many times."""

	def __init__(self, env: Sandbox, source: str, known: Iterable[str]) -> None:
		"""Parse the text.

		:raises TemplateError: syntax error, unknown merge field, or something that a text may not contain
		"""
		tree = _read(env, source)
		if unknown := _names(tree) - set(known):
			raise TemplateError("unknown merge field " + ", ".join(sorted(unknown)))
		try:
			self._template = env.from_string(source)
		except RecursionError as e:
			raise TemplateError("The text is nested too deeply") from e
		except jinja2.TemplateError as e:
			raise TemplateError(str(e)) from e

	def render(self, fields: Mapping[str, Any]) -> str:
		"""Return the text with its merge fields filled in.

		:raises TemplateError: the text fails for these values, or becomes too long
		"""
		parts: list[str] = []
		length = 0
		try:
			for part in self._template.generate(fields):
				length += len(part)
				if length > MAX_OUTPUT:
					raise TemplateError(f"The text becomes longer than {MAX_OUTPUT} characters")
				parts.append(part)
		except (TemplateError, JobTimeoutException):
			raise
		except Exception as e:  # a template is foreign code: whatever it raises is an error of the text
			raise TemplateError(str(e)) from e
		return "".join(parts)


def names_in(env: Sandbox, source: str) -> set[str]:
	"""Return the merge fields that a text uses.

	:raises TemplateError: syntax error, or something that a text may not contain
	"""
	return _names(_read(env, source))


def _names(tree: nodes.Template) -> set[str]:
	names: set[str] = jinja2.meta.find_undeclared_variables(tree)
	return names


def _read(env: Sandbox, source: str) -> nodes.Template:
	if len(source) > MAX_SOURCE:
		raise TemplateError(f"The text is longer than {MAX_SOURCE} characters")
	try:
		tree = env.parse(source)
		for node in tree.find_all(nodes.Node):
			_check(node)
	except jinja2.TemplateSyntaxError as e:
		raise TemplateError(f"line {e.lineno}: {e.message}") from e
	except RecursionError as e:
		raise TemplateError("The text is nested too deeply") from e
	return tree


def _check(node: nodes.Node) -> None:
	what = ""
	if not isinstance(node, _NODES):
		what = type(node).__name__.lower()
	elif isinstance(node, nodes.Filter) and node.name not in _FILTERS:
		what = f"the filter {node.name}"
	elif isinstance(node, nodes.Filter) and node.node is None:
		what = "a filter without a value"
	elif isinstance(node, nodes.Call) and not isinstance(node.node, nodes.Getattr):
		what = "a call"
	elif isinstance(node, nodes.List | nodes.Tuple) and not all(
		isinstance(item, nodes.Const) for item in node.items
	):
		what = "a list that is not constant"
	if what:
		raise TemplateError(f"line {node.lineno}: not allowed in a text: {what}")


_PLAIN = environment(autoescape=False)


def check_line(source: str, known: Iterable[str]) -> None:
	"""Check a line of plain text.

	:raises TemplateError: it has a syntax error or an unknown merge field
	"""
	Text(_PLAIN, source, known)


def render_line(source: str, fields: Mapping[str, str]) -> str:
	"""Fill in the merge fields of a line of plain text, such as the subject of a task.

	:raises TemplateError: the text fails for these values
	"""
	return " ".join(Text(_PLAIN, source, fields).render(fields).split())

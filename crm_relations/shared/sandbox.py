"""Texts with merge fields that people write: rendered in a sandbox. Pure Python: imports no frappe.

A text sees nothing but its merge fields: no document, no function of the site. That is why Frappe's own renderer,
whose templates may read the database, is not used here.
"""

from collections.abc import Iterable, Mapping

import jinja2
import jinja2.meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from rq.timeouts import JobTimeoutException


class TemplateError(ValueError):
	"""A text that cannot be rendered; the message says why."""


class Sandbox(ImmutableSandboxedEnvironment):
	"""No globals, and no operator that makes a small text large."""

	intercepted_binops = frozenset({"*", "**"})

	def call_binop(self, context, operator, left, right):
		raise TemplateError(f"The operator {operator} is not allowed in a text")


def environment(autoescape: bool) -> Sandbox:
	""":param autoescape: the text is HTML, what is filled in is not."""
	env = Sandbox(autoescape=autoescape, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
	env.globals.clear()
	return env


def compile_text(env: Sandbox, source: str, known: Iterable[str]) -> jinja2.Template:
	"""The text, ready to be filled in.

	:raises TemplateError: syntax error or unknown merge field
	"""
	if unknown := names_in(env, source) - set(known):
		raise TemplateError("unknown merge field " + ", ".join(sorted(unknown)))
	return env.from_string(source)


def names_in(env: Sandbox, source: str) -> set[str]:
	"""Names of merge fields that a text uses.

	:raises TemplateError: syntax error
	"""
	try:
		return jinja2.meta.find_undeclared_variables(env.parse(source))
	except jinja2.TemplateSyntaxError as e:
		raise TemplateError(f"line {e.lineno}: {e.message}") from e


_PLAIN = environment(autoescape=False)


def check_line(source: str, known: Iterable[str]) -> None:
	""":raises TemplateError: the line of plain text has a syntax error or an unknown merge field"""
	compile_text(_PLAIN, source, known)


def render_line(source: str, fields: Mapping[str, str]) -> str:
	"""A line of plain text, such as the subject of a task, with its merge fields filled in.

	:raises TemplateError: the text fails for these values
	"""
	template = compile_text(_PLAIN, source, fields)
	try:
		return " ".join(template.render(fields).split())
	except (TemplateError, JobTimeoutException):
		raise
	except Exception as e:  # a template is foreign code: whatever it raises is an error of the text
		raise TemplateError(str(e)) from e

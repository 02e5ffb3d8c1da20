"""Put values into texts that the desk shows as HTML: errors, messages, comments. No other module does this.

`frappe.throw` sends HTML to the desk. Values come from requests, files, emails and users, so they are escaped
here. A value that is HTML on purpose is passed as `markupsafe.Markup`.
"""

from collections.abc import Iterable
from typing import NoReturn

import frappe
from markupsafe import Markup, escape


def filled(text: str, *values: object) -> str:
	"""Return the translated `text` as HTML; `{0}`, `{1}` … become the values, escaped."""
	return text.format(*map(escape, values))


def refuse(
	text: str,
	*values: object,
	exception: type[Exception] = frappe.ValidationError,
	title: str | None = None,
) -> NoReturn:
	"""Raise `exception` with the translated `text`; `{0}`, `{1}` … become the values, escaped for HTML."""
	frappe.throw(filled(text, *values), exception, title=title)


def refuse_all(texts: Iterable[str], title: str | None = None) -> NoReturn:
	"""Raise a ValidationError that lists several messages, one per line, each escaped for HTML."""
	frappe.throw(Markup("<br>").join(texts), title=title)

"""Keep texts that the app stores in a record, such as the source of a consent, independent of languages.

Records hold the English text. A form or page shows it in the language of its reader. Writes nothing.
"""

import re
from functools import cache

from frappe import _

#: every text that the app stores with a record and shows again, with its placeholders
TEMPLATES = (
	"Decided by {0}",
	"Double opt-in: {0}",
	"Objection: {0}",
	"Old system: {0}",
	"Page of preferences",
	"Recorded by {0}",
	"Reply by email: {0}",
	"Reply by email: {0}. Reviewed by {1}",
	"Request {0}: requested at {1} ({2}), sent at {3}, confirmed at {4} ({5})",
	"Reviewed by {0}",
	"Said on the telephone",
	"Sign-up page",
	"The letter cannot be made: {0}",
	"The task cannot be made: {0}",
	"The worker ended while this message was on its way",
	"Unsubscribe link in an email",
)
_PLACEHOLDER = re.compile(r"\{\d\}")


def shown(text: str | None) -> str:
	"""Return a stored text in the language of the session. A text that the app did not write stays as it is."""
	return "\n".join(_line(line) or line for line in (text or "").split("\n"))


def filled(template: str, *values: str) -> str:
	"""Return the English text to store."""
	return template.format(*values)


def _line(line: str) -> str:
	"""Return the translation of a line, or an empty string for a line that the app did not write."""
	for template, pattern in _patterns():
		if match := pattern.fullmatch(line):
			return _(template).format(*(_line(value) or _(value) for value in match.groups()))
	return ""


@cache
def _patterns() -> tuple[tuple[str, re.Pattern], ...]:
	"""Return templates with patterns that match their filled forms. The longest template comes first."""
	sources = sorted(TEMPLATES, key=len, reverse=True)
	return tuple(
		(source, re.compile("(.*?)".join(map(re.escape, _PLACEHOLDER.split(source))))) for source in sources
	)

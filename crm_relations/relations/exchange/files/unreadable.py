"""Define the error for a file, a row or a cell that cannot be read. Imports no frappe."""

from collections.abc import Callable


class Unreadable(Exception):
	"""A file, or one of its rows or cells, cannot be read; the text says why. `values` fill the placeholders."""

	def __init__(self, text: str, *values: object):
		super().__init__(text)
		self.text, self.values = text, values

	def message(self, translate: Callable[[str], str]) -> str:
		"""Return the reason in the user's language; `translate` is frappe's `_`."""
		return translate(self.text).format(*self.values)


def _(text: str) -> str:
	"""Mark a text for translation; it is translated where it is shown."""
	return text

"""The base of the app's enumerations of states and kinds. Pure Python, imports no frappe.

`enum.StrEnum` needs Python 3.11, and version 15 of Frappe runs on 3.10. Replace this class with it once 3.10 is gone.
"""

from enum import Enum


class State(str, Enum):
	"""One value of a Select field. A member equals its value, and is written to JSON and SQL as that value."""

	__str__ = str.__str__
	__format__ = str.__format__  # type: ignore[assignment]  # a member is written as its value

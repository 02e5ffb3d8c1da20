"""Read PDF files in tests.

If a font kerns or spaces its figures, PDF readers see blanks inside a word ("T ag"). Texts are compared
without any blanks, so that the result does not depend on the fonts of the machine.
"""

import io
import re

from pypdf import PdfReader


def close_up(text: str) -> str:
	"""Return the text without blanks, tabs and line ends."""
	return re.sub(r"\s+", "", text)


class Printed:
	"""The text of a PDF. `"50667 Köln" in Printed(content)` ignores blanks on both sides."""

	def __init__(self, content: bytes) -> None:
		reader = PdfReader(io.BytesIO(content))
		self.pages = len(reader.pages)
		self.text = close_up("".join(page.extract_text() for page in reader.pages))

	def __contains__(self, text: str) -> bool:
		return close_up(text) in self.text

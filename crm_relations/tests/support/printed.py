"""Reading PDF in tests. Where a font kerns or spaces its figures, readers of PDF see blanks inside a word ("T ag"), so
texts are compared without any blanks: whatever fonts the machine has, the result is the same."""

import io
import re

from pypdf import PdfReader


def close_up(text: str) -> str:
	"""The text without blanks, tabs and line ends."""
	return re.sub(r"\s+", "", text)


class Printed:
	"""What a PDF says. `"50667 Köln" in Printed(content)` ignores blanks on both sides."""

	def __init__(self, content: bytes) -> None:
		reader = PdfReader(io.BytesIO(content))
		self.pages = len(reader.pages)
		self.text = close_up("".join(page.extract_text() for page in reader.pages))

	def __contains__(self, text: str) -> bool:
		return close_up(text) in self.text

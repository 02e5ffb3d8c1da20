"""HTML as PDF, by WeasyPrint, which Frappe brings. It may load nothing from the net or the disk: images are embedded."""

from typing import Any


def from_html(html: str) -> bytes:
	"""The PDF of a page.

	:raises ImportError, OSError: WeasyPrint lacks libraries of the system
	"""
	import weasyprint  # not at the top: loading it needs system libraries that a server may not have

	def fetch(url: str, *args: Any, **kwargs: Any) -> Any:
		if not url.startswith("data:"):
			raise ValueError("Only embedded images are printed")
		return weasyprint.default_url_fetcher(url, *args, **kwargs)

	return weasyprint.HTML(string=html, url_fetcher=fetch).write_pdf()

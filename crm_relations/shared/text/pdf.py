"""Turn HTML into PDF with WeasyPrint, which Frappe installs. It may load nothing from the network or the
disk.

Images are embedded. The font families are named here, so that a page looks the same wherever one of them is
installed. The first four have the same widths, and DejaVu Sans has the letters that they lack.
`scripts/quickstart` installs Liberation and DejaVu.
"""

import io
from typing import Any

#: for `font-family` and `font` of every page that is printed
FONT_FAMILIES = "'Liberation Sans', Arimo, Arial, Helvetica, 'DejaVu Sans', sans-serif"
#: names in a PDF of the font families that the layout is made for; the others are a fallback
WANTED = ("Liberation-Sans", "Arimo", "Arial", "Helvetica")

_SPECIMEN = f'<p style="font-family: {FONT_FAMILIES}">Äußerung, 1.234,56 €</p>'


def from_html(html: str) -> bytes:
	"""Return the PDF of a page.

	:raises ImportError, OSError: WeasyPrint lacks libraries of the system
	"""
	import weasyprint  # imported here: loading it needs system libraries that a server may lack

	def fetch(url: str, *args: Any, **kwargs: Any) -> Any:
		if not url.startswith("data:"):
			raise ValueError("Only embedded images are printed")
		return weasyprint.default_url_fetcher(url, *args, **kwargs)

	pdf: bytes = weasyprint.HTML(string=html, url_fetcher=fetch).write_pdf()
	return pdf


def fonts_in(content: bytes) -> set[str]:
	"""Return the fonts that a PDF embeds, without the prefix of a subset, as `Liberation-Sans-Bold`."""
	from pypdf import PdfReader

	fonts: set[str] = set()
	for page in PdfReader(io.BytesIO(content)).pages:
		for font in page["/Resources"].get("/Font", {}).values():
			fonts.add(str(font.get_object()["/BaseFont"]).lstrip("/").split("+")[-1])
	return fonts


def fonts_of_this_machine() -> set[str]:
	"""Return the fonts that German text with figures is printed in here; empty if the machine has none.

	:raises ImportError, OSError: WeasyPrint lacks libraries of the system
	"""
	return fonts_in(from_html(_SPECIMEN))

"""Reduce HTML that people write (emails, letters, call scripts) to what an email needs. Imports no frappe.

A text that is plain keeps no markup. Frappe's own filter is not used: it leaves texts alone that are valid
JSON, drops telephone links, and its result differs between versions 15 and 16.
"""

import re
from collections import Counter
from functools import lru_cache

import tinycss2
from bleach.sanitizer import Cleaner

from crm_relations.shared.text.sandbox import TemplateError

#: depth of nested elements; the time of the parser grows with its square
MAX_DEPTH = 300

_TAGS = frozenset(
	"a abbr address b big blockquote br caption center cite code col colgroup dd del div dl dt em figcaption figure font"
	" h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s section small span strike strong sub sup table tbody td"
	" tfoot th thead time tr tt u ul wbr".split()
)
_ATTRIBUTES = frozenset(
	"align alt abbr background bgcolor border cellpadding cellspacing cite class color cols colspan datetime dir face"
	" headers height href hspace id lang name nowrap rel reversed role rowspan scope size span src start style"
	" summary target title type valign value vspace width".split()
)
_PROTOCOLS = frozenset(["http", "https", "mailto", "tel", "sms", "cid"])
#: families of CSS properties that change how a text looks, but neither cover the page around it nor run
#: anything
_PROPERTY = re.compile(
	r"-?(?:background|border|caption|color|column|cursor|direction|display|empty-cells|flex|float|clear|font|gap|grid"
	r"|height|hyphens|justify|align|letter|line|list|margin|max|min|mso|opacity|order|orphans|outline|overflow|padding"
	r"|page|quotes|table|text|unicode|vertical|visibility|white|widows|width|word|box|border-collapse|-webkit-text"
	r"|-ms-text|break)(?:-[a-z-]+)?"
)
#: functions and texts in CSS with which old programs load or run something
_ACTIVE_CSS = re.compile(r"expression|javascript|vbscript|behavio|-moz-binding|\\", re.IGNORECASE)
#: elements that are removed with all they contain; other elements that are not allowed leave their text
_WITH_CONTENT = re.compile(
	r"<(script|style|template|iframe|noscript|object|xmp|noembed|noframes|title|textarea)\b[^<>]*>.*?(?:</\1\s*>|\Z)",
	re.IGNORECASE | re.DOTALL,
)
_ELEMENT = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
#: elements that are empty, or end where the next of their kind begins
_NOT_NESTED = frozenset(
	"area br col dd dt hr img input li option p source tbody td tfoot th thead tr wbr".split()
)
_TAG = re.compile(r"<([a-zA-Z/!?][^<>]*)>")
_TAG_START = re.compile(r"(?:<|&lt;|&#0{0,6}60;|&#x0{0,6}3c;)(?=[a-zA-Z/!?])", re.IGNORECASE)


class _Styles:
	"""The part of bleach's CSSSanitizer that the Cleaner calls."""

	def sanitize_css(self, style: str) -> str:
		return _clean_style(style)


@lru_cache(maxsize=512)
def _clean_style(style: str) -> str:
	declarations = tinycss2.parse_declaration_list(style, skip_comments=True, skip_whitespace=True)
	kept = [row for row in declarations if row.type == "declaration" and _is_harmless(row)]
	if len(kept) == len(declarations) and "/*" not in style:
		return style
	return "; ".join(row.serialize() for row in kept)


def _is_harmless(row: tinycss2.ast.Declaration) -> bool:
	return bool(_PROPERTY.fullmatch(row.lower_name)) and not _ACTIVE_CSS.search(
		"".join(row.serialize().split())
	)


def _may_stand(_tag: str, name: str, _value: str) -> bool:
	return name in _ATTRIBUTES or name.startswith(("data-list", "aria-"))


_CLEANER = Cleaner(
	tags=_TAGS,
	attributes=_may_stand,
	protocols=_PROTOCOLS,
	strip=True,
	strip_comments=True,
	css_sanitizer=_Styles(),
)


@lru_cache(maxsize=16)
def clean_html(source: str) -> str:
	"""Return HTML that runs nothing: unknown tags, event handlers, and addresses such as `javascript:` are
	removed.

	Headings, tables, pictures, links (web, email, telephone) and the usual styles remain.

	:raises TemplateError: elements are nested deeper than `MAX_DEPTH`
	"""
	_check_depth(source)
	cleaned: str = _CLEANER.clean(_WITH_CONTENT.sub("", source))
	return cleaned


def plain(text: str) -> str:
	"""Return a text that no browser reads as markup: `<a@b.de> refused, 3 < 5` → `‹a@b.de› refused, 3 < 5`."""
	if "<" not in text and "&" not in text:
		return text
	return _TAG_START.sub("‹", _TAG.sub(r"‹\1›", text))


def _check_depth(source: str) -> None:
	opened: Counter[str] = Counter()
	depth = 0
	for closing, name in _ELEMENT.findall(source):
		name = name.lower()
		if name in _NOT_NESTED or (closing and not opened[name]):
			continue
		step = -1 if closing else 1
		opened[name] += step
		depth += step
		if depth > MAX_DEPTH:
			raise TemplateError(f"More than {MAX_DEPTH} elements are inside one another")

"""Compile a campaign text as a template: merge fields in a sandbox, links to be counted, and a plain text
part. Pure Python: imports no frappe. Writes nothing.

Templates see only the merge fields: no document and no function of the site. Frappe's own renderer is not
used, because its templates may read the database.
"""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from jinja2 import Environment, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from crm_relations.campaigns.content.css_inlining import inline
from crm_relations.shared.text.markup import clean_html
from crm_relations.shared.text.sandbox import MAX_SOURCE, TemplateError, Text, environment, names_in

MERGE_FIELDS = ("name", "first_name", "last_name", "salutation", "organisation", "unsubscribe_url")

#: what the frame around the text uses in addition to the merge fields
_FRAME_FIELDS = (
	"subject",
	"imprint",
	"unsubscribe_label",
	"language",
	"preferences_url",
	"preferences_label",
	"picture_url",
)

_BRACES = (("{{", "}}"), ("{%", "%}"))
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_ANCHOR = re.compile(r"(<a\b[^<>]*?\bhref\s*=\s*)(\"[^\"]*\"|'[^']*')", re.IGNORECASE | re.DOTALL)
_ROOTED_IMAGE = re.compile(r"(<img\b[^<>]*?\bsrc\s*=\s*[\"'])/(?!/)", re.IGNORECASE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
#: opens no tag; the parser would search for its end again and again
_STRAY = re.compile(r"<(?![^<>]*>)")

_FRAME = (
	'<!doctype html>\n<html lang="{{ language }}"><head><meta charset="utf-8">'
	'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{{ subject }}</title></head>\n'
	'<body style="margin:0;padding:24px 12px;background:#f4f5f6;font-family:Helvetica,Arial,sans-serif;'
	'font-size:15px;line-height:1.5;color:#1f272e">\n'
	'<div style="max-width:600px;margin:0 auto;padding:24px;background:#ffffff;border-radius:8px">\n'
)
_FRAME_END = (
	"\n</div>\n"
	'<div style="max-width:600px;margin:16px auto 0;font-size:12px;color:#687178;text-align:center">\n'
	"{% for line in imprint %}{{ line }}<br>\n{% endfor %}"
	'<a href="{{ unsubscribe_url }}" style="color:#687178">{{ unsubscribe_label }}</a>'
	'{% if preferences_url %} · <a href="{{ preferences_url }}" style="color:#687178">{{ preferences_label }}</a>{% endif %}\n'
	'</div>{% if picture_url %}<img src="{{ picture_url }}" width="1" height="1" alt="" style="display:block">{% endif %}'
	"</body></html>\n"
)
_TEXT_END = (
	"\n\n-- \n{% for line in imprint %}{{ line }}\n{% endfor %}{{ unsubscribe_label }}: {{ unsubscribe_url }}\n"
	"{% if preferences_url %}{{ preferences_label }}: {{ preferences_url }}\n{% endif %}"
)


#: stands for the link with this index until the text has been cleaned
_PLACE = "https://link-{0}.invalid/"
_UNSUBSCRIBE_PLACE = _PLACE.format("u")
_PLACES = re.compile(r"https://link-(\d+|u)\.invalid/")
#: characters for private use, which no text needs; they stand for a value until the text has been cleaned
_PRIVATE = {0xE000: None, 0xE001: None}
_MARKS = re.compile("\ue000(\\d+)\ue001")


@pass_context  # type: ignore[untyped-decorator]
def _mark(context: Context, value: object) -> object:
	"""Store a value, escaped, and return a mark for it; links have their own marks."""
	if isinstance(value, str) and _PLACES.fullmatch(value):
		return value
	if value == context["unsubscribe_url"]:
		return _UNSUBSCRIBE_PLACE
	values = context["values_aside"]
	values.append(escape(value))
	return Markup(f"\ue000{len(values) - 1}\ue001")


_HTML = environment(autoescape=True)
_BODY = environment(autoescape=True, finalize=_mark)
_TEXT = environment(autoescape=False)
#: for the frame only, which we write
_OWN = {
	autoescape: Environment(autoescape=autoescape, undefined=StrictUndefined, keep_trailing_newline=True)
	for autoescape in (True, False)
}


@dataclass(frozen=True)
class Rendered:
	"""One message. `links` holds the targets of the counted links, by index."""

	subject: str
	html: str
	text: str
	links: list[str]
	content: str  # the text as the customer file shows it: no frame, the links as they were written


class MailTemplate:
	"""Subject and message of an email step: styles inlined and text compiled once, rendered for each member."""

	def __init__(self, subject: str, message: str, base_url: str = "") -> None:
		"""Compile subject and message.

		:raises TemplateError: syntax error or unknown merge field.
		"""
		inlined, rest = inline(_clean(message))
		body, targets = _split_links(inlined, base_url)
		known = [*MERGE_FIELDS, *_FRAME_FIELDS, *(f"link_{i}" for i in range(len(targets)))]
		self.subject = Text(_TEXT, _clean(subject), MERGE_FIELDS)
		self.body = Text(_BODY, body, known)
		self.text = Text(_TEXT, to_text(body), known)
		self.targets = [Text(_TEXT, target, MERGE_FIELDS) for target in targets]
		head = _FRAME.replace("</head>", f"<style>{rest}</style></head>") if rest else _FRAME
		self.frame = _OWN[True].from_string(head + "{{ body }}" + _FRAME_END)
		self.text_end = _OWN[False].from_string(_TEXT_END)

	def render(
		self,
		fields: Mapping[str, str],
		link: Callable[[int], str],
		imprint: str = "",
		unsubscribe_label: str = "Unsubscribe",
		language: str = "en",
		preferences: tuple[str, str] = ("", ""),
		picture_url: str = "",
	) -> Rendered:
		"""Fill in the merge fields of one member.

		:param link: index of a counted link → the address that replaces it.
		:param preferences: address and label of the page where the reader chooses what to get; empty: no
			link.
		:param picture_url: the picture that measures opens; empty: none.
		:raises TemplateError: the text fails for this member.
		"""
		subject = " ".join(self.subject.render(fields).split())
		links = [
			quote(target.render(fields).strip(), safe="/:?#[]@!$&'()*+,;=%~-._") for target in self.targets
		]
		values = {
			**fields,
			"subject": subject,
			"imprint": [line.strip() for line in imprint.splitlines() if line.strip()],
			"unsubscribe_label": unsubscribe_label,
			"language": language,
			"preferences_url": preferences[0],
			"preferences_label": preferences[1],
			"picture_url": picture_url,
		}
		short = [link(i) for i in range(len(links))]
		places = {f"link_{i}": _PLACE.format(i) for i in range(len(links))}
		body = self._cleaned(values | places)
		text = self.text.render(values | {f"link_{i}": url for i, url in enumerate(short)})
		return Rendered(
			subject=subject,
			html=self.frame.render(values, body=Markup(_put_links(body, short, fields["unsubscribe_url"]))),
			text=text + self.text_end.render(values),
			links=links,
			content=_put_links(body, links, fields["unsubscribe_url"]),
		)

	def _cleaned(self, values: Mapping[str, Any]) -> str:
		"""Return the body, cleaned after it is filled in: only then is the markup complete.

		Cleaning takes a hundred times as long as filling in. So it runs once for each form that the text
		takes, with marks for the values. The values are escaped, and may stand wherever text stands.
		"""
		aside: list[Markup] = []
		form = self.body.render({**values, "values_aside": aside})
		cleaned, only_in_text = _clean_form(form)
		if only_in_text:
			return _put_values(cleaned, aside)
		return clean_html(
			_put_values(form, aside)
		)  # a value in an attribute may be an address such as javascript:


def render_html(source: str, fields: Mapping[str, str]) -> str:
	"""Return a single text, such as a call script, with the merge fields filled in and escaped; runs no code.

	:raises TemplateError: the text cannot be read, or fails for these values
	"""
	inlined, _rest = inline(_clean(source))
	return clean_html(Text(_HTML, inlined, MERGE_FIELDS).render(fields))


@lru_cache(maxsize=64)
def _clean_form(form: str) -> tuple[str, bool]:
	"""Return the cleaned form of a text, and whether all marks stand in text and none in an attribute."""
	cleaned = clean_html(form)
	finder = _AttributeFinder()
	finder.feed(cleaned)
	finder.close()
	return cleaned, not finder.marked


class _AttributeFinder(HTMLParser):
	"""Notes whether a mark stands in a tag."""

	marked = False

	def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
		self.marked = self.marked or "\ue000" in (self.get_starttag_text() or "")


def _put_values(text: str, aside: list[Markup]) -> str:
	def value(match: re.Match[str]) -> str:
		index = int(match.group(1))
		return str(aside[index]) if index < len(aside) else ""

	return _MARKS.sub(value, text)


def _put_links(body: str, links: list[str], unsubscribe_url: str) -> str:
	def target(match: re.Match[str]) -> str:
		index = match.group(1)
		if index == "u":
			return html.escape(unsubscribe_url)
		return html.escape(links[int(index)]) if int(index) < len(links) else match.group()

	return _PLACES.sub(target, body)


def used_fields(source: str) -> set[str]:
	"""Return the names of the merge fields that a text uses.

	:raises TemplateError: syntax error.
	"""
	return names_in(_TEXT, _clean(source))


def _clean(source: str | None) -> str:
	"""Undo what an editor does inside merge tags: entities, hard spaces, formatting."""

	def tag(match: re.Match[str]) -> str:
		return html.unescape(re.sub(r"<[^<>]+>", "", match.group())).replace("\xa0", " ")

	source = (source or "").translate(_PRIVATE)
	if len(source) > MAX_SOURCE or any(source.rfind(end) < source.rfind(begin) for begin, end in _BRACES):
		names_in(_TEXT, source)  # names the position; a search for the missing end would take quadratic time
		raise TemplateError("a brace is not closed")
	return _TAG.sub(tag, source)


def _is_web(target: str) -> bool:
	try:
		return urlsplit(target).scheme.lower() in ("http", "https")
	except ValueError as e:
		raise TemplateError(f"{target}: {e}") from e


def _split_links(source: str, base_url: str) -> tuple[str, list[str]]:
	"""Replace web links by `{{ link_0 }}` …; the targets are returned as templates."""
	targets: list[str] = []

	def anchor(match: re.Match[str]) -> str:
		target = html.unescape(match.group(2)[1:-1]).strip()
		if "%7B%7B" in target.upper():
			target = unquote(target)
		target = _clean(target)
		if target.startswith("/") and not target.startswith("//"):
			target = base_url.rstrip("/") + target
		if not _is_web(target):
			quoted = target if _TAG.search(target) else html.escape(target)
			return f'{match.group(1)}"{quoted}"'  # mailto, tel, an anchor, the unsubscribe link
		targets.append(target)
		return f'{match.group(1)}"{{{{ link_{len(targets) - 1} }}}}"'

	source = _ROOTED_IMAGE.sub(lambda match: match.group(1) + base_url.rstrip("/") + "/", source)
	return _ANCHOR.sub(anchor, source), targets


class _TextBuilder(HTMLParser):
	"""Readable plain text of simple HTML: paragraphs, lists, links with their addresses."""

	BLOCKS = frozenset({"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote"})
	HIDDEN = frozenset({"style", "script", "head", "title"})

	def __init__(self) -> None:
		super().__init__(convert_charrefs=True)
		self.parts: list[str] = []
		self.links: list[tuple[str, int]] = []
		self.hidden = 0

	def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
		values = dict(attrs)
		if tag in self.HIDDEN:
			self.hidden += 1
		elif tag == "br":
			self.parts.append("\n")
		elif tag == "li":
			self.parts.append("\n- ")
		elif tag == "tr":
			self.parts.append("\n")
		elif tag == "a":
			self.links.append((values.get("href") or "", len(self.parts)))
		elif tag == "img" and (described := values.get("alt")):
			self.parts.append(described)
		elif tag in self.BLOCKS:
			self.parts.append("\n\n")

	def handle_endtag(self, tag: str) -> None:
		if tag in self.HIDDEN:
			self.hidden = max(0, self.hidden - 1)
		elif tag == "a" and self.links:
			href, start = self.links.pop()
			if href and href != "".join(self.parts[start:]).strip():
				self.parts.append(f" <{href}>")
		elif tag in self.BLOCKS:
			self.parts.append("\n\n")

	def handle_data(self, data: str) -> None:
		if not self.hidden:
			self.parts.append(re.sub(r"\s+", " ", data))


def to_text(source: str) -> str:
	"""Return the plain text of an HTML template; its merge tags stay unchanged."""
	tags: list[str] = []

	def keep(match: re.Match[str]) -> str:
		tags.append(match.group())
		return f"\x02{len(tags) - 1}\x03"  # a tag may hold characters that have a meaning in HTML

	marked = _TAG.sub(keep, source)
	if marked.rfind("<!--") < marked.rfind("-->"):
		marked = _COMMENT.sub("", marked)
	builder = _TextBuilder()
	builder.feed(_STRAY.sub("&lt;", marked))
	builder.close()
	text = "".join(builder.parts)
	text = re.sub(r"[ \t]*\n[ \t]*", "\n", text)
	text = re.sub(r"\n{3,}", "\n\n", text).strip()
	return re.sub("\x02(\\d+)\x03", lambda match: tags[int(match.group(1))], text)

"""Inline the styles of an email into its tags, as many email programs drop `<style>`. Pure Python, imports
no frappe. Writes nothing.

Each content is processed once, before the merge fields are filled in; they pass through unchanged.
"""

import logging
import re

from rq.timeouts import JobTimeoutException

from crm_relations.shared.text.sandbox import TemplateError

_STYLE = re.compile(r"<style\b", re.IGNORECASE)
_MERGE_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_REST = re.compile(r"<style\b[^>]*>(.*?)</style>", re.IGNORECASE | re.DOTALL)
_BODY = re.compile(r"<body\b([^>]*)>(.*)</body>", re.IGNORECASE | re.DOTALL)
_BODY_STYLE = re.compile(r"style=\"([^\"]*)\"")


def inline(content: str) -> tuple[str, str]:
	"""Return (content, rest): the content without `<style>`, its rules in their tags; and as CSS for the
	head of the email what cannot stand in a tag, such as rules for small screens.

	Nothing is loaded from the network or the disk.

	:raises TemplateError: the styles cannot be read
	"""
	if not _STYLE.search(content):
		return content, ""
	from premailer import Premailer  # not at the top: loading it takes 0.2 s, and most texts have no styles

	tags: list[str] = []
	mark = "mergetag"
	while mark in content:
		mark += "g"

	def keep(match: re.Match[str]) -> str:
		if "{{" in match.group()[2:]:
			raise TemplateError(f"{match.group()[:40]}: a brace is not closed")
		tags.append(match.group())
		return f"{mark}{len(tags) - 1}x"

	def put_back(text: str) -> str:
		return re.sub(f"{mark}(\\d+)x", lambda match: tags[int(match.group(1))], text)

	marked = _MERGE_TAG.sub(keep, content)
	try:
		document = Premailer(
			f"<html><head></head><body>{marked}</body></html>",
			allow_network=False,
			allow_loading_external_files=False,
			keep_style_tags=False,
			remove_unset_properties=False,
			strip_important=False,
			disable_validation=True,
			cssutils_logging_level=logging.CRITICAL,
		).transform()
	except JobTimeoutException:
		raise
	except Exception as e:  # cssutils, lxml and premailer each raise their own errors
		raise TemplateError(f"<style>: {e}") from e
	body = _BODY.search(document)
	if not body:
		raise TemplateError("<style>: the text has no content beside it")
	rest = "\n".join(css.strip() for css in _REST.findall(document) if css.strip())
	inner = _REST.sub("", body.group(2)).strip()
	if own := _BODY_STYLE.search(body.group(1)):  # rules for body: the frame around the text has its own
		inner = f'<div style="{own.group(1)}">{inner}</div>'
	return put_back(inner), put_back(_harmless(rest))


def _harmless(css: str) -> str:
	"""Return CSS that a template treats as nothing but text."""
	for sign in ("{{", "}}", "{%", "%}", "{#", "#}"):
		css = css.replace(sign, f"{sign[0]} {sign[1]}")
	return css

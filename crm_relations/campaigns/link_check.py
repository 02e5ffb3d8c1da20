"""Are the links of a text broken? Looks at how they are written, and asks the web server behind them.

Only addresses of the public internet are asked, with HEAD, a few of them and for a short time: a check must neither
count as a click nor be a way to look into the network of the site.
"""

import html
import ipaddress
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests
from frappe import _

_HREF = re.compile(r"<a\b[^>]*?\bhref\s*=\s*(\"[^\"]*\"|'[^']*')", re.IGNORECASE | re.DOTALL)
_ASKED = 8
_SECONDS = 3
#: answers of servers that do not like HEAD, or programs
_NOT_BROKEN = frozenset({401, 403, 405, 406, 429, 501})


def broken(text: str, base_url: str, ask: bool = False) -> Iterator[tuple[str, str]]:
	"""(link, what is wrong with it) of the links of an HTML text; those with merge fields are left alone.

	:param ask: ask the servers too
	"""
	seen: set[str] = set()
	for match in _HREF.finditer(text):
		url = html.unescape(match[1][1:-1]).strip()
		if url in seen or url.startswith(("mailto:", "tel:")) or "{{" in url or "%7B%7B" in url.upper():
			continue
		seen.add(url)
		if url.startswith("/") and not url.startswith("//"):
			url = base_url.rstrip("/") + url
		if why := _written_wrong(url) or (ask and len(seen) <= _ASKED and _asked(url)) or "":
			yield url, why


def _written_wrong(url: str) -> str:
	try:
		parts = urlsplit(url)
		parts.port  # noqa: B018 - raises where it is no number
	except ValueError as e:
		return str(e)
	if not url or url == "#":
		return _("it leads nowhere")
	if parts.scheme.lower() not in ("http", "https"):
		return _("it does not begin with https://")
	if not parts.hostname or any(character.isspace() for character in url):
		return _("it is no address")
	return ""


def _asked(url: str) -> str:
	"""What the server says; empty if all is well, or if nobody may ask it."""
	host = urlsplit(url).hostname or ""
	try:
		addresses = {info[4][0] for info in socket.getaddrinfo(host, None)}
	except (OSError, UnicodeError):
		return _("there is no server of this name")
	if not all(ipaddress.ip_address(address).is_global for address in addresses):
		return ""
	try:
		status = requests.head(url, timeout=_SECONDS, allow_redirects=False).status_code
	except requests.RequestException:
		return _("the server does not answer")
	return "" if status < 400 or status in _NOT_BROKEN else _("the server answers {0}").format(status)

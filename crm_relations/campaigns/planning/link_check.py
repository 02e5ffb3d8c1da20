"""Find broken links of a text, by their form and by asking the web servers. Writes nothing.

Only addresses of the public internet are asked, with HEAD, a few of them and for a short time. A check must
not count as a click, and must not reveal the network of the site.
"""

import html
import ipaddress
import re
import socket
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

import requests.certs
import urllib3
from frappe import _

_HREF = re.compile(r"<a\b[^<>]*?\bhref\s*=\s*(\"[^\"]*\"|'[^']*')", re.IGNORECASE | re.DOTALL)
_ASKED = 8
_SECONDS = 3
#: addresses in which a gateway carries IPv4
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: answers of servers that do not accept HEAD, or programs
_NOT_BROKEN = frozenset({401, 403, 405, 406, 429, 501})


def broken(text: str, base_url: str, ask: bool = False) -> Iterator[tuple[str, str]]:
	"""Yield (link, problem) of the links of an HTML text; links with merge fields are skipped.

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
		parts.port  # noqa: B018 - raises if it is not a number
	except ValueError as e:
		return str(e)
	if not url or url == "#":
		return _("it leads nowhere")
	if parts.scheme.lower() not in ("http", "https"):
		return _("it does not begin with https://")
	if not parts.hostname or any(character.isspace() for character in url):
		return _("it is not an address")
	return ""


def _asked(url: str) -> str:
	"""Return the problem that the server reports; empty if there is none, or if the server must not be
	asked.
	"""
	parts = urlsplit(url)
	try:
		found = socket.getaddrinfo(parts.hostname or "", None)
	except (OSError, UnicodeError):
		return _("no server has this name")
	addresses = list(dict.fromkeys(info[4][0] for info in found))
	if not all(map(_is_public, addresses)):
		return ""
	try:
		status = _head(parts, addresses[0])
	except (urllib3.exceptions.HTTPError, UnicodeError):
		return _("the server does not answer")
	return "" if status < 400 or status in _NOT_BROKEN else _("the server answers {0}").format(status)


def _is_public(address: str) -> bool:
	"""Tell whether an address belongs to the public internet, also inside the forms in which IPv6 carries
	IPv4.
	"""
	ip = ipaddress.ip_address(address.partition("%")[0])
	if isinstance(ip, ipaddress.IPv6Address):
		inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
		if ip in _NAT64:
			inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
		if inner:
			return _is_public(str(inner))
	return ip.is_global and not ip.is_multicast


def _head(parts: SplitResult, address: str) -> int:
	"""Ask the checked address itself: a second lookup of the name might lead into the network of the site."""
	options = {"timeout": urllib3.Timeout(connect=_SECONDS, read=_SECONDS), "retries": False, "maxsize": 1}
	if parts.scheme.lower() == "https":
		pool = urllib3.HTTPSConnectionPool(
			address,
			parts.port or 443,
			server_hostname=parts.hostname,
			assert_hostname=parts.hostname,
			cert_reqs="CERT_REQUIRED",
			ca_certs=requests.certs.where(),
			**options,
		)
	else:
		pool = urllib3.HTTPConnectionPool(address, parts.port or 80, **options)
	path = urllib3.util.parse_url(parts.geturl()).request_uri
	with pool:
		host = parts.netloc.rpartition("@")[2].encode("idna").decode()
		return pool.request("HEAD", path, headers={"Host": host}, redirect=False).status
